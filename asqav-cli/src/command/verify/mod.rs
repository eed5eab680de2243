//! `asqav verify`: a log directory or a single receipt, offline.

mod log;
mod receipt;

pub(crate) use log::write_report as write_log_report;

use std::path::{Path, PathBuf};

use asqav_log::keyfile::KEY_SET;
use asqav_receipt::verify::{Problem, ReasonCode};

use crate::args::Verify;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::escape;

/// Verifies what `path` is: a directory as a log, anything else as a receipt.
pub(crate) fn run(args: &Verify, output: &mut Output) -> Result<Exit, CliError> {
    if args.path.is_dir() { log::run(args, output) } else { receipt::run(args, output) }
}

/// Without pinned keys, says how to get a better verdict, and that keys found
/// beside the log are not the way.
fn hint_at_keys(args: &Verify, problems: &[Problem], output: &mut Output) -> Result<(), CliError> {
    let asked = problems.iter().any(|problem| problem.reason_code == ReasonCode::KeyNotPinned);
    if args.keys.is_some() || !asked {
        return Ok(());
    }
    output.hint("pin the issuer's keys with --keys JWKS to go beyond `unverifiable`")?;
    match keys_beside(&args.path) {
        Some(found) => output.hint(&format!(
            "{} lies beside it, which proves nothing: compare it with the issuer's own copy before pinning it",
            escape(&found.display().to_string())
        )),
        None => Ok(()),
    }
}

/// A key set in the directory, beside it, or beside the file.
fn keys_beside(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().map(|parent| parent.join(KEY_SET));
    [Some(path.join(KEY_SET)), parent].into_iter().flatten().find(|found| found.is_file())
}
