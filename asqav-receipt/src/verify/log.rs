//! Whether a whole log is true.

mod batches;
mod bounds;
mod checkpoint;
mod deleted;
mod inputs;
mod leaves;
mod line;
mod meaning;
mod plain;
mod receipts;
mod repeats;
mod report;
mod segment;
mod signatures;
mod tally;

pub use bounds::TimeBounds;
pub use inputs::LogInputs;
pub use line::ReadLine;
pub use report::LogReport;
pub use signatures::{CheckedSignature, SignatureJob};

use batches::Batches;
use bounds::Marks;
use checkpoint::Whole;
use deleted::Deletions;
use meaning::Meaning;
use receipts::{Read, Signed};
use report::End;
use segment::{Seals, Segment};
use tally::{Place, Tally};

use super::axes::chain::Predecessor;
use super::finding::Finding;
use super::reason::ReasonCode;
use super::report::Axis;

/// Verifies a log as it is read: segment after segment, line after line.
///
/// Takes any bytes without panicking. Memory is bounded by what is open at a
/// time, if there is a [`Scratch`](crate::verify::Scratch); without one it
/// grows by about 60 bytes for each receipt (identifiers and nonces seen,
/// decisions ended).
///
/// Call [`segment_start`](Self::segment_start), [`line`](Self::line) for each
/// line, then [`sealed`](Self::sealed) or [`unsealed`](Self::unsealed), for
/// each segment in order, or [`deleted`](Self::deleted) for one that was
/// deleted; at the end [`finish`](Self::finish).
///
/// ```
/// use asqav_receipt::verify::{LogInputs, LogVerifier};
///
/// let report = LogVerifier::new(LogInputs::new()).finish();
/// assert_eq!(report.reason_code.unwrap().as_str(), "empty_log");
/// ```
#[derive(Debug, Clone)]
pub struct LogVerifier<'a> {
    inputs: LogInputs<'a>,
    tally: Tally,
    predecessor: Predecessor,
    meaning: Meaning<'a>,
    seals: Seals,
    segment: Option<Segment>,
    batches: Batches,
    whole: Whole,
    deletions: Deletions,
    marks: Marks,
    receipts: u64,
    /// Signatures handed out and not yet handed back.
    pending: u64,
    head_met: bool,
    /// The receipt that the mirrored head names was deleted.
    head_deleted: bool,
}

impl<'a> LogVerifier<'a> {
    /// A log of which nothing was read yet.
    #[must_use]
    pub fn new(inputs: LogInputs<'a>) -> Self {
        Self {
            inputs,
            tally: Tally::new(inputs.require_anchor),
            predecessor: Predecessor::Start,
            meaning: Meaning::new(inputs.scratch),
            seals: Seals::default(),
            segment: None,
            batches: Batches::default(),
            whole: Whole::default(),
            deletions: Deletions::default(),
            marks: Marks::default(),
            receipts: 0,
            pending: 0,
            head_met: false,
            head_deleted: false,
        }
    }

    /// Begins the segment of this number, by its file's name.
    pub fn segment_start(&mut self, number: u64) {
        self.unsealed();
        self.seals.begin(number, &mut self.tally);
        self.segment = Some(Segment::new(number));
    }

    /// Takes the segment's next line, without its line feed.
    pub fn line(&mut self, line: &[u8]) {
        if let Some(job) = self.line_deferred(line) {
            let checked = job.check();
            self.signature(checked);
        }
    }

