//! A verified log, as far as its decisions go.

use std::ops::ControlFlow;
use std::path::Path;

use asqav_log::reader::LogReader;
use asqav_receipt::verify::{LogInputs, LogReport};

use crate::error::CliError;
use crate::input;
use crate::log;

/// Opens the log and verifies it; it may still be written to.
pub(super) fn open(log_dir: &Path, keys: &Path) -> Result<(LogReader, LogReport), CliError> {
    let keys = input::key_set(keys)?;
    let reader = LogReader::open(log_dir)?;
    let report = log::verify(&reader, LogInputs::new().keys(&keys).at(input::now()).allow_open(true))?;
    if report.verdict.failure_class().is_some() {
        let reason = report.reason_code.map_or("", |reason| reason.as_str());
        return Err(CliError::LogNotUsed { reason });
    }
    Ok((reader, report))
}

/// Gives every receipt of the log, on its own, to `each`; ends with what it
/// fails with.
pub(super) fn visit(
    log: &LogReader,
    mut each: impl FnMut(&[u8]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut end = Ok(());
    log.visit_receipts(|_, receipt| {
        end = each(&receipt.receipt);
        if end.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    end
}
