//! Calls made from a rule: one that it is about, and calls a step away from it.

use std::collections::BTreeMap;

use asqav_receipt::canonical;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;

use crate::call::{Call, Carried};
use crate::condition::{Check, Kind, Node, Scalar};
use crate::facts::Seen;
use crate::glob::Glob;
use crate::pointer::{Pointer, Root};
use crate::rule::Rule;
use crate::window::Window;

/// Calls that are tried at most, of all rules together.
pub(super) const MAX_CALLS: usize = 100_000;

/// Bytes of values in the calls made from one rule, and from all of them. A
/// rule of 40 KB can ask for gigabytes of them.
const MAX_RULE_LEN: usize = 4 << 20;
const MAX_LEN: usize = 64 << 20;

/// What a call takes besides its values, rounded up.
const CALL_LEN: usize = 256;

/// Names, and values for one condition, that are tried at most.
const MAX_EACH: usize = 8;

/// Values by the pointers they stand at.
type Values = BTreeMap<Place, Json>;

/// Root and tokens of a pointer.
type Place = (Option<String>, Vec<String>);

/// Calls of the rules' tools, as far as a call can be made up: with values
/// that their conditions ask for, and with values that they do not.
pub(super) fn calls<'r>(rules: impl Iterator<Item = &'r Rule>) -> Vec<Call> {
    let (mut all, mut left) = (Vec::new(), MAX_LEN);
    for rule in rules {
        let mut made = Made { calls: Vec::new(), left: left.min(MAX_RULE_LEN) };
        let before = made.left;
        made.make(rule);
        left -= before - made.left;
        all.extend(in_sessions(rule, made.calls));
        if left < CALL_LEN || all.len() >= MAX_CALLS {
            break;
        }
    }
    all
}

/// Calls made from one rule.
struct Made {
    calls: Vec<Call>,
    /// How many bytes more they may take.
    left: usize,
}

impl Made {
    fn make(&mut self, rule: &Rule) {
        let mut tests = Vec::new();
        if let Some(when) = &rule.when {
            collect(when, &mut tests);
        }
        let base = base(&tests);
        let (open, edges) = rule.window.as_ref().map_or((None, Vec::new()), instants);
        let starts: Vec<Call> = starts(rule).collect();
        let inside: Vec<Call> = starts.iter().map(|call| said(rule, call.clone(), open)).collect();
        self.add(rule, &inside, &base);
        self.add(rule, &inside, &Values::new());
        for edge in edges {
            let at_edge: Vec<Call> = inside.iter().map(|call| call.clone().at(edge)).collect();
            self.add(rule, &at_edge, &base);
        }
        self.add(rule, &starts, &base);
        let places = tests.iter().filter_map(|(pointer, check)| Some((place(pointer)?, check)));
        for (place, check) in places {
            if self.left < size(&base) {
                break;
            }
            let mut without = base.clone();
            without.remove(&place);
            self.add(rule, &inside, &without);
            for value in values(check) {
                without.insert(place.clone(), value);
                self.add(rule, &inside, &without);
            }
        }
    }

    /// Adds the calls with these values, as far as there is room.
    fn add(&mut self, rule: &Rule, calls: &[Call], values: &Values) {
        let len = size(values);
        for call in calls {
            let Some(left) = self.left.checked_sub(len) else { return };
            self.left = left;
            self.calls.extend(with(call.clone(), rule, values));
        }
    }
}

/// What a call with these values takes, in bytes, about.
fn size(values: &Values) -> usize {
    let one = |(place, value): (&Place, &Json)| {
        let place: usize = place.1.iter().map(String::len).sum();
        CALL_LEN / 4 + place + value.as_str().map_or(0, str::len)
    };
    values.iter().map(one).sum::<usize>() + CALL_LEN
}

/// A call of each tool by each agent, as far as they are tried.
fn starts(rule: &Rule) -> impl Iterator<Item = Call> {
    let tools = rule.tools.iter().take(MAX_EACH).map(Glob::example);
    tools.flat_map(|tool| agents(rule).into_iter().map(move |agent| Call::new(&*tool).agent(agent)))
}

