//! Reads YAML 1.2, as far as all its readers agree on what a text means.
//!
//! Refused: anchors, aliases, merge keys, tags, several documents, duplicate
//! keys, and plain words that are a text to one reader and a boolean, a number
//! or nothing to another (`no`, `on`, `~`, `0x1f`, `1_000`, `12:30`): they need
//! quotes.

use std::collections::HashSet;

use asqav_receipt::json::Json;
use asqav_receipt::time::Timestamp;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};

use super::tree::{Kind, Member, Node, check_depth, syntax};
use crate::error::{Fault, quote};

pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let offsets = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut reader = Reader { parser: Parser::new_from_str(text), offsets };
    reader.until_document()?;
    let (event, at) = reader.next()?;
    let node = reader.node(event, at, 1)?;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(node),
            (Event::DocumentEnd, _) => {}
            (_, at) => return Err(syntax(at, "a second document in one file")),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// The byte at which each character begins: the parser counts characters.
    offsets: Vec<usize>,
}

impl<'t> Reader<'t> {
    fn until_document(&mut self) -> Result<(), Fault> {
        loop {
            match self.next()? {
                (Event::DocumentStart(_), _) => return Ok(()),
                (Event::StreamEnd, at) => return Err(syntax(at, "the file is empty")),
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, usize), Fault> {
        match self.parser.next_event() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, self.offset(start))),
            Some(Err(error)) => Err(syntax(self.offset(*error.marker()), error.info())),
            None => Err(syntax(self.offsets.last().copied().unwrap_or(0), "unexpected end")),
        }
    }

    fn offset(&self, marker: Marker) -> usize {
        self.offsets.get(marker.index()).or(self.offsets.last()).copied().unwrap_or(0)
    }

    fn node(&mut self, event: Event<'t>, at: usize, depth: usize) -> Result<Node, Fault> {
        check_depth(depth, at)?;
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            Event::Alias(_) => return Err(syntax(at, "aliases are not taken: write the value out")),
            _ => return Err(syntax(at, "a value is missing")),
        };
        if anchor != 0 {
            return Err(syntax(at, "anchors are not taken"));
        }
        if tag {
            return Err(syntax(at, "tags are not taken"));
        }
        let kind = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty() => {
                return Err(syntax(at, "a value is missing: write it, or `null`"));
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) => {
                plain(&text).map_err(|why| syntax(at, &format!("`{}` {why}", quote(&text))))?
            }
            Event::Scalar(text, ..) => Kind::String(text.into_owned()),
            Event::SequenceStart(..) => Kind::Array(self.items(depth)?),
            _ => Kind::Table(self.members(depth)?),
        };
        Ok(Node { at, kind })
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, at) => items.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn members(&mut self, depth: usize) -> Result<Vec<Member>, Fault> {
        let (mut members, mut known) = (Vec::new(), HashSet::new());
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(members);
            }
            let merges = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            if merges {
                return Err(syntax(at, "merge keys are not taken: write the values out"));
            }
            let Kind::String(key) = self.node(event, at, depth + 1)?.kind else {
                return Err(syntax(at, "a key must be a text: put it in quotes"));
            };
            if !known.insert(key.clone()) {
                return Err(syntax(at, &format!("duplicate key `{}`", quote(&key))));
            }
            let (event, value_at) = self.next()?;
            members.push(Member { key, at, value: self.node(event, value_at, depth + 1)? });
        }
    }
}

/// What a plain word means to every reader of YAML, or why it does not mean
/// the same to all of them.
fn plain(text: &str) -> Result<Kind, &'static str> {
    match text {
        "true" => return Ok(Kind::Boolean(true)),
        "false" => return Ok(Kind::Boolean(false)),
        "null" => return Ok(Kind::Null),
        "~" => return Err("is null to most readers of YAML: put it in quotes, or write `null`"),
        _ => {}
    }
    let word = text.to_ascii_lowercase();
    if ["yes", "no", "on", "off", "y", "n", "true", "false", "null"].contains(&&*word) {
        return Err(
            "is a boolean or null to some readers of YAML: put it in quotes, or write `true` or `false`",
        );
    }
    match Json::parse(text.as_bytes()) {
        Ok(Json::Integer(integer)) => return Ok(Kind::Integer(Some(integer))),
        Ok(Json::Float(float)) => return Ok(Kind::Float(float)),
        _ => {}
    }
    if Timestamp::parse_rfc3339(text).is_ok() {
        return Ok(Kind::Datetime(text.to_owned()));
    }
    if resembles_number(&word) {
        return Err(
            "is a number or a time to some readers of YAML: put it in quotes, or write a plain number",
        );
    }
    Ok(Kind::String(text.to_owned()))
}

/// Octal, hexadecimal, with underscores, sexagesimal, beyond the range, a date,
/// infinity: everything that some version of YAML takes for a number or time.
fn resembles_number(word: &str) -> bool {
    let bare = word.strip_prefix(['+', '-']).unwrap_or(word);
    if matches!(bare, ".inf" | ".nan") {
        return true;
    }
    let digits = bare.strip_prefix('.').unwrap_or(bare);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_hexdigit() || "xo_+-.:tz ".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_readers_disagree_about_need_quotes() {
        for word in [
            "no",
            "NO",
            "No",
            "yes",
            "on",
            "Off",
            "y",
            "N",
            "True",
            "FALSE",
            "Null",
            "~",
            "0x1f",
            "0o7",
            "017",
            "1_000",
            "12:30",
            "1:30:00",
            "+1",
            "1.",
            ".5",
            "-.5",
            ".inf",
            "-.INF",
            ".NaN",
            "2026-01-31",
            "99999999999999999999",
            "1e999",
        ] {
            assert!(plain(word).is_err(), "{word}");
        }
    }

    #[test]
    fn words_that_readers_agree_about_are_taken() {
        for word in ["ledger:post_*", "Norway", "not", "1password", "mon", "-x", "a.b", "query_*", "=", "--"]
        {
            assert!(matches!(plain(word), Ok(Kind::String(text)) if text == word), "{word}");
        }
        assert!(matches!(plain("-12"), Ok(Kind::Integer(Some(-12)))));
        assert!(matches!(plain("1.5e2"), Ok(Kind::Float(value)) if value.to_bits() == 150_f64.to_bits()));
        assert!(matches!(plain("2026-01-31T08:00:00Z"), Ok(Kind::Datetime(_))));
    }
}
