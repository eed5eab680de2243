//! Admission: from a call to a durable decision receipt and a permit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use asqav_receipt::payload::Tier;
use asqav_receipt::time::Timestamp;

use super::active::is_same;
use super::decide::Ruling;
use super::draft;
use super::identity::Fresh;
use super::install::{Door, Entry};
use crate::call::ToolCall;
use crate::completion::{Completion, Receipted};
use crate::permit::admitted::{AdmittedCall, Basis};
use crate::permit::{Complete, Permit};
use crate::recorder::{Place, Submitted};
use crate::refused::{Closed, Refused};

/// Resolves to a permit once the decision receipt is durable, or to why the
/// call must not run once the denial receipt is.
///
/// Never polled, it leaves nothing. Dropped after the decision was handed to
/// the recorder, an allowed call is recorded as `abandoned`.
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Admit(Stage);

#[derive(Debug)]
enum Stage {
    New(Box<(Door, ToolCall)>),
    /// The decision is submitted. Dropped here, the permit abandons the call.
    Allowed(Completion, Permit),
    /// The denial is submitted.
    Denied(Completion, Refused),
    /// The call is stopped although its decision allowed it; its outcome is
    /// submitted.
    Stopped(Complete, Refused),
    /// Nothing is to be waited for.
    Settled(Result<Permit, Refused>),
    Done,
}

impl Admit {
    pub(super) fn new(door: Door, call: ToolCall) -> Self {
        Self(Stage::New(Box::new((door, call))))
    }

    /// Blocks the calling thread until the decision receipt is durable.
    ///
    /// # Errors
    /// [`Refused`] when the call must not run.
    pub fn wait(self) -> Result<Permit, Refused> {
        let mut stage = self.0.started();
        loop {
            stage = match stage {
                Stage::Allowed(decision, permit) => allowed(decision.wait(), permit),
                Stage::Denied(decision, refused) => refusal(decision.wait(), refused),
                Stage::Stopped(outcome, refused) => refusal(outcome.wait(), refused),
                Stage::Settled(settled) => return settled,
                Stage::New(_) | Stage::Done => return Err(Refused::NoGate),
            }
        }
    }
}

impl Door {
    /// Asks to run `call`, as [`Gate::admit`](super::Gate::admit) does.
    pub fn admit(self, call: ToolCall) -> Admit {
        Admit::new(self, call)
    }
}

impl Future for Admit {
    type Output = Result<Permit, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0 = std::mem::replace(&mut self.0, Stage::Done).started();
        loop {
            let waited = match &mut self.0 {
                Stage::Allowed(receipt, _) | Stage::Denied(receipt, _) => {
                    Some(ready!(Pin::new(receipt).poll(context)))
                }
                Stage::Stopped(receipt, _) => Some(ready!(Pin::new(receipt).poll(context))),
                _ => None,
            };
            self.0 = match (std::mem::replace(&mut self.0, Stage::Done), waited) {
                (Stage::Allowed(_, permit), Some(decided)) => allowed(decided, permit),
                (Stage::Denied(_, refused) | Stage::Stopped(_, refused), Some(receipt)) => {
                    refusal(receipt, refused)
                }
                (Stage::Settled(settled), _) => return Poll::Ready(settled),
                // Polled again after it was ready.
                _ => return Poll::Ready(Err(Refused::NoGate)),
            };
        }
    }
}

/// The decision receipt is durable, or never will be.
fn allowed(decided: Result<Receipted, Closed>, permit: Permit) -> Stage {
    // Checked again: the gate may have been closed while the disk was busy.
    if let Some(cause) = decided.err().or_else(|| permit.gate().closed()) {
        // The permit's drop refunds, and records `abandoned` if that is possible.
        return Stage::Settled(Err(Refused::Closed { cause }));
    }
    // So may the kill switch have been thrown.
    let Some(stop) = permit.gate().stop_of(permit.session()) else {
        return Stage::Settled(Ok(permit.admitted()));
    };
    let (receipt, outcome) = permit.stop(stop.reason());
    Stage::Stopped(outcome, stop.into_refused(receipt))
}

/// The receipt that refuses the call is durable, or never will be.
fn refusal(receipt: Result<Receipted, Closed>, refused: Refused) -> Stage {
    Stage::Settled(Err(match receipt {
        Ok(_) => refused,
        Err(cause) => Refused::Closed { cause },
    }))
}

impl Stage {
    fn started(self) -> Self {
        match self {
            Self::New(request) => {
                let (door, call) = *request;
                begin(&door, call).unwrap_or_else(|refused| Self::Settled(Err(refused)))
            }
            started => started,
        }
    }
}

/// Everything up to handing the decision to the recorder.
fn begin(door: &Door, mut call: ToolCall) -> Result<Stage, Refused> {
    call.settle();
    let mut entry = door.open()?;
    if entry.tier == Tier::Detectable && entry.gate.stop_of(entry.session.as_ref()).is_some() {
        // Decided after all, and before the tool runs.
        entry.tier = Tier::Bounded;
    }
    if entry.tier == Tier::Detectable {
        return observe(entry, call).map(|permit| Stage::Settled(Ok(permit)));
    }
    let place = entry.gate.recorder().reserve()?;
    let clock = &*entry.gate.identity().clock;
    let [fresh, outcome] = Fresh::draw_some(clock)?;
    let now = clock.now();
    let (action, tool) = (call.action.clone(), call.tool.clone());
    let (ruling, submitted) = decide(&entry, call, now, &place, &fresh)?;
    let policy_digest = ruling.policy_digest(entry.gate.identity());
    let Ruling { charges, denial, .. } = ruling;
    let Submitted { seq, action_id, payload_sha256, done, .. } = submitted;
    if let Some(denial) = denial {
        return Ok(Stage::Denied(done, denial.into_refused(action_id)));
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
        fresh: outcome,
        basis,
        ambient,
        started: None,
    });
    Ok(Stage::Allowed(done, permit))
}

/// Rules on `call` and submits the decision, by the policy that is in force
/// at that moment.
fn decide(
    entry: &Entry,
    call: ToolCall,
    now: Timestamp,
    place: &Place,
    fresh: &Fresh,
) -> Result<(Ruling, Submitted), Refused> {
    let gate = &entry.gate;
    loop {
        let ruling = gate.rule(&call, entry.session.as_ref(), now);
        if ruling.denial.is_some() {
            gate.0.denials.take(gate.identity(), place)?;
        }
        let in_force = gate.0.policy.read();
        if !is_same(ruling.active.as_ref(), in_force.as_ref()) {
            // Another policy has come into force meanwhile: it is asked.
            drop(in_force);
            gate.refund(&ruling.charges, now);
            continue;
        }
        let draft = draft::decision(entry, call, &ruling, now, fresh);
        let submitted = match &entry.session {
            Some(session) => session.state.submit(place, draft),
            None => place.submit(draft),
        };
        drop(in_force);
        return match submitted {
            Ok(submitted) => Ok((ruling, submitted)),
            Err(refused) => {
                gate.refund(&ruling.charges, now);
                Err(refused)
            }
        };
    }
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
    let fresh = Fresh::draw(&*entry.gate.identity().clock)?;
    let (parents, info) = (draft::parents(&entry), draft::tool_info(&call));
    let policy_digest = entry.gate.policy_digest();
    let Entry { gate, session, tier, ambient } = entry;
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
        fresh,
        basis,
        ambient,
        started: None,
    });
    Ok(permit.admitted())
}
