//! Admission: from a call to a durable decision receipt and a permit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use asqav_receipt::payload::Tier;

use super::decide::Ruling;
use super::draft;
use super::identity::Fresh;
use super::install::{Door, Entry};
use crate::call::ToolCall;
use crate::completion::{Completion, Receipted};
use crate::permit::Permit;
use crate::permit::admitted::{AdmittedCall, Basis};
use crate::recorder::Submitted;
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
        match self.0.started() {
            Stage::Allowed(decision, permit) => allowed(decision.wait(), permit),
            Stage::Denied(decision, refused) => denied(decision.wait(), refused),
            Stage::Settled(settled) => settled,
            Stage::New(_) | Stage::Done => Err(Refused::NoGate),
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
        let decided = match &mut self.0 {
            Stage::Allowed(decision, _) | Stage::Denied(decision, _) => {
                Some(ready!(Pin::new(decision).poll(context)))
            }
            _ => None,
        };
        Poll::Ready(match (std::mem::replace(&mut self.0, Stage::Done), decided) {
            (Stage::Allowed(_, permit), Some(decided)) => allowed(decided, permit),
            (Stage::Denied(_, refused), Some(decided)) => denied(decided, refused),
            (Stage::Settled(settled), _) => settled,
            // Polled again after it was ready.
            _ => Err(Refused::NoGate),
        })
    }
}

/// The decision receipt is durable, or never will be.
fn allowed(decided: Result<Receipted, Closed>, permit: Permit) -> Result<Permit, Refused> {
    // Checked again: the gate may have been closed while the disk was busy.
    match decided.err().or_else(|| permit.gate().closed()) {
        None => Ok(permit.admitted()),
        // The permit's drop refunds, and records `abandoned` if that is possible.
        Some(cause) => Err(Refused::Closed { cause }),
    }
}

fn denied(decided: Result<Receipted, Closed>, refused: Refused) -> Result<Permit, Refused> {
    Err(match decided {
        Ok(_) => refused,
        Err(cause) => Refused::Closed { cause },
    })
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
    let entry = door.open()?;
    if entry.tier == Tier::Detectable {
        return observe(entry, call).map(|permit| Stage::Settled(Ok(permit)));
    }
    let place = entry.gate.recorder().reserve()?;
    let clock = &*entry.gate.identity().clock;
    let [fresh, outcome] = Fresh::draw_some(clock)?;
    let now = clock.now();
    let session = entry.session.as_ref().map(|session| &session.state.id);
    let ruling = entry.gate.rule(&call, session, now);
    let (action, tool) = (call.action.clone(), call.tool.clone());
    let draft = draft::decision(&entry, call, &ruling, now, &fresh);
    let submitted = match &entry.session {
        Some(session) => session.state.submit(&place, draft),
        None => place.submit(draft),
    };
    let Ruling { charges, denial, .. } = ruling;
    let Submitted { seq, action_id, payload_sha256, done, .. } = match submitted {
        Ok(submitted) => submitted,
        Err(refused) => {
            entry.gate.refund(&charges);
            return Err(refused);
        }
    };
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
        charges,
        fresh: outcome,
        basis,
        ambient,
        started: None,
    });
    Ok(Stage::Allowed(done, permit))
}

/// A permit that rests on no decision.
pub(super) fn observing(door: &Door, call: ToolCall) -> Result<Permit, Refused> {
    observe(door.open()?, call)
}

fn observe(entry: Entry, mut call: ToolCall) -> Result<Permit, Refused> {
    call.settle();
    let place = entry.gate.recorder().reserve()?;
    let fresh = Fresh::draw(&*entry.gate.identity().clock)?;
    let (parents, info) = (draft::parents(&entry), draft::tool_info(&call));
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
        charges: Vec::new(),
        fresh,
        basis,
        ambient,
        started: None,
    });
    Ok(permit.admitted())
}
