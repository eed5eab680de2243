//! The Cedar schema of a list of tools, as JSON.

use std::collections::BTreeSet;

use asqav_receipt::json::{Json, Object};

use crate::error::CedarError;
use crate::tool::{Field, Fields, Tool, Type};

/// The entity types of a schema.
pub(crate) const AGENT: &str = "Agent";
pub(crate) const ROLE: &str = "Role";
pub(crate) const RESOURCE: &str = "Resource";
pub(crate) const TOOL: &str = "Tool";

/// The schema as Cedar's JSON.
pub(crate) fn of(tools: &[Tool]) -> Result<Json, CedarError> {
    let mut actions = Object::new();
    let groups: BTreeSet<&str> = tools.iter().flat_map(|tool| &tool.groups).map(String::as_str).collect();
    for group in &groups {
        actions.set(*group, Object::new());
    }
    for tool in tools {
        if actions.get(&tool.name).is_some() {
            return Err(CedarError::Twice { what: "tool or group", name: tool.name.clone() });
        }
        actions.set(tool.name.as_str(), action(tool)?);
    }
    let entities = object([
        (AGENT, object([("memberOfTypes", list([ROLE]))])),
        (ROLE, Object::new().into()),
        (RESOURCE, Object::new().into()),
        (TOOL, Object::new().into()),
    ]);
    let namespace = object([("entityTypes", entities), ("actions", actions.into())]);
    Ok(object([("", namespace)]))
}

fn action(tool: &Tool) -> Result<Json, CedarError> {
    let groups = tool.groups.iter().map(|group| object([("id", group.as_str().into())])).collect();
    let text = || object([("type", "String".into())]);
    let actor = record([("kind", text()), ("name", text())]);
    let context = record([
        ("args", fields(&tool.arguments)?),
        ("session", optional(text())),
        ("tenant", optional(text())),
        ("actor", optional(actor)),
        ("now", extension("datetime")),
    ]);
    let applies = object([
        ("principalTypes", list([AGENT])),
        ("resourceTypes", list([TOOL, RESOURCE])),
        ("context", context),
    ]);
    Ok(object([("memberOf", Json::Array(groups)), ("appliesTo", applies)]))
}

/// A record of the fields that policies see.
fn fields(Fields(fields): &Fields) -> Result<Json, CedarError> {
    let mut attributes = Object::new();
    let mut names = BTreeSet::new();
    for Field { name, kind, required } in fields {
        if !names.insert(name) {
            return Err(CedarError::Twice { what: "argument or member", name: name.clone() });
        }
        if let Some(kind) = type_of(kind)? {
            attributes.set(name.as_str(), if *required { kind } else { optional(kind) });
        }
    }
    Ok(object([("type", "Record".into()), ("attributes", attributes.into())]))
}

/// `None` for what policies do not see.
fn type_of(kind: &Type) -> Result<Option<Json>, CedarError> {
    Ok(Some(match kind {
        Type::Text => object([("type", "String".into())]),
        Type::Long => object([("type", "Long".into())]),
        Type::Bool => object([("type", "Boolean".into())]),
        Type::Decimal => extension("decimal"),
        Type::Record(members) => fields(members)?,
        Type::Set(element) => match type_of(element)? {
            Some(element) => object([("type", "Set".into()), ("element", element)]),
            None => return Ok(None),
        },
        Type::Unseen => return Ok(None),
    }))
}

fn optional(kind: Json) -> Json {
    match kind {
        Json::Object(mut kind) => {
            kind.set("required", false);
            kind.into()
        }
        other => other,
    }
}

fn extension(name: &str) -> Json {
    object([("type", "Extension".into()), ("name", name.into())])
}

fn record<const N: usize>(attributes: [(&str, Json); N]) -> Json {
    object([("type", "Record".into()), ("attributes", object(attributes))])
}

fn list<const N: usize>(names: [&str; N]) -> Json {
    Json::Array(names.into_iter().map(Json::from).collect())
}

pub(crate) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    let mut object = Object::new();
    for (name, value) in members {
        object.set(name, value);
    }
    object.into()
}
