//! Recorded decisions, recomputed.
//!
//! A decision is recomputed when the receipt discloses everything that the
//! rules about its tool look at: arguments that were recorded, or opened by
//! whoever holds the vault. What a limit had left is not in a receipt, so a
//! limit is never recomputed; that the rules allowed the call is.

mod result;

use std::collections::{BTreeMap, BTreeSet};

use asqav_receipt::canonical;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;

use crate::call::{Call, Carried};
use crate::condition::Node;
use crate::context::{Actor, Asked};
use crate::engine::{Reason, RulePolicy, Ruling};
use crate::normal;
use crate::pointer::{Pointer, Root};
use crate::rule::{Rule, RuleEffect};

/// How a recorded decision stands to the recomputed one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replayed {
    /// Both are the same.
    Same,
    /// They are not the same.
    Differs {
        /// What the receipt says, e.g. `deny (no_rule)`.
        recorded: String,
        /// What this policy says.
        recomputed: String,
    },
    /// It cannot be recomputed, and why.
    NotRecomputed(String),
}

/// Members of a rule's normal form that a receipt alone can answer for.
const ANSWERED: [&str; 14] = [
    "id",
    "effect",
    "tools",
    "agents",
    "tenants",
    "actors",
    "resources",
    "risk",
    "phase",
    "when",
    "window",
    "rate",
    "raises",
    "shadow",
];

impl RulePolicy {
    /// Recomputes the decision of a receipt's payload, `None` for a receipt
    /// that is not about a decision; `opened` are values that were only
    /// committed, with their pointers (`/arguments/<name>`, `/policy/inputs`).
    ///
    /// That the receipt is true, and that the openings open its commitments,
    /// is for the caller to verify.
    #[must_use]
    pub fn replay(&self, payload: &Object, opened: &BTreeMap<String, String>) -> Option<Replayed> {
        if text(payload, "type") != Some("protectmcp:decision") {
            return None;
        }
        Some(self.recompute(payload, opened).unwrap_or_else(Replayed::NotRecomputed))
    }

    fn recompute(&self, payload: &Object, opened: &BTreeMap<String, String>) -> Result<Replayed, String> {
        let recorded = Recorded::of(payload)?;
        let call = known_call(payload, opened)?;
        let rules: Vec<&Rule> = {
            let facts = call.call.facts();
            let rules = self.about_tool(&facts).map(|(_, rule)| rule);
            rules.filter(|rule| !rule.on_result && rule.is_about_agent(facts.agent)).collect()
        };
        if !self.model().tools().is_empty() && (call.more || !call.closed.is_empty()) {
            return Err("the policy says which arguments a tool has, and some are only committed".to_owned());
        }
        rules.into_iter().try_for_each(|rule| call.answers(rule))?;
        let facts = call.call.facts();
        recorded.compare(&self.judge(&facts), self.model().digest().to_tagged() == recorded.policy)
    }
}

fn text<'p>(payload: &'p Object, name: &str) -> Option<&'p str> {
    payload.get(name)?.as_str()
}

/// What the receipt says came out.
struct Recorded<'p> {
    decision: &'p str,
    reason: Option<&'p str>,
    rules: Vec<&'p str>,
    policy: &'p str,
    approved: bool,
}

impl<'p> Recorded<'p> {
    fn of(payload: &'p Object) -> Result<Self, String> {
        let decision = text(payload, "decision").ok_or("it says no decision")?;
        if decision == "observation" {
            return Err("it was recorded without a policy".to_owned());
        }
        Ok(Self { decision, ..Self::of_any(payload) })
    }

    /// Of any receipt, whatever its decision.
    fn of_any(payload: &'p Object) -> Self {
        let ours = payload.get("asqav").and_then(Json::as_object);
        let rules = ours.and_then(|ours| ours.get("policy")?.as_object()?.get("rules")?.as_array());
        let controls = payload.get("controls_evaluated").and_then(Json::as_object);
        Self {
            decision: "",
            reason: text(payload, "reason"),
            rules: rules.unwrap_or_default().iter().filter_map(Json::as_str).collect(),
            policy: text(payload, "policy_digest").unwrap_or_default(),
            approved: controls.is_some_and(|controls| controls.get("quorum").is_some()),
        }
    }

