//! The gate's view of the rules: core's `Policy` trait.

use asqav_core::call::{ActorKind, Argument, JsonText};
use asqav_core::policy::{
    Budget, Charge, Decision, Label, Labels, Policy, PolicyFault, PolicyInput, Raise, Raised, Rate, Review,
};
use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, ReasonCode, ResourceName, RuleId, SessionId, TenantId};
use asqav_receipt::time::Timestamp;

use crate::context::Actor;
use crate::engine::{Reason, RulePolicy, Ruling};
use crate::error::{PolicyError, Problem};
use crate::facts::{Facts, Why};
use crate::label::{LabelTest, Labelled, SessionLabels};
use crate::limit::{Limit, What};
use crate::obligation::{Duty, Obliged};
use crate::pointer::Root;
use crate::rule::{RateLimit, RuleEffect};

impl Policy for RulePolicy {
    fn id(&self) -> &PolicyId {
        self.model().id()
    }

    fn digest(&self) -> Sha256Digest {
        self.model().digest()
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        let labels = input.labels.map(|labels| Own { policy: self.model().id(), labels });
        let mut facts = if self.reads_arguments() { Facts::from(input) } else { without_arguments(input) };
        facts.labels = labels.as_ref().map(|labels| labels as _);
        let Ruling { effect, reason, rules, limits, keyed, raises, obliged, shadow } = self.judge(&facts);
        let rules = rules.into_iter().cloned().collect();
        let rates = limits.into_iter().map(|(rule, limit)| Ok(self.charge(rule, limit, &facts)));
        let keyed = keyed.into_iter().map(|(rule, at, limit)| self.charge_keyed(rule, at, limit, &facts));
        let charges: Result<Vec<Charge>, Why> = rates.chain(keyed).collect();
        let mut decision = match (effect, charges) {
            (RuleEffect::Allow, Ok(charges)) => Decision::allow(rules, charges),
            (RuleEffect::Approve, Ok(charges)) => {
                let mut decision = Decision::needs_approval(rules, code(Reason::ApprovalRequired));
                decision.charges = charges;
                decision
            }
            // INVARIANT: `judge` denies what cannot be charged; here twice.
            (RuleEffect::Allow | RuleEffect::Approve, Err(_)) => {
                Decision::deny(rules, code(Reason::InputUnusable))
            }
            (RuleEffect::Deny, _) => Decision::deny(rules, code(reason.unwrap_or(Reason::NoRule))),
        };
        decision.shadow = shadow.into_iter().cloned().collect();
        decision.reviewed = self.reviews(&facts);
        decision.raises =
            raises.into_iter().filter_map(|(rule, label)| self.raise(rule, label, &facts)).collect();
        let obliged: Option<Vec<_>> =
            obliged.into_iter().map(|(rule, obliged)| obligation(rule, obliged)).collect();
        match obliged {
            Some(obligations) => decision.obligations = obligations,
            // INVARIANT: JSON that was checked has a text; here twice.
            None => return Decision::deny(decision.rules, code(Reason::InputUnusable)),
        }
        decision.found = self.labels_asked(&facts).map(|asked| self.found(&asked, &facts));
        decision
    }

    fn review(&self, input: &PolicyInput<'_>, result: Option<&JsonText>) -> Review {
        let facts = Facts::from(input).result(result.map(JsonText::as_str));
        let Ruling { effect, reason, rules, shadow, .. } = self.judge_result(&facts);
        let mut review = match effect {
            RuleEffect::Allow => Review::passed(),
            _ => Review::withheld(
                rules.into_iter().cloned().collect(),
                code(reason.unwrap_or(Reason::InputUnusable)),
            ),
        };
        review.shadow = shadow.into_iter().cloned().collect();
        review
    }

    /// Only with `every_tool_unsafely`.
    fn allows_unknown_calls(&self) -> bool {
        self.model().rules().any(|rule| rule.every_tool)
    }
}

/// A policy that a gate cannot be opened or reloaded with.
impl From<PolicyError> for PolicyFault {
    fn from(error: PolicyError) -> Self {
        match error.problem() {
            Problem::Example { .. } => Self::Example(error.to_string()),
            _ => Self::Unparsable(error.to_string()),
        }
    }
}

