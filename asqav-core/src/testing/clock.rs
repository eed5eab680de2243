//! A clock that stands still until it is told to move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use asqav_receipt::time::Timestamp;

use crate::clock::Clock;

/// A clock that stands still; clones are one clock. It starts at
/// 2026-01-01T00:00:00Z.
#[derive(Debug, Clone)]
pub struct StepClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    /// Microseconds since the Unix epoch.
    wall: AtomicI64,
    /// Microseconds since the clock was made.
    monotonic: AtomicI64,
}

impl StepClock {
    /// A clock that shows 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Hands { wall: AtomicI64::new(1_767_225_600_000_000), monotonic: AtomicI64::new(0) }))
    }

    /// Moves both hands forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("a step within the clock's range");
        self.0.wall.fetch_add(micros, Ordering::Relaxed);
        self.0.monotonic.fetch_add(micros, Ordering::Relaxed);
    }

    /// Sets the wall clock, which may go backwards; the monotonic one stays.
    pub fn set(&self, to: Timestamp) {
        self.0.wall.store(to.unix_micros(), Ordering::Relaxed);
    }
}

impl Default for StepClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for StepClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.wall.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.monotonic.load(Ordering::Relaxed).unsigned_abs())
    }

    fn source(&self) -> &'static str {
        "stepped"
    }
}