    /// `same_policy`: the receipt names this very policy, so that its rules
    /// must be the same, too.
    fn compare(&self, ruling: &Ruling<'_>, same_policy: bool) -> Result<Replayed, String> {
        let agrees = match (self.decision, ruling.effect) {
            ("rate_limit", RuleEffect::Allow) => {
                return Err("its rules allow it; what its limits had left is not in a receipt".to_owned());
            }
            ("allow", RuleEffect::Approve) if self.approved => true,
            ("allow", RuleEffect::Allow) => true,
            ("deny", _) if !self.is_by_rules() => {
                return Err(format!("the gate decided, not its rules ({})", self.reason.unwrap_or_default()));
            }
            ("deny", RuleEffect::Approve | RuleEffect::Deny) => {
                self.reason == ruling.reason.map(Reason::code)
            }
            _ => false,
        };
        let rules: Vec<&str> = ruling.rules.iter().map(|id| id.as_str()).collect();
        // A receipt names only so many rules.
        if agrees && (!same_policy || rules.starts_with(&self.rules)) {
            return Ok(Replayed::Same);
        }
        let name = |decision: &str, reason: Option<&str>, rules: &[&str]| {
            let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
            let rules = if agrees { format!(", rules: {}", rules.join(", ")) } else { String::new() };
            format!("{decision}{reason}{rules}")
        };
        Ok(Replayed::Differs {
            recorded: name(self.decision, self.reason, &self.rules),
            recomputed: name(ruling.effect.as_str(), ruling.reason.map(Reason::code), &rules),
        })
    }

    /// Whether the reason is one that rules give.
    fn is_by_rules(&self) -> bool {
        use Reason::{
            ApprovalRequired, ArgumentOutsideSchema, DeniedByRule, DetectorError, DetectorTimeout,
            InputUnusable, NoRule, OutsideWindow, SessionRequired, UnknownTool,
        };
        let reasons = [
            NoRule,
            DeniedByRule,
            ApprovalRequired,
            OutsideWindow,
            InputUnusable,
            DetectorError,
            DetectorTimeout,
            ArgumentOutsideSchema,
            UnknownTool,
            SessionRequired,
        ];
        self.reason.is_some_and(|code| reasons.iter().any(|reason| reason.code() == code))
    }
}

/// The recorded call, as far as it is known.
struct Known {
    call: Call,
    /// Arguments that were only committed.
    closed: BTreeSet<String>,
    /// Arguments that the receipt shows in any form.
    shown: BTreeSet<String>,
    /// Whether there are more arguments than these.
    more: bool,
    /// Whether what the policy used besides was opened.
    inputs: bool,
    /// Whether the labels are known that its session carried.
    labels: bool,
}

impl Known {
    /// Whether the receipt answers what the rule asks.
    fn answers(&self, rule: &Rule) -> Result<(), String> {
        let form = normal::write_rule(rule);
        let unanswered = form.as_object().into_iter().flat_map(Object::iter).find(|(name, value)| {
            let asks = !matches!(value, Json::Null | Json::Bool(false));
            asks && !ANSWERED.contains(name) && !value.as_array().is_some_and(<[Json]>::is_empty)
        });
        if let Some((name, _)) = unanswered {
            return Err(format!("rule `{}` looks at more than a receipt holds (`{name}`)", rule.name));
        }
        let Asked { tenants, actors, resources, risks: _ } = &rule.asked;
        if !self.inputs && (tenants.is_some() || actors.is_some() || resources.is_some()) {
            return Err("its tenant, actor and resource are only committed".to_owned());
        }
        let asks_labels = rule.when.as_ref().is_some_and(|when| !when.labels().is_empty());
        if asks_labels && !self.labels {
            return Err("the labels of its session are only committed".to_owned());
        }
        let bound = rule.raises.iter().chain(rule.when.iter().flat_map(Node::labels).map(|test| &test.label));
        bound.flat_map(|label| &label.of).try_for_each(|pointer| self.reaches_to(pointer))?;
        rule.when.as_ref().map_or(Ok(()), |when| self.reaches(when))
    }

    /// Whether every place that the condition looks at is known.
    fn reaches(&self, when: &Node) -> Result<(), String> {
        when.tests().into_iter().try_for_each(|(pointer, _)| self.reaches_to(pointer))
    }