impl RulePolicy {
    /// One call from the counter of this rule, agent and tool.
    ///
    /// Each part of the key carries its length, because a name may hold the
    /// separator: no two counters share a key.
    fn charge(&self, rule: &RuleId, limit: RateLimit, facts: &Facts<'_>) -> Charge {
        let mut key = self.key("rate", rule);
        push_part(&mut key, "agent", facts.agent);
        push_part(&mut key, "tool", facts.tool);
        Charge::new(key, Rate::new(limit.calls(), limit.per()), 1, rule.clone())
    }

    /// What the call costs, from the counter of this limit and its keys.
    fn charge_keyed(
        &self,
        rule: &RuleId,
        at: usize,
        limit: &Limit,
        facts: &Facts<'_>,
    ) -> Result<Charge, Why> {
        let (kind, taken_from): (_, asqav_core::policy::Limit) = match &limit.what {
            What::Rate(rate) => ("rate", Rate::new(rate.calls(), rate.per()).into()),
            What::Budget { amount, window, .. } => ("budget", Budget::new(*amount, *window).into()),
        };
        let mut key = self.key(kind, rule);
        push_part(&mut key, "limit", &at.to_string());
        if let What::Budget { window, .. } = &limit.what {
            // A counter of another window is another counter.
            push_part(&mut key, "window", &window.map_or(0, |window| window.as_millis()).to_string());
        }
        for by in &limit.by {
            push_part(&mut key, by.as_str(), &by.value(facts)?);
        }
        let charge = Charge::new(key, taken_from, limit.cost(facts)?, rule.clone());
        Ok(match &limit.what {
            What::Budget { settle: Some(pointer), .. } => charge.settled_by(pointer.as_str()),
            _ => charge,
        })
    }

    /// INVARIANT: `judge` denies a call whose label cannot be bound, so that
    /// none is left out here.
    fn raise(&self, rule: &RuleId, label: &Labelled, facts: &Facts<'_>) -> Option<Raise> {
        let of = label.binding(facts).ok()?;
        let label = Label::new(self.model().id().clone(), label.name.clone(), of);
        Some(Raise::new(label, rule.clone()))
    }

    /// Of the labels asked for, those that are there, each once.
    fn found(&self, asked: &[&LabelTest], facts: &Facts<'_>) -> Vec<Raised> {
        let mut found = Vec::new();
        for LabelTest { label, .. } in asked {
            let Ok(of) = label.binding(facts) else { continue };
            let at = facts.labels.and_then(|labels| labels.raised_at(label.name.as_str(), of.as_ref()));
            let raised =
                at.map(|at| Raised::new(Label::new(self.model().id().clone(), label.name.clone(), of), at));
            found.extend(raised.filter(|raised| !found.contains(raised)));
        }
        found
    }

    fn key(&self, kind: &str, rule: &RuleId) -> String {
        let mut key = kind.to_owned();
        push_part(&mut key, "policy", self.model().id().as_str());
        push_part(&mut key, "rule", rule.as_str());
        key
    }
}

/// `None` when what replaces a value has no text.
fn obligation(rule: &RuleId, Obliged { on, duty }: &Obliged) -> Option<asqav_core::policy::Obligation> {
    use asqav_core::policy::{Duty as Does, Obligation, Target};
    let on = match on {
        Some(pointer) if pointer.root == Root::Result => Target::Result(pointer.as_str().to_owned()),
        Some(pointer) => Target::Argument(pointer.as_str().to_owned()),
        None => Target::Argument(String::new()),
    };
    let does = match duty {
        Duty::Redact => Does::Redact,
        Duty::Mask(keep_last) => Does::Mask { keep_last: *keep_last },
        Duty::Replace(value) => {
            let text = String::from_utf8(canonical::to_vec(value)).ok()?;
            Does::Replace(JsonText::parse(text).ok()?)
        }
        Duty::Cap(most) => Does::Cap(*most),
        Duty::Label(code) => Does::Label(code.clone()),
        Duty::Notify(code) => Does::Notify(code.clone()),
    };
    Some(Obligation::new(on, does, rule.clone()))
}

/// Of a session's labels, those of one policy.
#[derive(Debug)]
struct Own<'a> {
    policy: &'a PolicyId,
    labels: &'a Labels,
}

impl SessionLabels for Own<'_> {
    fn raised_at(&self, name: &str, of: Option<&Sha256Digest>) -> Option<Timestamp> {
        self.labels.get(self.policy, name, of).map(|raised| raised.at)
    }
}

