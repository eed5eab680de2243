//! What a gate asks before a tool runs.

mod fault;
mod label;
mod review;

use std::time::Duration;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, PolicyId, ReasonCode, RuleId, SessionId};
use asqav_receipt::time::Timestamp;

use crate::call::{JsonText, ToolCall};
use crate::delegation::Presented;

pub use fault::PolicyFault;
pub use label::{Label, Labels, LabelsFull, Raise, Raised};
pub use review::Review;

/// Decides whether a tool call may run.
///
/// `decide` is pure: the same input gives the same decision, and nothing
/// changes. Limits are *described* by charges; the gate takes them, all or
/// none, and refunds them when the call does not run.
pub trait Policy: Send + Sync + 'static {
    /// The policy's id.
    fn id(&self) -> &PolicyId;

    /// SHA-256 of the normalised policy: the receipt's `policy_digest`.
    fn digest(&self) -> Sha256Digest;

    /// The decision on one call. Must fail closed: what cannot be evaluated
    /// makes an allow rule not match and a deny rule match.
    fn decide(&self, input: &PolicyInput<'_>) -> Decision;

    /// What the policy says about the result of a call that it let through as
    /// [`reviewed`](Decision::reviewed); `result` is what would go on, `None`
    /// where the gate was given no text of it. Pure as `decide`, and fails
    /// closed as it: what cannot be evaluated withholds.
    fn review(&self, _input: &PolicyInput<'_>, _result: Option<&JsonText>) -> Review {
        Review::passed()
    }

    /// Whether the policy means to allow calls that it does not know, so that
    /// it is not expected to refuse the gate's self-test call. `policy:activate`
    /// tells it.
    fn allows_unknown_calls(&self) -> bool {
        false
    }
}

/// Everything a decision may depend on.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PolicyInput<'a> {
    /// The agent that acts.
    pub agent: &'a AgentId,
    /// The call.
    pub call: &'a ToolCall,
    /// The session the call belongs to.
    pub session: Option<&'a SessionId>,
    /// The wall clock.
    pub now: Timestamp,
    /// The chains of delegation tokens that apply to the call: all have to
    /// allow it. A decision that does not deny and whose
    /// [`delegation_checked`](Decision::delegation_checked) is not set is a
    /// denial where there is one.
    pub delegations: &'a [Presented],
    /// The gate's key, by its thumbprint; a token may be for that gate only.
    pub gate_key: Option<&'a Sha256Digest>,
    /// The labels that the session carries; `None` outside of one.
    pub labels: Option<&'a Labels>,
}

impl<'a> PolicyInput<'a> {
    /// The input of a decision on `call` by `agent` at `now`.
    #[must_use]
    pub const fn new(
        agent: &'a AgentId,
        call: &'a ToolCall,
        session: Option<&'a SessionId>,
        now: Timestamp,
    ) -> Self {
        Self { agent, call, session, now, delegations: &[], gate_key: None, labels: None }
    }

    /// With these chains, presented at the gate with this key.
    #[must_use]
    pub const fn delegated(mut self, chains: &'a [Presented], gate_key: &'a Sha256Digest) -> Self {
        (self.delegations, self.gate_key) = (chains, Some(gate_key));
        self
    }

    /// With the labels that the session carries.
    #[must_use]
    pub const fn labels(self, labels: &'a Labels) -> Self {
        Self { labels: Some(labels), ..self }
    }
}

/// What a policy says about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// The effect.
    pub effect: Effect,
    /// The rules that matched and led to the effect, most decisive first.
    /// Receipts name the first four.
    pub rules: Vec<RuleId>,
    /// What is taken from limits before the call runs, all or nothing; when an
    /// approval is needed, once it is there. Not looked at on a denial.
    pub charges: Vec<Charge>,
    /// Rules in shadow that would have denied the call: the receipt names the
    /// first three, and nothing else comes of them.
    pub shadow: Vec<RuleId>,
    /// What the call may run with only; not looked at on a denial.
    pub obligations: Vec<Obligation>,
    /// Whether the policy has to [review](Policy::review) the result before it
    /// goes on; not looked at on a denial.
    pub reviewed: bool,
    /// Whether every chain of delegation tokens in the input was checked, and
    /// allows the call.
    pub delegation_checked: bool,
    /// The labels that the session carries as soon as the call is admitted; not
    /// looked at on a denial. A call outside of a session cannot raise one and
    /// is denied.
    pub raises: Vec<Raise>,
    /// Of the session's labels, those that the decision looked for and found;
    /// `None` when it looked for none.
    pub found: Option<Vec<Raised>>,
}

/// The effect of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The call may run.
    Allow,
    /// The call must not run.
    Deny {
        /// A stable code without user data, e.g. `no_rule` or `denied_by_rule`.
        reason: ReasonCode,
    },
    /// The call may run once somebody approves it.
    NeedsApproval {
        /// A stable code without user data.
        reason: ReasonCode,
    },
}

