//! Conditions that no value can fulfil.

use std::collections::BTreeMap;

use crate::condition::{Check, Compare, Kind, Node, Scalar};
use crate::facts::Seen;
use crate::pointer::Pointer;

/// What one place is asked, all of which has to hold.
type Asked<'n> = BTreeMap<(&'static str, &'n str), Vec<&'n Check>>;

/// The place where nothing can fulfil the condition.
pub(super) fn find(node: &Node) -> Option<&str> {
    let mut asked = Asked::new();
    collect(node, &mut asked);
    let place = asked.iter().find(|(_, checks)| contradict(checks)).map(|((_, place), _)| *place);
    place.or_else(|| in_parts(node))
}

fn collect<'n>(node: &'n Node, asked: &mut Asked<'n>) {
    match node {
        Node::All(parts) => parts.iter().for_each(|part| collect(part, asked)),
        Node::Test(pointer, check) => asked.entry(key(pointer)).or_default().push(check),
        Node::Any(_) | Node::Not(_) | Node::Label(_) => {}
    }
}

fn key(pointer: &Pointer) -> (&'static str, &str) {
    (pointer.key(), pointer.as_str())
}

/// A part of `all`, or every part of `any`.
fn in_parts(node: &Node) -> Option<&str> {
    match node {
        Node::All(parts) => parts
            .iter()
            .find_map(|part| if matches!(part, Node::Any(_)) { find(part) } else { in_parts(part) }),
        Node::Any(parts) => {
            let mut places = parts.iter().map(find);
            let first = places.next()??;
            places.all(|place| place.is_some()).then_some(first)
        }
        Node::Not(_) | Node::Test(..) | Node::Label(_) => None,
    }
}

fn contradict(checks: &[&Check]) -> bool {
    types_differ(checks)
        || no_number(checks)
        || no_length(checks)
        || no_listed_value(checks)
        || no_common_beginning(checks)
}

/// Types that a check can be about, one bit each.
const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const BOOL: u8 = 4;
const ITEMS: u8 = 8;
const NOTHING: u8 = 16;
const ANY: u8 = 15;

fn types_differ(checks: &[&Check]) -> bool {
    let types = |check: &Check| match check {
        Check::OneOf(values) => values.first().map_or(0, scalar_type),
        Check::Number(..) => NUMBER,
        Check::MinLength(_) | Check::MaxLength(_) => TEXT | ITEMS,
        Check::Prefix(_) | Check::Under(_) | Check::HostIn(_) | Check::Matches(_) => TEXT,
        Check::Present(false) => NOTHING,
        _ => ANY,
    };
    checks.iter().fold(ANY | NOTHING, |left, check| left & types(check)) == 0
}

const fn scalar_type(scalar: &Scalar) -> u8 {
    match scalar.0 {
        Kind::Text(_) => TEXT,
        Kind::Bool(_) => BOOL,
        Kind::Number(_) => NUMBER,
    }
}

fn no_number(checks: &[&Check]) -> bool {
    let bounds = |wanted: [Compare; 2]| {
        checks.iter().filter_map(move |check| match check {
            Check::Number(compare, bound) if wanted.contains(compare) => Some((*compare, bound.value())),
            _ => None,
        })
    };
    let above = bounds([Compare::AtLeast, Compare::MoreThan]);
    above.into_iter().any(|(lower, least)| {
        bounds([Compare::AtMost, Compare::LessThan]).any(|(upper, most)| {
            let strict = lower == Compare::MoreThan || upper == Compare::LessThan;
            least > most || strict && least >= most
        })
    })
}

fn no_length(checks: &[&Check]) -> bool {
    let least =
        checks.iter().filter_map(|check| if let Check::MinLength(len) = check { Some(len) } else { None });
    let most =
        checks.iter().filter_map(|check| if let Check::MaxLength(len) = check { Some(len) } else { None });
    matches!((least.max(), most.min()), (Some(least), Some(most)) if least > most)
}

/// Every value of a list fails another question.
fn no_listed_value(checks: &[&Check]) -> bool {
    let fails = |scalar: &Scalar| {
        let value = match &scalar.0 {
            Kind::Text(text) => Seen::Text(text),
            Kind::Bool(value) => Seen::Bool(*value),
            Kind::Number(number) => Seen::Number(number.value()),
        };
        checks.iter().any(|check| check.holds(value) != Ok(true))
    };
    checks.iter().any(|check| matches!(check, Check::OneOf(values) if values.iter().all(fails)))
}

/// Two lists of beginnings of which no two can begin the same text.
fn no_common_beginning(checks: &[&Check]) -> bool {
    let lists: Vec<&[String]> = checks
        .iter()
        .filter_map(|check| match check {
            Check::Prefix(texts) => Some(texts.as_slice()),
            _ => None,
        })
        .collect();
    let meet = |one: &[String], other: &[String]| {
        one.iter().any(|one| {
            other.iter().any(|other| one.starts_with(other.as_str()) || other.starts_with(one.as_str()))
        })
    };
    lists.iter().enumerate().any(|(at, one)| lists.iter().skip(at + 1).any(|other| !meet(one, other)))
}