fn push_part(key: &mut String, what: &str, name: &str) {
    key.extend(["/", what, "/", &name.len().to_string(), ":", name]);
}

impl<'a> From<&PolicyInput<'a>> for Facts<'a> {
    fn from(input: &PolicyInput<'a>) -> Self {
        let add = |facts: Self, argument: &'a Argument| {
            facts.argument(&argument.name, argument.value.as_ref().map(JsonText::as_str))
        };
        input.call.arguments.iter().fold(without_arguments(input), add)
    }
}

fn without_arguments<'a>(input: &PolicyInput<'a>) -> Facts<'a> {
    let mut facts = Facts::new(input.agent.as_str(), input.call.tool.as_str(), input.now);
    facts.session = input.session.map(SessionId::as_str);
    let origin = &input.call.origin;
    facts.tenant = origin.tenant.as_ref().map(TenantId::as_str);
    facts.resource = origin.resource.as_ref().map(ResourceName::as_str);
    facts.actor = origin.actor.as_ref().and_then(|(kind, name)| Some((actor(*kind)?, name.as_str())));
    facts
}

/// `None` for a kind that is not known here: the call then says none.
const fn actor(kind: ActorKind) -> Option<Actor> {
    Some(match kind {
        ActorKind::User => Actor::User,
        ActorKind::Service => Actor::Service,
        ActorKind::System => Actor::System,
        ActorKind::Workload => Actor::Workload,
        _ => return None,
    })
}

#[expect(clippy::expect_used, reason = "the codes are constants, and a test reads each of them")]
pub(crate) fn code(reason: Reason) -> ReasonCode {
    ReasonCode::parse(reason.code()).expect("a constant code")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use asqav_receipt::time::Timestamp;

    use super::*;
    use crate::model::Model;
    use crate::rule::Rule;

    fn charge(policy: &RulePolicy, agent: &str, tool: &str) -> Vec<Charge> {
        let facts = Facts::new(agent, tool, Timestamp::from_unix_micros(0).unwrap());
        let limits = policy.judge(&facts).limits;
        limits.into_iter().map(|(rule, limit)| policy.charge(rule, limit, &facts)).collect()
    }

    #[test]
    fn every_code_is_a_reason_code() {
        for reason in [
            Reason::NoRule,
            Reason::DeniedByRule,
            Reason::ApprovalRequired,
            Reason::OutsideWindow,
            Reason::InputUnusable,
            Reason::DetectorError,
            Reason::DetectorTimeout,
            Reason::UnknownTool,
            Reason::ArgumentOutsideSchema,
            Reason::SessionRequired,
        ] {
            assert_eq!(code(reason).as_str(), reason.code());
        }
    }

    #[test]
    fn each_agent_and_tool_has_a_counter_of_its_own() {
        let rule = Rule::allow("r").tools(["a/*", "b"]).rate(5, Duration::from_secs(60));
        let other = Rule::allow("s").tools(["b"]).rate(1, Duration::from_secs(1));
        let policy = RulePolicy::new(Model::new("p", [rule, other]).unwrap());
        let one = charge(&policy, "agent", "a/tool");
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].key, "rate/policy/1:p/rule/1:r/agent/5:agent/tool/6:a/tool");
        assert_eq!(one[0].limit, Rate::new(5, Duration::from_secs(60)).into());
        assert_eq!((one[0].cost, one[0].rule.as_str()), (1, "r"));
        let both = charge(&policy, "agent", "b");
        assert_eq!(both.iter().map(|charge| charge.rule.as_str()).collect::<Vec<_>>(), ["r", "s"]);
        assert_ne!(both[0].key, both[1].key);
        assert_ne!(one[0].key, charge(&policy, "agent2", "a/tool")[0].key);
        assert_ne!(one[0].key, charge(&policy, "agent", "a/tool2")[0].key);
    }

    #[test]
    fn a_separator_in_a_name_does_not_join_two_counters() {
        let rule = Rule::allow("r").tools(["**"]).every_tool_unsafely().rate(5, Duration::from_secs(60));
        let policy = RulePolicy::new(Model::new("p", [rule]).unwrap());
        let joined = charge(&policy, "a/tool/1:b", "c");
        assert_ne!(joined[0].key, charge(&policy, "a", "1:b/tool/c")[0].key);
    }
}
