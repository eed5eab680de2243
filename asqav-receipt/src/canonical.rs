//! Canonical JSON: the JSON Canonicalization Scheme (RFC 8785).
//!
//! Members ordered by UTF-16 code unit (§3.2.3), no white space, minimal
//! escapes (§3.2.2.2), numbers as ECMAScript prints them (§3.2.2.3).

mod members;

use std::cmp::Ordering;
use std::io::Write as _;

use crate::json::Json;

pub(crate) use members::{Members, write_count, write_time};

/// The canonical bytes of `value`.
#[must_use]
pub fn to_vec(value: &Json) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// What is signed of everything but payloads: `tag`, which is in the registry of
/// docs/FORMAT.md, a zero byte, the canonical bytes of `value`.
pub(crate) fn tagged(tag: &str, value: &Json) -> Vec<u8> {
    let mut out = Vec::from(tag.as_bytes());
    out.push(0);
    write(value, &mut out);
    out
}

/// Appends the canonical bytes of `value` to `out`.
pub fn write(value: &Json, out: &mut Vec<u8>) {
    match value {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Integer(value) => write_integer(*value, out),
        Json::Float(value) => write_float(*value, out),
        Json::String(text) => write_string(text, out),
        Json::Array(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(value, out);
            }
            out.push(b']');
        }
        Json::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by(|(a, _), (b, _)| member_order(a, b));
            out.push(b'{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_string(name, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

/// The order of member names: by UTF-16 code units, which differs from the
/// order of code points where supplementary planes meet U+E000 to U+FFFF.
#[must_use]
pub fn member_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// Appends the digits of `value`.
pub fn write_integer(value: i64, out: &mut Vec<u8>) {
    // A vector takes everything.
    write!(out, "{value}").unwrap_or_default();
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(ryu_js::Buffer::new().format(value).as_bytes());
}

/// Appends `text` as a string literal with the escapes that JSON requires and
/// no others.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, others) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some((&byte, behind)) = others.split_first() else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = behind;
    }
    out.push(b'"');
}

/// How many bytes at the beginning of `text` stand for themselves in a string
/// literal: up to the first quote, backslash or control character.
#[must_use]
pub fn plain_len(text: &[u8]) -> usize {
    let needs_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    // Without an exit in the middle, a whole block is looked at at once.
    let is_plain = |block: &&[u8]| !block.iter().fold(false, |found, &byte| found | needs_escape(byte));
    let plain = text.chunks(PLAIN_BLOCK).take_while(is_plain).map(<[u8]>::len).sum();
    let rest = text.get(plain..).unwrap_or_default();
    plain + rest.iter().position(|&byte| needs_escape(byte)).unwrap_or(rest.len())
}

const PLAIN_BLOCK: usize = 32;

#[cfg(test)]
mod tests;
