//! The normalised policy: one JSON object for one meaning.

use asqav_receipt::canonical;
use asqav_receipt::id::{PolicyId, RuleId};
use asqav_receipt::json::{Json, Object};

use crate::glob::Glob;
use crate::rule::{RateLimit, Rule};
use crate::window::{TIME_ZONE_DATA, Window};

/// Canonical JSON of the policy; `rules` are ordered by id.
pub(crate) fn write(id: &PolicyId, rules: &[(RuleId, Rule)]) -> Vec<u8> {
    let zones_from_data =
        rules.iter().filter_map(|(_, rule)| rule.window.as_ref()).any(|window| window.zone.from_data);
    let policy = object([
        ("schema", Json::Integer(crate::FILE_VERSION)),
        ("engine", env!("CARGO_PKG_NAME").into()),
        ("engine_version", env!("CARGO_PKG_VERSION").into()),
        ("time_zone_data", if zones_from_data { TIME_ZONE_DATA.into() } else { Json::Null }),
        ("id", id.as_str().into()),
        ("default", "deny".into()),
        ("rules", Json::Array(rules.iter().map(|(_, rule)| write_rule(rule)).collect())),
    ]);
    // The same wrapper as the digest of "no policy": `{"asqav_policy":"none"}`.
    canonical::to_vec(&object([("asqav_policy", policy)]))
}

fn write_rule(rule: &Rule) -> Json {
    // Destructured, so that a new part of a rule cannot be forgotten here.
    let Rule { name, effect, tools, every_tool: _, agents, window, rate, at: _, wrong: _ } = rule;
    object([
        ("id", name.as_str().into()),
        ("effect", effect.as_str().into()),
        ("tools", globs(tools)),
        ("agents", agents.as_deref().map_or_else(|| Json::Array(vec!["**".into()]), globs)),
        ("window", window.as_ref().map_or(Json::Null, write_window)),
        ("rate", rate.map_or(Json::Null, write_rate)),
    ])
}

fn globs(globs: &[Glob]) -> Json {
    let mut texts: Vec<&str> = globs.iter().map(Glob::as_str).collect();
    texts.sort_unstable();
    texts.dedup();
    Json::Array(texts.into_iter().map(Json::from).collect())
}

fn write_window(window: &Window) -> Json {
    let Window { days, hours, since, until, zone } = window;
    let minute = |minute: u16| Json::String(format!("{:02}:{:02}", minute / 60, minute % 60));
    object([
        (
            "days",
            days.as_ref()
                .map_or(Json::Null, |days| Json::Array(days.iter().map(|day| day.name().into()).collect())),
        ),
        ("from", hours.map_or(Json::Null, |hours| minute(hours.from))),
        ("to", hours.map_or(Json::Null, |hours| minute(hours.to))),
        ("since", since.map_or(Json::Null, |since| since.to_string().into())),
        ("until", until.map_or(Json::Null, |until| until.to_string().into())),
        ("zone", zone.name().into()),
    ])
}

fn write_rate(rate: RateLimit) -> Json {
    object([
        ("calls", Json::Integer(i64::from(rate.calls))),
        ("per_ms", Json::Integer(i64::try_from(rate.per.as_millis()).unwrap_or(i64::MAX))),
        ("by", Json::Array(vec!["agent".into(), "tool".into()])),
    ])
}

pub(crate) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    let mut object = Object::new();
    for (name, value) in members {
        object.set(name, value);
    }
    object.into()
}
