//! Whole calls through a gate, mode by mode, beside what they are made of.
//!
//! `cargo xtask bench` prints receipts per second and the time a call takes for
//! 1, 16 and 256 callers that each wait for their call, with a signature for
//! each receipt and with batches, in memory and on disk; then what the logs take
//! on disk, and how fast they are verified. Everything stands beside raw
//! signatures, verifications and `fdatasync` of the same run: machines are
//! shared and noisy, so compare the ratios.
//!
//! A call has 500 bytes of arguments and of results, a policy with one rule,
//! and two receipts. Logs in memory keep nothing.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod raw;
mod run;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use asqav_core::sign::Signing;
use asqav_log::FileLog;
use asqav_log::reader::{LogReader, verify_dir};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, Verdict};

use raw::Raw;
use run::{Figures, Void};

const CALLERS: [usize; 3] = [1, 16, 256];

fn main() -> Result<(), Box<dyn Error>> {
    let raw = Raw::measure()?;
    println!("cores {}", raw.cores);
    println!("raw ML-DSA-65 signature   {:>9.1} µs mean", micros(raw.sign));
    println!("raw ML-DSA-65 verify      {:>9.1} µs mean", micros(raw.verify));
    println!("raw write and fdatasync   {:>9.1} µs mean", micros(raw.sync));
    let hashing = run::measure(256, Signing::Batched, run::unsigned(), Void)?;
    println!(
        "hash-only bound           {:>9.0} receipts/s (256 callers, nothing signed, nothing kept)\n",
        hashing.rate
    );
    println!(
        "{:<8} {:<8} {:>7} {:>12} {:>10} {:>10} {:>9} {:>9} {:>9}",
        "signing", "log", "callers", "receipts/s", "x hashing", "x signing", "p50 µs", "p99 µs", "max µs"
    );
    for signing in [Signing::EachReceipt, Signing::Batched] {
        for callers in CALLERS {
            let memory = run::measure(callers, signing, run::signer(), Void)?;
            line(signing, "memory", callers, &memory, &raw, &hashing);
            let dir = tempfile::tempdir()?;
            let durable = run::measure(callers, signing, run::signer(), FileLog::new(dir.path()))?;
            line(signing, "durable", callers, &durable, &raw, &hashing);
            if callers == 256 {
                read(dir.path(), &raw)?;
            }
        }
    }
    Ok(())
}

fn line(signing: Signing, log: &str, callers: usize, figures: &Figures, raw: &Raw, hashing: &Figures) {
    let name = if signing == Signing::Batched { "batched" } else { "each" };
    let signing = figures.rate * raw.sign.as_secs_f64() / raw.cores;
    println!(
        "{name:<8} {log:<8} {callers:>7} {:>12.0} {:>10.2} {signing:>10.2} {:>9.0} {:>9.0} {:>9.0}",
        figures.rate,
        figures.rate / hashing.rate,
        micros(figures.p50),
        micros(figures.p99),
        micros(figures.max),
    );
}

/// What the log takes, and how long its verification.
fn read(dir: &Path, raw: &Raw) -> Result<(), Box<dyn Error>> {
    let bytes = LogReader::open(dir)?.len();
    let keys = run::pinned();
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

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
