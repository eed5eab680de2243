//! A thread that calls alone: its receipts are signed and committed by itself,
//! and no other thread is woken for them. One test, so that the process has no
//! other gate.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::fs;
use std::thread;
use std::time::Duration;

use asqav_core::call::JsonText;
use asqav_core::gate::{Door, run_sync_with};
use asqav_core::policy::Decision;
use asqav_core::testing::TestGate;
use asqav_core::{Ending, Refused};
use asqav_receipt::payload::Tier;
use common::{Rules, call, reason, rule};

/// How often the recorder's threads have waited and gone on so far.
fn wakes() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    // A thread that ends meanwhile is none of the recorder's.
    let of_recorder = tasks.filter_map(|task| {
        let path = task.ok()?.path();
        let name = fs::read_to_string(path.join("comm")).ok()?;
        let status = fs::read_to_string(path.join("status")).ok()?;
        let waited = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        ["asqav-signer\n", "asqav-writer\n"].contains(&name.as_str()).then(|| waited.trim().parse().unwrap())
    });
    let waits: Vec<u64> = of_recorder.collect();
    assert!(waits.len() > 1, "the recorder's threads have other names");
    waits.iter().sum()
}

#[test]
fn calls_of_a_lone_thread_wake_no_other() {
    let test = TestGate::with_policy(Rules::new(|input| match input.call.tool.as_str() {
        "denied" => Decision::deny(vec![rule("no")], reason("denied_by_rule")),
        _ => Decision::allow(vec![rule("yes")], Vec::new()),
    }));
    let gate = test.gate();
    // The threads have begun, and wait.
    thread::sleep(Duration::from_millis(100));
    let (before, started) = (wakes(), test.receipts().payloads().len());
    for _ in 0..100 {
        gate.run_sync(call("allowed"), || Ok::<_, Refused>(1)).unwrap();
        gate.run_sync(call("denied"), || Ok::<_, Refused>(1)).unwrap_err();
        gate.run_enforced_sync(call("enforced"), |_| JsonText::parse("1").map_err(|_| Refused::NoGate))
            .unwrap();
        gate.run_enforced_sync(call("failed"), |_| Err(Refused::NoGate)).unwrap_err();
        let observing = Door::of(gate).tier(Tier::Detectable);
        run_sync_with(observing, call("observed"), || Ok(()), |_| Ending::ok(), Err::<(), Refused>).unwrap();
    }
    let woken = wakes() - before;
    assert_eq!(test.receipts().payloads().len() - started, 800);
    // The log is maintained each second; what is signed meanwhile is left to
    // the writer.
    assert!(woken < 50, "800 receipts woke others {woken} times");
}
