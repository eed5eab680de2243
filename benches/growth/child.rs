//! Verification in a process of its own, so that its memory can be told.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use asqav_log::reader::verify_dir;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, Verdict};

const ASKED: &str = "ASQAV_VERIFY";

/// What the verification of a log took.
#[derive(Clone, Copy)]
pub(crate) struct Verified {
    pub(crate) receipts: u64,
    pub(crate) took: Duration,
    /// Bytes.
    pub(crate) peak: u64,
}

impl Verified {
    /// Time for one receipt.
    pub(crate) fn each(&self) -> Duration {
        self.took / u32::try_from(self.receipts).unwrap_or(u32::MAX)
    }
}

/// The log that this process is to verify, if that is what it is for.
pub(crate) fn asked_for() -> Option<OsString> {
    std::env::var_os(ASKED)
}

/// Verifies the log in `dir` in a new process.
pub(crate) fn run(dir: &Path) -> Result<Verified, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).env(ASKED, dir).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<u64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [receipts, micros, peak] = numbers[..] else { return Err(text.into()) };
    Ok(Verified { receipts, took: Duration::from_micros(micros), peak })
}

/// What the new process does: prints receipts, microseconds and peak memory.
pub(crate) fn verify(dir: &Path) -> Result<(), Box<dyn Error>> {
    let keys = crate::support::pinned();
    let start = Instant::now();
    let report = verify_dir(dir, LogInputs::new().keys(&keys).at(Timestamp::MAX), &mut |_| {})?;
    let took = start.elapsed();
    if report.verdict != Verdict::Verified {
        return Err(format!("the log is not verified: {:?}", report.reason_code).into());
    }
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    println!("{} {} {}", report.receipts, took.as_micros(), kib * 1_024);
    Ok(())
}
