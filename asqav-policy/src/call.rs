//! A call written down: what a policy is asked about outside of a gate.

use std::fmt;

use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::Json;
use asqav_receipt::time::Timestamp;

use crate::context::Actor;
use crate::engine::{RulePolicy, Ruling};
use crate::error::Problem;
use crate::facts::Facts;
use crate::label::{SessionLabels, bound_to};

/// 2000-01-01T12:00:00Z, a Saturday: the time of a call that names none.
const DEFAULT_TIME: i64 = 946_728_000_000_000;

/// The agent of a call that names none.
const DEFAULT_AGENT: &str = "example";

/// A call of a tool by an agent at a time, which owns what it says.
///
/// ```
/// use asqav_policy::{Call, Format, RuleEffect, RulePolicy};
///
/// let policy = RulePolicy::from_toml(
///     "version = 1\nid = \"p\"\n[[rule]]\nid = \"r\"\neffect = \"allow\"\ntools = [\"post\"]\n\
///      when = { arg = \"/amount\", le = 10 }",
/// )?;
/// let call = Call::read(r#"{"tool": "post", "args": {"amount": 5}}"#, Format::Json)?;
/// assert_eq!(policy.judge(&call.facts()).effect, RuleEffect::Allow);
/// # Ok::<(), asqav_policy::PolicyError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    agent: String,
    tool: String,
    now: Timestamp,
    /// Names and JSON texts; `None` where the text is not known.
    arguments: Vec<(String, Option<String>)>,
    tenant: Option<String>,
    actor: Option<(Actor, String)>,
    resource: Option<String>,
    /// JSON text: the call has run, and its result is judged.
    result: Option<String>,
    /// What its session carries; `None` outside of one.
    labels: Option<Vec<Carried>>,
}

/// A label that a written call's session carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Carried {
    pub(crate) name: String,
    /// The digest that it is bound to, in hexadecimal.
    pub(crate) of: Option<String>,
    pub(crate) at: Timestamp,
}

impl Call {
    /// A call of `tool` by `example` at 2000-01-01T12:00:00Z, without
    /// arguments, in a session that carries no label.
    #[must_use]
    pub fn new(tool: impl Into<String>) -> Self {
        let now = Timestamp::from_unix_micros(DEFAULT_TIME).unwrap_or(Timestamp::MAX);
        Self {
            agent: DEFAULT_AGENT.to_owned(),
            tool: tool.into(),
            now,
            arguments: Vec::new(),
            tenant: None,
            actor: None,
            resource: None,
            result: None,
            labels: Some(Vec::new()),
        }
    }

    /// By this agent.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// At this time.
    #[must_use]
    pub const fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// With an argument, given as JSON text.
    ///
    /// # Errors
    /// [`Problem::Combination`] for a text that is not JSON within the limits.
    pub fn argument(mut self, name: impl Into<String>, json: impl Into<String>) -> Result<Self, Problem> {
        self.arguments.push((name.into(), Some(checked(json.into())?)));
        Ok(self)
    }

    /// With this result, given as JSON text: then the result is judged, not the
    /// call.
    ///
    /// # Errors
    /// [`Problem::Combination`] for a text that is not JSON within the limits.
    pub fn result(mut self, json: impl Into<String>) -> Result<Self, Problem> {
        self.result = Some(checked(json.into())?);
        Ok(self)
    }

