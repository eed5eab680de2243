//! Receipts that are presented together.

use std::collections::BTreeSet;
use std::io::Write as _;

use asqav_receipt::verify::{Axis, AxisResult, ReceiptInputs, Report, RunReport, Verdict, verify_run};

use super::sources::Source;
use super::{evaluation_time, hint_at_keys, nonces, refuse};
use crate::args::Verify;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::Output;
use crate::report::{
    exit_of, verdict_word, write_axes, write_checked, write_headline, write_not_checked, write_problems,
};
use crate::table::Table;
use crate::text::escape;

/// Verifies the receipts.
pub(super) fn run(args: &Verify, sources: &[Source], output: &mut Output) -> Result<Exit, CliError> {
    let single =
        [(args.predecessor.is_some(), "--predecessor"), (args.originating.is_some(), "--originating")];
    refuse(args, "several receipts", &single)?;
    let keys = args.keys.as_deref().map(input::key_set).transpose()?;
    let (tsa_keys, block_headers) =
        (input::tsa_keys(&args.tsa_key)?, input::block_headers(args.bitcoin_headers.as_deref())?);
    let index = args.nonces.as_deref().map(nonces::read).transpose()?;
    let mut inputs = ReceiptInputs::new().at(evaluation_time(args)).require_anchor(args.require_anchor);
    inputs.keys = keys.as_ref();
    inputs.nonces = index.as_ref();
    inputs.tsa_keys = tsa_keys.as_ref();
    inputs.block_headers = block_headers.as_ref();
    let report = verify_run(sources, &inputs);
    if let (Some(path), Some(index)) = (&args.nonces, index) {
        nonces::add(path, index, &report.reports)?;
    }
    if output.is_json() {
        let names: Vec<_> = sources.iter().map(|source| source.name.clone()).collect();
        output.object(&report.to_json(&names))?;
        return Ok(exit_of(report.verdict));
    }
    write_report(output, sources, &report)?;
    let problems: Vec<_> = report.reports.iter().flat_map(|report| report.problems.clone()).collect();
    hint_at_keys(args, &problems, output)?;
    Ok(exit_of(report.verdict))
}

fn write_report(output: &mut Output, sources: &[Source], report: &RunReport) -> Result<(), CliError> {
    let single = report.reports.iter().flat_map(|report| &report.problems);
    let problems: Vec<_> = report.problems.iter().chain(single).cloned().collect();
    write_headline(output, report.verdict, report.reason_code, &problems)?;
    let verified = |verdict: Verdict| verdict.failure_class().is_none();
    let good = report.reports.iter().filter(|report| verified(report.verdict)).count();
    writeln!(output, "  receipts     {}, of which {good} verified", report.reports.len())?;
    writeln!(output, "  signed by    {}", signed_by(&report.reports))?;
    write_checked(output, &report.axes)?;
    write_not_checked(output, &report.not_checked)?;
    write_problems(output, &report.problems, 0)?;
    writeln!(output)?;
    let mut table = Table::new(["verdict", "why", "seq", "receipt", "file"]);
    for (source, report) in sources.iter().zip(&report.reports) {
        table.push(row(source, report));
    }
    table.write(output, "  ")?;
    write_axes(output, &report.axes)?;
    Ok(output.flush()?)
}

fn row(source: &Source, report: &Report) -> [String; 5] {
    let reason = report.reason_code.map_or_else(String::new, |reason| reason.to_string());
    let seq = report.subject.seq.map_or_else(String::new, |seq| seq.to_string());
    let id = report.subject.action_id.as_deref().map_or_else(String::new, escape);
    [verdict_word(report.verdict).to_owned(), reason, seq, id, escape(&source.name)]
}

/// The pinned keys whose signatures hold.
fn signed_by(reports: &[Report]) -> String {
    let signed =
        |report: &&Report| report.axis(Axis::Signature).is_some_and(|axis| axis.result == AxisResult::Pass);
    let keys: BTreeSet<_> =
        reports.iter().filter(signed).filter_map(|report| report.subject.pinned_kid.as_deref()).collect();
    let names: Vec<_> = keys.into_iter().map(escape).collect();
    match (names.as_slice(), reports.iter().filter(signed).count()) {
        ([], _) => "unknown: no signature by a pinned key holds".to_owned(),
        ([one], signed) => format!("pinned key {one} ({signed} of {})", reports.len()),
        (names, signed) => format!("pinned keys {} ({signed} of {})", names.join(", "), reports.len()),
    }
}
