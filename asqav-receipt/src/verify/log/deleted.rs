//! Deleted segments: what a tombstone shows, and whether the log says that it
//! was meant.

use super::LogVerifier;
use super::tally::{Place, Tally};
use crate::deletion::{DELETE_EVENT, Deletion};
use crate::digest::Sha3Digest;
use crate::header::SegmentHeader;
use crate::payload::{Context, Payload};
use crate::seq_set::SeqSet;
use crate::verify::axes::chain::Predecessor;
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;

/// Bytes of a leaf hash.
const LEAF_LEN: usize = 32;

/// A deleted segment, by its header.
#[derive(Debug, Clone, Copy)]
struct Tombstone {
    segment: u64,
    header: Sha3Digest,
    first_seq: u64,
    last_seq: u64,
}

/// The tombstones met so far, and what deletion receipts say.
#[derive(Debug, Clone, Default)]
pub(super) struct Deletions {
    /// Ascending by segment.
    tombstones: Vec<Tombstone>,
    /// The receipts that they held.
    pub(super) receipts: SeqSet,
    /// Deleted segments whose header could not be read.
    unreadable: Option<u64>,
    /// The last segment that a deletion receipt names.
    through: u64,
}

impl Deletions {
    fn step_over(&mut self, header: &SegmentHeader, digest: Sha3Digest) {
        let SegmentHeader { segment, first_seq, last_seq, .. } = *header;
        self.tombstones.push(Tombstone { segment, header: digest, first_seq, last_seq });
        self.receipts.unite(&SeqSet::range(first_seq, last_seq));
    }

    /// Takes the log's next receipt.
    pub(super) fn apply(&mut self, payload: &Payload, tally: &mut Tally) {
        if !matches!(&payload.context, Context::Event { name: DELETE_EVENT, .. }) {
            return;
        }
        let place = Place::of_payload(payload);
        let mut found = |reason, note: String| tally.problem(&place, Axis::Structure, reason, note);
        let Some(deletion) = Deletion::of(payload) else {
            let note = "it does not name segments before it, with their receipts and headers";
            return found(ReasonCode::DeletionDiffers, note.to_owned());
        };
        self.through = self.through.max(deletion.last_segment());
        let mut gone = Vec::new();
        for (segment, digest) in deletion.segments() {
            match self.tombstones.binary_search_by_key(&segment, |tombstone| tombstone.segment) {
                Err(_) => {
                    found(ReasonCode::NotDeleted, format!("segment {segment}, which it names, is there"));
                }
                Ok(at) => {
                    let tombstone = self.tombstones.get(at).copied();
                    if tombstone.is_some_and(|tombstone| tombstone.header != digest) {
                        let note = format!("it names another header of segment {segment}");
                        found(ReasonCode::DeletionDiffers, note);
                    }
                    gone.extend(tombstone);
                }
            }
        }
        let range = gone.first().zip(gone.last()).map(|(first, last)| (first.first_seq, last.last_seq));
        if gone.len() == deletion.headers.len() && range != Some(deletion.receipts) {
            let note = "it names other receipts than the headers of its segments".to_owned();
            found(ReasonCode::DeletionDiffers, note);
        }
    }

    /// At the log's end: what was deleted and nobody signed for.
    ///
    /// Segments are deleted oldest first, so the newest deletion receipt speaks
    /// for all before it; each header there is bound by the one after it.
    pub(super) fn finish(&self, tally: &mut Tally) {
        let segments = self.tombstones.iter().map(|tombstone| tombstone.segment).chain(self.unreadable);
        for segment in segments.filter(|segment| *segment > self.through) {
            let note = format!("segment {segment} was deleted, and no deletion receipt says so");
            tally.problem(&Place::default(), Axis::Chain, ReasonCode::DeletionUnsigned, note);
        }
    }
}

impl LogVerifier<'_> {
    /// Takes the segment of this number, which was deleted: the content of its
    /// header file, and the leaf hashes of its receipts, 32 bytes each.
    ///
    /// The links of the header lead on to the next segment; what the receipts
    /// said stands in `not_checked`. A deletion receipt later in the log has
    /// to name the segment.
    pub fn deleted(&mut self, number: u64, header: &[u8], leaves: &[u8]) {
        self.unsealed();
        self.seals.begin(number, &mut self.tally);
        let (hashes, rest) = leaves.as_chunks::<LEAF_LEN>();
        let seal = self.seals.step_over(number, header, hashes, &self.meaning, &self.inputs, &mut self.tally);
        let Some((signed, digest)) = seal else {
            self.deletions.unreadable = Some(number);
            self.predecessor = Predecessor::Unreadable("the segment before was deleted".to_owned());
            return;
        };
        if !rest.is_empty() {
            let note = format!("segment {number}: bytes after its last leaf hash");
            self.tally.problem(&Place::default(), Axis::Chain, ReasonCode::TombstoneDiffers, note);
        }
        self.deletions.step_over(&signed, digest);
        self.take_leaves(&signed, hashes);
        self.whole.sealed(&self.inputs, signed.last_seq, digest);
        self.predecessor = Predecessor::Known {
            link: signed.last,
            seq: i64::try_from(signed.last_seq).ok(),
            log_id: Some(signed.log_id.to_string()),
        };
        self.meet_deleted_head(&signed);
    }

    /// Adds the leaves to the tree over all lines; the last one stands where
    /// the header says how the log goes on.
    fn take_leaves(&mut self, header: &SegmentHeader, leaves: &[[u8; LEAF_LEN]]) {
        let Some((last, before)) = leaves.split_last() else {
            return self.meaning.step_over(header);
        };
        for leaf in before {
            self.whole.push(*leaf);
            self.whole.compare_root(&self.inputs, header, &mut self.tally);
        }
        self.meaning.step_over(header);
        self.whole.push(*last);
        self.whole.compare(&self.inputs, &self.meaning, &mut self.tally);
    }

    /// Compares the mirrored head, if it stood in the deleted segment.
    fn meet_deleted_head(&mut self, header: &SegmentHeader) {
        let within = |seq: u64| (header.first_seq..=header.last_seq).contains(&seq);
        let Some(head) = self.inputs.head.filter(|head| within(head.seq)) else { return };
        let place = Place::seq(head.seq);
        if head.seq < header.last_seq {
            self.head_deleted = true;
            let note = "the receipt that the mirrored head names was deleted";
            self.tally.problem(&place, Axis::Chain, ReasonCode::ContentDeleted, note);
            return;
        }
        let same = (header.last.sha256, header.last.sha3, header.log_id)
            == (head.sha256, Some(head.sha3), head.log_id);
        if same {
            self.head_met = true;
        } else {
            let note = "another receipt than the mirrored head names";
            self.tally.problem(&place, Axis::Chain, ReasonCode::HeadDiffers, note);
        }
    }
}
