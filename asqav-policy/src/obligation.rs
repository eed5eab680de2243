//! What a call may run with only: something is done with its arguments or its
//! result before they go on, or somebody is told.
//!
//! The tool gets exactly the arguments that were checked as they then are. A
//! caller who has the values already (`Gate::run`, `#[signed]`, the tower layer)
//! cannot have them changed: such a call is denied with the code
//! `obligation_unmet`; `Gate::run_enforced` meets obligations. One on a result
//! that cannot be met withholds the result.

use asqav_receipt::id::ReasonCode;
use asqav_receipt::json::{Json, MAX_INTEGER};

use crate::error::Problem;
use crate::pointer::{Pointer, Root};

/// Obligations of one rule at most.
pub(crate) const MAX_OBLIGATIONS: usize = 64;

/// An obligation of a rule, or the first mistake made in writing it.
///
/// ```
/// use asqav_policy::{Obligation, Rule};
///
/// let pay = Rule::allow("pay")
///     .tools(["bank:transfer"])
///     .oblige(Obligation::on_argument("/cents").cap(50_000))
///     .oblige(Obligation::on_result("/card").mask(4))
///     .oblige(Obligation::notify("payment"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a rule has it: `Rule::oblige`"]
pub struct Obligation(pub(crate) Result<Obliged, Problem>);

/// A place that an obligation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "`redact`, `mask`, `replace` or `cap` makes the obligation"]
pub struct Place(Result<Pointer, Problem>);

/// An obligation that was checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Obliged {
    /// `None` for an obligation that changes nothing.
    pub(crate) on: Option<Pointer>,
    pub(crate) duty: Duty,
}

/// `replace` holds JSON within the strict rules, so that it equals itself.
impl Eq for Obliged {}

/// What has to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Duty {
    Redact,
    Mask(u8),
    Replace(Json),
    Cap(i64),
    Label(ReasonCode),
    Notify(ReasonCode),
}

impl Obligation {
    /// Something is done with the value at this JSON pointer in the arguments.
    pub fn on_argument(pointer: &str) -> Place {
        Place(Pointer::argument(pointer))
    }

    /// Something is done with the value at this JSON pointer in the result, the
    /// empty one for all of it.
    pub fn on_result(pointer: &str) -> Place {
        Place(Pointer::result(pointer))
    }

    /// Nothing is changed; the receipt's inputs hold the label.
    pub fn label(code: &str) -> Self {
        Self(
            ReasonCode::parse(code)
                .map_err(Problem::Id)
                .map(|code| Obliged { on: None, duty: Duty::Label(code) }),
        )
    }

    /// Somebody is told, by the gate's notifier, before the body starts.
    pub fn notify(code: &str) -> Self {
        Self(
            ReasonCode::parse(code)
                .map_err(Problem::Id)
                .map(|code| Obliged { on: None, duty: Duty::Notify(code) }),
        )
    }
}

impl Place {
    /// `null` stands in place of the value.
    pub fn redact(self) -> Obligation {
        self.with(Ok(Duty::Redact))
    }

    /// Of a text, all characters but the last so many become `*`.
    pub fn mask(self, keep_last: u8) -> Obligation {
        self.with(Ok(Duty::Mask(keep_last)))
    }

    /// This value, given as JSON text, stands in place of the value.
    pub fn replace(self, json: &str) -> Obligation {
        let read = Json::parse(json.as_bytes()).map(Duty::Replace);
        self.with(read.map_err(|_| Problem::Combination("a replacement is not JSON within the limits")))
    }

    /// Of an integer, this at most.
    pub fn cap(self, most: i64) -> Obligation {
        let range = Problem::Range { key: "cap", min: -MAX_INTEGER, max: MAX_INTEGER };
        self.with(if most.abs() <= MAX_INTEGER { Ok(Duty::Cap(most)) } else { Err(range) })
    }

    pub(crate) fn with(self, duty: Result<Duty, Problem>) -> Obligation {
        let made = || {
            let (on, duty) = (self.0?, duty?);
            if on.root == Root::Arguments {
                return Err(Problem::Combination("an obligation is about one argument, not all together"));
            }
            Ok(Obliged { on: Some(on), duty })
        };
        Obligation(made())
    }
}
