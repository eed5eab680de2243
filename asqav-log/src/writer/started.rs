//! The writer of a log that was started: group by group, in order.

use asqav_core::log::{LogEntry, LogError, LogOwner, Unsigned};
use asqav_receipt::header::CloseReason;
use asqav_receipt::payload::Payload;
use asqav_receipt::receipt::ReceiptSignature;
use asqav_receipt::time::Timestamp;

use crate::checkpointing::Checkpointer;
use crate::error::io_error;
use crate::group::{Group, MAX_PREPARED, Prepared};
use crate::mirror::Mirror;
use crate::retention::Deletions;
use crate::rotation::Rotation;
use crate::segment::{OpenSegment, line_len};
use crate::storage::{Guard, Storage};
use crate::tip::Tip;
use crate::tree::Derived;
use crate::unsigned::journal::{self, Journal, Left};
use crate::vault::{Erasures, VaultWriter};

use super::no_journal;

/// So many receipts that were left are signed before they are committed.
const MAX_SIGNED: usize = 1_024;

/// Whether a receipt begins what one signature covers.
const fn begins_frame(signature: &ReceiptSignature) -> bool {
    match signature {
        ReceiptSignature::Own(_) => true,
        ReceiptSignature::Batched(batched) => batched.index == 0,
    }
}

/// A log that was started.
pub(super) struct Writer {
    pub(super) storage: Box<dyn Storage>,
    pub(super) owner: LogOwner,
    pub(super) rotation: Rotation,
    pub(super) mirror: Option<Mirror>,
    pub(super) vault: Option<VaultWriter>,
    /// Where receipts wait for their signature; none without its key.
    pub(super) journal: Option<Journal>,
    pub(super) erasures: Erasures,
    pub(super) deletions: Deletions,
    /// Where the chain stands, receipts in the batch at hand included.
    pub(super) tip: Tip,
    pub(super) segment: Option<OpenSegment>,
    /// What proofs are made from.
    pub(super) derived: Derived,
    pub(super) checkpointer: Checkpointer,
    /// Where the lines of a group are written before they are hashed.
    pub(super) buffer: Vec<u8>,
    pub(super) guard: Guard,
}

impl Writer {
    pub(super) fn commit(&mut self, batch: &[LogEntry], durable: bool) -> Result<(), LogError> {
        if self.is_durable() {
            self.derived.relieve(self.storage.as_mut());
        }
        self.checkpoint_if_due()?;
        if let Some(journal) = &mut self.journal {
            journal.take(batch)?;
        }
        if let Some(vault) = &mut self.vault {
            let openings = batch.iter().map(|entry| (entry.payload.seq, entry.openings.as_ref()));
            vault.append(self.storage.as_mut(), openings)?;
            if durable {
                vault.sync(self.storage.as_mut())?;
            }
        }
        // INVARIANT: an erasure receipt is in the log only after the keys of
        // what it names were destroyed; whoever reads it relies on that.
        let erasing = self.erasures.begin(self.storage.as_mut(), batch)?;
        let deleting = self.deletions.begin(self.storage.as_mut(), batch, self.tip.next_segment - 1)?;
        let now = self.owner.clock.now();
        for entries in batch.chunks(MAX_PREPARED) {
            let group = Group::new(entries, std::mem::take(&mut self.buffer));
            for prepared in group.prepared() {
                self.add(&prepared, now)?;
            }
            self.buffer = group.into_buffer();
        }
        let Some(segment) = &mut self.segment else { return Ok(()) };
        segment.flush()?;
        if durable || erasing || deleting {
            segment.sync(self.storage.as_mut())?;
            self.update_mirror()?;
        }
        if durable && let Some(journal) = &mut self.journal {
            journal.followed(self.storage.as_mut())?;
        }
        if erasing {
            self.erasures.recorded(self.storage.as_mut(), batch)?;
        }
        // INVARIANT: a segment is removed only after the receipt that says so is
        // durable, vault and mirror included.
        if deleting {
            self.deletions.finish(self.storage.as_mut())?;
            self.derived.forget(self.storage.as_mut());
        }
        Ok(())
    }

    /// Keeps receipts until they are signed; their openings are durable before
    /// they are.
    pub(super) fn journal(&mut self, batch: &[Unsigned]) -> Result<(), LogError> {
        let Some(journal) = &self.journal else { return Err(no_journal()) };
        let refused = |why: String| io_error("journaling a receipt", std::io::Error::other(why));
        // INVARIANT: whoever reads a journal can tell from a segment which log
        // it is bound to.
        if self.tip.head.is_none() {
            return Err(refused("a log's first receipt is committed before others are journaled".to_owned()));
        }
        // INVARIANT: a log never has a hole, whoever calls.
        let newest = journal.newest().unwrap_or(self.tip.next_seq() - 1);
        for (unsigned, due) in batch.iter().zip(newest + 1..) {
            let Payload { seq, asqav, .. } = &*unsigned.payload;
            if *seq != due || asqav.log_id != self.tip.log_id {
                return Err(refused(format!("receipt {seq} stands where {due} of this log is due")));
            }
            if !Unsigned::may_be(&unsigned.payload) {
                return Err(refused(format!("receipt {seq} is true only once something was destroyed")));
            }
        }
        if let Some(vault) = &mut self.vault {
            let openings = batch.iter().map(|unsigned| (unsigned.payload.seq, unsigned.openings.as_ref()));
            vault.append(self.storage.as_mut(), openings)?;
        }
        // INVARIANT: what a journal goes on from is durable, as are openings.
        self.sync()?;
        match &mut self.journal {
            Some(journal) => journal.add(self.storage.as_mut(), batch),
            None => Err(no_journal()),
        }
    }

