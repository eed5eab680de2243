//! Sessions: named groups of receipts.
//!
//! ```no_run
//! # async fn refund(gate: asqav_core::Gate) -> Result<(), asqav_core::Refused> {
//! use asqav_core::session::SessionStatus;
//!
//! let session = gate.session("refund").open().await?;
//! session.step("fetch", &serde_json::json!({"order": 17})).await?;
//! session.scope(async { /* signed calls in here join the session */ }).await;
//! session.close(SessionStatus::Completed).await?;
//! # Ok(())
//! # }
//! ```

mod open;
mod state;

use std::future::Future;
use std::sync::Arc;

use asqav_receipt::id::{ActionId, ActionType, SessionId};
use asqav_receipt::payload::{Context, Form, Phase, ReceiptType};
use serde::Serialize;

use crate::argument::to_json_text;
use crate::call::{Capture, safe_label};
use crate::commit::{STEP, fit_value};
use crate::completion::Completion;
use crate::context::{Ambient, Scoped};
use crate::gate::{Fresh, Gate, Kind};
use crate::recorded::Recorded;
use crate::recorder::Draft;
use crate::refused::Refused;

pub use open::{OpenSession, SessionBuilder};
pub(crate) use state::{OpenSessions, SessionState, SharedLabels};

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionStatus {
    /// What it was opened for is done.
    Completed,
    /// It is not.
    Failed,
    /// It was dropped, or its process ended.
    Aborted,
}

impl SessionStatus {
    /// The text in the receipt.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

/// A session and its gate, as calls and contexts hold them.
#[derive(Clone)]
pub(crate) struct SessionHandle {
    pub(crate) gate: Gate,
    pub(crate) state: Arc<SessionState>,
}

/// An open session.
///
/// Dropped without [`close`](Self::close), it is recorded as aborted. Several
/// sessions may be open at once; each call belongs to the one whose
/// [`scope`](Self::scope) it runs in, and to no other.
#[must_use = "a session that is dropped is recorded as aborted"]
pub struct Session {
    handle: SessionHandle,
    closed: bool,
}

impl Session {
    pub(crate) const fn new(handle: SessionHandle) -> Self {
        Self { handle, closed: false }
    }

    /// The session's id, which all its receipts carry.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.handle.state.id
    }

    /// The id of its `session:open` receipt.
    #[must_use]
    pub fn opened_by(&self) -> ActionId {
        self.handle.state.opened_by
    }

    /// The gate that the session belongs to.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.handle.gate
    }

    pub(crate) const fn handle(&self) -> &SessionHandle {
        &self.handle
    }

    /// Records the step `label` with a commitment to `value`.
    ///
    /// The step is on its way when this returns; the future resolves when it
    /// is durable. A value that has no JSON text is recorded as dropped, and
    /// the future fails with [`Refused::Unrepresentable`].
    pub fn step<T: Serialize + ?Sized>(&self, label: &str, value: &T) -> Recorded {
        self.captured_step(label, value, Capture::Commit)
    }

    /// As [`step`](Self::step), with `value` captured as `capture` says.
    pub fn captured_step<T: Serialize + ?Sized>(&self, label: &str, value: &T, capture: Capture) -> Recorded {
        let identity = self.handle.gate.identity();
        let fresh = match Fresh::draw(&*identity.clock) {
            Ok(fresh) => fresh,
            Err(refused) => return Recorded::new(Err(refused), None),
        };
        let (text, fault) = match to_json_text(value) {
            Ok(text) => (Some(text), None),
            Err(fault) => (None, Some(Refused::Unrepresentable { fault, receipt: fresh.action_id })),
        };
        let context = Context::Step(Form::Dropped);
        let kind = Kind { receipt_type: ReceiptType::Observation, phase: Phase::Step, context };
        let mut payload = identity.payload(&fresh, step_label(label), kind);
        let mut committer = identity.committer(&fresh);
        payload.session_id = Some(self.id().clone());
        payload.context = Context::Step(fit_value(STEP, text, capture, &payload, &mut committer));
        let draft = Draft::new(payload, committer.into_openings());
        let submitted = self
            .handle
            .gate
            .recorder()
            .reserve()
            .and_then(|place| self.handle.state.submit(&place, draft).map(|submitted| submitted.done));
        Recorded::new(submitted, fault)
    }

    /// Runs `future` with the calls in it joining this session.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped::new(self.ambient(), future)
    }

    /// Runs `body` with the calls in it joining this session.
    pub fn scope_sync<R>(&self, body: impl FnOnce() -> R) -> R {
        let mut ambient = self.ambient();
        let _entered = ambient.enter();
        body()
    }

    fn ambient(&self) -> Ambient {
        Ambient { session: Some(self.handle.clone()), ..Ambient::capture() }
    }

    /// A session within this one: a group of its own, whose `session:open`
    /// names this one's as its parent. Both carry the same labels.
    pub fn session(&self, name: &str) -> SessionBuilder {
        SessionBuilder::new(self.handle.gate.clone(), name).within(&self.handle.state)
    }

    /// Closes the session: records `session:close` with the number of its
    /// receipts so far and the Merkle root over them. From then on nothing
    /// joins it. The outcome of a call that is still running comes later and
    /// is not counted.
    ///
    /// The end is on its way when this returns; the future resolves when it is
    /// durable.
    pub fn close(mut self, status: SessionStatus) -> Recorded {
        self.closed = true;
        Recorded::new(self.submit_close(status), None)
    }

    fn submit_close(&self, status: SessionStatus) -> Result<Completion, Refused> {
        let identity = self.handle.gate.identity();
        let fresh = Fresh::draw(&*identity.clock)?;
        let draft = self.handle.state.close_draft(identity, &fresh, status);
        Ok(self.handle.state.close(draft)?.done)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.closed {
            return;
        }
        if let Err(refused) = self.submit_close(SessionStatus::Aborted) {
            tracing::debug!(target: "asqav::gate", %refused, "a dropped session is closed otherwise");
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.id())
    }
}

/// A step's action: `step:` and its label, or a safe form of it.
fn step_label(label: &str) -> ActionType {
    let action = ActionType::parse(format!("step:{label}"));
    #[expect(clippy::expect_used, reason = "a safe label has 24 to 64 bytes and no control characters")]
    action
        .or_else(|_| ActionType::parse(format!("step:{}", safe_label(label))))
        .expect("a safe label is an action")
}
