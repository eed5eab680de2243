//! Directories that the Python package pqc-audit-log-fs 0.1.0 wrote: read,
//! verified, proven, taken over. Nothing is ever written to them.
//!
//! ```no_run
//! use asqav_log::pqc_audit_log_fs::AuditDir;
//! use asqav_receipt::verify::pqc_audit_log_fs::{Inputs, PinnedKey};
//!
//! let keys = [PinnedKey::parse(&std::fs::read("signer.pem")?).ok_or("no key")?];
//! let report = AuditDir::open("old-log".as_ref())?.verify(Inputs::new().keys(&keys), &mut |_| {})?;
//! println!("{:?}", report.verdict);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod digests;
#[cfg(feature = "write")]
mod import;
mod names;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufReader, Read as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use asqav_receipt::verify::pqc_audit_log_fs::{
    EventProver, Inputs, MAX_EVENT_LEN, MAX_HEADER_LEN, ProofError, Report, Verifier,
};

use crate::lines::{Lines, Piece};
use crate::reader::ReadError;
use crate::regular;

pub use digests::{FileDigest, SegmentDigests};
#[cfg(feature = "write")]
pub use import::{IMPORT_ACTION, IMPORT_TOOL, ImportError, check_directories, import};
pub use names::{Kind, kind_of};

use digests::Tee;
use names::Name;

/// The files of such a directory, listed once.
#[derive(Debug)]
pub struct AuditDir {
    path: PathBuf,
    segments: BTreeMap<u64, AuditFiles>,
    others: Vec<String>,
}

/// The files of one segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditFiles {
    /// Length of `segment-NNNNN.log`, bytes; `None` if it is missing.
    pub log_len: Option<u64>,
    /// Whether `segment-NNNNN.sig.json` is there.
    pub header: bool,
}

/// Why an event was not proven.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// No sealed segment holds the event.
    #[error("no sealed segment holds the event")]
    NoSuchEvent,
    /// The segment that holds the event proves nothing.
    #[error("segment {segment}: {source}")]
    Segment {
        /// The segment's number.
        segment: u64,
        /// What is wrong with it.
        source: ProofError,
    },
}

