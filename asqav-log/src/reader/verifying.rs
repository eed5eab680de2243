//! Verifying a log directory.

use std::ops::ControlFlow;
use std::thread;

use asqav_receipt::verify::{LogInputs, LogReport, LogVerifier};

use super::checking::Checking;
use super::recoveries::Recoveries;
use super::scratch::TempFile;
use super::workers::Workers;
use super::{LogReader, ReadError};
use crate::names::{anchors_name, torn_name};
use crate::tombstone;

/// Of set-aside bytes no more than this is compared, bytes.
const MAX_TORN_LEN: usize = 1 << 30;

impl LogReader {
    /// Verifies the log, on all processors. `progress` is told,
    /// after each line, how many bytes of the segments were read so far.
    ///
    /// What a log of more than some 400,000 receipts makes it remember goes
    /// into `inputs.scratch`, else into a file without a name in the system's
    /// folder for such files (`TMPDIR`): about 60 bytes for each receipt. If
    /// that fails, the log is not verified.
    ///
    /// # Errors
    /// [`ReadError`] when a file could not be read.
    pub fn verify(
        &self,
        inputs: LogInputs<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<LogReport, ReadError> {
        let file = TempFile::default();
        let inputs = if inputs.scratch.is_some() { inputs } else { inputs.scratch(&file) };
        thread::scope(|scope| self.verify_with(Workers::new(scope), inputs, progress))
    }

    fn verify_with<'scope, 'a: 'scope>(
        &self,
        workers: Workers<'scope, '_, 'a>,
        inputs: LogInputs<'a>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<LogReport, ReadError> {
        let mut check = Checking::new(inputs, workers);
        let mut done = 0;
        for (number, files) in &self.segments {
            if files.is_deleted() {
                let header = if files.header { self.header(*number)? } else { Vec::new() };
                check.finish();
                check.verifier.deleted(*number, &header, &tombstone::bytes(&self.path, *number)?);
                continue;
            }
            let start = *number;
            check.then(move |verifier| verifier.segment_start(start));
            let before = done;
            let _never_breaks = self.visit_segment(*number, &mut |piece| {
                done = before + piece.end();
                check.piece(piece);
                progress(done);
                ControlFlow::Continue(())
            })?;
            if files.header {
                let header = self.header(*number)?;
                check.end(move |verifier| verifier.sealed(&header));
            } else {
                check.end(LogVerifier::unsealed);
            }
        }
        check.finish();
        // Of a log that is being written: where a recovery may still have to come.
        let newest = check.verifier.newest_seq().filter(|_| inputs.allow_open);
        if let Some(note) = self.unexplained(&check.recoveries, inputs.allow_open, newest)? {
            check.verifier.stray(note);
        }
        let signed = check.verifier.newest_seq().unwrap_or(0);
        let mut report = check.verifier.finish();
        report.not_checked.extend(self.unsigned_behind(signed)?);
        if let Some(number) = self.anchors.first() {
            let note = format!(
                "anchors: not read: {} of segments, from {}",
                self.anchors.len(),
                anchors_name(*number)
            );
            report.not_checked.push(note);
        }
        Ok(report)
    }

    /// What lies in the directory and is explained by nothing, in words.
    fn unexplained(
        &self,
        recoveries: &Recoveries,
        open: bool,
        newest: Option<u64>,
    ) -> Result<Option<String>, ReadError> {
        let mut found = self.strays.clone();
        if !open {
            found.extend(self.unfinished.iter().cloned());
        }
        for seq in self.torn.keys() {
            let name = torn_name(*seq);
            let content = self.content(&name, MAX_TORN_LEN)?;
            if newest != Some(*seq) && !recoveries.name(*seq, &content) {
                found.push(name);
            }
        }
        let missing = recoveries.torn_after().filter(|seq| !self.torn.contains_key(seq));
        found.extend(missing.map(|seq| format!("{} (missing)", torn_name(seq))));
        Ok((!found.is_empty()).then(|| format!("no receipt explains: {}", found.join(", "))))
    }
}
