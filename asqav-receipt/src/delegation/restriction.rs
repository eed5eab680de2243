//! What a token asks of a call's arguments.

use super::DelegationError;
use crate::json::{Json, Object};

/// The longest pointer, in bytes.
const MAX_POINTER_LEN: usize = 512;
/// Values in one list at most.
const MAX_VALUES: usize = 64;
/// The longest text in a list, in bytes.
const MAX_TEXT_LEN: usize = 512;

/// What the value at one place in the arguments has to be; every test has to
/// hold. A value that is missing, of another type or ambiguous fails them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Restriction {
    /// A JSON pointer (RFC 6901): the first token names the argument.
    pub pointer: String,
    /// The tests, each kind once, at least one.
    pub tests: Vec<Test>,
}

/// One test, with the meaning that it has in a policy's conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "version 1 of the format has these")]
pub enum Test {
    /// `in`: equal to one of these, all of one type.
    OneOf(Vec<Scalar>),
    /// `ge`: a number of at least this.
    AtLeast(i64),
    /// `le`: a number of at most this.
    AtMost(i64),
    /// `prefix`: a text that begins with one of these.
    Prefix(Vec<String>),
    /// `under`: a plain absolute path that is or lies under one of these.
    Under(Vec<String>),
    /// `host_in`: a URL whose host is one of these.
    HostIn(Vec<String>),
    /// `max_len`: a text of at most so many characters, an array of so many
    /// items.
    MaxLength(u32),
}

/// A value that `in` compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "version 1 of the format has these")]
pub enum Scalar {
    /// A text.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// An integer within ±(2^53−1).
    Integer(i64),
}

impl Restriction {
    /// The restriction as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.set("arg", self.pointer.as_str());
        for test in &self.tests {
            object.set(test.key(), test.to_json());
        }
        Json::Object(object)
    }

    /// Reads a restriction as text, e.g. `{"arg": "/amount", "le": 100}`.
    ///
    /// # Errors
    /// [`DelegationError`] when it is none.
    pub fn parse(text: &str) -> Result<Self, DelegationError> {
        Self::from_json(&Json::parse(text.as_bytes())?).ok_or(DelegationError::Member("when"))
    }

    /// Reads a restriction: `arg` and the tests' keys.
    pub(super) fn from_json(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        let pointer = object.get("arg")?.as_str()?;
        let tests = object.iter().filter(|(key, _)| *key != "arg");
        let tests: Vec<Test> =
            tests.map(|(key, value)| Test::from_json(key, value)).collect::<Option<_>>()?;
        (is_pointer(pointer) && !tests.is_empty()).then(|| Self { pointer: pointer.to_owned(), tests })
    }
}

impl Test {
    const fn key(&self) -> &'static str {
        match self {
            Self::OneOf(_) => "in",
            Self::AtLeast(_) => "ge",
            Self::AtMost(_) => "le",
            Self::Prefix(_) => "prefix",
            Self::Under(_) => "under",
            Self::HostIn(_) => "host_in",
            Self::MaxLength(_) => "max_len",
        }
    }

    fn to_json(&self) -> Json {
        match self {
            Self::OneOf(values) => Json::Array(values.iter().map(Scalar::to_json).collect()),
            Self::AtLeast(bound) | Self::AtMost(bound) => Json::Integer(*bound),
            Self::Prefix(texts) | Self::Under(texts) | Self::HostIn(texts) => {
                Json::Array(texts.iter().map(|text| text.as_str().into()).collect())
            }
            Self::MaxLength(len) => Json::Integer(i64::from(*len)),
        }
    }

    fn from_json(key: &str, value: &Json) -> Option<Self> {
        Some(match key {
            "in" => Self::OneOf(list(value, Scalar::from_json)?),
            "ge" => Self::AtLeast(value.as_integer()?),
            "le" => Self::AtMost(value.as_integer()?),
            "prefix" => Self::Prefix(list(value, text)?),
            "under" => Self::Under(list(value, text)?),
            "host_in" => Self::HostIn(list(value, text)?),
            "max_len" => Self::MaxLength(u32::try_from(value.as_integer()?).ok()?),
            _ => return None,
        })
    }
}

impl Scalar {
    fn to_json(&self) -> Json {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Bool(value) => (*value).into(),
            Self::Integer(value) => Json::Integer(*value),
        }
    }

    fn from_json(value: &Json) -> Option<Self> {
        match value {
            Json::String(_) => text(value).map(Self::Text),
            Json::Bool(value) => Some(Self::Bool(*value)),
            Json::Integer(value) => Some(Self::Integer(*value)),
            _ => None,
        }
    }
}

/// 1 to [`MAX_VALUES`] values.
fn list<T>(value: &Json, read: impl Fn(&Json) -> Option<T>) -> Option<Vec<T>> {
    let values = value.as_array().filter(|values| (1..=MAX_VALUES).contains(&values.len()))?;
    values.iter().map(read).collect()
}

fn text(value: &Json) -> Option<String> {
    value.as_str().filter(|text| text.len() <= MAX_TEXT_LEN).map(str::to_owned)
}

/// RFC 6901 §3, with at least the argument's name.
fn is_pointer(text: &str) -> bool {
    let escapes = |token: &str| token.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    text.len() <= MAX_POINTER_LEN
        && text.strip_prefix('/').is_some_and(|tokens| tokens.split('/').all(escapes))
}
