//! `asqav verify`: a log directory or receipts, offline.

mod log;
mod nonces;
mod receipt;
mod run;
mod sources;

pub(crate) use log::write_report as write_log_report;

use std::fs;
use std::path::{Path, PathBuf};

use asqav_log::keyfile::KEY_SET;
use asqav_log::names::FileKind;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::pqc_audit_log_fs::is_proof;
use asqav_receipt::verify::{Problem, ReasonCode};

use crate::args::Verify;
use crate::command::pqc_audit;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::Output;
use crate::text::escape;

/// Verifies what the paths are: one log directory, or receipts.
pub(crate) fn run(args: &Verify, output: &mut Output) -> Result<Exit, CliError> {
    let dirs = args.paths.iter().filter(|path| path.is_dir() && !args.receipts);
    let logs: Vec<_> = dirs.collect();
    match (logs.as_slice(), args.paths.as_slice()) {
        ([], paths) => {
            let logs_only = [
                (args.open, "--open"),
                (args.head.is_some(), "--head"),
                (args.checkpoint.is_some(), "--checkpoint"),
                (!args.anchored.is_empty(), "--anchored"),
            ];
            refuse(args, "receipts", &logs_only)?;
            match <[_; 1]>::try_from(sources::read(paths)?) {
                Ok([source]) if is_proof(&source.bytes) => {
                    pqc_audit::verify_proof(args, &source.name, &source.bytes, output)
                }
                Ok([source]) => refuse_foreign(args).and_then(|()| receipt::run(args, &source, output)),
                Err(sources) => refuse_foreign(args).and_then(|()| run::run(args, &sources, output)),
            }
        }
        ([dir], [_]) if pqc_audit::is_one(dir)? => pqc_audit::verify(args, dir, output),
        ([dir], [_]) if is_of_receipts(dir) => Err(CliError::Usage(format!(
            "`{}` holds no log, but files that may be receipts: --receipts verifies them one by one",
            dir.display()
        ))),
        ([log], [_]) => refuse_foreign(args).and_then(|()| log::run(args, log, output)),
        _ => Err(CliError::Usage("a log directory is verified alone: give no other path, or --receipts for directories of receipts".to_owned())),
    }
}

/// Whether a directory holds files that may be receipts, and none that only
/// logs have.
fn is_of_receipts(dir: &Path) -> bool {
    let names = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let names: Vec<_> = names.filter_map(|name| name.into_string().ok()).collect();
    names.iter().all(|name| FileKind::of(name) == FileKind::Stray)
        && names.iter().any(|name| sources::is_receipt_name(name))
}

/// Refuses flags that only logs of other software have a use for.
fn refuse_foreign(args: &Verify) -> Result<(), CliError> {
    refuse(args, "asqav's own formats", &[(!args.key.is_empty(), "--key"), (args.root.is_some(), "--root")])
}

/// Refuses flags that say nothing about `what`.
pub(super) fn refuse(args: &Verify, what: &str, flags: &[(bool, &str)]) -> Result<(), CliError> {
    let alone = if args.paths.len() == 1 && what == "receipts" { "a receipt" } else { what };
    match flags.iter().find(|(given, _)| *given) {
        Some((_, flag)) => Err(CliError::Usage(format!("{flag} is not for {alone}"))),
        None => Ok(()),
    }
}

/// The time to judge by: the caller's, else the clock's.
pub(super) fn evaluation_time(args: &Verify) -> Timestamp {
    args.at.unwrap_or_else(input::now)
}

/// Without pinned keys, says how to get a better verdict, and that keys found
/// beside the log are not the way.
fn hint_at_keys(args: &Verify, problems: &[Problem], output: &mut Output) -> Result<(), CliError> {
    let asked = problems.iter().any(|problem| problem.reason_code == ReasonCode::KeyNotPinned);
    if args.keys.is_some() || !asked {
        return Ok(());
    }
    output.hint("pin the issuer's keys with --keys JWKS to go beyond `unverifiable`")?;
    match args.paths.iter().find_map(|path| keys_beside(path)) {
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
