//! Why a call was not run, or not to its end.

use std::time::Duration;

use asqav_receipt::id::{ActionId, ReasonCode};

/// Why the gate did not run a call, or stopped it. One variant per cause; `Display` shows
/// codes, never a rule's text, an argument or another tenant's data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The policy denies the call; the denial receipt is durable.
    #[error("denied by policy ({reason}), receipt {receipt}")]
    Denied {
        /// The policy's reason code.
        reason: ReasonCode,
        /// The denial receipt.
        receipt: ActionId,
    },
    /// A limit is exhausted; the denial receipt is durable.
    #[error("rate limited, retry after {}, receipt {receipt}", in_tenths(*retry_after))]
    RateLimited {
        /// When the call would fit, if nothing else is taken.
        retry_after: Duration,
        /// The denial receipt.
        receipt: ActionId,
    },
    /// Somebody has to approve the call; the denial receipt is durable.
    #[error("needs approval ({reason}), receipt {receipt}")]
    NeedsApproval {
        /// The policy's reason code.
        reason: ReasonCode,
        /// The denial receipt.
        receipt: ActionId,
    },
    /// The call was not approved. The receipt is durable: the denial or, when
    /// the approval expired before the body was started, the `abandoned`
    /// outcome.
    #[error("not approved ({reason}), receipt {receipt}")]
    NotApproved {
        /// Why, e.g. `approval_refused`; see [`approval`](crate::approval).
        reason: ReasonCode,
        /// The receipt that says so.
        receipt: ActionId,
    },
    /// The tool ran, and its result must not go on as it is; the outcome
    /// receipt is on its way.
    #[error("result withheld ({reason}), receipt {receipt}")]
    Withheld {
        /// Why, e.g. `obligation_unmet`, or the code of a rule on results.
        reason: ReasonCode,
        /// The outcome receipt.
        receipt: ActionId,
    },
    /// Too many calls are in flight; nothing was recorded.
    #[error("too many calls in flight ({in_flight})")]
    Overloaded {
        /// How many were in flight.
        in_flight: usize,
    },
    /// The gate is closed: nothing more can be recorded, so nothing may run.
    #[error("the gate is closed: {cause}")]
    Closed {
        /// What closed it.
        cause: Closed,
    },
    /// No gate serves this call.
    #[error("no gate is installed")]
    NoGate,
    /// The call cannot be represented in a receipt as it is; the denial
    /// receipt, which shows a safe form of it, is durable.
    #[error("{fault}, receipt {receipt}")]
    Unrepresentable {
        /// What cannot be represented.
        fault: crate::call::CallError,
        /// The denial receipt.
        receipt: ActionId,
    },
    /// The session is closed, or about to be: nothing new joins it.
    #[error("the session is closed")]
    SessionClosed,
    /// The session named for the call belongs to another gate than the one
    /// named for it.
    #[error("the session belongs to another gate")]
    ForeignSession,
    /// The call ran longer than the gate allows and was stopped; its outcome
    /// receipt says `timed_out`.
    #[error("timed out after {after:?}, receipt {receipt}")]
    TimedOut {
        /// How long it was allowed to run.
        after: Duration,
        /// The decision receipt.
        receipt: ActionId,
    },
    /// The kill switch is thrown. The receipt is durable: the denial or, when
    /// the switch was thrown after the decision, the `abandoned` outcome.
    #[error("halted, receipt {receipt}")]
    Halted {
        /// The receipt that says so.
        receipt: ActionId,
    },
    /// The session was denied too often and is frozen. The receipt is durable:
    /// the denial or, when it was frozen after the decision, the `abandoned`
    /// outcome.
    #[error("the session is frozen, receipt {receipt}")]
    SessionFrozen {
        /// The receipt that says so.
        receipt: ActionId,
    },
    /// The call is denied, and so many were before it that this denial is only
    /// counted; a later receipt, `gate:denials`, tells how many.
    #[error("denied, like too many before, retry after {}", in_tenths(*retry_after))]
    TooManyDenials {
        /// When a denial would have a receipt of its own again.
        retry_after: Duration,
    },
    /// The system gave no randomness for the receipt.
    #[error("no randomness for a receipt: {why}")]
    NoRandomness {
        /// The system's error.
        why: String,
    },
}

