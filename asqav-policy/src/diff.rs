//! What changes from one policy to another: rule by rule on their normal form,
//! and call by call.
//!
//! The calls are the examples of both files and calls made from both policies'
//! rules: names for their patterns, values on either side of each bound,
//! instants on either side of each edge of a window. That no decision changes
//! among them is a sample, not a proof.

mod sample;

use std::collections::{BTreeMap, BTreeSet};

use asqav_receipt::json::{Json, Object};

use crate::call::Call;
use crate::engine::RulePolicy;
use crate::model::Model;
use crate::normal;
use crate::trial::Trial;

/// Members that change: name, before, after.
pub type Members = Vec<(String, Json, Json)>;

/// What changes from one policy to another.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Diff {
    /// What is said outside of rules, e.g. `id`.
    pub members: Members,
    /// Rules that are new, in their normal form.
    pub added: Vec<(String, Json)>,
    /// Rules that are gone, in their normal form.
    pub removed: Vec<(String, Json)>,
    /// Rules that stay and change, by id.
    pub changed: Vec<(String, Members)>,
    /// Calls that come out otherwise.
    pub decisions: Vec<Change>,
    /// How many calls were tried.
    pub tried: usize,
}

/// A call that comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The call.
    pub call: Call,
    /// How it came out.
    pub before: Outcome,
    /// How it comes out.
    pub after: Outcome,
}

/// How a call comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// `allow`, `approve` or `deny`.
    pub effect: &'static str,
    /// The reason's code, where there is one.
    pub reason: Option<&'static str>,
    /// The rate limits that it has to fit: calls and milliseconds, ordered.
    pub limits: Vec<(u32, u128)>,
}

impl Diff {
    /// What changes from `before` to `after`.
    #[must_use]
    pub fn new(before: &Trial, after: &Trial) -> Self {
        let (old, new) = (before.policy(), after.policy());
        let (old_rules, new_rules) = (rules(old.model()), rules(new.model()));
        let only = |these: &BTreeMap<String, Json>, others: &BTreeMap<String, Json>| {
            let missing = these.iter().filter(|(id, _)| !others.contains_key(*id));
            missing.map(|(id, rule)| (id.clone(), rule.clone())).collect()
        };
        let changed = old_rules.iter().filter_map(|(id, rule)| {
            let members = changed_members(rule.as_object()?, new_rules.get(id)?.as_object()?);
            (!members.is_empty()).then(|| (id.clone(), members))
        });
        let examples = [before, after].into_iter().flat_map(Trial::examples).map(|tested| tested.call);
        let made = [old, new].into_iter().flat_map(|policy| sample::calls(policy.model().rules()));
        let calls: BTreeSet<Call> = examples.chain(made).take(sample::MAX_CALLS).collect();
        Self {
            members: changed_members(&said(old.model()), &said(new.model())),
            added: only(&new_rules, &old_rules),
            removed: only(&old_rules, &new_rules),
            changed: changed.collect(),
            tried: calls.len(),
            decisions: calls.into_iter().filter_map(|call| change(call, old, new)).collect(),
        }
    }

    /// Whether both policies mean the same: then they have one digest.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.members.is_empty() && self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// The normal form, without the wrapper.
fn said(model: &Model) -> Object {
    let whole = Json::parse(model.normalised()).ok();
    let policy = whole.as_ref().and_then(|whole| whole.as_object()?.get("asqav_policy")?.as_object());
    let mut said = Object::new();
    for (name, value) in policy.into_iter().flat_map(Object::iter).filter(|(name, _)| *name != "rules") {
        said.set(name, value.clone());
    }
    said
}

fn rules(model: &Model) -> BTreeMap<String, Json> {
    model.rules().map(|rule| (rule.name.clone(), normal::write_rule(rule))).collect()
}

/// Both have the same members: normal forms leave none out.
fn changed_members(before: &Object, after: &Object) -> Members {
    let changed = |(name, old): (&str, &Json)| {
        let new = after.get(name).unwrap_or(&Json::Null);
        (old != new).then(|| (name.to_owned(), old.clone(), new.clone()))
    };
    before.iter().filter_map(changed).collect()
}

fn change(call: Call, old: &RulePolicy, new: &RulePolicy) -> Option<Change> {
    let (before, after) = (outcome(&call, old), outcome(&call, new));
    (before != after).then_some(Change { call, before, after })
}

fn outcome(call: &Call, policy: &RulePolicy) -> Outcome {
    let facts = call.facts();
    let ruling = call.judged_by(policy, &facts);
    let mut limits: Vec<_> =
        ruling.limits.iter().map(|(_, limit)| (limit.calls(), limit.per().as_millis())).collect();
    limits.sort_unstable();
    Outcome { effect: ruling.effect.as_str(), reason: ruling.reason.map(|reason| reason.code()), limits }
}
