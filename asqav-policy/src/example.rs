//! Examples in rules: calls that must come out as the author says.
//!
//! They are checked whenever a policy is made, against the whole policy. They
//! are not part of its meaning: the digest does not cover them.

use asqav_receipt::json::Json;
use asqav_receipt::time::Timestamp;

use crate::context::Actor;
use crate::engine::RulePolicy;
use crate::error::{Fault, Problem};
use crate::facts::Facts;
use crate::model::Model;
use crate::rule::{Rule, RuleEffect};

/// 2000-01-01T12:00:00Z, a Saturday.
const DEFAULT_TIME: i64 = 946_728_000_000_000;

/// A call, and what the policy must say about it. When that is the effect of
/// the rule that carries the example, the rule must be among those that led to
/// it.
///
/// ```
/// use asqav_policy::{Example, Rule, RulePolicy, arg};
///
/// let small = Rule::allow("small")
///     .tools(["post"])
///     .when(arg("/amount").at_most(1_000))
///     .example(Example::allowed().argument("amount", "1000"))
///     .example(Example::denied().argument("amount", "1001"))
///     .example(Example::denied());
/// assert!(RulePolicy::from_rules("p", [small]).is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    pub(crate) expected: RuleEffect,
    pub(crate) agent: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) actor: Option<(Actor, String)>,
    pub(crate) resource: Option<String>,
    pub(crate) now: Option<Timestamp>,
    /// JSON text; the example is then about a result.
    pub(crate) result: Option<String>,
    /// Names and JSON texts.
    pub(crate) arguments: Vec<(String, String)>,
    /// Byte offset in the file.
    pub(crate) at: Option<usize>,
}

impl Example {
    /// A call that must be allowed.
    #[must_use]
    pub const fn allowed() -> Self {
        Self::new(RuleEffect::Allow)
    }

    /// A call that must need an approval.
    #[must_use]
    pub const fn approved() -> Self {
        Self::new(RuleEffect::Approve)
    }

    /// A call that must be denied.
    #[must_use]
    pub const fn denied() -> Self {
        Self::new(RuleEffect::Deny)
    }

    pub(crate) const fn new(expected: RuleEffect) -> Self {
        Self {
            expected,
            agent: None,
            tool: None,
            tenant: None,
            actor: None,
            resource: None,
            now: None,
            result: None,
            arguments: Vec::new(),
            at: None,
        }
    }

    /// For this tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// On behalf of this actor.
    #[must_use]
    pub fn actor(mut self, kind: Actor, name: impl Into<String>) -> Self {
        self.actor = Some((kind, name.into()));
        self
    }

    /// On this resource.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// With a result, given as JSON text: what is expected is then said of the
    /// result, which is given back or withheld.
    #[must_use]
    pub fn result(mut self, json: impl Into<String>) -> Self {
        self.result = Some(json.into());
        self
    }

    /// By this agent; without it, by `example`.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = Some(agent.into());
        self
    }

    /// Of this tool; without it, of the rule's tool, if it names exactly one.
    #[must_use]
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// At this time; without it, at 2000-01-01T12:00:00Z.
    #[must_use]
    pub const fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// With an argument, given as JSON text.
    #[must_use]
    pub fn argument(mut self, name: impl Into<String>, json: impl Into<String>) -> Self {
        self.arguments.push((name.into(), json.into()));
        self
    }
}

/// Checks every example of every rule.
pub(crate) fn check(model: &Model) -> Result<(), Fault> {
    if model.rules().all(|rule| rule.examples.is_empty()) {
        return Ok(());
    }
    let policy = RulePolicy::new(model.clone());
    for rule in model.rules() {
        for example in &rule.examples {
            check_one(&policy, rule, example).map_err(|problem| Fault {
                at: example.at.or(rule.at),
                rule: Some(rule.name.clone()),
                problem,
            })?;
        }
    }
    Ok(())
}

fn check_one(policy: &RulePolicy, rule: &Rule, example: &Example) -> Result<(), Problem> {
    let tool = match (&example.tool, rule.tools.as_slice()) {
        (Some(tool), _) => tool.as_str(),
        (None, [only]) => only.exact().ok_or(Problem::MissingKey("tool"))?,
        (None, _) => return Err(Problem::MissingKey("tool")),
    };
    let now = example.now.or_else(|| Timestamp::from_unix_micros(DEFAULT_TIME)).unwrap_or(Timestamp::MAX);
    let mut facts = Facts::new(example.agent.as_deref().unwrap_or("example"), tool, now);
    for text in example.arguments.iter().map(|(_, text)| text).chain(&example.result) {
        Json::parse(text.as_bytes())
            .map_err(|_| Problem::Combination("a value of an example is not JSON within the limits"))?;
    }
    for (name, text) in &example.arguments {
        facts = facts.argument(name, Some(text));
    }
    (facts.tenant, facts.resource) = (example.tenant.as_deref(), example.resource.as_deref());
    facts.actor = example.actor.as_ref().map(|(kind, name)| (*kind, name.as_str()));
    let ruling = match &example.result {
        Some(result) => {
            facts = facts.result(Some(result));
            policy.judge_result(&facts)
        }
        None => policy.judge(&facts),
    };
    let fails = |why: String| Problem::Example {
        expected: outcome(example.expected),
        found: outcome(ruling.effect),
        why,
    };
    if ruling.effect != example.expected {
        let rules: Vec<&str> = ruling.rules.iter().map(|id| id.as_str()).collect();
        return Err(fails(match ruling.reason {
            Some(reason) if rules.is_empty() => reason.code().to_owned(),
            Some(reason) => format!("{}: {}", reason.code(), rules.join(", ")),
            None => rules.join(", "),
        }));
    }
    let led = rule.effect != example.expected || ruling.rules.iter().any(|id| id.as_str() == rule.name);
    if led { Ok(()) } else { Err(fails("this rule did not lead to it".to_owned())) }
}

const fn outcome(effect: RuleEffect) -> &'static str {
    match effect {
        RuleEffect::Allow => "allowed",
        RuleEffect::Approve => "held for approval",
        RuleEffect::Deny => "denied",
    }
}
