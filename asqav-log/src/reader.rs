//! Reading a log directory: to show it, and to verify it.
//!
//! Needs no writer code and no lock, and changes nothing. Memory stays bounded
//! however long the log or a line is; symbolic links are not followed.
//!
//! ```no_run
//! use asqav_log::reader::verify_dir;
//! use asqav_receipt::keys::KeySet;
//! use asqav_receipt::verify::LogInputs;
//!
//! let keys = KeySet::parse(&std::fs::read("keys.jwks.json")?)?;
//! let report = verify_dir("audit-log".as_ref(), LogInputs::new().keys(&keys), &mut |_| {})?;
//! println!("{:?}", report.verdict);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod checking;
mod part;
mod receipts;
mod recoveries;
mod scratch;
mod unsigned;
mod verifying;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, Read as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use asqav_receipt::header::MAX_HEADER_FILE_LEN;
use asqav_receipt::verify::{LogInputs, LogReport};

use crate::lines::{Lines, Piece};
use crate::names::{FileKind, anchors_name, header_name, segment_name};
use crate::regular;
use crate::tombstone::is_left_name;

/// Verifies the log in the directory `path`. `progress` is told, after each
/// line, how many bytes of the segments were read so far.
///
/// # Errors
/// [`ReadError`] when the files could not be read; what they hold is judged in
/// the report.
pub fn verify_dir(
    path: &Path,
    inputs: LogInputs<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<LogReport, ReadError> {
    LogReader::open(path)?.verify(inputs, progress)
}

/// The files of a log directory, listed once.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    segments: BTreeMap<u64, SegmentFiles>,
    torn: BTreeMap<u64, u64>,
    vault: bool,
    strays: Vec<String>,
    /// Segments that have a file of anchors.
    anchors: BTreeSet<u64>,
    unfinished: Vec<String>,
    /// Whether there is a file of receipts that wait for their signature.
    unsigned: bool,
}

/// The files of one segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentFiles {
    /// Length of `segment-N.log`, bytes; `None` if it is missing, or empty
    /// beside leaf hashes.
    pub log_len: Option<u64>,
    /// Whether `segment-N.sig.json` is there.
    pub header: bool,
    /// Whether `segment-N.leaves` is there.
    pub leaves: bool,
}

impl SegmentFiles {
    /// Whether its receipts were deleted and their leaf hashes kept. Whether
    /// that was meant is for verification to say.
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        self.log_len.is_none() && self.leaves
    }
}

/// A receipt found in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// The segment that holds it.
    pub segment: u64,
    /// Its line without the line feed.
    pub line: Vec<u8>,
    /// The receipt on its own: the line, unless it is one of a batch.
    pub receipt: Vec<u8>,
    /// The line before it in the log, if there is one.
    pub before: Option<Vec<u8>>,
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file system refused.
    #[error("reading `{}`", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The directory holds files, but none of a log's.
    #[error("`{}` is not a log directory", path.display())]
    NotALog {
        /// The directory.
        path: PathBuf,
    },
    /// A file of the log is a link, a folder or a device, or was swapped while
    /// it was opened.
    #[error("`{}` is not a regular file", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
}

