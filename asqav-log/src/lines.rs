//! Receipts of a segment, one line at a time, in bounded memory.

use std::io::{self, BufRead};
use std::mem;

/// A log line is never longer than this, bytes without the line feed: a payload
/// of 4,096 bytes, an ML-DSA-65 signature in base64url (4,412), and room for
/// what signs a batch.
pub const MAX_LINE_LEN: usize = 16 * 1024;

/// Splits a segment at its line feeds.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    offset: u64,
    number: u64,
    line: Vec<u8>,
    longest: usize,
    /// How much of what the source holds was given already.
    given: usize,
}

/// A piece of a segment: a line, or what stands after the last line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece<'a> {
    /// Its line number, from 1.
    pub number: u64,
    /// Where it begins, bytes from the segment's start.
    pub offset: u64,
    /// Its bytes without the line feed; of a piece that is too long only the
    /// first [`MAX_LINE_LEN`] + 1, or one more than the limit given.
    pub bytes: &'a [u8],
    /// Its length without the line feed.
    pub len: u64,
    /// Whether a line feed ends it.
    pub complete: bool,
}

impl Piece<'_> {
    /// Where it ends, its line feed included; bytes from the segment's start.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset + self.len + u64::from(self.complete)
    }
}

impl<R: BufRead> Lines<R> {
    /// Reads from the segment's start.
    pub const fn new(source: R) -> Self {
        Self::with_limit(source, MAX_LINE_LEN)
    }

    /// Reads from the start of a file whose lines may have `longest` bytes.
    pub const fn with_limit(source: R, longest: usize) -> Self {
        Self { source, offset: 0, number: 0, line: Vec::new(), longest, given: 0 }
    }

    /// The next piece; `None` at the end. Memory stays bounded however long a
    /// piece is.
    ///
    /// # Errors
    /// What the source says.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.source.consume(mem::take(&mut self.given));
        if let Some(len) = self.at_hand()? {
            return self.given_whole(len);
        }
        self.line.clear();
        let (start, mut complete) = (self.offset, false);
        while !complete {
            let chunk = match self.source.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            let (content, used) = match memchr::memchr(b'\n', chunk) {
                Some(at) => {
                    complete = true;
                    (chunk.get(..at).unwrap_or_default(), at + 1)
                }
                None => (chunk, chunk.len()),
            };
            let room = (self.longest + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(content.get(..room).unwrap_or(content));
            self.offset += u64::try_from(used).map_err(io::Error::other)?;
            self.source.consume(used);
        }
        if self.offset == start {
            return Ok(None);
        }
        self.number += 1;
        let len = self.offset - start - u64::from(complete);
        Ok(Some(Piece { number: self.number, offset: start, bytes: &self.line, len, complete }))
    }

    /// How long the next line is, if the source holds it whole.
    fn at_hand(&mut self) -> io::Result<Option<usize>> {
        let chunk = match self.source.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(memchr::memchr(b'\n', chunk).filter(|len| *len <= self.longest))
    }

    /// Gives a line of `len` bytes as the source holds it.
    fn given_whole(&mut self, len: usize) -> io::Result<Option<Piece<'_>>> {
        let offset = self.offset;
        self.given = len + 1;
        self.offset += u64::try_from(self.given).map_err(io::Error::other)?;
        self.number += 1;
        let bytes = self.source.fill_buf()?.get(..len).unwrap_or_default();
        let len = u64::try_from(len).map_err(io::Error::other)?;
        Ok(Some(Piece { number: self.number, offset, bytes, len, complete: true }))
    }

    /// How many bytes were read so far.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &[u8]) -> Vec<(u64, u64, usize, bool)> {
        let mut found = Vec::new();
        // Lines that the buffer holds whole, and others.
        for capacity in [7, 1, 2, 6, 13, 1 << 17] {
            let mut lines = Lines::new(io::BufReader::with_capacity(capacity, text));
            let mut these = Vec::new();
            while let Some(piece) = lines.next_piece().unwrap() {
                let start = usize::try_from(piece.offset).unwrap();
                assert_eq!(piece.bytes, &text[start..start + piece.bytes.len()]);
                these.push((piece.number, piece.offset, piece.bytes.len(), piece.complete));
            }
            assert_eq!(lines.offset(), text.len() as u64);
            assert!(found.is_empty() || found == these, "{capacity}: {these:?}");
            found = these;
        }
        found
    }

    #[test]
    fn tells_lines_from_what_follows_the_last() {
        assert_eq!(pieces(b""), []);
        assert_eq!(pieces(b"first\nsecond\n"), [(1, 0, 5, true), (2, 6, 6, true)]);
        assert_eq!(pieces(b"first\n\nthi"), [(1, 0, 5, true), (2, 6, 0, true), (3, 7, 3, false)]);
    }

    #[test]
    fn keeps_little_of_a_long_piece() {
        let mut text = vec![0; 5 * MAX_LINE_LEN];
        text.extend_from_slice(b"\nx\n");
        let end = 5 * MAX_LINE_LEN as u64 + 1;
        assert_eq!(pieces(&text), [(1, 0, MAX_LINE_LEN + 1, true), (2, end, 1, true)]);
        let mut lines = Lines::new(text.as_slice());
        assert_eq!(lines.next_piece().unwrap().unwrap().len, end - 1);
    }
}
