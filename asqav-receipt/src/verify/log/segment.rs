//! Segments and their signed headers.

use super::inputs::LogInputs;
use super::leaves::Leaves;
use super::meaning::Meaning;
use super::tally::{Place, Tally};
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::header::{SegmentHeader, SignedHeader};
use crate::merkle::{Sha3Tree, root};
use crate::open::OpenSet;
use crate::payload::Link;
use crate::verify::axes::keys::Use;
use crate::verify::axes::time::MAX_SKEW_MICROS;
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;
use crate::verify::seal::Seal;
use crate::verify::subject::{Subject, text};

/// The segment being read: what its header has to say.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    number: u64,
    count: u64,
    bytes: u64,
    lines: Leaves,
    first: Option<(u64, Link)>,
}

impl Segment {
    pub(super) fn new(number: u64) -> Self {
        Self { number, count: 0, bytes: 0, lines: Leaves::default(), first: None }
    }

    /// Adds a line of `len` bytes, its line feed not included; `leaf` is its
    /// hash in the tree.
    pub(super) fn push(&mut self, len: usize, leaf: [u8; 32]) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(len).unwrap_or(u64::MAX)).saturating_add(1);
        self.lines.push(leaf);
    }

    /// Adds bytes that are no line.
    pub(super) fn torn(&mut self, len: u64) {
        self.bytes = self.bytes.saturating_add(len);
    }

    /// Notes the first receipt's number and link.
    pub(super) fn receipt(&mut self, subject: &Subject<'_>) {
        if let (Some(seq), Some(sha256)) =
            (subject.seq(), subject.text("previousReceiptHash").and_then(Sha256Digest::parse_hex))
        {
            let prev = subject.asqav().and_then(|asqav| text(asqav, "prev"));
            let mut link = Link::GENESIS;
            (link.sha256, link.sha3) = (sha256, prev.and_then(Sha3Digest::parse_tagged));
            self.begins(seq, link);
        }
    }

    /// Notes the number and link of a receipt, if it is the first.
    pub(super) const fn begins(&mut self, seq: u64, link: Link) {
        if self.count == 1 {
            self.first = Some((seq, link));
        }
    }
}

/// The segments read so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Seals {
    segments: u64,
    last_number: u64,
    last_header: Option<Sha3Digest>,
    /// The newest segment has no header.
    open: bool,
    /// Nor a byte: a run that was begun and recorded nothing.
    empty: bool,
}

impl Seals {
    /// Begins a segment: the next number, after a sealed one.
    pub(super) fn begin(&mut self, number: u64, tally: &mut Tally) {
        if self.open {
            let note = format!("segment {} has no header", self.last_number);
            tally.problem(&Place::default(), Axis::Chain, ReasonCode::HeaderMissing, note);
        }
        if self.last_number.checked_add(1) != Some(number) {
            let note = format!("segment {number} follows segment {}", self.last_number);
            tally.problem(&Place::default(), Axis::Chain, ReasonCode::SegmentMissing, note);
        }
        self.segments += 1;
        self.last_number = number;
        self.open = false;
    }

    pub(super) const fn leave_open(&mut self, segment: &Segment) {
        self.open = true;
        self.empty = segment.bytes == 0;
    }

    pub(super) const fn count(&self) -> u64 {
        self.segments
    }

    /// The newest header that could be read.
    pub(super) const fn last_header(&self) -> Option<Sha3Digest> {
        self.last_header
    }

    /// Whether the newest segment that holds anything has a header.
    pub(super) const fn last_is_sealed(&self) -> bool {
        self.segments > 0 && (!self.open || self.empty)
    }

    /// Ends a segment with its header: the last receipt that it names, and its
    /// digest.
    pub(super) fn seal(
        &mut self,
        segment: &Segment,
        file: &[u8],
        meaning: &Meaning,
        inputs: &LogInputs<'_>,
        tally: &mut Tally,
    ) -> Option<(u64, Sha3Digest)> {
        let place = meaning.newest.map_or_else(Place::default, |newest| Place::seq(newest.seq));
        let mut found = |axis, reason, note: String| {
            tally.problem(&place, axis, reason, format!("header of segment {}: {note}", segment.number));
        };
        let signed = match SignedHeader::parse(file) {
            Ok(signed) => signed,
            Err(error) => {
                self.last_header = None;
                found(Axis::Structure, ReasonCode::MalformedHeader, error.to_string());
                return None;
            }
        };
        for member in differing(segment, &signed.header, meaning, self.last_header) {
            found(
                Axis::Chain,
                ReasonCode::HeaderDiffers,
                format!("`{member}` is not what the segment gives"),
            );
        }
        sealed_at(&signed.header, meaning, inputs, &mut found);
        signature(&signed, meaning, inputs, &mut found);
        let digest = signed.digest();
        self.last_header = Some(digest);
        Some((signed.header.last_seq, digest))
    }
}