/// In seconds with one decimal, rounded up: whoever waits so long does not come
/// too early.
fn in_tenths(wait: Duration) -> String {
    let tenths = wait.as_nanos().div_ceil(100_000_000);
    format!("{}.{}s", tenths / 10, tenths % 10)
}

impl Refused {
    /// The receipt that says so: the denial receipt or, of a call that ran out
    /// of time, its decision receipt, or, of one that was stopped before its
    /// body, its outcome receipt.
    #[must_use]
    pub const fn receipt(&self) -> Option<ActionId> {
        match self {
            Self::Denied { receipt, .. }
            | Self::RateLimited { receipt, .. }
            | Self::NeedsApproval { receipt, .. }
            | Self::Unrepresentable { receipt, .. }
            | Self::NotApproved { receipt, .. }
            | Self::Withheld { receipt, .. }
            | Self::Halted { receipt }
            | Self::SessionFrozen { receipt }
            | Self::TimedOut { receipt, .. } => Some(*receipt),
            Self::Overloaded { .. }
            | Self::TooManyDenials { .. }
            | Self::Closed { .. }
            | Self::NoGate
            | Self::SessionClosed
            | Self::ForeignSession
            | Self::NoRandomness { .. } => None,
        }
    }

    /// A stable code for callers who are no Rust program.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "denied",
            Self::RateLimited { .. } => "rate_limited",
            Self::NeedsApproval { .. } => "needs_approval",
            Self::NotApproved { .. } => "not_approved",
            Self::Withheld { .. } => "withheld",
            Self::Unrepresentable { .. } => "unrepresentable",
            Self::TimedOut { .. } => "timed_out",
            Self::Halted { .. } => "halted",
            Self::SessionFrozen { .. } => "session_frozen",
            Self::TooManyDenials { .. } => "too_many_denials",
            Self::Overloaded { .. } => "overloaded",
            Self::Closed { .. } => "closed",
            Self::NoGate => "no_gate",
            Self::SessionClosed => "session_closed",
            Self::ForeignSession => "foreign_session",
            Self::NoRandomness { .. } => "no_randomness",
        }
    }
}

/// What closed a gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// It was shut down.
    #[error("it was shut down")]
    Shutdown,
    /// A receipt could not be signed.
    #[error("receipt {seq} could not be signed: {why}")]
    Signing {
        /// The receipt's sequence number.
        seq: u64,
        /// The signer's error.
        why: String,
    },
    /// A receipt could not be written.
    #[error("receipt {seq} could not be written: {why}")]
    Writing {
        /// The first receipt's sequence number.
        seq: u64,
        /// The log's error.
        why: String,
    },
    /// The log could not be closed.
    #[error("the log could not be closed: {why}")]
    Sealing {
        /// The log's error.
        why: String,
    },
    /// The process was forked: locks and threads do not survive that.
    #[error("the process was forked")]
    Forked,
    /// The recorder panicked.
    #[error("the recorder panicked")]
    Panicked,
}

/// A tool whose error is text can carry a refusal.
impl From<Refused> for String {
    fn from(refused: Refused) -> Self {
        refused.to_string()
    }
}

/// A tool whose error is [`std::io::Error`] sees a refusal as
/// [`PermissionDenied`](std::io::ErrorKind::PermissionDenied).
impl From<Refused> for std::io::Error {
    fn from(refused: Refused) -> Self {
        Self::new(std::io::ErrorKind::PermissionDenied, refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_tenths_and_never_too_short() {
        for (nanos, text) in [(0, "0.0s"), (1, "0.1s"), (100_000_000, "0.1s"), (59_912_345_678, "60.0s")] {
            assert_eq!(in_tenths(Duration::from_nanos(nanos)), text);
        }
    }
}
