//! Reads one `[[rule]]`.

use std::time::Duration;

use asqav_receipt::time::Timestamp;

use super::scope::{Scope, not_empty, patterns};
use super::table::{Table, Value};
use super::tree::Kind;
use super::{condition, example, label, limit, obligation, word};
use crate::context::{ActorPattern, Asked, Risk};
use crate::error::{Fault, Problem, quote};
use crate::glob::Glob;
use crate::rule::{MAX_PER_RULE, RateLimit, Rule, RuleEffect};
use crate::window::{Day, Window};

const EFFECTS: [(&str, RuleEffect); 3] =
    [("allow", RuleEffect::Allow), ("approve", RuleEffect::Approve), ("deny", RuleEffect::Deny)];

const PHASES: [(&str, bool); 2] = [("call", false), ("result", true)];

pub(super) fn read(table: &Table<'_>, scope: &Scope) -> Result<Rule, Fault> {
    let name = table.require("id")?.text()?;
    read_parts(table, name, scope).map_err(|fault| fault.within(&quote(name)))
}

/// The keys of a rule.
pub(super) const KEYS: [&str; 18] = [
    "id",
    "effect",
    "tools",
    "every_tool_unsafely",
    "shadow",
    "agents",
    "tenants",
    "actors",
    "resources",
    "risk",
    "phase",
    "when",
    "rate",
    "limits",
    "raises",
    "obligations",
    "window",
    "examples",
];

fn read_parts(table: &Table<'_>, name: &str, scope: &Scope) -> Result<Rule, Fault> {
    table.allow_only(&KEYS)?;
    let effect = word(&table.require("effect")?, &EFFECTS, "`allow`, `approve` or `deny`")?;
    let mut rule = Rule::with_effect(name, effect);
    rule.at = Some(table.at());
    rule.tools = within_bounds(&table.require("tools")?, |value| scope.tools(value))?;
    let globs = |key| table.get(key).map(|value| within_bounds(&value, patterns)).transpose();
    rule.agents = globs("agents")?;
    rule.asked = read_asked(table, globs)?;
    rule.on_result =
        table.get("phase").map_or(Ok(false), |value| word(&value, &PHASES, "`call` or `result`"))?;
    rule.when = table.get("when").map(|value| condition::read(&value, scope)).transpose()?;
    rule.rate = table.get("rate").map(read_rate).transpose()?;
    rule.limits = table.get("limits").map_or(Ok(Vec::new()), |value| limit::read(&value))?;
    rule.raises = table.get("raises").map_or(Ok(Vec::new()), |value| label::read_raises(&value))?;
    rule.obligations = table.get("obligations").map_or(Ok(Vec::new()), |value| obligation::read(&value))?;
    rule.window = table.get("window").map(read_window).transpose()?;
    rule.every_tool = table.get("every_tool_unsafely").map_or(Ok(false), |value| value.boolean())?;
    rule.in_shadow = table.get("shadow").map_or(Ok(false), |value| value.boolean())?;
    rule.examples = table.get("examples").map_or(Ok(Vec::new()), |value| example::read(&value))?;
    Ok(rule)
}

fn read_asked(
    table: &Table<'_>,
    globs: impl Fn(&'static str) -> Result<Option<Vec<Glob>>, Fault>,
) -> Result<Asked, Fault> {
    let actor =
        |item: &Value<'_>| ActorPattern::parse(item.text()?).map_err(|problem| Fault::at(item.at(), problem));
    let risk = |item: &Value<'_>| word(item, &Risk::ALL, "`read`, `write` or `destructive`");
    let actors = table.get("actors").map(|value| not_empty(&value)?.iter().map(actor).collect());
    let risks = table.get("risk").map(|value| not_empty(&value)?.iter().map(risk).collect());
    Ok(Asked {
        tenants: globs("tenants")?,
        actors: actors.transpose()?,
        resources: globs("resources")?,
        risks: risks.transpose()?,
    })
}

/// Patterns, not too many.
fn within_bounds(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<Vec<Glob>, Fault>,
) -> Result<Vec<Glob>, Fault> {
    let globs = read(value)?;
    if globs.len() > MAX_PER_RULE {
        let problem = Problem::TooMany { what: "patterns in one rule", max: MAX_PER_RULE };
        return Err(Fault::at(value.at(), problem));
    }
    Ok(globs)
}

fn read_rate(value: Value<'_>) -> Result<RateLimit, Fault> {
    let table = value.table()?;
    table.allow_only(&["calls", "per"])?;
    rate_of(&table)
}

/// `calls` and `per` of a table.
pub(super) fn rate_of(table: &Table<'_>) -> Result<RateLimit, Fault> {
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
pub(super) fn read_period(value: &Value<'_>) -> Result<Duration, Fault> {
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

/// A date and time with an offset: TOML has them, in JSON they are texts.
pub(super) fn read_instant(value: &Value<'_>) -> Result<Timestamp, Fault> {
    let expected = "a date and time with an offset, like `2026-01-31T08:00:00Z`";
    match value.raw() {
        Kind::Datetime(time) | Kind::String(time) => {
            Timestamp::parse_rfc3339(time).map_err(|_| value.mistyped(expected))
        }
        _ => Err(value.mistyped(expected)),
    }
}
