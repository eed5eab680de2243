//! Running a tool on enforced arguments, and giving back its enforced result.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use asqav_receipt::id::{ActionId, ReasonCode};

use super::Gate;
use crate::argument::JsonText;
use crate::call::{Argument, Capture, ToolCall};
use crate::oblige::Unmet;
use crate::permit::Ending;
use crate::refused::{Closed, Refused};

impl Gate {
    /// Runs `body` on the arguments that the policy checked, with every
    /// obligation met, and gives back the result as the policy obliges it to
    /// be; otherwise as [`run`](Self::run). The outcome receipt commits to the
    /// result that is given back.
    ///
    /// # Errors
    /// The body's own; its error type made from [`Refused`] if it was not run,
    /// ran out of time, or its result is withheld.
    pub async fn run_enforced<E, F>(
        &self,
        call: ToolCall,
        body: impl FnOnce(Vec<Argument>) -> F,
    ) -> Result<JsonText, E>
    where
        F: Future<Output = Result<JsonText, E>>,
        E: From<Refused>,
    {
        let mut permit = self.admit(call.adapting()).await?;
        let (alarm, arguments) = (self.alarm(), permit.arguments().to_vec());
        let mut future = Box::pin(permit.enter(|| body(arguments)));
        let polled = poll_fn(|context| {
            if let Poll::Ready(output) = permit.enter(|| future.as_mut().poll(context)) {
                return Poll::Ready(Some(output));
            }
            match alarm.as_ref().is_some_and(|alarm| alarm.is_due(context)) {
                true => Poll::Ready(None),
                false => Poll::Pending,
            }
        });
        let output = polled.await;
        // Dropped before anything else happens: it is over.
        drop(future);
        match output {
            Some(Ok(result)) => {
                let (released, complete) = permit.release(result, Capture::Commit);
                recorded(complete.acknowledged().await);
                released.map_err(E::from)
            }
            Some(Err(error)) => {
                let (ending, withheld) = permit.review(Ending::error::<E>());
                recorded(permit.complete(ending).acknowledged().await);
                Err(withheld.map_or(error, E::from))
            }
            None => {
                let refused = self.timed_out(permit.ids().action_id);
                recorded(permit.complete(Ending::timed_out()).acknowledged().await);
                Err(refused.into())
            }
        }
    }

    /// As [`run_enforced`](Self::run_enforced), for a closure; blocks the
    /// calling thread while receipts become durable. A timeout does not apply.
    ///
    /// # Errors
    /// As [`run_enforced`](Self::run_enforced).
    pub fn run_enforced_sync<E: From<Refused>>(
        &self,
        call: ToolCall,
        body: impl FnOnce(Vec<Argument>) -> Result<JsonText, E>,
    ) -> Result<JsonText, E> {
        let mut permit = self.admit(call.adapting()).wait()?;
        let arguments = permit.arguments().to_vec();
        match permit.enter(|| body(arguments)) {
            Ok(result) => {
                let (released, complete) = permit.awaited().release(result, Capture::Commit);
                recorded(complete.acknowledged().wait());
                released.map_err(E::from)
            }
            Err(error) => {
                let (ending, withheld) = permit.review(Ending::error::<E>());
                recorded(permit.awaited().complete(ending).acknowledged().wait());
                Err(withheld.map_or(error, E::from))
            }
        }
    }

    /// Tells the notifier, whose panic is a failure.
    pub(crate) fn notify(&self, code: &ReasonCode, receipt: ActionId) -> Result<(), Unmet> {
        let notifier = self.0.notifier.as_ref().ok_or(Unmet)?;
        match catch_unwind(AssertUnwindSafe(|| notifier.notify(code, receipt))) {
            Ok(Ok(())) => Ok(()),
            told => {
                let why = told.map_or_else(|_| Some("it panicked".to_owned()), Result::err);
                tracing::error!(target: "asqav::gate", ?why, "nobody was told: the call is stopped");
                Err(Unmet)
            }
        }
    }
}

/// The gate is closed then and says so; the result comes back all the same.
fn recorded(receipt: Result<(), Closed>) {
    if let Err(cause) = receipt {
        super::run::unrecorded(&cause);
    }
}
