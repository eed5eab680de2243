//! JSON as Python's `json` module writes it: for logs that Python programs
//! signed.
//!
//! Python orders members by code point where RFC 8785 orders them by UTF-16
//! code unit, keeps integers of any size apart from floats, and prints floats
//! by rules of its own: `1e+22` and `1.0`, where ECMAScript prints
//! `1e+22` and `1`.

use std::borrow::Cow;

use super::lexer::Number;
use super::read::{Build, read};
use super::{JsonError, JsonErrorKind as Kind};
use crate::canonical;

/// A JSON value as Python reads it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "JSON has six kinds of values, and Python two of numbers")]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer, as Python prints it: its own digits, and `0` for `-0`.
    Integer(String),
    /// A literal with fraction or exponent; always finite.
    Float(f64),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// Members in the order of the text, each name once.
    Object(Vec<(String, Self)>),
}

impl Value {
    /// Reads one value as strictly as [`Json::parse`](super::Json::parse),
    /// except that integers may have up to 308 digits. What only Python calls
    /// JSON (`NaN`, `Infinity`, lone surrogates) is an error.
    ///
    /// # Errors
    /// [`JsonError`] with its position.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        let utf8 = std::str::from_utf8(text)
            .map_err(|error| JsonError::at(text, error.valid_up_to(), Kind::Utf8))?;
        read(utf8, &mut Tree)
    }

    /// The value of the member `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// `json.dumps(value, sort_keys=True, separators=(",", ":"),
    /// ensure_ascii=False)` in UTF-8.
    #[must_use]
    pub fn sorted(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(Style::Sorted, &mut out);
        out
    }

    /// `json.dumps(value, separators=(",", ":"))`: members as they stand,
    /// everything but printable ASCII
    /// escaped.
    #[must_use]
    pub fn ascii(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(Style::Ascii, &mut out);
        out
    }

    fn write(&self, style: Style, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Integer(digits) => out.extend_from_slice(digits.as_bytes()),
            Self::Float(value) => out.extend_from_slice(float_repr(*value).as_bytes()),
            Self::String(text) => style.string(text, out),
            Self::Array(values) => {
                out.push(b'[');
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    value.write(style, out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                if style == Style::Sorted {
                    // UTF-8 has the order of code points.
                    members.sort_by_key(|(name, _)| name.as_bytes());
                }
                out.push(b'{');
                for (at, (name, value)) in members.into_iter().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    style.string(name, out);
                    out.push(b':');
                    value.write(style, out);
                }
                out.push(b'}');
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Sorted,
    Ascii,
}

impl Style {
    fn string(self, text: &str, out: &mut Vec<u8>) {
        // Python's minimal escapes are those of RFC 8785.
        let mut minimal = Vec::with_capacity(text.len() + 2);
        canonical::write_string(text, &mut minimal);
        if self == Self::Sorted || minimal.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            out.extend_from_slice(&minimal);
            return;
        }
        let mut escaped = String::new();
        for character in String::from_utf8_lossy(&minimal).chars() {
            match character {
                ' '..='~' => escaped.push(character),
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        escaped.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
        }
        out.extend_from_slice(escaped.as_bytes());
    }
}

/// `repr(value)` of a finite float: the shortest digits that read back as
/// `value`, with an exponent below 1e-4 and from 1e16 on.
#[must_use]
pub fn float_repr(value: f64) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let (digits, point) = shortest(value.abs());
    let exponent = point - 1;
    if !(-4..16).contains(&exponent) {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        let dot = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{dot}{rest}e{exponent_sign}{:02}", exponent.unsigned_abs());
    }
    let shift = usize::try_from(point.unsigned_abs()).unwrap_or_default();
    if point <= 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(shift));
    }
    match digits.split_at_checked(shift) {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits:0<shift$}.0"),
    }
}

/// The shortest digits of a number that is not negative, and where its point
/// stands: `value` = 0.`digits` × 10^point. Of two that are equally close the
/// even one, as ECMAScript and Python both choose.
fn shortest(value: f64) -> (String, i32) {
    let mut buffer = ryu_js::Buffer::new();
    let text = buffer.format(value);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return ("0".to_owned(), 1);
    }
    // Counts are below 400: a double prints in no more characters.
    let length = |text: &str| i32::try_from(text.len()).unwrap_or_default();
    let point = exponent + length(whole) - (length(&all) - length(significant));
    (significant.trim_end_matches('0').to_owned(), point)
}

struct Tree;

impl Build for Tree {
    type Value = Value;
    type Items = Vec<Value>;
    type Members = Vec<(String, Value)>;
    const KEEPS: bool = true;

    fn null(&mut self) -> Value {
        Value::Null
    }
    fn bool(&mut self, value: bool) -> Value {
        Value::Bool(value)
    }
    fn number(&mut self, number: Number, literal: &str) -> Result<Value, Kind> {
        Ok(match number {
            Number::Integer(0) => Value::Integer("0".to_owned()),
            Number::Integer(_) | Number::Wide => Value::Integer(literal.to_owned()),
            Number::Float(number) => Value::Float(number),
        })
    }
    fn string(&mut self, text: Cow<'_, str>) -> Value {
        Value::String(text.into_owned())
    }
    fn push(&mut self, items: &mut Vec<Value>, value: Value) {
        items.push(value);
    }
    fn insert(&mut self, members: &mut Vec<(String, Value)>, name: &str, value: Value) {
        members.push((name.to_owned(), value));
    }
    fn array(&mut self, items: Vec<Value>) -> Value {
        Value::Array(items)
    }
    fn object(&mut self, members: Vec<(String, Value)>) -> Value {
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `json.dumps` of CPython 3.11 printed.
    #[test]
    fn prints_as_python_prints() {
        let text = r#"{"b":[1,null,true],"a":"\u2028\u007f\u0001\"\\/","😀k":-0,"￿k":1E22,"n":12345678901234567890123,"z":-0.0,"y":1e-7,"x":100000.0,"w":0.0001,"v":1e16}"#;
        let value = Value::parse(text.as_bytes()).unwrap();
        assert_eq!(
            String::from_utf8(value.sorted()).unwrap(),
            "{\"a\":\"\u{2028}\u{7f}\\u0001\\\"\\\\/\",\"b\":[1,null,true],\"n\":12345678901234567890123,\"v\":1e+16,\"w\":0.0001,\"x\":100000.0,\"y\":1e-07,\"z\":-0.0,\"\u{ffff}k\":1e+22,\"😀k\":0}"
        );
        assert_eq!(
            String::from_utf8(value.ascii()).unwrap(),
            "{\"b\":[1,null,true],\"a\":\"\\u2028\\u007f\\u0001\\\"\\\\/\",\"\\ud83d\\ude00k\":0,\"\\uffffk\":1e+22,\"n\":12345678901234567890123,\"z\":-0.0,\"y\":1e-07,\"x\":100000.0,\"w\":0.0001,\"v\":1e+16}"
        );
    }

    #[test]
    fn refuses_what_is_json_to_python_only() {
        for text in [r#"{"a":NaN}"#, "Infinity", "-Infinity", r#""\ud800""#, r#"{"a":1,"a":1}"#, "1e999"] {
            assert!(Value::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
