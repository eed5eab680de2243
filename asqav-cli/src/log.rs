//! A log directory, read and verified.

use std::ops::ControlFlow;

use asqav_log::reader::{LogReader, ReadError};
use asqav_receipt::json::Json;
use asqav_receipt::receipt::parse_line;
use asqav_receipt::verify::{LogInputs, LogReport};

use crate::progress::Progress;

/// Verifies the whole log, with a progress bar if that takes a while.
pub(crate) fn verify(log: &LogReader, inputs: LogInputs<'_>) -> Result<LogReport, ReadError> {
    let progress = Progress::new(log.len());
    let report = log.verify(inputs, &mut |done| progress.set(done));
    progress.finish();
    report
}

/// The payload of every complete line; `null` where there is none.
pub(crate) fn payloads(log: &LogReader) -> Result<Vec<Json>, ReadError> {
    let mut payloads = Vec::new();
    log.visit(|_, piece| {
        if piece.complete {
            payloads.push(payload(piece.bytes));
        }
        ControlFlow::Continue(())
    })?;
    Ok(payloads)
}

/// The payload of a line; `null` where there is none.
pub(crate) fn payload(line: &[u8]) -> Json {
    parse_line(line).map_or(Json::Null, |(payload, _)| payload)
}
