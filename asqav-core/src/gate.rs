//! The spine: admit, run the body, complete. Everything that produces a
//! receipt of a call goes through here.
//!
//! ```text
//! admit(call) ──> Permit ──> run the tool ──> permit.complete(ending)
//!    │ policy                                    │
//!    └ decision receipt (allow or deny)          └ outcome receipt
//! ```
//!
//! No durable decision receipt, no execution. [`Gate::run`] does all three;
//! [`Gate::admit`] and
//! [`Permit::complete`](crate::Permit::complete) are for callers who run the tool
//! themselves. A gate of the detectable tier decides nothing: its permits need
//! no receipt, and one post-hoc receipt is written when the call has ended.

mod active;
mod admit;
mod approve;
mod begin;
mod builder;
mod decide;
mod draft;
mod enforced;
mod erase;
mod flood;
mod halt;
mod identity;
mod install;
mod labels;
mod lifecycle;
mod review;
mod run;
mod shutdown;
mod watch;

use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, IssuerId, LogId};
use asqav_receipt::payload::Tier;
use serde::Serialize;

use crate::approval::Approvals;
use crate::call::ToolCall;
use crate::limits::Limits;
use crate::permit::timer::Timer;
use crate::permit::{Complete, Ending};
use crate::recorder::Recorder;
use crate::refused::{Closed, Refused};
use crate::session::{OpenSessions, SessionBuilder};

pub use crate::oblige::Notifier;
pub use active::ReplaceError;
pub use admit::Admit;
pub use builder::{GateBuilder, OpenError, OperatorRole, System};
pub use erase::Held;
pub use halt::Switch;
pub use install::{Door, InstallGuard};
pub use run::{Body, Closures, Run, RunResult, run_body, run_sync_with, run_with};
pub use shutdown::{Flush, Shutdown, ShutdownError};

use active::InForce;
pub(crate) use decide::code;
use erase::Placed;
use flood::DenialBudget;
use halt::Halt;
pub(crate) use identity::{Fresh, Identity, Kind};
pub(crate) use install::Entry;
pub(crate) use review::{Reviewed, Reviewing};
use watch::ClockWatch;

/// Guards the tool calls of one agent and keeps their receipts in one log.
///
/// Cheap to clone. When the last handle is gone, and with it every permit and
/// session, the log is ended with `gate:stop`; the dropping thread waits for
/// that. [`shutdown`](Self::shutdown) does the same and says how it went.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    identity: Arc<Identity>,
    /// Nothing in force: nothing is decided, everything is observed.
    policy: InForce,
    limits: Arc<dyn Limits>,
    timeout: Option<Duration>,
    halt: Halt,
    approvals: Option<Approvals>,
    notifier: Option<Box<dyn Notifier>>,
    /// After so many denials a session is frozen.
    freeze_after: Option<NonZeroU32>,
    holds: Placed,
    denials: Arc<DenialBudget>,
    watch: ClockWatch,
    timer: Timer,
    sessions: Arc<OpenSessions>,
    recorder: Recorder,
}

impl Gate {
    /// A gate for the tool calls of `agent`, for whom `issuer` vouches.
    pub fn builder(agent: AgentId, issuer: IssuerId) -> GateBuilder {
        GateBuilder::new(agent, issuer)
    }

    /// Asks to run `call`. Resolves to a permit once the decision receipt is
    /// durable.
    ///
    /// The call joins the session whose scope the code runs in, if that is
    /// this gate's; it names the signed call that it is made in as its parent.
    /// Never polled, it leaves nothing; dropped after its decision was handed
    /// to the recorder, the call is recorded as `abandoned` and what it took
    /// from limits goes back.
    pub fn admit(&self, call: ToolCall) -> Admit {
        Admit::new(Door::of(self), call)
    }

    /// Runs `body` if `call` is admitted, and records how it ended; resolves
    /// when the outcome receipt is durable. An `Ok` value is committed; an
    /// error is recorded by its type's name.
    ///
    /// The result comes back unchanged even if its receipt cannot be written.
    pub fn run<T, E, F, B>(&self, call: ToolCall, body: B) -> RunResult<F, B, T, E>
    where
        B: FnOnce() -> F,
        F: Future<Output = Result<T, E>>,
        T: Serialize,
        E: From<Refused>,
    {
        run_with(Door::of(self), call, body, run::ending_of, run::refuse)
    }

    /// Runs `body` if `call` is admitted, and records how it ended. Blocks the
    /// calling thread while receipts become durable, and needs no runtime; where
    /// it waits for the signature and no other receipt is on its way, this thread
    /// signs and writes itself. A timeout cannot stop a running closure and does
    /// not apply.
    ///
    /// # Errors
    /// The body's own; its error type made from [`Refused`] if it was not run.
    pub fn run_sync<T, E>(&self, call: ToolCall, body: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        T: Serialize,
        E: From<Refused>,
    {
        run_sync_with(Door::of(self), call, body, run::ending_of, run::refuse)
    }

    /// Records a call that this gate did not decide on, after the fact, in one
    /// receipt of the detectable tier.
    ///
    /// # Errors
    /// [`Refused`] when nothing can be recorded.
    pub fn observe(&self, call: ToolCall, ending: Ending) -> Result<Complete, Refused> {
        let permit = Door::of(self).tier(Tier::Detectable).observe(call)?;
        Ok(permit.complete(ending))
    }

    /// A session of this gate; `name` has 1 to 64 bytes, others are shown in
    /// a short form.
    pub fn session(&self, name: &str) -> SessionBuilder {
        SessionBuilder::new(self.clone(), name)
    }

    /// The agent whose calls this gate guards.
    #[must_use]
    pub fn agent(&self) -> &AgentId {
        &self.0.identity.agent
    }

    /// Who vouches for the agent.
    #[must_use]
    pub fn issuer(&self) -> &IssuerId {
        &self.0.identity.issuer
    }

    /// The log that the gate writes.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.0.identity.log_id
    }

    /// RFC 7638 thumbprint of the signing key.
    #[must_use]
    pub fn key_thumbprint(&self) -> &Sha256Digest {
        &self.0.identity.thumbprint
    }

    /// What closed the gate, if anything did.
    #[must_use]
    pub fn closed(&self) -> Option<Closed> {
        self.0.recorder.closed()
    }

    /// Figures for operators.
    ///
    /// # Errors
    /// [`Closed::Forked`] in a forked child.
    pub fn counters(&self) -> Result<Counters, Closed> {
        let counters = self.0.recorder.counters()?;
        Ok(Counters {
            submitted: counters.submitted,
            durable: counters.durable,
            in_flight: counters.in_flight,
            closed: counters.closed,
        })
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    pub(crate) fn sessions(&self) -> &Arc<OpenSessions> {
        &self.0.sessions
    }

    pub(crate) fn limits(&self) -> &dyn Limits {
        &*self.0.limits
    }

    /// Whether both are handles on one gate.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("agent", self.agent())
            .field("log_id", &self.log_id())
            .finish_non_exhaustive()
    }
}

/// What a gate has done and is doing; a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// The sequence number of the newest receipt.
    pub submitted: u64,
    /// The sequence number of the newest durable receipt; the difference is
    /// the depth of the queue.
    pub durable: u64,
    /// Calls and sessions in flight.
    pub in_flight: usize,
    /// What closed the gate.
    pub closed: Option<Closed>,
}
