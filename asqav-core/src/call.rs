//! A tool call: the request to run a named tool with arguments.

use std::fmt;

use asqav_receipt::id::{ActionType, ToolName, ToolVersion};

/// How an argument or a result goes into the receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Capture {
    /// A salted commitment; the value goes to the vault (the default).
    #[default]
    Commit,
    /// The value itself stands in the receipt, where it is small enough.
    Record,
    /// Neither; the receipt says that it was dropped.
    Drop,
}

/// JSON text, checked: one value, finite numbers, no duplicate members, no
/// lone surrogates, depth at most 200. Integers may exceed ±(2^53−1); the text
/// is kept as it was given, because it is hashed as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(pub(crate) String);

impl JsonText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for JsonText {
    /// Shows the length only: arguments may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonText({} bytes)", self.0.len())
    }
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Argument {
    /// The parameter's name.
    pub name: String,
    /// Its value; `None` when it was never serialised (`skip`).
    pub value: Option<JsonText>,
    /// How it goes into the receipt.
    pub capture: Capture,
    /// Whether the tool declares a parameter of this name. Undeclared names
    /// come from outside; they are never shown and always fold.
    pub declared: bool,
}

/// The request to run a named tool with arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The tool.
    pub tool: ToolName,
    /// The action's label.
    pub action: ActionType,
    /// The tool's version.
    pub version: Option<ToolVersion>,
    /// The arguments, each name once.
    pub arguments: Vec<Argument>,
}

/// Why a call cannot be represented in a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// A value cannot be serialised or breaks the JSON rules.
    #[error("argument `{name}` cannot be represented: {why}")]
    Argument {
        /// The argument's name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Two arguments have one name.
    #[error("argument `{0}` is given twice")]
    Duplicate(String),
    /// The tool's or the action's name is not valid.
    #[error(transparent)]
    Id(#[from] asqav_receipt::id::IdError),
}
