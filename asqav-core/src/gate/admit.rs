//! Admission: from a call to a durable decision receipt and a permit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::approve::Pending;
use super::begin::{begin, decided};
use super::halt::Stop;
use super::install::Door;
use crate::call::ToolCall;
use crate::completion::{Acknowledged, Completion};
use crate::oblige::Unmet;
use crate::permit::Permit;
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
pub(super) enum Stage {
    New(Box<(Door, ToolCall)>),
    /// The decision is submitted. Dropped here, the permit abandons the call.
    Allowed(Acknowledged, Permit),
    /// The denial is submitted.
    Denied(Acknowledged, Refused),
    /// The denial that asks for an approval is submitted.
    Unapproved(Completion, Box<Pending>),
    /// Approvers were asked.
    Asked(Box<Pending>),
    /// The call is stopped although its decision allowed it; its outcome is
    /// submitted.
    Stopped(Acknowledged, Refused),
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
        let mut stage = self.0.started(true);
        loop {
            stage = match stage {
                Stage::Allowed(decision, permit) => allowed(decision.wait(), permit),
                Stage::Denied(decision, refused) => refusal(decision.wait(), refused),
                Stage::Unapproved(denial, pending) => ask(denial.wait().map(drop), pending),
                Stage::Asked(mut pending) => {
                    let known = pending.wait();
                    again(*pending, known)
                }
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
        self.0 = std::mem::replace(&mut self.0, Stage::Done).started(false);
        loop {
            if let Stage::Asked(pending) = &mut self.0 {
                let known = ready!(pending.poll(context));
                if let Stage::Asked(pending) = std::mem::replace(&mut self.0, Stage::Done) {
                    self.0 = again(*pending, known);
                }
                continue;
            }
            let waited = match &mut self.0 {
                Stage::Allowed(receipt, _) | Stage::Denied(receipt, _) | Stage::Stopped(receipt, _) => {
                    Some(ready!(Pin::new(receipt).poll(context)))
                }
                Stage::Unapproved(receipt, _) => Some(ready!(Pin::new(receipt).poll(context)).map(drop)),
                _ => None,
            };
            self.0 = match (std::mem::replace(&mut self.0, Stage::Done), waited) {
                (Stage::Allowed(_, permit), Some(decided)) => allowed(decided, permit),
                (Stage::Denied(_, refused) | Stage::Stopped(_, refused), Some(receipt)) => {
                    refusal(receipt, refused)
                }
                (Stage::Unapproved(_, pending), Some(denial)) => ask(denial, pending),
                (Stage::Settled(settled), _) => return Poll::Ready(settled),
                // Polled again after it was ready.
                _ => return Poll::Ready(Err(Refused::NoGate)),
            };
        }
    }
}

/// The decision receipt is durable, or never will be.
fn allowed(decided: Result<(), Closed>, permit: Permit) -> Stage {
    // Checked again: the gate may have been closed while the disk was busy.
    if let Some(cause) = decided.err().or_else(|| permit.gate().closed()) {
        // The permit's drop refunds, and records `abandoned` if that is possible.
        return Stage::Settled(Err(Refused::Closed { cause }));
    }
    // So may the kill switch have been thrown, or the approval have expired.
    let Some(stop) = permit.gate().stop_of(permit.session()).or_else(|| expired(&permit)) else {
        return match permit.notify() {
            Ok(()) => Stage::Settled(Ok(permit.admitted())),
            Err(Unmet) => stopped(permit, Stop::Unmet),
        };
    };
    stopped(permit, stop)
}

/// The body is not started although the decision allowed it.
fn stopped(permit: Permit, stop: Stop) -> Stage {
    let (receipt, outcome) = permit.stop(stop.reason());
    Stage::Stopped(outcome.acknowledged(), stop.into_refused(receipt))
}

fn expired(permit: &Permit) -> Option<Stop> {
    let now = permit.gate().identity().clock.now();
    if permit.approved_until().is_some_and(|until| now > until) {
        return Some(Stop::Expired);
    }
    // At its end a token is valid no more.
    permit.delegated_until().is_some_and(|until| now >= until).then_some(Stop::Undelegated)
}

/// The denial that asks for an approval is durable, or never will be.
fn ask(denial: Result<(), Closed>, mut pending: Box<Pending>) -> Stage {
    match denial {
        Ok(()) => {
            pending.ask();
            Stage::Asked(pending)
        }
        Err(cause) => Stage::Settled(Err(Refused::Closed { cause })),
    }
}

/// It is known whether the call is approved: it is decided again.
fn again(pending: Pending, known: Result<(), &'static str>) -> Stage {
    let stage = pending.conclude(known).and_then(|concluded| decided(concluded, false));
    stage.unwrap_or_else(|refused| Stage::Settled(Err(refused)))
}

/// The receipt that refuses the call is durable, or never will be.
fn refusal(receipt: Result<(), Closed>, refused: Refused) -> Stage {
    Stage::Settled(Err(match receipt {
        Ok(()) => refused,
        Err(cause) => Refused::Closed { cause },
    }))
}

impl Stage {
    /// Begins, for a thread that waits at once or for a task.
    fn started(self, is_awaited: bool) -> Self {
        match self {
            Self::New(request) => {
                let (door, call) = *request;
                begin(&door, call, is_awaited).unwrap_or_else(|refused| Self::Settled(Err(refused)))
            }
            started => started,
        }
    }
}
