//! What opening, appending, proving and verifying cost as a log grows.
//!
//! `cargo xtask bench-growth --receipts 10000000` makes a log of so many
//! receipts in batches (about 1.1 KB each) and prints, at 10,000 receipts, at
//! each tenfold of it and at the end: CPU time of one append around that size,
//! the time of opening the log, time and bytes read of one proof, by number and
//! by action id, time and peak memory of verifying all of it in a process of
//! its own. The last columns are ratios against 10,000 receipts. The log is
//! made below the target folder and removed.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod child;
mod room;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use asqav_core::log::Durability;
use asqav_core::sign::Signing;
use asqav_core::{Ending, Gate, ToolCall};
use asqav_log::FileLog;
use asqav_log::prove::{Wanted, prove};
use asqav_log::sink::FileSink;
use asqav_receipt::canonical;
use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::id::ActionId;
use asqav_receipt::proof::InclusionProof;
use asqav_receipt::receipt::parse_receipt;

use support::{Setup, cpu, micros};

const FIRST: u64 = 10_000;
/// Receipts that one measurement of appending takes.
const WINDOW: u64 = 10_000;
const PROOFS: u32 = 50;
/// What a proof is to stay below, whatever the log's size.
const PROOF_TIME: Duration = Duration::from_millis(2);
const PROOF_READS: u64 = 64 * 1_024;

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(dir) = child::asked_for() {
        return child::verify(Path::new(&dir));
    }
    let last: u64 = std::env::var("ASQAV_RECEIPTS").map_or(Ok(100_000), |count| count.parse())?;
    let dir = room::folder(last)?;
    let (log, checkpoint) = (dir.path().join("log"), dir.path().join("checkpoint.json"));
    let mut first = None;
    let mut size = FIRST;
    while size <= last {
        let row = Row::measure(&log, &checkpoint, size)?;
        let base = *first.get_or_insert(row);
        row.print(size, &base);
        size = if size < last { last.min(size * 10) } else { u64::MAX };
    }
    Ok(dir.close()?)
}

/// What proofs took: a mean, the slowest, the most bytes read by one.
#[derive(Clone, Copy, Default)]
struct Proving {
    mean: Duration,
    slowest: Duration,
    reads: u64,
}

/// The figures at one size.
#[derive(Clone, Copy)]
struct Row {
    append: Duration,
    open: Duration,
    by_seq: Proving,
    by_id: Proving,
    verify: child::Verified,
}

impl Row {
    /// Lets the log in `dir` grow to `size` and measures.
    fn measure(dir: &Path, checkpoint: &Path, size: u64) -> Result<Self, Box<dyn Error>> {
        let gate = open(dir, checkpoint)?;
        let there = gate.counters()?.submitted;
        append(&gate, size.saturating_sub(there + WINDOW))?;
        let appended = WINDOW.min(size - there);
        let before = cpu();
        append(&gate, appended)?;
        let append = (cpu() - before) / u32::try_from(appended)?;
        gate.shutdown().wait()?;
        let start = Instant::now();
        let gate = open(dir, checkpoint)?;
        let open = start.elapsed();
        gate.shutdown().wait()?;
        let (by_seq, by_id) = proving(dir, checkpoint, size)?;
        Ok(Self { append, open, by_seq, by_id, verify: child::run(dir)? })
    }

    fn print(&self, size: u64, base: &Self) {
        let ratio = |now: Duration, then: Duration| now.as_secs_f64() / then.as_secs_f64();
        println!("{size} receipts");
        println!(
            "  append    {:>12.1} µs CPU  {:>6.2} x",
            micros(self.append),
            ratio(self.append, base.append)
        );
        println!(
            "  open      {:>12.1} ms      {:>6.2} x",
            micros(self.open) / 1e3,
            ratio(self.open, base.open)
        );
        for (name, now, then) in [("prove", self.by_seq, base.by_seq), ("  by id", self.by_id, base.by_id)] {
            println!(
                "  {name:<9} {:>12.2} ms      {:>6.2} x   at most {:.2} ms and {} bytes read{}",
                micros(now.mean) / 1e3,
                ratio(now.mean, then.mean),
                micros(now.slowest) / 1e3,
                now.reads,
                if now.mean > PROOF_TIME || now.reads > PROOF_READS { ": OVER THE AIM" } else { "" }
            );
        }
        let child::Verified { receipts, took, peak } = self.verify;
        println!(
            "  verify    {:>12.1} s       {:>6.2} x a receipt   {} receipts, peak {:.1} MB",
            took.as_secs_f64(),
            ratio(took / u32::try_from(receipts).unwrap_or(u32::MAX), base.verify.each()),
            receipts,
            peak as f64 / 1e6,
        );
    }
}

fn open(dir: &Path, checkpoint: &Path) -> Result<Gate, Box<dyn Error>> {
    let setup =
        Setup { signing: Signing::Batched, durability: Durability::Queued, ..Setup::new(support::aws_lc()?) };
    setup.gate(FileLog::new(dir).checkpoint_sink(FileSink::new(checkpoint)))
}

/// Appends `count` receipts of calls that were not decided on.
fn append(gate: &Gate, count: u64) -> Result<(), Box<dyn Error>> {
    for number in 0..count {
        let call = ToolCall::builder("query_account", "ledger:query").argument("n", &number).build();
        let receipt = gate.observe(call, Ending::ok())?;
        // Nobody waits: the queue is kept short instead.
        if number % 1_024 == 0 {
            receipt.wait()?;
        }
    }
    Ok(gate.flush().wait()?)
}

/// What proofs of receipts from all of the log take, by number and by id.
fn proving(dir: &Path, checkpoint: &Path, size: u64) -> Result<(Proving, Proving), Box<dyn Error>> {
    let checkpoint = SignedCheckpoint::parse(&fs::read(checkpoint)?)?;
    let (mut by_seq, mut by_id) = (Proving::default(), Proving::default());
    for at in 0..PROOFS {
        let seq = 1 + u64::from(at) * (size - 1) / u64::from(PROOFS);
        let proof = by_seq.one(|| Ok(prove(dir, Wanted::Seq(seq), &checkpoint)?))?;
        let id = parse_receipt(&proof.receipt)?.0;
        let id = id.as_object().and_then(|payload| payload.get("action_id")?.as_str());
        let id = ActionId::parse(id.ok_or("no action id")?)?;
        let same = by_id.one(|| Ok(prove(dir, Wanted::Id(id), &checkpoint)?))?;
        if same != proof {
            return Err("two proofs of one receipt differ".into());
        }
    }
    for proving in [&mut by_seq, &mut by_id] {
        proving.mean /= PROOFS;
    }
    Ok((by_seq, by_id))
}

impl Proving {
    /// Adds what `make` takes, the proof's JSON text included.
    fn one(
        &mut self,
        make: impl FnOnce() -> Result<InclusionProof, Box<dyn Error>>,
    ) -> Result<InclusionProof, Box<dyn Error>> {
        let (before, start) = (bytes_read()?, Instant::now());
        let proof = make()?;
        drop(canonical::to_vec(&proof.to_json()));
        let took = start.elapsed();
        self.mean += took;
        self.slowest = self.slowest.max(took);
        self.reads = self.reads.max(bytes_read()? - before);
        Ok(proof)
    }
}

/// Bytes that this process has read from files, cached or not.
fn bytes_read() -> Result<u64, Box<dyn Error>> {
    let io = fs::read_to_string("/proc/self/io")?;
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")).ok_or("no rchar")?;
    Ok(read.parse()?)
}
