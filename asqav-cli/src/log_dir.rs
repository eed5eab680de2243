//! What lies in a log directory, without judging it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use asqav_log::lines::{Lines, Piece};
use asqav_log::names::{FileKind, header_name, segment_name};
use asqav_receipt::json::Json;
use asqav_receipt::receipt::parse_line;
use asqav_receipt::verify::{LogInputs, LogReport, LogVerifier};

use crate::error::CliError;
use crate::progress::Progress;

/// The files of a log directory by kind.
#[derive(Debug, Default)]
pub(crate) struct LogDir {
    path: PathBuf,
    /// Segments by number: length of the `.log` file in bytes, and whether
    /// there is a header.
    pub(crate) segments: BTreeMap<u64, Files>,
    /// Torn bytes that were set aside: after which receipt, how many.
    pub(crate) torn: Vec<(u64, u64)>,
    /// Whether there is a vault.
    pub(crate) vault: bool,
    /// Names that no log has.
    pub(crate) stray: Vec<String>,
}

/// A segment's files.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Files {
    /// Length of `segment-N.log`, bytes; `None` if it is missing.
    pub(crate) log_len: Option<u64>,
    /// Whether `segment-N.sig.json` is there.
    pub(crate) header: bool,
}

impl LogDir {
    /// Lists the directory `path`.
    ///
    /// # Errors
    /// [`CliError`] when it cannot be listed, or holds files but none of a log.
    pub(crate) fn open(path: &Path) -> Result<Self, CliError> {
        let failed = |source| CliError::Read { path: path.to_owned(), source };
        let mut dir = Self { path: path.to_owned(), ..Self::default() };
        let mut ours = false;
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = FileKind::of(&name);
            ours |= !matches!(kind, FileKind::Stray | FileKind::Unfinished);
            let len = entry.metadata().map_err(failed)?.len();
            dir.add(kind, name, len);
        }
        dir.stray.sort();
        dir.torn.sort_unstable();
        if ours || dir.stray.is_empty() {
            return Ok(dir);
        }
        let why = "it holds files, but none of a log's".to_owned();
        Err(CliError::NotA { path: path.to_owned(), expected: "a log directory", why })
    }

    fn add(&mut self, kind: FileKind, name: String, len: u64) {
        match kind {
            FileKind::Segment(number) => self.segments.entry(number).or_default().log_len = Some(len),
            FileKind::Header(number) => self.segments.entry(number).or_default().header = true,
            FileKind::Torn(seq) => self.torn.push((seq, len)),
            FileKind::Vault => self.vault = true,
            FileKind::Stray => self.stray.push(name),
            _ => {}
        }
    }

    /// The content of a segment's header file.
    pub(crate) fn header(&self, number: u64) -> Result<Vec<u8>, CliError> {
        crate::input::read(&self.path.join(header_name(number)))
    }

    /// Gives every piece of every segment to `visit`, in order, until it
    /// breaks.
    pub(crate) fn visit(
        &self,
        mut visit: impl FnMut(u64, &Piece<'_>) -> ControlFlow<()>,
    ) -> Result<(), CliError> {
        for number in self.segments.keys() {
            if self.visit_segment(*number, |piece| visit(*number, piece))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The payload of every complete line; `null` where there is none.
    pub(crate) fn payloads(&self) -> Result<Vec<Json>, CliError> {
        let mut payloads = Vec::new();
        self.visit(|_, piece| {
            if piece.complete {
                payloads.push(payload(piece.bytes));
            }
            ControlFlow::Continue(())
        })?;
        Ok(payloads)
    }

    fn visit_segment(
        &self,
        number: u64,
        mut visit: impl FnMut(&Piece<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, CliError> {
        if self.segments.get(&number).is_none_or(|files| files.log_len.is_none()) {
            return Ok(ControlFlow::Continue(()));
        }
        let path = self.path.join(segment_name(number));
        let failed = |source| CliError::Read { path: path.clone(), source };
        let mut lines = Lines::new(BufReader::new(File::open(&path).map_err(failed)?));
        while let Some(piece) = lines.next_piece().map_err(failed)? {
            if visit(&piece).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Verifies the whole log, with a progress bar if that takes a while.
    pub(crate) fn verify(&self, inputs: LogInputs<'_>) -> Result<LogReport, CliError> {
        let progress = Progress::new(self.segments.values().filter_map(|files| files.log_len).sum());
        let mut verifier = LogVerifier::new(inputs);
        for (number, files) in &self.segments {
            verifier.segment_start(*number);
            self.visit_segment(*number, |piece| {
                progress.add(piece.bytes.len());
                if piece.complete {
                    verifier.line(piece.bytes);
                } else {
                    verifier.torn(u64::try_from(piece.bytes.len()).unwrap_or(u64::MAX));
                }
                ControlFlow::Continue(())
            })
            .map(drop)?;
            if files.header {
                verifier.sealed(&self.header(*number)?);
            } else {
                verifier.unsealed();
            }
        }
        progress.finish();
        Ok(verifier.finish())
    }
}

/// The payload of a line; `null` where there is none.
pub(crate) fn payload(line: &[u8]) -> Json {
    parse_line(line).map_or(Json::Null, |(payload, _)| payload)
}
