//! From a call to its submitted decision: everything before waiting.

use std::sync::Arc;

use asqav_receipt::payload::Tier;
use asqav_receipt::time::Timestamp;

use super::active::is_same;
use super::admit::Stage;
use super::approve::{Approved, Concluded, Pending};
use super::decide::{Denial, Ruling};
use super::draft;
use super::identity::Fresh;
use super::install::{Door, Entry};
use super::review::Reviewing;
use crate::call::{Argument, ToolCall};
use crate::commit::{POLICY_INPUTS, RESULT, foreseeable};
use crate::completion::Acknowledged;
use crate::delegation::Applying;
use crate::permit::Permit;
use crate::permit::admitted::{AdmittedCall, Basis};
use crate::recorder::{Place, Submitted};
use crate::refused::Refused;

/// Everything up to handing the decision to the recorder; for a thread that
/// waits at once or for whoever may.
pub(super) fn begin(door: &Door, mut call: ToolCall, is_awaited: bool) -> Result<Stage, Refused> {
    call.settle();
    let mut entry = door.open()?;
    if entry.tier == Tier::Detectable {
        let stopped = entry.gate.stop_of(entry.session.as_ref()).is_some();
        if stopped || !Applying::to(&entry, &call).as_slice().is_empty() {
            // Decided after all, and before the tool runs.
            entry.tier = Tier::Bounded;
        }
    }
    if entry.tier == Tier::Detectable {
        return observe(entry, call).map(|permit| Stage::Settled(Ok(permit)));
    }
    let place = entry.gate.recorder().reserve()?;
    decided(Concluded { entry, call, place, approved: Approved::NotYet }, is_awaited)
}

/// Decides on a call and hands the decision to the recorder.
pub(super) fn decided(concluded: Concluded, is_awaited: bool) -> Result<Stage, Refused> {
    let Concluded { entry, call, place, approved } = concluded;
    let clock = &*entry.gate.identity().clock;
    let [mut fresh, mut outcome] = Fresh::draw_some(clock)?;
    let now = clock.now();
    let (action, tool) = (call.action.clone(), call.tool.clone());
    let Decided { ruling, submitted, kept, arguments, review } =
        decide(&entry, call, now, &place, [&mut fresh, &mut outcome], &approved, is_awaited)?;
    let policy_digest = ruling.policy_digest(entry.gate.identity());
    if let (Some(call), Some(approvals)) = (kept, entry.gate.0.approvals.clone()) {
        // The place is given back, because an approval may take its time.
        let pending = Pending::new(entry, call, approvals, &submitted, policy_digest, now, ruling.denial);
        return Ok(Stage::Unapproved(submitted.done, Box::new(pending)));
    }
    let Ruling { charges, denial, obligations, delegations, .. } = ruling;
    let Submitted { seq, action_id, payload_sha256, done, .. } = submitted;
    if let Some(denial) = denial {
        return Ok(Stage::Denied(Acknowledged::new(Ok(done)), denial.into_refused(action_id)));
    }
    let Entry { gate, session, tier, ambient } = entry;
    let basis = Basis::Decided { action_id, seq, payload_sha256 };
    let permit = Permit::deciding(AdmittedCall {
        gate,
        place,
        session,
        action,
        tool,
        tier,
        policy_digest,
        charges,
        charged_at: now,
        approved_until: approved.grant().map(|grant| grant.expires_at),
        delegations,
        arguments,
        obligations,
        review,
        reviewed: None,
        fresh: outcome,
        basis,
        ambient,
        started: None,
    });
    Ok(Stage::Allowed(Acknowledged::new(Ok(done)), permit))
}

/// A decision that is submitted.
struct Decided {
    ruling: Ruling,
    submitted: Submitted,
    /// The call, if somebody is to be asked about it.
    kept: Option<ToolCall>,
    /// What an adapting caller has to hand the tool.
    arguments: Vec<Argument>,
    /// What the result has to be judged by, if it has to be.
    review: Option<Reviewing>,
}

