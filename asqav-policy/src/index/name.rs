//! Values by pattern for names: those whose pattern matches a name are found
//! by one look for the name itself and one for what it begins with.

use std::collections::{BTreeMap, HashMap};

use crate::glob::Glob;

/// Patterns with their values, being collected.
pub(super) struct Patterns<T>(BTreeMap<Box<str>, (Glob, T)>);

/// Values by pattern.
#[derive(Debug, Clone)]
pub(super) struct NameIndex<T> {
    exact: HashMap<Box<str>, T>,
    /// Ordered by text, each once.
    prefixes: Vec<Prefix<T>>,
}

/// The patterns with one literal prefix.
#[derive(Debug, Clone)]
struct Prefix<T> {
    text: Box<str>,
    globs: Vec<(Glob, T)>,
    /// The longest other prefix that this one begins with.
    shorter: Option<u32>,
}

impl<T> Default for Patterns<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Default for NameIndex<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), prefixes: Vec::new() }
    }
}

impl<T: Default> Patterns<T> {
    /// The value of `glob`.
    pub(super) fn entry(&mut self, glob: &Glob) -> &mut T {
        &mut self.0.entry(glob.as_str().into()).or_insert_with(|| (glob.clone(), T::default())).1
    }

    /// The index of all patterns, each value turned by `each`.
    pub(super) fn finish<U>(self, each: impl Fn(T) -> U) -> NameIndex<U> {
        let mut exact = HashMap::new();
        let mut prefixes = BTreeMap::<Box<str>, Vec<(Glob, U)>>::new();
        for (text, (glob, value)) in self.0 {
            match glob.exact() {
                Some(_) => drop(exact.insert(text, each(value))),
                None => prefixes.entry(glob.prefix().into()).or_default().push((glob, each(value))),
            }
        }
        NameIndex { exact, prefixes: link(prefixes) }
    }
}

/// Of two texts that a third begins with, the longer begins with the shorter,
/// and in order all that begin with a text follow it without a gap: the links
/// are the innermost open text, as for brackets.
fn link<T>(prefixes: BTreeMap<Box<str>, Vec<(Glob, T)>>) -> Vec<Prefix<T>> {
    let mut open: Vec<(u32, Box<str>)> = Vec::new();
    let prefixes = prefixes.into_iter().zip(0_u32..);
    let linked = prefixes.map(|((text, globs), at)| {
        while open.last().is_some_and(|(_, outer)| !text.starts_with(&**outer)) {
            open.pop();
        }
        let shorter = open.last().map(|&(outer, _)| outer);
        open.push((at, text.clone()));
        Prefix { text, globs, shorter }
    });
    linked.collect()
}

impl<T> NameIndex<T> {
    /// Calls `found` with the value of each pattern that matches `name`.
    pub(super) fn visit(&self, name: &str, mut found: impl FnMut(&T)) {
        if !self.exact.is_empty()
            && let Some(value) = self.exact.get(name)
        {
            found(value);
        }
        // The last prefix at or before the name: it, or one of those it begins
        // with, is the longest that the name begins with.
        let behind = self.prefixes.partition_point(|prefix| *prefix.text <= *name);
        let mut next = behind.checked_sub(1);
        while let Some(prefix) = next.and_then(|at| self.prefixes.get(at)) {
            if name.starts_with(&*prefix.text) {
                for (glob, value) in &prefix.globs {
                    if glob.matches(name) {
                        found(value);
                    }
                }
            }
            next = prefix.shorter.map(|at| at as usize);
        }
    }
}
