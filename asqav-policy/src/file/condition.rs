//! Reads a condition.

use super::label;
use super::scope::Scope;
use super::table::{Table, Value};
use super::tree::Kind;
use crate::condition::{Argument, Condition, MAX_DEPTH, Node, Scalar, all, any, arg, result};
use crate::error::{Fault, Problem};

/// The keys of a condition; the first six say which kind it is.
pub(super) const KEYS: [&str; 22] = [
    "all", "any", "not", "arg", "result", "label", "of", "within", "eq", "in", "ge", "gt", "le", "lt",
    "prefix", "under", "host_in", "min_len", "max_len", "present", "matches", "contains",
];

pub(super) fn read(value: &Value<'_>, scope: &Scope) -> Result<Node, Fault> {
    read_level(value, scope, 1)?.0.map_err(|problem| Fault::at(value.at(), problem))
}

fn read_level(value: &Value<'_>, scope: &Scope, level: usize) -> Result<Condition, Fault> {
    if level > MAX_DEPTH {
        let problem = Problem::TooMany { what: "levels of conditions", max: MAX_DEPTH };
        return Err(Fault::at(value.at(), problem));
    }
    let table = value.table()?;
    table.allow_only(&KEYS)?;
    if let Some(name) = table.get("label") {
        return label::read_test(&table, &name);
    }
    match (table.get("arg"), table.get("result")) {
        (Some(pointer), None) => return read_questions(&table, &pointer, arg(pointer.text()?), scope),
        (None, Some(pointer)) => return read_questions(&table, &pointer, result(pointer.text()?), scope),
        (Some(pointer), Some(_)) => {
            let problem = Problem::Combination("`arg` and `result` do not go together");
            return Err(Fault::at(pointer.at(), problem));
        }
        (None, None) => {}
    }
    let entries = table.entries();
    let [only] = entries.as_slice() else {
        let problem = Problem::Combination(
            "a condition has one of the keys `all`, `any`, `not`, `arg`, `result` or `label`",
        );
        return Err(Fault::at(table.at(), problem));
    };
    let read = match only.key() {
        "not" => !read_level(only, scope, level + 1)?,
        "all" => all(read_parts(only, scope, level)?),
        "any" => any(read_parts(only, scope, level)?),
        _ => return Err(Fault::at(table.at(), Problem::MissingKey("arg"))),
    };
    located(read, only)
}

fn read_parts(value: &Value<'_>, scope: &Scope, level: usize) -> Result<Vec<Condition>, Fault> {
    value.items()?.iter().map(|item| read_level(item, scope, level + 1)).collect()
}

/// The questions beside `arg` or `result`.
fn read_questions(
    table: &Table<'_>,
    pointer: &Value<'_>,
    place: Argument,
    scope: &Scope,
) -> Result<Condition, Fault> {
    if let Some(problem) = place.problem() {
        return Err(Fault::at(pointer.at(), problem));
    }
    let mut questions = Vec::new();
    for value in table.entries() {
        if value.key() != pointer.key() {
            questions.push(located(read_question(&place, &value, scope)?, &value)?);
        }
    }
    if questions.len() > 1 {
        return Ok(all(questions));
    }
    let missing = Problem::Combination("`arg` and `result` need a question beside them, like `eq` or `le`");
    questions.pop().ok_or_else(|| Fault::at(pointer.at(), missing))
}

/// One question about `place`; an unknown key is an error.
pub(super) fn question(place: &Argument, value: &Value<'_>, scope: &Scope) -> Result<Condition, Fault> {
    if !QUESTIONS.contains(&value.key()) {
        let problem = Problem::UnknownKey { key: crate::error::quote(value.key()), nearest: None };
        return Err(Fault::at(value.at(), problem));
    }
    located(read_question(place, value, scope)?, value)
}

/// The keys that are questions about one value.
const QUESTIONS: [&str; 14] = [
    "eq", "in", "ge", "gt", "le", "lt", "prefix", "under", "host_in", "min_len", "max_len", "present",
    "matches", "contains",
];

fn read_question(place: &Argument, value: &Value<'_>, scope: &Scope) -> Result<Condition, Fault> {
    let place = place.clone();
    Ok(match value.key() {
        "eq" => place.equals(read_scalar(value)?),
        "in" => place.one_of(value.items()?.iter().map(read_scalar).collect::<Result<Vec<_>, _>>()?),
        "ge" => place.at_least(read_scalar(value)?),
        "gt" => place.more_than(read_scalar(value)?),
        "le" => place.at_most(read_scalar(value)?),
        "lt" => place.less_than(read_scalar(value)?),
        "prefix" => place.starts_with(read_texts(value)?),
        "under" => place.under(read_texts(value)?),
        "host_in" => place.host_in(read_texts(value)?),
        "min_len" => place.len_at_least(read_len(value)?),
        "max_len" => place.len_at_most(read_len(value)?),
        "present" if value.boolean()? => place.present(),
        "present" => place.absent(),
        "matches" => place.matches(value.text()?),
        "contains" => place.contains(scope.detectors(value)?),
        _ => {
            let problem = Problem::Combination("`all`, `any`, `not`, `arg` and `result` do not go together");
            return Err(Fault::at(value.at(), problem));
        }
    })
}

/// A mistake in the condition, said to be where `value` stands.
fn located(condition: Condition, value: &Value<'_>) -> Result<Condition, Fault> {
    match condition.0 {
        Ok(node) => Ok(Condition(Ok(node))),
        Err(problem) => Err(Fault::at(value.at(), problem)),
    }
}

fn read_scalar(value: &Value<'_>) -> Result<Scalar, Fault> {
    match value.raw() {
        Kind::String(text) => Ok(text.as_str().into()),
        Kind::Boolean(boolean) => Ok((*boolean).into()),
        Kind::Integer(_) => Ok(value.integer()?.into()),
        Kind::Float(_) => Ok(value.float()?.into()),
        _ => Err(value.mistyped("a string, a boolean or a number")),
    }
}

/// One text, or a list of them.
fn read_texts<'t>(value: &Value<'t>) -> Result<Vec<&'t str>, Fault> {
    match value.raw() {
        Kind::Array(_) => value.items()?.iter().map(Value::text).collect(),
        _ => Ok(vec![value.text()?]),
    }
}

fn read_len(value: &Value<'_>) -> Result<u32, Fault> {
    let range = Problem::Range { key: "length", min: 0, max: i64::from(u32::MAX) };
    u32::try_from(value.integer()?).map_err(|_| Fault::at(value.at(), range))
}
