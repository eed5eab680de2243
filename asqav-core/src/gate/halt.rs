//! The kill switch, and the session that was denied too often.
//!
//! Both are looked at twice: before the policy is asked, and again when the
//! decision is durable, so that a call that was waiting for the disk when the
//! switch was thrown does not run. A body that is running already is not
//! interrupted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use asqav_receipt::id::{ActionId, ReasonCode};
use asqav_receipt::json::Object;

use super::Gate;
use super::decide::code;
use super::identity::Fresh;
use crate::call::safe_code;
use crate::recorded::Recorded;
use crate::recorder::Submitted;
use crate::refused::Refused;
use crate::session::SessionHandle;

/// Something outside the gate that stops all calls: a file that appears, a
/// flag that a signal sets. Asked twice for each call, so it has to be quick.
pub trait Switch: Send + Sync + 'static {
    /// Whether calls must stop. A switch that cannot tell has to say yes; one
    /// that panics counts as thrown.
    fn is_thrown(&self) -> bool;
}

/// A flag, e.g. one that a signal handler sets (`signal_hook::flag::register`).
impl Switch for Arc<AtomicBool> {
    fn is_thrown(&self) -> bool {
        self.load(Ordering::SeqCst)
    }
}

/// The kill switch of one gate: its own flag, and what its builder named.
#[derive(Default)]
pub(super) struct Halt {
    own: AtomicBool,
    switches: Vec<Box<dyn Switch>>,
}

impl Halt {
    pub(super) fn new(switches: Vec<Box<dyn Switch>>) -> Self {
        Self { own: AtomicBool::new(false), switches }
    }

    fn is_thrown(&self) -> bool {
        let thrown = |switch: &dyn Switch| {
            catch_unwind(AssertUnwindSafe(|| switch.is_thrown())).unwrap_or_else(|_| {
                tracing::error!(target: "asqav::gate", "a kill switch panicked: it counts as thrown");
                true
            })
        };
        self.own.load(Ordering::SeqCst) || self.switches.iter().any(|switch| thrown(&**switch))
    }
}

/// Why a call is stopped before any rule is asked, or after its decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Halted,
    Frozen,
    /// Its approval is not good any more.
    Expired,
    /// A chain of delegation tokens has expired.
    Undelegated,
    /// Nobody could be told, though somebody has to be.
    Unmet,
}

impl Stop {
    /// The receipt's `reason`.
    pub(super) fn reason(self) -> ReasonCode {
        code(match self {
            Self::Halted => "emergency_halt",
            Self::Frozen => "session_frozen",
            Self::Expired => "approval_expired",
            Self::Undelegated => "delegation_expired",
            Self::Unmet => "obligation_unmet",
        })
    }

    /// What the caller hears once `receipt` is durable.
    pub(super) fn into_refused(self, receipt: ActionId) -> Refused {
        match self {
            Self::Halted => Refused::Halted { receipt },
            Self::Frozen => Refused::SessionFrozen { receipt },
            Self::Expired => Refused::NotApproved { reason: self.reason(), receipt },
            Self::Undelegated | Self::Unmet => Refused::Denied { reason: self.reason(), receipt },
        }
    }
}

impl Gate {
    /// Throws the kill switch: from now on every call is denied with the
    /// reason `emergency_halt`, also one whose decision is durable but whose
    /// body has not started; that one's outcome is `abandoned`. Bodies that run
    /// already are not interrupted.
    ///
    /// In force when this returns, whether or not it can be recorded; the
    /// future resolves when the receipt `gate:halt` is durable. It holds until
    /// [`resume`](Self::resume) or the end of the process: what has to survive
    /// a restart is a [`Switch`]. `why` is a code for the receipt; another text
    /// stands in it in a short form.
    pub fn halt(&self, why: &str) -> Recorded {
        self.0.halt.own.store(true, Ordering::SeqCst);
        let mut body = Object::new();
        let why = ReasonCode::parse(why).map_or_else(|_| safe_code(why), |why| why.as_str().to_owned());
        body.set("why", why.as_str());
        self.record_event("gate:halt", body)
    }

    /// Takes back [`halt`](Self::halt), and no [`Switch`]; the future resolves
    /// when the receipt `gate:resume` is durable.
    pub fn resume(&self) -> Recorded {
        let recorded = self.record_event("gate:resume", Object::new());
        self.0.halt.own.store(false, Ordering::SeqCst);
        recorded
    }

    /// Whether the kill switch is thrown: by [`halt`](Self::halt) or by one of
    /// the gate's switches.
    #[must_use]
    pub fn is_halted(&self) -> bool {
        self.0.halt.is_thrown()
    }

    /// What stops a call of `session` now, whatever the policy says.
    pub(super) fn stop_of(&self, session: Option<&SessionHandle>) -> Option<Stop> {
        if self.is_halted() {
            return Some(Stop::Halted);
        }
        let limit = self.0.freeze_after?;
        (session?.state.denials() >= limit.get()).then_some(Stop::Frozen)
    }

    pub(super) fn record_event(&self, name: &'static str, body: Object) -> Recorded {
        Recorded::of(self.submit_event(name, body))
    }

    pub(super) fn submit_event(&self, name: &'static str, body: Object) -> Result<Submitted, Refused> {
        let fresh = Fresh::draw(&*self.identity().clock)?;
        let place = self.recorder().reserve()?;
        place.submit(self.identity().event(&fresh, name, body))
    }
}
