//! `asqav demo`: a small log made by a real gate and policy, then verified.

mod record;
mod tamper;

use std::io::Write as _;
use std::path::Path;

use asqav_log::reader::LogReader;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::keys::KeySet;
use asqav_receipt::verify::{LogInputs, LogReport};

use super::verify::write_log_report;
use crate::args::Demo;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::log;
use crate::output::{Colour, Output};
use crate::report::exit_of;
use crate::summary;
use crate::text::escape;

/// Records, shows and verifies; with `--tamper` also a changed copy, whose
/// verdict is then the exit code.
pub(crate) fn run(args: &Demo, output: &mut Output) -> Result<Exit, CliError> {
    let temporary;
    let dir = match &args.dir {
        Some(dir) => dir.as_path(),
        None => {
            let failed = |source| CliError::Write { path: std::env::temp_dir(), source };
            temporary = tempfile::tempdir().map_err(failed)?;
            temporary.path()
        }
    };
    let recorded = record::record(dir)?;
    let log = LogReader::open(&recorded.log)?;
    let report = verify(&log, &recorded.keys)?;
    let tampered = if args.tamper { Some(tamper::tamper(dir, &recorded.log)?) } else { None };
    let second = match &tampered {
        Some(tampered) => Some(verify(&LogReader::open(&tampered.log)?, &recorded.keys)?),
        None => None,
    };
    if output.is_json() {
        output.object(&object(args, &report, tampered.as_ref(), second.as_ref()))?;
    } else {
        let kept = args.dir.as_deref();
        write_recorded(output, &recorded, &log, &report, kept)?;
        if let (Some(tampered), Some(second)) = (&tampered, &second) {
            writeln!(output, "\n{}\n", output.paint(Colour::Dim, &"─".repeat(72)))?;
            writeln!(output, "One byte of a copy was changed: {}.\n", escape(&tampered.what))?;
            write_log_report(output, "the copy", Some(&recorded.keys), second)?;
        }
        output.flush()?;
    }
    Ok(exit_of(second.map_or(report.verdict, |second| second.verdict)))
}

fn verify(log: &LogReader, keys: &KeySet) -> Result<LogReport, CliError> {
    Ok(log::verify(log, LogInputs::new().keys(keys).at(input::now()))?)
}

fn write_recorded(
    output: &mut Output,
    recorded: &record::Recorded,
    log: &LogReader,
    report: &LogReport,
    kept: Option<&Path>,
) -> Result<(), CliError> {
    writeln!(output, "What the agent tried, and what came back:\n")?;
    for line in &recorded.calls {
        writeln!(output, "  {}", escape(line))?;
    }
    writeln!(output, "\nWhat the log holds:\n")?;
    let mut table = summary::table();
    log::payloads(log)?.iter().for_each(|payload| table.push(summary::row(payload)));
    table.write(output, "  ")?;
    writeln!(output)?;
    write_log_report(output, "the demo's log", Some(&recorded.keys), report)?;
    match kept {
        Some(dir) => {
            let shown = escape(&dir.display().to_string());
            writeln!(
                output,
                "\n  again        asqav verify {shown}/audit-log --keys {shown}/keys.jwks.json"
            )?;
        }
        None => writeln!(output, "\n  It lay in a temporary directory; keep one with --dir DIR.")?,
    }
    Ok(())
}

fn object(
    args: &Demo,
    report: &LogReport,
    tampered: Option<&tamper::Tampered>,
    second: Option<&LogReport>,
) -> Json {
    let mut object = Object::new();
    let dir = args.dir.as_ref().map(|dir| Json::from(dir.display().to_string()));
    object.set("dir", dir.unwrap_or(Json::Null));
    object.set("verification", report.to_json());
    if let (Some(tampered), Some(second)) = (tampered, second) {
        object.set("changed", tampered.what.as_str());
        object.set("verification_of_changed_copy", second.to_json());
    }
    Json::Object(object)
}
