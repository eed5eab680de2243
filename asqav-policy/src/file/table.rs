//! Typed access to values that keeps the place of each.

use super::tree::{Kind, Member, Node};
use crate::error::{Fault, Problem, quote};

/// A table and where it stands.
pub(super) struct Table<'t> {
    entries: &'t [Member],
    at: usize,
}

/// A value, the key it stands under, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    key: &'t str,
    value: &'t Node,
}

impl<'t> Table<'t> {
    pub(super) const fn new(entries: &'t [Member], at: usize) -> Self {
        Self { entries, at }
    }

    /// Where the table begins.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Refuses the first key, as the file goes, that is not among `known`.
    pub(super) fn allow_only(&self, known: &[&'static str]) -> Result<(), Fault> {
        match self.entries.iter().find(|member| !known.contains(&member.key.as_str())) {
            None => Ok(()),
            Some(Member { key, at, .. }) => {
                let nearest = nearest(key, known);
                Err(Fault::at(*at, Problem::UnknownKey { key: quote(key), nearest }))
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'t>> {
        self.entries.iter().find(|member| member.key == key).map(Value::of)
    }

    /// The entries in the order of the file.
    pub(super) fn entries(&self) -> Vec<Value<'t>> {
        self.entries.iter().map(Value::of).collect()
    }

    pub(super) fn require(&self, key: &'static str) -> Result<Value<'t>, Fault> {
        self.get(key).ok_or_else(|| Fault::at(self.at, Problem::MissingKey(key)))
    }
}

impl<'t> Value<'t> {
    fn of(member: &'t Member) -> Self {
        Self { key: &member.key, value: &member.value }
    }

    /// The whole file.
    pub(super) const fn document(value: &'t Node) -> Self {
        Self { key: "the file", value }
    }

    /// Where the value begins.
    pub(super) const fn at(&self) -> usize {
        self.value.at
    }

    pub(super) const fn key(&self) -> &'t str {
        self.key
    }

    pub(super) const fn raw(&self) -> &'t Kind {
        &self.value.kind
    }

    /// The fault of a value that is not what it must be.
    pub(super) fn mistyped(&self, expected: &'static str) -> Fault {
        let (key, found) = (quote(self.key), self.raw().type_name());
        Fault::at(self.at(), Problem::WrongType { key, expected, found })
    }

    pub(super) fn text(&self) -> Result<&'t str, Fault> {
        match self.raw() {
            Kind::String(text) => Ok(text),
            _ => Err(self.mistyped("a string")),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, Fault> {
        match self.raw() {
            Kind::Boolean(value) => Ok(*value),
            _ => Err(self.mistyped("a boolean")),
        }
    }

    /// An integer of at most 64 bits.
    pub(super) fn integer(&self) -> Result<i64, Fault> {
        match self.raw() {
            Kind::Integer(integer) => integer.ok_or_else(|| self.mistyped("an integer of at most 64 bits")),
            _ => Err(self.mistyped("an integer")),
        }
    }

    pub(super) fn float(&self) -> Result<f64, Fault> {
        match self.raw() {
            Kind::Float(float) => Ok(*float),
            _ => Err(self.mistyped("a float")),
        }
    }

    pub(super) fn table(&self) -> Result<Table<'t>, Fault> {
        match self.raw() {
            Kind::Table(entries) => Ok(Table::new(entries, self.at())),
            _ => Err(self.mistyped("a table")),
        }
    }

    /// The items of an array, each under the array's key.
    pub(super) fn items(&self) -> Result<Vec<Self>, Fault> {
        match self.raw() {
            Kind::Array(items) => Ok(items.iter().map(|value| Self { key: self.key, value }).collect()),
            _ => Err(self.mistyped("an array")),
        }
    }
}

/// The known word that `text` most resembles: at most two edits away.
fn nearest(text: &str, known: &[&'static str]) -> Option<&'static str> {
    let text: Vec<char> = text.chars().take(32).collect();
    known
        .iter()
        .map(|word| (distance(&text, word), *word))
        .filter(|&(edits, word)| edits <= 2 && edits < word.len())
        .min_by_key(|&(edits, _)| edits)
        .map(|(_, word)| word)
}

/// Levenshtein's distance in characters, row by row.
fn distance(text: &[char], word: &str) -> usize {
    let mut row: Vec<usize> = (0..=text.len()).collect();
    for (at, c) in word.chars().enumerate() {
        let mut left = at + 1;
        let mut diagonal = at;
        let mut next = vec![left];
        for (&other, &above) in text.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(other != c)).min(left + 1).min(above + 1);
            diagonal = above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
