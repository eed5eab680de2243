//! `asqav info` of such a log: what its headers say, without judging it.

use std::io::Write as _;
use std::path::Path;

use asqav_log::pqc_audit_log_fs::{AuditDir, AuditFiles};
use asqav_receipt::json::python::Value;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::verify::pqc_audit_log_fs::NAME;

use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::table::Table;
use crate::text::escape;

/// The members of a header that are shown.
const SHOWN: [&str; 5] = ["event_count", "algorithm", "signer_did", "sealed_at", "merkle_root"];

/// Tells what the directory `path` holds.
pub(crate) fn run(path: &Path, output: &mut Output) -> Result<Exit, CliError> {
    let dir = AuditDir::open(path)?;
    let (mut segments, mut log_id) = (Vec::new(), Json::Null);
    for (number, files) in dir.segments() {
        let header = if files.header { Value::parse(&dir.header(*number)?).ok() } else { None };
        if log_id == Json::Null {
            log_id = header.as_ref().map_or(Json::Null, |header| member(header, "log_id"));
        }
        segments.push(segment(*number, *files, header.as_ref()));
    }
    let mut facts = Object::new();
    facts.set("format", NAME);
    facts.set("log_id", log_id);
    facts.set("bytes", Json::count(dir.len()));
    facts.set("segments", Json::Array(segments.into_iter().map(Json::Object).collect()));
    facts.set("other", Json::Array(dir.others().iter().map(|name| Json::from(name.as_str())).collect()));
    if output.is_json() {
        output.object(&Json::Object(facts))?;
    } else {
        write_text(output, path, &facts)?;
    }
    Ok(Exit::Done)
}

fn segment(number: u64, files: AuditFiles, header: Option<&Value>) -> Object {
    let mut object = Object::new();
    object.set("segment", Json::count(number));
    object.set("bytes", files.log_len.map_or(Json::Null, Json::count));
    let state = match (files.log_len, header, files.header) {
        (None, ..) => "events missing",
        (_, Some(_), _) => "sealed",
        (_, None, true) => "header unreadable",
        (_, None, false) => "not sealed",
    };
    object.set("state", state);
    for name in SHOWN {
        object.set(name, header.map_or(Json::Null, |header| member(header, name)));
    }
    object
}

/// A text or a count; anything else is not shown.
fn member(header: &Value, name: &str) -> Json {
    match header.get(name) {
        Some(Value::String(text)) => Json::from(text.as_str()),
        Some(Value::Integer(digits)) => digits.parse().map_or(Json::Null, Json::count),
        _ => Json::Null,
    }
}

fn write_text(output: &mut Output, path: &Path, facts: &Object) -> Result<(), CliError> {
    let cell = |json: Option<&Json>| match json {
        Some(Json::String(text)) => escape(text),
        Some(Json::Integer(number)) => number.to_string(),
        _ => "-".to_owned(),
    };
    writeln!(output, "{}  (as it says itself; nothing was verified)\n", escape(&path.display().to_string()))?;
    writeln!(output, "  format       {NAME}")?;
    writeln!(output, "  log          {}", cell(facts.get("log_id")))?;
    for name in facts.get("other").and_then(Json::as_array).unwrap_or_default() {
        writeln!(output, "  other file   {}", cell(Some(name)))?;
    }
    writeln!(output)?;
    let mut table =
        Table::new(["segment", "events", "bytes", "state", "labelled", "sealed at (claimed)", "root"]);
    for segment in facts.get("segments").and_then(Json::as_array).unwrap_or_default() {
        let Some(segment) = segment.as_object() else { continue };
        table.push(
            ["segment", "event_count", "bytes", "state", "algorithm", "sealed_at", "merkle_root"]
                .map(|name| cell(segment.get(name))),
        );
    }
    table.write(output, "  ")?;
    Ok(output.flush()?)
}