/// The calls, and the same in sessions with the labels that the rule asks for,
/// and outside of any.
fn in_sessions(rule: &Rule, mut calls: Vec<Call>) -> Vec<Call> {
    let asked = rule.when.as_ref().map_or_else(Vec::new, Node::labels);
    if asked.is_empty() && rule.raises.is_empty() {
        return calls;
    }
    let carrying = |call: &Call| {
        asked.iter().fold(call.clone(), |call, test| {
            let Ok(of) = test.label.binding(&call.facts()) else { return call };
            let (name, at) = (test.label.name.as_str().to_owned(), call.now());
            call.carrying(Carried { name, of: of.map(|of| of.to_hex()), at })
        })
    };
    // Each label makes a call longer.
    let room = MAX_RULE_LEN / (64 * (asked.len() + 4));
    let others: Vec<Call> = calls
        .iter()
        .take(room)
        .flat_map(|call| [carrying(call), call.clone().outside_of_sessions()])
        .collect();
    calls.extend(others);
    calls
}

/// Agents that the rule is about, and one that it hardly is.
fn agents(rule: &Rule) -> Vec<String> {
    let named = rule.agents.iter().flatten().take(MAX_EACH).map(Glob::example);
    named.chain(["example".to_owned()]).collect()
}

/// What the rule asks of the context, said.
fn said(rule: &Rule, call: Call, open: Option<Timestamp>) -> Call {
    let first = |globs: &Option<Vec<Glob>>| globs.as_ref().and_then(|globs| globs.first()).map(Glob::example);
    let mut call = open.into_iter().fold(call, Call::at);
    if let Some(tenant) = first(&rule.asked.tenants) {
        call = call.tenant(tenant);
    }
    if let Some(resource) = first(&rule.asked.resources) {
        call = call.resource(resource);
    }
    if let Some(actor) = rule.asked.actors.as_ref().and_then(|actors| actors.first()) {
        let (kind, name) = actor.example();
        call = call.actor(kind, name);
    }
    call
}

fn with(call: Call, rule: &Rule, values: &Values) -> Option<Call> {
    let mut arguments = Object::new();
    let mut result = Json::Null;
    for ((argument, rest), value) in values {
        match argument {
            Some(name) => {
                let inner = arguments.get(name).cloned().unwrap_or(Json::Null);
                arguments.set(name.as_str(), placed(inner, rest, value));
            }
            None => result = placed(result, rest, value),
        }
    }
    let text = |value: &Json| String::from_utf8_lossy(&canonical::to_vec(value)).into_owned();
    let call = if rule.on_result { call.result(text(&result)).ok()? } else { call };
    arguments.iter().try_fold(call, |call, (name, value)| call.argument(name, text(value)).ok())
}

/// `whole` with `value` at the place that the tokens lead to.
fn placed(whole: Json, tokens: &[String], value: &Json) -> Json {
    let Some((token, rest)) = tokens.split_first() else { return value.clone() };
    if token == "0" {
        return Json::Array(vec![placed(Json::Null, rest, value)]);
    }
    let mut object = if let Json::Object(object) = whole { object } else { Object::new() };
    let inner = object.get(token).cloned().unwrap_or(Json::Null);
    object.set(token.as_str(), placed(inner, rest, value));
    Json::Object(object)
}

fn collect<'n>(node: &'n Node, tests: &mut Vec<(&'n Pointer, &'n Check)>) {
    match node {
        Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| collect(part, tests)),
        Node::Not(part) => collect(part, tests),
        Node::Test(pointer, check) => tests.push((pointer, check)),
        Node::Label(_) => {}
    }
}

fn place(pointer: &Pointer) -> Option<Place> {
    let argument = match &pointer.root {
        Root::Argument(name) => Some(name.clone()),
        Root::Result => None,
        Root::Arguments => return None,
    };
    Some((argument, pointer.rest.clone()))
}

