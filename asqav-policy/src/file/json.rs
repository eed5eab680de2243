//! Reads JSON: the strict reader of receipts judges the text, then a second
//! pass notes where everything stands.

use asqav_receipt::json::Json;

use super::tree::{Kind, Member, Node, check_depth, syntax};
use crate::error::Fault;

pub(super) fn read(text: &str) -> Result<Node, Fault> {
    Json::parse(text.as_bytes()).map_err(|error| syntax(error.offset, &error.kind.to_string()))?;
    let mut places = Places { text, at: 0 };
    places.value(1)
}

/// A text that the strict reader has taken, and how far it was walked.
struct Places<'t> {
    text: &'t str,
    at: usize,
}

impl Places<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, Fault> {
        let at = self.skip_space();
        check_depth(depth, at)?;
        let kind = match self.byte() {
            Some(b'{') => Kind::Table(self.members(depth)?),
            Some(b'[') => Kind::Array(self.items(depth)?),
            Some(b'"') => Kind::String(self.string()?),
            _ => self.scalar()?,
        };
        Ok(Node { at, kind })
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Member>, Fault> {
        let mut members = Vec::new();
        while self.goes_on(b'}') {
            let at = self.skip_space();
            let key = self.string()?;
            self.skip_space();
            self.at += 1; // the colon
            members.push(Member { key, at, value: self.value(depth + 1)? });
        }
        Ok(members)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        while self.goes_on(b']') {
            items.push(self.value(depth + 1)?);
        }
        Ok(items)
    }

    /// Steps over the opening bracket or a comma; `false` behind `close`.
    fn goes_on(&mut self, close: u8) -> bool {
        self.skip_space();
        if self.byte() != Some(close) {
            self.at += 1;
            self.skip_space();
        }
        let more = self.byte().is_some_and(|byte| byte != close);
        self.at += usize::from(!more);
        more
    }

    fn string(&mut self) -> Result<String, Fault> {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.byte() {
            self.at += if byte == b'\\' { 2 } else { 1 };
            if byte == b'"' {
                break;
            }
        }
        match self.parsed(start)? {
            Json::String(text) => Ok(text),
            _ => Err(syntax(start, "not a string")),
        }
    }

    fn scalar(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            self.at += 1;
        }
        Ok(match self.parsed(start)? {
            Json::Bool(value) => Kind::Boolean(value),
            Json::Integer(integer) => Kind::Integer(Some(integer)),
            Json::Float(float) => Kind::Float(float),
            _ => Kind::Null,
        })
    }

    /// The value from `start` to here.
    fn parsed(&self, start: usize) -> Result<Json, Fault> {
        let text = self.text.get(start..self.at).unwrap_or_default();
        Json::parse(text.as_bytes()).map_err(|error| syntax(start, &error.kind.to_string()))
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) -> usize {
        while self.byte().is_some_and(|byte| b" \t\r\n".contains(&byte)) {
            self.at += 1;
        }
        self.at
    }
}
