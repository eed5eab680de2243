//! Which rules may be about a call: by exact name where a rule names tools, by
//! what a name begins with where it has patterns, and the same for its agents.
//! A call looks at the rules that may concern it, not at all of them, and what
//! it costs to find them hardly depends on how many there are.

mod name;

use crate::context::Risk;
use crate::glob::Glob;
use crate::rule::Rule;
use name::{NameIndex, Patterns};

/// A rule with more agents than this is not indexed by them: tools times
/// agents must not fill the memory. The engine looks at its agents anyway.
const MAX_INDEXED_AGENTS: usize = 16;

/// Rules by tool, then by agent. A rule is its position in the model.
#[derive(Debug, Clone, Default)]
pub(crate) struct RuleIndex(NameIndex<Agents>);

/// The rules about one tool, or one pattern of tools.
#[derive(Debug, Clone, Default)]
struct Agents {
    /// Rules to look at whoever acts.
    every: Vec<u32>,
    named: NameIndex<Vec<u32>>,
}

/// The same while it is built.
#[derive(Default)]
struct Bucket {
    every: Vec<u32>,
    named: Patterns<Vec<u32>>,
}

impl RuleIndex {
    /// An index of `rules`, each with its position, at most
    /// [`MAX_RULES`](crate::model::MAX_RULES).
    pub(crate) fn new<'a>(rules: impl IntoIterator<Item = (u32, &'a Rule)>) -> Self {
        let mut tools = Patterns::<Bucket>::default();
        for (at, rule) in rules {
            for tool in &rule.tools {
                let bucket = tools.entry(tool);
                match rule.agents.as_deref() {
                    Some(agents) if agents.len() <= MAX_INDEXED_AGENTS => {
                        agents.iter().for_each(|agent| bucket.named.entry(agent).push(at));
                    }
                    _ => bucket.every.push(at),
                }
            }
        }
        Self(tools.finish(|Bucket { every, named }| Agents { every, named: named.finish(|rules| rules) }))
    }

    /// Calls `found` with every rule about `tool` that may be about `agent`,
    /// in no particular order; with one more than once when several of its
    /// patterns match.
    pub(crate) fn visit(&self, tool: &str, agent: &str, mut found: impl FnMut(u32)) {
        self.0.visit(tool, |agents| {
            agents.every.iter().for_each(|&rule| found(rule));
            agents.named.visit(agent, |rules| rules.iter().for_each(|&rule| found(rule)));
        });
    }
}

/// Risk classes by tool.
#[derive(Debug, Clone, Default)]
pub(crate) struct RiskIndex(NameIndex<Option<Risk>>);

impl RiskIndex {
    pub(crate) fn new(risks: &[(Risk, Glob)]) -> Self {
        let mut tools = Patterns::<Option<Risk>>::default();
        for (risk, glob) in risks {
            let class = tools.entry(glob);
            *class = (*class).max(Some(*risk));
        }
        Self(tools.finish(|class| class))
    }

    /// The greatest class of `tool`.
    pub(crate) fn of(&self, tool: &str) -> Option<Risk> {
        let mut greatest = None;
        self.0.visit(tool, |&class| greatest = greatest.max(class));
        greatest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rule::Rule;

    type Patterns = Vec<Vec<String>>;

    fn patterns() -> impl Strategy<Value = Vec<String>> {
        let pattern = "[ab.:*]{1,6}".prop_filter("no three stars", |text| !text.contains("***"));
        prop::collection::vec(pattern, 1..4)
    }

    fn rule(tools: &[String], agents: &[String]) -> Rule {
        let texts = |texts: &[String]| texts.to_vec();
        let (tools, agents) = (texts(tools), texts(agents));
        Rule::deny("r").tools(tools.iter().map(String::as_str)).agents(agents.iter().map(String::as_str))
    }

    proptest! {
        /// What is found holds every rule about both names, and no rule about
        /// another tool.
        #[test]
        fn finds_what_a_scan_finds(
            tools in prop::collection::vec(patterns(), 0..12),
            agents in prop::collection::vec(patterns(), 12),
            tool in "[ab.:]{0,8}",
            agent in "[ab.:]{0,8}",
        ) {
            let _: &Patterns = &tools;
            let rules: Vec<Rule> = tools.iter().zip(&agents).map(|(tools, agents)| rule(tools, agents)).collect();
            let mut found = Vec::new();
            RuleIndex::new((0..).zip(&rules)).visit(&tool, &agent, |at| found.push(at as usize));
            found.sort_unstable();
            found.dedup();
            let about = |rule: &Rule| {
                rule.tools.iter().any(|glob| glob.matches(&tool)) && rule.is_about_agent(&agent)
            };
            let scan: Vec<usize> = (0..rules.len()).filter(|&at| about(&rules[at])).collect();
            prop_assert_eq!(found, scan);
        }
    }

    #[test]
    fn a_rule_with_many_agents_is_looked_at_for_all() {
        let names: Vec<String> = (0..=MAX_INDEXED_AGENTS).map(|at| format!("agent-{at}")).collect();
        let few = rule(&["t".to_owned()], &names[1..]);
        let many = rule(&["t".to_owned()], &names);
        let mut found = Vec::new();
        RuleIndex::new([(0, &few), (1, &many)]).visit("t", "another", |at| found.push(at));
        assert_eq!(found, [1]);
    }
}
