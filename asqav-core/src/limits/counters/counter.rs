//! One counter.

use std::time::Duration;

use asqav_receipt::time::Timestamp;

use crate::policy::{Budget, Limit, Rate};

/// What is taken from one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Counter {
    /// Of a rate (generic cell rate algorithm): its *theoretical arrival time*
    /// in nanoseconds since the Unix epoch, up to which it is used up.
    Rate {
        /// The time.
        used_until: i128,
    },
    /// Of a budget.
    Budget {
        /// How much is spent.
        spent: u64,
        /// When the window ends, in microseconds since the Unix epoch; `None`
        /// for a budget that never comes back.
        until: Option<i64>,
    },
}

impl Counter {
    /// The counter once `cost` is taken, or how long until it would fit; `None`
    /// when `before` is of another kind of limit.
    pub(super) fn take(
        before: Option<Self>,
        limit: Limit,
        cost: u64,
        now: Timestamp,
    ) -> Option<Result<Self, Duration>> {
        Some(match (limit, before) {
            (Limit::Rate(rate), None) => arrival(rate, cost, i128::MIN, now),
            (Limit::Rate(rate), Some(Self::Rate { used_until })) => arrival(rate, cost, used_until, now),
            (Limit::Budget(budget), None) => spend(budget, cost, 0, now),
            (Limit::Budget(budget), Some(Self::Budget { spent, until })) => {
                let over = until.is_some_and(|until| until <= now.unix_micros());
                spend(budget, cost, if over { 0 } else { spent }, now)
            }
            _ => return None,
        })
    }

    /// The counter once `cost`, taken at `taken_at`, is given back as far as it
    /// is still taken at `now`; `None` when nothing is.
    pub(super) fn give_back(
        self,
        limit: Limit,
        cost: u64,
        taken_at: Timestamp,
        now: Timestamp,
    ) -> Option<Self> {
        match (self, limit) {
            (Self::Rate { used_until }, Limit::Rate(rate)) => {
                // What has come back by itself since is not given twice.
                let left = increment(rate, cost) - (nanos(now) - nanos(taken_at));
                let used_until = used_until - left.max(0);
                (used_until > nanos(now)).then_some(Self::Rate { used_until })
            }
            (Self::Budget { spent, until }, Limit::Budget(budget))
                if until == window_end(budget, taken_at) =>
            {
                let spent = spent.saturating_sub(cost);
                (spent > 0).then_some(Self::Budget { spent, until })
            }
            _ => Some(self),
        }
    }

    /// The counter once the first of `costs`, taken from a budget at
    /// `taken_at`, is the second. It may end beyond the limit.
    pub(super) fn settle(
        before: Option<Self>,
        limit: Limit,
        (cost, actual): (u64, u64),
        taken_at: Timestamp,
        now: Timestamp,
    ) -> Option<Self> {
        let Limit::Budget(budget) = limit else { return before };
        let Some(missing) = actual.checked_sub(cost) else {
            return before.and_then(|counter| counter.give_back(limit, cost - actual, taken_at, now));
        };
        let charged = window_end(budget, taken_at);
        match before {
            Some(Self::Budget { spent, until }) if until == charged => {
                Some(Self::Budget { spent: spent.saturating_add(missing), until })
            }
            None if missing > 0 && charged == window_end(budget, now) => {
                Some(Self::Budget { spent: missing, until: charged })
            }
            _ => before,
        }
    }

    /// Whether nothing is taken any more.
    pub(super) fn is_full(self, now: Timestamp) -> bool {
        match self {
            Self::Rate { used_until } => used_until <= nanos(now),
            Self::Budget { until, .. } => until.is_some_and(|until| until <= now.unix_micros()),
        }
    }
}

fn spend(budget: Budget, cost: u64, spent: u64, now: Timestamp) -> Result<Counter, Duration> {
    let until = window_end(budget, now);
    match spent.checked_add(cost) {
        Some(spent) if spent <= budget.amount => Ok(Counter::Budget { spent, until }),
        _ if cost > budget.amount => Err(Duration::MAX),
        _ => Err(until.map_or(Duration::MAX, |until| {
            Duration::from_micros(until.saturating_sub(now.unix_micros()).unsigned_abs())
        })),
    }
}

/// When the window that holds `now` ends: windows follow one another from the
/// Unix epoch, so that all processes agree on them.
fn window_end(budget: Budget, now: Timestamp) -> Option<i64> {
    let window = i64::try_from(budget.window?.as_micros()).unwrap_or(i64::MAX).max(1);
    let now = now.unix_micros();
    Some((now - now.rem_euclid(window)).saturating_add(window))
}

/// The time that `cost` uses up, rounded up: never more than `burst` per period.
fn increment(rate: Rate, cost: u64) -> i128 {
    let burst = i128::from(rate.burst.max(1));
    (period(rate) * i128::from(cost) + burst - 1) / burst
}

/// The new theoretical arrival time, or how long until there would be one.
fn arrival(rate: Rate, cost: u64, used_until: i128, now: Timestamp) -> Result<Counter, Duration> {
    if cost > u64::from(rate.burst) {
        return Err(Duration::MAX);
    }
    let now = nanos(now);
    let used_until = used_until.max(now) + increment(rate, cost);
    // Rounding up may put the last of a burst a few nanoseconds past the period.
    let excess = used_until - now - period(rate) - i128::from(rate.burst);
    if excess <= 0 { Ok(Counter::Rate { used_until }) } else { Err(duration(excess)) }
}

fn period(rate: Rate) -> i128 {
    i128::try_from(rate.period.as_nanos()).unwrap_or(i128::MAX / (1 << 40))
}

fn nanos(time: Timestamp) -> i128 {
    i128::from(time.unix_micros()) * 1_000
}

fn duration(nanos: i128) -> Duration {
    let secs = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(secs, u32::try_from(nanos % 1_000_000_000).unwrap_or(0))
}
