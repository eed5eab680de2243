//! `asqav forget`: erases what opens receipts, and records that they were
//! erased, never whom they are about.

use std::io::Write as _;

use asqav_log::keyfile::load_vault_key;
use asqav_log::reader::LogReader;
use asqav_log::vault::{Plan, Subject, Vault, forget};
use asqav_receipt::json::{Json, Object};

use crate::args::Forget;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::Output;
use crate::writer::{close, not_written, open_gate};

/// Finds the receipts, and erases their openings unless only asked for them.
pub(crate) fn run(args: &Forget, output: &mut Output) -> Result<Exit, CliError> {
    let plan = plan(args)?;
    if let Some(id) = plan.unknown.first() {
        return Err(CliError::NoSuchReceipt(id.to_string()));
    }
    let mut recorded_in = Vec::new();
    let nothing = plan.receipts.is_empty() && plan.orphans.is_empty();
    if !args.dry_run && !nothing {
        if let Some(hold) = plan.held_by.first() {
            return Err(CliError::Held(hold.clone()));
        }
        let Some((key, keys)) = args.key.as_deref().zip(args.keys.as_deref()) else {
            return Err(CliError::Usage("--key and --keys sign the erasure receipt".to_owned()));
        };
        let gate = open_gate(&args.log_dir, key, keys)?;
        let forgotten = forget(&args.log_dir, &gate, &plan);
        // The log is ended well whether or not something was erased.
        close(&gate)?;
        recorded_in = forgotten.map_err(not_written)?.recorded_in;
    }
    report(args, &plan, &recorded_in, output)
}

fn plan(args: &Forget) -> Result<Plan, CliError> {
    let log = LogReader::open(&args.log_dir)?;
    let subject = match (&args.subject, &args.containing) {
        (Some(text), _) => Subject::is(text),
        (None, Some(text)) => Subject::within(text),
        _ => return Ok(Plan::of_ids(&log, &args.id)?),
    };
    let Some(path) = &args.vault_key else {
        return Err(CliError::Usage("--vault-key opens the values that are searched".to_owned()));
    };
    let vault = Vault::new(&args.log_dir, load_vault_key(path)?);
    Ok(Plan::of_subject(&log, &vault, &subject)?)
}

fn report(args: &Forget, plan: &Plan, recorded_in: &[u64], output: &mut Output) -> Result<Exit, CliError> {
    let Plan { receipts, in_plain, missing, orphans, held_by, .. } = plan;
    let orphans = u64::try_from(orphans.len()).unwrap_or(u64::MAX);
    if output.is_json() {
        let mut object = Object::new();
        object.set("dry_run", args.dry_run);
        object.set("receipts", receipts.to_string().as_str());
        object.set("in_plain", in_plain.to_string().as_str());
        object.set("missing", missing.to_string().as_str());
        object.set("orphans", Json::count(orphans));
        object.set("held_by", Json::Array(held_by.iter().map(|hold| Json::from(hold.as_str())).collect()));
        object.set("recorded_in", Json::Array(recorded_in.iter().copied().map(Json::count).collect()));
        output.object(&Json::Object(object))?;
        return Ok(Exit::Done);
    }
    let what = if args.dry_run { "would be erased" } else { "erased" };
    writeln!(output, "{} receipts {what}: {}", receipts.count(), shown(receipts))?;
    if orphans > 0 {
        writeln!(output, "{orphans} openings {what} whose receipt never got into the log")?;
    }
    if !missing.is_empty() {
        writeln!(output, "not in the vault, so not erased: {}", shown(missing))?;
    }
    if !in_plain.is_empty() {
        writeln!(output, "recorded in plain, and not erased: {}", shown(in_plain))?;
    }
    for hold in held_by {
        writeln!(output, "the legal hold `{hold}` forbids it")?;
    }
    let numbers: Vec<_> = recorded_in.iter().map(u64::to_string).collect();
    if !numbers.is_empty() {
        writeln!(output, "recorded in receipt {}", numbers.join(", "))?;
    }
    Ok(output.flush().map(|()| Exit::Done)?)
}

fn shown(set: &asqav_receipt::seq_set::SeqSet) -> String {
    if set.is_empty() { "none".to_owned() } else { set.to_string() }
}
