//! What the spine itself costs: everything around a tool call except the
//! signature and the disk.
//!
//! `cargo xtask bench` prints, for calls with 500 bytes of arguments and
//! results, CPU time per receipt (both receipts of a call, all threads) with a
//! signer that signs nothing and a log that keeps nothing, with 64 calls under
//! way and with one caller that waits for each receipt (which adds the cost of
//! waking threads), beside one real
//! ML-DSA-65 signature in the same run. Machines are shared and noisy: compare
//! the ratio, not the microseconds.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use asqav_core::key::SigningKey;
use asqav_core::log::{Durability, Log, LogEntry, LogError, LogOwner, LogStart};
use asqav_core::sign::{SignError, Signer};
use asqav_core::{Ending, Gate, Refused, ToolCall};
use asqav_policy::{Model, RulePolicy};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, IssuerId, KeyId};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;

const CALLS: u32 = 20_000;
/// Calls under way at once.
const GROUP: u32 = 64;
const SIGNATURES: u32 = 200;
const RUNS: usize = 7;
const SEED: [u8; 32] = [3; 32];

/// The key of another signer, without its work.
struct Unsigned(SigningKey);

impl Signer for Unsigned {
    fn algorithm(&self) -> &'static str {
        self.0.algorithm()
    }

    fn key_id(&self) -> &KeyId {
        self.0.key_id()
    }

    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn thumbprint(&self) -> &Sha256Digest {
        self.0.thumbprint()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        // The gate tests its key when it opens; that one is really signed.
        if message.len() < 64 { self.0.sign(message) } else { Ok(vec![0; ML_DSA_65.signature_len]) }
    }
}

/// Keeps nothing, and takes as long for each group as a disk may: waiting
/// costs no CPU, but receipts gather into groups as they do in a real log.
struct Void(Duration);

impl Log for Void {
    fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
        Ok(LogStart {
            log_id: owner.new_log_id,
            head: None,
            open: Vec::new(),
            unclean: None,
            erasing: asqav_receipt::seq_set::SeqSet::default(),
        })
    }

    fn commit(&mut self, _batch: &[LogEntry], _durability: Durability) -> Result<(), LogError> {
        std::thread::sleep(self.0);
        Ok(())
    }

    fn maintain(&mut self, _now: Timestamp) -> Result<(), LogError> {
        Ok(())
    }

    fn close(&mut self, _clean: bool) -> Result<(), LogError> {
        Ok(())
    }
}

fn main() {
    let key = SigningKey::from_seed(&SEED);
    let message = vec![b'{'; 1_400];
    let raw: Vec<_> = (0..RUNS).map(|_| cpu_per(SIGNATURES, || drop(key.sign(&message)))).collect();
    let (at_once, gathering) = (gate(&SEED, Duration::ZERO), gate(&SEED, Duration::from_millis(1)));
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
    figure("the same, one caller that waits for each receipt", alone);
}

fn call(argument: &String) -> ToolCall {
    ToolCall::builder("query_account", "ledger:query").argument("q", argument).build()
}

fn gate(seed: &[u8; 32], group: Duration) -> Gate {
    let policy =
        "version = 1\nid = \"bench\"\n[[rule]]\nid = \"all\"\neffect = \"allow\"\ntools = [\"query_*\"]\n";
    let opened = (|| -> Result<Gate, Box<dyn std::error::Error>> {
        Ok(Gate::builder(AgentId::parse("agent")?, IssuerId::parse("issuer")?)
            .signer(Arc::new(Unsigned(SigningKey::from_seed(seed))))
            .policy(RulePolicy::new(Model::from_toml(policy)?))
            .log(Void(group))
            .open()?)
    })();
    match opened {
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

/// CPU time of all threads of this process so far.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
