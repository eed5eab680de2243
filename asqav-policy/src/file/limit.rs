//! Reads the limits of a rule.

use super::rule::{rate_of, read_period};
use super::table::{Table, Value};
use crate::error::{Fault, Problem, quote};
use crate::limit::{Key, Limit, What};

pub(super) fn read(value: &Value<'_>) -> Result<Vec<Limit>, Fault> {
    value.items()?.iter().map(read_one).collect()
}

fn read_one(value: &Value<'_>) -> Result<Limit, Fault> {
    let table = value.table()?;
    let limit = match (table.get("calls"), table.get("amount")) {
        (Some(_), None) => read_rate(&table)?,
        (None, Some(amount)) => read_budget(&table, &amount)?,
        _ => {
            let problem = Problem::Combination("a limit has one of the keys `calls` and `amount`");
            return Err(Fault::at(value.at(), problem));
        }
    };
    let Some(by) = table.get("by") else { return Ok(limit) };
    Ok(limit.by(by.items()?.iter().map(read_key).collect::<Result<Vec<_>, _>>()?))
}

fn read_rate(table: &Table<'_>) -> Result<Limit, Fault> {
    table.allow_only(&["calls", "per", "by"])?;
    Ok(Limit { what: What::Rate(rate_of(table)?), by: Vec::new() })
}

fn read_budget(table: &Table<'_>, amount: &Value<'_>) -> Result<Limit, Fault> {
    table.allow_only(&["amount", "per", "cost", "settle", "by"])?;
    // A negative amount is out of range as well.
    let units = u64::try_from(amount.integer()?).unwrap_or(0);
    let mut limit = Limit::budget(units).map_err(|problem| Fault::at(amount.at(), problem))?;
    if let Some(per) = table.get("per") {
        limit = limit.per(read_period(&per)?).map_err(|problem| Fault::at(per.at(), problem))?;
    }
    if let Some(cost) = table.get("cost") {
        limit = limit.cost_of(cost.text()?).map_err(|problem| Fault::at(cost.at(), problem))?;
    }
    if let Some(settle) = table.get("settle") {
        limit = limit.settled_by(settle.text()?).map_err(|problem| Fault::at(settle.at(), problem))?;
    }
    Ok(limit)
}

/// A word, or a JSON pointer.
fn read_key(value: &Value<'_>) -> Result<Key, Fault> {
    let expected = "`agent`, `tool`, `session`, `tenant` or a JSON pointer like `/account`";
    match value.text()? {
        "agent" => Ok(Key::Agent),
        "tool" => Ok(Key::Tool),
        "session" => Ok(Key::Session),
        "tenant" => Ok(Key::Tenant),
        text if text.starts_with('/') => {
            Key::argument(text).map_err(|problem| Fault::at(value.at(), problem))
        }
        text => Err(Fault::at(value.at(), Problem::Word { found: quote(text), expected })),
    }
}
