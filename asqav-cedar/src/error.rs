//! Why Cedar policies were refused.

use std::fmt;

use asqav_core::policy::PolicyFault;
use asqav_receipt::id::IdError;
use miette::Diagnostic;

use crate::policy::MAX_POLICY_LEN;

/// Why Cedar policies were refused. `Display` begins with line and column
/// where Cedar tells them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CedarError {
    /// The text is longer than [`MAX_POLICY_LEN`].
    #[error("the policies have {0} bytes, at most {MAX_POLICY_LEN} are allowed")]
    TooLarge(usize),
    /// The text is not Cedar.
    #[error("{}{message}", place(*.position))]
    Syntax {
        /// Where in the text.
        position: Option<Position>,
        /// What Cedar says.
        message: String,
    },
    /// A policy does not go with the tools.
    #[error("{}policy `{policy}`: {message}", place(*.position))]
    Invalid {
        /// The policy's id.
        policy: String,
        /// Where in the text.
        position: Option<Position>,
        /// What Cedar says.
        message: String,
    },
    /// A template, which nothing fills in here.
    #[error("`{0}` is a template or made from one: write the policy itself")]
    Template(String),
    /// A name that stands for two things.
    #[error("the {what} `{name}` is given twice")]
    Twice {
        /// Of what kind the things are.
        what: &'static str,
        /// Their name.
        name: String,
    },
    /// What the tools make is no Cedar schema.
    #[error("the tools make no Cedar schema: {0}")]
    Schema(String),
    /// The policy's or a rule's id is not valid.
    #[error(transparent)]
    Id(#[from] IdError),
}

/// A place in the policies' text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a place in a text has a line and a column")]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// Where `error` says that `text` is wrong.
    pub(crate) fn of(error: &dyn Diagnostic, text: &str) -> Option<Self> {
        let before = text.get(..error.labels()?.next()?.offset())?;
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Some(Self { line, column: before.get(start..)?.chars().count() + 1 })
    }
}

fn place(position: Option<Position>) -> String {
    position.map(|position| format!("{position}: ")).unwrap_or_default()
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A policy that a gate cannot be opened or reloaded with.
impl From<CedarError> for PolicyFault {
    fn from(error: CedarError) -> Self {
        Self::Unparsable(error.to_string())
    }
}
