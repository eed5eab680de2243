//! Changes one byte in a copy of a log.

use std::fs;
use std::path::{Path, PathBuf};

use asqav_log::names::{header_name, segment_name};

use crate::error::CliError;

/// A changed copy.
pub(super) struct Tampered {
    /// Its directory.
    pub(super) log: PathBuf,
    /// What was changed, in words.
    pub(super) what: String,
}

/// What an attacker would like to be otherwise: the denial.
const DENIED: &[u8] = br#""decision":"deny""#;

/// Copies the first segment of `log` and its header to `dir/tampered-log` and
/// flips the lowest bit of the first letter of the first denial there.
pub(super) fn tamper(dir: &Path, log: &Path) -> Result<Tampered, CliError> {
    let copy = dir.join("tampered-log");
    let write = |path: &Path, source| CliError::Write { path: path.to_owned(), source };
    fs::create_dir(&copy).map_err(|source| write(&copy, source))?;
    let (segment, header) = (segment_name(1), header_name(1));
    let mut bytes = read(&log.join(&segment))?;
    let at = bytes.windows(DENIED.len()).position(|window| window == DENIED);
    // The letter behind `"decision":"`.
    let at = at.map(|start| start + DENIED.len() - 5);
    let Some((at, byte)) = at.and_then(|at| bytes.get_mut(at).map(|byte| (at, byte))) else {
        return Err(CliError::Demo("the log holds no denial to change".to_owned()));
    };
    let before = *byte;
    *byte ^= 1;
    let what = format!(
        "byte {at} of {segment}, from `{}` to `{}` in the decision of a denial",
        char::from(before),
        char::from(*byte)
    );
    for (name, bytes) in [(&segment, bytes), (&header, read(&log.join(&header))?)] {
        let path = copy.join(name);
        fs::write(&path, bytes).map_err(|source| write(&path, source))?;
    }
    Ok(Tampered { log: copy, what })
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|source| CliError::Read { path: path.to_owned(), source })
}
