//! Examples in rules: calls that must come out as the author says.
//!
//! They are checked whenever a policy is made, against the whole policy. They
//! are not part of its meaning: the digest does not cover them.

use std::time::Duration;

use asqav_receipt::time::Timestamp;

use crate::call::Call;
use crate::context::Actor;
use crate::engine::RulePolicy;
use crate::error::Problem;
use crate::rule::{Rule, RuleEffect};

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
    /// What the call's session carries.
    pub(crate) labels: Vec<ExampleLabel>,
    /// Whether the call is in a session.
    pub(crate) session: bool,
    /// Byte offset in the file.
    pub(crate) at: Option<usize>,
}

/// A label that an example's session carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExampleLabel {
    pub(crate) name: String,
    /// JSON texts.
    pub(crate) of: Vec<String>,
    /// How long before the call it was raised.
    pub(crate) ago: Duration,
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
            labels: Vec::new(),
            session: true,
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

    /// In a session that carries this label, bound to these values, each given
    /// as JSON text, and raised so long before.
    #[must_use]
    pub fn label<'v>(
        mut self,
        name: impl Into<String>,
        of: impl IntoIterator<Item = &'v str>,
        ago: Duration,
    ) -> Self {
        let of = of.into_iter().map(str::to_owned).collect();
        self.labels.push(ExampleLabel { name: name.into(), of, ago });
        self
    }

    /// In no session; without it, in one that carries what
    /// [`label`](Self::label) says.
    #[must_use]
    pub const fn outside_of_sessions(mut self) -> Self {
        self.session = false;
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

impl Example {
    /// The call of an example that `rule` carries.
    pub(crate) fn call(&self, rule: &Rule) -> Result<Call, Problem> {
        let tool = match rule.tools.as_slice() {
            [only] => self.tool.as_deref().or(only.exact()),
            _ => self.tool.as_deref(),
        };
        self.call_of(tool)
    }

    /// The call of an example that stands for itself.
    pub(crate) fn call_without_rule(&self) -> Result<Call, Problem> {
        self.call_of(self.tool.as_deref())
    }

    fn call_of(&self, tool: Option<&str>) -> Result<Call, Problem> {
        // Destructured, so that a new part of an example cannot be forgotten.
        let Self {
            expected: _,
            agent,
            tool: _,
            tenant,
            actor,
            resource,
            now,
            result,
            arguments,
            labels,
            session,
            at: _,
        } = self;
        let mut call = Call::new(tool.ok_or(Problem::MissingKey("tool"))?);
        if let Some(agent) = agent {
            call = call.agent(agent);
        }
        if let Some(now) = now {
            call = call.at(*now);
        }
        if let Some(tenant) = tenant {
            call = call.tenant(tenant);
        }
        if let Some((kind, name)) = actor {
            call = call.actor(*kind, name);
        }
        if let Some(resource) = resource {
            call = call.resource(resource);
        }
        if let Some(result) = result {
            call = call.result(result)?;
        }
        for ExampleLabel { name, of, ago } in labels {
            let at = before(call.now(), *ago);
            call = call.label(name, of.iter().map(String::as_str), at)?;
        }
        if !session {
            call = call.outside_of_sessions();
        }
        arguments.iter().try_fold(call, |call, (name, json)| call.argument(name, json))
    }

    /// Why the policy does not say what the author does about the example's
    /// `call`; `rule` carries it.
    pub(crate) fn failure(&self, call: &Call, policy: &RulePolicy, rule: Option<&Rule>) -> Option<Problem> {
        let facts = call.facts();
        let ruling = call.judged_by(policy, &facts);
        let fails = |why: String| {
            Some(Problem::Example { expected: outcome(self.expected), found: outcome(ruling.effect), why })
        };
        if ruling.effect != self.expected {
            let rules: Vec<&str> = ruling.rules.iter().map(|id| id.as_str()).collect();
            return fails(match ruling.reason {
                Some(reason) if rules.is_empty() => reason.code().to_owned(),
                Some(reason) => format!("{}: {}", reason.code(), rules.join(", ")),
                None => rules.join(", "),
            });
        }
        let rule = rule.filter(|rule| rule.effect == self.expected)?;
        let led = ruling.rules.iter().any(|id| id.as_str() == rule.name);
        if led { None } else { fails("this rule did not lead to it".to_owned()) }
    }
}

/// `ago` before `now`; the first instant where there is none.
fn before(now: Timestamp, ago: Duration) -> Timestamp {
    let ago = i64::try_from(ago.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(now.unix_micros().saturating_sub(ago)).unwrap_or(now)
}

const fn outcome(effect: RuleEffect) -> &'static str {
    match effect {
        RuleEffect::Allow => "allowed",
        RuleEffect::Approve => "held for approval",
        RuleEffect::Deny => "denied",
    }
}
