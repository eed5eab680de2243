//! Labels that a session carries: what calls that were admitted in it leave
//! for the calls behind them.
//!
//! A rule [raises](crate::Rule::raises) a label when a call that it holds for
//! is admitted, and a condition asks for it: "nothing is sent outside once a
//! secret was read in this session", "a payout needs an approval of the same
//! payee and amount within an hour".
//!
//! A label says that a call was *admitted*, not how it ended, and is never
//! taken away from its session. Outside of a session there are none: whether
//! one was raised is unknown, and a call that would raise one is denied with
//! the code `session_required`.

use std::fmt;
use std::time::Duration;

use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::LabelName;
use asqav_receipt::json::Json;
use asqav_receipt::time::Timestamp;

use crate::condition::{Condition, Node};
use crate::error::Problem;
use crate::facts::{Facts, Why};
use crate::pointer::{Pointer, Root};
use crate::rule::RateLimit;

/// Labels that one rule raises at most.
pub(crate) const MAX_RAISES: usize = 8;
/// Values that one label is bound to at most.
const MAX_OF: usize = 8;

/// A label that a rule raises, or the first mistake made in writing it.
///
/// ```
/// use asqav_policy::{Raise, Rule};
///
/// let read = Rule::allow("read").tools(["vault:read"]).raises(Raise::label("secret-read"));
/// let approve = Rule::allow("approve")
///     .tools(["payout:approve"])
///     .raises(Raise::label("payout-approved").of(["/payee", "/cents"]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a rule raises it: `Rule::raises`"]
pub struct Raise(pub(crate) Result<Labelled, Problem>);

/// A label, and the arguments whose values it is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labelled {
    pub(crate) name: LabelName,
    pub(crate) of: Vec<Pointer>,
}

/// Asks whether a label was raised in the call's session.
///
/// ```
/// use std::time::Duration;
/// use asqav_policy::{Rule, label};
///
/// let stay = Rule::deny("secrets-stay").tools(["mail:*"]).when(label("secret-read").raised());
/// let pay = Rule::allow("pay").tools(["bank:payout"]).when(
///     label("payout-approved").of(["/payee", "/cents"]).raised_within(Duration::from_secs(3_600)),
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "`raised` or `raised_within` makes the condition"]
pub struct Asked(Result<Labelled, Problem>);

/// A condition on a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelTest {
    pub(crate) label: Labelled,
    pub(crate) within: Option<Duration>,
}

/// The labels of one session, as a decision sees them.
pub trait SessionLabels: fmt::Debug {
    /// When the policy's label `name` that is bound to `of` was last raised;
    /// `None` if never.
    fn raised_at(&self, name: &str, of: Option<&Sha256Digest>) -> Option<Timestamp>;
}

/// The label of this name: lower-case letters, digits, `-` and `_`.
pub fn label(name: &str) -> Asked {
    Asked(Labelled::new(name))
}

impl Raise {
    /// The label of this name.
    pub fn label(name: &str) -> Self {
        Self(Labelled::new(name))
    }

    /// Bound to the values at these JSON pointers in the call's arguments; a
    /// call without one of them is denied.
    pub fn of<'p>(self, pointers: impl IntoIterator<Item = &'p str>) -> Self {
        Self(self.0.and_then(|label| label.of(pointers)))
    }
}

impl Asked {
    /// Bound to the values that this call has at these JSON pointers in its
    /// arguments, in the order in which the label was raised with them.
    pub fn of<'p>(self, pointers: impl IntoIterator<Item = &'p str>) -> Self {
        Self(self.0.and_then(|label| label.of(pointers)))
    }

    /// It was raised.
    #[must_use]
    pub fn raised(self) -> Condition {
        Condition(self.0.map(|label| Node::Label(LabelTest { label, within: None })))
    }

    /// It was raised, last no longer ago than this.
    #[must_use]
    pub fn raised_within(self, time: Duration) -> Condition {
        let checked = |label| {
            let within = Some(RateLimit::new(1, time)?.per());
            Ok(Node::Label(LabelTest { label, within }))
        };
        Condition(self.0.and_then(checked))
    }
}

impl Labelled {
    pub(crate) fn new(name: &str) -> Result<Self, Problem> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        if !name.bytes().all(plain) {
            return Err(Problem::Word {
                found: crate::error::quote(name),
                expected: "a label: lower-case letters, digits, `-` and `_`",
            });
        }
        Ok(Self { name: LabelName::parse(name)?, of: Vec::new() })
    }

    pub(crate) fn of<'p>(self, pointers: impl IntoIterator<Item = &'p str>) -> Result<Self, Problem> {
        let of = pointers.into_iter().map(place).collect::<Result<Vec<_>, _>>()?;
        if of.is_empty() {
            return Err(Problem::Empty("of"));
        }
        if of.len() > MAX_OF {
            return Err(Problem::TooMany { what: "values of one label", max: MAX_OF });
        }
        Ok(Self { of, ..self })
    }

    /// What the label is bound to in this call.
    pub(crate) fn binding(&self, facts: &Facts<'_>) -> Result<Option<Sha256Digest>, Why> {
        if self.of.is_empty() {
            return Ok(None);
        }
        let value = |pointer| Ok(facts.at(pointer)?.ok_or(Why::Missing)?.to_json());
        let values = self.of.iter().map(value).collect::<Result<Vec<Json>, Why>>()?;
        Ok(Some(bound_to(values)))
    }
}

/// The digest of the values that a label is bound to.
pub(crate) fn bound_to(values: Vec<Json>) -> Sha256Digest {
    Sha256Digest::of(&canonical::to_vec(&Json::Array(values)))
}

fn place(pointer: &str) -> Result<Pointer, Problem> {
    match Pointer::argument(pointer)? {
        Pointer { root: Root::Arguments, .. } => {
            Err(Problem::Combination("a label is bound to single arguments, not to all together"))
        }
        pointer => Ok(pointer),
    }
}

impl LabelTest {
    /// Whether the label was raised in time, and when it was last raised.
    pub(crate) fn find(&self, facts: &Facts<'_>) -> Result<(bool, Option<Timestamp>), Why> {
        let labels = facts.labels.ok_or(Why::NoSession)?;
        let of = self.label.binding(facts)?;
        let Some(at) = labels.raised_at(self.label.name.as_str(), of.as_ref()) else {
            return Ok((false, None));
        };
        let Some(within) = self.within else { return Ok((true, Some(at))) };
        // A clock that went back since cannot tell how long ago it was.
        let age = facts.now.unix_micros().checked_sub(at.unix_micros());
        let age = age.and_then(|age| u64::try_from(age).ok()).ok_or(Why::ClockBack)?;
        Ok((Duration::from_micros(age) <= within, Some(at)))
    }

    /// Whether the label was raised in time.
    pub(crate) fn test(&self, facts: &Facts<'_>) -> Result<bool, Why> {
        self.find(facts).map(|(raised, _)| raised)
    }
}
