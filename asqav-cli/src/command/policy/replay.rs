//! `asqav policy replay`: recorded decisions, recomputed.

use std::collections::{BTreeMap, HashMap};
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

/// Decisions that are told one by one at most; of more the first.
const MAX_LINES: usize = 100_000;

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
    let mut replays = Replays { policy: trial.policy(), vault, decisions: HashMap::new() };
    let (mut same, mut differ, mut others, mut lines) = (0, 0, 0, Vec::new());
    recorded::visit(&log, |receipt| {
        match replays.replay(receipt)? {
            Some(Line { replayed: Replayed::Same, .. }) => same += 1,
            Some(line) => {
                let differs = matches!(line.replayed, Replayed::Differs { .. });
                *(if differs { &mut differ } else { &mut others }) += 1;
                if lines.len() < MAX_LINES {
                    lines.push(line);
                }
            }
            None => {}
        }
        Ok(())
    })?;
    let counts = Counts { same, differ, others };
    if output.is_json() {
        output.object(&object(&lines, counts))?;
    } else {
        write_text(&lines, counts, output)?;
    }
    Ok(match (differ, others) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Unverifiable,
        _ => Exit::Invalid,
    })
}

/// How many decisions are the same, differ, and were not recomputed.
#[derive(Clone, Copy)]
struct Counts {
    same: usize,
    differ: usize,
    others: usize,
}

/// What is recomputed, and what is kept for that.
struct Replays<'p> {
    policy: &'p RulePolicy,
    vault: Option<Vault>,
    /// Decisions whose outcome has not come yet, by id: kept only where results
    /// are judged.
    decisions: HashMap<String, (Json, Openings)>,
}

/// Values that were only committed, by their pointers.
type Openings = BTreeMap<String, String>;

impl Replays<'_> {
    fn replay(&mut self, receipt: &[u8]) -> Result<Option<Line>, CliError> {
        let json = payload(receipt);
        let Some(payload) = json.as_object() else { return Ok(None) };
        let text = |name: &str| payload.get(name).and_then(Json::as_str).unwrap_or_default();
        let (action_id, tool) = (text("action_id").to_owned(), text("tool_name").to_owned());
        let seq = payload.get("seq").and_then(Json::as_count);
        let replayed = match text("type") {
            "protectmcp:decision" => {
                let opened = self.opened(receipt, &action_id)?;
                let replayed = self.policy.replay(payload, &opened);
                // A call that was denied has no result.
                if self.policy.reads_results() && text("decision") == "allow" {
                    self.decisions.insert(action_id.clone(), (json, opened));
                }
                replayed
            }
            "protectmcp:observation:result_bound" => self.result(receipt, payload, &action_id)?,
            _ => None,
        };
        Ok(replayed.map(|replayed| Line { action_id, seq, tool, replayed }))
    }

    /// The review of a result, where its decision stands before it.
    fn result(
        &mut self,
        receipt: &[u8],
        payload: &Object,
        action_id: &str,
    ) -> Result<Option<Replayed>, CliError> {
        let parents = payload.get("asqav").and_then(|asqav| asqav.as_object()?.get("parents")?.as_array());
        let decision = parents.and_then(|parents| parents.first()?.as_str()).unwrap_or_default();
        let Some((decision, of_decision)) = self.decisions.remove(decision) else { return Ok(None) };
        let Some(decision) = decision.as_object() else { return Ok(None) };
        let opened = self.opened(receipt, action_id)?;
        Ok(self.policy.replay_result((payload, &opened), (decision, &of_decision)))
    }

    fn opened(&self, receipt: &[u8], action_id: &str) -> Result<Openings, CliError> {
        self.vault.as_ref().map_or(Ok(BTreeMap::new()), |vault| opened(receipt, action_id, vault))
    }
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

fn object(lines: &[Line], counts: Counts) -> Json {
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
    let Counts { same, differ, others } = counts;
    object.set("same", file::count(same));
    object.set("differ", file::count(differ));
    object.set("not_recomputed", file::count(others));
    object.set("decisions", Json::Array(members.collect()));
    Json::Object(object)
}

fn write_text(lines: &[Line], counts: Counts, output: &mut Output) -> Result<(), CliError> {
    let Counts { same, differ, others } = counts;
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
    if differ + others > lines.len() {
        writeln!(output, "and {} more", differ + others - lines.len())?;
    }
    writeln!(output, "{same} decisions are the same, {differ} differ, {others} not recomputed")?;
    Ok(output.flush()?)
}
