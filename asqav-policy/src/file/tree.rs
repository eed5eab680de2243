//! What a policy file says, whatever the format: values with their places.

use crate::error::{Fault, Problem};

/// Values nest at most this deep in a file.
pub(super) const MAX_FILE_DEPTH: usize = 80;

/// A value and the byte at which it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) kind: Kind,
}

/// A value.
#[derive(Debug)]
pub(super) enum Kind {
    /// `null`, which TOML has not.
    Null,
    String(String),
    Boolean(bool),
    /// `None` beyond 64 bits.
    Integer(Option<i64>),
    Float(f64),
    /// A date or time as it was written.
    Datetime(String),
    Array(Vec<Node>),
    /// In the order of the file; no key comes twice.
    Table(Vec<Member>),
}

/// A key, the byte at which it begins, and its value.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) at: usize,
    pub(super) value: Node,
}

impl Kind {
    /// The type's name as errors give it.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Datetime(_) => "a date or time",
            Self::Array(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// Refuses a value at `at` that lies deeper than [`MAX_FILE_DEPTH`].
pub(super) fn check_depth(depth: usize, at: usize) -> Result<(), Fault> {
    if depth > MAX_FILE_DEPTH {
        return Err(Fault::at(at, Problem::TooMany { what: "levels in a file", max: MAX_FILE_DEPTH }));
    }
    Ok(())
}

/// What a reader of some format says about the text at `at`.
pub(super) fn syntax(at: usize, message: &str) -> Fault {
    Fault::at(at, Problem::Syntax(message.chars().take(200).collect()))
}
