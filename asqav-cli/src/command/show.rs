//! `asqav show`: receipts of a log, with payload, links and axes.

use std::io::Write as _;

use asqav_log::reader::LogReader;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::payload::Link;
use asqav_receipt::verify::{ReceiptInputs, Report, verify_receipt};

use crate::args::Show;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::log::{payload, payloads};
use crate::output::Output;
use crate::pretty::pretty;
use crate::report::{exit_of, write_axes, write_checked, write_headline, write_not_checked};
use crate::summary;

/// Without `--seq` or `--id` a table of all receipts, else the one in detail;
/// its verdict is then the exit code.
pub(crate) fn run(args: &Show, output: &mut Output) -> Result<Exit, CliError> {
    let dir = LogReader::open(&args.log_dir)?;
    let (found, wanted) = match (args.seq, args.id) {
        (Some(seq), _) => (dir.find_seq(seq)?, seq.to_string()),
        (None, Some(id)) => (dir.find_action(id)?, id.to_string()),
        (None, None) => return list(&dir, output),
    };
    let found = found.ok_or(CliError::NoSuchReceipt(wanted))?;
    let keys = args.keys.as_deref().map(input::key_set).transpose()?;
    let mut inputs = ReceiptInputs::new().at(input::now());
    if let Some(keys) = &keys {
        inputs = inputs.keys(keys);
    }
    if let Some(before) = &found.before {
        inputs = inputs.predecessor(before);
    }
    let report = verify_receipt(&found.receipt, &inputs);
    let payload = payload(&found.line);
    if output.is_json() {
        output.object(&object(payload, &report))?;
    } else {
        write_text(output, &payload, &report)?;
    }
    Ok(exit_of(report.verdict))
}

fn list(dir: &LogReader, output: &mut Output) -> Result<Exit, CliError> {
    let payloads = payloads(dir)?;
    if output.is_json() {
        let mut object = Object::new();
        object.set("receipts", Json::Array(payloads));
        output.object(&Json::Object(object))?;
        return Ok(Exit::Done);
    }
    let mut table = summary::table();
    payloads.iter().for_each(|payload| table.push(summary::row(payload)));
    table.write(output, "")?;
    writeln!(output, "\nAs the receipts say themselves; `asqav verify` tells whether it is true.")?;
    output.flush()?;
    Ok(Exit::Done)
}

/// What links the receipt to its neighbours.
struct Links {
    previous: Json,
    previous_sha3: Json,
    /// The hash that the next receipt carries: computed, never stored.
    chain_hash: Sha256Digest,
}

impl Links {
    fn of(payload: &Json) -> Self {
        let members = payload.as_object();
        let previous = members.and_then(|payload| payload.get("previousReceiptHash")).cloned();
        let prev = members.and_then(|payload| payload.get("asqav")?.as_object()?.get("prev")).cloned();
        let chain_hash = Link::to(&asqav_receipt::canonical::to_vec(payload)).sha256;
        Self {
            previous: previous.unwrap_or(Json::Null),
            previous_sha3: prev.unwrap_or(Json::Null),
            chain_hash,
        }
    }
}

fn object(payload: Json, report: &Report) -> Json {
    let Links { previous, previous_sha3, chain_hash } = Links::of(&payload);
    let mut links = Object::new();
    links.set("previousReceiptHash", previous);
    links.set("prev", previous_sha3);
    links.set("chain_hash", chain_hash.to_hex());
    let mut object = Object::new();
    object.set("payload", payload);
    object.set("links", links);
    object.set("verification", report.to_json());
    Json::Object(object)
}

fn write_text(output: &mut Output, payload: &Json, report: &Report) -> Result<(), CliError> {
    write_headline(output, report.verdict, report.reason_code, &report.problems)?;
    write_checked(output, &report.axes)?;
    write_not_checked(output, &report.not_checked)?;
    let Links { previous, previous_sha3, chain_hash } = Links::of(payload);
    let shown = |link: &Json| crate::text::escape(link.as_str().unwrap_or("-"));
    writeln!(output, "\n  links")?;
    writeln!(output, "    previousReceiptHash  {}", shown(&previous))?;
    writeln!(output, "    asqav.prev           {}", shown(&previous_sha3))?;
    writeln!(output, "    chain_hash           {}  (computed)", chain_hash.to_hex())?;
    writeln!(output, "\n  payload")?;
    writeln!(output, "{}", pretty(payload, 4))?;
    write_axes(output, &report.axes)?;
    Ok(output.flush()?)
}
