//! `asqav log`: the receipts of a log that are asked for, as they say
//! themselves.

mod quick;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use asqav_log::follow::Follow;
use asqav_log::reader::LogReader;
use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;

use crate::args::{LogFormat, LogQuery};
use crate::error::CliError;
use crate::exit::Exit;
use crate::log::payload;
use crate::output::Output;
use crate::summary;
use crate::table::Rows;
use crate::text::{escape, escape_json};

use quick::Quick;

/// How often a log that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Prints what matches, in the log's order.
pub(crate) fn run(args: &LogQuery, output: &mut Output) -> Result<Exit, CliError> {
    if args.follow {
        return follow(args, output);
    }
    let log = LogReader::open(&args.log_dir)?;
    match (output.is_json(), args.format) {
        (true, LogFormat::Table) => {
            let mut receipts = Vec::new();
            visit(&log, args, |payload| {
                receipts.push(payload);
                Ok(())
            })?;
            let mut object = Object::new();
            object.set("receipts", Json::Array(receipts));
            output.object(&Json::Object(object))?;
        }
        (true, _) => {
            return Err(CliError::Usage("--json is one object, --format is several lines".to_owned()));
        }
        (false, LogFormat::Table) => {
            let mut table = summary::table();
            visit(&log, args, |payload| {
                table.push(summary::row(&payload));
                Ok(())
            })?;
            table.write(output, "")?;
            writeln!(output, "\nAs the receipts say themselves; `asqav verify` tells whether it is true.")?;
        }
        (false, LogFormat::Jsonl) => visit(&log, args, |payload| write_json(output, &payload))?,
        (false, LogFormat::Csv) => {
            writeln!(output, "{}", COLUMNS.join(","))?;
            visit(&log, args, |payload| write_csv(output, &payload))?;
        }
    }
    output.flush()?;
    Ok(Exit::Done)
}

/// Prints what matches and what is still to come, until nobody reads it.
fn follow(args: &LogQuery, output: &mut Output) -> Result<Exit, CliError> {
    if output.is_json() {
        return Err(CliError::Usage("--json is one object, --follow has no end: --format jsonl".to_owned()));
    }
    let mut log = Follow::new(&args.log_dir)?;
    let mut rows = match args.format {
        LogFormat::Table => Some(Rows::begin(&summary::table(), output)?),
        LogFormat::Csv => {
            writeln!(output, "{}", COLUMNS.join(","))?;
            None
        }
        LogFormat::Jsonl => None,
    };
    let quick = Quick::new(args);
    while !output.is_closed() {
        let Some(line) = log.next_line()? else {
            output.flush()?;
            thread::sleep(LOOK_EVERY);
            continue;
        };
        if !quick.may_match(&line) {
            continue;
        }
        let payload = payload(&line);
        if !payload.as_object().is_some_and(|payload| is_wanted(args, payload)) {
            continue;
        }
        match (&mut rows, args.format) {
            (Some(rows), _) => rows.write(output, summary::row(&payload))?,
            (None, LogFormat::Csv) => write_csv(output, &payload)?,
            (None, _) => write_json(output, &payload)?,
        }
    }
    Ok(Exit::Done)
}

fn write_json(out: &mut dyn Write, payload: &Json) -> io::Result<()> {
    let line = canonical::to_vec(payload);
    writeln!(out, "{}", escape_json(&String::from_utf8_lossy(&line)))
}

/// Gives each payload that is asked for; ends with what `each` fails with.
fn visit(
    log: &LogReader,
    args: &LogQuery,
    mut each: impl FnMut(Json) -> io::Result<()>,
) -> Result<(), CliError> {
    let quick = Quick::new(args);
    let mut end = Ok(());
    log.visit(|_, piece| {
        if piece.complete && quick.may_match(piece.bytes) {
            let payload = payload(piece.bytes);
            if payload.as_object().is_some_and(|payload| is_wanted(args, payload)) {
                end = each(payload);
            }
        }
        if end.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(end?)
}

/// Whether the payload has everything that is asked for; what it does not say
/// is not asked for.
fn is_wanted(args: &LogQuery, payload: &Object) -> bool {
    let text = |name: &str| payload.get(name).and_then(Json::as_str);
    let ours = |name: &str| payload.get("asqav")?.as_object()?.get(name)?.as_str();
    let same = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_ref().is_none_or(|wanted| found == Some(wanted.as_str()))
    };
    let time = || Timestamp::parse_rfc3339(text("issued_at")?).ok();
    same(&args.agent, text("agent_id"))
        && same(&args.decision, text("decision"))
        && same(&args.outcome, ours("outcome"))
        && same(&args.session, text("session_id"))
        && args.action.as_ref().is_none_or(|glob| text("action_type").is_some_and(|name| glob.matches(name)))
        && args.tool.as_ref().is_none_or(|glob| text("tool_name").is_some_and(|name| glob.matches(name)))
        && args.since.is_none_or(|since| time().is_some_and(|time| time >= since))
        && args.until.is_none_or(|until| time().is_some_and(|time| time < until))
}

const COLUMNS: [&str; 13] = [
    "seq",
    "issued_at",
    "type",
    "action_type",
    "tool_name",
    "decision",
    "reason",
    "outcome",
    "error_type",
    "agent_id",
    "session_id",
    "action_id",
    "payload_sha256",
];

fn write_csv(out: &mut dyn Write, payload: &Json) -> io::Result<()> {
    let digest = Sha256Digest::of(&canonical::to_vec(payload)).to_hex();
    let members = payload.as_object();
    let text = |name: &str| members?.get(name)?.as_str().map(str::to_owned);
    let ours = |name: &str| members?.get("asqav")?.as_object()?.get(name)?.as_str().map(str::to_owned);
    let cells = COLUMNS.map(|column| match column {
        "seq" => members.and_then(|payload| payload.get("seq")?.as_count()).map(|seq| seq.to_string()),
        "outcome" | "error_type" => ours(column),
        "payload_sha256" => Some(digest.clone()),
        _ => text(column),
    });
    writeln!(out, "{}", cells.map(|cell| csv_cell(&cell.unwrap_or_default())).join(","))
}

/// A cell between quotes (RFC 4180 §2). One that a spreadsheet would take for a
/// formula begins with an apostrophe.
fn csv_cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = escape(text).replace('"', "\"\"");
    format!("\"{}{text}\"", if formula { "'" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_no_formulas_and_end_where_they_end() {
        assert_eq!(csv_cell("plain"), "\"plain\"");
        assert_eq!(csv_cell("a\"b,c\nd"), "\"a\"\"b,c\\nd\"");
        assert_eq!(csv_cell("=cmd()"), "\"'=cmd()\"");
        assert_eq!(csv_cell("@x"), "\"'@x\"");
        assert_eq!(csv_cell("\u{202e}gro"), "\"\\u{202e}gro\"");
    }
}
