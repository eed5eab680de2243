//! Obligations: what is done with values before they go on.
//!
//! Arguments are changed before the decision is recorded, and the policy has
//! to allow the call as it then is: the tool receives exactly the arguments
//! that were checked and that the receipt commits to. That takes a caller who
//! hands the tool what [`Permit::arguments`](crate::Permit::arguments) gives,
//! as [`Gate::run_enforced`](crate::Gate::run_enforced) does; a call of any
//! other caller is denied where an argument or a result has to be changed.

use asqav_receipt::canonical;
use asqav_receipt::id::{ActionId, ReasonCode};
use asqav_receipt::json::{Json, Object};

use crate::argument::JsonText;
use crate::call::Argument;
use crate::json_pointer::{index, steps};
use crate::policy::{Duty, Obligation, Target};

/// Tells somebody about a call, because a rule obliges the gate to.
pub trait Notifier: Send + Sync + 'static {
    /// Tells about the call whose decision receipt is `receipt`; it is durable,
    /// and the body has not started. Returns quickly: the call waits.
    ///
    /// # Errors
    /// Why nobody could be told; the call is then stopped.
    fn notify(&self, code: &ReasonCode, receipt: ActionId) -> Result<(), String>;
}

/// An obligation cannot be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unmet;

/// `arguments` as the obligations want them.
pub(crate) fn enforce_arguments(
    arguments: &[Argument],
    obligations: &[Obligation],
) -> Result<Vec<Argument>, Unmet> {
    let mut enforced = arguments.to_vec();
    for Obligation { on, duty, .. } in obligations {
        let Target::Argument(pointer) = on else { continue };
        if !changes(duty) {
            continue;
        }
        let mut steps = steps(pointer).ok_or(Unmet)?;
        if steps.is_empty() {
            return Err(Unmet);
        }
        let name = steps.remove(0);
        let argument = enforced.iter_mut().find(|argument| argument.name == name).ok_or(Unmet)?;
        // What the gate was not given cannot be changed.
        let text = argument.value.as_ref().ok_or(Unmet)?;
        argument.value = Some(edit_text(text, &steps, duty)?);
    }
    Ok(enforced)
}

/// `result` as the obligations want it.
pub(crate) fn enforce_result(result: JsonText, obligations: &[Obligation]) -> Result<JsonText, Unmet> {
    let mut enforced = result;
    for Obligation { on, duty, .. } in obligations {
        if let (Target::Result(pointer), true) = (on, changes(duty)) {
            enforced = edit_text(&enforced, &steps(pointer).ok_or(Unmet)?, duty)?;
        }
    }
    Ok(enforced)
}

const fn changes(duty: &Duty) -> bool {
    !matches!(duty, Duty::Label(_) | Duty::Notify(_))
}

/// Numbers outside the payload's rules cannot be read without loss: a value
/// that holds one is not changed, and the obligation unmet.
fn edit_text(text: &JsonText, steps: &[String], duty: &Duty) -> Result<JsonText, Unmet> {
    let json = Json::parse(text.as_str().as_bytes()).map_err(|_| Unmet)?;
    let edited = canonical::to_vec(&edit(&json, steps, duty)?);
    let edited = String::from_utf8(edited).map_err(|_| Unmet)?;
    JsonText::parse(edited).map_err(|_| Unmet)
}

fn edit(json: &Json, steps: &[String], duty: &Duty) -> Result<Json, Unmet> {
    let Some((step, rest)) = steps.split_first() else { return apply(json, duty) };
    match json {
        Json::Object(object) => {
            let mut edited: Object = object.clone();
            let value = object.get(step).ok_or(Unmet)?;
            edited.set(step.as_str(), edit(value, rest, duty)?);
            Ok(Json::Object(edited))
        }
        Json::Array(items) => {
            let at = index(step).ok_or(Unmet)?;
            let mut edited = items.clone();
            let value = edited.get_mut(at).ok_or(Unmet)?;
            *value = edit(value, rest, duty)?;
            Ok(Json::Array(edited))
        }
        _ => Err(Unmet),
    }
}

fn apply(json: &Json, duty: &Duty) -> Result<Json, Unmet> {
    match (duty, json) {
        (Duty::Redact, _) => Ok(Json::Null),
        (Duty::Replace(value), _) => Json::parse(value.as_str().as_bytes()).map_err(|_| Unmet),
        (Duty::Mask { keep_last }, Json::String(text)) => {
            Ok(Json::String(masked(text, usize::from(*keep_last))))
        }
        (Duty::Cap(most), Json::Integer(value)) => Ok(Json::Integer(*value.min(most))),
        _ => Err(Unmet),
    }
}

/// All characters but the last `keep` as `*`; all of a text that is no longer
/// than that.
fn masked(text: &str, keep: usize) -> String {
    let len = text.chars().count();
    let hidden = if len > keep { len - keep } else { len };
    let shown = text.chars().skip(hidden);
    std::iter::repeat_n('*', hidden).chain(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(json: &str, pointer: &str, duty: &Duty) -> Result<String, Unmet> {
        let text = JsonText::parse(json).unwrap();
        edit_text(&text, &steps(pointer).ok_or(Unmet)?, duty).map(|text| text.as_str().to_owned())
    }

    #[test]
    fn each_duty_does_what_it_says() {
        let value = JsonText::parse("{\"x\":[1]}").unwrap();
        for (json, pointer, duty, wanted) in [
            ("{\"a\":1,\"b\":2}", "/a", Duty::Redact, "{\"a\":null,\"b\":2}"),
            ("[1,{\"a~/\":\"secret\"}]", "/1/a~0~1", Duty::Redact, "[1,{\"a~/\":null}]"),
            ("\"4111-1111\"", "", Duty::Mask { keep_last: 4 }, "\"*****1111\""),
            ("\"äöü\"", "", Duty::Mask { keep_last: 1 }, "\"**ü\""),
            ("\"abc\"", "", Duty::Mask { keep_last: 3 }, "\"***\""),
            ("\"abc\"", "", Duty::Mask { keep_last: 9 }, "\"***\""),
            ("{\"amount\":900}", "/amount", Duty::Cap(500), "{\"amount\":500}"),
            ("{\"amount\":9}", "/amount", Duty::Cap(500), "{\"amount\":9}"),
            ("[0]", "/0", Duty::Replace(value), "[{\"x\":[1]}]"),
        ] {
            assert_eq!(edited(json, pointer, &duty).as_deref(), Ok(wanted), "{json} {pointer}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_unmet() {
        for (json, pointer, duty) in [
            ("{\"a\":1}", "/b", Duty::Redact),
            ("{\"a\":1}", "a", Duty::Redact),
            ("{\"a\":1}", "/a/b", Duty::Redact),
            ("[1]", "/1", Duty::Redact),
            ("[1]", "/00", Duty::Redact),
            ("[1]", "/-", Duty::Redact),
            ("1", "", Duty::Mask { keep_last: 0 }),
            ("\"1\"", "", Duty::Cap(0)),
            ("1.5", "", Duty::Cap(0)),
            ("{\"a\":9007199254740993,\"b\":1}", "/b", Duty::Redact),
        ] {
            assert_eq!(edited(json, pointer, &duty), Err(Unmet), "{json} {pointer}");
        }
    }
}
