//! Whole calls through a gate, mode by mode, beside what they are made of.
//!
//! `cargo xtask bench` prints receipts per second, the CPU time of a receipt
//! (with its share of signatures and, *unsigned*, without) and the time a call
//! takes for 1, 16, 64 and 256 callers that each wait for their call: with a
//! signature for each receipt and with batches, by either backend, in memory, on
//! disk, on disk with a vault, there before they are signed (journaled), and on
//! disk behind a queue; from tasks and from threads; and with a signer that
//! answers after 20 ms, as a key service does. Then what the logs take on disk,
//! and how fast they are verified. Everything stands beside raw signatures, verifications and `fdatasync` of the
//! same run: machines are shared and noisy, so compare the ratios.
//!
//! A call has 500 bytes of arguments and of results, a policy with one rule,
//! and two receipts, one after the other. An observation has the same bytes, no
//! policy and one receipt: the time of that is the time of a receipt. Logs in
//! memory keep nothing.
//!
//! `-- batched "256 tasks"` measures only what has all these words in the first
//! four columns, or in the backend's name.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod raw;
mod run;
#[path = "../support/mod.rs"]
mod support;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use asqav_core::log::Durability;
use asqav_core::sign::Signing;
use asqav_log::FileLog;
use asqav_log::reader::{LogReader, verify_dir};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, Verdict};

use raw::Raw;
use run::{Callers, Figures, Work};
use support::{Setup, Void, micros};

const CALLERS: [Callers; 7] = [
    Callers::Tasks(1),
    Callers::Threads(1),
    Callers::Tasks(16),
    Callers::Threads(16),
    Callers::Tasks(64),
    Callers::Tasks(256),
    Callers::Threads(256),
];

/// As many signatures of one that is far away.
const REMOTE_SIGNATURES: u32 = 50;

fn main() -> Result<(), Box<dyn Error>> {
    // Whatever cargo adds begins with a hyphen.
    let wanted: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let raw = Raw::measure()?;
    println!("cores {}", raw.cores);
    println!("raw ML-DSA-65 verify            {:>9.1} µs mean", micros(raw.verify));
    println!("raw write and fdatasync         {:>9.1} µs mean", micros(raw.sync));
    let batched = |setup: Setup| Setup { signing: Signing::Batched, ..setup };
    let hashing = run::measure(
        Callers::Tasks(256),
        Work::Call,
        &batched(Setup::new(support::unsigned())),
        Void::default(),
    )?;
    println!(
        "hash-only bound                 {:>9.0} receipts/s (256 callers, nothing signed, nothing kept), {:.1} µs CPU each",
        hashing.rate,
        micros(hashing.cpu),
    );
    let remote = support::remote(Duration::from_millis(20));
    for (backend, signer) in
        [("ml-dsa", support::ml_dsa()), ("aws-lc", support::aws_lc()?), ("remote", remote)]
    {
        let signatures = if backend == "remote" { REMOTE_SIGNATURES } else { raw::SIGNATURES };
        let sign = raw::sign(&*signer, signatures);
        println!("\n{backend}: raw signature {sign}");
        if backend != "remote" {
            println!("{backend}: raw signature, then write and fdatasync {}", raw::sign_and_sync(&*signer)?);
        }
        println!("times are those of a whole call, both receipts, or of an observation, one receipt");
        println!(
            "{:<8} {:<8} {:>11} {:<12} {:>11} {:>9} {:>9} {:>8} {:>8} {:>9} {:>9} {:>9}",
            "signing",
            "log",
            "callers",
            "each makes",
            "receipts/s",
            "x hashing",
            "x signing",
            "µs CPU",
            "unsigned",
            "p50 µs",
            "p99 µs",
            "max µs"
        );
        let table =
            Table { cores: raw.cores, backend, sign: sign.mean, hashing: hashing.rate, wanted: &wanted };
        let each = Setup::new(signer);
        if backend == "remote" {
            table.remote(&batched(each), &raw)?;
            continue;
        }
        for setup in [each.clone(), batched(each)] {
            table.rows(&setup, &raw)?;
        }
    }
    Ok(())
}

/// What a table's figures stand beside.
struct Table<'a> {
    cores: f64,
    backend: &'static str,
    sign: Duration,
    hashing: f64,
    /// Words that a row has to have.
    wanted: &'a [String],
}

