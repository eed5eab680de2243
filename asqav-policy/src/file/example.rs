//! Reads the examples of a rule.

use asqav_receipt::canonical;
use asqav_receipt::json::{Json, Object};
use toml::de::DeValue;

use super::rule::read_instant;
use super::table::Value;
use crate::error::{Fault, Problem};
use crate::example::Example;
use crate::rule::{MAX_PER_RULE, RuleEffect};

pub(super) fn read(value: &Value<'_>) -> Result<Vec<Example>, Fault> {
    let table = value.table()?;
    table.allow_only(&["allow", "approve", "deny"])?;
    let mut examples = Vec::new();
    for list in table.entries() {
        let expected = match list.key() {
            "allow" => RuleEffect::Allow,
            "approve" => RuleEffect::Approve,
            _ => RuleEffect::Deny,
        };
        for item in list.items()? {
            examples.push(read_one(&item, expected)?);
        }
    }
    if examples.len() > MAX_PER_RULE {
        return Err(Fault::at(
            value.at(),
            Problem::TooMany { what: "examples in one rule", max: MAX_PER_RULE },
        ));
    }
    Ok(examples)
}

fn read_one(value: &Value<'_>, expected: RuleEffect) -> Result<Example, Fault> {
    let table = value.table()?;
    table.allow_only(&["tool", "agent", "at", "args"])?;
    let text = |key| table.get(key).map(|value| value.text().map(str::to_owned)).transpose();
    let mut example = Example::new(expected);
    example.at = Some(value.at());
    example.tool = text("tool")?;
    example.agent = text("agent")?;
    example.now = table.get("at").map(|value| read_instant(&value)).transpose()?;
    if let Some(arguments) = table.get("args") {
        for argument in arguments.table()?.entries() {
            let text = canonical::to_vec(&read_json(&argument)?);
            let text = String::from_utf8_lossy(&text).into_owned();
            example.arguments.push((argument.key().to_owned(), text));
        }
    }
    Ok(example)
}

/// A TOML value as JSON. The TOML reader bounds its depth.
fn read_json(value: &Value<'_>) -> Result<Json, Fault> {
    Ok(match value.raw() {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(boolean) => Json::Bool(*boolean),
        DeValue::Integer(_) => Json::Integer(value.integer()?),
        DeValue::Float(_) => match value.float()? {
            float if float.is_finite() => Json::Float(float),
            _ => return Err(value.mistyped("a finite number")),
        },
        DeValue::Array(_) => Json::Array(value.items()?.iter().map(read_json).collect::<Result<_, _>>()?),
        DeValue::Table(_) => {
            let mut object = Object::new();
            for entry in value.table()?.entries() {
                object.set(entry.key(), read_json(&entry)?);
            }
            object.into()
        }
        DeValue::Datetime(_) => return Err(value.mistyped("a value that JSON has")),
    })
}
