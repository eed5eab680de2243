//! Receipts as a segment takes them, hashed together.

use asqav_core::log::LogEntry;
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _};
use asqav_receipt::payload::Link;
use asqav_receipt::receipt::write_line;

/// Receipts that are prepared together, at most: their lines are held in
/// memory twice.
pub(crate) const MAX_PREPARED: usize = 256;

/// One receipt, ready for its segment.
pub(crate) struct Prepared<'a> {
    /// The receipt.
    pub(crate) entry: &'a LogEntry,
    /// Its line without the line feed.
    pub(crate) line: &'a [u8],
    /// Its leaf in the trees of segment and log.
    pub(crate) leaf: [u8; 32],
    /// The link that its successor carries.
    pub(crate) link: Link,
}

/// The lines of receipts, one after the other.
pub(crate) struct Group<'a> {
    entries: &'a [LogEntry],
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl<'a> Group<'a> {
    /// Writes the lines of `entries`; `buffer` is that of an earlier group.
    pub(crate) fn new(entries: &'a [LogEntry], mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        let mut group = Self { entries, bytes: buffer, ends: Vec::with_capacity(entries.len()) };
        for LogEntry { canonical, signature, .. } in entries {
            write_line(canonical, signature, &mut group.bytes);
            group.ends.push(group.bytes.len());
        }
        group
    }

    /// The buffer, for the next group.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// Hashes them; in order.
    pub(crate) fn prepared(&self) -> impl Iterator<Item = Prepared<'_>> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let lines: Vec<_> =
            starts.zip(&self.ends).filter_map(|(start, &end)| self.bytes.get(start..end)).collect();
        let payloads: Vec<_> = self.entries.iter().map(|entry| &*entry.canonical).collect();
        let hashed = Sha3Tree::leaves(&lines).into_iter().zip(Link::to_each(&payloads));
        let prepared = self.entries.iter().zip(lines).zip(hashed);
        prepared.map(|((entry, line), (leaf, link))| Prepared { entry, line, leaf, link })
    }
}
