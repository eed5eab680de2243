//! What a decision depends on, without a gate.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use asqav_receipt::json::Json;
use asqav_receipt::time::Timestamp;

use crate::pointer::{Pointer, index};

/// A call of a tool by an agent at a time.
///
/// An argument's JSON text is read once, and only when a condition asks for it.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub(crate) agent: &'a str,
    pub(crate) tool: &'a str,
    pub(crate) now: Timestamp,
    arguments: BTreeMap<&'a str, Given<'a>>,
}

/// One argument.
#[derive(Debug, Clone)]
struct Given<'a> {
    /// `None` when it was not serialised, or was given twice.
    text: Option<&'a str>,
    /// `None` when the text breaks the rules of the strict reader.
    value: OnceCell<Option<Json>>,
}

/// Why a condition cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The argument or the place in it is missing, or `null`.
    Missing,
    /// The argument was not serialised (`skip`), or given twice.
    Withheld,
    /// The argument breaks the rules of the strict reader, e.g. by an integer
    /// beyond ±(2^53−1).
    Unreadable,
    /// The value has another type than the condition is about.
    Mistyped,
    /// A path or URL that two readers may take for two different things.
    Ambiguous,
    /// The text is longer than a regular expression looks at.
    TooLong,
}

impl Why {
    /// For people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "the value is missing",
            Self::Withheld => "the argument was not given to the policy",
            Self::Unreadable => "the argument is not JSON within the limits",
            Self::Mistyped => "the value has another type",
            Self::Ambiguous => "the value is not in its plain form",
            Self::TooLong => "the value is too long",
        }
    }
}

impl<'a> Facts<'a> {
    /// A call of `tool` by `agent` at `now`, without arguments.
    #[must_use]
    pub const fn new(agent: &'a str, tool: &'a str, now: Timestamp) -> Self {
        Self { agent, tool, now, arguments: BTreeMap::new() }
    }

    /// Adds an argument by its JSON text; `None` when it was not serialised.
    #[must_use]
    pub fn argument(mut self, name: &'a str, text: Option<&'a str>) -> Self {
        let given = Given { text, value: OnceCell::new() };
        self.arguments
            .entry(name)
            .and_modify(|first| *first = Given { text: None, value: OnceCell::new() })
            .or_insert(given);
        self
    }

    /// The value at `pointer`; `None` when there is none or it is `null`.
    pub(crate) fn at(&self, pointer: &Pointer) -> Result<Option<&Json>, Why> {
        let Some(given) = self.arguments.get(pointer.argument.as_str()) else { return Ok(None) };
        let text = given.text.ok_or(Why::Withheld)?;
        let value = given.value.get_or_init(|| Json::parse(text.as_bytes()).ok());
        let mut value = value.as_ref().ok_or(Why::Unreadable)?;
        for token in &pointer.rest {
            let next = match value {
                Json::Object(members) => members.get(token),
                Json::Array(items) => index(token).and_then(|at| items.get(at)),
                Json::Null => None,
                _ => return Err(Why::Mistyped),
            };
            let Some(next) = next else { return Ok(None) };
            value = next;
        }
        Ok((*value != Json::Null).then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: Option<&str>, pointer: &str) -> Result<Option<Json>, Why> {
        let facts = Facts::new("a", "t", Timestamp::MAX).argument("x", text);
        facts.at(&Pointer::parse(pointer).unwrap()).map(|value| value.cloned())
    }

    #[test]
    fn pointers_reach_into_values() {
        let text = Some(r#"{"a":[{"b/c":7},null]}"#);
        assert_eq!(at(text, "/x/a/0/b~1c"), Ok(Some(Json::Integer(7))));
        assert_eq!(at(text, "/x/a/1"), Ok(None), "null is no value");
        assert_eq!(at(text, "/x/a/1/deeper"), Ok(None));
        assert_eq!(at(text, "/x/a/00"), Ok(None));
        assert_eq!(at(text, "/x/A"), Ok(None));
        assert_eq!(at(text, "/y"), Ok(None));
        assert_eq!(at(text, "/x/a/0/b~1c/d"), Err(Why::Mistyped));
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        assert_eq!(at(None, "/x"), Err(Why::Withheld));
        for text in ["", "9007199254740993", r#"{"a":1,"a":2}"#, "1e999", r#""\ud800""#] {
            assert_eq!(at(Some(text), "/x"), Err(Why::Unreadable), "{text}");
        }
        let twice = Facts::new("a", "t", Timestamp::MAX).argument("x", Some("1")).argument("x", Some("1"));
        assert_eq!(twice.at(&Pointer::parse("/x").unwrap()), Err(Why::Withheld));
    }
}
