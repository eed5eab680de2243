//! Where the log is made, and whether there is room for it.

use std::error::Error;
use std::path::Path;

use tempfile::TempDir;

/// A receipt in a batch with all that is kept of it: line, header's part, tree.
const BYTES_EACH: u64 = 1_150;
/// What has to stay free besides.
const SPARE: u64 = 1 << 30;
/// Receipts that are appended and verified in a minute on two cores, about.
const A_MINUTE: u64 = 300_000;

/// A folder for a log of `receipts` below the target folder, which is removed
/// with what it holds. Says what it takes before anything is written.
pub(crate) fn folder(receipts: u64) -> Result<TempDir, Box<dyn Error>> {
    // Made by cargo, on the disk that the build is on; temporary folders are
    // often in memory.
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let needed = receipts.saturating_mul(BYTES_EACH);
    let disk = rustix::fs::statvfs(parent)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let minutes = 1 + receipts / A_MINUTE;
    println!(
        "{receipts} receipts need about {} on disk ({} are free) and {minutes} minutes",
        gigabytes(needed),
        gigabytes(free)
    );
    if free < needed.saturating_add(SPARE) {
        let short = gigabytes(needed.saturating_add(SPARE) - free);
        return Err(
            format!("{short} more have to be free in {}: nothing was written", parent.display()).into()
        );
    }
    Ok(tempfile::Builder::new().prefix("growth-").tempdir_in(parent)?)
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.2} GB", bytes as f64 / 1e9)
}
