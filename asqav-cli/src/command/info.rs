//! `asqav info`: what a log directory holds, as it says itself.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::ControlFlow;

use asqav_log::reader::LogReader;
use asqav_receipt::header::SignedHeader;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::payload::Link;
use asqav_receipt::receipt::parse_line;

use crate::args::Info;
use crate::command::pqc_audit;
use crate::error::CliError;
use crate::exit::Exit;
use crate::openings::Openings;
use crate::output::Output;
use crate::table::Table;
use crate::text::escape;

/// What was counted while reading.
#[derive(Debug, Default)]
struct Counts {
    /// Receipts by segment.
    receipts: BTreeMap<u64, u64>,
    /// Receipts by `type`.
    types: BTreeMap<String, u64>,
    unreadable: u64,
    torn_bytes: u64,
    first: Option<Json>,
    last: Option<Json>,
}

/// Reads the whole log once; judges nothing.
pub(crate) fn run(args: &Info, output: &mut Output) -> Result<Exit, CliError> {
    if pqc_audit::is_one(&args.log_dir)? {
        return pqc_audit::info(&args.log_dir, output);
    }
    let dir = LogReader::open(&args.log_dir)?;
    let mut counts = Counts::default();
    dir.visit(|segment, piece| {
        if piece.complete {
            counts.line(segment, piece.bytes);
        } else {
            counts.torn_bytes += u64::try_from(piece.bytes.len()).unwrap_or(u64::MAX);
        }
        ControlFlow::Continue(())
    })?;
    let openings = Openings::of(&args.log_dir, &dir)?;
    let facts = facts(&dir, &counts, &openings)?;
    if output.is_json() {
        output.object(&Json::Object(facts))?;
    } else {
        write_text(output, args, &facts, &openings)?;
    }
    Ok(Exit::Done)
}

impl Counts {
    fn line(&mut self, segment: u64, line: &[u8]) {
        let Ok((payload, _)) = parse_line(line) else {
            self.unreadable += 1;
            return;
        };
        *self.receipts.entry(segment).or_default() += 1;
        let kind = text(&payload, "type");
        *self.types.entry(kind.to_owned()).or_default() += 1;
        if self.first.is_none() {
            self.first = Some(payload.clone());
        }
        self.last = Some(payload);
    }
}

/// Everything, as the object of `--json`.
fn facts(dir: &LogReader, counts: &Counts, openings: &Openings) -> Result<Object, CliError> {
    let mut object = Object::new();
    for (name, of, member) in [
        ("agent_id", &counts.first, "agent_id"),
        ("issuer_id", &counts.first, "issuer_id"),
        ("first_issued_at", &counts.first, "issued_at"),
        ("last_issued_at", &counts.last, "issued_at"),
    ] {
        object.set(name, of.as_ref().map_or(Json::Null, |payload| Json::from(text(payload, member))));
    }
    let log_id = counts
        .first
        .as_ref()
        .and_then(|payload| payload.as_object()?.get("asqav")?.as_object()?.get("log_id").cloned());
    object.set("log_id", log_id.unwrap_or(Json::Null));
    object.set("receipts", Json::count(counts.receipts.values().sum()));
    object.set("unreadable_lines", Json::count(counts.unreadable));
    object.set("unfinished_bytes", Json::count(counts.torn_bytes));
    let mut types = Object::new();
    counts.types.iter().for_each(|(kind, count)| types.set(kind.as_str(), Json::count(*count)));
    object.set("types", types);
    let segments = dir.segments().keys().map(|number| segment(dir, counts, *number));
    object.set("segments", Json::Array(segments.collect::<Result<_, _>>()?));
    object.set("head", counts.last.as_ref().map_or(Json::Null, head));
    object.set("torn", Json::Array(dir.torn().iter().map(|(seq, len)| torn(*seq, *len)).collect()));
    object.set("vault", dir.has_vault());
    object.set("openings", openings.to_json());
    object.set("stray", Json::Array(dir.strays().iter().map(|name| Json::from(name.as_str())).collect()));
    Ok(object)
}

