//! A tool call: the request to run a named tool with arguments.
//!
//! Building one never fails. What cannot be represented (a NaN, a tool name of
//! 5 KB from outside) is remembered as the call's [`fault`](ToolCall::fault);
//! the gate refuses such a call, and the refusal has its denial receipt.

mod builder;
mod label;
mod origin;

use asqav_receipt::id::{ActionType, ToolName, ToolVersion};
use asqav_receipt::json::JsonErrorKind;

use crate::delegation::Presented;

pub use crate::argument::JsonText;
pub use builder::ToolCallBuilder;
pub(crate) use label::{is_no_code, safe_code, safe_label};
pub use origin::{ActorKind, Origin};

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
    /// SHA-256 of the tool's definition, as its author publishes it.
    pub definition_digest: Option<asqav_receipt::digest::Sha256Digest>,
    /// For whom it is made, and on what.
    pub origin: Origin,
    /// The arguments, each name once.
    pub arguments: Vec<Argument>,
    /// The chains of delegation tokens that it comes with: each narrows what it
    /// may do.
    pub delegations: Vec<Presented>,
    fault: Option<CallError>,
    handling: Handling,
}

/// What whoever runs the tool lets the gate do with the call's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Handling {
    /// Nothing: the result is not known to go back through the gate.
    #[default]
    Own,
    /// The result goes back through the gate, which may withhold it.
    Releasing,
    /// Besides, the tool gets its arguments from the permit.
    Adapting,
}

impl ToolCall {
    /// Describes a call of `tool` under the label `action`, e.g. `ledger:query`.
    ///
    /// ```
    /// use asqav_core::call::ToolCall;
    /// let call = ToolCall::builder("query_account", "ledger:query").argument("account", "DE-1").build();
    /// assert_eq!(call.fault(), None);
    /// ```
    pub fn builder(tool: &str, action: &str) -> ToolCallBuilder {
        ToolCallBuilder::new(tool, action)
    }

    /// Why the call cannot be represented in a receipt, if so. The gate
    /// refuses such a call.
    #[must_use]
    pub const fn fault(&self) -> Option<&CallError> {
        self.fault.as_ref()
    }

    /// Says that the tool will get its arguments from
    /// [`Permit::arguments`](crate::Permit::arguments) and nothing else, and
    /// that its result goes back as
    /// [`Permit::release`](crate::Permit::release) gives it: then a policy can
    /// oblige the gate to change them. Without it such a call is denied.
    #[must_use]
    pub fn adapting(self) -> Self {
        Self { handling: Handling::Adapting, ..self }
    }

    /// Says that the tool's result goes back as
    /// [`Permit::release`](crate::Permit::release) gives it, or not at all:
    /// then a policy can judge it first. Without it a call whose result is to
    /// be judged is denied. An [adapting](Self::adapting) call says so already,
    /// and [`Gate::run`](crate::Gate::run) and all that rests on it see to it.
    #[must_use]
    pub fn releasing(self) -> Self {
        match self.handling {
            Handling::Own => Self { handling: Handling::Releasing, ..self },
            _ => self,
        }
    }

    /// The call of a caller who has the arguments already, and whose result
    /// goes back through the gate.
    pub(crate) fn fixed(self) -> Self {
        Self { handling: Handling::Releasing, ..self }
    }

    pub(crate) const fn is_adapting(&self) -> bool {
        matches!(self.handling, Handling::Adapting)
    }

    pub(crate) const fn is_releasing(&self) -> bool {
        !matches!(self.handling, Handling::Own)
    }

    /// The first name that two arguments have.
    pub(crate) fn duplicate(&self) -> Option<&str> {
        if self.arguments.len() < 2 {
            return None;
        }
        let mut names: Vec<_> = self.arguments.iter().map(|argument| argument.name.as_str()).collect();
        names.sort_unstable();
        names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next).map(|(name, _)| *name)
    }
}

/// Why a call cannot be represented in a receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// A value cannot be serialised or breaks the JSON rules.
    #[error("a value cannot be represented: {why}")]
    Value {
        /// What is wrong with it.
        why: String,
        /// Which kind of wrong.
        flaw: Flaw,
    },
    /// An argument cannot be serialised or breaks the JSON rules.
    #[error("argument `{name}` cannot be represented: {why}")]
    Argument {
        /// The argument's name.
        name: String,
        /// What is wrong with it.
        why: String,
        /// Which kind of wrong.
        flaw: Flaw,
    },
    /// Two arguments have one name.
    #[error("argument `{0}` is given twice")]
    Duplicate(String),
    /// The tool's or the action's name is not valid.
    #[error(transparent)]
    Id(#[from] asqav_receipt::id::IdError),
}

/// Flaws of a value that its denial tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Flaw {
    /// Two members of an object have one name.
    DuplicateMember,
    /// Nested deeper than 200.
    TooDeep,
    /// Any other.
    #[default]
    Other,
}

impl From<&JsonErrorKind> for Flaw {
    fn from(kind: &JsonErrorKind) -> Self {
        match kind {
            JsonErrorKind::Duplicate(_) => Self::DuplicateMember,
            JsonErrorKind::Depth => Self::TooDeep,
            _ => Self::Other,
        }
    }
}

impl CallError {
    /// The denial's `reason`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Duplicate(_)
            | Self::Value { flaw: Flaw::DuplicateMember, .. }
            | Self::Argument { flaw: Flaw::DuplicateMember, .. } => "duplicate_member",
            Self::Value { flaw: Flaw::TooDeep, .. } | Self::Argument { flaw: Flaw::TooDeep, .. } => {
                "too_deep"
            }
            _ => "unrepresentable",
        }
    }
}
