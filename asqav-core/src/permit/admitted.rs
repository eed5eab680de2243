//! What a permit holds: the call, as its outcome receipt has to tell it.

use std::time::Duration;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{ActionId, ActionType, ReasonCode, ToolName};
use asqav_receipt::payload::{Context, Form, Payload, Phase, ReceiptType, Tier, ToolInfo};
use asqav_receipt::time::Timestamp;

use super::Ending;
use crate::call::{Argument, JsonText};
use crate::commit::{Committer, POLICY_INPUTS, RESULT, fit_arguments, fit_value};
use crate::context::{Ambient, Current, RunningCall};
use crate::delegation::Applying;
use crate::gate::{Fresh, Gate, Kind, Reviewed, Reviewing, code};
use crate::json_pointer::count_at;
use crate::policy::{Charge, Obligation};
use crate::recorder::{Draft, Place, Submitted};
use crate::refused::Refused;
use crate::session::SessionHandle;

/// The canonical length of a committed result and its name, rounded up.
const RESULT_LEN: usize = 96;

/// What the outcome receipt repeats, and what it needs.
pub(crate) struct AdmittedCall {
    /// Before `gate`, which may be the last handle: the gate's drop waits until
    /// all places are back.
    pub(crate) place: Place,
    pub(crate) gate: Gate,
    pub(crate) session: Option<SessionHandle>,
    pub(crate) action: ActionType,
    pub(crate) tool: ToolName,
    pub(crate) tier: Tier,
    /// Of the policy that the call was decided by.
    pub(crate) policy_digest: Sha256Digest,
    /// What is refunded if the body does not run, and settled if it did.
    pub(crate) charges: Vec<Charge>,
    /// When it was taken.
    pub(crate) charged_at: Timestamp,
    /// For the outcome receipt, drawn at admission: an end must not fail for
    /// want of randomness.
    pub(crate) fresh: Fresh,
    /// What an adapting caller has to hand the tool.
    pub(crate) arguments: Vec<Argument>,
    /// What the call was let through with.
    pub(crate) obligations: Vec<Obligation>,
    /// What the result has to be judged by, if it has to be.
    pub(crate) review: Option<Reviewing>,
    /// What came of that.
    pub(crate) reviewed: Option<Reviewed>,
    /// Until when the body may be started, if somebody approved it.
    pub(crate) approved_until: Option<Timestamp>,
    /// The chains of delegation tokens that it was allowed by.
    pub(crate) delegations: Applying,
    pub(crate) basis: Basis,
    /// The context that the call was made in, with the call itself on top.
    pub(crate) ambient: Ambient,
    pub(crate) started: Option<(Timestamp, Duration)>,
}

/// What the call rests on.
pub(crate) enum Basis {
    /// A decision receipt.
    Decided { action_id: ActionId, seq: u64, payload_sha256: Sha256Digest },
    /// Nothing: the one post-hoc receipt will hold the arguments too.
    Observed { arguments: Vec<Argument>, parents: Vec<ActionId>, tool: Option<ToolInfo> },
}

impl AdmittedCall {
    pub(super) fn ids(&self) -> Current {
        let (action_id, seq) = match self.basis {
            Basis::Decided { action_id, seq, .. } => (action_id, Some(seq)),
            Basis::Observed { .. } => (self.fresh.action_id, None),
        };
        Current::new(action_id, seq, self.session.as_ref().map(|session| session.state.id.clone()))
    }

    /// Puts the call on top of the context that it was made in.
    pub(super) fn join_context(&mut self) {
        if let Some(session) = &self.session {
            self.ambient.session = Some(session.clone());
        }
        self.ambient.call = Some(RunningCall {
            gate: self.gate.clone(),
            ids: self.ids(),
            delegations: self.delegations.clone(),
        });
    }

    pub(super) fn start(&mut self) {
        if self.started.is_none() {
            let clock = &self.gate.identity().clock;
            self.started = Some((clock.now(), clock.monotonic()));
        }
    }

    pub(super) fn refund(&self) {
        self.gate.refund(&self.charges, self.charged_at);
    }

    /// Replaces costs by what the tool says that they were. What it does not
    /// say stays taken.
    pub(super) fn settle(&mut self, result: Option<&JsonText>) {
        let Some(result) = result else { return };
        for charge in &mut self.charges {
            let actual = charge.settled_by.take().and_then(|pointer| count_at(result, &pointer));
            if let Some(actual) = actual {
                self.gate.settle(charge, actual, self.charged_at);
            }
        }
    }

