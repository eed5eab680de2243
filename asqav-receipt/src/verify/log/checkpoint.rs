//! A log against a checkpoint of it that was kept elsewhere.

use super::inputs::LogInputs;
use super::leaves::Leaves;
use super::meaning::Meaning;
use super::tally::{Place, Tally};
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::digest::Sha3Digest;
use crate::header::SegmentHeader;
use crate::verify::axes::keys::Use;
use crate::verify::axes::time::MAX_SKEW_MICROS;
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;
use crate::verify::seal::Seal;

/// The tree over all lines, and how it compares with the checkpoint.
#[derive(Debug, Clone, Default)]
pub(super) struct Whole {
    tree: Leaves,
    /// The headers sealed so far that the checkpoint may name: the newest that
    /// ends before its size, and the one that ends there.
    headers: [Option<Sha3Digest>; 2],
    /// Whether the first receipts, as many as the checkpoint counts, are those
    /// that it was made of.
    met: bool,
    /// The checkpoint's newest receipt was deleted.
    head_deleted: bool,
}

impl Whole {
    /// Adds a line by its leaf.
    pub(super) fn push(&mut self, leaf: [u8; 32]) {
        self.tree.push(leaf);
    }

    /// Size and root.
    pub(super) fn tree(&self) -> (u64, Sha3Digest) {
        (self.tree.size(), Sha3Digest::from_bytes(self.tree.root()))
    }

    /// Whether the checkpoint was met, without any difference.
    pub(super) const fn is_met(&self) -> bool {
        self.met
    }

    /// Takes note of a header that ends with receipt `last_seq`.
    pub(super) fn sealed(&mut self, inputs: &LogInputs<'_>, last_seq: u64, header: Sha3Digest) {
        let Some(size) = inputs.checkpoint.map(|signed| signed.checkpoint.size) else { return };
        let [before, there] = &mut self.headers;
        if last_seq < size {
            *before = Some(header);
        } else if last_seq == size {
            *there = Some(header);
        }
    }

    /// After the line that is the checkpoint's last: what disagrees.
    pub(super) fn compare(&mut self, inputs: &LogInputs<'_>, meaning: &Meaning, tally: &mut Tally) {
        let Some(SignedCheckpoint { checkpoint, .. }) = inputs.checkpoint else { return };
        if checkpoint.size != self.tree.size() {
            return;
        }
        let differing = self.differing(checkpoint, meaning);
        self.met = differing.is_empty();
        for member in differing {
            let note = format!("the checkpoint's `{member}` is not what the log gives");
            tally.problem(&Place::seq(checkpoint.size), Axis::Chain, ReasonCode::CheckpointDiffers, note);
        }
    }

    /// After a line of a deleted segment that is the checkpoint's last, but not
    /// the segment's: what disagrees, and what nobody can compare any more.
    pub(super) fn compare_root(&mut self, inputs: &LogInputs<'_>, header: &SegmentHeader, tally: &mut Tally) {
        let Some(SignedCheckpoint { checkpoint, .. }) = inputs.checkpoint else { return };
        if checkpoint.size != self.tree.size() {
            return;
        }
        let place = Place::seq(checkpoint.size);
        let same = [
            ("log_id", checkpoint.log_id == header.log_id),
            ("genesis", checkpoint.genesis == header.genesis),
            ("root", checkpoint.root == self.tree().1),
        ];
        self.met = same.iter().all(|(_, same)| *same);
        for (member, _) in same.iter().filter(|(_, same)| !same) {
            let note = format!("the checkpoint's `{member}` is not what the log gives");
            tally.problem(&place, Axis::Chain, ReasonCode::CheckpointDiffers, note);
        }
        self.head_deleted = true;
    }

    /// Whether the checkpoint's newest receipt was deleted: its root was
    /// compared, its links and open decisions were not.
    pub(super) const fn head_is_deleted(&self) -> bool {
        self.head_deleted
    }

    fn differing(&self, checkpoint: &Checkpoint, meaning: &Meaning) -> Vec<&'static str> {
        let Checkpoint {
            log_id,
            genesis,
            size,
            root,
            head,
            last_header: _,
            open_decisions,
            previous_checkpoint: _,
            issued_at: _,
            suite: _,
            key_thumbprint: _,
        } = checkpoint;
        let log = meaning.log();
        let open = u64::try_from(meaning.open_decisions()).ok();
        let same = [
            ("log_id", log.is_some_and(|(found, _)| found == *log_id)),
            ("genesis", log.is_some_and(|(_, found)| found == Some(*genesis))),
            ("size", meaning.newest.is_some_and(|newest| newest.seq == *size)),
            ("root", self.tree().1 == *root),
            ("head", meaning.newest.is_some_and(|newest| newest.link == *head)),
            ("open_decisions", open == Some(*open_decisions)),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(member, _)| member).collect()
    }

    /// A checkpoint at a segment's end may be older or newer than its header.
    fn names_a_header(&self, checkpoint: &Checkpoint) -> bool {
        let [before, there] = self.headers;
        checkpoint.last_header == before || (there.is_some() && checkpoint.last_header == there)
    }

    /// At the log's end: its signature, and what the log lacks.
    pub(super) fn finish(&mut self, inputs: &LogInputs<'_>, meaning: &Meaning, tally: &mut Tally) {
        let Some(signed) = inputs.checkpoint else { return };
        let checkpoint = &signed.checkpoint;
        let place = Place::seq(checkpoint.size);
        let (size, named) = (self.tree.size(), self.names_a_header(checkpoint));
        let mut sound = true;
        let mut found = |axis, reason, note: String| {
            sound = false;
            tally.problem(&place, axis, reason, format!("checkpoint: {note}"));
        };
        if let Some(missing) = checkpoint.size.checked_sub(size).filter(|missing| *missing > 0) {
            let note =
                format!("the log ends after {size} receipts, {missing} fewer than the checkpoint counts");
            found(Axis::Chain, ReasonCode::TailCut, note);
        } else if !named {
            found(Axis::Chain, ReasonCode::CheckpointDiffers, "`last_header` is not in the log".to_owned());
        }
        if let Some(at) = inputs.at
            && checkpoint.issued_at.unix_micros() - at.unix_micros() > MAX_SKEW_MICROS
        {
            let note = format!("claims to be issued at {}", checkpoint.issued_at);
            found(Axis::Skew, ReasonCode::InTheFuture, note);
        }
        let log_id = checkpoint.log_id.to_string();
        let seal = Seal {
            message: checkpoint.signing_bytes(),
            suite: checkpoint.suite,
            key_thumbprint: checkpoint.key_thumbprint,
            signature: &signed.signature,
            claim: Use {
                signed_at: Some(checkpoint.issued_at),
                proven_by: None,
                log_id: Some(&log_id),
                seq: Some(checkpoint.size),
            },
        };
        seal.check(meaning.owner(), inputs.keys, &mut found);
        self.met &= sound;
    }
}
