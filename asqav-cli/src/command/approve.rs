//! `asqav approve`: answers to calls that wait for an approval.
//!
//! Reads the requests that `asqav_log::FileApprover` writes and writes the
//! answers that it takes. What is shown is what was read, and the answer is
//! about what was read: the file is not looked at again.

mod folder;

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::path::Path;

use asqav_core::approval::{Acknowledgment, Answer, ApprovalRequest, ApproverId};
use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_receipt::digest::encode_hex;
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::keys::KeyStatus;
use asqav_receipt::time::Timestamp;

use crate::args::{Approve, Say};
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::{Output, write_new};
use crate::table::Table;
use crate::text::escape;

/// A typed line is never longer than this many bytes.
const MAX_LINE_LEN: u64 = 64;

/// Lists what waits, or answers one request.
pub(crate) fn run(args: &Approve, output: &mut Output) -> Result<Exit, CliError> {
    match (args.id, &args.key, &args.keys) {
        (Some(id), Some(key), Some(keys)) => {
            let request = folder::read(&args.folder, id)?;
            let approver = approver(key, keys)?;
            answer(args, &request, &approver, output)
        }
        (Some(id), None, None) if args.answer.is_none() => show(&folder::read(&args.folder, id)?, output),
        (Some(_), ..) => Err(CliError::Usage("an answer takes --key and --keys".to_owned())),
        (None, ..) => list(&args.folder, output),
    }
}

/// Whose answer it is, and the key that signs it.
fn approver(key: &Path, keys: &Path) -> Result<(ApproverId, SigningKey), CliError> {
    let (signing, set) = input::pinned_signing_key(key, keys)?;
    let entry = set.entries().iter().find(|entry| entry.public_key() == Some(signing.public_key()));
    let id = entry.filter(|entry| entry.status == KeyStatus::Active).and_then(|entry| {
        let approver = AgentId::parse(entry.agent_id.as_deref()?).ok()?;
        let issuer = IssuerId::parse(entry.issuer_id.as_deref()?).ok()?;
        Some(ApproverId { approver, issuer })
    });
    let id = id.ok_or_else(|| CliError::NotA {
        path: keys.to_owned(),
        expected: "the approver's key set",
        why: "its entry is not active, or names no agent and issuer".to_owned(),
    })?;
    Ok((id, signing))
}

fn list(folder: &Path, output: &mut Output) -> Result<Exit, CliError> {
    let (requests, now) = (folder::list(folder)?, input::now());
    if output.is_json() {
        let mut object = Object::new();
        object.set("requests", Json::Array(requests.iter().map(to_json).collect()));
        output.object(&Json::Object(object))?;
        return Ok(Exit::Done);
    }
    if requests.is_empty() {
        writeln!(output, "Nothing waits for an approval.")?;
    } else {
        let mut table = Table::new(["receipt", "agent", "tool", "until"]);
        for request in &requests {
            let until =
                if is_over(request, now) { "expired".to_owned() } else { request.expires_at.to_string() };
            let [agent, tool] = [request.agent.as_str(), request.tool.as_str()].map(escape);
            table.push([request.receipt.to_string(), agent, tool, until]);
        }
        table.write(output, "")?;
    }
    output.flush()?;
    Ok(Exit::Done)
}

/// An approval is good until then, and no longer.
fn is_over(request: &ApprovalRequest, now: Timestamp) -> bool {
    now > request.expires_at
}

fn show(request: &ApprovalRequest, output: &mut Output) -> Result<Exit, CliError> {
    if output.is_json() {
        output.object(&to_json(request))?;
    } else {
        write(request, output)?;
        output.flush()?;
    }
    Ok(Exit::Done)
}

/// All that is approved, with everything escaped that could mislead.
fn write(request: &ApprovalRequest, output: &mut Output) -> Result<(), CliError> {
    writeln!(output, "{} wants to call {}", escape(request.agent.as_str()), escape(request.tool.as_str()))?;
    writeln!(output, "  action   {}", escape(request.action.as_str()))?;
    for (name, text) in &request.arguments {
        let text = text.as_deref().map_or_else(|| "(not shown to the gate)".to_owned(), escape);
        writeln!(output, "  {} = {text}", escape(name))?;
    }
    writeln!(output, "  because  {}", request.reason)?;
    if let Some(session) = &request.session {
        writeln!(output, "  session  {session}")?;
    }
    writeln!(output, "  receipt  {}", request.receipt)?;
    writeln!(output, "  payload  {}", request.payload.to_tagged())?;
    writeln!(output, "  policy   {}", request.policy_digest.to_tagged())?;
    writeln!(output, "  until    {}", request.expires_at)?;
    Ok(())
}

fn answer(
    args: &Approve,
    request: &ApprovalRequest,
    (by, key): &(ApproverId, SigningKey),
    output: &mut Output,
) -> Result<Exit, CliError> {
    if output.is_json() && args.answer.is_none() {
        return Err(CliError::Usage("with --json an answer takes --answer".to_owned()));
    }
    if !output.is_json() {
        write(request, output)?;
    }
    let said = match args.answer {
        Some(said) => Some(said),
        None => ask(output)?,
    };
    let Some(said) = said else {
        return Err(CliError::NoAnswer("only `yes` and `no` are answers"));
    };
    // After the question: the time it took counts.
    let now = input::now();
    if is_over(request, now) {
        return Err(CliError::NoAnswer("the request has expired"));
    }
    let answer = match said {
        Say::Yes => Answer::Grant,
        Say::No => Answer::Refuse,
    };
    let signed = Acknowledgment::sign(request, answer, by, key, now)?;
    let whose = encode_hex(&key.thumbprint().as_bytes()[..8]);
    let path = args.folder.join(format!("{}.{whose}.answer.json", request.receipt));
    write_new(&path, |to| Ok(to.write_all(signed.as_json())?))?;
    if output.is_json() {
        let mut object = Object::new();
        object.set("receipt", request.receipt.to_string());
        object.set("answer", if answer == Answer::Grant { "grant" } else { "refuse" });
        object.set("file", path.display().to_string());
        output.object(&Json::Object(object))?;
    } else {
        writeln!(output, "Signed: {}", escape(&path.display().to_string()))?;
        output.flush()?;
    }
    Ok(Exit::Done)
}

/// Reads one line.
fn ask(output: &mut Output) -> Result<Option<Say>, CliError> {
    write!(output, "Let it run? [yes/no] ")?;
    output.flush()?;
    let mut line = String::new();
    let read = io::stdin().lock().take(MAX_LINE_LEN).read_line(&mut line);
    read.map_err(|source| CliError::Read { path: "-".into(), source })?;
    writeln!(output)?;
    Ok(match line.trim() {
        "yes" => Some(Say::Yes),
        "no" => Some(Say::No),
        _ => None,
    })
}

/// As the gate wrote it: the reader is strict.
fn to_json(request: &ApprovalRequest) -> Json {
    Json::parse(&request.to_json()).unwrap_or(Json::Null)
}