impl Seals {
    /// Ends a segment that was deleted with its header: the header, and its
    /// digest. Its receipts are known by their leaf hashes only.
    pub(super) fn step_over(
        &mut self,
        number: u64,
        file: &[u8],
        leaves: &[[u8; 32]],
        meaning: &Meaning,
        inputs: &LogInputs<'_>,
        tally: &mut Tally,
    ) -> Option<(SegmentHeader, Sha3Digest)> {
        let place = meaning.newest.map_or_else(Place::default, |newest| Place::seq(newest.seq));
        let mut found = |axis, reason, note: String| {
            tally.problem(&place, axis, reason, format!("header of deleted segment {number}: {note}"));
        };
        let signed = match SignedHeader::parse(file) {
            Ok(signed) => signed,
            Err(error) => {
                self.last_header = None;
                found(Axis::Structure, ReasonCode::MalformedHeader, error.to_string());
                return None;
            }
        };
        let count = u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        if count != signed.header.count || root::<Sha3Tree>(leaves) != *signed.header.root.as_bytes() {
            let note = "the leaf hashes do not give its `count` and `root`".to_owned();
            found(Axis::Chain, ReasonCode::TombstoneDiffers, note);
        }
        for member in not_following(number, &signed.header, meaning, self.last_header) {
            let note = format!("`{member}` is not what stands before it");
            found(Axis::Chain, ReasonCode::HeaderDiffers, note);
        }
        sealed_at(&signed.header, meaning, inputs, &mut found);
        signature(&signed, meaning, inputs, &mut found);
        let digest = signed.digest();
        self.last_header = Some(digest);
        Some((signed.header, digest))
    }
}

/// The members of a deleted segment's header that do not go on from what was
/// read before it.
fn not_following(
    number: u64,
    header: &SegmentHeader,
    meaning: &Meaning,
    previous_header: Option<Sha3Digest>,
) -> Vec<&'static str> {
    let newest = meaning.newest;
    let same = [
        ("log_id", meaning.log().is_none_or(|(log_id, _)| log_id == header.log_id)),
        ("genesis", meaning.log().is_none_or(|(_, genesis)| genesis == Some(header.genesis))),
        ("segment", number == header.segment),
        ("first_seq", newest.map_or(0, |newest| newest.seq).checked_add(1) == Some(header.first_seq)),
        ("before", newest.map_or(Link::GENESIS, |newest| newest.link) == header.before),
        ("previous_header", previous_header == header.previous_header),
        ("open", OpenSet::from_items(&header.open).is_some()),
    ];
    same.into_iter().filter(|(_, same)| !same).map(|(member, _)| member).collect()
}

/// The members that disagree with the segment's receipts or with the headers before.
fn differing(
    segment: &Segment,
    header: &SegmentHeader,
    meaning: &Meaning,
    previous_header: Option<Sha3Digest>,
) -> Vec<&'static str> {
    let SegmentHeader {
        log_id,
        genesis,
        segment: number,
        first_seq,
        last_seq,
        count,
        bytes,
        root,
        before,
        last,
        previous_header: previous,
        open,
        sealed_at: _,
        close: _,
        suite: _,
        key_thumbprint: _,
    } = header;
    let log = meaning.identity.as_ref();
    let same = [
        ("log_id", log.is_some_and(|log| log.log_id == *log_id)),
        ("genesis", log.is_some_and(|log| log.genesis == Some(*genesis))),
        ("segment", segment.number == *number),
        ("first_seq", segment.first.is_some_and(|(seq, _)| seq == *first_seq)),
        ("last_seq", meaning.newest.is_some_and(|newest| newest.seq == *last_seq)),
        ("count", segment.count == *count),
        ("bytes", segment.bytes == *bytes),
        ("root", segment.lines.root() == *root.as_bytes()),
        ("before", segment.first.is_some_and(|(_, link)| link == *before)),
        ("last", meaning.newest.is_some_and(|newest| newest.link == *last)),
        ("previous_header", previous_header == *previous),
        ("open", meaning.open_items() == *open),
    ];
    same.into_iter().filter(|(_, same)| !same).map(|(member, _)| member).collect()
}

fn sealed_at(
    header: &SegmentHeader,
    meaning: &Meaning,
    inputs: &LogInputs<'_>,
    found: &mut impl FnMut(Axis, ReasonCode, String),
) {
    if let Some(at) = inputs.at
        && header.sealed_at.unix_micros() - at.unix_micros() > MAX_SKEW_MICROS
    {
        found(Axis::Skew, ReasonCode::InTheFuture, format!("claims to be sealed at {}", header.sealed_at));
    }
    if meaning.newest.is_some_and(|newest| newest.issued_at.is_some_and(|at| header.sealed_at < at)) {
        let note = format!("claims to be sealed at {}, before its last receipt", header.sealed_at);
        found(Axis::Skew, ReasonCode::ClockBackwards, note);
    }
}

fn signature(
    signed: &SignedHeader,
    meaning: &Meaning,
    inputs: &LogInputs<'_>,
    found: &mut impl FnMut(Axis, ReasonCode, String),
) {
    let SignedHeader { header, signature } = signed;
    let log_id = header.log_id.to_string();
    let seal = Seal {
        message: header.signing_bytes(),
        suite: header.suite,
        key_thumbprint: header.key_thumbprint,
        signature,
        claim: Use {
            signed_at: Some(header.sealed_at),
            proven_by: None,
            log_id: Some(&log_id),
            seq: Some(header.last_seq),
        },
    };
    // Before the first receipt that is there, a deleted segment's header is by
    // whom its key is pinned for; the headers after it name it.
    let owner = meaning.owner().or_else(|| seal.pinned_owner(inputs.keys));
    seal.check(owner, inputs.keys, found);
}