impl LogReader {
    /// Lists the directory `path`.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be listed, or holds files but none of a
    /// log.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let mut reader = Self {
            path: path.to_owned(),
            segments: BTreeMap::new(),
            torn: BTreeMap::new(),
            vault: false,
            strays: Vec::new(),
            anchors: BTreeSet::new(),
            unfinished: Vec::new(),
            unsigned: false,
        };
        for entry in fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.metadata() {
                Ok(metadata) => reader.add(name, &metadata)?,
                // The log's writer has just finished it, under another name.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        && FileKind::of(&name) == FileKind::Unfinished => {}
                Err(error) => return Err(io(error)),
            }
        }
        for files in reader.segments.values_mut() {
            files.log_len = files.log_len.filter(|len| !is_left_name(*len, files.leaves));
        }
        // Those of a segment that the log does not have are nobody's.
        let of_none = reader.anchors.iter().copied().filter(|number| !reader.segments.contains_key(number));
        let of_none: Vec<_> = of_none.collect();
        for number in of_none {
            reader.anchors.remove(&number);
            reader.strays.push(anchors_name(number));
        }
        reader.strays.sort();
        reader.unfinished.sort();
        let holds_log = !reader.segments.is_empty() || !reader.torn.is_empty() || reader.vault;
        if holds_log || reader.strays.is_empty() {
            return Ok(reader);
        }
        Err(ReadError::NotALog { path: path.to_owned() })
    }

    fn add(&mut self, name: String, metadata: &Metadata) -> Result<(), ReadError> {
        let kind = FileKind::of(&name);
        let is_evidence = matches!(
            kind,
            FileKind::Segment(_) | FileKind::Header(_) | FileKind::Leaves(_) | FileKind::Torn(_)
        );
        if is_evidence && !metadata.is_file() {
            return Err(ReadError::NotAFile { path: self.path.join(name) });
        }
        match kind {
            FileKind::Segment(number) => {
                self.segments.entry(number).or_default().log_len = Some(metadata.len())
            }
            FileKind::Header(number) => self.segments.entry(number).or_default().header = true,
            FileKind::Leaves(number) => self.segments.entry(number).or_default().leaves = true,
            FileKind::Torn(seq) => {
                self.torn.insert(seq, metadata.len());
            }
            FileKind::Vault if metadata.is_dir() => self.vault = true,
            FileKind::Tree | FileKind::AnchorFolder if metadata.is_dir() => {}
            FileKind::Lock | FileKind::Erasing | FileKind::Deleting if metadata.is_file() => {}
            FileKind::Unsigned if metadata.is_file() => self.unsigned = true,
            FileKind::Unfinished => self.unfinished.push(name),
            FileKind::Anchors(number) if metadata.is_file() => {
                self.anchors.insert(number);
            }
            FileKind::Anchors(_)
            | FileKind::Stray
            | FileKind::Vault
            | FileKind::Tree
            | FileKind::AnchorFolder
            | FileKind::Lock
            | FileKind::Erasing
            | FileKind::Deleting
            | FileKind::Unsigned => self.strays.push(name),
        }
        Ok(())
    }

    /// The directory.
    #[cfg(feature = "write")]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The segments by number.
    #[must_use]
    pub const fn segments(&self) -> &BTreeMap<u64, SegmentFiles> {
        &self.segments
    }

    /// Bytes that a recovery set aside: how many, by the receipt before them.
    #[must_use]
    pub const fn torn(&self) -> &BTreeMap<u64, u64> {
        &self.torn
    }

    /// Whether there is a folder of openings.
    #[must_use]
    pub const fn has_vault(&self) -> bool {
        self.vault
    }

    /// Names in the directory that no log has, in order.
    #[must_use]
    pub fn strays(&self) -> &[String] {
        &self.strays
    }

    /// Length of all segments, bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.segments.values().filter_map(|files| files.log_len).sum()
    }

    /// Whether the segments hold nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The content of a segment's header file; of an oversized one only so
    /// much that it is seen to be one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn header(&self, number: u64) -> Result<Vec<u8>, ReadError> {
        self.content(&header_name(number), MAX_HEADER_FILE_LEN + 1)
    }

    /// Gives every piece of every segment to `visit`, in order of the segments'
    /// numbers, until it breaks.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn visit(&self, mut visit: impl FnMut(u64, &Piece<'_>) -> ControlFlow<()>) -> Result<(), ReadError> {
        for number in self.segments.keys() {
            if self.visit_segment(*number, &mut |piece| visit(*number, piece))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Gives every piece of segment `number` to `visit`, until it breaks.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn visit_one(
        &self,
        number: u64,
        visit: &mut dyn FnMut(&Piece<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        self.visit_segment(number, visit).map(drop)
    }

    /// Has what was read of the newest segment on disk before this returns: a
    /// writer may have written it and not yet synced it.
    ///
    /// # Errors
    /// [`ReadError`] when that cannot be had.
    pub fn sync(&self) -> Result<(), ReadError> {
        let newest = self.segments.iter().rev().find(|(_, files)| files.log_len.is_some());
        let Some((number, _)) = newest else { return Ok(()) };
        let (file, path) = self.file(&segment_name(*number))?;
        file.sync_data().map_err(|source| ReadError::Io { path, source })
    }

    fn visit_segment(
        &self,
        number: u64,
        visit: &mut dyn FnMut(&Piece<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, ReadError> {
        if self.segments.get(&number).is_none_or(|files| files.log_len.is_none()) {
            return Ok(ControlFlow::Continue(()));
        }
        let (file, path) = self.file(&segment_name(number))?;
        let io = |source| ReadError::Io { path: path.clone(), source };
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file));
        while let Some(piece) = lines.next_piece().map_err(io)? {
            if visit(&piece).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// At most `max` bytes of the file `name`.
    fn content(&self, name: &str, max: usize) -> Result<Vec<u8>, ReadError> {
        let (file, path) = self.file(name)?;
        let mut bytes = Vec::new();
        file.take(u64::try_from(max).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)
            .map_err(|source| ReadError::Io { path, source })?;
        Ok(bytes)
    }

    /// Opens a regular file of the directory, not what a link leads to.
    fn file(&self, name: &str) -> Result<(File, PathBuf), ReadError> {
        regular::open(&self.path, name)
    }
}
