//! Reads the labels that a rule raises, and those that a condition asks for.

use super::rule::read_period;
use super::scope::not_empty;
use super::table::{Table, Value};
use super::tree::Kind;
use crate::condition::{Condition, Node};
use crate::error::Fault;
use crate::label::{LabelTest, Labelled};

/// The key `raises` of a rule: names, or names with what they are bound to.
pub(super) fn read_raises(value: &Value<'_>) -> Result<Vec<Labelled>, Fault> {
    not_empty(value)?.iter().map(read_raise).collect()
}

fn read_raise(value: &Value<'_>) -> Result<Labelled, Fault> {
    if let Kind::String(name) = value.raw() {
        return Labelled::new(name).map_err(|problem| Fault::at(value.at(), problem));
    }
    let table = value.table()?;
    table.allow_only(&["label", "of"])?;
    read_label(&table, &table.require("label")?)
}

/// A condition with the key `label`.
pub(super) fn read_test(table: &Table<'_>, name: &Value<'_>) -> Result<Condition, Fault> {
    table.allow_only(&["label", "of", "within"])?;
    let label = read_label(table, name)?;
    let within = table.get("within").map(|within| read_period(&within)).transpose()?;
    Ok(Condition(Ok(Node::Label(LabelTest { label, within }))))
}

fn read_label(table: &Table<'_>, name: &Value<'_>) -> Result<Labelled, Fault> {
    let label = Labelled::new(name.text()?).map_err(|problem| Fault::at(name.at(), problem))?;
    let Some(of) = table.get("of") else { return Ok(label) };
    let pointers = not_empty(&of)?.iter().map(Value::text).collect::<Result<Vec<_>, _>>()?;
    label.of(pointers).map_err(|problem| Fault::at(of.at(), problem))
}
