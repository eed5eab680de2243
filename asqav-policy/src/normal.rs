//! The normalised policy: one JSON object for one meaning.

use asqav_receipt::canonical;
use asqav_receipt::id::{PolicyId, RuleId};
use asqav_receipt::json::{Json, Object};

use crate::condition::{Check, Compare, Kind, Node, Scalar};
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
    let Rule { name, effect, tools, every_tool: _, agents, when, window, rate, examples: _, at: _, wrong: _ } =
        rule;
    object([
        ("id", name.as_str().into()),
        ("effect", effect.as_str().into()),
        ("tools", globs(tools)),
        ("agents", agents.as_deref().map_or_else(|| Json::Array(vec!["**".into()]), globs)),
        ("when", when.as_ref().map_or(Json::Null, write_condition)),
        ("window", window.as_ref().map_or(Json::Null, write_window)),
        ("rate", rate.map_or(Json::Null, write_rate)),
    ])
}

/// A condition in the words of the file, one question per object.
pub(crate) fn write_condition(node: &Node) -> Json {
    let parts = |parts: &[Node]| Json::Array(parts.iter().map(write_condition).collect());
    match node {
        Node::All(all) => object([("all", parts(all))]),
        Node::Any(any) => object([("any", parts(any))]),
        Node::Not(part) => object([("not", write_condition(part))]),
        Node::Test(pointer, check) => {
            let (question, value) = write_check(check);
            object([("arg", pointer.as_str().into()), (question, value)])
        }
    }
}

fn write_check(check: &Check) -> (&'static str, Json) {
    let texts = |texts: &[String]| Json::Array(texts.iter().map(|text| text.as_str().into()).collect());
    match check {
        Check::OneOf(values) => ("in", Json::Array(values.iter().map(write_scalar).collect())),
        Check::Number(compare, bound) => (
            match compare {
                Compare::AtLeast => "ge",
                Compare::MoreThan => "gt",
                Compare::AtMost => "le",
                Compare::LessThan => "lt",
            },
            bound.to_json(),
        ),
        Check::MinLength(len) => ("min_len", Json::Integer((*len).into())),
        Check::MaxLength(len) => ("max_len", Json::Integer((*len).into())),
        Check::Prefix(prefixes) => ("prefix", texts(prefixes)),
        Check::Under(directories) => ("under", texts(directories)),
        Check::HostIn(hosts) => ("host_in", texts(hosts)),
        Check::Present(present) => ("present", Json::Bool(*present)),
        Check::Matches(pattern) => ("matches", pattern.as_str().into()),
    }
}

fn write_scalar(scalar: &Scalar) -> Json {
    match &scalar.0 {
        Kind::Text(text) => text.as_str().into(),
        Kind::Bool(value) => Json::Bool(*value),
        Kind::Number(number) => number.to_json(),
    }
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
