//! Typed access to TOML values that keeps the place of each.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::type_name;
use crate::error::{Fault, Problem, quote};

/// A table and where it stands.
pub(super) struct Table<'t> {
    entries: &'t DeTable<'t>,
    at: usize,
}

/// A value, the key it stands under, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    key: &'t str,
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Table<'t> {
    pub(super) const fn new(entries: &'t DeTable<'t>, at: usize) -> Self {
        Self { entries, at }
    }

    /// Where the table begins.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Refuses the first key, as the file goes, that is not among `known`.
    pub(super) fn allow_only(&self, known: &[&'static str]) -> Result<(), Fault> {
        let unknown = |key: &&'t Spanned<_>| !known.contains(&AsRef::<str>::as_ref(key.get_ref()));
        match self.entries.keys().filter(unknown).min_by_key(|key| key.span().start) {
            None => Ok(()),
            Some(key) => {
                let nearest = nearest(key.get_ref(), known);
                Err(Fault::at(key.span().start, Problem::UnknownKey { key: quote(key.get_ref()), nearest }))
            }
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Value<'t>> {
        let (key, value) = self.entries.get_key_value(key)?;
        Some(Value { key: key.get_ref(), value })
    }

    /// The entries in the order of the file.
    pub(super) fn entries(&self) -> Vec<Value<'t>> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| key.span().start);
        entries.into_iter().map(|(key, value)| Value { key: key.get_ref(), value }).collect()
    }

    pub(super) fn require(&self, key: &'static str) -> Result<Value<'t>, Fault> {
        self.get(key).ok_or_else(|| Fault::at(self.at, Problem::MissingKey(key)))
    }
}

impl<'t> Value<'t> {
    /// Where the value begins.
    pub(super) fn at(&self) -> usize {
        self.value.span().start
    }

    pub(super) const fn key(&self) -> &'t str {
        self.key
    }

    pub(super) fn raw(&self) -> &'t DeValue<'t> {
        self.value.get_ref()
    }

    /// The fault of a value that is not what it must be.
    pub(super) fn mistyped(&self, expected: &'static str) -> Fault {
        let (key, found) = (quote(self.key), type_name(self.raw()));
        Fault::at(self.at(), Problem::WrongType { key, expected, found })
    }

    pub(super) fn text(&self) -> Result<&'t str, Fault> {
        match self.raw() {
            DeValue::String(text) => Ok(text),
            _ => Err(self.mistyped("a string")),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, Fault> {
        match self.raw() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.mistyped("a boolean")),
        }
    }

    /// An integer of at most 64 bits.
    pub(super) fn integer(&self) -> Result<i64, Fault> {
        match self.raw() {
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .map_err(|_| self.mistyped("an integer of at most 64 bits")),
            _ => Err(self.mistyped("an integer")),
        }
    }

    pub(super) fn float(&self) -> Result<f64, Fault> {
        match self.raw() {
            DeValue::Float(float) => float.as_str().parse().map_err(|_| self.mistyped("a number")),
            _ => Err(self.mistyped("a float")),
        }
    }

    pub(super) fn table(&self) -> Result<Table<'t>, Fault> {
        match self.raw() {
            DeValue::Table(entries) => Ok(Table::new(entries, self.at())),
            _ => Err(self.mistyped("a table")),
        }
    }

    /// The items of an array, each under the array's key.
    pub(super) fn items(&self) -> Result<Vec<Self>, Fault> {
        match self.raw() {
            DeValue::Array(items) => Ok(items.iter().map(|value| Self { key: self.key, value }).collect()),
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
