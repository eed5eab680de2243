//! What the spine itself costs: everything around a tool call except the
//! signature and the disk.
//!
//! `cargo xtask bench` prints, for calls with 500 bytes of arguments and
//! results, CPU time per receipt (both receipts of a call, all threads) with a
//! signer that signs nothing and a log that keeps nothing, with 64 calls under
//! way (which adds the cost of waking threads) and by one thread that waits for
//! each receipt and wakes no other, beside one real ML-DSA-65 signature in the
//! same run. Machines are shared and noisy: compare
//! the ratio, not the microseconds.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "support/mod.rs"]
mod support;

use std::future::ready;
use std::time::Duration;

use asqav_core::sign::Signer as _;
use asqav_core::{Ending, Gate, Refused, ToolCall};

use support::{Setup, Void, call, cpu, micros};

const CALLS: u32 = 20_000;
/// Calls under way at once.
const GROUP: u32 = 64;
const SIGNATURES: u32 = 200;
const RUNS: usize = 7;

fn main() {
    let key = support::key();
    let message = vec![b'{'; 1_400];
    let raw: Vec<_> = (0..RUNS).map(|_| cpu_per(SIGNATURES, || drop(key.sign(&message)))).collect();
    let (at_once, gathering) = (gate(Duration::ZERO), gate(Duration::from_millis(1)));
    let argument = "a".repeat(500);
    let runtime = match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            std::process::exit(1)
        }
    };
    let alone: Vec<_> = (0..RUNS)
        .map(|_| {
            cpu_per(CALLS / 10, || {
                let result = at_once.run_sync(call(&argument), || Ok::<_, Refused>(argument.clone()));
                assert!(result.is_ok(), "the call was refused");
            }) / 2
        })
        .collect();
    let grouped = |work: &dyn Fn(&mut tokio::task::JoinSet<bool>)| -> Vec<_> {
        let run = |_| {
            let group = cpu_per(CALLS / GROUP, || {
                runtime.block_on(async {
                    let mut calls = tokio::task::JoinSet::new();
                    (0..GROUP).for_each(|_| work(&mut calls));
                    assert!(calls.join_all().await.into_iter().all(|ran| ran), "a call was refused");
                });
            });
            group / GROUP / 2
        };
        (0..RUNS).map(run).collect()
    };
    let spine = grouped(&|calls| {
        let result = argument.clone();
        let run = gathering.run(call(&argument), || ready(Ok::<_, Refused>(result)));
        calls.spawn(async { run.await.is_ok() });
    });
    let empty = grouped(&|calls| {
        let admit = gathering.admit(ToolCall::builder("query_account", "ledger:query").build());
        calls.spawn(async {
            match admit.await {
                Ok(permit) => permit.complete(Ending::ok()).await.is_ok(),
                Err(_) => false,
            }
        });
    });
    let (raw, alone) = (median(raw), median(alone));
    let (empty, spine) = (median(empty), median(spine));
    let figure = |what: &str, time: Duration| {
        println!("{what:<66} {:>8.1} µs CPU  {:>7.4}", micros(time), time.as_secs_f64() / raw.as_secs_f64());
    };
    figure("one ML-DSA-65 signature", raw);
    figure("per receipt: canonicalise, hash, chain, hand over (no arguments)", empty);
    figure("per receipt, committing to 500 bytes of arguments and results", spine);
    figure("the same, one thread that waits for each receipt", alone);
}

fn gate(group: Duration) -> Gate {
    match Setup::new(support::unsigned()).gate(Void(group)) {
        Ok(gate) => gate,
        Err(error) => {
            eprintln!("the gate does not open: {error}");
            std::process::exit(1)
        }
    }
}

/// CPU time of the whole process for one `work`, of `count`.
fn cpu_per(count: u32, mut work: impl FnMut()) -> Duration {
    let start = cpu();
    (0..count).for_each(|_| work());
    (cpu() - start) / count
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
