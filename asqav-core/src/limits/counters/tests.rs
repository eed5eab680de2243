use std::time::Duration;

use asqav_receipt::id::RuleId;

use super::*;
use crate::policy::{Budget, Rate};

fn charge(key: &str, burst: u32, cost: u64) -> Charge {
    let rate = Rate::new(burst, Duration::from_secs(60));
    Charge::new(key.to_owned(), rate, cost, RuleId::parse(key).unwrap())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_micros(1_700_000_000_000_000 + seconds * 1_000_000).unwrap()
}

#[test]
fn a_burst_fits_and_comes_back_evenly() {
    let mut limits = Counters::new();
    for _ in 0..7 {
        limits.take(&[charge("a", 7, 1)], at(0)).unwrap();
    }
    let Err(LimitError::Exhausted { rule, retry_after }) = limits.take(&[charge("a", 7, 1)], at(0)) else {
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
    let mut limits = Counters::new();
    limits.take(&[charge("scarce", 1, 1)], at(0)).unwrap();
    for _ in 0..20 {
        limits.take(&[charge("plenty", 2, 1), charge("scarce", 1, 1)], at(0)).unwrap_err();
    }
    limits.take(&[charge("plenty", 2, 1), charge("plenty", 2, 1)], at(0)).unwrap();
    limits.take(&[charge("plenty", 2, 1)], at(0)).unwrap_err();
}

#[test]
fn one_counter_twice_counts_twice() {
    let mut limits = Counters::new();
    limits.take(&[charge("a", 1, 1), charge("a", 1, 1)], at(0)).unwrap_err();
    limits.take(&[charge("a", 1, 1)], at(0)).unwrap();
}

#[test]
fn gives_back_what_was_taken_and_no_more() {
    let mut limits = Counters::new();
    limits.take(&[charge("a", 2, 2)], at(0)).unwrap();
    limits.refund(&[charge("a", 2, 2)], at(0));
    limits.refund(&[charge("a", 2, 2)], at(0));
    limits.take(&[charge("a", 2, 2)], at(0)).unwrap();
    limits.take(&[charge("a", 2, 1)], at(0)).unwrap_err();
}

#[test]
fn a_clock_that_steps_back_gives_nothing() {
    let mut limits = Counters::new();
    limits.take(&[charge("a", 1, 1)], at(0)).unwrap();
    limits.take(&[charge("a", 1, 1)], at(-100_000)).unwrap_err();
    limits.take(&[charge("a", 1, 1)], at(59)).unwrap_err();
    limits.take(&[charge("a", 1, 1)], at(60)).unwrap();
}

#[test]
fn what_can_never_fit_says_so() {
    let mut limits = Counters::new();
    let error = limits.take(&[charge("a", 2, 3)], at(0)).unwrap_err();
    assert!(matches!(error, LimitError::Exhausted { retry_after: Duration::MAX, .. }));
}

#[test]
fn forgets_counters_that_are_full_again() {
    let mut limits = Counters::new();
    for number in 0..3 * SWEEP_AT {
        let second = i64::try_from(number).unwrap();
        limits.take(&[charge(&format!("k{number}"), 1, 1)], at(second)).unwrap();
    }
    assert!(limits.len() <= SWEEP_AT + 60);
}

fn spend(key: &str, amount: u64, window: Option<u64>, cost: u64) -> Charge {
    let budget = Budget::new(amount, window.map(Duration::from_secs));
    Charge::new(key.to_owned(), budget, cost, RuleId::parse(key).unwrap())
}

/// The start of a day, by the Unix epoch.
const DAY: i64 = 86_400 * 19_675 - 1_700_000_000;

#[test]
fn a_refund_gives_nothing_that_came_back_by_itself() {
    let mut limits = Counters::new();
    limits.take(&[charge("a", 2, 1)], at(0)).unwrap();
    // Half of it has come back, and then all is taken again.
    limits.take(&[charge("a", 2, 1)], at(15)).unwrap();
    limits.refund(&[charge("a", 2, 1)], at(0));
    limits.take(&[charge("a", 2, 1)], at(15)).unwrap();
    limits.take(&[charge("a", 2, 1)], at(15)).unwrap_err();
    let mut limits = Counters::new();
    limits.take(&[charge("a", 2, 1)], at(0)).unwrap();
    limits.take(&[charge("a", 2, 2)], at(30)).unwrap();
    limits.refund(&[charge("a", 2, 1)], at(0));
    limits.take(&[charge("a", 2, 1)], at(30)).unwrap_err();
}

#[test]
fn a_budget_is_spent_to_the_last_unit_and_comes_back_with_its_window() {
    let mut limits = Counters::new();
    let spend =
        |limits: &mut Counters, cost, second| limits.take(&[spend("a", 100, Some(86_400), cost)], at(second));
    spend(&mut limits, 60, DAY + 10).unwrap();
    let error = spend(&mut limits, 41, DAY + 10).unwrap_err();
    let wait = Duration::from_secs(86_390);
    assert!(matches!(error, LimitError::Exhausted { retry_after, .. } if retry_after == wait), "{error:?}");
    spend(&mut limits, 40, DAY + 86_399).unwrap();
    spend(&mut limits, 1, DAY + 86_399).unwrap_err();
    spend(&mut limits, 100, DAY + 86_400).unwrap();
    spend(&mut limits, 1, DAY + 86_400).unwrap_err();
    let error = spend(&mut limits, 101, DAY + 3 * 86_400).unwrap_err();
    assert!(matches!(error, LimitError::Exhausted { retry_after: Duration::MAX, .. }));
}

#[test]
fn a_budget_without_a_window_never_comes_back() {
    let mut limits = Counters::new();
    limits.take(&[spend("a", 5, None, 5)], at(0)).unwrap();
    let error = limits.take(&[spend("a", 5, None, 1)], at(1_000_000_000)).unwrap_err();
    assert!(matches!(error, LimitError::Exhausted { retry_after: Duration::MAX, .. }));
    limits.refund(&[spend("a", 5, None, 2)], at(0));
    limits.take(&[spend("a", 5, None, 2)], at(1_000_000_000)).unwrap();
    limits.take(&[spend("a", 5, None, u64::MAX)], at(0)).unwrap_err();
}

#[test]
fn a_refund_stays_within_its_window() {
    let mut limits = Counters::new();
    let charge = |cost| [spend("a", 100, Some(86_400), cost)];
    limits.take(&charge(60), at(DAY)).unwrap();
    limits.take(&charge(100), at(DAY + 86_400)).unwrap();
    limits.refund(&charge(60), at(DAY));
    limits.take(&charge(1), at(DAY + 86_400)).unwrap_err();
    limits.refund(&charge(60), at(DAY + 86_400));
    limits.take(&charge(60), at(DAY + 86_400)).unwrap();
    limits.take(&charge(1), at(DAY + 86_400)).unwrap_err();
}

#[test]
fn a_clock_that_steps_back_opens_no_window() {
    let mut limits = Counters::new();
    let charge = |cost| [spend("a", 100, Some(86_400), cost)];
    limits.take(&charge(100), at(DAY + 86_400)).unwrap();
    limits.take(&charge(1), at(DAY)).unwrap_err();
    limits.take(&charge(1), at(DAY + 86_401)).unwrap_err();
}

#[test]
fn a_counter_of_another_kind_is_no_counter() {
    let mut limits = Counters::new();
    limits.take(&[charge("a", 5, 1)], at(0)).unwrap();
    assert!(matches!(limits.take(&[spend("a", 5, None, 1)], at(0)), Err(LimitError::Store(_))));
}

#[test]
fn what_a_call_really_cost_replaces_what_was_taken() {
    let mut limits = Counters::new();
    let charge = |cost| spend("a", 100, Some(86_400), cost);
    let fits = |limits: &mut Counters, cost, second| {
        let taken = limits.take(&[charge(cost)], at(second)).is_ok();
        if taken {
            limits.refund(&[charge(cost)], at(second));
        }
        taken
    };
    limits.take(&[charge(60)], at(DAY)).unwrap();
    limits.settle(&charge(60), 25, at(DAY));
    assert!(fits(&mut limits, 75, DAY) && !fits(&mut limits, 76, DAY), "the rest came back");
    limits.take(&[charge(10)], at(DAY)).unwrap();
    limits.settle(&charge(10), 10, at(DAY));
    assert!(fits(&mut limits, 65, DAY) && !fits(&mut limits, 66, DAY), "nothing to settle");
    limits.take(&[charge(0)], at(DAY)).unwrap();
    limits.settle(&charge(0), 90, at(DAY));
    assert!(!fits(&mut limits, 1, DAY), "25 + 10 + 90 are more than there is");
    limits.refund(&[charge(10)], at(DAY));
    assert!(!fits(&mut limits, 1, DAY), "and 115 still are");
    assert!(fits(&mut limits, 100, DAY + 86_400), "the next window owes nothing");
}

#[test]
fn a_window_that_is_over_is_not_settled() {
    let mut limits = Counters::new();
    let spent = |cost| spend("a", 100, Some(86_400), cost);
    limits.take(&[spent(60)], at(DAY)).unwrap();
    limits.take(&[spent(50)], at(DAY + 86_400)).unwrap();
    limits.settle(&spent(60), 0, at(DAY));
    limits.settle(&spent(60), 1_000, at(DAY));
    limits.take(&[spent(51)], at(DAY + 86_400)).unwrap_err();
    limits.take(&[spent(50)], at(DAY + 86_400)).unwrap();
    // A rate is not settled at all.
    limits.take(&[charge("r", 2, 2)], at(DAY + 86_400)).unwrap();
    limits.settle(&charge("r", 2, 2), 0, at(DAY + 86_400));
    limits.take(&[charge("r", 2, 1)], at(DAY + 86_400)).unwrap_err();
}
