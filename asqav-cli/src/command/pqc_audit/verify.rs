//! `asqav verify` of such a log, and of a proof from one.

use std::io::Write as _;
use std::path::Path;

use asqav_log::pqc_audit_log_fs::AuditDir;
use asqav_receipt::digest::encode_hex;
use asqav_receipt::verify::pqc_audit_log_fs::{Inputs, NAME, Report, SegmentReport, verify_proof};

use super::pinned_keys;
use crate::args::Verify;
use crate::command::verify::{evaluation_time, refuse};
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::progress::Progress;
use crate::report::{exit_of, write_axes, write_checked, write_headline, write_not_checked, write_problems};
use crate::text::escape;

/// Verifies the log in the directory `path`.
pub(crate) fn run(args: &Verify, path: &Path, output: &mut Output) -> Result<Exit, CliError> {
    refuse_ours(args)?;
    let keys = pinned_keys(&args.key)?;
    let mut inputs = Inputs::new().keys(&keys).at(evaluation_time(args)).allow_open(args.open);
    inputs.root = args.root;
    let dir = AuditDir::open(path)?;
    let progress = Progress::new(dir.len());
    let report = dir.verify(inputs, &mut |done| progress.set(done));
    progress.finish();
    tell(output, &path.display().to_string(), &report?, keys.is_empty())
}

/// Verifies the proof `document`, read from `name`.
pub(crate) fn run_proof(
    args: &Verify,
    name: &str,
    document: &[u8],
    output: &mut Output,
) -> Result<Exit, CliError> {
    refuse_ours(args)?;
    refuse(args, "a proof", &[(args.open, "--open"), (args.root.is_some(), "--root")])?;
    let keys = pinned_keys(&args.key)?;
    let report = verify_proof(document, &Inputs::new().keys(&keys).at(evaluation_time(args)));
    tell(output, name, &report, keys.is_empty())
}

/// Refuses flags that are about our own formats.
fn refuse_ours(args: &Verify) -> Result<(), CliError> {
    if args.keys.is_some() {
        return Err(CliError::Usage(format!(
            "a log of {NAME} has no key set: pin its signer's key with --key"
        )));
    }
    let ours = [
        (args.predecessor.is_some(), "--predecessor"),
        (args.originating.is_some(), "--originating"),
        (args.nonces.is_some(), "--nonces"),
        (!args.tsa_key.is_empty(), "--tsa-key"),
        (args.bitcoin_headers.is_some(), "--bitcoin-headers"),
        (args.require_anchor, "--require-anchor"),
        (args.checkpoint.is_some(), "--checkpoint"),
        (!args.anchored.is_empty(), "--anchored"),
        (args.head.is_some(), "--head"),
    ];
    refuse(args, "a log of pqc-audit-log-fs", &ours)
}

fn tell(output: &mut Output, name: &str, report: &Report, unpinned: bool) -> Result<Exit, CliError> {
    if output.is_json() {
        output.object(&report.to_json())?;
        return Ok(exit_of(report.verdict));
    }
    write_headline(output, report.verdict, report.reason_code, &report.problems)?;
    let segments = report.segments.len();
    writeln!(
        output,
        "  log          {}: {} events in {segments} sealed segments",
        escape(name),
        report.events
    )?;
    writeln!(output, "  format       {NAME}")?;
    if let Some(log_id) = &report.log_id {
        writeln!(output, "  log id       {} (as the log says)", escape(log_id))?;
    }
    writeln!(output, "  signed by    {}", signed_by(&report.segments))?;
    if let Some(root) = report.newest_root() {
        writeln!(output, "  newest root  {}", encode_hex(&root))?;
    }
    write_checked(output, &report.axes)?;
    write_not_checked(output, &report.not_checked)?;
    write_problems(output, &report.problems, report.problems_omitted)?;
    write_axes(output, &report.axes)?;
    output.flush()?;
    if unpinned {
        output.hint("pin the signer's public key with --key FILE to go beyond `unverifiable`; the one in the log proves nothing")?;
    }
    Ok(exit_of(report.verdict))
}

/// Who signed, with what, and what it was called.
fn signed_by(segments: &[SegmentReport]) -> String {
    let Some(first) = segments.first() else { return "nobody".to_owned() };
    if !segments.iter().all(|segment| segment.pinned && segment.signature_valid) {
        return "not shown for every segment".to_owned();
    }
    if segments.iter().any(|segment| segment.signer_did != first.signer_did) {
        return "several pinned keys".to_owned();
    }
    let algorithm = first.algorithm.unwrap_or("unknown");
    let label = if first.labelled == algorithm {
        String::new()
    } else {
        format!(" (labelled {}: no post-quantum evidence)", escape(&first.labelled))
    };
    format!("pinned key {}, {algorithm}{label}", escape(&first.signer_did))
}