impl Decision {
    /// The call may run, by these rules, once `charges` are taken.
    #[must_use]
    pub const fn allow(rules: Vec<RuleId>, charges: Vec<Charge>) -> Self {
        Self {
            effect: Effect::Allow,
            rules,
            charges,
            shadow: Vec::new(),
            obligations: Vec::new(),
            reviewed: false,
            delegation_checked: false,
            raises: Vec::new(),
            found: None,
        }
    }

    /// The call must not run.
    #[must_use]
    pub fn deny(rules: Vec<RuleId>, reason: ReasonCode) -> Self {
        Self { effect: Effect::Deny { reason }, ..Self::allow(rules, Vec::new()) }
    }

    /// The call may run once somebody approves it.
    #[must_use]
    pub fn needs_approval(rules: Vec<RuleId>, reason: ReasonCode) -> Self {
        Self { effect: Effect::NeedsApproval { reason }, ..Self::allow(rules, Vec::new()) }
    }
}

/// What has to be done with an argument or a result before it goes on.
///
/// An obligation that cannot be met stops the call, with the reason
/// `obligation_unmet`; one on a result withholds the result.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Obligation {
    /// What is obliged.
    pub on: Target,
    /// What has to be done with it.
    pub duty: Duty,
    /// The rule that asks for it.
    pub rule: RuleId,
}

/// A place in the arguments or in the result, by JSON pointer (RFC 6901). The
/// first step of a pointer into the arguments is an argument's name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// In the arguments, e.g. `/account/iban`.
    Argument(String),
    /// In the result; the empty pointer is all of it.
    Result(String),
}

/// What has to be done. A value that is not there is an obligation unmet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Duty {
    /// `null` in place of the value.
    Redact,
    /// Of a text, all characters but the last so many become `*`.
    Mask {
        /// How many characters stay.
        keep_last: u8,
    },
    /// This value in place of the value.
    Replace(JsonText),
    /// Of an integer, this at most.
    Cap(i64),
    /// Nothing is changed; the receipt's inputs hold the label.
    Label(ReasonCode),
    /// Somebody is told, by the gate's [`Notifier`](crate::gate::Notifier).
    Notify(ReasonCode),
}

impl Obligation {
    /// `duty` on `on`, asked for by `rule`.
    #[must_use]
    pub const fn new(on: Target, duty: Duty, rule: RuleId) -> Self {
        Self { on, duty, rule }
    }

    /// Whether it changes a value.
    #[must_use]
    pub const fn changes(&self) -> bool {
        !matches!(self.duty, Duty::Label(_) | Duty::Notify(_))
    }
}

/// One withdrawal from one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Charge {
    /// The counter, e.g. `rate/agent/agt_1/tool/refund`; unique per limit and key.
    pub key: String,
    /// The limit.
    pub limit: Limit,
    /// How much is taken; 1 for a call.
    pub cost: u64,
    /// The rule that asks for it.
    pub rule: RuleId,
    /// Where the result says what the call really cost, as a JSON pointer
    /// (RFC 6901); `None` if `cost` is that.
    pub settled_by: Option<String>,
}

impl Charge {
    /// Takes `cost` from the counter `key` under `limit`, asked for by `rule`.
    #[must_use]
    pub fn new(key: String, limit: impl Into<Limit>, cost: u64, rule: RuleId) -> Self {
        Self { key, limit: limit.into(), cost, rule, settled_by: None }
    }

    /// What the result says at this JSON pointer replaces the cost once the
    /// call has run.
    #[must_use]
    pub fn settled_by(mut self, pointer: impl Into<String>) -> Self {
        self.settled_by = Some(pointer.into());
        self
    }
}

/// What a charge is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// So much per time, evenly.
    Rate(Rate),
    /// So much in all, or per window.
    Budget(Budget),
}

impl From<Rate> for Limit {
    fn from(rate: Rate) -> Self {
        Self::Rate(rate)
    }
}

impl From<Budget> for Limit {
    fn from(budget: Budget) -> Self {
        Self::Budget(budget)
    }
}

/// At most `amount` in each window, and the whole of it again in the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// How much, in whole units, e.g. cents.
    pub amount: u64,
    /// How long a window is; windows follow one another from the Unix epoch.
    /// `None`: there is one, for ever.
    pub window: Option<Duration>,
}

impl Budget {
    /// `amount` per `window`.
    #[must_use]
    pub const fn new(amount: u64, window: Option<Duration>) -> Self {
        Self { amount, window }
    }
}

/// At most `burst` at once, refilled evenly so that `burst` come back per
/// `period` (generic cell rate algorithm).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rate {
    /// How many may come at once, at least 1.
    pub burst: u32,
    /// The time in which all of them come back.
    pub period: Duration,
}

impl Rate {
    /// `burst` calls per `period`.
    #[must_use]
    pub const fn new(burst: u32, period: Duration) -> Self {
        Self { burst, period }
    }
}
