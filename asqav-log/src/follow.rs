//! Reading a log while somebody writes it.

use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::lines::Lines;
use crate::names::{leaves_name, segment_name};
use crate::reader::{LogReader, ReadError};
use crate::regular;

/// The lines of a log, and those that are still to come.
///
/// ```no_run
/// use asqav_log::follow::Follow;
///
/// let mut log = Follow::new("audit-log".as_ref())?;
/// while let Some(line) = log.next_line()? {
///     println!("{} bytes", line.len());
/// }
/// // All that is there was read; more may come.
/// # Ok::<(), asqav_log::reader::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Follow {
    dir: PathBuf,
    segment: u64,
    /// Where the next line begins, bytes from the segment's start.
    offset: u64,
    /// The segment from `start` on, while lines are there.
    open: Option<(Lines<BufReader<File>>, u64)>,
}

impl Follow {
    /// Begins with the oldest receipt of the log in `dir`.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be listed or is no log.
    pub fn new(dir: &Path) -> Result<Self, ReadError> {
        let log = LogReader::open(dir)?;
        let first = log.segments().iter().find(|(_, files)| files.log_len.is_some());
        let segment = first.map_or(1, |(number, _)| *number);
        Ok(Self { dir: dir.to_owned(), segment, offset: 0, open: None })
    }

    /// The next line without its line feed; `None` while there is no complete
    /// one. What a writer has not finished yet is not shown.
    ///
    /// # Errors
    /// [`ReadError`], also when the log was cut behind what was read.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        loop {
            if self.open.is_none() && !self.reopen()? {
                return Ok(None);
            }
            let Some((lines, start)) = &mut self.open else { return Ok(None) };
            let io = |source| ReadError::Io { path: self.dir.join(segment_name(self.segment)), source };
            if let Some(piece) = lines.next_piece().map_err(io)?
                && piece.complete
            {
                self.offset = *start + piece.end();
                return Ok(Some(piece.bytes.to_vec()));
            }
            self.open = None;
            // The next segment begins only after this one is complete.
            if self.has_more()? || !self.advance() {
                return Ok(None);
            }
        }
    }

    /// Goes on to the next segment that is there, over deleted ones; `false` if
    /// there is none.
    fn advance(&mut self) -> bool {
        let mut next = self.segment.saturating_add(1);
        while !self.dir.join(segment_name(next)).exists() {
            if !self.dir.join(leaves_name(next)).exists() {
                return false;
            }
            next = next.saturating_add(1);
        }
        (self.segment, self.offset) = (next, 0);
        true
    }

    /// Whether the segment was deleted since it was begun.
    fn is_deleted(&self) -> bool {
        !self.dir.join(segment_name(self.segment)).exists()
            && self.dir.join(leaves_name(self.segment)).exists()
    }

    /// Whether the segment has grown since it was read to its end.
    fn has_more(&self) -> Result<bool, ReadError> {
        if self.is_deleted() {
            return Ok(false);
        }
        let (file, path) = regular::open(&self.dir, &segment_name(self.segment))?;
        let len = file.metadata().map_err(|source| ReadError::Io { path, source })?.len();
        Ok(len > self.offset)
    }

    /// Opens the segment at the next line; `false` if it is not there yet.
    fn reopen(&mut self) -> Result<bool, ReadError> {
        if self.is_deleted() && !self.advance() {
            return Ok(false);
        }
        let (mut file, path) = match regular::open(&self.dir, &segment_name(self.segment)) {
            Ok(opened) => opened,
            Err(ReadError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && self.offset == 0 =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let io = |source| ReadError::Io { path: path.clone(), source };
        if file.metadata().map_err(io)?.len() < self.offset {
            return Err(io(io::Error::other("it is shorter than it was")));
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(io)?;
        self.open = Some((Lines::new(BufReader::with_capacity(1 << 16, file)), self.offset));
        Ok(true)
    }
}
