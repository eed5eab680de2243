//! Reads the obligations of a rule.

use super::example::read_json;
use super::table::Value;
use crate::error::{Fault, Problem};
use crate::obligation::{Duty, Obligation, Obliged, Place};

/// What is done with a value; each obligation on one has one of these keys.
const DUTIES: [&str; 4] = ["redact", "mask", "replace", "cap"];

pub(super) fn read(value: &Value<'_>) -> Result<Vec<Obliged>, Fault> {
    value.items()?.iter().map(read_one).collect()
}

fn read_one(value: &Value<'_>) -> Result<Obliged, Fault> {
    let table = value.table()?;
    table.allow_only(&["arg", "result", "redact", "mask", "replace", "cap", "label", "notify"])?;
    let wrong = || {
        let problem = Problem::Combination(
            "an obligation has `arg` or `result` and one of `redact`, `mask`, `replace`, `cap`, \
             or only `label` or `notify`",
        );
        Fault::at(value.at(), problem)
    };
    let place = match (table.get("arg"), table.get("result")) {
        (Some(pointer), None) => Some(Obligation::on_argument(pointer.text()?)),
        (None, Some(pointer)) => Some(Obligation::on_result(pointer.text()?)),
        (None, None) => None,
        _ => return Err(wrong()),
    };
    let others = table.entries().into_iter().filter(|entry| !matches!(entry.key(), "arg" | "result"));
    let others: Vec<Value<'_>> = others.collect();
    let [duty] = others.as_slice() else { return Err(wrong()) };
    let obligation = match (place, duty.key()) {
        (Some(place), key) if DUTIES.contains(&key) => read_duty(place, duty)?,
        (None, "label") => Obligation::label(duty.text()?),
        (None, "notify") => Obligation::notify(duty.text()?),
        _ => return Err(wrong()),
    };
    obligation.0.map_err(|problem| Fault::at(duty.at(), problem))
}

fn read_duty(place: Place, duty: &Value<'_>) -> Result<Obligation, Fault> {
    Ok(match duty.key() {
        "redact" if duty.boolean()? => place.redact(),
        "redact" => place.with(Err(Problem::Combination("`redact` is `true` or left out"))),
        "mask" => {
            let range = Problem::Range { key: "mask", min: 0, max: 255 };
            place.with(u8::try_from(duty.integer()?).map(Duty::Mask).map_err(|_| range))
        }
        "cap" => place.cap(duty.integer()?),
        _ => place.with(Ok(Duty::Replace(read_json(duty)?))),
    })
}
