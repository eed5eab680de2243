//! `asqav policy diff`: what changes from one policy to another.

use std::io::Write as _;

use asqav_policy::{Diff, Outcome};
use asqav_receipt::canonical;
use asqav_receipt::json::{Json, Object};

use super::file::{self, count};
use crate::args::PolicyDiff;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{Colour, Output};
use crate::text::escape;

/// Calls that people are shown; JSON has all of them.
const MAX_SHOWN: usize = 50;

/// Exit code 0 when both policies mean the same.
pub(crate) fn run(args: &PolicyDiff, output: &mut Output) -> Result<Exit, CliError> {
    let diff = Diff::new(&file::trial(&args.before)?, &file::trial(&args.after)?);
    if output.is_json() {
        output.object(&object(&diff))?;
    } else {
        write_text(&diff, output)?;
    }
    Ok(if diff.is_empty() { Exit::Done } else { Exit::Invalid })
}

fn object(diff: &Diff) -> Json {
    let members = |members: &[(String, Json, Json)]| {
        let mut object = Object::new();
        for (name, before, after) in members {
            object.set(name.as_str(), pair("before", before.clone(), "after", after.clone()));
        }
        Json::Object(object)
    };
    let rules = |rules: &[(String, Json)]| Json::Array(rules.iter().map(|(_, rule)| rule.clone()).collect());
    let changed = diff
        .changed
        .iter()
        .map(|(id, changes)| pair("rule", id.as_str().into(), "members", members(changes)));
    let decisions = diff.decisions.iter().map(|change| {
        let mut object = Object::new();
        object.set("call", change.call.to_string());
        object.set("before", outcome(&change.before));
        object.set("after", outcome(&change.after));
        Json::Object(object)
    });
    let mut object = Object::new();
    object.set("same", Json::Bool(diff.is_empty()));
    object.set("members", members(&diff.members));
    object.set("added", rules(&diff.added));
    object.set("removed", rules(&diff.removed));
    object.set("changed", Json::Array(changed.collect()));
    object.set("decisions", Json::Array(decisions.collect()));
    object.set("calls_tried", count(diff.tried));
    Json::Object(object)
}

fn pair(one: &str, first: Json, other: &str, second: Json) -> Json {
    let mut object = Object::new();
    object.set(one, first);
    object.set(other, second);
    Json::Object(object)
}

fn outcome(outcome: &Outcome) -> Json {
    let limits = outcome.limits.iter().map(|&(calls, per)| {
        let per = Json::count(u64::try_from(per).unwrap_or(u64::MAX));
        pair("calls", Json::count(calls.into()), "per_ms", per)
    });
    let mut object = Object::new();
    object.set("decision", outcome.effect);
    object.set("reason", outcome.reason.map_or(Json::Null, Json::from));
    object.set("limits", Json::Array(limits.collect()));
    Json::Object(object)
}

fn write_text(diff: &Diff, output: &mut Output) -> Result<(), CliError> {
    let text = |value: &Json| escape(&String::from_utf8_lossy(&canonical::to_vec(value)));
    for (name, before, after) in &diff.members {
        writeln!(output, "{}: {} -> {}", escape(name), text(before), text(after))?;
    }
    for (sign, colour, rules) in [("-", Colour::Red, &diff.removed), ("+", Colour::Green, &diff.added)] {
        for (_, rule) in rules {
            let sign = output.paint(colour, sign);
            writeln!(output, "{sign} rule {}", text(&shown(rule)))?;
        }
    }
    for (id, members) in &diff.changed {
        let sign = output.paint(Colour::Yellow, "~");
        writeln!(output, "{sign} rule `{}`", escape(id))?;
        for (name, before, after) in members {
            writeln!(output, "    {}: {} -> {}", escape(name), text(before), text(after))?;
        }
    }
    if diff.is_empty() {
        writeln!(output, "Both policies mean the same.")?;
    } else {
        write_decisions(diff, output)?;
    }
    Ok(output.flush()?)
}

/// A rule without what it does not ask.
fn shown(rule: &Json) -> Json {
    let mut shown = Object::new();
    for (name, value) in rule.as_object().into_iter().flat_map(Object::iter) {
        let empty = value.as_array().is_some_and(<[Json]>::is_empty);
        if !empty && !matches!(value, Json::Null | Json::Bool(false)) {
            shown.set(name, value.clone());
        }
    }
    Json::Object(shown)
}

fn write_decisions(diff: &Diff, output: &mut Output) -> Result<(), CliError> {
    let changes = diff.decisions.len();
    writeln!(output, "\n{} calls tried, {changes} come out otherwise:", diff.tried)?;
    // Another effect matters more than another limit.
    let (other_effect, other_limit): (Vec<_>, Vec<_>) =
        diff.decisions.iter().partition(|change| change.before.effect != change.after.effect);
    for change in other_effect.into_iter().chain(other_limit).take(MAX_SHOWN) {
        writeln!(output, "  {}", escape(&change.call.to_string()))?;
        writeln!(output, "    {} -> {}", words(&change.before), words(&change.after))?;
    }
    if changes > MAX_SHOWN {
        writeln!(output, "  and {} more: --json has all", changes - MAX_SHOWN)?;
    }
    writeln!(
        output,
        "The calls are a sample: the examples of both files, and calls around their conditions."
    )?;
    Ok(())
}

fn words(outcome: &Outcome) -> String {
    let reason = outcome.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let limits = outcome.limits.iter().map(|(calls, per)| format!(", {calls} calls per {} s", per / 1_000));
    format!("{}{reason}{}", outcome.effect, limits.collect::<String>())
}