/// Rules on `call` and submits the decision, by the policy that is in force
/// at that moment. The second of `receipts` is the outcome's.
fn decide(
    entry: &Entry,
    mut call: ToolCall,
    now: Timestamp,
    place: &Place,
    receipts: [&mut Fresh; 2],
    approved: &Approved,
    is_awaited: bool,
) -> Result<Decided, Refused> {
    let gate = &entry.gate;
    let [fresh, outcome] = receipts;
    loop {
        let session = entry.session.as_ref();
        let seen = session.map(|session| session.state.labels());
        let mut ruling = gate.rule(entry, &call, seen.as_deref(), now, approved);
        let raised = gate.raised(&mut ruling, seen.as_ref(), now);
        if ruling.denial.is_some() {
            gate.0.denials.take(gate.identity(), place)?;
        }
        foresee(&ruling, &call, fresh, outcome);
        let in_force = gate.0.policy.read();
        if !is_same(ruling.active.as_ref(), in_force.as_ref()) {
            // Another policy has come into force meanwhile: it is asked.
            drop(in_force);
            gate.refund(&ruling.charges, now);
            continue;
        }
        let mut labels = session.map(|session| session.state.held_labels());
        if labels.as_deref().zip(seen.as_ref()).is_some_and(|(now, seen)| !Arc::ptr_eq(now, seen)) {
            // Another call of the session has raised a label: it is decided anew.
            drop((labels, in_force));
            gate.refund(&ruling.charges, now);
            continue;
        }
        if let Some(enforced) = ruling.enforced.take() {
            call.arguments = enforced;
        }
        let arguments = if call.is_adapting() { call.arguments.clone() } else { Vec::new() };
        let asks = matches!(ruling.denial, Some(Denial::NeedsApproval(_))) && gate.0.approvals.is_some();
        let kept = asks.then(|| call.clone());
        let review = reviewing(&ruling, &call);
        let draft = draft::decision(entry, call, &ruling, now, fresh, approved).awaited_if(is_awaited);
        let submitted = match session {
            Some(session) => session.state.submit(place, draft),
            None => place.submit(draft),
        };
        if let (Ok(_), Some(labels), Some(raised)) = (&submitted, &mut labels, raised) {
            **labels = raised;
        }
        drop((labels, in_force));
        return match submitted {
            Ok(submitted) => Ok(Decided { ruling, submitted, kept, arguments, review }),
            Err(refused) => {
                gate.refund(&ruling.charges, now);
                Err(refused)
            }
        };
    }
}

/// Makes the salts of what the receipts of `call` are going to commit to.
fn foresee(ruling: &Ruling, call: &ToolCall, fresh: &mut Fresh, outcome: &mut Fresh) {
    let arguments = ruling.enforced.as_ref().unwrap_or(&call.arguments);
    let inputs = ruling.active.is_some().then(|| POLICY_INPUTS.into());
    let result = ruling.denial.is_none().then(|| RESULT.into());
    let decided = foreseeable(arguments).chain(inputs).collect();
    Fresh::foresee([(fresh, decided), (outcome, result.into_iter().collect())]);
}

/// The policy and the call, if the result has to be judged.
fn reviewing(ruling: &Ruling, call: &ToolCall) -> Option<Reviewing> {
    let allowed = ruling.reviewed && ruling.denial.is_none();
    let active = ruling.active.as_ref().filter(|_| allowed)?;
    Some(Reviewing::new(Arc::clone(active), call.clone()))
}

impl Door {
    /// A permit that rests on no decision.
    pub(crate) fn observe(&self, call: ToolCall) -> Result<Permit, Refused> {
        observe(self.open()?, call)
    }
}

fn observe(entry: Entry, mut call: ToolCall) -> Result<Permit, Refused> {
    call.settle();
    let place = entry.gate.recorder().reserve()?;
    let mut fresh = Fresh::draw(&*entry.gate.identity().clock)?;
    let committed = [RESULT.into()].into_iter().chain(foreseeable(&call.arguments)).collect();
    Fresh::foresee([(&mut fresh, committed)]);
    let (parents, info) = (draft::parents(&entry), draft::tool_info(&call));
    let policy_digest = entry.gate.policy_digest();
    let Entry { gate, session, tier, ambient } = entry;
    let handed = if call.is_adapting() { call.arguments.clone() } else { Vec::new() };
    let ToolCall { tool, action, arguments, .. } = call;
    let basis = Basis::Observed { arguments, parents, tool: info };
    let permit = Permit::deciding(AdmittedCall {
        gate,
        place,
        session,
        action,
        tool,
        tier,
        policy_digest,
        charges: Vec::new(),
        charged_at: Timestamp::MAX,
        approved_until: None,
        delegations: Applying::default(),
        arguments: handed,
        obligations: Vec::new(),
        review: None,
        reviewed: None,
        fresh,
        basis,
        ambient,
        started: None,
    });
    Ok(permit.admitted())
}