    fn reaches_to(&self, pointer: &Pointer) -> Result<(), String> {
        match &pointer.root {
            Root::Argument(name) if self.closed.contains(name) => {
                Err(format!("argument `{name}` is only committed"))
            }
            Root::Argument(name) if self.more && !self.shown.contains(name) => {
                Err(format!("argument `{name}` is folded with others, if it is there at all"))
            }
            Root::Arguments if self.more || !self.closed.is_empty() => {
                Err("a rule looks at all arguments, and some are only committed".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// The call of a decision receipt; values that are not known are withheld.
fn known_call(payload: &Object, opened: &BTreeMap<String, String>) -> Result<Known, String> {
    let member = |name: &str| text(payload, name).ok_or_else(|| format!("it has no readable `{name}`"));
    let inputs = opened.get("/policy/inputs").and_then(|text| Json::parse(text.as_bytes()).ok());
    let inputs = inputs.as_ref().and_then(Json::as_object);
    // The receipt's own time is a moment later than the one that was decided at.
    let at = inputs.and_then(|inputs| text(inputs, "now")).map_or_else(|| member("issued_at"), Ok)?;
    let at = Timestamp::parse_rfc3339(at).map_err(|_| "its time cannot be read".to_owned())?;
    let call = Call::new(member("tool_name")?).agent(member("agent_id")?).at(at);
    let call = inputs.map_or(call.clone(), |inputs| with_origin(call, inputs));
    let (call, labels) = with_labels(call, payload, inputs);
    let (closed, shown) = (BTreeSet::new(), BTreeSet::new());
    let mut known = Known { call, closed, shown, more: false, inputs: inputs.is_some(), labels };
    let context = payload.get("context").and_then(Json::as_object);
    let shown = context.and_then(|context| context.get("arguments")?.as_object());
    for (name, form) in shown.into_iter().flat_map(Object::iter) {
        known.shown.insert(name.to_owned());
        known.call = match json(form, opened.get(&format!("/arguments/{name}"))) {
            Form::Text(json) => known
                .call
                .argument(name, json)
                .map_err(|_| format!("argument `{name}` is not JSON within the limits"))?,
            Form::Withheld => known.call.withheld(name),
            Form::Closed => {
                known.closed.insert(name.to_owned());
                known.call.withheld(name)
            }
        };
    }
    if let Some(folded) = context.and_then(|context| context.get("arguments_root")?.as_object()) {
        let count = folded.get("count").and_then(Json::as_count);
        known = unfold(known, count, opened)?;
    }
    Ok(known)
}

/// Adds the folded arguments that were opened; they are all there, or the
/// others stay unknown.
fn unfold(mut known: Known, count: Option<u64>, opened: &BTreeMap<String, String>) -> Result<Known, String> {
    let mut found = 0_u64;
    for (pointer, json) in opened {
        let Some(name) = pointer.strip_prefix("/arguments/").filter(|name| !known.shown.contains(*name))
        else {
            continue;
        };
        found += 1;
        known.shown.insert(name.to_owned());
        known.call = known
            .call
            .argument(name, json.as_str())
            .map_err(|_| format!("argument `{name}` is not JSON within the limits"))?;
    }
    known.more = count != Some(found);
    Ok(known)
}

/// Tenant, actor and resource, as the policy was given them.
fn with_origin(mut call: Call, inputs: &Object) -> Call {
    if let Some(tenant) = text(inputs, "tenant") {
        call = call.tenant(tenant);
    }
    if let Some(resource) = text(inputs, "resource") {
        call = call.resource(resource);
    }
    let actor = inputs.get("actor").and_then(Json::as_object);
    if let Some((kind, name)) = actor.and_then(|actor| Some((text(actor, "kind")?, text(actor, "name")?)))
        && let Some(&(_, kind)) = Actor::ALL.iter().find(|(word, _)| *word == kind)
    {
        call = call.actor(kind, name);
    }
    call
}

/// The labels that the decision found in its session, and whether these are
/// known. What it looked for and did not find is not there.
fn with_labels(call: Call, payload: &Object, inputs: Option<&Object>) -> (Call, bool) {
    if payload.get("session_id").is_none() {
        return (call.outside_of_sessions(), true);
    }
    let found = inputs.and_then(|inputs| inputs.get("labels")?.as_array());
    let Some(found) = found else { return (call, false) };
    let carried = |label: &Json| {
        let label = label.as_object()?;
        let (name, of) = (text(label, "label")?.to_owned(), text(label, "of").map(str::to_owned));
        Some(Carried { name, of, at: Timestamp::parse_rfc3339(text(label, "at")?).ok()? })
    };
    let labels: Option<Vec<Carried>> = found.iter().map(carried).collect();
    match labels {
        Some(labels) => (labels.into_iter().fold(call, Call::carrying), true),
        None => (call, false),
    }
}

enum Form {
    /// The value, as JSON text.
    Text(String),
    /// The policy was not given it either.
    Withheld,
    /// Only committed.
    Closed,
}

fn json(form: &Json, opened: Option<&String>) -> Form {
    let Some(form) = form.as_object() else { return Form::Closed };
    if let Some(value) = form.get("value") {
        return Form::Text(String::from_utf8_lossy(&canonical::to_vec(value)).into_owned());
    }
    if let Some(text) = form.get("json").and_then(Json::as_str) {
        return Form::Text(text.to_owned());
    }
    match opened {
        _ if form.get("dropped").is_some() => Form::Withheld,
        Some(text) => Form::Text(text.clone()),
        None => Form::Closed,
    }
}