    /// Judges what the tool gave back, if that has to be. Gives the ending as
    /// the receipt has to tell it, and why nothing may go on, if so.
    pub(super) fn review(&mut self, ending: Ending) -> (Ending, Option<ReasonCode>) {
        let Some(review) = self.review.take_if(|_| ending.has_returned()) else { return (ending, None) };
        let session = self.session.as_ref().map(|session| &session.state.id);
        let reviewed = review.judge(&self.gate, session, ending.text());
        let withheld = reviewed.withheld().cloned();
        self.reviewed = Some(reviewed);
        (if withheld.is_some() { ending.unquoted() } else { ending }, withheld)
    }

    /// The ending of a call whose caller keeps the result without having it
    /// judged, as the receipt has to tell it.
    pub(super) fn unreviewed(&mut self, ending: Ending) -> Ending {
        match self.review.take() {
            Some(_) if ending.has_returned() => ending.unquoted().because(code("result_unchecked")),
            _ => ending,
        }
    }

    /// Submits the receipt that ends the call, for who waits for it at once or
    /// for whoever may.
    pub(super) fn end(&mut self, ending: Ending, is_awaited: bool) -> Result<Submitted, Refused> {
        let opened = matches!(self.basis, Basis::Decided { .. });
        let draft = if opened { self.outcome(ending) } else { self.observation(ending) };
        let draft = draft.awaited_if(is_awaited);
        match &self.session {
            Some(session) if opened => session.state.submit_outcome(&self.place, draft),
            Some(session) => session.state.submit_observed(&self.place, draft),
            None => self.place.submit(draft),
        }
    }

    /// The outcome receipt of a decision.
    fn outcome(&self, ending: Ending) -> Draft {
        let mut payload = self.skeleton(ReceiptType::Outcome, Phase::Outcome, Context::Result(None));
        if let Basis::Decided { action_id, payload_sha256, .. } = &self.basis {
            payload.asqav.parents = vec![*action_id];
            payload.invocation_ref = Some(*payload_sha256);
        }
        let mut committer = self.gate.identity().committer(&self.fresh);
        let result = self.describe(ending, &mut payload, &mut committer);
        payload.context = Context::Result(result);
        if let (Some(reviewed), Some(policy)) = (&self.reviewed, &mut payload.asqav.policy) {
            let inputs = reviewed.inputs(self.ids().action_id);
            policy.inputs = Some(committer.commit(POLICY_INPUTS.to_owned(), inputs));
        }
        Draft::new(payload, committer.into_openings())
    }

    /// The post-hoc receipt of a call that was not decided on.
    fn observation(&mut self, ending: Ending) -> Draft {
        let context = Context::Observed { shown: Vec::new(), folded: None, result: None };
        let mut payload = self.skeleton(ReceiptType::Observation, Phase::Event, context);
        let mut arguments = Vec::new();
        if let Basis::Observed { arguments: taken, parents, tool } = &mut self.basis {
            arguments = std::mem::take(taken);
            payload.asqav.parents = std::mem::take(parents);
            payload.asqav.tool = tool.take();
        }
        let mut committer = self.gate.identity().committer(&self.fresh);
        let result = self.describe(ending, &mut payload, &mut committer);
        let fitted =
            fit_arguments(arguments, &payload, RESULT_LEN + recorded_len(result.as_ref()), &mut committer);
        payload.context = Context::Observed { shown: fitted.shown, folded: fitted.folded, result };
        Draft::new(payload, committer.into_openings())
    }

    fn skeleton(&self, receipt_type: ReceiptType, phase: Phase, context: Context) -> Payload {
        let kind = Kind { receipt_type, phase, context };
        let mut payload = self.gate.identity().payload(&self.fresh, self.action.clone(), kind);
        payload.tool_name = Some(self.tool.clone());
        payload.session_id = self.session.as_ref().map(|session| session.state.id.clone());
        payload.asqav.tier = self.tier;
        payload.policy_digest = self.policy_digest;
        payload
    }

    /// Writes down how the call ended, and gives the form of its result.
    fn describe(&self, ending: Ending, payload: &mut Payload, committer: &mut Committer<'_>) -> Option<Form> {
        let Ending { outcome, result, error_type, reason } = ending;
        payload.reason = reason;
        payload.asqav.outcome = Some(outcome);
        payload.asqav.error_type = error_type;
        if let Some(reviewed) = &self.reviewed {
            reviewed.describe(payload);
        }
        if let Some((at, since)) = self.started {
            let ran = self.gate.identity().clock.monotonic().saturating_sub(since);
            payload.asqav.started_at = Some(at);
            payload.asqav.duration_us = Some(u64::try_from(ran.as_micros()).unwrap_or(u64::MAX));
        }
        let (text, capture) = result?;
        Some(fit_value(RESULT, text, capture, payload, committer))
    }
}

/// How much longer a result's form is than a commitment.
fn recorded_len(result: Option<&Form>) -> usize {
    match result {
        Some(Form::Value(_) | Form::Text(_)) => 2 * asqav_receipt::payload::MAX_RECORDED_LEN,
        _ => 0,
    }
}
