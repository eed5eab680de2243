//! Reads TOML.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::tree::{Kind, Member, Node, syntax};
use crate::error::Fault;

/// The reader bounds the depth itself, at 80 levels.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or_else(|| deepest_key(text), |span| span.start);
        syntax(at, error.message())
    })?;
    let at = document.span().start;
    Ok(Node { at, kind: Kind::Table(members(document.get_ref())) })
}

/// Where the line with the most dots begins: the reader gives no place for a
/// key of too many parts, its only error without one.
fn deepest_key(text: &str) -> usize {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let at = start;
        start += line.len();
        (line.bytes().filter(|&byte| byte == b'.').count(), at)
    });
    lines.max_by_key(|&(dots, _)| dots).map_or(0, |(_, at)| at)
}

fn members(table: &DeTable<'_>) -> Vec<Member> {
    let member = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| Member {
        key: AsRef::<str>::as_ref(key.get_ref()).to_owned(),
        at: key.span().start,
        value: node(value),
    };
    let mut members: Vec<Member> = table.iter().map(member).collect();
    members.sort_by_key(|member| member.at);
    members
}

fn node(value: &Spanned<DeValue<'_>>) -> Node {
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::String(text.as_ref().to_owned()),
        DeValue::Boolean(value) => Kind::Boolean(*value),
        DeValue::Integer(digits) => Kind::Integer(i64::from_str_radix(digits.as_str(), digits.radix()).ok()),
        // The reader has checked the form; NaN is refused wherever it matters.
        DeValue::Float(digits) => Kind::Float(digits.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Datetime(time) => Kind::Datetime(time.to_string()),
        DeValue::Array(items) => Kind::Array(items.iter().map(node).collect()),
        DeValue::Table(table) => Kind::Table(members(table)),
    };
    Node { at: value.span().start, kind }
}