    /// Signs and commits what the last writer journaled and did not commit, so
    /// many at once that a start which is interrupted has not worked for
    /// nothing. The journal then goes, or is left until that is recorded.
    pub(super) fn sign_what_was_left(&mut self, left: Left) -> Result<(), LogError> {
        let Left { unsigned, after, .. } = left;
        for part in unsigned.chunks(MAX_SIGNED) {
            let signed = Unsigned::sign_all(&*self.owner.signer, self.owner.signing, part.to_vec())?;
            self.commit(&signed, true)?;
        }
        match &mut self.journal {
            Some(journal) if after.is_some() => journal.leave(),
            _ => journal::remove(self.storage.as_mut())?,
        }
        Ok(())
    }

    /// Puts a receipt into the open segment, to be written with its batch.
    fn add(&mut self, prepared: &Prepared<'_>, now: Timestamp) -> Result<(), LogError> {
        let &Prepared { entry, line, leaf, link } = prepared;
        // INVARIANT: a log never has a hole, whoever calls.
        self.tip
            .expects(&entry.payload)
            .map_err(|why| io_error("adding a receipt", std::io::Error::other(why)))?;
        // INVARIANT: a batch stands in one segment. It may be longer than that
        // was meant to be by less than a batch.
        if begins_frame(&entry.signature) {
            self.seal_if_due(line_len(line), now)?;
        }
        let segment = match &mut self.segment {
            Some(segment) => segment,
            none => {
                none.insert(OpenSegment::create(self.storage.as_mut(), &self.tip, entry.payload.issued_at)?)
            }
        };
        let place = segment.push(line, leaf);
        self.derived.push(entry.payload.seq, leaf, entry.payload.action_id, place, &entry.signature);
        self.checkpointer.push(entry.payload.seq, leaf);
        self.tip.advance(&entry.payload, &entry.canonical, link);
        Ok(())
    }

    /// Whether every receipt is on disk.
    fn is_durable(&self) -> bool {
        !self.segment.as_ref().is_some_and(OpenSegment::is_dirty)
    }

    pub(super) fn maintain(&mut self, now: Timestamp) -> Result<(), LogError> {
        self.seal_if_due(0, now)?;
        if !self.is_durable() && self.mirror.is_some() {
            self.sync()?;
            self.update_mirror()?;
        }
        if self.is_durable() {
            self.derived.settle(self.storage.as_mut(), self.tip.next_seq() - 1);
        }
        self.come_closer();
        self.checkpoint_if_due()
    }

    /// Goes through a bounded part of what checkpoints need to know. Called
    /// only while nothing waits to be written.
    pub(super) fn come_closer(&mut self) {
        self.checkpointer.step(self.storage.as_mut(), &self.tip, self.segment.as_ref());
    }

    /// Makes a checkpoint, if it is time, of what is on disk. It is called
    /// before a group is written and on a quiet log: nobody waits for it.
    fn checkpoint_if_due(&mut self) -> Result<(), LogError> {
        if self.checkpointer.is_due(&self.tip, self.owner.clock.monotonic()) {
            self.sync()?;
            self.checkpointer.make(self.storage.as_mut(), &self.owner, &self.tip);
        }
        Ok(())
    }

    /// Seals the open segment and makes the last checkpoint.
    pub(super) fn stop(&mut self) -> Result<(), LogError> {
        self.seal(CloseReason::Stop)?;
        self.derived.settle(self.storage.as_mut(), self.tip.next_seq() - 1);
        self.checkpointer.finish(self.storage.as_mut(), &self.owner, &self.tip, None);
        match &mut self.journal {
            Some(journal) => journal.clear(self.storage.as_mut()),
            None => Ok(()),
        }
    }

    fn seal_if_due(&mut self, next_len: u64, now: Timestamp) -> Result<(), LogError> {
        let content = self.segment.as_ref().map(|segment| &segment.content);
        match content.and_then(|content| self.rotation.due(content, next_len, now)) {
            Some(close) => self.seal(close),
            None => Ok(()),
        }
    }

    /// Seals the open segment, if there is one; the next receipt begins a new
    /// one. The vault is synced first, then the log, then the header.
    fn seal(&mut self, close: CloseReason) -> Result<(), LogError> {
        let Some(mut segment) = self.segment.take() else { return self.update_mirror() };
        if let Some(vault) = &mut self.vault {
            vault.sync(self.storage.as_mut())?;
        }
        let header = segment.seal(self.storage.as_mut(), &self.owner, &self.tip, close)?;
        self.tip.sealed(&header);
        self.update_mirror()?;
        self.derived.flush(self.storage.as_mut());
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        if let Some(vault) = &mut self.vault {
            vault.sync(self.storage.as_mut())?;
        }
        match &mut self.segment {
            Some(segment) => segment.sync(self.storage.as_mut()),
            None => Ok(()),
        }
    }

    fn update_mirror(&mut self) -> Result<(), LogError> {
        match &mut self.mirror {
            Some(mirror) => mirror.update(&self.tip),
            None => Ok(()),
        }
    }
}
