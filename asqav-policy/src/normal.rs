//! The normalised policy: one JSON object for one meaning.

use std::time::Duration;

use asqav_receipt::canonical;
use asqav_receipt::id::{PolicyId, RuleId};
use asqav_receipt::json::{Json, Object};

use crate::condition::{Check, Compare, Kind, Node, Scalar};
use crate::context::{ActorPattern, Asked, Risk};
use crate::detector::Detector;
use crate::error::Problem;
use crate::glob::Glob;
use crate::label::{LabelTest, Labelled};
use crate::limit::{Key, Limit, What};
use crate::obligation::{Duty, Obliged};
use crate::pointer::Pointer;
use crate::rule::{RateLimit, Rule};
use crate::tool::Tool;
use crate::window::{TIME_ZONE_DATA, Window};

/// Canonical JSON of the policy; `rules` are ordered by id.
pub(crate) fn write(
    id: &PolicyId,
    rules: &[(RuleId, Rule)],
    risks: &[(Risk, Glob)],
    tools: &[Tool],
) -> Result<Vec<u8>, Problem> {
    let zones_from_data =
        rules.iter().filter_map(|(_, rule)| rule.window.as_ref()).any(|window| window.zone.from_data);
    let policy = object([
        ("schema", Json::Integer(crate::FILE_VERSION)),
        ("engine", env!("CARGO_PKG_NAME").into()),
        ("engine_version", env!("CARGO_PKG_VERSION").into()),
        ("time_zone_data", if zones_from_data { TIME_ZONE_DATA.into() } else { Json::Null }),
        ("detectors", write_detectors(rules, tools)?),
        ("risk", write_risks(risks)),
        ("tools", Json::Array(tools.iter().map(write_tool).collect())),
        ("id", id.as_str().into()),
        ("default", "deny".into()),
        ("rules", Json::Array(rules.iter().map(|(_, rule)| write_rule(rule)).collect())),
    ]);
    // The same wrapper as the digest of "no policy": `{"asqav_policy":"none"}`.
    Ok(canonical::to_vec(&object([("asqav_policy", policy)])))
}

/// Every detector that a rule uses, with its version.
fn write_detectors(rules: &[(RuleId, Rule)], tools: &[Tool]) -> Result<Json, Problem> {
    let shapes = tools.iter().flat_map(|tool| tool.arguments.values());
    let conditions = rules.iter().filter_map(|(_, rule)| rule.when.as_ref());
    let conditions = conditions.chain(shapes.filter_map(|shape| shape.when.as_ref()));
    let mut detectors: Vec<&Detector> = conditions
        .flat_map(Node::tests)
        .filter_map(|(_, check)| if let Check::Contains(detectors) = check { Some(detectors) } else { None })
        .flatten()
        .collect();
    detectors.sort_by_key(|detector| (detector.name(), detector.version()));
    detectors.dedup();
    if detectors.array_windows().any(|[one, other]| one.name() == other.name()) {
        return Err(Problem::Combination("two versions of one detector are used"));
    }
    let write = |detector: &Detector| {
        object([("name", detector.name().into()), ("version", Json::Integer(detector.version().into()))])
    };
    Ok(Json::Array(detectors.into_iter().map(write).collect()))
}

fn write_tool(tool: &Tool) -> Json {
    let mut arguments = Object::new();
    for (name, shape) in &tool.arguments {
        let when = shape.when.as_ref().map_or(Json::Null, write_condition);
        let kind = ("type", shape.kind.as_str().into());
        arguments
            .set(name.as_str(), object([kind, ("optional", Json::Bool(shape.optional)), ("when", when)]));
    }
    object([("name", tool.name.as_str().into()), ("arguments", arguments.into())])
}

fn write_risks(risks: &[(Risk, Glob)]) -> Json {
    object(Risk::ALL.map(|(word, class)| {
        (word, globs(risks.iter().filter(|(risk, _)| *risk == class).map(|(_, glob)| glob)))
    }))
}

