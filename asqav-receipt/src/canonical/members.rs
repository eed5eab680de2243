//! Writes an object member by member, without a tree.

use crate::canonical::{plain_len, write_integer, write_string};
use crate::digest::{Sha256Digest, push_hex};
use crate::json::MAX_INTEGER;
use crate::time::Timestamp;

/// An object being written.
///
/// INVARIANT: members are added in canonical order; the tests compare every
/// kind of payload with a general canonicaliser.
pub(crate) struct Members<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Members<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    /// Writes the name; the caller appends the value. Names that are known
    /// here need no escapes.
    pub(crate) fn value(&mut self, name: &'static str) -> &mut Vec<u8> {
        debug_assert_eq!(plain_len(name.as_bytes()), name.len(), "{name}");
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// The same, whatever the name.
    pub(crate) fn value_of(&mut self, name: &str) -> &mut Vec<u8> {
        self.separate();
        write_string(name, self.out);
        self.out.push(b':');
        self.out
    }

    fn separate(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }

    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        write_string(text, self.value(name));
    }

    pub(crate) fn some_text(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A string of `tag`, which needs no escapes, and hexadecimal digits.
    pub(crate) fn hex(&mut self, name: &'static str, tag: &str, bytes: &[u8]) {
        let out = self.value(name);
        out.push(b'"');
        out.extend_from_slice(tag.as_bytes());
        push_hex(bytes, out);
        out.push(b'"');
    }

    pub(crate) fn some_time(&mut self, name: &'static str, time: Option<Timestamp>) {
        if let Some(time) = time {
            write_time(time, self.value(name));
        }
    }

    pub(crate) fn sha256(&mut self, name: &'static str, digest: &Sha256Digest) {
        self.hex(name, Sha256Digest::TAG, digest.as_bytes());
    }

    pub(crate) fn some_sha256(&mut self, name: &'static str, digest: Option<&Sha256Digest>) {
        if let Some(digest) = digest {
            self.sha256(name, digest);
        }
    }

    /// An array; `write` appends one item.
    pub(crate) fn list<T>(
        &mut self,
        name: &'static str,
        items: impl Iterator<Item = T>,
        write: impl Fn(T, &mut Vec<u8>),
    ) {
        let out = self.value(name);
        out.push(b'[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write(item, out);
        }
        out.push(b']');
    }

    pub(crate) fn count(&mut self, name: &'static str, count: u64) {
        write_count(count, self.value(name));
    }

    /// How much is written, of everything.
    pub(crate) const fn len(&self) -> usize {
        self.out.len()
    }

    pub(crate) fn flag(&mut self, name: &'static str, flag: bool) {
        self.value(name).extend_from_slice(if flag { b"true" } else { b"false" });
    }
}

/// Appends the digits of `count`.
pub(crate) fn write_count(count: u64, out: &mut Vec<u8>) {
    // Counts never come near 2^53; a payload must not hold more in any case.
    write_integer(i64::try_from(count).map_or(MAX_INTEGER, |count| count.min(MAX_INTEGER)), out);
}

/// Appends the string of `time`.
pub(crate) fn write_time(time: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(&time.text());
    out.push(b'"');
}
