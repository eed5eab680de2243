//! Where limits are kept: counters that charges are taken from.

mod counters;
mod memory;

use std::time::Duration;

use asqav_receipt::time::Timestamp;

use crate::policy::Charge;

pub use counters::{Counter, Counters, MAX_COUNTERS};
pub use memory::MemoryLimits;

/// A store of counters.
///
/// Charges are taken all or none, before the call runs.
pub trait Limits: Send + Sync + 'static {
    /// Takes every charge at `now`, or none.
    ///
    /// # Errors
    /// [`LimitError::Exhausted`] when one of them does not fit,
    /// [`LimitError::Store`] when the store cannot answer; the gate then
    /// refuses the call.
    fn take(&self, charges: &[Charge], now: Timestamp) -> Result<(), LimitError>;

    /// Gives back what [`take`](Self::take) took at `taken_at`, for a call that
    /// did not run. Never gives back more than is still taken: what has come
    /// back by itself since, or belongs to a window that is over, is not
    /// given twice. A store that cannot answer gives nothing back.
    fn refund(&self, charges: &[Charge], taken_at: Timestamp);

    /// Replaces the cost of `charge`, of a budget, taken at `taken_at`, by what
    /// the call really cost: gives the rest back, or takes what is missing,
    /// even beyond the limit, which the next call then meets. Of a window that
    /// is over nothing changes any more.
    ///
    /// # Errors
    /// [`LimitError::Store`] when the store cannot answer; the cost then stays
    /// what it was.
    fn settle(&self, charge: &Charge, actual: u64, taken_at: Timestamp) -> Result<(), LimitError>;
}

/// Why charges were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// One charge does not fit.
    #[error("limit `{rule}` is exhausted for {retry_after:?}")]
    Exhausted {
        /// The rule whose limit is exhausted.
        rule: asqav_receipt::id::RuleId,
        /// When the same charges would fit, if nothing else is taken;
        /// [`Duration::MAX`] when they never will.
        retry_after: Duration,
    },
    /// The store cannot answer.
    #[error("the limit store failed: {0}")]
    Store(String),
}
