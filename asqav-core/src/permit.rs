//! The permit to run one tool call, and the receipt that ends it.

pub(crate) mod admitted;
mod complete;
mod ending;
pub(crate) mod timer;

use std::fmt;

use asqav_receipt::id::{ActionId, ReasonCode};
use asqav_receipt::time::Timestamp;

use crate::call::{Argument, Capture, JsonText};
use crate::context::Current;
use crate::gate::{Gate, code};
use crate::oblige::{Unmet, enforce_result};
use crate::policy::Duty;
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
    /// Whether the thread that ends it waits for the receipt at once.
    is_awaited: bool,
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
        Self { call: Box::new(call), stage: Stage::Deciding, is_awaited: false }
    }

    /// The decision is durable (or there is none to wait for).
    pub(crate) fn admitted(mut self) -> Self {
        self.stage = Stage::Admitted;
        self.call.join_context();
        self
    }

    /// The same of a thread that waits for the outcome's receipt at once.
    pub(crate) fn awaited(mut self) -> Self {
        self.is_awaited = true;
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
    ///
    /// For a call whose result the policy has to judge, this is not the way:
    /// the receipt then gives the reason `result_unchecked`.
    pub fn complete(mut self, ending: Ending) -> Complete {
        self.call.settle(ending.text());
        let ending = self.call.unreviewed(ending);
        Complete::new(self.finish(ending).map(|submitted| submitted.done))
    }

    /// The arguments that the tool has to get, of an
    /// [adapting](crate::ToolCall::adapting) call: those that the policy
    /// checked and the receipt commits to, with every obligation met. Empty of
    /// any other call.
    #[must_use]
    pub fn arguments(&self) -> &[Argument] {
        &self.call.arguments
    }

    /// Records that the tool returned `result`, and gives back what may go on:
    /// the result with every obligation on it met, which is also what the
    /// policy judges and the outcome receipt is about.
    ///
    /// # Errors
    /// [`Refused::Withheld`] when an obligation cannot be met, with the reason
    /// `obligation_unmet`, and no result in the outcome receipt; or when the
    /// policy says that the result must not go on, with its reason, and a
    /// commitment to the result in the receipt.
    pub fn release(mut self, result: JsonText, capture: Capture) -> (Result<JsonText, Refused>, Complete) {
        self.call.settle(Some(&result));
        let (released, ending) = match enforce_result(result, &self.call.obligations) {
            Ok(result) => match self.review(Ending::ok().with_result(result.clone(), capture)) {
                (ending, None) => (Ok(result), ending),
                (ending, Some(refused)) => (Err(refused), ending),
            },
            Err(Unmet) => {
                let reason = code("obligation_unmet");
                let (receipt, ending) = (self.call.fresh.action_id, Ending::withheld(reason.clone()));
                (Err(Refused::Withheld { reason, receipt }), ending)
            }
        };
        (released, Complete::new(self.finish(ending).map(|submitted| submitted.done)))
    }

    /// Has the policy judge what the tool gave back, if it wants to. Gives the
    /// ending that the call is to be completed with, and what the caller gets
    /// instead, if nothing may go on.
    pub(crate) fn review(&mut self, ending: Ending) -> (Ending, Option<Refused>) {
        self.call.settle(ending.text());
        let receipt = self.call.fresh.action_id;
        let (ending, withheld) = self.call.review(ending);
        (ending, withheld.map(|reason| Refused::Withheld { reason, receipt }))
    }

    /// Tells whom a rule obliges the gate to tell. The decision is durable.
    pub(crate) fn notify(&self) -> Result<(), Unmet> {
        let receipt = self.ids().action_id;
        let codes = self.call.obligations.iter().filter_map(|obligation| match &obligation.duty {
            Duty::Notify(code) => Some(code),
            _ => None,
        });
        for code in codes {
            self.call.gate.notify(code, receipt)?;
        }
        Ok(())
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

    /// When the first chain of tokens that it was allowed by expires.
    pub(crate) fn delegated_until(&self) -> Option<Timestamp> {
        self.call.delegations.until()
    }

    pub(crate) fn session(&self) -> Option<&SessionHandle> {
        self.call.session.as_ref()
    }

    fn finish(&mut self, ending: Ending) -> Result<Submitted, Refused> {
        self.stage = Stage::Ended;
        self.call.end(ending, self.is_awaited)
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
