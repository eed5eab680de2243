//! A call as Cedar's context: values as values, by the types of the tool.

use asqav_core::call::{Argument, Origin, ToolCall};
use asqav_core::policy::PolicyInput;
use asqav_receipt::id::{SessionId, TenantId};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;
use cedar_policy::{Context, RestrictedExpression as Value};

use crate::tool::{Field, Fields, Tool, Type};

/// The call is not what the tool's types say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutsideSchema;

/// The context of a call of `tool`.
///
/// INVARIANT: it fulfils the schema that `schema.rs` makes of the same tool;
/// policies were validated against that.
pub(crate) fn of(input: &PolicyInput<'_>, tool: &Tool) -> Result<Context, OutsideSchema> {
    let Origin { tenant, actor, resource: _, .. } = &input.call.origin;
    let text = |text: &str| Value::new_string(text.to_owned());
    let mut pairs = vec![
        ("args".to_owned(), arguments(input.call, &tool.arguments)?),
        ("now".to_owned(), now(input.now)),
    ];
    if let Some(session) = input.session.map(SessionId::as_str) {
        pairs.push(("session".to_owned(), text(session)));
    }
    if let Some(tenant) = tenant.as_ref().map(TenantId::as_str) {
        pairs.push(("tenant".to_owned(), text(tenant)));
    }
    if let Some((kind, name)) = actor {
        let actor = [("kind", text(kind.as_str())), ("name", text(name.as_str()))];
        pairs.push(("actor".to_owned(), record(actor.map(|(key, value)| (key.to_owned(), value)).into())?));
    }
    Context::from_pairs(pairs).map_err(|_| OutsideSchema)
}

/// To the millisecond, cut off, as Cedar writes it.
fn now(now: Timestamp) -> Value {
    let micros = now.to_string();
    let millis = micros.strip_suffix('Z').and_then(|text| text.get(..text.len().checked_sub(3)?));
    Value::new_datetime(format!("{}Z", millis.unwrap_or_default()))
}

fn arguments(call: &ToolCall, fields: &Fields) -> Result<Value, OutsideSchema> {
    let mut given = Vec::with_capacity(call.arguments.len());
    for Argument { name, value, .. } in &call.arguments {
        let field = fields.get(name).ok_or(OutsideSchema)?;
        if !field.kind.is_seen() {
            given.push((field, None));
        } else {
            let text = value.as_ref().ok_or(OutsideSchema)?;
            given.push((field, Some(Json::parse(text.as_str().as_bytes()).map_err(|_| OutsideSchema)?)));
        }
    }
    collect(fields, &given.iter().map(|(field, value)| (*field, value.as_ref())).collect::<Vec<_>>())
}

/// A record of values, each with its field; `None` for one that is not seen.
fn collect(Fields(fields): &Fields, given: &[(&Field, Option<&Json>)]) -> Result<Value, OutsideSchema> {
    let is_given = |wanted: &Field| given.iter().any(|(field, _)| field.name == wanted.name);
    if !fields.iter().filter(|field| field.required).all(is_given) {
        return Err(OutsideSchema);
    }
    let mut pairs = Vec::with_capacity(given.len());
    for (field, value) in given {
        match value {
            Some(Json::Null) if !field.required => {}
            None => {}
            Some(json) => pairs.push((field.name.clone(), typed(json, &field.kind)?)),
        }
    }
    record(pairs)
}

fn record(pairs: Vec<(String, Value)>) -> Result<Value, OutsideSchema> {
    Value::new_record(pairs).map_err(|_| OutsideSchema)
}

fn typed(json: &Json, kind: &Type) -> Result<Value, OutsideSchema> {
    Ok(match (json, kind) {
        (Json::String(text), Type::Text) => Value::new_string(text.clone()),
        (Json::Bool(value), Type::Bool) => Value::new_bool(*value),
        (Json::Integer(number), Type::Long) => Value::new_long(*number),
        (Json::Float(number), Type::Long) => Value::new_long(whole(*number)?),
        (Json::Integer(number), Type::Decimal) => Value::new_decimal(format!("{number}.0")),
        (Json::Float(number), Type::Decimal) => Value::new_decimal(decimal(*number)),
        (Json::Array(items), Type::Set(kind)) => {
            let items = items.iter().map(|item| typed(item, kind));
            Value::new_set(items.collect::<Result<Vec<_>, _>>()?)
        }
        (Json::Object(members), Type::Record(fields)) => object(members, fields)?,
        _ => return Err(OutsideSchema),
    })
}

fn object(members: &Object, fields: &Fields) -> Result<Value, OutsideSchema> {
    let mut given = Vec::with_capacity(members.len());
    for (name, json) in members.iter() {
        let field = fields.get(name).ok_or(OutsideSchema)?;
        given.push((field, field.kind.is_seen().then_some(json)));
    }
    collect(fields, &given)
}

/// An integer that was written with a fraction of zero or an exponent.
fn whole(number: f64) -> Result<i64, OutsideSchema> {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    if number.fract() != 0.0 || number.abs() > LARGEST {
        return Err(OutsideSchema);
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    Ok(number as i64)
}

/// The shortest text that stands for the number. Cedar refuses one with more
/// than four decimal places or beyond its range, and with it the context.
fn decimal(number: f64) -> String {
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}
