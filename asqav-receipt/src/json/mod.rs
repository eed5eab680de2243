//! JSON values, and the one strict reader for everything that comes from
//! outside.
//!
//! Lenient readers are how two verifiers come to read different receipts in
//! the same bytes: duplicate members (the last one wins), integers beyond 2^53
//! (rounded), lone surrogates (replaced). Here each is an error with its
//! position.

mod error;
mod lexer;
#[cfg(feature = "foreign-formats")]
pub mod python;
mod read;
#[cfg(test)]
mod tests;

pub use error::{JsonError, JsonErrorKind};
pub(crate) use lexer::{Lexer, Number};
pub(crate) use read::next_value;
pub use read::{Numbers, check_text};

/// Arrays and objects may be nested this deep.
pub const MAX_DEPTH: usize = 200;

/// A text holds at most this many values and member names: a tree then takes
/// about 200 MB at most, besides the text's own strings.
pub const MAX_VALUES: usize = 4_194_304;

/// The greatest integer that every JSON reader represents exactly: 2^53 − 1.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "JSON has six kinds of values")]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer literal within ±(2^53−1).
    Integer(i64),
    /// A literal with fraction or exponent; always finite.
    Float(f64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object with unique member names.
    Object(Object),
}

/// Members in the order of the text, each name once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object(Vec<(String, Json)>);

impl Object {
    /// The object without members.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of the member `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Adds a member, or replaces the value of the one with this name.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Json>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The members in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Json {
    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The members of an object.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The values of an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Self::Array(values) => Some(values),
            _ => None,
        }
    }

    /// The value of an integer literal.
    #[must_use]
    pub const fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of an integer literal that is not negative.
    #[must_use]
    pub fn as_count(&self) -> Option<u64> {
        self.as_integer().and_then(|value| u64::try_from(value).ok())
    }

    /// The integer `value` if it is within 2^53 − 1, which holds for every
    /// count and length that a log can reach; the limit itself otherwise.
    #[must_use]
    pub fn count(value: u64) -> Self {
        Self::Integer(i64::try_from(value).map_or(MAX_INTEGER, |value| value.min(MAX_INTEGER)))
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}
