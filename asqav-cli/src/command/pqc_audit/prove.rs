//! `asqav prove` of an event in such a log.

use std::io::Write as _;
use std::path::Path;

use asqav_log::pqc_audit_log_fs::{AuditDir, ProveError};

use crate::error::{CliError, chain};
use crate::exit::Exit;
use crate::output::{Output, write_new};

/// Writes the proof that the event is in the log in the directory `path`.
pub(crate) fn run(
    path: &Path,
    event_id: &str,
    file: Option<&Path>,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let proof = AuditDir::open(path)?.prove(event_id).map_err(|error| match error {
        ProveError::Read(error) => CliError::Log(error),
        error => CliError::NoEventProof(chain(&error)),
    })?;
    match file {
        Some(path) => write_new(path, |to| Ok(to.write_all(&proof)?))?,
        None => {
            output.write_all(&proof)?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}
