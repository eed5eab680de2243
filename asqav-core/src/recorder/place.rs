//! In-flight places: what admission hands out and the queue is bounded by.

use std::fmt;
use std::sync::Arc;

use super::super::completion::{Receipted, Resolver};
use super::draft::{Draft, Submitted};
use super::shared::Shared;
use crate::refused::{Closed, Refused};

/// Room for one call: its decision receipt and its outcome receipt.
///
/// Whoever has a place can submit, whatever else is in flight, until the
/// recorder closes. It is counted until it is dropped *and* everything that
/// was submitted with it is released.
pub(crate) struct Place(Arc<Held>);

impl Place {
    /// Wraps a place that is counted already.
    pub(super) fn counted(shared: Arc<Shared>) -> Self {
        Self(Arc::new(Held { shared, counted: true }))
    }

    /// Gives `draft` its sequence number, links and time, and queues it.
    ///
    /// # Errors
    /// [`Refused::Closed`] and nothing else.
    pub(crate) fn submit(&self, draft: Draft) -> Result<Submitted, Refused> {
        self.0.shared.submit(draft, Arc::clone(&self.0))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

/// A counted place, shared by its [`Place`] and by the receipts submitted
/// with it. Never dropped under the recorder's lock, which it takes.
pub(super) struct Held {
    shared: Arc<Shared>,
    /// Whether it is still to be given back.
    counted: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.counted {
            self.shared.give_back();
        }
    }
}

/// Who waits for a receipt, and the place that the receipt occupies; the last
/// receipts of a log occupy none.
pub(super) struct Ticket {
    place: Option<Arc<Held>>,
    done: Resolver,
    /// Answered when the receipt is journaled, and at the latest with `done`.
    journaled: Option<Resolver<()>>,
}

impl Ticket {
    pub(super) const fn new(
        place: Option<Arc<Held>>,
        done: Resolver,
        journaled: Option<Resolver<()>>,
    ) -> Self {
        Self { place, done, journaled }
    }

    /// Whom to tell that the receipt is journaled, if nobody did.
    pub(super) const fn take_journaled(&mut self) -> Option<Resolver<()>> {
        self.journaled.take()
    }

    /// Leaves the place. True when nobody else holds it: it is then the caller's
    /// to give back, together with others.
    pub(super) fn leave(&mut self) -> bool {
        let last = self.place.take().and_then(Arc::into_inner);
        last.map(|mut held| held.counted = false).is_some()
    }

    /// Returns the place first, so that whoever hears the answer finds it free.
    pub(super) fn answer(self, output: Result<Receipted, Closed>) {
        let Self { place, done, journaled } = self;
        drop(place);
        if let Some(journaled) = journaled {
            journaled.resolve(output.as_ref().map(|_| ()).map_err(Closed::clone));
        }
        done.resolve(output);
    }
}
