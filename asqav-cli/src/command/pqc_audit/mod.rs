//! Logs of pqc-audit-log-fs, behind the commands that read logs.

mod info;
mod prove;
mod verify;

use std::path::{Path, PathBuf};

use asqav_log::pqc_audit_log_fs::{Kind, kind_of};
use asqav_receipt::verify::pqc_audit_log_fs::PinnedKey;

use crate::error::CliError;
use crate::input;

pub(crate) use info::run as info;
pub(crate) use prove::run as prove;
pub(crate) use verify::{run as verify, run_proof as verify_proof};

/// Whether the directory `path` holds such a log. One that holds a log of ours
/// besides is refused: whatever were said about it would be about half of it.
pub(crate) fn is_one(path: &Path) -> Result<bool, CliError> {
    // What is no directory has its own error where it is opened.
    if !path.is_dir() {
        return Ok(false);
    }
    match kind_of(path)? {
        Kind::Both => Err(CliError::TwoLogs(path.to_owned())),
        kind => Ok(kind == Kind::PqcAuditLogFs),
    }
}

/// The keys that the caller pins.
pub(crate) fn pinned_keys(paths: &[PathBuf]) -> Result<Vec<PinnedKey>, CliError> {
    let key = |path: &PathBuf| {
        PinnedKey::parse(&input::read(path)?).ok_or_else(|| CliError::NotA {
            path: path.clone(),
            expected: "a public key",
            why: "neither PEM nor DER nor hexadecimal digits nor base64 of an ML-DSA-65 or Ed25519 key"
                .to_owned(),
        })
    };
    paths.iter().map(key).collect()
}
