//! Why a policy was refused, and where.

use std::fmt;

use asqav_receipt::id::IdError;

use crate::glob::GlobError;

/// Why a policy was refused. `Display` begins with line and column where the
/// policy came from a file, so that `policy.toml:{error}` is what editors and
/// compilers print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    position: Option<Position>,
    rule: Option<String>,
    problem: Problem,
}

impl PolicyError {
    /// Where in the file; `None` for a policy made with the builder.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// The id of the rule that is wrong, where there is one.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// What is wrong.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.position {
            write!(f, "{line}:{column}: ")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, "rule `{rule}`: ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for PolicyError {}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a place in a text has a line and a column")]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// The place of the byte `offset` in `text`.
    pub(crate) fn of(text: &[u8], offset: usize) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or_default();
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = String::from_utf8_lossy(before.get(start..).unwrap_or_default()).chars().count() + 1;
        Self { line, column }
    }
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file is larger than [`MAX_FILE_LEN`](crate::MAX_FILE_LEN).
    #[error("the file has {len} bytes, at most {max} are allowed", max = crate::MAX_FILE_LEN)]
    TooLarge {
        /// Its length in bytes.
        len: usize,
    },
    /// The file is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The file is not TOML 1.1, JSON or YAML as the reader takes it, or nests
    /// deeper than it goes.
    #[error("{0}")]
    Syntax(String),
    /// The file has a format that this version does not know.
    #[error("file format version {0} is not known, this is version {known}", known = crate::FILE_VERSION)]
    Version(i64),
    /// A key that has no meaning here.
    #[error("unknown key `{key}`{}", hint(*.nearest))]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that it resembles most.
        nearest: Option<&'static str>,
    },
    /// A key that must be there is not.
    #[error("the key `{0}` is missing")]
    MissingKey(&'static str),
    /// A value of the wrong type.
    #[error("`{key}` must be {expected}, not {found}")]
    WrongType {
        /// The key.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A text that is none of the words allowed.
    #[error("`{found}` is not {expected}")]
    Word {
        /// The text.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A number outside its range.
    #[error("`{key}` must be {min} to {max}")]
    Range {
        /// The key.
        key: &'static str,
        /// The least value allowed.
        min: i64,
        /// The greatest value allowed.
        max: i64,
    },
    /// A list or table that must not be empty.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// A list under this key that must not be empty.
    #[error("`{0}` is empty")]
    EmptyList(String),
    /// More than the engine takes.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The greatest number allowed.
        max: usize,
    },
    /// An identifier is not valid.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A pattern for names is not valid.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// Two rules have one id.
    #[error("the rule id is used twice")]
    DuplicateRule,
    /// A key that does not go with the rule's effect or with another key.
    #[error("{0}")]
    Combination(&'static str),
    /// A regular expression is not valid or too large.
    #[error("the regular expression {0}")]
    Expression(String),
    /// An example of a rule does not come out as it says.
    #[error("the example must be {expected}, but it is {found} ({why})")]
    Example {
        /// What the example says: `allowed`, `denied`, `held for approval`.
        expected: &'static str,
        /// What the policy says.
        found: &'static str,
        /// The reason's code, or which rule is not among those that decided.
        why: String,
    },
    /// No rule raises the label that a condition asks for, or none with so many
    /// values.
    #[error("no rule raises the label `{name}` of {of} values")]
    NotRaised {
        /// The label.
        name: String,
        /// How many values it is asked for with.
        of: usize,
    },
    /// No such time zone.
    #[error("`{0}` is not a time zone: write `UTC`, an offset like `+02:00` or a name like `Europe/Zurich`")]
    Zone(String),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map(|word| format!(", did you mean `{word}`?")).unwrap_or_default()
}

/// A problem whose place is still a byte offset: the reader of a file turns
/// it into a [`PolicyError`] once, because finding line and column is linear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: Option<usize>,
    pub(crate) rule: Option<String>,
    pub(crate) problem: Problem,
}

impl Fault {
    /// `problem` at the byte `at`.
    pub(crate) fn at(at: usize, problem: impl Into<Problem>) -> Self {
        Self { at: Some(at), rule: None, problem: problem.into() }
    }

    /// The same fault, said to be in `rule`.
    pub(crate) fn within(self, rule: &str) -> Self {
        Self { rule: Some(self.rule.unwrap_or_else(|| rule.to_owned())), ..self }
    }

    /// The error for a policy read from `text`.
    pub(crate) fn locate(self, text: &[u8]) -> PolicyError {
        PolicyError {
            position: self.at.map(|at| Position::of(text, at)),
            rule: self.rule,
            problem: self.problem,
        }
    }

    /// The error for a policy that was not read from a file.
    pub(crate) fn without_file(self) -> PolicyError {
        PolicyError { position: None, rule: self.rule, problem: self.problem }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self { at: None, rule: None, problem }
    }
}

/// At most 64 characters of a text that an error quotes, without control
/// characters.
pub(crate) fn quote(text: &str) -> String {
    text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
