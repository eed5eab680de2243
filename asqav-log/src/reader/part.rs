//! Lines of a segment that are read together.

use asqav_receipt::verify::ReadLine;

use super::recoveries::{self, Torn};
use crate::lines::MAX_LINE_LEN;

/// So many lines are handed to a thread at once, at most.
const MAX_LINES: usize = 64;
/// A part is full with so many bytes.
const MAX_LEN: usize = 96 * 1024;

/// Successive lines.
#[derive(Debug, Default)]
pub(super) struct Part {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

/// What was read of one line.
pub(super) struct Read {
    pub(super) line: ReadLine,
    /// Torn bytes that it names.
    pub(super) torn: Option<Torn>,
}

impl Part {
    /// Adds a line, without its line feed.
    pub(super) fn push(&mut self, line: &[u8]) {
        if self.is_empty() {
            // One line more than a full part, so that it never moves.
            self.bytes.reserve(MAX_LEN + MAX_LINE_LEN);
        }
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    pub(super) const fn is_full(&self) -> bool {
        self.ends.len() >= MAX_LINES || self.bytes.len() >= MAX_LEN
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Reads every line.
    pub(super) fn read(&self) -> Vec<Read> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let lines =
            starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default());
        let lines: Vec<_> = lines.collect();
        let torn = lines.iter().map(|line| recoveries::torn_by(line));
        ReadLine::each(&lines).into_iter().zip(torn).map(|(line, torn)| Read { line, torn }).collect()
    }
}