/// For each place the value that fulfils most of what is asked of it.
fn base(tests: &[(&Pointer, &Check)]) -> Values {
    let mut asked: BTreeMap<Place, Vec<&Check>> = BTreeMap::new();
    for (pointer, check) in tests {
        if let Some(here) = place(pointer) {
            asked.entry(here).or_default().push(check);
        }
    }
    let best = |checks: &[&Check]| {
        let fulfilled = |value: &Json| {
            Seen::of(value)
                .map_or(0, |seen| checks.iter().filter(|check| check.holds(seen) == Ok(true)).count())
        };
        // Of equals the one that the first question gives.
        let candidates = checks.iter().take(MAX_EACH).flat_map(|check| values(check));
        candidates.rev().max_by_key(fulfilled)
    };
    asked.into_iter().filter_map(|(here, checks)| Some((here, best(&checks)?))).collect()
}

/// Values on both sides of what the check asks.
fn values(check: &Check) -> Vec<Json> {
    let text = |text: String| Json::String(text);
    let each = |texts: &[String], make: &dyn Fn(&str) -> Vec<String>| -> Vec<Json> {
        let made = texts.iter().take(MAX_EACH).flat_map(|text| make(text));
        made.map(Json::String).collect()
    };
    match check {
        Check::OneOf(values) => {
            let other = values.first().map(|value| match &value.0 {
                Kind::Text(known) => text(format!("{known}-x")),
                Kind::Bool(known) => Json::Bool(!known),
                Kind::Number(_) => Json::Float(-0.123_456),
            });
            values.iter().take(MAX_EACH).map(scalar).chain(other).collect()
        }
        Check::Number(_, bound) => {
            let bound = bound.value();
            [bound, bound - 1.0, bound + 1.0].into_iter().map(number).collect()
        }
        Check::MinLength(len) | Check::MaxLength(len) => {
            let lens = [*len, len.saturating_sub(1), len.saturating_add(1)];
            lens.into_iter().filter(|len| *len <= 4_096).map(|len| text("x".repeat(len as usize))).collect()
        }
        Check::Prefix(prefixes) => each(prefixes, &|prefix| vec![format!("{prefix}x"), format!("-{prefix}")]),
        Check::Under(directories) => {
            each(directories, &|directory| vec![format!("{directory}/x"), format!("{directory}-x")])
        }
        Check::HostIn(hosts) => each(hosts, &|host| {
            let inside = host.replace('*', "x");
            vec![format!("https://{inside}/"), format!("https://{inside}.example/")]
        }),
        Check::Present(_) => vec![text("x".to_owned()), Json::Null],
        Check::Matches(_) => vec![text("x".to_owned()), text(String::new())],
        Check::Contains(_) => ["a@example.org", "4111 1111 1111 1111", "DE89370400440532013000", "x"]
            .into_iter()
            .map(Json::from)
            .collect(),
    }
}

fn scalar(scalar: &Scalar) -> Json {
    match &scalar.0 {
        Kind::Text(known) => known.as_str().into(),
        Kind::Bool(known) => Json::Bool(*known),
        Kind::Number(known) => number(known.value()),
    }
}

fn number(value: f64) -> Json {
    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    if value.fract() == 0.0 && value.abs() < 9.0e15 {
        Json::Integer(value as i64)
    } else {
        Json::Float(value)
    }
}

/// The first instant inside the window, and the instants on both sides of its
/// edges, found by walking through the nine days from where it may begin.
fn instants(window: &Window) -> (Option<Timestamp>, Vec<Timestamp>) {
    /// 15 minutes: no zone has another offset today.
    const STEP: i64 = 15 * 60_000_000;
    let start = window.since.map_or(946_684_800_000_000, Timestamp::unix_micros);
    let steps = (-1..9 * 24 * 4).map(|step| start - start.rem_euclid(STEP) + step * STEP);
    let bounds = [window.since, window.until].into_iter().flatten().map(Timestamp::unix_micros);
    let mut instants: Vec<i64> = steps.chain(bounds.flat_map(|bound| [bound - 1, bound])).collect();
    instants.sort_unstable();
    let states: Vec<(Timestamp, bool)> = instants
        .into_iter()
        .filter_map(Timestamp::from_unix_micros)
        .map(|at| (at, window.contains(at)))
        .collect();
    let open = states.iter().find(|(_, open)| *open).map(|(at, _)| *at);
    let edges = states.array_windows().filter(|[(_, before), (_, after)]| before != after);
    (open, edges.flat_map(|[(before, _), (after, _)]| [*before, *after]).take(2 * MAX_EACH).collect())
}
