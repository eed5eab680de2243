//! The permit to run one tool call, and the receipt that ends it.

pub(crate) mod admitted;
mod complete;
mod ending;
pub(crate) mod timer;

use std::fmt;

use asqav_receipt::id::{ActionId, ReasonCode};
use asqav_receipt::time::Timestamp;

use crate::context::Current;
use crate::gate::Gate;
use crate::recorder::Submitted;
use crate::refused::Refused;
use crate::session::SessionHandle;

use admitted::AdmittedCall;
pub use complete::Complete;
pub use ending::Ending;

/// One admitted call: its decision receipt is durable, its body may run.
///
/// Every exit leaves a record. Dropped without [`complete`](Self::complete),
/// the call is recorded as `cancelled`; or as `panicked` if its own body was
/// running in [`enter`](Self::enter) when unwinding began. Another task's
/// panic is not the body's.
#[must_use = "a permit that is dropped is recorded as a cancelled call"]
pub struct Permit {
    call: Box<AdmittedCall>,
    stage: Stage,
}

/// What a drop of the permit means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The decision is not durable yet: the call is abandoned.
    Deciding,
    /// Admitted; whether the body has started is the caller's affair.
    Admitted,
    /// The body is on the stack.
    Polling,
    /// The outcome is submitted.
    Ended,
}

impl Permit {
    /// A permit whose decision is on its way.
    pub(crate) fn deciding(call: AdmittedCall) -> Self {
        Self { call: Box::new(call), stage: Stage::Deciding }
    }

    /// The decision is durable (or there is none to wait for).
    pub(crate) fn admitted(mut self) -> Self {
        self.stage = Stage::Admitted;
        self.call.join_context();
        self
    }

    /// The ids of the call; what [`current`](crate::context::current) gives in
    /// its body.
    #[must_use]
    pub fn ids(&self) -> Current {
        self.call.ids()
    }

    /// The gate that admitted the call.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.call.gate
    }

    /// Runs a part of the call's body: one poll of its future, or all of a
    /// closure. Signed calls made in it are its children, and a panic in it is
    /// the call's own. The first entry starts the clock.
    pub fn enter<R>(&mut self, body: impl FnOnce() -> R) -> R {
        self.call.start();
        self.stage = Stage::Polling;
        let result = {
            let _entered = self.call.ambient.enter();
            body()
        };
        // Not reached by unwinding: the drop then finds the body on the stack.
        self.stage = Stage::Admitted;
        result
    }

    /// Records how the call ended. The outcome receipt is on its way when this
    /// returns; the future resolves when it is durable.
    pub fn complete(mut self, ending: Ending) -> Complete {
        Complete::new(self.finish(ending).map(|submitted| submitted.done))
    }

    /// Records that the body was never started, and gives back what the call
    /// took from limits.
    pub fn abandon(mut self) -> Complete {
        self.call.refund();
        Complete::new(self.finish(Ending::abandoned()).map(|submitted| submitted.done))
    }

    /// Records that the gate stopped the call before its body, for `reason`,
    /// and gives back what the call took from limits. Gives the outcome
    /// receipt's id as well.
    pub(crate) fn stop(mut self, reason: ReasonCode) -> (ActionId, Complete) {
        self.call.refund();
        let receipt = self.call.fresh.action_id;
        (receipt, Complete::new(self.finish(Ending::stopped(reason)).map(|submitted| submitted.done)))
    }

    pub(crate) fn approved_until(&self) -> Option<Timestamp> {
        self.call.approved_until
    }

    pub(crate) fn session(&self) -> Option<&SessionHandle> {
        self.call.session.as_ref()
    }

    fn finish(&mut self, ending: Ending) -> Result<Submitted, Refused> {
        self.stage = Stage::Ended;
        self.call.end(ending)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let ending = match self.stage {
            Stage::Ended => return,
            Stage::Deciding => {
                self.call.refund();
                Ending::abandoned()
            }
            Stage::Admitted => Ending::cancelled(),
            Stage::Polling => Ending::panicked(),
        };
        let outcome = ending.outcome();
        if let Err(refused) = self.finish(ending) {
            tracing::error!(target: "asqav::gate", %outcome, %refused, "an outcome is not recorded");
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.call.ids()).finish()
    }
}
