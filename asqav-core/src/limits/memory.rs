//! Counters in memory: they start full with the process.

use std::sync::{Mutex, PoisonError};

use asqav_receipt::time::Timestamp;

use super::{Counters, LimitError, Limits};
use crate::policy::Charge;

/// Counters in memory.
///
/// Nothing survives the process; a store on disk is in `asqav-log`.
#[derive(Debug, Default)]
pub struct MemoryLimits {
    counters: Mutex<Counters>,
}

impl MemoryLimits {
    /// A store in which every counter is full.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Limits for MemoryLimits {
    fn take(&self, charges: &[Charge], now: Timestamp) -> Result<(), LimitError> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).take(charges, now)
    }

    fn refund(&self, charges: &[Charge], taken_at: Timestamp) {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).refund(charges, taken_at);
    }

    fn settle(&self, charge: &Charge, actual: u64, taken_at: Timestamp) -> Result<(), LimitError> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).settle(charge, actual, taken_at);
        Ok(())
    }
}
