//! Verifies what was recorded, with reading code only, and shows it.

use std::error::Error;
use std::fs;
use std::ops::ControlFlow;

use asqav::clock::{Clock as _, SystemClock};
use asqav::log::keyfile::KEY_SET;
use asqav::log::reader::LogReader;
use asqav::receipt::json::{Json, Object};
use asqav::receipt::keys::KeySet;
use asqav::receipt::receipt::parse_line;
use asqav::receipt::verify::{LogInputs, LogReport, Verdict};

use crate::setup::Setup;

/// Of a longer log, only the newest receipts are shown.
const SHOWN: usize = 64;

/// Shows the receipts and the verdict; tells whether the log is verified.
pub(crate) fn show(setup: &Setup) -> Result<bool, Box<dyn Error>> {
    let log = LogReader::open(&setup.log_dir())?;
    write_table(&payloads(&log)?);

    // The example pins the key set that it wrote itself. An auditor takes it
    // from the issuer, never from beside the log.
    let keys = KeySet::parse(&fs::read(setup.dir.join(KEY_SET))?)?;
    let inputs = LogInputs::new().keys(&keys).at(SystemClock::new().now());
    let report = log.verify(inputs, &mut |_| {})?;
    write_verdict(&report);
    let dir = setup.dir.display();
    println!("\nNow verify it yourself, or change a byte of it first:\n");
    println!("  cargo run -p asqav-cli -- verify {dir}/audit-log --keys {dir}/keys.jwks.json");
    Ok(report.verdict == Verdict::Verified)
}

fn payloads(log: &LogReader) -> Result<Vec<Json>, Box<dyn Error>> {
    let mut payloads = Vec::new();
    log.visit(|_, piece| {
        payloads.extend(parse_line(piece.bytes).map(|(payload, _)| payload));
        ControlFlow::Continue(())
    })?;
    Ok(payloads)
}

fn write_table(payloads: &[Json]) {
    let hidden = payloads.len().saturating_sub(SHOWN);
    println!("\nThe log: {} receipts, each linked to the one before\n", payloads.len());
    let heading = ["seq", "receipt", "action", "says", "session", "link"].map(str::to_owned);
    let rows = payloads.iter().skip(hidden).filter_map(Json::as_object).map(row);
    let rows: Vec<_> = std::iter::once(heading).chain(rows).collect();
    let widths: [usize; 6] = std::array::from_fn(|at| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    for (number, row) in rows.iter().enumerate() {
        println!("  {}", line(row, &widths).trim_end());
        if number == 0 {
            println!("  {}", widths.map(|width| "─".repeat(width)).join("  "));
        }
    }
    if hidden > 0 {
        println!("  (and {hidden} older receipts)");
    }
}

fn line(row: &[String; 6], widths: &[usize; 6]) -> String {
    row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}  ")).collect()
}

/// What a receipt says, in six cells.
fn row(payload: &Object) -> [String; 6] {
    let text = |name: &str| payload.get(name).and_then(Json::as_str).unwrap_or_default();
    let asqav = payload.get("asqav").and_then(Json::as_object);
    let ours = |name: &str| asqav.and_then(|asqav| asqav.get(name)).and_then(Json::as_str);
    let kind =
        if ours("tier") == Some("detectable") { "post-hoc" } else { ours("phase").unwrap_or_default() };
    let says = match (ours("outcome"), ours("error_type")) {
        (Some(outcome), Some(class)) => format!("{outcome}: {}", class.rsplit("::").next().unwrap_or(class)),
        (Some(outcome), None) => outcome.to_owned(),
        (None, _) if kind == "decision" => [text("decision"), text("reason")].join(" ").trim_end().to_owned(),
        (None, _) => String::new(),
    };
    let session = text("session_id").get(32..).map_or_else(String::new, |end| format!("…{end}"));
    let link = text("previousReceiptHash").get(..12).unwrap_or_default();
    let seq = payload.get("seq").and_then(Json::as_count).unwrap_or_default();
    let cells = [kind, text("action_type"), &says, &session, link].map(printable);
    let [kind, action, says, session, link] = cells;
    [seq.to_string(), kind, action, says, session, link]
}

/// Without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn write_verdict(report: &LogReport) {
    let word = report.verdict.as_str().to_uppercase();
    let reason = report.reason_code.map_or_else(String::new, |reason| format!(" ({reason})"));
    println!("\n{word}{reason}: {} receipts, segments: {}\n", report.receipts, report.segments);
    for axis in &report.axes {
        println!("  {:<14}  {:<7}  {}", axis.axis.as_str(), axis.result.as_str(), printable(&axis.note));
    }
    println!("\nWhat this does not say\n");
    report.not_checked.iter().for_each(|line| println!("  {}", printable(line)));
}
