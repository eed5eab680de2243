//! Notices a wall clock that goes back.

use std::sync::atomic::{AtomicI64, Ordering};

use asqav_receipt::time::Timestamp;

/// A clock that is corrected by less, in microseconds, is not held to have
/// gone back: 5 seconds.
const TOLERANCE: i64 = 5_000_000;

/// The latest time at which a call was decided.
///
/// Windows, limits, labels and approvals count by the wall clock: whoever turns
/// it back could use them once more. Calls are denied until it is again where
/// it was. A restart forgets it; limits on disk keep a time of their own.
#[derive(Debug)]
pub(super) struct ClockWatch(AtomicI64);

impl Default for ClockWatch {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl ClockWatch {
    /// Whether `now` is before what was seen, by more than a correction.
    pub(super) fn went_back(&self, now: Timestamp) -> bool {
        let now = now.unix_micros();
        let latest = self.0.fetch_max(now, Ordering::SeqCst);
        latest.saturating_sub(now) > TOLERANCE && latest != i64::MIN
    }
}