impl Table<'_> {
    fn rows(&self, setup: &Setup, raw: &Raw) -> Result<(), Box<dyn Error>> {
        for callers in CALLERS {
            self.row(setup, "memory", callers, Work::Call, raw)?;
            self.row(setup, "durable", callers, Work::Call, raw)?;
            self.row(setup, "vault", callers, Work::Call, raw)?;
            self.row(setup, "journaled", callers, Work::Call, raw)?;
            self.row(setup, "queued", callers, Work::Call, raw)?;
        }
        for callers in [Callers::Threads(1), Callers::Tasks(256)] {
            for log in ["memory", "durable", "vault"] {
                self.row(setup, log, callers, Work::Observation, raw)?;
            }
        }
        Ok(())
    }

    /// What waiting for a signature makes of a call, and what not waiting.
    fn remote(&self, setup: &Setup, raw: &Raw) -> Result<(), Box<dyn Error>> {
        for callers in [Callers::Tasks(1), Callers::Tasks(16), Callers::Tasks(256)] {
            self.row(setup, "vault", callers, Work::Call, raw)?;
            self.row(setup, "journaled", callers, Work::Call, raw)?;
        }
        Ok(())
    }

    /// Measures and prints one row, if it is wanted.
    fn row(
        &self,
        setup: &Setup,
        log: &str,
        callers: Callers,
        work: Work,
        raw: &Raw,
    ) -> Result<(), Box<dyn Error>> {
        let signing = if setup.signing == Signing::Batched { "batched" } else { "each" };
        let who = match callers {
            Callers::Tasks(count) => format!("{count} tasks"),
            Callers::Threads(count) => format!("{count} threads"),
        };
        let makes = if work == Work::Call { "calls" } else { "observations" };
        let row = format!("{signing:<8} {log:<8} {who:>11} {makes:<12}");
        let is_there = |word: &String| row.contains(word.as_str()) || *word == self.backend;
        if !self.wanted.iter().all(is_there) {
            return Ok(());
        }
        let dir = tempfile::tempdir()?;
        let figures = match log {
            "memory" => run::measure(callers, work, setup, Void::default())?,
            "vault" => {
                let log = FileLog::new(dir.path()).vault_key(support::vault_key());
                run::measure(callers, work, setup, log)?
            }
            "journaled" => {
                let setup = Setup { durability: Durability::Journaled, ..setup.clone() };
                let log = FileLog::new(dir.path()).vault_key(support::vault_key());
                run::measure(callers, work, &setup, log.journal_key(support::journal_key()))?
            }
            "queued" => {
                let setup = Setup { durability: Durability::Queued, ..setup.clone() };
                run::measure(callers, work, &setup, FileLog::new(dir.path()))?
            }
            _ => run::measure(callers, work, setup, FileLog::new(dir.path()))?,
        };
        self.print(&row, &figures);
        if (log, who.as_str(), work) == ("durable", "256 tasks", Work::Call) {
            read(dir.path(), raw)?;
        }
        Ok(())
    }

    fn print(&self, row: &str, figures: &Figures) {
        println!(
            "{row} {:>11.0} {:>9.2} {:>9.2} {:>8.1} {:>8.1} {:>9.0} {:>9.0} {:>9.0}",
            figures.rate,
            figures.rate / self.hashing,
            figures.rate * self.sign.as_secs_f64() / self.cores,
            micros(figures.cpu),
            micros(figures.unsigned_cpu),
            micros(figures.p50),
            micros(figures.p99),
            micros(figures.max),
        );
    }
}

/// What the log takes, and how long its verification.
fn read(dir: &Path, raw: &Raw) -> Result<(), Box<dyn Error>> {
    let bytes = LogReader::open(dir)?.len();
    let keys = support::pinned();
    let inputs = LogInputs::new().keys(&keys).at(Timestamp::MAX);
    let start = Instant::now();
    let report = verify_dir(dir, inputs, &mut |_| {})?;
    let took = start.elapsed();
    if report.verdict != Verdict::Verified {
        return Err(format!("the log is not verified: {:?}", report.reason_code).into());
    }
    let receipts = f64::from(u32::try_from(report.receipts)?);
    let rate = receipts / took.as_secs_f64();
    println!(
        "         {receipts} receipts, {:.0} bytes each; verified at {rate:.0}/s, {:.2} x cores x raw verify",
        f64::from(u32::try_from(bytes)?) / receipts,
        rate * raw.verify.as_secs_f64() / raw.cores,
    );
    Ok(())
}
