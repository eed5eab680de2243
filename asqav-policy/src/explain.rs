//! Why a call comes out as it does, rule by rule: for the people who write and
//! audit policies, never for the agent. It names rules, conditions and places
//! in arguments; it does not quote the arguments' values.

use std::fmt;

use asqav_receipt::canonical;
use asqav_receipt::id::RuleId;
use asqav_receipt::json::Json;

use crate::call::Call;
use crate::condition::{Node, test};
use crate::context::Said;
use crate::engine::{RulePolicy, Ruling, Standing, Truth};
use crate::facts::{Facts, Why};
use crate::normal;
use crate::rule::{Rule, RuleEffect};

/// Why a call comes out as it does; `Display` is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation<'p> {
    /// What the policy says.
    pub ruling: Ruling<'p>,
    /// Every rule about the call's tool, ordered by id.
    pub rules: Vec<RuleFinding<'p>>,
    /// How many rules are about something else, or about results where a call is
    /// explained, or the reverse.
    pub others: usize,
    /// Whether the call's result is judged by rules before it goes on.
    pub reviewed: bool,
}

/// How one rule stands to the call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleFinding<'p> {
    /// The rule.
    pub rule: &'p RuleId,
    /// Its effect.
    pub effect: RuleEffect,
    /// How it stands.
    pub finding: Finding,
    /// Its conditions, each as the file's words in JSON, with its value or why
    /// it has none, and how deep it is nested.
    pub conditions: Vec<(usize, String, Result<bool, Why>)>,
}

/// How a rule about the call's tool stands to the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// It is about other agents.
    OtherAgent,
    /// It is about other tenants, actors, resources or risk classes.
    OtherContext,
    /// The call does not say its tenant, actor or resource, or its tool has no
    /// risk class: the rule restricts, and grants nothing.
    ContextUnknown,
    /// Its window is closed.
    OutsideWindow,
    /// Its condition is false.
    ConditionFalse,
    /// Its condition cannot be evaluated: it restricts, and grants nothing.
    ConditionUnknown,
    /// It holds.
    Holds,
}

impl RulePolicy {
    /// Why the call comes out as it does.
    pub fn explain<'a>(&self, call: impl Into<Facts<'a>>) -> Explanation<'_> {
        let facts = call.into();
        self.explanation(&facts, self.judge(&facts), false)
    }

    /// Why the result of a call comes out as it does.
    pub fn explain_result<'a>(&self, call: impl Into<Facts<'a>>) -> Explanation<'_> {
        let facts = call.into();
        self.explanation(&facts, self.judge_result(&facts), true)
    }

    /// Why a written call, or its result if it has one, comes out as it does.
    pub fn explain_call(&self, call: &Call) -> Explanation<'_> {
        let facts = call.facts();
        self.explanation(&facts, call.judged_by(self, &facts), call.has_result())
    }

    fn explanation<'p>(&'p self, facts: &Facts<'_>, ruling: Ruling<'p>, result: bool) -> Explanation<'p> {
        let said = self.said(facts);
        let concerned = self.about_tool(facts).filter(|(_, rule)| rule.on_result == result);
        let rules: Vec<_> = concerned.map(|(id, rule)| find(id, rule, facts, said)).collect();
        let others = self.model().rules().len() - rules.len();
        let reviewed = !result && ruling.effect != RuleEffect::Deny && self.reviews(facts);
        Explanation { ruling, rules, others, reviewed }
    }
}

fn find<'p>(id: &'p RuleId, rule: &'p Rule, facts: &Facts<'_>, said: Said<'_>) -> RuleFinding<'p> {
    let mut conditions = Vec::new();
    if let Some(when) = &rule.when {
        list(when, 0, facts, &mut conditions);
    }
    let asked = rule.asked.truth(said);
    let condition = rule.when.as_ref().map_or(Truth::True, |when| when.truth(facts));
    let finding = match rule.standing(facts, said) {
        Standing::Holds => Finding::Holds,
        Standing::Unknown if asked == Truth::Unknown => Finding::ContextUnknown,
        Standing::Unknown => Finding::ConditionUnknown,
        Standing::Closed => Finding::OutsideWindow,
        Standing::Aside if !rule.is_about_agent(facts.agent) => Finding::OtherAgent,
        Standing::Aside if asked == Truth::False => Finding::OtherContext,
        Standing::Aside if condition == Truth::False => Finding::ConditionFalse,
        Standing::Aside => Finding::OutsideWindow,
    };
    RuleFinding { rule: id, effect: rule.effect, finding, conditions }
}

/// Lists a condition and its parts, the whole before its parts.
fn list(node: &Node, depth: usize, facts: &Facts<'_>, out: &mut Vec<(usize, String, Result<bool, Why>)>) {
    let (words, parts): (String, &[Node]) = match node {
        Node::All(parts) => ("all".to_owned(), parts),
        Node::Any(parts) => ("any".to_owned(), parts),
        Node::Not(part) => ("not".to_owned(), std::slice::from_ref(part)),
        Node::Test(..) | Node::Label(_) => {
            let json = canonical::to_vec(&normal::write_condition(node));
            (String::from_utf8_lossy(&json).into_owned(), &[])
        }
    };
    let at = out.len();
    for part in parts {
        list(part, depth + 1, facts, out);
    }
    let value = match (node, node.truth(facts)) {
        (Node::Test(pointer, check), _) => test(pointer, check, facts),
        (Node::Label(label), _) => label.test(facts),
        (_, Truth::True) => Ok(true),
        (_, Truth::False) => Ok(false),
        (_, Truth::Unknown) => Err(first_unknown(out.get(at..).unwrap_or_default())),
    };
    out.insert(at, (depth, words, value));
}

