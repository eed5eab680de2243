//! `asqav anchor`: time from outside for checkpoints.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use asqav_log::anchoring::{self, Authority, CommandAuthority, HttpAuthority, anchors_path, write_anchors};
use asqav_receipt::anchor::{Anchor, Evidence, ImprintHash, Outcome, Renewal, TsaKeys, request};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;
use asqav_receipt::time_mark::TimeMark;
use asqav_receipt::{base64url, canonical};

use crate::args::anchor::{
    AnchorCommand, Attach, Kept, Renew, Request, Stamp, StampReceipt, Status, Time, Tsa,
};
use crate::error::{CliError, chain};
use crate::exit::Exit;
use crate::input;
use crate::output::{Output, write_new};
use crate::text::escape;
use crate::writer::{close, not_written, open_gate};

const DAY_SECONDS: f64 = 86_400.0;

/// Runs the command.
pub(crate) fn run(command: &AnchorCommand, output: &mut Output) -> Result<Exit, CliError> {
    match command {
        AnchorCommand::Stamp(args) => stamp(args, output),
        AnchorCommand::Receipt(args) => stamp_receipt(args, output),
        AnchorCommand::Request(args) => write_request(args, output),
        AnchorCommand::Attach(args) => attach(args, output),
        AnchorCommand::Renew(args) => renew(args, output),
        AnchorCommand::Status(args) => status(args, output),
        AnchorCommand::Time(args) => time(args, output),
    }
}

/// Stamps a checkpoint once more, or each in a folder that has no anchor.
fn stamp(args: &Stamp, output: &mut Output) -> Result<Exit, CliError> {
    let mut authority = authority(&args.tsa)?;
    let files = if args.path.is_dir() {
        anchoring::pending(&args.path).map_err(failed)?
    } else {
        vec![args.path.clone()]
    };
    for file in &files {
        let message = input::checkpoint(file)?.anchored_bytes();
        let mut anchor = anchoring::stamp(authority.as_mut(), &message).map_err(failed)?;
        keep(&mut anchor, &args.kept)?;
        add(file, anchor)?;
        writeln!(output, "stamped: {}", escape(&file.display().to_string()))?;
    }
    if files.is_empty() {
        writeln!(output, "nothing is pending")?;
    }
    Ok(output.flush().map(|()| Exit::Done)?)
}

