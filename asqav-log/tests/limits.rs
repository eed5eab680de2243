//! Limits on disk: admitted cost never exceeds a limit, over threads and
//! processes, restarts, crashes and damage.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use asqav_core::limits::{LimitError, Limits};
use asqav_core::log::LogError;
use asqav_core::policy::{Budget, Charge, Rate};
use asqav_log::FileLimits;
use asqav_receipt::id::RuleId;
use asqav_receipt::time::Timestamp;
use proptest::prelude::*;

const DIR: &str = "ASQAV_LIMITS_TEST_DIR";

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_micros((1_700_000_000 + second) * 1_000_000).unwrap()
}

fn rule(id: &str) -> RuleId {
    RuleId::parse(id).unwrap()
}

fn budget(key: &str, amount: u64, cost: u64) -> Charge {
    Charge::new(key.to_owned(), Budget::new(amount, None), cost, rule("budget"))
}

fn rate(key: &str, burst: u32) -> Charge {
    Charge::new(key.to_owned(), Rate::new(burst, Duration::from_secs(60)), 1, rule("rate"))
}

fn exhausted(result: Result<(), LimitError>) -> bool {
    match result {
        Ok(()) => false,
        Err(LimitError::Exhausted { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

fn store_failed(result: Result<(), LimitError>) -> String {
    match result {
        Err(LimitError::Store(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_restart_does_not_reset_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let charges = [budget("b", 10, 4), rate("r", 3)];
    let limits = FileLimits::open(dir.path()).unwrap();
    limits.take(&charges, at(0)).unwrap();
    drop(limits);
    let limits = FileLimits::open(dir.path()).unwrap();
    limits.take(&charges, at(0)).unwrap();
    drop(limits);
    let limits = FileLimits::open(dir.path()).unwrap();
    assert!(exhausted(limits.take(&charges, at(0))));
    // All or none: the rate was not charged by what the budget refused.
    limits.take(&[rate("r", 3)], at(0)).unwrap();
    assert!(exhausted(limits.take(&[rate("r", 3)], at(0))));
    // A clock that was set back meanwhile gives nothing.
    drop(limits);
    let limits = FileLimits::open(dir.path()).unwrap();
    assert!(exhausted(limits.take(&[rate("r", 3)], at(-1_000))));
    assert!(exhausted(limits.take(&[rate("r", 3)], at(19))));
    limits.take(&[rate("r", 3)], at(20)).unwrap();
    limits.take(&[budget("b", 10, 2)], at(20)).unwrap();
    assert!(exhausted(limits.take(&[budget("b", 10, 1)], at(1_000_000))));
}

#[test]
fn what_is_given_back_can_be_taken_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (FileLimits::open(dir.path()).unwrap(), FileLimits::open(dir.path()).unwrap());
    one.take(&[budget("b", 10, 10)], at(0)).unwrap();
    assert!(exhausted(other.take(&[budget("b", 10, 1)], at(0))));
    one.refund(&[budget("b", 10, 10)], at(0));
    other.take(&[budget("b", 10, 7)], at(0)).unwrap();
    assert!(exhausted(one.take(&[budget("b", 10, 4)], at(0))));
    one.take(&[budget("b", 10, 3)], at(0)).unwrap();
}

#[test]
fn what_a_call_really_cost_counts_for_others_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (FileLimits::open(dir.path()).unwrap(), FileLimits::open(dir.path()).unwrap());
    one.take(&[budget("b", 10, 8)], at(0)).unwrap();
    one.settle(&budget("b", 10, 8), 3, at(0)).unwrap();
    other.take(&[budget("b", 10, 7)], at(0)).unwrap();
    assert!(exhausted(one.take(&[budget("b", 10, 1)], at(0))));
    other.settle(&budget("b", 10, 7), 9, at(0)).unwrap();
    drop((one, other));
    let limits = FileLimits::open(dir.path()).unwrap();
    limits.refund(&[budget("b", 10, 2)], at(0));
    assert!(exhausted(limits.take(&[budget("b", 10, 1)], at(0))), "3 + 9 - 2 are 10");
    limits.refund(&[budget("b", 10, 1)], at(0));
    limits.take(&[budget("b", 10, 1)], at(0)).unwrap();
}

fn append(dir: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(dir.join("limits.journal")).unwrap().write_all(bytes).unwrap();
}

/// Every way in which a crash can cut the last line: it does not count, and
/// all before it does.
#[test]
fn a_torn_last_line_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("limits.journal");
    let limits = FileLimits::open(dir.path()).unwrap();
    limits.take(&[budget("b", 10, 4)], at(0)).unwrap();
    let before = fs::read(&journal).unwrap();
    limits.take(&[budget("b", 10, 5)], at(0)).unwrap();
    let after = fs::read(&journal).unwrap();
    drop(limits);
    for len in before.len()..after.len() {
        fs::write(&journal, &after[..len]).unwrap();
        let limits = FileLimits::open(dir.path()).unwrap();
        assert!(exhausted(limits.take(&[budget("b", 10, 7)], at(0))), "{len}");
        limits.take(&[budget("b", 10, 6)], at(0)).unwrap();
        drop(limits);
        let limits = FileLimits::open(dir.path()).unwrap();
        assert!(exhausted(limits.take(&[budget("b", 10, 1)], at(0))), "{len}");
    }
}

/// Another process dies while it writes; this one goes on.
#[test]
fn a_line_torn_by_another_process_is_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    let limits = FileLimits::open(dir.path()).unwrap();
    let other = FileLimits::open(dir.path()).unwrap();
    limits.take(&[budget("b", 10, 4)], at(0)).unwrap();
    append(dir.path(), b"0123456789abcdef {\"now\":1");
    limits.take(&[budget("b", 10, 5)], at(0)).unwrap();
    assert!(exhausted(other.take(&[budget("b", 10, 2)], at(0))));
    other.take(&[budget("b", 10, 1)], at(0)).unwrap();
    assert!(exhausted(limits.take(&[budget("b", 10, 1)], at(0))));
    let text = fs::read_to_string(dir.path().join("limits.journal")).unwrap();
    assert!(!text.contains("0123456789abcdef"), "{text}");
}

#[test]
fn damage_that_no_crash_explains_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("limits.journal");
    let limits = FileLimits::open(dir.path()).unwrap();
    limits.take(&[budget("b", 10, 4)], at(0)).unwrap();
    limits.take(&[budget("b", 10, 4)], at(0)).unwrap();
    drop(limits);
    let whole = fs::read_to_string(&journal).unwrap();
    let refused = |content: &str| {
        fs::write(&journal, content).unwrap();
        assert!(matches!(FileLimits::open(dir.path()), Err(LogError::Damaged { .. })), "{content}");
    };
    refused(&whole.replacen("\"spent\":\"4\"", "\"spent\":\"0\"", 1));
    refused("");
    refused("x");
    refused(&whole.replacen("v1", "v2", 1));
    fs::remove_file(&journal).unwrap();
    assert!(matches!(FileLimits::open(dir.path()), Err(LogError::Damaged { .. })));
    fs::write(&journal, whole).unwrap();
    let limits = FileLimits::open(dir.path()).unwrap();
    assert!(exhausted(limits.take(&[budget("b", 10, 3)], at(0))));
}

#[test]
fn a_store_that_is_away_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let limits = FileLimits::open(dir.path()).unwrap();
    limits.take(&[budget("b", 10, 4)], at(0)).unwrap();
    let journal = dir.path().join("limits.journal");
    fs::rename(&journal, dir.path().join("away")).unwrap();
    store_failed(limits.take(&[budget("b", 10, 1)], at(0)));
    fs::rename(dir.path().join("away"), &journal).unwrap();
    limits.take(&[budget("b", 10, 1)], at(0)).unwrap();
    // A journal that is put back from a copy is read as it is, and one that
    // shrank is read again.
    fs::remove_file(dir.path().join("limits.lock")).unwrap();
    store_failed(limits.take(&[budget("b", 10, 1)], at(0)));
    fs::write(dir.path().join("limits.lock"), "x").unwrap();
    assert_eq!(store_failed(limits.take(&[budget("b", 10, 1)], at(0))), "the lock file was replaced");
}

/// The file stays small, whatever is taken.
#[test]
fn a_long_journal_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let limits = FileLimits::open(dir.path()).unwrap();
    let other = FileLimits::open(dir.path()).unwrap();
    let many: Vec<Charge> =
        (0..400).map(|at| budget(&format!("{at}/{}", "k".repeat(400)), 1_000, 1)).collect();
    for _ in 0..20 {
        limits.take(&many, at(0)).unwrap();
        other.take(&many, at(0)).unwrap();
    }
    let len = fs::metadata(dir.path().join("limits.journal")).unwrap().len();
    assert!(len < 2_000_000, "{len} bytes");
    let all: Vec<Charge> = many.iter().map(|charge| budget(&charge.key, 1_000, 961)).collect();
    assert!(exhausted(limits.take(&all, at(0))));
    let all: Vec<Charge> = many.iter().map(|charge| budget(&charge.key, 1_000, 960)).collect();
    FileLimits::open(dir.path()).unwrap().take(&all, at(0)).unwrap();
}

