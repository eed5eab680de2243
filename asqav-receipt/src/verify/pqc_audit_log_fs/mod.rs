//! Logs of the Python package pqc-audit-log-fs 0.1.0: `segment-NNNNN.log` with
//! one inference event a line, `segment-NNNNN.sig.json` with the signed header.
//!
//! | what | how |
//! |---|---|
//! | canonical JSON | `json.dumps(sort_keys=True, separators=(",", ":"), ensure_ascii=False)` of Python, in UTF-8 |
//! | leaf | SHA3-256(0x00 ‖ SHA3-256(canonical event)) |
//! | node | SHA3-256(0x01 ‖ left ‖ right); an odd node is paired with itself |
//! | signature | over SHA3-256 of eight members of the header, canonical; ML-DSA-65, or Ed25519 under the label `ML-DSA-65` where no liboqs was installed |
//! | link | `previous_segment_root`: the Merkle root of the segment before |
//!
//! This verifier is stricter than the package's own: it believes no key that
//! lies in the log, counts leaves, compares names, numbers, ids and labels,
//! and reports what is not sealed. It does no I/O and takes any bytes without
//! panicking; memory grows by about 60 bytes per event.

mod ending;
mod event;
mod findings;
mod header;
mod inputs;
mod key;
mod proof;
mod report;
mod segment;
mod signer;
mod tree;

use std::collections::{BTreeMap, HashSet};

pub use event::MAX_EVENT_LEN;
pub use header::MAX_HEADER_LEN;
pub use inputs::Inputs;
pub use key::PinnedKey;
pub use proof::{EventProver, MAX_PROOF_LEN, ProofError, is_proof, verify_proof};
pub use report::{Report, SegmentReport};

use findings::Findings;
use header::Header;
use segment::Segment;

use crate::digest::encode_hex;
use crate::time::Timestamp;
use crate::verify::axes::time::MAX_SKEW_MICROS;
use crate::verify::finding;
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;

/// The format's name and version in reports.
pub const NAME: &str = "pqc-audit-log-fs 0.1.0";

/// Verifies such a log as it is read.
///
/// For each segment in order of its number call
/// [`segment_start`](Self::segment_start), [`line`](Self::line) for each line,
/// then [`sealed`](Self::sealed) or [`unsealed`](Self::unsealed); at the end
/// [`finish`](Self::finish).
///
/// ```
/// use asqav_receipt::verify::pqc_audit_log_fs::{Inputs, Verifier};
///
/// let report = Verifier::new(Inputs::new()).finish();
/// assert_eq!(report.reason_code.unwrap().as_str(), "empty_log");
/// ```
#[derive(Debug)]
pub struct Verifier<'a> {
    inputs: Inputs<'a>,
    findings: Findings,
    /// The segment that is being read, and the one before.
    segment: Option<Segment>,
    segments: Vec<SegmentReport>,
    events: u64,
    /// The first 16 bytes of each event id's digest.
    seen: HashSet<[u8; 16]>,
    log_id: Option<String>,
    previous_number: Option<u64>,
    /// The root that the next header has to link to, if the last one was read.
    previous_root: Option<Option<[u8; 32]>>,
    /// A segment without a header, and how many lines it holds.
    unsealed: Option<(u64, u64)>,
    first_key: Option<Vec<u8>>,
    /// Decoded keys, by their raw bytes: made once.
    keys: BTreeMap<Vec<u8>, Option<PinnedKey>>,
    respelled: u64,
    others: Vec<String>,
}

impl<'a> Verifier<'a> {
    /// A log of which nothing was read yet.
    #[must_use]
    pub fn new(inputs: Inputs<'a>) -> Self {
        Self {
            inputs,
            findings: Findings::default(),
            segment: None,
            segments: Vec::new(),
            events: 0,
            seen: HashSet::new(),
            log_id: None,
            previous_number: None,
            previous_root: Some(None),
            unsealed: None,
            first_key: None,
            keys: BTreeMap::new(),
            respelled: 0,
            others: Vec::new(),
        }
    }

    /// Begins the segment of this number, by its files' names.
    pub fn segment_start(&mut self, number: u64) {
        self.unsealed();
        if let Some((open, _)) = self.unsealed.take() {
            let note = format!("segment {open} has no header, and segment {number} follows it");
            self.findings.problem(Axis::Chain, ReasonCode::HeaderMissing, note);
        }
        let expected = self.previous_number.map_or(1, |previous| previous.saturating_add(1));
        if number == expected {
            self.findings.pass(Axis::Seq);
        } else {
            let note = format!("segment {number} stands where segment {expected} has to");
            self.findings.problem(Axis::Seq, ReasonCode::SegmentMissing, note);
        }
        self.previous_number = Some(number);
        self.segment = Some(Segment::new(number));
    }

    /// Takes the segment's next line, without its line feed; `complete` if it
    /// had one. Of a line longer than [`MAX_EVENT_LEN`] the beginning will do.
    pub fn line(&mut self, line: &[u8], complete: bool) {
        if let Some(segment) = &mut self.segment {
            segment.line(line, complete, &mut self.seen);
        }
    }

    /// The segment's header is there, and its events are not.
    pub fn log_missing(&mut self) {
        if let Some(segment) = &mut self.segment {
            segment.log_missing = true;
        }
    }

    /// Takes note of a file that is none of such a log. One that is named like
    /// a segment's and is none keeps the log from being verified.
    pub fn other_file(&mut self, name: &str) {
        if name.starts_with("segment-") {
            let note = format!("`{name}` is named like a segment's file and is none");
            self.findings.problem(Axis::Structure, ReasonCode::StrayFile, note);
        } else {
            self.others.push(name.to_owned());
        }
    }

