//! Rules that an unconditional rule makes idle.

use super::{Found, LintKind};
use crate::context::Asked;
use crate::glob::Glob;
use crate::normal;
use crate::rule::{Rule, RuleEffect};

/// The rules that hold for every call of their tools by their agents.
pub(super) struct Unconditional<'p>(Vec<&'p Rule>);

impl<'p> Unconditional<'p> {
    pub(super) fn of(rules: impl Iterator<Item = &'p Rule>) -> Self {
        Self(rules.filter(|rule| normal::write_rule(rule) == normal::write_rule(&bare(rule))).collect())
    }

    /// Which of them makes `rule` idle.
    pub(super) fn look(&self, rule: &Rule) -> Found {
        let others = || self.0.iter().filter(|other| other.name != rule.name && reaches(other, rule));
        let denies = |other: &&&Rule| other.effect == RuleEffect::Deny;
        if rule.effect != RuleEffect::Deny
            && let Some(other) = others().find(denies)
        {
            let message = format!("rule `{}` denies every call that it is about", other.name);
            return Some((LintKind::Shadowed, message));
        }
        // Of two rules that do the same, the later one is named.
        let first = |other: &&&Rule| !reaches(rule, other) || !self.has(rule) || other.name < rule.name;
        let same =
            others().filter(|other| other.effect == rule.effect && only_restricts(rule)).find(first)?;
        Some((
            LintKind::Redundant,
            format!("rule `{}` does the same for every call that it is about", same.name),
        ))
    }

    fn has(&self, rule: &Rule) -> bool {
        self.0.iter().any(|known| known.name == rule.name)
    }
}

/// The rule without anything that narrows or adds to it.
///
/// A rule is unconditional when its normal form is that of its bare rule: what
/// rules will be able to say later makes them conditional here, too.
fn bare(rule: &Rule) -> Rule {
    let mut bare = Rule::with_effect(rule.name.as_str(), rule.effect);
    bare.tools.clone_from(&rule.tools);
    bare.agents.clone_from(&rule.agents);
    bare.on_result = rule.on_result;
    bare
}

/// Whether what the rule says beyond its tools and agents can only narrow it,
/// so that without the rule nothing is lost.
fn only_restricts(rule: &Rule) -> bool {
    let mut wide = rule.clone();
    (wide.when, wide.window, wide.asked) = (None, None, Asked::default());
    normal::write_rule(&wide) == normal::write_rule(&bare(rule))
}

/// Whether `other` is about every call that `rule` is about.
fn reaches(other: &Rule, rule: &Rule) -> bool {
    let agents = match (&other.agents, &rule.agents) {
        (None, _) => true,
        (Some(others), Some(agents)) => all_covered(others, agents),
        (Some(others), None) => others.iter().any(Glob::matches_everything),
    };
    agents && other.on_result == rule.on_result && all_covered(&other.tools, &rule.tools)
}

fn all_covered(by: &[Glob], globs: &[Glob]) -> bool {
    globs.iter().all(|glob| by.iter().any(|wide| wide.covers(glob)))
}
