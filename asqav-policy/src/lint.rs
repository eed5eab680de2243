//! What is lawful in a policy and hardly meant: rules that another rule makes
//! idle, that nothing can fulfil, that are never in force, and tools without an
//! example.
//!
//! What is reported as a warning is so for certain; what is too much to find
//! out is not reported.

mod contradiction;
mod idle;

use std::collections::BTreeMap;
use std::fmt;

use asqav_receipt::time::Timestamp;

use crate::call::Call;
use crate::condition::Node;
use crate::error::Position;
use crate::glob::Glob;
use crate::label::Labelled;
use crate::rule::{Rule, RuleEffect};
use crate::trial::Trial;

/// Something in a policy that is hardly meant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lint {
    /// What kind of thing.
    pub kind: LintKind,
    /// The rule.
    pub rule: String,
    /// Where the rule or the example stands in the file.
    pub position: Option<Position>,
    /// What exactly, for people.
    pub message: String,
}

/// Kinds of [`Lint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LintKind {
    /// `shadowed`: an unconditional deny rule is about every call of the rule.
    Shadowed,
    /// `redundant`: another rule already does what this one does.
    Redundant,
    /// `never_true`: no arguments fulfil the condition.
    NeverTrue,
    /// `never_open`: the window contains no instant.
    NeverOpen,
    /// `every_tool`: the rule allows every tool.
    EveryTool,
    /// `window_over`: the window closed for good before now.
    WindowOver,
    /// `same_example`: two examples are the same call.
    SameExample,
    /// `never_asked`: the rule raises a label that no condition asks for.
    NeverAsked,
    /// `no_example`: no example calls a tool of the rule.
    NoExample,
}

impl LintKind {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shadowed => "shadowed",
            Self::Redundant => "redundant",
            Self::NeverTrue => "never_true",
            Self::NeverOpen => "never_open",
            Self::EveryTool => "every_tool",
            Self::WindowOver => "window_over",
            Self::SameExample => "same_example",
            Self::NeverAsked => "never_asked",
            Self::NoExample => "no_example",
        }
    }

    /// Whether the policy does something else than it seems to; otherwise it
    /// could only be tidier.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        !matches!(self, Self::WindowOver | Self::SameExample | Self::NoExample)
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}`: {} ({})", self.rule, self.message, self.kind.as_str())
    }
}

impl Trial {
    /// What in the policy is hardly meant, in the order of the file; `now` lets
    /// it find windows that are over.
    #[must_use]
    pub fn lint(&self, now: Option<Timestamp>) -> Vec<Lint> {
        let rules: Vec<(&Rule, Option<Position>)> = self.placed_rules().collect();
        let mut found = Vec::new();
        let idle = idle::Unconditional::of(rules.iter().map(|(rule, _)| *rule));
        let conditions = rules.iter().filter_map(|(rule, _)| rule.when.as_ref());
        let asked: Vec<&Labelled> = conditions.flat_map(Node::labels).map(|test| &test.label).collect();
        for &(rule, position) in &rules {
            let mut add = |(kind, message)| {
                found.push(Lint { kind, rule: rule.name.clone(), position, message });
            };
            idle.look(rule).into_iter().for_each(&mut add);
            condition(rule).into_iter().for_each(&mut add);
            window(rule, now).into_iter().for_each(&mut add);
            every_tool(rule).into_iter().for_each(&mut add);
            never_asked(rule, &asked).into_iter().for_each(&mut add);
        }
        found.extend(self.without_example());
        found.extend(self.same_examples());
        found.sort_by_key(|lint| (lint.position.map(|at| (at.line, at.column)), lint.kind));
        found
    }

    /// A rule is looked at through the examples of all rules: a deny example of
    /// one may be about the tools of another.
    fn without_example(&self) -> Vec<Lint> {
        let examples = self.examples();
        let called = |glob: &&Glob| !examples.iter().any(|tested| glob.matches(tested.call.tool()));
        let lint = |(rule, position): (&Rule, Option<Position>)| {
            let tools: Vec<String> =
                rule.tools.iter().filter(called).map(|glob| format!("`{}`", glob.as_str())).collect();
            (!tools.is_empty()).then(|| Lint {
                kind: LintKind::NoExample,
                rule: rule.name.clone(),
                position,
                message: format!("no example calls {}", tools.join(", ")),
            })
        };
        self.placed_rules().filter_map(lint).collect()
    }

    fn same_examples(&self) -> Vec<Lint> {
        let mut known: BTreeMap<Call, (Option<String>, Option<Position>)> = BTreeMap::new();
        let mut found = Vec::new();
        for tested in self.examples() {
            let here = (tested.rule.clone(), tested.position);
            let Some((rule, position)) = known.insert(tested.call, here) else { continue };
            let place = position.map_or_else(String::new, |at| format!(", {}:{}", at.line, at.column));
            found.push(Lint {
                kind: LintKind::SameExample,
                rule: tested.rule.unwrap_or_default(),
                position: tested.position,
                message: format!("the example is that of rule `{}`{place}", rule.unwrap_or_default()),
            });
        }
        found
    }
}

type Found = Option<(LintKind, String)>;

fn condition(rule: &Rule) -> Found {
    let place = contradiction::find(rule.when.as_ref()?)?;
    let but = match rule.effect {
        RuleEffect::Allow => "",
        RuleEffect::Approve | RuleEffect::Deny => "; where it cannot be evaluated, the rule still restricts",
    };
    Some((LintKind::NeverTrue, format!("nothing at `{place}` fulfils its condition{but}")))
}

fn window(rule: &Rule, now: Option<Timestamp>) -> Found {
    let window = rule.window.as_ref()?;
    if !window.ever_opens() {
        return Some((LintKind::NeverOpen, "its window contains no instant".to_owned()));
    }
    let until = window.until.filter(|until| now.is_some_and(|now| *until <= now))?;
    Some((LintKind::WindowOver, format!("its window closed for good at {until}")))
}

fn never_asked(rule: &Rule, asked: &[&Labelled]) -> Found {
    let same =
        |label: &Labelled, other: &Labelled| label.name == other.name && label.of.len() == other.of.len();
    let lost = rule.raises.iter().find(|label| !asked.iter().any(|other| same(label, other)))?;
    Some((LintKind::NeverAsked, format!("no condition asks for the label `{}` that it raises", lost.name)))
}

fn every_tool(rule: &Rule) -> Found {
    let message = "it allows every tool that no other rule is about".to_owned();
    rule.every_tool.then_some((LintKind::EveryTool, message))
}
