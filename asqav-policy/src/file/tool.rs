//! Reads the tools that a policy knows.

use super::condition;
use super::scope::Scope;
use super::table::{Table, Value};
use super::word;
use crate::condition::{all, arg};
use crate::error::{Fault, Problem};
use crate::tool::{Kind, MAX_TOOLS, Tool};

/// `[[tool]]`.
pub(super) fn read(document: &Table<'_>, scope: &Scope) -> Result<Vec<Tool>, Fault> {
    let Some(list) = document.get("tool") else { return Ok(Vec::new()) };
    let items = list.items()?;
    if items.len() > MAX_TOOLS {
        return Err(Fault::at(list.at(), Problem::TooMany { what: "tools", max: MAX_TOOLS }));
    }
    items.iter().map(|item| read_one(item, scope)).collect()
}

fn read_one(value: &Value<'_>, scope: &Scope) -> Result<Tool, Fault> {
    let table = value.table()?;
    table.allow_only(&["name", "arguments"])?;
    let mut tool = Tool::new(table.require("name")?.text()?);
    tool.at = Some(table.at());
    if let Some(arguments) = table.get("arguments") {
        for argument in arguments.table()?.entries() {
            tool = read_argument(tool, &argument, scope)?;
        }
    }
    tool.check().map_err(|problem| Fault::at(table.at(), problem))?;
    Ok(tool)
}

/// A type, or a type with questions that have to be answered with yes.
fn read_argument(tool: Tool, value: &Value<'_>, scope: &Scope) -> Result<Tool, Fault> {
    let expected = "`string`, `integer`, `number`, `boolean`, `array`, `object` or `any`";
    let name = value.key();
    if value.text().is_ok() {
        return Ok(tool.with(name, word(value, &Kind::ALL, expected)?, None, false));
    }
    let table = value.table()?;
    let kind = word(&table.require("type")?, &Kind::ALL, expected)?;
    let optional = table.get("optional").map_or(Ok(false), |value| value.boolean())?;
    let place = arg(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
    let questions = table.entries().into_iter().filter(|entry| !matches!(entry.key(), "type" | "optional"));
    let conditions = questions
        .map(|question| condition::question(&place, &question, scope))
        .collect::<Result<Vec<_>, _>>()?;
    let when = if conditions.is_empty() { None } else { Some(all(conditions)) };
    Ok(tool.with(name, kind, when, optional))
}
