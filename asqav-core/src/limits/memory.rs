//! Counters in memory: they start full with the process.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use asqav_receipt::time::Timestamp;

use super::{LimitError, Limits};
use crate::policy::{Charge, Rate};

/// How many counters are kept before full ones are looked for and dropped.
const SWEEP_AT: usize = 4_096;

/// Counters in memory by the generic cell rate algorithm (GCRA): per counter
/// one number, the *theoretical arrival time* up to which it is used up.
///
/// Nothing survives the process; a store on disk is in `asqav-log`. A wall
/// clock that steps backwards never gives anything back: time counts from the
/// latest instant seen.
#[derive(Debug, Default)]
pub struct MemoryLimits {
    counters: Mutex<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    /// Theoretical arrival times in nanoseconds since the Unix epoch.
    used_until: HashMap<String, i128>,
    /// The latest instant seen.
    now: i128,
    /// When the map is swept again.
    sweep_at: usize,
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
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        counters.now = counters.now.max(i128::from(now.unix_micros()) * 1_000);
        counters.take(charges)
    }

    fn refund(&self, charges: &[Charge]) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        for charge in charges {
            counters.give_back(charge);
        }
    }
}

impl Counters {
    /// INVARIANT: on an error every counter is as before. Two charges on one
    /// counter add up, so each is taken in turn and all are undone together.
    fn take(&mut self, charges: &[Charge]) -> Result<(), LimitError> {
        self.sweep();
        let mut taken = Vec::with_capacity(charges.len());
        for charge in charges {
            let before = self.used_until.get(&charge.key).copied();
            match arrival(&charge.limit, charge.cost, before.unwrap_or(i128::MIN), self.now) {
                Ok(used_until) => {
                    self.used_until.insert(charge.key.clone(), used_until);
                    taken.push((&charge.key, before));
                }
                Err(retry_after) => {
                    self.undo(taken);
                    return Err(LimitError::Exhausted { rule: charge.rule.clone(), retry_after });
                }
            }
        }
        Ok(())
    }

    fn undo(&mut self, taken: Vec<(&String, Option<i128>)>) {
        for (key, before) in taken.into_iter().rev() {
            match before {
                Some(used_until) => drop(self.used_until.insert(key.clone(), used_until)),
                None => drop(self.used_until.remove(key)),
            }
        }
    }

    fn give_back(&mut self, charge: &Charge) {
        if let Entry::Occupied(mut entry) = self.used_until.entry(charge.key.clone()) {
            *entry.get_mut() -= increment(&charge.limit, charge.cost);
            if *entry.get() <= self.now {
                entry.remove();
            }
        }
    }

    /// Forgets full counters, so that keys named by callers cannot fill the
    /// memory for longer than their period.
    fn sweep(&mut self) {
        if self.used_until.len() >= self.sweep_at.max(SWEEP_AT) {
            let now = self.now;
            self.used_until.retain(|_, used_until| *used_until > now);
            self.sweep_at = self.used_until.len() * 2;
        }
    }
}

/// The time that `cost` uses up, rounded up: never more than `burst` per period.
fn increment(rate: &Rate, cost: u32) -> i128 {
    let period = i128::try_from(rate.period.as_nanos()).unwrap_or(i128::MAX / (1 << 40));
    let burst = i128::from(rate.burst.max(1));
    (period * i128::from(cost) + burst - 1) / burst
}

/// The new theoretical arrival time, or how long until there would be one.
fn arrival(rate: &Rate, cost: u32, used_until: i128, now: i128) -> Result<i128, Duration> {
    if cost > rate.burst {
        return Err(Duration::MAX);
    }
    let tolerance = i128::try_from(rate.period.as_nanos()).unwrap_or(i128::MAX / (1 << 40));
    let after = used_until.max(now) + increment(rate, cost);
    // Rounding up may put the last of a burst a few nanoseconds past the period.
    let excess = after - now - tolerance - i128::from(rate.burst);
    if excess <= 0 { Ok(after) } else { Err(nanos(excess)) }
}

fn nanos(nanos: i128) -> Duration {
    let secs = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(secs, u32::try_from(nanos % 1_000_000_000).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use asqav_receipt::id::RuleId;

    fn charge(key: &str, burst: u32, cost: u32) -> Charge {
        let rate = Rate::new(burst, Duration::from_secs(60));
        Charge::new(key.to_owned(), rate, cost, RuleId::parse(key).unwrap())
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_micros(1_700_000_000_000_000 + seconds * 1_000_000).unwrap()
    }

    #[test]
    fn a_burst_fits_and_comes_back_evenly() {
        let limits = MemoryLimits::new();
        for _ in 0..7 {
            limits.take(&[charge("a", 7, 1)], at(0)).unwrap();
        }
        let Err(LimitError::Exhausted { rule, retry_after }) = limits.take(&[charge("a", 7, 1)], at(0))
        else {
            panic!("the eighth of seven fitted");
        };
        assert_eq!(rule.as_str(), "a");
        assert_eq!(retry_after.as_millis(), 60_000 / 7);
        assert!(limits.take(&[charge("a", 7, 1)], at(8)).is_err());
        limits.take(&[charge("a", 7, 1)], at(9)).unwrap();
        assert!(limits.take(&[charge("a", 7, 1)], at(9)).is_err());
    }

    #[test]
    fn takes_all_or_none() {
        let limits = MemoryLimits::new();
        limits.take(&[charge("scarce", 1, 1)], at(0)).unwrap();
        for _ in 0..20 {
            limits.take(&[charge("plenty", 2, 1), charge("scarce", 1, 1)], at(0)).unwrap_err();
        }
        limits.take(&[charge("plenty", 2, 1), charge("plenty", 2, 1)], at(0)).unwrap();
        limits.take(&[charge("plenty", 2, 1)], at(0)).unwrap_err();
    }

    #[test]
    fn one_counter_twice_counts_twice() {
        let limits = MemoryLimits::new();
        limits.take(&[charge("a", 1, 1), charge("a", 1, 1)], at(0)).unwrap_err();
        limits.take(&[charge("a", 1, 1)], at(0)).unwrap();
    }

    #[test]
    fn gives_back_what_was_taken_and_no_more() {
        let limits = MemoryLimits::new();
        limits.take(&[charge("a", 2, 2)], at(0)).unwrap();
        limits.refund(&[charge("a", 2, 2)]);
        limits.refund(&[charge("a", 2, 2)]);
        limits.take(&[charge("a", 2, 2)], at(0)).unwrap();
        limits.take(&[charge("a", 2, 1)], at(0)).unwrap_err();
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let limits = MemoryLimits::new();
        limits.take(&[charge("a", 1, 1)], at(0)).unwrap();
        limits.take(&[charge("a", 1, 1)], at(-100_000)).unwrap_err();
        limits.take(&[charge("a", 1, 1)], at(59)).unwrap_err();
        limits.take(&[charge("a", 1, 1)], at(60)).unwrap();
    }

    #[test]
    fn what_can_never_fit_says_so() {
        let limits = MemoryLimits::new();
        let error = limits.take(&[charge("a", 2, 3)], at(0)).unwrap_err();
        assert!(matches!(error, LimitError::Exhausted { retry_after: Duration::MAX, .. }));
    }

    #[test]
    fn forgets_counters_that_are_full_again() {
        let limits = MemoryLimits::new();
        for number in 0..3 * SWEEP_AT {
            let second = i64::try_from(number).unwrap();
            limits.take(&[charge(&format!("k{number}"), 1, 1)], at(second)).unwrap();
        }
        assert!(limits.counters.lock().unwrap().used_until.len() <= SWEEP_AT + 60);
    }
}