impl AuditDir {
    /// Lists the directory `path`.
    ///
    /// # Errors
    /// [`ReadError`] when it cannot be listed, or a file of a segment is a
    /// link, a folder or a device.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io { path: path.to_owned(), source };
        let mut dir = Self { path: path.to_owned(), segments: BTreeMap::new(), others: Vec::new() };
        for entry in fs::read_dir(path).map_err(io)? {
            let entry = entry.map_err(io)?;
            let metadata = entry.metadata().map_err(io)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = Name::of(&name);
            if kind != Name::Other && !metadata.is_file() {
                return Err(ReadError::NotAFile { path: path.join(name) });
            }
            match kind {
                Name::Log(number) => dir.segments.entry(number).or_default().log_len = Some(metadata.len()),
                Name::Header(number) => dir.segments.entry(number).or_default().header = true,
                Name::Other => dir.others.push(name),
            }
        }
        dir.others.sort();
        Ok(dir)
    }

    /// The segments by number.
    #[must_use]
    pub const fn segments(&self) -> &BTreeMap<u64, AuditFiles> {
        &self.segments
    }

    /// Names that no such log has, in order.
    #[must_use]
    pub fn others(&self) -> &[String] {
        &self.others
    }

    /// Length of all segments' events, bytes.
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
        self.header_hashed(number, false).map(|(bytes, _)| bytes)
    }

    fn header_hashed(&self, number: u64, hashing: bool) -> Result<(Vec<u8>, Option<FileDigest>), ReadError> {
        let (file, path) = regular::open(&self.path, &names::header(number))?;
        let io = |source| ReadError::Io { path: path.clone(), source };
        let (mut tee, mut bytes) = (Tee::new(file, hashing), Vec::new());
        let longest = u64::try_from(MAX_HEADER_LEN + 1).unwrap_or(u64::MAX);
        tee.by_ref().take(longest).read_to_end(&mut bytes).map_err(io)?;
        Ok((bytes, tee.finish().map_err(io)?))
    }

    /// Verifies the log. `progress` is told, after each line, how many bytes
    /// were read so far.
    ///
    /// # Errors
    /// [`ReadError`] when a file could not be read.
    pub fn verify(&self, inputs: Inputs<'_>, progress: &mut dyn FnMut(u64)) -> Result<Report, ReadError> {
        self.read(inputs, progress, None)
    }

    /// Verifies the log and hashes each file in the same reading, so that
    /// digests and report are about the same bytes.
    ///
    /// # Errors
    /// [`ReadError`] when a file could not be read.
    pub fn examine(
        &self,
        inputs: Inputs<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(Report, Vec<SegmentDigests>), ReadError> {
        let mut digests = Vec::new();
        let report = self.read(inputs, progress, Some(&mut digests))?;
        Ok((report, digests))
    }

    fn read(
        &self,
        inputs: Inputs<'_>,
        progress: &mut dyn FnMut(u64),
        mut digests: Option<&mut Vec<SegmentDigests>>,
    ) -> Result<Report, ReadError> {
        let mut verifier = Verifier::new(inputs);
        let (mut done, hashing) = (0, digests.is_some());
        self.others.iter().for_each(|name| verifier.other_file(name));
        for (number, files) in &self.segments {
            verifier.segment_start(*number);
            if files.log_len.is_none() {
                verifier.log_missing();
            }
            let before = done;
            let log = self.visit(*number, hashing, &mut |piece| {
                done = before + piece.end();
                verifier.line(piece.bytes, piece.complete);
                progress(done);
                ControlFlow::Continue(())
            })?;
            let header = if files.header {
                let (bytes, digest) = self.header_hashed(*number, hashing)?;
                verifier.sealed(&bytes);
                digest
            } else {
                verifier.unsealed();
                None
            };
            if let Some(digests) = &mut digests {
                digests.push(SegmentDigests { number: *number, log, header });
            }
        }
        Ok(verifier.finish())
    }

    /// A proof that the event called `event_id` is in the log: the document
    /// that [`verify_proof`](asqav_receipt::verify::pqc_audit_log_fs::verify_proof)
    /// takes. Memory grows by 32 bytes per event of a segment.
    ///
    /// # Errors
    /// [`ProveError`].
    pub fn prove(&self, event_id: &str) -> Result<Vec<u8>, ProveError> {
        for (number, files) in &self.segments {
            if !files.header {
                continue;
            }
            let mut prover = EventProver::new(event_id);
            let mut failed = None;
            self.visit(*number, false, &mut |piece| match prover.line(piece.bytes) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            })?;
            let in_segment = |source| ProveError::Segment { segment: *number, source };
            match (prover.has_found(), failed) {
                (true, None) => return prover.finish(&self.header(*number)?).map_err(in_segment),
                (true, Some(source)) => return Err(in_segment(source)),
                (false, _) => {}
            }
        }
        Err(ProveError::NoSuchEvent)
    }

    /// Gives every piece of a segment's events to `visit`, until it breaks.
    fn visit(
        &self,
        number: u64,
        hashing: bool,
        visit: &mut dyn FnMut(&Piece<'_>) -> ControlFlow<()>,
    ) -> Result<Option<FileDigest>, ReadError> {
        if self.segments.get(&number).is_none_or(|files| files.log_len.is_none()) {
            return Ok(None);
        }
        let (file, path) = regular::open(&self.path, &names::log(number))?;
        let io = |source| ReadError::Io { path: path.clone(), source };
        let mut tee = Tee::new(file, hashing);
        let mut lines = Lines::with_limit(BufReader::with_capacity(1 << 16, &mut tee), MAX_EVENT_LEN);
        while let Some(piece) = lines.next_piece().map_err(io)? {
            if visit(&piece).is_break() {
                break;
            }
        }
        tee.finish().map_err(io)
    }
}
