//! Waiting for a receipt that is submitted already.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::completion::{Acknowledged, Completion, Receipted};
use crate::refused::{Closed, Refused};

/// Resolves when the receipt is durable.
///
/// The receipt is on its way whether or not anybody waits: dropping this
/// cancels nothing.
#[must_use = "the receipt is not known to be durable before this resolves"]
#[derive(Debug)]
pub struct Complete(Result<Completion, Closed>);

impl Complete {
    pub(crate) fn new(submitted: Result<Completion, Refused>) -> Self {
        Self(submitted.map_err(|refused| match refused {
            Refused::Closed { cause } => cause,
            // A permit has its place, so nothing else refuses its outcome.
            _ => Closed::Shutdown,
        }))
    }

    /// The receipt on its way, as other ways to record give it.
    pub(crate) fn submitted(self) -> Result<Completion, Refused> {
        self.0.map_err(|cause| Refused::Closed { cause })
    }

    /// Waits no longer than a call does: with
    /// [`Journaled`](crate::log::Durability::Journaled) until the receipt is on
    /// disk, with [`Queued`](crate::log::Durability::Queued) for nothing, else
    /// until it is durable.
    pub fn acknowledged(self) -> Acknowledged {
        Acknowledged::new(self.0)
    }

    /// Blocks the calling thread until the receipt is durable.
    ///
    /// # Errors
    /// [`Closed`] when the receipt could not be recorded; the gate is closed.
    pub fn wait(self) -> Result<Receipted, Closed> {
        self.0?.wait()
    }
}

impl Future for Complete {
    type Output = Result<Receipted, Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(completion) => Pin::new(completion).poll(context),
            Err(cause) => Poll::Ready(Err(cause.clone())),
        }
    }
}
