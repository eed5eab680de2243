//! A single receipt.

use std::io::Write as _;

use asqav_receipt::json::Json;
use asqav_receipt::verify::{
    DisclosedText, ReceiptInputs, Report, SubjectFacts, lenient_reading, verify_receipt,
};

use super::sources::Source;
use super::{evaluation_time, hint_at_keys, nonces};
use crate::args::Verify;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Colour, Output};
use crate::report::{exit_of, write_axes, write_checked, write_headline, write_not_checked};
use crate::text::escape;

/// Verifies one receipt.
pub(super) fn run(args: &Verify, source: &Source, output: &mut Output) -> Result<Exit, CliError> {
    let keys = args.keys.as_deref().map(input::key_set).transpose()?;
    let (tsa_keys, block_headers) =
        (input::tsa_keys(&args.tsa_key)?, input::block_headers(args.bitcoin_headers.as_deref())?);
    let predecessor = args.predecessor.as_deref().map(input::read).transpose()?;
    let originating = args.originating.as_deref().map(input::read).transpose()?;
    let index = args.nonces.as_deref().map(nonces::read).transpose()?;
    let mut inputs = ReceiptInputs::new().at(evaluation_time(args)).require_anchor(args.require_anchor);
    inputs.keys = keys.as_ref();
    inputs.predecessor = predecessor.as_deref();
    inputs.originating = originating.as_deref();
    inputs.nonces = index.as_ref();
    inputs.tsa_keys = tsa_keys.as_ref();
    inputs.block_headers = block_headers.as_ref();
    let report = verify_receipt(&source.bytes, &inputs);
    let lenient = lenient_reading(&source.bytes, &inputs);
    if let (Some(path), Some(index)) = (&args.nonces, index) {
        nonces::add(path, index, std::slice::from_ref(&report))?;
    }
    if output.is_json() {
        output.object(&object(&report, lenient.as_ref()))?;
        return Ok(exit_of(report.verdict));
    }
    write_report(output, &source.name, &report)?;
    if let Some(lenient) = &lenient {
        writeln!(output, "\n  as read by software that keeps the last of two members of one name:")?;
        write_axes(output, &lenient.axes)?;
        output.flush()?;
    }
    hint_at_keys(args, &report.problems, output)?;
    Ok(exit_of(report.verdict))
}

fn object(report: &Report, lenient: Option<&Report>) -> Json {
    let mut json = report.to_json();
    if let (Json::Object(object), Some(Json::Object(lenient))) = (&mut json, lenient.map(Report::to_json)) {
        let axes = lenient.get("axes").cloned();
        object.set("lenient_axes", axes.unwrap_or(Json::Null));
    }
    json
}

fn write_report(output: &mut Output, name: &str, report: &Report) -> Result<(), CliError> {
    write_headline(output, report.verdict, report.reason_code, &report.problems)?;
    if report.proves_fraud() {
        let word = output.paint(Colour::Red, "FRAUD");
        writeln!(
            output,
            "{word}  the proof holds: one signer signed both, and they contradict each other\n"
        )?;
    }
    let SubjectFacts { format, seq, action_id, issuer_id, kid, alg, pinned_kid, .. } = &report.subject;
    let shown = |text: &Option<String>| text.as_deref().map_or_else(|| "(not stated)".to_owned(), escape);
    let number = seq.map_or_else(String::new, |seq| format!(", number {seq}"));
    writeln!(output, "  receipt      {}{number}", shown(action_id))?;
    writeln!(output, "  file         {}", escape(name))?;
    writeln!(output, "  format       {format}")?;
    writeln!(output, "  issuer       {} (as the receipt says)", shown(issuer_id))?;
    match pinned_kid {
        Some(pinned) => writeln!(output, "  signed by    pinned key {} ({})", escape(pinned), shown(alg))?,
        None => writeln!(output, "  signed by    unknown: key {} is not pinned", shown(kid))?,
    }
    write_disclosed(output, report)?;
    write_checked(output, &report.axes)?;
    write_not_checked(output, &report.not_checked)?;
    write_axes(output, &report.axes)?;
    Ok(output.flush()?)
}

/// The values that a disclosure opens.
fn write_disclosed(output: &mut Output, report: &Report) -> Result<(), CliError> {
    for DisclosedText { pointer, value, .. } in &report.disclosed {
        writeln!(output, "  opened       {} = {}", escape(pointer), escape(value))?;
    }
    Ok(())
}