/// One thing that a caller does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Takes so much, and gives it back if the flag says so.
    Take(u64, bool),
    /// Takes a call from a rate together with so much.
    Both(u64),
    /// Opens the store anew.
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..6_u64, proptest::bool::ANY).prop_map(|(cost, back)| Step::Take(cost, back)),
        2 => (1..6_u64).prop_map(Step::Both),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..12)
}

const AMOUNT: u64 = 40;
const BURST: u32 = 5;

/// Runs the steps; gives what was admitted from the budget and the rate and
/// not given back.
fn run(dir: &Path, steps: &[Step]) -> (u64, u64) {
    let mut limits = FileLimits::open(dir).unwrap();
    let (mut spent, mut calls) = (0, 0);
    for step in steps {
        match *step {
            Step::Take(cost, back) => {
                let charge = [budget("b", AMOUNT, cost)];
                match (exhausted(limits.take(&charge, at(0))), back) {
                    (true, _) => {}
                    (false, true) => limits.refund(&charge, at(0)),
                    (false, false) => spent += cost,
                }
            }
            Step::Both(cost) => {
                if !exhausted(limits.take(&[rate("r", BURST), budget("b", AMOUNT, cost)], at(0))) {
                    (spent, calls) = (spent + cost, calls + 1);
                }
            }
            Step::Reopen => limits = FileLimits::open(dir).unwrap(),
        }
    }
    (spent, calls)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever threads do at the same time, each with a store of its own on
    /// one directory or all with one: what is admitted fits the limits, and
    /// what is left can still be taken.
    #[test]
    fn threads_never_exceed_a_limit(threads in prop::collection::vec(steps(), 2..5)) {
        let dir = tempfile::tempdir().unwrap();
        let path: Arc<Path> = dir.path().into();
        let running: Vec<_> = threads
            .into_iter()
            .map(|steps| {
                let path = Arc::clone(&path);
                std::thread::spawn(move || run(&path, &steps))
            })
            .collect();
        let admitted: Vec<(u64, u64)> = running.into_iter().map(|thread| thread.join().unwrap()).collect();
        let spent: u64 = admitted.iter().map(|(spent, _)| spent).sum();
        let calls: u64 = admitted.iter().map(|(_, calls)| calls).sum();
        prop_assert!(spent <= AMOUNT && calls <= u64::from(BURST), "{spent} spent, {calls} calls");
        let limits = FileLimits::open(dir.path()).unwrap();
        prop_assert!(exhausted(limits.take(&[budget("b", AMOUNT, AMOUNT - spent + 1)], at(0))));
        if spent < AMOUNT {
            limits.take(&[budget("b", AMOUNT, AMOUNT - spent)], at(0)).unwrap();
        }
    }
}

