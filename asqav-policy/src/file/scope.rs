//! The names that rules may use: classes of tools, classes of data, detectors.

use std::collections::BTreeMap;

use super::table::{Table, Value};
use crate::context::Risk;
use crate::detector::Detector;
use crate::error::{Fault, Problem, quote};
use crate::glob::Glob;

/// Names and what they stand for.
#[derive(Debug)]
pub(super) struct Scope {
    tools: BTreeMap<String, Vec<Glob>>,
    data: BTreeMap<String, Vec<Detector>>,
    detectors: Vec<Detector>,
}

impl Scope {
    /// Reads the classes of a file; `detectors` are known besides the built-in
    /// ones.
    pub(super) fn read(document: &Table<'_>, detectors: Vec<Detector>) -> Result<Self, Fault> {
        detectors.iter().try_for_each(Detector::check)?;
        let mut scope = Self { tools: BTreeMap::new(), data: BTreeMap::new(), detectors };
        for class in classes(document, "tool_classes")? {
            scope.tools.insert(class.key().to_owned(), patterns(&class)?);
        }
        for class in classes(document, "data_classes")? {
            let names = not_empty(&class)?;
            let found = names.iter().map(|name| scope.detector(name)).collect::<Result<_, _>>()?;
            scope.data.insert(class.key().to_owned(), found);
        }
        Ok(scope)
    }

    /// Patterns of tools, or `@` and a class.
    pub(super) fn tools(&self, value: &Value<'_>) -> Result<Vec<Glob>, Fault> {
        let mut globs = Vec::new();
        for item in not_empty(value)? {
            match item.text()?.strip_prefix('@') {
                Some(class) => globs.extend_from_slice(named(&self.tools, class, &item, TOOL_CLASS)?),
                None => globs.push(pattern(&item)?),
            }
        }
        Ok(globs)
    }

    /// Names of detectors, or `@` and a class of data.
    pub(super) fn detectors(&self, value: &Value<'_>) -> Result<Vec<Detector>, Fault> {
        let mut found = Vec::new();
        for item in not_empty(value)? {
            match item.text()?.strip_prefix('@') {
                Some(class) => found.extend_from_slice(named(&self.data, class, &item, DATA_CLASS)?),
                None => found.push(self.detector(&item)?),
            }
        }
        Ok(found)
    }

    fn detector(&self, value: &Value<'_>) -> Result<Detector, Fault> {
        let name = value.text()?;
        let given = self.detectors.iter().find(|detector| detector.name() == name).cloned();
        given
            .or_else(|| Detector::built_in(name))
            .ok_or_else(|| unknown(name, value, "a detector that is known"))
    }
}

const TOOL_CLASS: &str = "a class in `[tool_classes]`";
const DATA_CLASS: &str = "a class in `[data_classes]`";

/// Reads `[risk]`.
pub(super) fn read_risks(document: &Table<'_>) -> Result<Vec<(Risk, Glob)>, Fault> {
    let Some(table) = document.get("risk") else { return Ok(Vec::new()) };
    let table = table.table()?;
    table.allow_only(&Risk::ALL.map(|(word, _)| word))?;
    let mut risks = Vec::new();
    for (word, class) in Risk::ALL {
        if let Some(tools) = table.get(word) {
            risks.extend(patterns(&tools)?.into_iter().map(|glob| (class, glob)));
        }
    }
    Ok(risks)
}

/// A list of patterns that is not empty.
pub(super) fn patterns(value: &Value<'_>) -> Result<Vec<Glob>, Fault> {
    not_empty(value)?.iter().map(pattern).collect()
}

fn pattern(value: &Value<'_>) -> Result<Glob, Fault> {
    Glob::parse(value.text()?).map_err(|error| Fault::at(value.at(), error))
}

/// The items of an array that is not empty.
pub(super) fn not_empty<'t>(value: &Value<'t>) -> Result<Vec<Value<'t>>, Fault> {
    let items = value.items()?;
    if items.is_empty() {
        return Err(Fault::at(value.at(), Problem::EmptyList(quote(value.key()))));
    }
    Ok(items)
}

fn classes<'t>(document: &Table<'t>, key: &str) -> Result<Vec<Value<'t>>, Fault> {
    document.get(key).map_or(Ok(Vec::new()), |table| Ok(table.table()?.entries()))
}

fn named<'s, T>(
    classes: &'s BTreeMap<String, T>,
    class: &str,
    value: &Value<'_>,
    expected: &'static str,
) -> Result<&'s T, Fault> {
    classes.get(class).ok_or_else(|| unknown(class, value, expected))
}

fn unknown(name: &str, value: &Value<'_>, expected: &'static str) -> Fault {
    Fault::at(value.at(), Problem::Word { found: quote(name), expected })
}
