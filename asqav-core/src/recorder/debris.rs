//! What a change of state leaves to be answered once the lock is released.

use super::super::completion::Resolver;
use super::chain::Slot;
use super::place::Ticket;
use super::state::Phase;
use super::stop::{Last, Stopped};
use crate::log::Log;
use crate::refused::Closed;

/// Callers to be answered, and foreign values to be dropped, outside the lock.
#[must_use = "somebody waits for an answer"]
pub(super) struct Debris {
    /// What the callers of `slots` are told.
    cause: Closed,
    /// Receipts that were set aside.
    pub(super) slots: Vec<Slot<Ticket>>,
    /// Who waited for receipts to be committed.
    pub(super) flushes: Vec<(Resolver<()>, Result<(), Closed>)>,
    /// Who waited for the end.
    pub(super) stops: Vec<(Resolver<Stopped>, Result<Stopped, Closed>)>,
    /// What would have told the last receipts.
    pub(super) last: Option<Last>,
    /// The log, if the writer did not get to close it.
    pub(super) log: Option<Box<dyn Log>>,
}

impl Debris {
    /// Nothing yet; receipts that come into it were set aside by `cause`.
    pub(super) const fn new(cause: Closed) -> Self {
        Self { cause, slots: Vec::new(), flushes: Vec::new(), stops: Vec::new(), last: None, log: None }
    }

    /// Keeps the foreign value of a phase that is over.
    pub(super) fn keep(&mut self, phase: Phase) {
        if let Phase::Stopping { last, .. } = phase {
            self.last = Some(last);
        }
    }

    /// Answers everybody. Not under the recorder's lock: it wakes tasks, and
    /// places that come back take the lock.
    pub(super) fn settle(self) {
        let Self { cause, slots, flushes, stops, last, log } = self;
        if let (Some(first), Some(newest)) = (slots.first(), slots.last()) {
            tracing::error!(
                target: "asqav::recorder",
                first = first.head().seq, last = newest.head().seq, %cause, "receipts set aside"
            );
        }
        for slot in slots {
            slot.ticket.answer(Err(cause.clone()));
        }
        for (done, output) in flushes {
            done.resolve(output);
        }
        for (done, output) in stops {
            done.resolve(output);
        }
        drop((last, log));
    }
}
