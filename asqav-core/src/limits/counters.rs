//! Counters by key: the arithmetic of every store.

mod counter;

use std::collections::HashMap;

use asqav_receipt::time::Timestamp;

pub use counter::Counter;

use super::LimitError;
use crate::policy::Charge;

/// Counters that one store keeps at most; a charge on one more is refused.
pub const MAX_COUNTERS: usize = 1_000_000;

/// How many counters are kept before those that are full again are dropped.
const SWEEP_AT: usize = 4_096;

/// Counters by key, for a store to keep in memory or on disk.
///
/// Time counts from the latest instant seen: a wall clock that steps backwards
/// never gives anything back.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    by_key: HashMap<String, Counter>,
    /// The latest instant seen; `None` before the first.
    now: Option<Timestamp>,
    /// When the map is swept again.
    sweep_at: usize,
}

impl Counters {
    /// Counters of which nothing is taken.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes every charge at `now`, or none.
    ///
    /// INVARIANT: on an error every counter is as before. Two charges on one
    /// counter add up, so each is taken in turn and all are undone together.
    ///
    /// # Errors
    /// [`LimitError::Exhausted`] when one of them does not fit,
    /// [`LimitError::Store`] when there are too many counters, or a counter is
    /// of another kind than its charge.
    pub fn take(&mut self, charges: &[Charge], now: Timestamp) -> Result<(), LimitError> {
        let now = self.observe(now);
        self.sweep(now);
        let mut taken = Vec::with_capacity(charges.len());
        for charge in charges {
            let before = self.by_key.get(&charge.key).copied();
            match self.after(charge, before, now) {
                Ok(after) => {
                    self.by_key.insert(charge.key.clone(), after);
                    taken.push((&charge.key, before));
                }
                Err(error) => {
                    for (key, before) in taken.into_iter().rev() {
                        self.set(key, before);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn after(&self, charge: &Charge, before: Option<Counter>, now: Timestamp) -> Result<Counter, LimitError> {
        if before.is_none() && self.by_key.len() >= MAX_COUNTERS {
            return Err(LimitError::Store(format!("more than {MAX_COUNTERS} counters")));
        }
        match Counter::take(before, charge.limit, charge.cost, now) {
            Some(Ok(after)) => Ok(after),
            Some(Err(retry_after)) => Err(LimitError::Exhausted { rule: charge.rule.clone(), retry_after }),
            None => {
                Err(LimitError::Store(format!("the counter of rule `{}` is of another kind", charge.rule)))
            }
        }
    }

    /// Gives back what was taken at `taken_at` and is still taken.
    pub fn refund(&mut self, charges: &[Charge], taken_at: Timestamp) {
        let now = self.now.map_or(taken_at, |now| now.max(taken_at));
        for charge in charges {
            if let Some(before) = self.by_key.get(&charge.key).copied() {
                let after = before.give_back(charge.limit, charge.cost, taken_at, now);
                self.set(&charge.key, after);
            }
        }
    }

    /// Replaces the cost of `charge`, taken at `taken_at`, by `actual`.
    pub fn settle(&mut self, charge: &Charge, actual: u64, taken_at: Timestamp) {
        let now = self.now.map_or(taken_at, |now| now.max(taken_at));
        let before = self.by_key.get(&charge.key).copied();
        let after = Counter::settle(before, charge.limit, (charge.cost, actual), taken_at, now);
        self.set(&charge.key, after);
    }

    /// Notes the time; gives the latest seen.
    pub fn observe(&mut self, now: Timestamp) -> Timestamp {
        let latest = self.now.map_or(now, |seen| seen.max(now));
        self.now = Some(latest);
        latest
    }

    /// The latest instant seen.
    #[must_use]
    pub const fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// The counter under `key`; `None` when nothing of it is taken.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Counter> {
        self.by_key.get(key).copied()
    }

    /// Replaces the counter under `key`, for a store that reads its counters
    /// back.
    pub fn set(&mut self, key: &str, counter: Option<Counter>) {
        match counter {
            Some(counter) => drop(self.by_key.insert(key.to_owned(), counter)),
            None => drop(self.by_key.remove(key)),
        }
    }

    /// Every counter of which something is taken, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Counter)> {
        self.by_key.iter().map(|(key, counter)| (key.as_str(), *counter))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Forgets counters that are full again, so that keys named by callers
    /// cannot fill the memory for longer than their period.
    fn sweep(&mut self, now: Timestamp) {
        if self.by_key.len() >= self.sweep_at.max(SWEEP_AT) {
            self.by_key.retain(|_, counter| !counter.is_full(now));
            self.sweep_at = self.by_key.len() * 2;
        }
    }
}

#[cfg(test)]
mod tests;
