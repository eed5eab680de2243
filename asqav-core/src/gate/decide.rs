//! From a call to a ruling: asks the policy, takes the charges.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{ActionId, ReasonCode, RuleId};
use asqav_receipt::payload::Decision as Wire;
use asqav_receipt::time::Timestamp;

use super::Gate;
use super::active::Active;
use super::approve::{Approved, Grant};
use super::halt::Stop;
use super::identity::Identity;
use super::install::Entry;
use crate::approval::Fault;
use crate::call::{Argument, CallError, ToolCall};
use crate::delegation::{Applying, MAX_PRESENTED};
use crate::limits::LimitError;
use crate::oblige::{Unmet, enforce_arguments};
use crate::policy::{Charge, Decision, Duty, Effect, Labels, Obligation, Policy, PolicyInput, Raise, Raised};
use crate::refused::Refused;

/// What the gate does with a call.
pub(super) struct Ruling {
    /// The receipt's `decision`.
    pub(super) wire: Wire,
    /// The rules that led to it.
    pub(super) rules: Vec<RuleId>,
    /// What was taken from limits; to be refunded if the body does not run.
    pub(super) charges: Vec<Charge>,
    /// Rules in shadow that would have denied it.
    pub(super) shadow: Vec<RuleId>,
    /// What has to be done with the call and its result.
    pub(super) obligations: Vec<Obligation>,
    /// The arguments as the obligations want them, if there are any.
    pub(super) enforced: Option<Vec<Argument>>,
    /// Whether the policy has to see the result.
    pub(super) reviewed: bool,
    /// The chains of delegation tokens that apply to the call.
    pub(super) delegations: Applying,
    /// Whether they were checked.
    pub(super) delegation_checked: bool,
    /// The labels that the session carries once the call is admitted.
    pub(super) raises: Vec<Raise>,
    /// The labels that the decision looked for and found; `None` when it
    /// looked for none.
    pub(super) found: Option<Vec<Raised>>,
    /// Why the call is denied, if it is.
    pub(super) denial: Option<Denial>,
    /// The policy in force then, whether or not it was asked.
    pub(super) active: Option<Arc<Active>>,
}

/// Why a call is denied.
pub(super) enum Denial {
    Policy(ReasonCode),
    NeedsApproval(ReasonCode),
    NotApproved(&'static str),
    RateLimited(Duration),
    Unrepresentable(CallError),
    Stopped(Stop),
}

impl Denial {
    /// The receipt's `reason`.
    pub(super) fn reason(&self) -> ReasonCode {
        match self {
            Self::Policy(reason) => reason.clone(),
            Self::NeedsApproval(_) => code("approval_required"),
            Self::NotApproved(why) => code(why),
            Self::RateLimited(_) => code("rate_limited"),
            Self::Unrepresentable(fault) => code(fault.code()),
            Self::Stopped(stop) => stop.reason(),
        }
    }

    /// What the caller hears once `receipt` is durable.
    pub(super) fn into_refused(self, receipt: ActionId) -> Refused {
        match self {
            Self::Policy(reason) => Refused::Denied { reason, receipt },
            Self::NeedsApproval(reason) => Refused::NeedsApproval { reason, receipt },
            Self::NotApproved(why) => Refused::NotApproved { reason: code(why), receipt },
            Self::RateLimited(retry_after) => Refused::RateLimited { retry_after, receipt },
            Self::Unrepresentable(fault) => Refused::Unrepresentable { fault, receipt },
            Self::Stopped(stop) => stop.into_refused(receipt),
        }
    }
}

impl Ruling {
    fn new(wire: Wire, rules: Vec<RuleId>, denial: Option<Denial>) -> Self {
        Self {
            wire,
            rules,
            charges: Vec::new(),
            shadow: Vec::new(),
            obligations: Vec::new(),
            enforced: None,
            reviewed: false,
            delegations: Applying::default(),
            delegation_checked: false,
            raises: Vec::new(),
            found: None,
            denial,
            active: None,
        }
    }

