//! Recorded reviews of results, recomputed.

use std::collections::BTreeMap;

use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;

use super::{Form, Recorded, Replayed, json, known_call, text};
use crate::engine::{Reason, RulePolicy};
use crate::pointer::Root;
use crate::rule::{Rule, RuleEffect};

impl RulePolicy {
    /// Recomputes what an outcome receipt's payload says about its result;
    /// `None` for an outcome whose result was not judged. `decision` is the
    /// payload of the decision that it names; each with the values that were
    /// only committed there and are opened, as for [`replay`](Self::replay).
    ///
    /// That the receipts are true and belong together, and that the openings
    /// open their commitments, is for the caller to verify.
    #[must_use]
    pub fn replay_result(
        &self,
        outcome: (&Object, &BTreeMap<String, String>),
        decision: (&Object, &BTreeMap<String, String>),
    ) -> Option<Replayed> {
        let judged = outcome.0.get("asqav").and_then(Json::as_object)?.get("policy").is_some();
        if !judged || text(outcome.0, "type") != Some("protectmcp:observation:result_bound") {
            return None;
        }
        Some(self.recompute_result(outcome, decision).unwrap_or_else(Replayed::NotRecomputed))
    }

    fn recompute_result(
        &self,
        (outcome, opened): (&Object, &BTreeMap<String, String>),
        decision: (&Object, &BTreeMap<String, String>),
    ) -> Result<Replayed, String> {
        let recorded = Recorded { decision: "result", ..Recorded::of_any(outcome) };
        if recorded.reason.is_some() && !recorded.is_by_rules() {
            return Err(format!("the gate decided, not its rules ({})", recorded.reason.unwrap_or_default()));
        }
        let mut known = known_call(decision.0, decision.1)?;
        known.call = known.call.at(judged_at(outcome, opened)?);
        let result = match outcome.get("context").and_then(|context| context.as_object()?.get("result")) {
            Some(form) => json(form, opened.get("/result")),
            None => Form::Withheld,
        };
        let closed = matches!(result, Form::Closed);
        let text = if let Form::Text(text) = result { Some(text) } else { None };
        let facts = known.call.facts().result(text.as_deref());
        for (_, rule) in self.about_tool(&facts) {
            if rule.on_result && rule.is_about_agent(facts.agent) {
                known.answers(rule)?;
                if closed && looks_at_result(rule) {
                    return Err("its result is only committed".to_owned());
                }
            }
        }
        let ruling = self.judge_result(&facts);
        let withheld = ruling.effect != RuleEffect::Allow;
        let agrees = recorded.reason == ruling.reason.map(Reason::code);
        let rules: Vec<&str> = ruling.rules.iter().map(|id| id.as_str()).collect();
        let same_policy = self.model().digest().to_tagged() == recorded.policy;
        if agrees && (!same_policy || rules.starts_with(&recorded.rules)) {
            return Ok(Replayed::Same);
        }
        Ok(Replayed::Differs {
            recorded: words(recorded.reason.is_some(), recorded.reason, &recorded.rules),
            recomputed: words(withheld, ruling.reason.map(Reason::code), &rules),
        })
    }
}

/// When the result was judged: as the inputs tell it, or as the receipt does,
/// which is a moment later.
fn judged_at(outcome: &Object, opened: &BTreeMap<String, String>) -> Result<Timestamp, String> {
    let inputs = opened.get("/policy/inputs").and_then(|text| Json::parse(text.as_bytes()).ok());
    let inputs = inputs.as_ref().and_then(Json::as_object);
    let at = inputs.and_then(|inputs| text(inputs, "now")).or_else(|| text(outcome, "issued_at"));
    let at = at.and_then(|at| Timestamp::parse_rfc3339(at).ok());
    at.ok_or_else(|| "its time cannot be read".to_owned())
}

fn looks_at_result(rule: &Rule) -> bool {
    let tests = rule.when.iter().flat_map(|when| when.tests());
    tests.into_iter().any(|(pointer, _)| pointer.root == Root::Result)
}

fn words(withheld: bool, reason: Option<&str>, rules: &[&str]) -> String {
    match withheld {
        true => format!("withheld ({}), rules: {}", reason.unwrap_or_default(), rules.join(", ")),
        false => "given back".to_owned(),
    }
}
