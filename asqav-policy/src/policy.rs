//! The gate's view of the rules: core's `Policy` trait.

use asqav_core::policy::{Charge, Decision, Policy, PolicyInput, Rate};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, ReasonCode, RuleId};

use crate::engine::{Facts, Reason, RulePolicy, Ruling};
use crate::rule::{RateLimit, RuleEffect};

impl Policy for RulePolicy {
    fn id(&self) -> &PolicyId {
        self.model().id()
    }

    fn digest(&self) -> Sha256Digest {
        self.model().digest()
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        let facts = facts(input);
        let ruling = self.judge(&facts);
        let rules = ruling.rules.iter().copied().cloned().collect();
        match ruling {
            Ruling { effect: RuleEffect::Allow, limits, .. } => {
                let charges = limits.into_iter().map(|(rule, limit)| self.charge(rule, limit, &facts));
                Decision::allow(rules, charges.collect())
            }
            Ruling { effect: RuleEffect::Approve, .. } => {
                Decision::needs_approval(rules, code(Reason::ApprovalRequired))
            }
            Ruling { effect: RuleEffect::Deny, reason, .. } => {
                Decision::deny(rules, code(reason.unwrap_or(Reason::NoRule)))
            }
        }
    }
}

impl RulePolicy {
    /// One call from the counter of this rule, agent and tool.
    ///
    /// Each part of the key carries its length, because a name may hold the
    /// separator: no two counters share a key.
    fn charge(&self, rule: &RuleId, limit: RateLimit, facts: &Facts<'_>) -> Charge {
        let mut key = String::from("rate");
        for (what, name) in [
            ("policy", self.model().id().as_str()),
            ("rule", rule.as_str()),
            ("agent", facts.agent),
            ("tool", facts.tool),
        ] {
            key.extend(["/", what, "/", &name.len().to_string(), ":", name]);
        }
        Charge::new(key, Rate::new(limit.calls(), limit.per()), 1, rule.clone())
    }
}

fn facts<'a>(input: &PolicyInput<'a>) -> Facts<'a> {
    Facts::new(input.agent.as_str(), input.call.tool.as_str(), input.now)
}

#[expect(clippy::expect_used, reason = "the codes are constants, and a test reads each of them")]
fn code(reason: Reason) -> ReasonCode {
    ReasonCode::parse(reason.code()).expect("a constant code")
}