    /// Ends the segment with the content of its header file.
    pub fn sealed(&mut self, header: &[u8]) {
        let Some(segment) = self.segment.take() else { return };
        let falsehoods = self.findings.falsehoods();
        let number = segment.number;
        segment.report_events(&mut self.findings);
        self.events += segment.events;
        self.respelled += segment.respelled;
        match Header::read(header) {
            Ok(header) => {
                let mut report = self.judge(&segment, &header);
                report.falsehoods = self.findings.falsehoods() - falsehoods;
                self.segments.push(report);
            }
            Err(malformed) => {
                self.previous_root = None;
                let note = format!("the header of segment {number}: {}", malformed.note);
                self.findings.problem(Axis::Structure, malformed.reason, note);
            }
        }
    }

    /// Ends the segment without a header: only the last one may.
    pub fn unsealed(&mut self) {
        if let Some(segment) = self.segment.take() {
            self.unsealed = Some((segment.number, segment.lines));
            self.previous_root = None;
        }
    }

    /// Ends the log.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.unsealed();
        self.ending();
        if self.respelled > 0 {
            let note = format!("{} lines are not spelled as the package spells them", self.respelled);
            self.findings.problem(Axis::Structure, ReasonCode::EventRespelled, note);
        }
        let not_checked = self.not_checked();
        let (axes, problems, problems_omitted) = self.findings.into_parts();
        let (verdict, reason_code) = finding::fold(&problems, false);
        Report {
            verdict,
            reason_code,
            events: self.events,
            axes,
            problems,
            problems_omitted,
            not_checked,
            log_id: self.log_id,
            segments: self.segments,
        }
    }

    fn judge(&mut self, segment: &Segment, header: &Header) -> SegmentReport {
        self.names(segment, header);
        self.link(segment.number, header);
        let root_matches = segment.compare(header, &mut self.findings);
        let mut report = self.signed(segment.number, segment.events, header);
        report.root_matches = root_matches;
        report
    }

    /// Takes one segment of a log whose others are not at hand.
    fn take_one(&mut self, header: &Header, root_matches: bool) {
        self.events = 1;
        self.log_id = Some(header.log_id.clone());
        let report = self.signed(header.segment_number, 1, header);
        self.segments.push(SegmentReport { root_matches, ..report });
    }

    /// Everything about a header that needs no events.
    fn signed(&mut self, number: u64, events: u64, header: &Header) -> SegmentReport {
        self.skew(number, header);
        let (algorithm, signature_valid, pinned) = self.signature(number, header);
        SegmentReport {
            number,
            events,
            sealed_at: header.sealed_at.clone(),
            signer_did: header.signer_did.clone(),
            labelled: header.algorithm.clone(),
            algorithm,
            signature_valid,
            pinned,
            merkle_root: header.merkle_root,
            root_matches: false,
            falsehoods: 0,
        }
    }

    /// The files' number, and the one that is signed.
    fn names(&mut self, segment: &Segment, header: &Header) {
        let number = segment.number;
        if header.segment_number == number && header.segment_id == format!("segment-{number:05}") {
            return self.findings.pass(Axis::Structure);
        }
        let note = format!(
            "the files are segment {number}'s, the signed header is of segment {}, `{}`",
            header.segment_number, header.segment_id
        );
        self.findings.problem(Axis::Structure, ReasonCode::HeaderDiffers, note);
    }

    fn link(&mut self, number: u64, header: &Header) {
        if let Some(log_id) = &self.log_id
            && *log_id != header.log_id
        {
            let note =
                format!("segment {number} is of the log `{}`, those before of `{log_id}`", header.log_id);
            self.findings.problem(Axis::Chain, ReasonCode::LogIdChanged, note);
        }
        self.log_id.get_or_insert_with(|| header.log_id.clone());
        match self.previous_root.replace(Some(header.merkle_root)) {
            Some(expected) if expected == header.previous_root => self.findings.pass(Axis::Chain),
            Some(expected) => {
                let shown = |root: Option<[u8; 32]>| root.map_or("none".to_owned(), |root| encode_hex(&root));
                let note = format!(
                    "segment {number} links to {}; the root before is {}",
                    shown(header.previous_root),
                    shown(expected)
                );
                self.findings.problem(Axis::Chain, ReasonCode::ChainBreak, note);
            }
            None => {
                let note = format!("the segment before segment {number} cannot be read");
                self.findings.problem(Axis::Chain, ReasonCode::PredecessorUnreadable, note);
            }
        }
    }

    fn skew(&mut self, number: u64, header: &Header) {
        let Ok(sealed_at) = Timestamp::parse_rfc3339(&header.sealed_at) else {
            let note = format!("`sealed_at` of segment {number} cannot be read");
            return self.findings.problem(Axis::Skew, ReasonCode::MalformedTime, note);
        };
        match self.inputs.at {
            None => {
                let note = "no evaluation time was given";
                self.findings.problem(Axis::Skew, ReasonCode::NoEvaluationTime, note);
            }
            Some(now) if sealed_at.unix_micros() - now.unix_micros() > MAX_SKEW_MICROS => {
                let note = format!("segment {number} claims to be sealed at {sealed_at}");
                self.findings.problem(Axis::Skew, ReasonCode::InTheFuture, note);
            }
            Some(_) => self.findings.pass(Axis::Skew),
        }
    }
}