    fn denied(wire: Wire, rules: Vec<RuleId>, denial: Denial) -> Self {
        Self::new(wire, rules, Some(denial))
    }
}

impl Ruling {
    /// What the call's receipts give as `policy_digest`.
    pub(super) fn policy_digest(&self, identity: &Identity) -> Sha256Digest {
        self.active.as_ref().map_or_else(|| identity.policy_digest(), |active| active.digest)
    }
}

impl Gate {
    /// Rules on `call` at `now`. Before anything else is asked, the kill
    /// switch; a call that cannot be represented is denied without asking the
    /// policy, which would judge something else.
    ///
    /// With an approval, the policy in force has to want the same or nothing.
    pub(super) fn rule(
        &self,
        entry: &Entry,
        call: &ToolCall,
        labels: Option<&Labels>,
        now: Timestamp,
        approved: &Approved,
    ) -> Ruling {
        let (active, session) = (self.0.policy.get(), entry.session.as_ref());
        if let Some(stop) = self.stop_of(session) {
            let stopped = Ruling::denied(Wire::Deny, Vec::new(), Denial::Stopped(stop));
            return Ruling { active, ..stopped };
        }
        let session_id = session.map(|session| &session.state.id);
        let delegations = Applying::to(entry, call);
        let input = PolicyInput::new(self.agent(), call, session_id, now)
            .delegated(delegations.as_slice(), self.key_thumbprint());
        let input = PolicyInput { labels, ..input };
        let ruling = match approved {
            Approved::Not { why, .. } => Ruling::denied(Wire::Deny, Vec::new(), Denial::NotApproved(why)),
            _ => self.judge(active.as_deref(), &input, approved.grant()),
        };
        if let (Some(session), Some(denial)) = (session, &ruling.denial) {
            // Waiting for an approval is no misdeed yet.
            if !matches!(denial, Denial::NeedsApproval(_)) {
                session.state.count_denial();
            }
        }
        Ruling { active, delegations, ..ruling }
    }

    fn judge(&self, active: Option<&Active>, input: &PolicyInput<'_>, grant: Option<&Grant>) -> Ruling {
        if let Some(fault) = input.call.fault() {
            return Ruling::denied(Wire::Deny, Vec::new(), Denial::Unrepresentable(fault.clone()));
        }
        let refused = |why| Ruling::denied(Wire::Deny, Vec::new(), Denial::Policy(code(why)));
        if input.delegations.len() > MAX_PRESENTED {
            return refused("delegation_too_many");
        }
        let Some(Active { policy, digest }) = active else {
            return match input.delegations {
                [] => Ruling::new(Wire::Observation, Vec::new(), None),
                _ => refused("delegation_unchecked"),
            };
        };
        if self.0.watch.went_back(input.now) {
            return refused("clock_back");
        }
        let Ok(mut decision) = asked(&**policy, input) else {
            return refused("policy_error");
        };
        let denied = matches!(decision.effect, Effect::Deny { .. });
        if is_unchecked(input, &decision) && !denied {
            return Ruling { shadow: decision.shadow, ..refused("delegation_unchecked") };
        }
        if decision.reviewed && !denied && !input.call.is_releasing() {
            // Whoever runs the tool keeps the result: nothing could be withheld.
            let unchecked = Denial::Policy(code("result_unchecked"));
            let ruling = Ruling::denied(Wire::Deny, decision.rules, unchecked);
            return Ruling { shadow: decision.shadow, ..ruling };
        }
        if decision.obligations.is_empty() || denied {
            return self.effect(decision, *digest, input.now, grant);
        }
        match self.enforced(&**policy, input, &decision) {
            Ok((enforced, raises)) => {
                decision.raises = raises;
                let obligations = decision.obligations.clone();
                let ruling = self.effect(decision, *digest, input.now, grant);
                Ruling { obligations, enforced: Some(enforced), ..ruling }
            }
            Err(Unmet) => {
                let rules = decision.obligations.iter().map(|obligation| obligation.rule.clone()).collect();
                let unmet = Denial::Policy(code("obligation_unmet"));
                Ruling { shadow: decision.shadow, ..Ruling::denied(Wire::Deny, rules, unmet) }
            }
        }
    }

    /// The arguments as the obligations want them, if the gate can meet them
    /// all and the policy allows the call as it then is, and the labels that
    /// the call as it then is raises.
    fn enforced(
        &self,
        policy: &dyn Policy,
        input: &PolicyInput<'_>,
        decision: &Decision,
    ) -> Result<(Vec<Argument>, Vec<Raise>), Unmet> {
        let obligations = &decision.obligations;
        let notifies = obligations.iter().any(|obligation| matches!(obligation.duty, Duty::Notify(_)));
        let changes = obligations.iter().any(Obligation::changes);
        if (notifies && self.0.notifier.is_none()) || (changes && !input.call.is_adapting()) {
            return Err(Unmet);
        }
        let arguments = enforce_arguments(&input.call.arguments, obligations)?;
        let mut call = input.call.clone();
        call.arguments.clone_from(&arguments);
        let changed = asked(policy, &PolicyInput { call: &call, ..*input }).map_err(|()| Unmet)?;
        match (&changed.effect, &decision.effect) {
            (Effect::Deny { .. }, _) => Err(Unmet),
            // Nobody would be asked about the call that runs.
            (Effect::NeedsApproval { .. }, Effect::Allow) => Err(Unmet),
            _ if is_unchecked(input, &changed) => Err(Unmet),
            _ => Ok((arguments, changed.raises)),
        }
    }

