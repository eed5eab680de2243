//! A single receipt.

use std::io::Write as _;
use std::path::Path;

use asqav_receipt::verify::{ReceiptInputs, Report, SubjectFacts, verify_receipt};

use super::hint_at_keys;
use crate::args::Verify;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::Output;
use crate::report::{exit_of, write_axes, write_checked, write_headline, write_not_checked};
use crate::text::escape;

/// Verifies the receipt that `args.path` holds.
pub(super) fn run(args: &Verify, output: &mut Output) -> Result<Exit, CliError> {
    for (given, flag) in [(args.open, "--open"), (args.head.is_some(), "--head")] {
        if given {
            return Err(CliError::Usage(format!("{flag} is for log directories, not for a single receipt")));
        }
    }
    let envelope = input::read(&args.path)?;
    let keys = args.keys.as_deref().map(input::key_set).transpose()?;
    let predecessor = args.predecessor.as_deref().map(input::read).transpose()?;

    let mut inputs = ReceiptInputs::new().at(input::now()).require_anchor(args.require_anchor);
    if let Some(keys) = &keys {
        inputs = inputs.keys(keys);
    }
    if let Some(predecessor) = &predecessor {
        inputs = inputs.predecessor(predecessor);
    }
    let report = verify_receipt(&envelope, &inputs);
    if output.is_json() {
        output.object(&report.to_json())?;
        return Ok(exit_of(report.verdict));
    }
    write_report(output, &args.path, &report)?;
    hint_at_keys(args, &report.problems, output)?;
    Ok(exit_of(report.verdict))
}

fn write_report(output: &mut Output, path: &Path, report: &Report) -> Result<(), CliError> {
    write_headline(output, report.verdict, report.reason_code, &report.problems)?;
    let SubjectFacts { format, seq, action_id, issuer_id, kid, alg, pinned_kid, .. } = &report.subject;
    let shown = |text: &Option<String>| text.as_deref().map_or_else(|| "(not stated)".to_owned(), escape);
    let number = seq.map_or_else(String::new, |seq| format!(", number {seq}"));
    writeln!(output, "  receipt      {}{number}", shown(action_id))?;
    writeln!(output, "  file         {}", escape(&path.display().to_string()))?;
    writeln!(output, "  format       {format}")?;
    writeln!(output, "  issuer       {} (as the receipt says)", shown(issuer_id))?;
    match pinned_kid {
        Some(pinned) => writeln!(output, "  signed by    pinned key {} ({})", escape(pinned), shown(alg))?,
        None => writeln!(output, "  signed by    unknown: key {} is not pinned", shown(kid))?,
    }
    write_checked(output, &report.axes)?;
    write_not_checked(output, &report.not_checked)?;
    write_axes(output, &report.axes)?;
    Ok(output.flush()?)
}
