//! What a decision depends on, without a gate.

mod value;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use asqav_receipt::json::Json;
use asqav_receipt::time::Timestamp;
use smallvec::SmallVec;

use crate::context::Actor;
use crate::detector::{Detector, any_finds};
use crate::label::SessionLabels;
use crate::pointer::{Pointer, Root, index};

pub(crate) use value::Seen;
use value::Value;

/// So many arguments stand in place and are found by going through them.
const FEW: usize = 8;

/// A call of a tool by an agent at a time.
///
/// An argument's JSON text is read once, and only when a condition asks for it.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub(crate) agent: &'a str,
    pub(crate) tool: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) session: Option<&'a str>,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) actor: Option<(Actor, &'a str)>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) labels: Option<&'a dyn SessionLabels>,
    result: Option<Given<'a>>,
    few: SmallVec<[(&'a str, Given<'a>); FEW]>,
    /// The arguments behind the first [`FEW`].
    many: BTreeMap<&'a str, Given<'a>>,
}

/// One argument.
#[derive(Debug, Clone)]
struct Given<'a> {
    /// `None` when it was not serialised, or was given twice.
    text: Option<&'a str>,
    /// `None` when the text breaks the rules of the strict reader.
    value: OnceCell<Option<Value<'a>>>,
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
    /// The value is longer than a regular expression or a detector looks at.
    TooLong,
    /// A detector failed.
    Detector,
    /// A detector did not answer in time.
    DetectorTimeout,
    /// The call is in no session, so that nobody knows its labels.
    NoSession,
    /// The clock is behind the time at which something happened.
    ClockBack,
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
            Self::Detector => "a detector failed",
            Self::DetectorTimeout => "a detector did not answer in time",
            Self::NoSession => "the call is in no session",
            Self::ClockBack => "the clock went back",
        }
    }
}

impl<'a> Facts<'a> {
    /// A call of `tool` by `agent` at `now`, without arguments.
    #[must_use]
    pub fn new(agent: &'a str, tool: &'a str, now: Timestamp) -> Self {
        Self {
            agent,
            tool,
            now,
            session: None,
            tenant: None,
            actor: None,
            resource: None,
            labels: None,
            result: None,
            few: SmallVec::new(),
            many: BTreeMap::new(),
        }
    }

    /// In this session.
    #[must_use]
    pub const fn session(mut self, session: &'a str) -> Self {
        self.session = Some(session);
        self
    }

    /// In a session that carries these labels.
    #[must_use]
    pub const fn labels(mut self, labels: &'a dyn SessionLabels) -> Self {
        self.labels = Some(labels);
        self
    }

    /// For this tenant.
    #[must_use]
    pub const fn tenant(mut self, tenant: &'a str) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// On behalf of this actor.
    #[must_use]
    pub const fn actor(mut self, kind: Actor, name: &'a str) -> Self {
        self.actor = Some((kind, name));
        self
    }

    /// On this resource.
    #[must_use]
    pub const fn resource(mut self, resource: &'a str) -> Self {
        self.resource = Some(resource);
        self
    }

    /// With the tool's result by its JSON text; `None` when it was not
    /// serialised.
    #[must_use]
    pub fn result(mut self, text: Option<&'a str>) -> Self {
        self.result = Some(Given { text, value: OnceCell::new() });
        self
    }

    /// Adds an argument by its JSON text; `None` when it was not serialised.
    #[must_use]
    pub fn argument(mut self, name: &'a str, text: Option<&'a str>) -> Self {
        let mut given = Given { text, value: OnceCell::new() };
        if let Some((_, first)) = self.few.iter_mut().find(|(known, _)| *known == name) {
            first.text = None;
        } else if self.few.len() < FEW {
            self.few.push((name, given));
        } else {
            if self.many.contains_key(name) {
                given.text = None;
            }
            self.many.insert(name, given);
        }
        self
    }

    /// The value at `pointer`; `None` when there is none or it is `null`.
    pub(crate) fn at(&self, pointer: &Pointer) -> Result<Option<Seen<'_>>, Why> {
        let given = match &pointer.root {
            Root::Argument(name) => self.given(name),
            Root::Result => Some(self.result.as_ref().ok_or(Why::Missing)?),
            Root::Arguments => return Err(Why::Mistyped),
        };
        given.map_or(Ok(None), |given| given.at(&pointer.rest))
    }

