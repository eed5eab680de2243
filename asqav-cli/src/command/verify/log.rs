//! A log directory.

use std::io::Write as _;
use std::path::Path;

use asqav_log::reader::LogReader;
use asqav_receipt::anchor::Anchor;
use asqav_receipt::json::Json;
use asqav_receipt::keys::KeySet;
use asqav_receipt::payload::Link;
use asqav_receipt::verify::{Axis, AxisResult, LogInputs, LogReport, TimeBounds};

use super::{evaluation_time, hint_at_keys, refuse};
use crate::args::Verify;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::log;
use crate::openings::Openings;
use crate::output::Output;
use crate::report::{exit_of, write_axes, write_checked, write_headline, write_not_checked, write_problems};
use crate::text::escape;

/// Verifies the log in the directory `path`.
pub(super) fn run(args: &Verify, path: &Path, output: &mut Output) -> Result<Exit, CliError> {
    let receipts_only = [
        (args.predecessor.is_some(), "--predecessor"),
        (args.originating.is_some(), "--originating"),
        (args.nonces.is_some(), "--nonces"),
        // It judges the anchors of checkpoints.
        (!args.tsa_key.is_empty() && args.checkpoint.is_none() && args.anchored.is_empty(), "--tsa-key"),
        (args.bitcoin_headers.is_some(), "--bitcoin-headers"),
    ];
    refuse(args, "a log directory", &receipts_only)?;
    let dir = LogReader::open(path)?;
    let keys = args.keys.as_deref().map(input::key_set).transpose()?;
    let mut inputs =
        LogInputs::new().at(evaluation_time(args)).allow_open(args.open).require_anchor(args.require_anchor);
    if let Some(keys) = &keys {
        inputs = inputs.keys(keys);
    }
    let checkpoint = args.checkpoint.as_deref().map(input::checkpoint).transpose()?;
    inputs.checkpoint = checkpoint.as_ref();
    let (anchors, tsa_keys) = (anchors(args)?, input::tsa_keys(&args.tsa_key)?);
    inputs.anchors = &anchors;
    inputs.tsa_keys = tsa_keys.as_ref();
    if let Some(head) = &args.head {
        inputs = inputs.head(input::head(head)?);
    }
    let report = log::verify(&dir, inputs)?;
    let openings = Openings::of(path, &dir)?;
    if output.is_json() {
        let mut json = report.to_json();
        if let Json::Object(object) = &mut json {
            object.set("openings", openings.to_json());
        }
        output.object(&json)?;
        return Ok(exit_of(report.verdict));
    }
    write_report(output, &escape(&path.display().to_string()), keys.as_ref(), &report)?;
    openings.write(output)?;
    hint_at_keys(args, &report.problems, output)?;
    Ok(exit_of(report.verdict))
}

/// The anchors of all checkpoints that were given.
fn anchors(args: &Verify) -> Result<Vec<Anchor>, CliError> {
    let mut anchors = Vec::new();
    for path in args.checkpoint.iter().chain(&args.anchored) {
        anchors.extend(input::anchors(path)?);
    }
    Ok(anchors)
}

/// Writes the report in words; `path` is escaped already.
pub(crate) fn write_report(
    output: &mut Output,
    path: &str,
    keys: Option<&KeySet>,
    report: &LogReport,
) -> Result<(), CliError> {
    write_headline(output, report.verdict, report.reason_code, &report.problems)?;
    let LogReport { receipts, segments, unknown_outcomes, recoveries, open_decisions, .. } = report;
    writeln!(
        output,
        "  log          {path}: {}, {}",
        count(*receipts, "receipt"),
        count(*segments, "segment")
    )?;
    if let Some(agent) = &report.agent {
        writeln!(output, "  agent        {} (as the log says)", escape(agent.as_str()))?;
    }
    writeln!(output, "  signed by    {}", signed_by(keys, report))?;
    if let Some((seq, Link { sha256, .. })) = &report.head {
        writeln!(output, "  head         receipt {seq}, sha256 {}", sha256.to_hex())?;
    }
    write_bounds(output, &report.time)?;
    for (number, what) in [
        (unknown_outcomes, "outcomes not observed (unknown)"),
        (recoveries, "unclean stops"),
        (open_decisions, "decisions without an outcome yet"),
    ] {
        if *number > 0 {
            writeln!(output, "  note         {number} {what}")?;
        }
    }
    write_checked(output, &report.axes)?;
    write_not_checked(output, &report.not_checked)?;
    write_problems(output, &report.problems, report.problems_omitted)?;
    write_axes(output, &report.axes)?;
    Ok(output.flush()?)
}

/// Between which times the log was written, as far as authorities say.
fn write_bounds(output: &mut Output, bounds: &TimeBounds) -> Result<(), CliError> {
    if let Some((seq, at)) = bounds.not_later {
        writeln!(output, "  time         receipts 1 to {seq}: not later than {at}")?;
    }
    for (seq, at) in &bounds.not_earlier {
        writeln!(output, "  time         receipts from {seq} on: not earlier than {at}")?;
    }
    Ok(())
}

/// Who signed, as far as pinned keys tell.
fn signed_by(keys: Option<&KeySet>, report: &LogReport) -> String {
    let passed =
        |axis| report.axes.iter().any(|report| report.axis == axis && report.result == AxisResult::Pass);
    let Some(keys) = keys else { return "unknown: no key is pinned".to_owned() };
    if !passed(Axis::Signature) || !passed(Axis::IssuerKey) {
        return "not shown for every receipt".to_owned();
    }
    let shown = |text: &Option<String>| text.as_deref().map_or_else(|| "?".to_owned(), escape);
    match keys.entries() {
        [entry] => format!(
            "pinned key {} of issuer {}, agent {}",
            shown(&entry.kid),
            shown(&entry.issuer_id),
            shown(&entry.agent_id)
        ),
        entries => format!("keys among the {} pinned ones", entries.len()),
    }
}

/// `1 receipt`, `2 receipts`.
fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
