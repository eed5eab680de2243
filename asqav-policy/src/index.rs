//! Which rules are about a tool: by exact name where a rule names tools, by
//! what a name begins with where it has patterns. A call looks at the rules
//! that may concern its tool, not at all of them.

use std::collections::HashMap;

use crate::glob::Glob;

/// Rules by tool. A rule is its position in the model.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToolIndex {
    exact: HashMap<Box<str>, Vec<usize>>,
    /// Patterns by their literal prefix.
    prefixes: HashMap<Box<str>, Vec<(Glob, usize)>>,
    /// The lengths of the prefixes, ascending, each once: at most 128.
    lengths: Vec<usize>,
}

impl ToolIndex {
    /// An index of rules, each given by the patterns of its tools.
    pub(crate) fn new<'a>(rules: impl IntoIterator<Item = &'a [Glob]>) -> Self {
        let mut index = Self::default();
        for (rule, globs) in rules.into_iter().enumerate() {
            for glob in globs {
                index.add(glob, rule);
            }
        }
        index.lengths = index.prefixes.keys().map(|prefix| prefix.len()).collect();
        index.lengths.sort_unstable();
        index.lengths.dedup();
        index
    }

    fn add(&mut self, glob: &Glob, rule: usize) {
        match glob.exact() {
            Some(name) => self.exact.entry(name.into()).or_default().push(rule),
            None => self.prefixes.entry(glob.prefix().into()).or_default().push((glob.clone(), rule)),
        }
    }

    /// The rules about `tool`, in no particular order; one comes more than
    /// once when several of its patterns match.
    pub(crate) fn rules<'a>(&'a self, tool: &'a str) -> impl Iterator<Item = usize> + 'a {
        let exact = self.exact.get(tool).into_iter().flatten().copied();
        let patterns = self
            .lengths
            .iter()
            .filter_map(|&len| self.prefixes.get(tool.get(..len)?))
            .flatten()
            .filter(|(glob, _)| glob.matches(tool))
            .map(|&(_, rule)| rule);
        exact.chain(patterns)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_scan_finds(
            rules in prop::collection::vec(prop::collection::vec("[ab.:*]{1,6}", 1..4), 0..12),
            tool in "[ab.:]{0,8}",
        ) {
            prop_assume!(rules.iter().flatten().all(|text| !text.contains("***")));
            let rules: Vec<Vec<Glob>> =
                rules.iter().map(|globs| globs.iter().map(|text| Glob::parse(text).unwrap()).collect()).collect();
            let index = ToolIndex::new(rules.iter().map(Vec::as_slice));
            let mut found: Vec<usize> = index.rules(&tool).collect();
            found.sort_unstable();
            found.dedup();
            let scan: Vec<usize> =
                (0..rules.len()).filter(|&rule| rules[rule].iter().any(|glob| glob.matches(&tool))).collect();
            prop_assert_eq!(found, scan);
        }
    }
}
