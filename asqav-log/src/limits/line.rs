//! One line: 16 hexadecimal digits of the SHA-256 of what follows, a space,
//! `{"now": microseconds, "set": {key: counter}}` as canonical JSON, and a line
//! feed. A counter is `{"used_until": nanoseconds}`, `{"spent": amount, "until"?:
//! microseconds}`, both as texts, or `null` when nothing of it is taken.

use asqav_core::limits::{Counter, Counters};
use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::time::Timestamp;

/// How a journal begins.
pub(super) const HEADER: &[u8] = b"asqav/limits/v1\n";
/// Digits of the check sum.
const CHECK_LEN: usize = 16;
/// Counters in one line of a journal that is written anew.
const PER_LINE: usize = 256;

/// The line that says what these counters are.
pub(super) fn write<'a>(
    now: Option<Timestamp>,
    counters: impl IntoIterator<Item = (&'a str, Option<Counter>)>,
) -> Vec<u8> {
    let mut set = Object::new();
    for (key, counter) in counters {
        set.set(key, counter.map_or(Json::Null, to_json));
    }
    let mut line = Object::new();
    line.set("now", now.map_or(Json::Null, |now| Json::Integer(now.unix_micros())));
    line.set("set", set);
    let json = canonical::to_vec(&line.into());
    let mut out = check(&json).into_bytes();
    out.push(b' ');
    out.extend_from_slice(&json);
    out.push(b'\n');
    out
}

/// A journal of all counters.
pub(super) fn write_all(counters: &Counters) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    let all: Vec<_> = counters.iter().map(|(key, counter)| (key, Some(counter))).collect();
    for some in all.chunks(PER_LINE) {
        out.extend_from_slice(&write(counters.now(), some.iter().copied()));
    }
    if all.is_empty() && counters.now().is_some() {
        out.extend_from_slice(&write(counters.now(), []));
    }
    out
}

/// Sets what the line says; `false`, and nothing set, if it cannot be read.
pub(super) fn apply(counters: &mut Counters, line: &[u8]) -> bool {
    let Some((now, set)) = read(line) else { return false };
    if let Some(now) = now {
        counters.observe(now);
    }
    for (key, counter) in &set {
        counters.set(key, *counter);
    }
    true
}

type Line = (Option<Timestamp>, Vec<(String, Option<Counter>)>);

fn read(line: &[u8]) -> Option<Line> {
    let (sum, json) = line.strip_suffix(b"\n")?.split_at_checked(CHECK_LEN)?;
    let json = json.strip_prefix(b" ")?;
    if sum != check(json).as_bytes() {
        return None;
    }
    let line = Json::parse(json).ok()?;
    let line = line.as_object()?;
    let now = match line.get("now")? {
        Json::Null => None,
        Json::Integer(micros) => Some(Timestamp::from_unix_micros(*micros)?),
        _ => return None,
    };
    let counter = |value: &Json| match value {
        Json::Null => Some(None),
        value => from_json(value.as_object()?).map(Some),
    };
    let set = line.get("set")?.as_object()?.iter();
    let set = set.map(|(key, value)| Some((key.to_owned(), counter(value)?))).collect::<Option<_>>()?;
    Some((now, set))
}

fn check(json: &[u8]) -> String {
    let mut digits = Sha256Digest::of(json).to_hex();
    digits.truncate(CHECK_LEN);
    digits
}

fn to_json(counter: Counter) -> Json {
    let mut object = Object::new();
    match counter {
        Counter::Rate { used_until } => object.set("used_until", used_until.to_string()),
        Counter::Budget { spent, until } => {
            object.set("spent", spent.to_string());
            if let Some(until) = until {
                object.set("until", until.to_string());
            }
        }
        // INVARIANT: core has no other kinds; a journal must not forget one.
        _ => object.set("unknown", Json::Bool(true)),
    }
    object.into()
}

fn from_json(counter: &Object) -> Option<Counter> {
    if let Some(used_until) = counter.get("used_until") {
        return Some(Counter::Rate { used_until: used_until.as_str()?.parse().ok()? });
    }
    let spent = counter.get("spent")?.as_str()?.parse().ok()?;
    let until = match counter.get("until") {
        Some(until) => Some(until.as_str()?.parse().ok()?),
        None => None,
    };
    Some(Counter::Budget { spent, until })
}
