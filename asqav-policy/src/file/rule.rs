//! Reads one `[[rule]]`.

use std::time::Duration;

use asqav_receipt::time::Timestamp;
use toml::de::DeValue;

use super::table::{Table, Value};
use super::{condition, example, word};
use crate::error::{Fault, Problem, quote};
use crate::glob::Glob;
use crate::rule::{MAX_PER_RULE, RateLimit, Rule, RuleEffect};
use crate::window::{Day, Window};

const EFFECTS: [(&str, RuleEffect); 3] =
    [("allow", RuleEffect::Allow), ("approve", RuleEffect::Approve), ("deny", RuleEffect::Deny)];

pub(super) fn read(table: &Table<'_>) -> Result<Rule, Fault> {
    let name = table.require("id")?.text()?;
    read_parts(table, name).map_err(|fault| fault.within(&quote(name)))
}

fn read_parts(table: &Table<'_>, name: &str) -> Result<Rule, Fault> {
    table.allow_only(&[
        "id",
        "effect",
        "tools",
        "every_tool_unsafely",
        "agents",
        "when",
        "rate",
        "window",
        "examples",
    ])?;
    let effect = word(&table.require("effect")?, &EFFECTS, "`allow`, `approve` or `deny`")?;
    let mut rule = Rule::with_effect(name, effect);
    rule.at = Some(table.at());
    rule.tools = read_globs(&table.require("tools")?, "tools")?;
    rule.agents = table.get("agents").map(|value| read_globs(&value, "agents")).transpose()?;
    rule.when = table.get("when").map(|value| condition::read(&value)).transpose()?;
    rule.rate = table.get("rate").map(read_rate).transpose()?;
    rule.window = table.get("window").map(read_window).transpose()?;
    rule.every_tool = table.get("every_tool_unsafely").map_or(Ok(false), |value| value.boolean())?;
    rule.examples = table.get("examples").map_or(Ok(Vec::new()), |value| example::read(&value))?;
    Ok(rule)
}

fn read_globs(value: &Value<'_>, key: &'static str) -> Result<Vec<Glob>, Fault> {
    let items = value.items()?;
    if items.is_empty() {
        return Err(Fault::at(value.at(), Problem::Empty(key)));
    }
    if items.len() > MAX_PER_RULE {
        return Err(Fault::at(
            value.at(),
            Problem::TooMany { what: "patterns in one rule", max: MAX_PER_RULE },
        ));
    }
    items
        .into_iter()
        .map(|item| Glob::parse(item.text()?).map_err(|error| Fault::at(item.at(), error)))
        .collect()
}

fn read_rate(value: Value<'_>) -> Result<RateLimit, Fault> {
    let table = value.table()?;
    table.allow_only(&["calls", "per"])?;
    let (calls, per) = (table.require("calls")?, table.require("per")?);
    // Beyond 32 bits is out of range as well.
    let count = u32::try_from(calls.integer()?).unwrap_or(0);
    let period = read_period(&per)?;
    RateLimit::new(count, period).map_err(|problem| {
        let at = if matches!(problem, Problem::Range { .. }) { calls.at() } else { per.at() };
        Fault::at(at, problem)
    })
}

/// Reads a whole number with a unit: `30s`, `5m`, `1h`, `7d`.
fn read_period(value: &Value<'_>) -> Result<Duration, Fault> {
    let text = value.text()?;
    let seconds = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let scale = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return None,
        };
        // `parse` would take a plus sign.
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
        number.parse::<u64>().ok()?.checked_mul(scale)
    };
    let expected = "a whole number of seconds, minutes, hours or days, like `30s`, `5m`, `1h`, `7d`";
    seconds()
        .map(Duration::from_secs)
        .ok_or_else(|| Fault::at(value.at(), Problem::Word { found: quote(text), expected }))
}

fn read_window(value: Value<'_>) -> Result<Window, Fault> {
    let table = value.table()?;
    table.allow_only(&["days", "from", "to", "since", "until", "zone"])?;
    let located = |problem| Fault::at(value.at(), problem);
    let mut window = Window::new();
    window = match (table.get("from"), table.get("to")) {
        (Some(from), Some(to)) => window.hours(from.text()?, to.text()?).map_err(located)?,
        (None, None) => window,
        _ => return Err(located(Problem::Combination("`from` and `to` go together"))),
    };
    if let Some(days) = table.get("days") {
        let days: Vec<Day> = days
            .items()?
            .iter()
            .map(|day| word(day, &Day::ALL, "a day from `mon` to `sun`"))
            .collect::<Result<_, _>>()?;
        window = window.days(days).map_err(located)?;
    }
    if let Some(zone) = table.get("zone") {
        window = window.zone(zone.text()?).map_err(|problem| Fault::at(zone.at(), problem))?;
    }
    window.since = table.get("since").map(|value| read_instant(&value)).transpose()?;
    window.until = table.get("until").map(|value| read_instant(&value)).transpose()?;
    if window == Window::new() {
        return Err(located(Problem::Empty("window")));
    }
    window.check().map_err(located)?;
    Ok(window)
}

/// A TOML date and time with an offset.
pub(super) fn read_instant(value: &Value<'_>) -> Result<Timestamp, Fault> {
    let expected = "a date and time with an offset, like `2026-01-31T08:00:00Z`";
    match value.raw() {
        DeValue::Datetime(time) => {
            Timestamp::parse_rfc3339(&time.to_string()).map_err(|_| value.mistyped(expected))
        }
        _ => Err(value.mistyped(expected)),
    }
}