fn first_unknown(parts: &[(usize, String, Result<bool, Why>)]) -> Why {
    parts.iter().find_map(|(_, _, value)| value.err()).unwrap_or(Why::Missing)
}

impl Explanation<'_> {
    /// The same as JSON, for programs.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let limits = self.ruling.limits.iter().map(|(rule, limit)| {
            let (calls, per) =
                (i64::from(limit.calls()), i64::try_from(limit.per().as_secs()).unwrap_or(i64::MAX));
            normal::object([
                ("rule", rule.as_str().into()),
                ("calls", Json::Integer(calls)),
                ("per_seconds", Json::Integer(per)),
            ])
        });
        let keyed = self.ruling.keyed.iter().map(|(rule, _, limit)| {
            normal::object([("rule", rule.as_str().into()), ("limit", normal::write_limit(limit))])
        });
        let obliged = self.ruling.obliged.iter().map(|(_, obliged)| normal::write_obligation(obliged));
        let raises = self.ruling.raises.iter().map(|(_, label)| normal::write_label(label));
        let shadow = self.ruling.shadow.iter().map(|rule| rule.as_str().into());
        normal::object([
            ("decision", self.ruling.effect.as_str().into()),
            ("reason", self.ruling.reason.map_or(Json::Null, |reason| reason.code().into())),
            ("rules", Json::Array(self.rules.iter().map(RuleFinding::to_json).collect())),
            ("limits", Json::Array(limits.chain(keyed).collect())),
            ("obligations", Json::Array(obliged.collect())),
            ("raises", Json::Array(raises.collect())),
            ("result_judged", Json::Bool(self.reviewed)),
            ("shadow", Json::Array(shadow.collect())),
            ("other_rules", Json::count(u64::try_from(self.others).unwrap_or(u64::MAX))),
        ])
    }
}

impl RuleFinding<'_> {
    fn to_json(&self) -> Json {
        let condition = |(depth, words, value): &(usize, String, Result<bool, Why>)| {
            normal::object([
                ("depth", Json::count(u64::try_from(*depth).unwrap_or(u64::MAX))),
                ("condition", words.as_str().into()),
                ("value", value.map_or(Json::Null, Json::Bool)),
                ("unknown", value.err().map_or(Json::Null, |why| why.as_str().into())),
            ])
        };
        normal::object([
            ("rule", self.rule.as_str().into()),
            ("effect", self.effect.as_str().into()),
            ("finding", self.finding.as_str().into()),
            ("conditions", Json::Array(self.conditions.iter().map(condition).collect())),
        ])
    }
}

impl Finding {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherAgent => "other_agent",
            Self::OutsideWindow => "outside_window",
            Self::ConditionFalse => "condition_false",
            Self::ConditionUnknown => "condition_unknown",
            Self::OtherContext => "other_context",
            Self::ContextUnknown => "context_unknown",
            Self::Holds => "holds",
        }
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.ruling.effect {
            RuleEffect::Allow => "allowed",
            RuleEffect::Approve => "needs approval",
            RuleEffect::Deny => "denied",
        })?;
        if let Some(reason) = self.ruling.reason {
            write!(f, " ({})", reason.code())?;
        }
        f.write_str("\n")?;
        for rule in &self.rules {
            write!(f, "{rule}")?;
        }
        for (rule, limit) in &self.ruling.limits {
            writeln!(
                f,
                "  limit of `{rule}`: {} calls per {:?}, for each agent and tool",
                limit.calls(),
                limit.per()
            )?;
        }
        for (rule, _, limit) in &self.ruling.keyed {
            writeln!(f, "  limit of `{rule}`: {}", limit.words())?;
        }
        for (rule, _) in &self.ruling.obliged {
            writeln!(f, "  rule `{rule}` obliges: the call runs only if that is done")?;
        }
        for (rule, label) in &self.ruling.raises {
            writeln!(f, "  rule `{rule}` raises the label `{}` in the session", label.name)?;
        }
        for rule in &self.ruling.shadow {
            writeln!(f, "  rule `{rule}` is in shadow: it would not have let the call pass")?;
        }
        if self.reviewed {
            writeln!(f, "  the result is judged before it goes on")?;
        }
        writeln!(f, "  {} rules are about something else", self.others)
    }
}

impl fmt::Display for RuleFinding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = match self.finding {
            Finding::OtherAgent => "is about other agents",
            Finding::OtherContext => "is about other tenants, actors, resources or risk classes",
            Finding::ContextUnknown => "asks for what the call does not say: it grants nothing and restricts",
            Finding::OutsideWindow => "is not in force now",
            Finding::ConditionFalse => "does not apply: its condition is false",
            Finding::ConditionUnknown => "cannot be evaluated: it grants nothing and restricts",
            Finding::Holds => "applies",
        };
        writeln!(f, "  rule `{}` ({}) {finding}", self.rule, self.effect.as_str())?;
        for (depth, words, value) in &self.conditions {
            let indent = 4 + 2 * depth;
            match value {
                Ok(value) => writeln!(f, "{:indent$}{words}: {value}", "")?,
                Err(why) => writeln!(f, "{:indent$}{words}: unknown, {}", "", why.as_str())?,
            }
        }
        Ok(())
    }
}
