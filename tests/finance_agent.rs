//! The example is what a user sees first: it runs, twice, and its log holds
//! every kind of ending it talks about.
#![cfg(feature = "log")]
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use asqav::log::reader::LogReader;
use asqav::receipt::json::Json;
use asqav::receipt::keys::KeySet;
use asqav::receipt::receipt::parse_line;
use asqav::receipt::verify::{LogInputs, Verdict};

/// Where cargo puts the example beside this test; `None` if it was not built.
fn example() -> Option<PathBuf> {
    let deps = std::env::current_exe().ok()?;
    let path = deps.parent()?.parent()?.join("examples").join("finance_agent");
    path.is_file().then_some(path)
}

fn run(example: &Path, dir: &Path) -> Output {
    Command::new(example).arg("--dir").arg(dir).output().unwrap()
}

fn payloads(dir: &Path) -> Vec<Json> {
    let mut payloads = Vec::new();
    let visit = |_, piece: &asqav::log::lines::Piece<'_>| {
        payloads.push(parse_line(piece.bytes).unwrap().0);
        ControlFlow::Continue(())
    };
    LogReader::open(&dir.join("audit-log")).unwrap().visit(visit).unwrap();
    payloads
}

fn count(payloads: &[Json], place: &[&str], value: &str) -> usize {
    let at = |payload: &Json| {
        let found = place.iter().try_fold(payload, |json, name| json.as_object()?.get(name));
        found.and_then(Json::as_str) == Some(value)
    };
    payloads.iter().filter(|payload| at(payload)).count()
}

#[test]
fn it_runs_twice_and_leaves_evidence_of_everything() {
    let Some(example) = example() else {
        println!("skipped: the example is not built");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=2 {
        let output = run(&example, dir.path());
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("\nVERIFIED: "), "{text}");

        let payloads = payloads(dir.path());
        assert_eq!(payloads.len(), 42 * round, "the second run continues the log");
        for (place, value, times) in [
            (&["decision"][..], "allow", 13),
            (&["decision"], "deny", 2),
            (&["decision"], "rate_limit", 1),
            (&["asqav", "outcome"], "ok", 11),
            (&["asqav", "outcome"], "tool_error", 2),
            (&["asqav", "outcome"], "cancelled", 1),
            (&["action_type"], "session:close", 3),
            (&["capture_topology"], "passive_telemetry", 1),
            (&["action_type"], "gate:stop", 1),
        ] {
            assert_eq!(count(&payloads, place, value), times * round, "{place:?} {value}");
        }
    }
    let keys = KeySet::parse(&std::fs::read(dir.path().join("keys.jwks.json")).unwrap()).unwrap();
    let log = LogReader::open(&dir.path().join("audit-log")).unwrap();
    let now = asqav::clock::Clock::now(&asqav::clock::SystemClock::new());
    let report = log.verify(LogInputs::new().keys(&keys).at(now), &mut |_| {}).unwrap();
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);

    // The denied tool deletes an account; the ledger still has all of them.
    let ledger = rusqlite::Connection::open(dir.path().join("ledger.db")).unwrap();
    let accounts: i64 = ledger.query_row("SELECT count(*) FROM accounts", [], |row| row.get(0)).unwrap();
    let posted: i64 = ledger.query_row("SELECT count(*) FROM transactions", [], |row| row.get(0)).unwrap();
    assert_eq!((accounts, posted), (7, 8));
}

#[test]
fn wrong_usage_is_an_error() {
    let Some(example) = example() else {
        println!("skipped: the example is not built");
        return;
    };
    let output = Command::new(example).arg("--dri").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stderr, b"error: usage: finance_agent [--dir DIR]\n");
}
