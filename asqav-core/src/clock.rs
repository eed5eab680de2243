//! The one clock, injected, so that tests and replays are deterministic.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use asqav_receipt::time::Timestamp;

/// Tells the time to a gate.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock, UTC; it may step backwards.
    fn now(&self) -> Timestamp;

    /// Time since some fixed point; it never steps backwards.
    fn monotonic(&self) -> Duration;

    /// The source as `gate:start` records it, e.g. `system`.
    fn source(&self) -> &'static str;
}

/// The operating system's clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// The clock of this process.
    #[must_use]
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        Timestamp::from_unix_micros(micros).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn source(&self) -> &'static str {
        "system"
    }
}
