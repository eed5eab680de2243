//! Reads the examples of a rule.

use std::time::Duration;

use asqav_receipt::canonical;
use asqav_receipt::json::{Json, Object};

use super::rule::{read_instant, read_period};
use super::table::Value;
use super::tree::Kind;
use crate::context::Actor;
use crate::error::{Fault, Problem, quote};
use crate::example::{Example, ExampleLabel};
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

pub(super) fn read_one(value: &Value<'_>, expected: RuleEffect) -> Result<Example, Fault> {
    let table = value.table()?;
    table.allow_only(&[
        "tool", "agent", "tenant", "actor", "resource", "at", "args", "result", "labels", "session",
    ])?;
    let text = |key| table.get(key).map(|value| value.text().map(str::to_owned)).transpose();
    let mut example = Example::new(expected);
    example.at = Some(value.at());
    example.tool = text("tool")?;
    example.agent = text("agent")?;
    example.tenant = text("tenant")?;
    example.resource = text("resource")?;
    example.actor = table.get("actor").map(|value| read_actor(&value)).transpose()?;
    example.now = table.get("at").map(|value| read_instant(&value)).transpose()?;
    if let Some(arguments) = table.get("args") {
        for argument in arguments.table()?.entries() {
            example.arguments.push((argument.key().to_owned(), read_text(&argument)?));
        }
    }
    example.session = table.get("session").map_or(Ok(true), |value| value.boolean())?;
    example.labels = table
        .get("labels")
        .map_or(Ok(Vec::new()), |value| value.items()?.iter().map(read_label).collect())?;
    if let Some(labels) = table.get("labels").filter(|_| !example.session) {
        let problem = Problem::Combination("outside of a session there are no `labels`");
        return Err(Fault::at(labels.at(), problem));
    }
    example.result = table.get("result").map(|value| read_text(&value)).transpose()?;
    Ok(example)
}

/// A label: its name, or its name with what it is bound to and how long ago it
/// was raised.
fn read_label(value: &Value<'_>) -> Result<ExampleLabel, Fault> {
    if let Kind::String(name) = value.raw() {
        return Ok(ExampleLabel { name: name.clone(), of: Vec::new(), ago: Duration::ZERO });
    }
    let table = value.table()?;
    table.allow_only(&["label", "of", "ago"])?;
    let of = table.get("of").map_or(Ok(Vec::new()), |of| of.items()?.iter().map(read_text).collect())?;
    let ago = table.get("ago").map_or(Ok(Duration::ZERO), |ago| read_period(&ago))?;
    Ok(ExampleLabel { name: table.require("label")?.text()?.to_owned(), of, ago })
}

/// A kind and a name: `user:alice`.
fn read_actor(value: &Value<'_>) -> Result<(Actor, String), Fault> {
    let text = value.text()?;
    let expected = "an actor like `user:alice`";
    let read = || {
        let (kind, name) = text.split_once(':')?;
        let &(_, kind) = Actor::ALL.iter().find(|(word, _)| *word == kind)?;
        Some((kind, name.to_owned()))
    };
    read().ok_or_else(|| Fault::at(value.at(), Problem::Word { found: quote(text), expected }))
}

/// A value of the file as JSON text.
fn read_text(value: &Value<'_>) -> Result<String, Fault> {
    let text = canonical::to_vec(&read_json(value)?);
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A value of the file as JSON.
pub(super) fn read_json(value: &Value<'_>) -> Result<Json, Fault> {
    Ok(match value.raw() {
        Kind::String(text) => text.as_str().into(),
        Kind::Boolean(boolean) => Json::Bool(*boolean),
        Kind::Integer(_) => Json::Integer(value.integer()?),
        Kind::Float(_) => match value.float()? {
            float if float.is_finite() => Json::Float(float),
            _ => return Err(value.mistyped("a finite number")),
        },
        Kind::Array(_) => Json::Array(value.items()?.iter().map(read_json).collect::<Result<_, _>>()?),
        Kind::Table(_) => {
            let mut object = Object::new();
            for entry in value.table()?.entries() {
                object.set(entry.key(), read_json(&entry)?);
            }
            object.into()
        }
        Kind::Null => Json::Null,
        Kind::Datetime(_) => return Err(value.mistyped("a value that JSON has")),
    })
}
