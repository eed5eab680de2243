//! Which commitments of a log can still be opened, and why the others cannot.

use std::io::Write as _;
use std::path::Path;

use asqav_log::ReadOrVault;
use asqav_log::reader::LogReader;
use asqav_log::vault::{Census, census};
use asqav_receipt::json::Json;

use crate::error::{CliError, chain};
use crate::output::Output;
use crate::text::escape;

/// What the vault beside a log says; no part of the log's verdict.
#[derive(Debug)]
pub(crate) enum Openings {
    /// It was read; whether there is a folder for it.
    Counted(Census, bool),
    /// It cannot be read.
    Unreadable(String),
}

impl Openings {
    /// Compares the log with its vault.
    pub(crate) fn of(log_dir: &Path, log: &LogReader) -> Result<Self, CliError> {
        match census(log_dir, log) {
            Ok(census) => Ok(Self::Counted(census, log.has_vault())),
            Err(ReadOrVault::Vault(error)) => Ok(Self::Unreadable(chain(&error))),
            Err(error) => Err(error.into()),
        }
    }

    /// The counts; `null` where there are none.
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Self::Counted(census, _) => census.to_json(),
            Self::Unreadable(_) => Json::Null,
        }
    }

    /// Writes what is not simply there.
    pub(crate) fn write(&self, output: &mut Output) -> Result<(), CliError> {
        let (census, has_folder) = match self {
            Self::Counted(census, has_folder) => (census, *has_folder),
            Self::Unreadable(why) => return Ok(writeln!(output, "  openings     {}", escape(why))?),
        };
        // An auditor's copy of a log has no vault, and misses nothing.
        let here = census.present;
        for (set, title, shown) in [
            (&census.erased, "erased, as erasure receipts say", true),
            (&census.erased_unrecorded, "ERASED without an erasure receipt", here),
            (&census.missing, "MISSING without an erasure receipt", here),
            (&census.not_destroyed, "NOT ERASED although an erasure receipt says so", here),
        ] {
            if shown && !set.is_empty() {
                writeln!(output, "  openings     {title}: receipts {set}")?;
            }
        }
        // Never kept, or lost all at once: what is here does not tell.
        if !here && has_folder && !census.missing.is_empty() {
            let count = census.missing.count();
            writeln!(
                output,
                "  openings     none are here: nothing opens the commitments of {count} receipts"
            )?;
        }
        Ok(output.flush()?)
    }
}
