//! The short way: events as the package writes them, without escapes.
//!
//! Such a line is read in one pass, and its canonical JSON is its own members
//! in another order. INVARIANT: what is taken here is read alike the long way;
//! the tests compare both.

use super::{Event, MAX_EVENT_LEN, MEMBERS};
use crate::digest::Sha3Digest;
use crate::json::python::Value;

/// How many members are strings: all but `metadata`, the last.
const STRINGS: usize = MEMBERS.len() - 1;

/// Where the members of [`MEMBERS`] stand in canonical JSON, by their names.
const SORTED: [usize; MEMBERS.len()] = [9, 8, 7, 0, 4, 11, 2, 3, 5, 6, 10, 1];

/// Metadata may nest half as deep as any text.
const MAX_OPENED: usize = crate::json::MAX_DEPTH / 2;

/// A line whose members stand in the package's order, every string printable
/// ASCII without escapes.
pub(super) struct Plain<'a> {
    strings: [&'a str; STRINGS],
    /// In canonical JSON.
    metadata: Vec<u8>,
    len: usize,
}

impl<'a> Plain<'a> {
    /// Reads such a line; `None` if it is another.
    pub(super) fn scan(line: &'a [u8]) -> Option<Self> {
        if line.len() > MAX_EVENT_LEN {
            return None;
        }
        let text = std::str::from_utf8(line).ok()?;
        let mut rest = text.strip_prefix('{')?;
        let mut strings = [""; STRINGS];
        for (string, name) in strings.iter_mut().zip(MEMBERS) {
            rest = member(rest, name)?.strip_prefix('"')?;
            let (value, behind) = rest.split_at_checked(plain_len(rest.as_bytes()))?;
            *string = value;
            rest = behind.strip_prefix("\",")?;
        }
        let metadata = member(rest, "metadata")?.strip_suffix('}')?;
        Some(Self { strings, metadata: sorted(metadata)?, len: line.len() })
    }

    pub(super) fn event(&self) -> Event {
        let sha3 = *Sha3Digest::of(&self.canonical()).as_bytes();
        let [id, ..] = self.strings;
        Event { id: id.to_owned(), sha3, spelled: true }
    }

    fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.len);
        for at in SORTED {
            out.push(if out.is_empty() { b'{' } else { b',' });
            let name = MEMBERS.get(at).copied().unwrap_or_default();
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            match self.strings.get(at) {
                Some(string) => {
                    out.push(b'"');
                    out.extend_from_slice(string.as_bytes());
                    out.push(b'"');
                }
                None => out.extend_from_slice(&self.metadata),
            }
        }
        out.push(b'}');
        out
    }
}

/// What follows `"name":`.
fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix('"')?.strip_prefix(name)?.strip_prefix("\":")
}

/// How many bytes at the beginning of `text` stand for themselves in a string
/// of the package: printable ASCII up to the first quote or backslash.
fn plain_len(text: &[u8]) -> usize {
    let stands = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    text.iter().position(|byte| !stands(*byte)).unwrap_or(text.len())
}

/// The canonical JSON of metadata that are spelled as the package spells them.
fn sorted(metadata: &str) -> Option<Vec<u8>> {
    if metadata == "{}" {
        return Some(metadata.into());
    }
    if metadata.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count() > MAX_OPENED {
        return None;
    }
    let value = Value::parse(metadata.as_bytes()).ok()?;
    let spelled = matches!(value, Value::Object(_)) && value.ascii() == metadata.as_bytes();
    spelled.then(|| value.sorted())
}
