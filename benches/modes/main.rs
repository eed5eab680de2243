//! Whole calls through a gate, mode by mode, beside what they are made of.
//!
//! `cargo xtask bench` prints receipts per second, the CPU time of a receipt and
//! the time a call takes for 1, 16 and 256 callers that each wait for their call:
//! with a signature for each receipt and with batches, by either backend, in
//! memory, on disk, and on disk behind a queue; from tasks and from threads.
//! Then what the logs take on disk, and how fast they are verified. Everything
//! stands beside raw signatures, verifications and `fdatasync` of the same run:
//! machines are shared and noisy, so compare the ratios.
//!
//! A call has 500 bytes of arguments and of results, a policy with one rule,
//! and two receipts. Logs in memory keep nothing.

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
use run::{Callers, Figures};
use support::{Setup, Void, micros};

const CALLERS: [Callers; 5] =
    [Callers::Tasks(1), Callers::Threads(1), Callers::Tasks(16), Callers::Threads(16), Callers::Tasks(256)];

fn main() -> Result<(), Box<dyn Error>> {
    let raw = Raw::measure()?;
    println!("cores {}", raw.cores);
    println!("raw ML-DSA-65 verify            {:>9.1} µs mean", micros(raw.verify));
    println!("raw write and fdatasync         {:>9.1} µs mean", micros(raw.sync));
    let batched = |setup: Setup| Setup { signing: Signing::Batched, ..setup };
    let hashing =
        run::measure(Callers::Tasks(256), &batched(Setup::new(support::unsigned())), Void::default())?;
    println!(
        "hash-only bound                 {:>9.0} receipts/s (256 callers, nothing signed, nothing kept), {:.1} µs CPU each",
        hashing.rate,
        micros(hashing.cpu),
    );
    for (backend, signer) in [("ml-dsa", support::ml_dsa()), ("aws-lc", support::aws_lc()?)] {
        let (sign, median) = raw::sign(&*signer);
        println!("\n{backend}: raw signature {:.1} µs mean, {:.1} µs median", micros(sign), micros(median));
        println!(
            "{:<8} {:<8} {:>11} {:>11} {:>9} {:>9} {:>8} {:>9} {:>9} {:>9}",
            "signing",
            "log",
            "callers",
            "receipts/s",
            "x hashing",
            "x signing",
            "µs CPU",
            "p50 µs",
            "p99 µs",
            "max µs"
        );
        let table = Table { cores: raw.cores, sign, hashing: hashing.rate };
        let each = Setup::new(signer);
        for setup in [each.clone(), batched(each)] {
            table.rows(&setup, &raw)?;
        }
    }
    Ok(())
}

/// What a table's figures stand beside.
struct Table {
    cores: f64,
    sign: Duration,
    hashing: f64,
}

impl Table {
    fn rows(&self, setup: &Setup, raw: &Raw) -> Result<(), Box<dyn Error>> {
        for callers in CALLERS {
            self.line(setup, "memory", callers, &run::measure(callers, setup, Void::default())?);
            let dir = tempfile::tempdir()?;
            let durable = run::measure(callers, setup, FileLog::new(dir.path()))?;
            self.line(setup, "durable", callers, &durable);
            if let Callers::Tasks(256) = callers {
                read(dir.path(), raw)?;
            }
            let dir = tempfile::tempdir()?;
            let queued = Setup { durability: Durability::Queued, ..setup.clone() };
            self.line(setup, "queued", callers, &run::measure(callers, &queued, FileLog::new(dir.path()))?);
        }
        Ok(())
    }

    fn line(&self, setup: &Setup, log: &str, callers: Callers, figures: &Figures) {
        let name = if setup.signing == Signing::Batched { "batched" } else { "each" };
        let who = match callers {
            Callers::Tasks(count) => format!("{count} tasks"),
            Callers::Threads(count) => format!("{count} threads"),
        };
        println!(
            "{name:<8} {log:<8} {who:>11} {:>11.0} {:>9.2} {:>9.2} {:>8.1} {:>9.0} {:>9.0} {:>9.0}",
            figures.rate,
            figures.rate / self.hashing,
            figures.rate * self.sign.as_secs_f64() / self.cores,
            micros(figures.cpu),
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
