//! `kill -9` at a random moment of a process that makes gated calls.
//!
//! After each kill the log verifies as an open one and holds every receipt
//! that the process was told is durable; the next process goes on with the
//! same log, and the calls that were cut off show as `unknown`. 25 kills by
//! default, as many as `ASQAV_KILLS` says.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where it fails; the child reports"
)]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use asqav::log::reader::{LogReader, verify_dir};
use asqav::log::{FileLog, Rotation};
use asqav::receipt::json::Json;
use asqav::receipt::keys::{KeyEntry, KeySet};
use asqav::receipt::receipt::parse_line;
use asqav::receipt::suite::ML_DSA_65;
use asqav::receipt::time::Timestamp;
use asqav::receipt::verify::{LogInputs, LogReport, Verdict};
use asqav::{AgentId, Ending, Gate, IssuerId, Signer as _, SigningKey, ToolCall};

const DIR: &str = "ASQAV_CRASH_DIR";

fn key() -> SigningKey {
    SigningKey::from_seed(&[31; 32])
}

fn gate(dir: &Path) -> Gate {
    Gate::builder(AgentId::parse("agent").unwrap(), IssuerId::parse("acme").unwrap())
        .signer(Arc::new(key()))
        .without_policy()
        .log(
            FileLog::new(dir.join("log"))
                .rotation(Rotation { max_count: 50, ..Rotation::default() })
                .head_mirror(dir.join("head.json")),
        )
        .open()
        .unwrap()
}

/// Not a test of its own: the process that is killed. Four threads make calls
/// and say which receipts are durable, one line each.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let gate = gate(&dir);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let call = ToolCall::builder("work", "crash:work").argument("n", &1).build();
                    let permit = gate.admit(call).wait().unwrap();
                    say(&permit.ids().action_id.to_string());
                    let outcome = permit.complete(Ending::ok()).wait().unwrap();
                    say(&outcome.payload.action_id.to_string());
                }
            });
        }
    });
}

/// One line in one write, so that a kill leaves whole lines and one torn one.
fn say(id: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("durable {id}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs the process until `more` receipts are durable and a moment longer,
/// then kills it. Gives the receipts it was told are durable.
fn run_and_kill(dir: &Path, more: usize, moment: Duration) -> Vec<String> {
    let mut child = start(dir);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut durable = Vec::new();
    let mut read = |durable: &mut Vec<String>| {
        let mut line = String::new();
        let len = lines.read_line(&mut line).unwrap();
        // The last line may be torn; then nobody was told.
        if let Some(id) = line.strip_suffix('\n').and_then(|line| line.split("durable ").nth(1)) {
            durable.push(id.to_owned());
        }
        len > 0
    };
    while durable.len() < more && read(&mut durable) {}
    assert!(durable.len() >= more, "the process ended by itself");
    let until = Instant::now() + moment;
    while Instant::now() < until && read(&mut durable) {}
    child.kill().unwrap();
    while read(&mut durable) {}
    child.wait().unwrap();
    durable
}

fn verify(dir: &Path, open: bool) -> LogReport {
    let key = key();
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "acme", "agent").unwrap();
    let keys = KeySet::new(vec![entry]);
    let inputs = LogInputs::new().keys(&keys).at(Timestamp::MAX).allow_open(open);
    verify_dir(&dir.join("log"), inputs, &mut |_| {}).unwrap()
}

/// The ids of all complete receipts in the log.
fn recorded(dir: &Path) -> HashSet<String> {
    let mut ids = HashSet::new();
    LogReader::open(&dir.join("log"))
        .unwrap()
        .visit(|_, piece| {
            if piece.complete {
                let (payload, _) = parse_line(piece.bytes).unwrap();
                let id = payload.as_object().unwrap().get("action_id").and_then(Json::as_str).unwrap();
                ids.insert(id.to_owned());
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    ids
}

#[test]
fn a_killed_process_loses_nothing_that_it_was_told_is_durable() {
    let kills: u64 = std::env::var("ASQAV_KILLS").ok().map_or(25, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut durable = HashSet::new();
    // A linear congruential generator (Knuth's MMIX): moments differ, and a run can be repeated.
    let mut seed = 0x5eed_u64;
    for kill in 0..kills {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (more, moment) = ((seed >> 33) % 12, Duration::from_micros((seed >> 40) % 20_000));
        durable.extend(run_and_kill(folder.path(), usize::try_from(more).unwrap(), moment));
        let report = verify(folder.path(), true);
        assert_eq!(report.verdict, Verdict::Verified, "after kill {kill}: {:#?}", report.problems);
    }
    gate(folder.path()).shutdown().wait().unwrap();

    let recorded = recorded(folder.path());
    let lost: Vec<_> = durable.difference(&recorded).collect();
    assert!(lost.is_empty(), "{} of {} durable receipts lost: {lost:?}", lost.len(), durable.len());
    let report = verify(folder.path(), false);
    assert_eq!(report.verdict, Verdict::Verified, "{:#?}", report.problems);
    assert_eq!(report.open_decisions, 0);
    let (cut_off, recoveries) = (report.unknown_outcomes, report.recoveries);
    println!(
        "{kills} kills, {} durable receipts, {cut_off} calls cut off, {recoveries} recoveries",
        durable.len()
    );
    assert!(recoveries > 0 && cut_off > 0, "no call was cut off: nothing was tested");
}
