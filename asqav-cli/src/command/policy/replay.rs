//! `asqav policy replay`: recorded decisions, recomputed.

use std::collections::BTreeMap;
use std::io::Write as _;

use asqav_log::keyfile::load_vault_key;
use asqav_log::vault::{Opened, Vault};
use asqav_policy::{Replayed, RulePolicy};
use asqav_receipt::disclosure::Disclosure;
use asqav_receipt::id::ActionId;
use asqav_receipt::json::{Json, Object};

use super::{file, recorded};
use crate::args::Replay;
use crate::error::CliError;
use crate::exit::Exit;
use crate::log::payload;
use crate::output::{Colour, Output};
use crate::text::escape;

/// A decision that is not simply the same.
struct Line {
    action_id: String,
    seq: Option<u64>,
    tool: String,
    replayed: Replayed,
}

/// Exit code 1 when a decision differs, 2 when some could not be recomputed.
pub(crate) fn run(args: &Replay, output: &mut Output) -> Result<Exit, CliError> {
    let trial = file::trial(&args.file)?;
    let key = args.vault_key.as_deref().map(load_vault_key).transpose()?;
    let (log, _) = recorded::open(&args.log_dir, &args.keys)?;
    let vault = key.map(|key| Vault::new(&args.log_dir, key));
    let (mut same, mut lines) = (0, Vec::new());
    recorded::visit(&log, |receipt| {
        match replay(receipt, trial.policy(), vault.as_ref())? {
            Some(Line { replayed: Replayed::Same, .. }) => same += 1,
            Some(line) => lines.push(line),
            None => {}
        }
        Ok(())
    })?;
    let differ = lines.iter().filter(|line| matches!(line.replayed, Replayed::Differs { .. })).count();
    if output.is_json() {
        output.object(&object(&lines, same, differ))?;
    } else {
        write_text(&lines, same, differ, output)?;
    }
    Ok(match (differ, lines.len()) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Unverifiable,
        _ => Exit::Invalid,
    })
}

fn replay(receipt: &[u8], policy: &RulePolicy, vault: Option<&Vault>) -> Result<Option<Line>, CliError> {
    let payload = payload(receipt);
    let Some(payload) = payload.as_object() else { return Ok(None) };
    let text = |name: &str| payload.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let action_id = text("action_id");
    let opened = match vault.filter(|_| text("type") == "protectmcp:decision") {
        Some(vault) => opened(receipt, &action_id, vault)?,
        None => BTreeMap::new(),
    };
    let seq = payload.get("seq").and_then(Json::as_count);
    let line = |replayed| Line { action_id, seq, tool: text("tool_name"), replayed };
    Ok(policy.replay(payload, &opened).map(line))
}

/// The committed values of the receipt that the vault opens, each checked
/// against its commitment.
fn opened(receipt: &[u8], action_id: &str, vault: &Vault) -> Result<BTreeMap<String, String>, CliError> {
    let Ok(id) = ActionId::parse(action_id) else { return Ok(BTreeMap::new()) };
    let Opened::Openings(openings) = vault.open(id)? else { return Ok(BTreeMap::new()) };
    let checked = openings.values.iter().filter(|(pointer, _)| {
        Disclosure::new(receipt.to_vec(), &openings, std::slice::from_ref(pointer)).is_ok()
    });
    Ok(checked.cloned().collect())
}

fn object(lines: &[Line], same: usize, differ: usize) -> Json {
    let members = lines.iter().map(|line| {
        let mut object = Object::new();
        object.set("action_id", line.action_id.as_str());
        object.set("seq", line.seq.map_or(Json::Null, Json::count));
        object.set("tool_name", line.tool.as_str());
        match &line.replayed {
            Replayed::Differs { recorded, recomputed } => {
                object.set("recorded", recorded.as_str());
                object.set("recomputed", recomputed.as_str());
            }
            Replayed::NotRecomputed(why) => object.set("not_recomputed", why.as_str()),
            _ => {}
        }
        Json::Object(object)
    });
    let mut object = Object::new();
    object.set("same", file::count(same));
    object.set("differ", file::count(differ));
    object.set("not_recomputed", file::count(lines.len() - differ));
    object.set("decisions", Json::Array(members.collect()));
    Json::Object(object)
}

fn write_text(lines: &[Line], same: usize, differ: usize, output: &mut Output) -> Result<(), CliError> {
    for line in lines {
        let (word, why) = match &line.replayed {
            Replayed::Differs { recorded, recomputed } => (
                output.paint(Colour::Red, "differs"),
                format!("recorded {recorded}, recomputed {recomputed}"),
            ),
            Replayed::NotRecomputed(why) => (output.paint(Colour::Yellow, "not recomputed"), why.clone()),
            _ => continue,
        };
        let seq = line.seq.map(|seq| seq.to_string()).unwrap_or_default();
        let (id, tool) = (escape(&line.action_id), escape(&line.tool));
        writeln!(output, "{word}: {seq} {id} {tool}: {}", escape(&why))?;
    }
    writeln!(
        output,
        "{same} decisions are the same, {differ} differ, {} not recomputed",
        lines.len() - differ
    )?;
    Ok(output.flush()?)
}
