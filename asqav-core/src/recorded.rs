//! Waiting for a receipt outside a call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::completion::{Acknowledged, Completion, Receipted};
use crate::recorder::Submitted;
use crate::refused::{Closed, Refused};

/// Resolves when the receipt is durable. The receipt is on its way whether or
/// not anybody waits: dropping this cancels nothing.
#[must_use = "the receipt is not known to be durable before this resolves"]
#[derive(Debug)]
pub struct Recorded {
    submitted: Result<Completion, Refused>,
    /// What is wrong although the receipt is durable.
    but: Option<Refused>,
}

impl Recorded {
    pub(crate) const fn new(submitted: Result<Completion, Refused>, but: Option<Refused>) -> Self {
        Self { submitted, but }
    }

    /// What becomes of a receipt that was submitted.
    pub(crate) fn of(submitted: Result<Submitted, Refused>) -> Self {
        Self::new(submitted.map(|submitted| submitted.done), None)
    }

    /// Waits no longer than a call does; see
    /// [`Complete::acknowledged`](crate::permit::Complete::acknowledged).
    ///
    /// # Errors
    /// [`Refused`] when nothing was recorded, or what is wrong although it was.
    pub fn acknowledged(self) -> Result<Acknowledged, Refused> {
        let acknowledged = Acknowledged::new(Ok(self.submitted?));
        self.but.map_or(Ok(acknowledged), Err)
    }

    /// Blocks the calling thread until the receipt is durable.
    ///
    /// # Errors
    /// [`Refused`], as when polled as a future.
    pub fn wait(self) -> Result<Receipted, Refused> {
        let receipted = self.submitted?.wait().map_err(closed)?;
        self.but.map_or(Ok(receipted), Err)
    }
}

impl Future for Recorded {
    type Output = Result<Receipted, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let receipted = match &mut self.submitted {
            Ok(completion) => ready!(Pin::new(completion).poll(context)).map_err(closed),
            Err(refused) => Err(refused.clone()),
        };
        Poll::Ready(receipted.and_then(|receipted| self.but.clone().map_or(Ok(receipted), Err)))
    }
}

const fn closed(cause: Closed) -> Refused {
    Refused::Closed { cause }
}