/// Adds a token to the receipt's `anchors`; whether the receipt is true is for
/// `asqav verify`.
fn stamp_receipt(args: &StampReceipt, output: &mut Output) -> Result<Exit, CliError> {
    let not =
        |why: &str| CliError::NotA { path: args.receipt.clone(), expected: "a receipt", why: why.to_owned() };
    let json = Json::parse(&input::read(&args.receipt)?).map_err(|error| not(&error.to_string()))?;
    let mut receipt = json.as_object().cloned().ok_or_else(|| not("it is not an object"))?;
    let mut anchored = Object::new();
    for member in ["payload", "signature"] {
        let value = receipt.get(member).ok_or_else(|| not("it lacks payload or signature"))?;
        anchored.set(member, value.clone());
    }
    let mut anchors = match receipt.get("anchors") {
        None => Vec::new(),
        Some(anchors) => anchors.as_array().ok_or_else(|| not("its anchors are no array"))?.to_vec(),
    };
    let message = canonical::to_vec(&Json::Object(anchored));
    let anchor = anchoring::stamp(authority(&args.tsa)?.as_mut(), &message).map_err(failed)?;
    let mut entry = Object::new();
    entry.set("type", "rfc3161");
    entry.set("value", base64url::encode(anchor.evidence.first_token()));
    anchors.push(Json::Object(entry));
    receipt.set("anchors", Json::Array(anchors));
    let mut bytes = canonical::to_vec(&Json::Object(receipt));
    bytes.push(b'\n');
    match &args.output {
        Some(path) => write_new(path, |to| Ok(to.write_all(&bytes)?))?,
        None => {
            output.write_all(&bytes)?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}

/// Without a nonce of its own: the answer names the checkpoint's digest.
fn write_request(args: &Request, output: &mut Output) -> Result<Exit, CliError> {
    let message = input::checkpoint(&args.checkpoint)?.anchored_bytes();
    let request = request(&message, ImprintHash::Sha256, 0);
    match &args.output {
        Some(path) => write_new(path, |to| Ok(to.write_all(&request)?))?,
        None => {
            output.write_all(&request)?;
            output.flush()?;
        }
    }
    Ok(Exit::Done)
}

fn attach(args: &Attach, output: &mut Output) -> Result<Exit, CliError> {
    let message = input::checkpoint(&args.checkpoint)?.anchored_bytes();
    let evidence =
        Evidence::new(&input::read(&args.answer)?, &message, None).map_err(|error| CliError::NotA {
            path: args.answer.clone(),
            expected: "an answer about this checkpoint",
            why: error.to_string(),
        })?;
    let mut anchor = Anchor::new(&message, evidence);
    keep(&mut anchor, &args.kept)?;
    add(&args.checkpoint, anchor)?;
    writeln!(output, "attached: {}", escape(&anchors_path(&args.checkpoint).display().to_string()))?;
    Ok(output.flush().map(|()| Exit::Done)?)
}

fn renew(args: &Renew, output: &mut Output) -> Result<Exit, CliError> {
    let mut authority = authority(&args.tsa)?;
    let keys = input::tsa_keys(&args.tsa_key)?.unwrap_or_default();
    let renewal = if args.hash { Renewal::Hash(ImprintHash::Sha512) } else { Renewal::Timestamp };
    for file in anchored(&args.path)? {
        let message = input::checkpoint(&file)?.anchored_bytes();
        let mut anchors = input::anchors(&file)?;
        let (mut count, mut ended) = (0_usize, Ok(()));
        for anchor in &mut anchors {
            if args.within.is_some_and(|days| !is_due(&anchor.evidence, &keys, days)) {
                continue;
            }
            ended = renewed(authority.as_mut(), anchor, &message, renewal, &keys).map(|new| *anchor = new);
            if ended.is_err() {
                break;
            }
            count += 1;
        }
        // What was renewed before something failed stays so.
        if count > 0 {
            write_anchors(&file, &anchors).map_err(failed)?;
        }
        ended?;
        writeln!(output, "renewed {count} of {}: {}", anchors.len(), escape(&file.display().to_string()))?;
    }
    Ok(output.flush().map(|()| Exit::Done)?)
}

/// The anchor, renewed. One that is proven stays proven: a renewal that comes
/// after the certificate's end would refute it for good.
fn renewed(
    authority: &mut dyn Authority,
    anchor: &Anchor,
    message: &[u8],
    renewal: Renewal,
    keys: &TsaKeys,
) -> Result<Anchor, CliError> {
    let outcome = |anchor: &Anchor| anchor.evidence.check(message, Some(keys));
    let mut renewed = anchor.clone();
    anchoring::renew(authority, &mut renewed, message, renewal).map_err(failed)?;
    match (outcome(anchor), outcome(&renewed)) {
        (Outcome::Proven { .. }, Outcome::Refuted(why) | Outcome::Unchecked(why)) => Err(
            CliError::NotAnchored(format!("the renewed anchor would not hold, so it stays as it was: {why}")),
        ),
        _ => Ok(renewed),
    }
}

/// Whether the newest token's certificate ends within so many days, or cannot be
/// told.
fn is_due(evidence: &Evidence, keys: &TsaKeys, days: u32) -> bool {
    let left = |until: Timestamp| until.seconds_since(input::now());
    evidence.renew_before(keys).is_none_or(|until| left(until) < f64::from(days) * DAY_SECONDS)
}

fn status(args: &Status, output: &mut Output) -> Result<Exit, CliError> {
    let keys = input::tsa_keys(&args.tsa_key)?;
    let mut objects = Vec::new();
    for file in checkpoints(&args.path)? {
        let message = input::checkpoint(&file)?.anchored_bytes();
        let name = escape(&file.display().to_string());
        let anchors = input::anchors(&file)?;
        if anchors.is_empty() {
            objects.push(object(&file, "pending", None, None));
            if !output.is_json() {
                writeln!(output, "{name}: pending")?;
            }
        }
        for anchor in &anchors {
            let outcome = anchor.evidence.check(&message, keys.as_ref());
            let (word, at, note) = match &outcome {
                Outcome::Proven { at, note } => ("proven", Some(*at), note),
                Outcome::Refuted(why) => ("refuted", None, why),
                Outcome::Unchecked(why) => ("unchecked", None, why),
                _ => continue,
            };
            let until = keys.as_ref().and_then(|keys| anchor.evidence.renew_before(keys));
            objects.push(object(&file, word, at, until));
            if !output.is_json() {
                let until = until.map_or_else(String::new, |until| format!("; renew before {until}"));
                writeln!(output, "{name}: {word}: {}{until}", escape(note))?;
            }
        }
    }
    if output.is_json() {
        let mut all = Object::new();
        all.set("anchors", Json::Array(objects));
        output.object(&Json::Object(all))?;
        return Ok(Exit::Done);
    }
    Ok(output.flush().map(|()| Exit::Done)?)
}

fn object(file: &Path, state: &str, at: Option<Timestamp>, until: Option<Timestamp>) -> Json {
    let text = |time: Option<Timestamp>| time.map_or(Json::Null, |time| Json::from(time.to_string()));
    let mut object = Object::new();
    object.set("checkpoint", file.display().to_string());
    object.set("state", state);
    object.set("not_later", text(at));
    object.set("renew_before", text(until));
    Json::Object(object)
}

/// Records the newest token of each anchor.
fn time(args: &Time, output: &mut Output) -> Result<Exit, CliError> {
    let anchors = input::anchors(&args.checkpoint)?;
    let mark = |anchor: &Anchor| {
        Some(TimeMark {
            token: anchor.evidence.tokens().last()?,
            message: anchor.message,
            at: anchor.evidence.claimed()?,
        })
    };
    let marks: Vec<_> = anchors.iter().filter_map(mark).collect();
    if marks.is_empty() {
        return Err(CliError::Usage(format!("`{}` has no anchors", args.checkpoint.display())));
    }
    let gate = open_gate(&args.log_dir, &args.key, &args.keys)?;
    let recorded: Result<Vec<_>, _> = marks.iter().map(|mark| gate.record_time(mark).wait()).collect();
    close(&gate)?;
    for recorded in recorded.map_err(not_written)? {
        writeln!(output, "recorded in receipt {}", recorded.payload.seq)?;
    }
    Ok(output.flush().map(|()| Exit::Done)?)
}

fn authority(args: &Tsa) -> Result<Box<dyn Authority>, CliError> {
    if let Some(url) = &args.tsa {
        return Ok(Box::new(HttpAuthority::new(url).map_err(failed)?));
    }
    let Some((program, arguments)) = args.tsa_command.split_first() else {
        return Err(CliError::Usage("--tsa or --tsa-command names the authority".to_owned()));
    };
    let command =
        arguments.iter().fold(CommandAuthority::new(program), |command, argument| command.arg(argument));
    Ok(Box::new(command))
}

fn keep(anchor: &mut Anchor, kept: &Kept) -> Result<(), CliError> {
    for path in &kept.keep_certificate {
        anchor.certificates.push(input::read(path)?);
    }
    for path in &kept.keep_revocation {
        anchor.revocation.push(input::read(path)?);
    }
    Ok(())
}

/// Adds an anchor to those of the file `path`.
fn add(path: &Path, anchor: Anchor) -> Result<(), CliError> {
    let mut anchors = input::anchors(path)?;
    anchors.push(anchor);
    write_anchors(path, &anchors).map_err(failed)
}

/// A checkpoint, or those in a folder.
fn checkpoints(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |source| CliError::Read { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let is_one = |name: &str| name.starts_with("checkpoint-") && name.ends_with(".json");
        if name.to_str().is_some_and(is_one) {
            files.push(path.join(name));
        }
    }
    files.sort();
    Ok(files)
}

fn anchored(path: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut files = checkpoints(path)?;
    files.retain(|file| anchors_path(file).exists());
    Ok(files)
}

fn failed(error: impl std::error::Error) -> CliError {
    CliError::NotAnchored(chain(&error))
}
