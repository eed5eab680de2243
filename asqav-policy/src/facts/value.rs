//! Values as conditions look at them.

use asqav_receipt::json::{Json, Object};

/// An argument that was read. A text without escapes stays where it is.
#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Json(Json),
}

/// A value that is not `null`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Seen<'j> {
    Text(&'j str),
    Number(f64),
    Bool(bool),
    Items(&'j [Json]),
    Members(&'j Object),
}

impl<'a> Value<'a> {
    /// Reads a JSON text by the rules of the strict reader.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        match plain_string(text) {
            Some(plain) => Some(Self::Text(plain)),
            None => Json::parse(text.as_bytes()).ok().map(Self::Json),
        }
    }
}

/// What stands in a string without escapes: every character but these stands
/// for itself (RFC 8259 §7).
fn plain_string(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\'))).then_some(inner)
}

impl<'j> Seen<'j> {
    pub(crate) fn of(value: &'j Json) -> Option<Self> {
        Some(match value {
            Json::Null => return None,
            Json::Bool(value) => Self::Bool(*value),
            #[expect(clippy::cast_precision_loss, reason = "the reader keeps integers within 2^53")]
            Json::Integer(integer) => Self::Number(*integer as f64),
            Json::Float(float) => Self::Number(*float),
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::Items(items),
            Json::Object(members) => Self::Members(members),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The short way reads a text as the strict reader does, or not at all.
        #[test]
        fn agrees_with_the_strict_reader(text in "[\"\\\\\u{0}-\u{1f} a-cn{}\\[\\]0-9é😀\u{7f}]{0,8}|\"[^\"\\\\]{0,6}\"") {
            let strict = Json::parse(text.as_bytes()).ok();
            match (Value::parse(&text), strict) {
                (Some(Value::Text(plain)), Some(Json::String(value))) => prop_assert_eq!(plain, value),
                (Some(Value::Json(json)), Some(value)) => prop_assert_eq!(json, value),
                (None, None) => {}
                (ours, strict) => prop_assert!(false, "{:?} instead of {:?}", ours, strict),
            }
        }
    }
}