fn segment(dir: &LogReader, counts: &Counts, number: u64) -> Result<Json, CliError> {
    let files = dir.segments().get(&number).copied().unwrap_or_default();
    let mut object = Object::new();
    object.set("segment", Json::count(number));
    object.set("receipts", Json::count(counts.receipts.get(&number).copied().unwrap_or(0)));
    object.set("bytes", files.log_len.map_or(Json::Null, Json::count));
    let seal = if files.header { SignedHeader::parse(&dir.header(number)?).ok() } else { None };
    let state = match (&seal, files.header) {
        _ if files.is_deleted() => "deleted",
        (Some(_), _) => "sealed",
        (None, true) => "sealed, header unreadable",
        (None, false) => "open",
    };
    object.set("state", state);
    let header = seal.as_ref().map(|seal| &seal.header);
    let or_null = |value: Option<Json>| value.unwrap_or(Json::Null);
    object.set("first_seq", or_null(header.map(|header| Json::count(header.first_seq))));
    object.set("last_seq", or_null(header.map(|header| Json::count(header.last_seq))));
    object.set("close", or_null(header.map(|header| Json::from(header.close.as_str()))));
    object.set("sealed_at", or_null(header.map(|header| Json::from(header.sealed_at.to_string()))));
    object.set("root", or_null(header.map(|header| Json::from(header.root.to_hex()))));
    Ok(Json::Object(object))
}

/// The newest receipt and the links that its successor will carry.
fn head(payload: &Json) -> Json {
    let link = Link::to(&asqav_receipt::canonical::to_vec(payload));
    let seq = payload.as_object().and_then(|payload| payload.get("seq")).cloned();
    let mut object = Object::new();
    object.set("seq", seq.unwrap_or(Json::Null));
    object.set("sha256", link.sha256.to_hex());
    object.set("sha3", link.sha3.map_or(Json::Null, |sha3| Json::from(sha3.to_hex())));
    Json::Object(object)
}

fn torn(seq: u64, len: u64) -> Json {
    let mut object = Object::new();
    object.set("after_seq", Json::count(seq));
    object.set("bytes", Json::count(len));
    Json::Object(object)
}

fn text<'a>(payload: &'a Json, name: &str) -> &'a str {
    payload.as_object().and_then(|payload| payload.get(name)).and_then(Json::as_str).unwrap_or_default()
}

fn write_text(output: &mut Output, args: &Info, facts: &Object, openings: &Openings) -> Result<(), CliError> {
    let cell = |json: Option<&Json>| match json {
        Some(Json::String(text)) => escape(text),
        Some(Json::Integer(number)) => number.to_string(),
        _ => "-".to_owned(),
    };
    let of = |name: &str| cell(facts.get(name));
    writeln!(
        output,
        "{}  (as it says itself; nothing was verified)\n",
        escape(&args.log_dir.display().to_string())
    )?;
    writeln!(output, "  log          {}", of("log_id"))?;
    writeln!(output, "  agent        {}", of("agent_id"))?;
    writeln!(output, "  issuer       {}", of("issuer_id"))?;
    writeln!(output, "  receipts     {}", of("receipts"))?;
    writeln!(output, "  claimed      {} to {}", of("first_issued_at"), of("last_issued_at"))?;
    if let Some(head) = facts.get("head").and_then(Json::as_object) {
        writeln!(output, "  head         {}, sha256 {}", cell(head.get("seq")), cell(head.get("sha256")))?;
    }
    let vault = if facts.get("vault") == Some(&Json::Bool(true)) { "present" } else { "none" };
    writeln!(output, "  vault        {vault}")?;
    openings.write(output)?;
    for (name, title) in [("unreadable_lines", "unreadable"), ("unfinished_bytes", "unfinished")] {
        if facts.get(name) != Some(&Json::Integer(0)) {
            writeln!(output, "  {title:<11}  {}", of(name))?;
        }
    }
    for name in facts.get("stray").and_then(Json::as_array).unwrap_or_default() {
        writeln!(output, "  stray file   {}", cell(Some(name)))?;
    }
    for torn in
        facts.get("torn").and_then(Json::as_array).unwrap_or_default().iter().filter_map(Json::as_object)
    {
        writeln!(
            output,
            "  torn         {} bytes after receipt {}",
            cell(torn.get("bytes")),
            cell(torn.get("after_seq"))
        )?;
    }
    writeln!(output)?;
    let mut table = Table::new(["segment", "receipts", "bytes", "state", "why", "sealed at (claimed)"]);
    for segment in facts.get("segments").and_then(Json::as_array).unwrap_or_default() {
        if let Some(segment) = segment.as_object() {
            table.push(
                ["segment", "receipts", "bytes", "state", "close", "sealed_at"]
                    .map(|name| cell(segment.get(name))),
            );
        }
    }
    table.write(output, "  ")?;
    Ok(output.flush()?)
}
