//! Receipts of a segment, one line at a time, in bounded memory.

use std::io::{self, BufRead};

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
        Self { source, offset: 0, number: 0, line: Vec::new(), longest }
    }

    /// The next piece; `None` at the end. Memory stays bounded however long a
    /// piece is.
    ///
    /// # Errors
    /// What the source says.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
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
        let mut lines = Lines::new(io::BufReader::with_capacity(7, text));
        let mut found = Vec::new();
        while let Some(piece) = lines.next_piece().unwrap() {
            found.push((piece.number, piece.offset, piece.bytes.len(), piece.complete));
        }
        assert_eq!(lines.offset(), text.len() as u64);
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
