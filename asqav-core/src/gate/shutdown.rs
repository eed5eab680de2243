//! The end of a gate.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use asqav_receipt::json::Object;

use super::flood::DenialBudget;
use super::identity::{Fresh, Identity};
use super::{Gate, Inner};
use crate::completion::Completion;
use crate::recorder::{Draft, Last, Stopped};
use crate::refused::Closed;
use crate::session::{OpenSessions, SessionStatus};

/// How long [`Gate::shutdown`] waits for calls in flight.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

impl Gate {
    /// Ends the gate: admits nothing more, waits up to 30 s for calls in
    /// flight, closes open sessions as aborted, records `gate:stop` and seals
    /// the log.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown_within(SHUTDOWN_TIMEOUT)
    }

    /// As [`shutdown`](Self::shutdown), waiting up to `timeout` for calls in
    /// flight. With calls still running then, the log is left open and the
    /// next start seals them as `unknown`.
    pub fn shutdown_within(&self, timeout: Duration) -> Shutdown {
        Shutdown(self.0.stop(timeout))
    }

    /// Resolves when everything recorded so far is durable; fails if something
    /// of it was lost, also when that is known already.
    pub fn flush(&self) -> Flush {
        Flush(self.0.recorder.flush())
    }
}

impl Inner {
    fn stop(&self, timeout: Duration) -> Result<Completion<Stopped>, Closed> {
        let (identity, sessions) = (Arc::clone(&self.identity), Arc::clone(&self.sessions));
        let denials = Arc::clone(&self.denials);
        let last = Last::new(move || last_drafts(&identity, &sessions, &denials));
        let stopped = self.recorder.shutdown(timeout, last)?;
        // From here on the gate closes its sessions itself, so that one that
        // somebody still holds does not keep the log open.
        self.sessions.all().iter().for_each(|session| session.release_place());
        Ok(stopped)
    }
}

impl Drop for Inner {
    /// No permit and no session is left: they hold handles. The recorder's own
    /// drop waits for the end.
    fn drop(&mut self) {
        if self.recorder.closed().is_none() {
            // Nothing to report to: whoever wants to know calls `shutdown`.
            if let Err(cause) = self.stop(SHUTDOWN_TIMEOUT) {
                tracing::error!(target: "asqav::gate", %cause, "the log is not ended");
            }
        }
    }
}

/// What ends the log when every call has ended; without randomness nothing
/// does, and the log is not sealed.
fn last_drafts(
    identity: &Identity,
    sessions: &OpenSessions,
    denials: &DenialBudget,
) -> Result<Vec<Draft>, String> {
    let draw = || Fresh::draw(&*identity.clock).map_err(|refused| refused.to_string());
    let mut drafts = Vec::new();
    drafts.extend(denials.last(identity).map_err(|refused| refused.to_string())?);
    for session in sessions.all() {
        let fresh = draw()?;
        let aborted = session.close_draft(identity, &fresh, SessionStatus::Aborted);
        drafts.extend(session.final_draft(aborted));
    }
    drafts.push(identity.event(&draw()?, "gate:stop", Object::new()));
    Ok(drafts)
}

/// Resolves when the log is sealed; see [`Gate::shutdown`]. The end is on its
/// way whether or not anybody waits.
#[must_use = "the log is not known to be sealed before this resolves"]
#[derive(Debug)]
pub struct Shutdown(Result<Completion<Stopped>, Closed>);

/// Why a log was not sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// At the end of the time calls were still in flight, or receipts of calls
    /// that have ended waited for their signature: what is journaled of these
    /// is signed at the next start.
    #[error("{in_flight} calls were still in flight, or not signed")]
    InFlight {
        /// How many calls.
        in_flight: usize,
    },
    /// The gate was closed by something else.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl Shutdown {
    /// Blocks the calling thread until the log is sealed.
    ///
    /// # Errors
    /// [`ShutdownError`] when it was not.
    pub fn wait(self) -> Result<(), ShutdownError> {
        sealed(self.0?.wait())
    }
}

impl Future for Shutdown {
    type Output = Result<(), ShutdownError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(stopped) => Pin::new(stopped).poll(context).map(sealed),
            Err(cause) => Poll::Ready(Err(cause.clone().into())),
        }
    }
}

fn sealed(stopped: Result<Stopped, Closed>) -> Result<(), ShutdownError> {
    match stopped? {
        Stopped::Clean => Ok(()),
        Stopped::Unclean { open } => Err(ShutdownError::InFlight { in_flight: open }),
    }
}

/// Resolves when everything recorded so far is durable; see [`Gate::flush`].
#[must_use = "nothing is known before this resolves"]
#[derive(Debug)]
pub struct Flush(Result<Completion<()>, Closed>);

impl Flush {
    /// Blocks the calling thread until everything recorded so far is durable.
    ///
    /// # Errors
    /// [`Closed`] when the gate closed before it was.
    pub fn wait(self) -> Result<(), Closed> {
        self.0?.wait()
    }
}

impl Future for Flush {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(flushed) => Pin::new(flushed).poll(context),
            Err(cause) => Poll::Ready(Err(cause.clone())),
        }
    }
}