/// A rule with its defaults filled in.
pub(crate) fn write_rule(rule: &Rule) -> Json {
    // Destructured, so that a new part of a rule cannot be forgotten here.
    let Rule {
        name,
        effect,
        tools,
        every_tool: _,
        in_shadow,
        agents,
        asked,
        on_result,
        when,
        window,
        rate,
        limits,
        raises,
        obligations,
        examples: _,
        at: _,
        wrong: _,
    } = rule;
    let Asked { tenants, actors, resources, risks } = asked;
    object([
        ("id", name.as_str().into()),
        ("effect", effect.as_str().into()),
        ("shadow", Json::Bool(*in_shadow)),
        ("tools", globs(tools)),
        ("agents", agents.as_ref().map_or_else(|| Json::Array(vec!["**".into()]), globs)),
        ("tenants", tenants.as_ref().map_or(Json::Null, globs)),
        ("actors", actors.as_ref().map_or(Json::Null, |actors| words(actors.iter().map(ActorPattern::text)))),
        ("resources", resources.as_ref().map_or(Json::Null, globs)),
        ("risk", risks.as_ref().map_or(Json::Null, |risks| words(risks.iter().map(|risk| risk.as_str())))),
        ("phase", if *on_result { "result" } else { "call" }.into()),
        ("when", when.as_ref().map_or(Json::Null, write_condition)),
        ("window", window.as_ref().map_or(Json::Null, write_window)),
        ("rate", rate.map_or(Json::Null, write_rate)),
        ("limits", Json::Array(limits.iter().map(write_limit).collect())),
        ("obligations", Json::Array(obligations.iter().map(write_obligation).collect())),
        ("raises", Json::Array(raises.iter().map(write_label).collect())),
    ])
}

/// A condition in the words of the file, one question per object.
pub(crate) fn write_condition(node: &Node) -> Json {
    let parts = |parts: &[Node]| Json::Array(parts.iter().map(write_condition).collect());
    match node {
        Node::All(all) => object([("all", parts(all))]),
        Node::Any(any) => object([("any", parts(any))]),
        Node::Not(part) => object([("not", write_condition(part))]),
        Node::Label(LabelTest { label, within }) => {
            let mut test = write_label(label);
            if let Json::Object(test) = &mut test {
                test.set("within_ms", within.map_or(Json::Null, millis));
            }
            test
        }
        Node::Test(pointer, check) => {
            let (question, value) = write_check(check);
            object([(pointer.key(), pointer.as_str().into()), (question, value)])
        }
    }
}

pub(crate) fn write_label(label: &Labelled) -> Json {
    let of = label.of.iter().map(|pointer| pointer.as_str().into());
    object([("label", label.name.as_str().into()), ("of", Json::Array(of.collect()))])
}

pub(crate) fn write_obligation(obliged: &Obliged) -> Json {
    let (duty, of) = match &obliged.duty {
        Duty::Redact => ("redact", Json::Bool(true)),
        Duty::Mask(keep_last) => ("mask", Json::Integer((*keep_last).into())),
        Duty::Replace(value) => ("replace", value.clone()),
        Duty::Cap(most) => ("cap", Json::Integer(*most)),
        Duty::Label(code) => ("label", code.as_str().into()),
        Duty::Notify(code) => ("notify", code.as_str().into()),
    };
    match &obliged.on {
        Some(pointer) => object([(pointer.key(), pointer.as_str().into()), (duty, of)]),
        None => object([(duty, of)]),
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
        Check::Contains(detectors) => {
            ("contains", Json::Array(detectors.iter().map(|detector| detector.name().into()).collect()))
        }
    }
}

fn write_scalar(scalar: &Scalar) -> Json {
    match &scalar.0 {
        Kind::Text(text) => text.as_str().into(),
        Kind::Bool(value) => Json::Bool(*value),
        Kind::Number(number) => number.to_json(),
    }
}

fn globs<'a>(globs: impl IntoIterator<Item = &'a Glob>) -> Json {
    words(globs.into_iter().map(Glob::as_str))
}

/// A set of words: ordered, each once.
fn words<T: AsRef<str> + Ord>(words: impl Iterator<Item = T>) -> Json {
    let mut words: Vec<T> = words.collect();
    words.sort_unstable();
    words.dedup();
    Json::Array(words.iter().map(|word| word.as_ref().into()).collect())
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

pub(crate) fn write_limit(limit: &Limit) -> Json {
    let Limit { what, by } = limit;
    let by = Json::Array(by.iter().map(Key::as_str).map(Json::from).collect());
    match what {
        What::Rate(rate) => object([
            ("calls", Json::Integer(rate.calls().into())),
            ("per_ms", millis(rate.per())),
            ("by", by),
        ]),
        What::Budget { amount, window, cost, settle } => {
            let pointer =
                |pointer: &Option<Pointer>| pointer.as_ref().map_or(Json::Null, |p| p.as_str().into());
            object([
                ("amount", Json::count(*amount)),
                ("per_ms", window.map_or(Json::Null, millis)),
                ("cost", pointer(cost)),
                ("settle", pointer(settle)),
                ("by", by),
            ])
        }
    }
}

fn millis(duration: Duration) -> Json {
    Json::Integer(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

fn write_rate(rate: RateLimit) -> Json {
    object([
        ("calls", Json::Integer(i64::from(rate.calls))),
        ("per_ms", millis(rate.per)),
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