    fn effect(
        &self,
        decision: Decision,
        digest: Sha256Digest,
        now: Timestamp,
        grant: Option<&Grant>,
    ) -> Ruling {
        let Decision {
            effect,
            rules,
            charges,
            shadow,
            obligations: _,
            reviewed,
            delegation_checked,
            raises,
            found,
        } = decision;
        let ruling = match effect {
            Effect::Allow => self.charge(rules, charges, now),
            Effect::Deny { reason } => Ruling::denied(Wire::Deny, rules, Denial::Policy(reason)),
            Effect::NeedsApproval { reason } => match grant {
                None => Ruling::denied(Wire::Deny, rules, Denial::NeedsApproval(reason)),
                Some(grant) if grant.policy_digest == digest => self.charge(rules, charges, now),
                Some(_) => {
                    let why = Fault::OtherPolicy.code();
                    Ruling::denied(Wire::Deny, rules, Denial::NotApproved(why))
                }
            },
        };
        Ruling { shadow, reviewed, delegation_checked, raises, found, ..ruling }
    }

    /// Takes all charges or none.
    fn charge(&self, rules: Vec<RuleId>, charges: Vec<Charge>, now: Timestamp) -> Ruling {
        if charges.is_empty() {
            return Ruling::new(Wire::Allow, rules, None);
        }
        // Foreign code: a store that panics cannot answer.
        let taken = catch_unwind(AssertUnwindSafe(|| self.limits().take(&charges, now)));
        match taken.unwrap_or_else(|_| Err(LimitError::Store("it panicked".to_owned()))) {
            Ok(()) => Ruling { charges, ..Ruling::new(Wire::Allow, rules, None) },
            Err(LimitError::Exhausted { rule, retry_after }) => {
                Ruling::denied(Wire::RateLimit, vec![rule], Denial::RateLimited(retry_after))
            }
            Err(error) => {
                tracing::error!(target: "asqav::gate", %error, "the call is denied");
                Ruling::denied(Wire::Deny, rules, Denial::Policy(code("limit_store_unavailable")))
            }
        }
    }

    /// Gives back what was taken for a call that did not run.
    pub(crate) fn refund(&self, charges: &[Charge], taken_at: Timestamp) {
        let refund = || self.limits().refund(charges, taken_at);
        if !charges.is_empty() && catch_unwind(AssertUnwindSafe(refund)).is_err() {
            tracing::error!(target: "asqav::gate", "the limit store panicked at a refund");
        }
    }

    /// Replaces what was taken for a call by what it really cost.
    pub(crate) fn settle(&self, charge: &Charge, actual: u64, taken_at: Timestamp) {
        let settle = || self.limits().settle(charge, actual, taken_at);
        let settled = catch_unwind(AssertUnwindSafe(settle));
        if let Err(error) = settled.unwrap_or_else(|_| Err(LimitError::Store("it panicked".to_owned()))) {
            tracing::error!(target: "asqav::gate", %error, rule = %charge.rule, "a cost is not settled");
        }
    }
}

/// Whether a chain of tokens applies that the policy has not looked at.
const fn is_unchecked(input: &PolicyInput<'_>, decision: &Decision) -> bool {
    !input.delegations.is_empty() && !decision.delegation_checked
}

/// What the policy says; its panic is an error.
fn asked(policy: &dyn Policy, input: &PolicyInput<'_>) -> Result<Decision, ()> {
    catch_unwind(AssertUnwindSafe(|| policy.decide(input))).map_err(|_| {
        tracing::error!(target: "asqav::gate", "the policy panicked: the call is denied");
    })
}

pub(crate) fn code(text: &'static str) -> ReasonCode {
    #[expect(clippy::expect_used, reason = "the gate's own codes are short ASCII words")]
    ReasonCode::parse(text).expect("a reason code")
}