    /// The names of the arguments.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.few.iter().map(|(name, _)| *name).chain(self.many.keys().copied())
    }

    /// Whether the argument is there, whatever its value.
    pub(crate) fn has(&self, pointer: &Pointer) -> bool {
        matches!(&pointer.root, Root::Argument(name) if self.given(name).is_some())
    }

    /// Whether one of `detectors` finds something at `pointer`, or in any
    /// argument when it is the empty one; `None` when there is no value.
    pub(crate) fn any_finds(&self, pointer: &Pointer, detectors: &[Detector]) -> Result<Option<bool>, Why> {
        if pointer.root != Root::Arguments {
            return self.at(pointer)?.map(|value| any_finds(detectors, value)).transpose();
        }
        let mut unknown = None;
        for given in self.few.iter().map(|(_, given)| given).chain(self.many.values()) {
            let found =
                given.at(&[]).and_then(|value| value.map_or(Ok(false), |value| any_finds(detectors, value)));
            match found {
                Ok(true) => return Ok(Some(true)),
                Ok(false) => {}
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Ok(Some(false)), Err)
    }

    fn given(&self, name: &str) -> Option<&Given<'a>> {
        let few = self.few.iter().find(|(known, _)| *known == name).map(|(_, given)| given);
        few.or_else(|| if self.many.is_empty() { None } else { self.many.get(name) })
    }
}

impl Given<'_> {
    /// The value behind `tokens`; `None` when there is none or it is `null`.
    fn at(&self, tokens: &[String]) -> Result<Option<Seen<'_>>, Why> {
        let text = self.text.ok_or(Why::Withheld)?;
        let value = self.value.get_or_init(|| Value::parse(text)).as_ref().ok_or(Why::Unreadable)?;
        let mut value = match value {
            Value::Json(value) => value,
            Value::Text(text) if tokens.is_empty() => return Ok(Some(Seen::Text(text))),
            Value::Text(_) => return Err(Why::Mistyped),
        };
        for token in tokens {
            let next = match value {
                Json::Object(members) => members.get(token),
                Json::Array(items) => index(token).and_then(|at| items.get(at)),
                Json::Null => None,
                _ => return Err(Why::Mistyped),
            };
            let Some(next) = next else { return Ok(None) };
            value = next;
        }
        Ok(Seen::of(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value as text, for comparing.
    fn at(text: Option<&str>, pointer: &str) -> Result<Option<String>, Why> {
        let facts = Facts::new("a", "t", Timestamp::MAX).argument("x", text);
        facts.at(&Pointer::argument(pointer).unwrap()).map(|value| value.map(|value| format!("{value:?}")))
    }

    #[test]
    fn pointers_reach_into_values() {
        let text = Some(r#"{"a":[{"b/c":7},null]}"#);
        assert_eq!(at(text, "/x/a/0/b~1c"), Ok(Some("Number(7.0)".to_owned())));
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
        assert_eq!(twice.at(&Pointer::argument("/x").unwrap()), Err(Why::Withheld));
    }

    #[test]
    fn many_arguments_are_found_as_few_are() {
        let names: Vec<String> = (0..3 * FEW).map(|at| format!("x{at}")).collect();
        let add = |facts: Facts<'static>, name: &'static str| facts.argument(name, Some("1"));
        let names: Vec<&'static str> = names.into_iter().map(|name| &*name.leak()).collect();
        let facts = names.iter().fold(Facts::new("a", "t", Timestamp::MAX), |facts, name| add(facts, name));
        for name in &names {
            let pointer = Pointer::argument(&format!("/{name}")).unwrap();
            assert_eq!(facts.at(&pointer), Ok(Some(Seen::Number(1.0))), "{name}");
            let twice = add(facts.clone(), name);
            assert_eq!(twice.at(&pointer), Err(Why::Withheld), "{name}");
        }
        assert_eq!(facts.at(&Pointer::argument("/y").unwrap()), Ok(None));
    }
}
