//! Arguments and results as checked JSON text.
//!
//! [`to_json_text`] serialises with rules of its own, because the common way
//! over `serde_json::Value` turns NaN into `null` and lets the last of two
//! equal members win: two different arguments would then have one commitment.

mod compound;
mod serializer;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use asqav_receipt::canonical::plain_len;
use asqav_receipt::json;
use serde::Serialize;

use crate::call::{CallError, Flaw};

/// Values nested deeper than this are refused.
pub const MAX_DEPTH: usize = 200;

/// JSON text, checked: one value, finite numbers, no duplicate members, no
/// lone surrogates, depth at most 200. Integers may exceed ±(2^53−1); the text
/// is kept as it was given, because it is hashed as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// Takes a text that came from outside, as it is.
    ///
    /// # Errors
    /// [`CallError::Value`] when it is not one JSON value within the rules.
    pub fn parse(text: impl Into<String>) -> Result<Self, CallError> {
        let text = text.into();
        match json::check_text(&text) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(CallError::Value { why: error.to_string(), flaw: Flaw::from(&error.kind) }),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text away.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for JsonText {
    /// Shows the length only: arguments may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonText({} bytes)", self.0.len())
    }
}

/// The JSON text of `value`.
///
/// Follows `serde_json` (bytes are arrays of numbers, enum variants are
/// objects, integer and boolean map keys become strings), and keeps integers
/// of every width exactly.
///
/// # Errors
/// [`CallError::Value`] for NaN and infinity, two members of one name, a map
/// key that is not a string, integer, boolean or character, nesting over
/// [`MAX_DEPTH`], and whatever error `value`'s own implementation gives; a
/// panic of it is an error, too.
pub fn to_json_text<T: Serialize + ?Sized>(value: &T) -> Result<JsonText, CallError> {
    // Foreign code: a tool that has done its work is not undone by it.
    let written = catch_unwind(AssertUnwindSafe(|| {
        let mut out = String::new();
        let written = value.serialize(serializer::TextSerializer::new(&mut out));
        written.map(|()| JsonText(out)).map_err(|error| (error.text, error.flaw))
    }));
    let written = written.unwrap_or_else(|_| Err(("its own code panicked".to_owned(), Flaw::Other)));
    written.map_err(|(why, flaw)| CallError::Value { why, flaw })
}

/// Appends `text` as a JSON string, with the escapes of RFC 8785 §3.2.2.2.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    // INVARIANT: `plain_len` ends at an ASCII byte or at the end, never within a
    // character.
    while let Some((plain, others)) = rest.split_at_checked(plain_len(rest.as_bytes())) {
        out.push_str(plain);
        let Some(&byte) = others.as_bytes().first() else { break };
        push_escape(out, byte);
        rest = others.get(1..).unwrap_or_default();
    }
    out.push('"');
}

fn push_escape(out: &mut String, byte: u8) {
    out.push('\\');
    match byte {
        b'"' | b'\\' => out.push(char::from(byte)),
        0x08 => out.push('b'),
        b'\t' => out.push('t'),
        b'\n' => out.push('n'),
        0x0c => out.push('f'),
        b'\r' => out.push('r'),
        control => {
            out.push_str("u00");
            for nibble in [control >> 4, control & 15] {
                out.extend(char::from_digit(u32::from(nibble), 16));
            }
        }
    }
}

#[cfg(test)]
mod tests;