    /// In a session that carries the label `name`, bound to these values, each
    /// given as JSON text, and last raised at `at`.
    ///
    /// # Errors
    /// [`Problem::Combination`] for a text that is not JSON within the limits.
    pub fn label<'v>(
        self,
        name: impl Into<String>,
        of: impl IntoIterator<Item = &'v str>,
        at: Timestamp,
    ) -> Result<Self, Problem> {
        let values = of.into_iter().map(json).collect::<Result<Vec<_>, _>>()?;
        let of = (!values.is_empty()).then(|| bound_to(values).to_hex());
        Ok(self.carrying(Carried { name: name.into(), of, at }))
    }

    pub(crate) fn carrying(mut self, label: Carried) -> Self {
        self.labels.get_or_insert_default().push(label);
        self
    }

    /// In no session.
    #[must_use]
    pub fn outside_of_sessions(mut self) -> Self {
        self.labels = None;
        self
    }

    /// Made for this tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// Made for this actor.
    #[must_use]
    pub fn actor(mut self, kind: Actor, name: impl Into<String>) -> Self {
        self.actor = Some((kind, name.into()));
        self
    }

    /// Made on this resource.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// With an argument whose value is not known: a condition on it cannot be
    /// evaluated.
    #[must_use]
    pub fn withheld(mut self, name: impl Into<String>) -> Self {
        self.arguments.push((name.into(), None));
        self
    }

    /// The tool's name.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The call as a policy takes it.
    #[must_use]
    pub fn facts(&self) -> Facts<'_> {
        let mut facts = Facts::new(&self.agent, &self.tool, self.now);
        (facts.tenant, facts.resource) = (self.tenant.as_deref(), self.resource.as_deref());
        facts.actor = self.actor.as_ref().map(|(kind, name)| (*kind, name.as_str()));
        if self.labels.is_some() {
            facts = facts.labels(self);
        }
        if let Some(result) = &self.result {
            facts = facts.result(Some(result));
        }
        self.arguments.iter().fold(facts, |facts, (name, json)| facts.argument(name, json.as_deref()))
    }

    /// Whether the result is judged, not the call.
    pub(crate) const fn has_result(&self) -> bool {
        self.result.is_some()
    }

    /// What the policy says about the call, or about its result; `facts` are
    /// its own.
    pub(crate) fn judged_by<'p>(&self, policy: &'p RulePolicy, facts: &Facts<'_>) -> Ruling<'p> {
        if self.result.is_some() { policy.judge_result(facts) } else { policy.judge(facts) }
    }
}

impl SessionLabels for Call {
    fn raised_at(&self, name: &str, of: Option<&Sha256Digest>) -> Option<Timestamp> {
        let of = of.map(Sha256Digest::to_hex);
        let same = |label: &&Carried| label.name == name && label.of == of;
        self.labels.iter().flatten().filter(same).map(|label| label.at).max()
    }
}

fn checked(text: String) -> Result<String, Problem> {
    json(&text).map(|_| text)
}

fn json(text: &str) -> Result<Json, Problem> {
    Json::parse(text.as_bytes())
        .map_err(|_| Problem::Combination("a value of an example is not JSON within the limits"))
}

/// In the words of a call file, in one line of JSON; what is left out there is
/// left out here.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{\"tool\":{}", quoted(&self.tool))?;
        let actor = self.actor.as_ref().map(|(kind, name)| format!("{}:{name}", kind.as_str()));
        for (key, text) in [
            ("agent", Some(&self.agent).filter(|agent| *agent != DEFAULT_AGENT)),
            ("tenant", self.tenant.as_ref()),
            ("actor", actor.as_ref()),
            ("resource", self.resource.as_ref()),
        ] {
            if let Some(text) = text {
                write!(f, ",\"{key}\":{}", quoted(text))?;
            }
        }
        if self.now.unix_micros() != DEFAULT_TIME {
            write!(f, ",\"at\":\"{}\"", self.now)?;
        }
        match &self.labels {
            None => f.write_str(",\"session\":false")?,
            Some(labels) if !labels.is_empty() => {
                let mut names: Vec<String> = labels.iter().map(|label| quoted(&label.name)).collect();
                names.dedup();
                write!(f, ",\"labels\":[{}]", names.join(","))?;
            }
            Some(_) => {}
        }
        if !self.arguments.is_empty() {
            f.write_str(",\"args\":{")?;
            for (at, (name, json)) in self.arguments.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                write!(f, "{comma}{}:{}", quoted(name), json.as_deref().unwrap_or("…"))?;
            }
            f.write_str("}")?;
        }
        if let Some(result) = &self.result {
            write!(f, ",\"result\":{result}")?;
        }
        f.write_str("}")
    }
}

/// The text as JSON.
fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&canonical::to_vec(&text.into())).into_owned()
}
