//! What a log holds behind its newest signed receipt.

use std::io::{self, BufReader};

use super::{LogReader, ReadError};
use crate::lines::Lines;
use crate::names::UNSIGNED;
use crate::unsigned::{Content, UnsignedLine};

impl LogReader {
    /// What is to be said of receipts behind number `signed` that wait for their
    /// signature: nobody but the log's writer can tell whether they are what
    /// was recorded.
    pub(super) fn unsigned_behind(&self, signed: u64) -> Result<Option<String>, ReadError> {
        if !self.unsigned {
            return Ok(None);
        }
        let (file, path) = match self.file(UNSIGNED) {
            Ok(opened) => opened,
            // All of it is signed by now, and the log was stopped.
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let io = |source| ReadError::Io { path: path.clone(), source };
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file));
        let mut waiting: Option<(u64, u64)> = None;
        while let Some(piece) = lines.next_piece().map_err(io)? {
            if !piece.complete {
                break;
            }
            let Some(UnsignedLine { content, .. }) = UnsignedLine::parse(piece.bytes) else {
                return Ok(Some(format!("{UNSIGNED}: line {} is no unsigned receipt", piece.number)));
            };
            if let Content::Receipt(payload) = content
                && payload.seq > signed
            {
                let (first, last) = waiting.unwrap_or((payload.seq, payload.seq));
                waiting = Some((first.min(payload.seq), last.max(payload.seq)));
            }
        }
        Ok(waiting.map(|(first, last)| {
            format!(
                "unsigned: {UNSIGNED} lists receipts {first}..{last}, which no segment had when it was read"
            )
        }))
    }
}