    /// As [`line`](Self::line), but leaves the signature's arithmetic to the
    /// caller, who may run jobs in any order and on any thread, and gives each
    /// result to [`signature`](Self::signature) before [`finish`](Self::finish).
    ///
    /// The lines of a batch wait until it is whole, and have one job.
    pub fn line_deferred(&mut self, line: &[u8]) -> Option<SignatureJob<'a>> {
        self.read_line(ReadLine::new(line))
    }

    /// As [`line_deferred`](Self::line_deferred), of a line that was read
    /// before, on whatever thread.
    pub fn read_line(&mut self, line: ReadLine) -> Option<SignatureJob<'a>> {
        let taken = self.batches.take(line);
        self.broken(taken.broken);
        if let Some(line) = taken.own {
            return self.own(&line);
        }
        if taken.whole.is_empty() { None } else { self.batch(taken.whole) }
    }

    /// A line with a signature of its own, or one that is no receipt.
    fn own(&mut self, line: &ReadLine) -> Option<SignatureJob<'a>> {
        let Read { place, check, signed } = self.read(line)?;
        let check = check?;
        self.pending += 1;
        match signed {
            Signed::Payload(message) => Some(SignatureJob::new(place, 1, check, message, Vec::new())),
            Signed::Leaf(_) => None,
        }
    }

    /// Lines of a batch that is not whole: each is judged but for its signature.
    fn broken(&mut self, lines: Vec<ReadLine>) {
        for line in lines {
            let Some(Read { place, check: Some(_), .. }) = self.read(&line) else { continue };
            let finding = Finding::fail(ReasonCode::BatchBroken, "its batch is not whole");
            self.tally.axis(&place, &finding.on(Axis::Signature), 1);
        }
    }

    /// A whole batch: one signature for all its receipts.
    fn batch(&mut self, lines: Vec<ReadLine>) -> Option<SignatureJob<'a>> {
        let mut whole = batches::Whole::default();
        let mut newest = Place::default();
        for line in &lines {
            let read = self.read(line);
            let Some(Read { place, check, signed: Signed::Leaf(leaf) }) = read else { continue };
            whole.push(line, leaf, check);
            newest = place;
        }
        let count = whole.count;
        match whole.check() {
            Ok(Some((check, message))) => {
                self.pending += 1;
                Some(SignatureJob::new(newest, count, check, message, lines))
            }
            Ok(None) => None,
            Err(note) => {
                let finding = Finding::fail(ReasonCode::BatchBroken, note);
                self.tally.axis(&newest, &finding.on(Axis::Signature), count);
                None
            }
        }
    }

    /// Takes the result of a deferred signature.
    pub fn signature(&mut self, checked: CheckedSignature) {
        self.pending = self.pending.saturating_sub(1);
        let (place, axis, count) = checked.into_parts();
        self.tally.axis(&place, &axis, count);
    }

    /// The number of the newest receipt that was read whole.
    #[must_use]
    pub fn newest_seq(&self) -> Option<u64> {
        self.meaning.newest.map(|newest| newest.seq)
    }

    /// Takes `len` bytes after the segment's last line feed: an unfinished line.
    pub fn torn(&mut self, len: u64) {
        if let Some(segment) = &mut self.segment {
            segment.torn(len);
        }
        if !self.inputs.allow_open {
            let note = format!("{len} bytes after the last complete line");
            self.tally.problem(&Place::default(), Axis::Structure, ReasonCode::TornTail, note);
        }
    }

    /// Takes note of something about the log's files that its receipts do not
    /// explain; `note` names the file.
    pub fn stray(&mut self, note: impl Into<String>) {
        self.tally.problem(&Place::default(), Axis::Structure, ReasonCode::StrayFile, note);
    }

    /// Ends the segment with the content of its header file.
    pub fn sealed(&mut self, header: &[u8]) {
        let broken = self.batches.give_up();
        self.broken(broken);
        let Some(segment) = self.segment.take() else {
            let note = "a header without a segment";
            self.tally.problem(&Place::default(), Axis::Chain, ReasonCode::SegmentMissing, note);
            return;
        };
        let sealed = self.seals.seal(&segment, header, &self.meaning, &self.inputs, &mut self.tally);
        if let Some((last_seq, digest)) = sealed {
            self.whole.sealed(&self.inputs, last_seq, digest);
        }
    }

    /// Ends the segment without a header: only the last one may. A batch that
    /// is not whole was being written, as an unfinished line was.
    pub fn unsealed(&mut self) {
        let (lines, len) = self.batches.waiting();
        if lines > 0 {
            self.batches.give_up();
            self.torn(len);
        }
        if let Some(segment) = self.segment.take() {
            self.seals.leave_open(&segment);
        }
    }

    /// Ends the log.
    #[must_use]
    pub fn finish(mut self) -> LogReport {
        self.unsealed();
        if self.pending > 0 {
            let note = format!("{} signatures were not checked", self.pending);
            self.tally.problem(&Place::default(), Axis::Signature, ReasonCode::SignatureUnchecked, note);
        }
        self.meaning.finish(&mut self.tally);
        self.whole.finish(&self.inputs, &self.meaning, &mut self.tally);
        self.deletions.finish(&mut self.tally);
        let time = self.marks.finish(&self.inputs, self.whole.is_met(), &mut self.tally);
        let end = End {
            receipts: self.receipts,
            segments: self.seals.count(),
            sealed: self.seals.last_is_sealed(),
            head_met: self.head_met || self.whole.is_met(),
            mirror_met: self.head_met || self.head_deleted,
            checkpoint_met: self.whole.is_met(),
            checkpoint_head_deleted: self.whole.head_is_deleted(),
            tree: self.whole.tree(),
            last_header: self.seals.last_header(),
            deleted: self.deletions.receipts,
            time,
        };
        report::finish(&end, &self.inputs, &self.meaning, self.tally)
    }
}