/// Not a test of its own: what the processes below run.
#[test]
fn child_process() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let limits = FileLimits::open(dir).unwrap();
    let mut out = std::io::stdout().lock();
    loop {
        match limits.take(&[budget("b", PROCESSES_AMOUNT, 3)], at(0)) {
            Ok(()) => writeln!(out, "\nadmitted 3").unwrap(),
            Err(LimitError::Exhausted { .. }) => break,
            Err(error) => panic!("{error}"),
        }
        out.flush().unwrap();
    }
}

const PROCESSES_AMOUNT: u64 = 1_000;

/// Three processes take what they can, and one of them is killed on the way:
/// what they said to have been admitted fits, and nothing but what the killed
/// one had under way is lost.
#[test]
fn processes_never_exceed_a_limit_even_when_one_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let spawn = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["child_process", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = (0..3).map(|_| spawn()).collect();
    let outputs: Vec<_> = children.iter_mut().map(|child| child.stdout.take().unwrap()).collect();
    let mut victim = children.remove(0);
    let counting: Vec<_> = outputs
        .into_iter()
        .enumerate()
        .map(|(at, output)| {
            let victim_pid = (at == 0).then(|| victim.id());
            std::thread::spawn(move || {
                let mut admitted = 0;
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    admitted += u64::from(line == "admitted 3") * 3;
                    if let Some(pid) = victim_pid.filter(|_| admitted == 30) {
                        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
                        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
                    }
                }
                admitted
            })
        })
        .collect();
    let admitted: Vec<u64> = counting.into_iter().map(|thread| thread.join().unwrap()).collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert!(!victim.wait().unwrap().success(), "the first process was not killed in time");
    let total: u64 = admitted.iter().sum();
    assert!(total <= PROCESSES_AMOUNT, "{admitted:?}");
    // 333 fit; the killed one may have taken a few that it could not tell of.
    assert!(total > PROCESSES_AMOUNT - 60, "{admitted:?}");
    assert!(admitted.iter().all(|&admitted| admitted > 0), "{admitted:?}");
    let limits = FileLimits::open(dir.path()).unwrap();
    assert!(exhausted(limits.take(&[budget("b", PROCESSES_AMOUNT, 3)], at(0))));
}
