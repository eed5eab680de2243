//! The order of receipts between submission and release: no threads, no clock,
//! no log, only what must hold.
//!
//! ```text
//! durable           being committed             queue                 head
//!   │ ────────────── signed ────────────── │ signed, signing, unsigned │
//!                                          │ journaled     │ not yet   │
//! ```

use std::collections::VecDeque;
use std::sync::Arc;

use asqav_receipt::commitment::Openings;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::LogId;
use asqav_receipt::payload::{Link, Payload, Unplaced};
use asqav_receipt::receipt::ReceiptSignature;
use asqav_receipt::time::Timestamp;

use super::draft::Prepared;
use crate::log::{Head, Unsigned};
use crate::sign::JobSize;

/// Where receipts stand that are not released yet.
///
/// INVARIANT: the slots in `queue` have successive sequence numbers, the last
/// of which is `head.seq`; each slot's payload links to the one before. The
/// log relies on it: what the writer takes continues what it took before.
pub(super) struct Chain<T> {
    /// The newest receipt that has a sequence number; `None` in an empty log.
    head: Option<Head>,
    /// The highest number that a receipt ever got, set aside or not.
    highest: u64,
    /// The newest receipt that was committed.
    durable: Option<Head>,
    queue: VecDeque<Slot<T>>,
    /// How many slots at the front of `queue` were given out for signing.
    given: usize,
    /// How many slots at the front of `queue` are in the journal.
    journaled: usize,
    /// Where canonical bytes are put together.
    scratch: Vec<u8>,
}

/// A receipt between submission and the writer; `T` is what the caller is
/// answered with.
pub(super) struct Slot<T> {
    pub(super) payload: Arc<Payload>,
    pub(super) canonical: Arc<[u8]>,
    pub(super) openings: Option<Openings>,
    pub(super) signature: Option<ReceiptSignature>,
    pub(super) ticket: T,
    /// The head before and with this receipt.
    before: Option<Head>,
    after: Head,
}

/// What [`Chain::append`] fixed for a draft.
pub(super) struct Appended {
    pub(super) head: Head,
    pub(super) canonical: Arc<[u8]>,
    /// The predecessor's time, if that is later.
    pub(super) clock_was_at: Option<Timestamp>,
    /// To be freed by who does not hold the lock any more.
    pub(super) spent: Unplaced,
}

/// What a signer thread takes: successive receipts of one log that name one
/// key, at least one.
pub(super) struct Job {
    /// The number of the first.
    pub(super) first_seq: u64,
    pub(super) log_id: LogId,
    pub(super) key_thumbprint: Sha256Digest,
    pub(super) canonical: Vec<Arc<[u8]>>,
}

impl<T> Chain<T> {
    /// Continues a log behind `head`.
    pub(super) fn new(head: Option<Head>) -> Self {
        let highest = head.map_or(0, |head| head.seq);
        let (queue, scratch) = (VecDeque::new(), Vec::new());
        Self { head, highest, durable: head, queue, given: 0, journaled: 0, scratch }
    }

    /// Gives the draft the next sequence number, the links to its predecessor
    /// and the time `now`, and queues it: one step, because the caller holds
    /// the lock.
    pub(super) fn append(&mut self, prepared: Prepared, now: Timestamp, ticket: T) -> Appended {
        let Prepared { mut payload, openings, unplaced, link: mut hasher } = prepared;
        let before = self.head;
        let (seq, link) = before.map_or((1, Link::GENESIS), |head| (head.seq + 1, head.link));
        // Nobody else has it, so that nothing is cloned.
        let placed = Arc::make_mut(&mut payload);
        (placed.seq, placed.link, placed.issued_at) = (seq, link, now);
        self.scratch.clear();
        unplaced.place(seq, &link, now, &mut self.scratch);
        let canonical: Arc<[u8]> = self.scratch.as_slice().into();
        hasher.update(canonical.get(unplaced.before_place().len()..).unwrap_or_default());
        let after = Head::new(seq, hasher.finish(), now);
        // Nothing below can panic: the chain changes whole or not at all.
        self.queue.push_back(Slot {
            payload,
            canonical: Arc::clone(&canonical),
            openings,
            signature: None,
            ticket,
            before,
            after,
        });
        self.head = Some(after);
        self.highest = self.highest.max(after.seq);
        let clock_was_at = before.map(|head| head.issued_at).filter(|&earlier| now < earlier);
        Appended { head: after, canonical, clock_was_at, spent: unplaced }
    }

    /// The oldest receipts that nobody signs yet: all of them, up to `most`.
    pub(super) fn next_unsigned(&mut self, most: JobSize) -> Option<Job> {
        let mut waiting = self.queue.iter().skip(self.given);
        let first = waiting.next()?;
        let (log_id, key_thumbprint) = (first.payload.asqav.log_id, first.payload.key_thumbprint);
        let mut canonical = vec![Arc::clone(&first.canonical)];
        let mut bytes = first.canonical.len();
        for slot in waiting.take(most.receipts.saturating_sub(1)) {
            bytes += slot.canonical.len();
            let payload = &slot.payload;
            if bytes > most.bytes
                || (payload.asqav.log_id, payload.key_thumbprint) != (log_id, key_thumbprint)
            {
                break;
            }
            canonical.push(Arc::clone(&slot.canonical));
        }
        let first_seq = first.after.seq;
        self.given += canonical.len();
        Some(Job { first_seq, log_id, key_thumbprint, canonical })
    }

    /// Whether receipt `seq` is the only one in the queue and nobody signs it yet.
    pub(super) fn is_alone(&self, seq: u64) -> bool {
        self.given == 0 && self.queue.len() == 1 && self.index_of(seq).is_some()
    }

    /// Receipt `seq`, if it is the only one in the queue and nobody signs it yet.
    pub(super) fn next_alone(&mut self, seq: u64) -> Option<Job> {
        self.is_alone(seq).then(|| self.next_unsigned(JobSize { receipts: 1, bytes: 0 })).flatten()
    }

    /// Takes the signatures of the receipts from number `first_seq` on; nothing
    /// happens to those that were set aside meanwhile. True when the writer has
    /// something to take.
    pub(super) fn signed(&mut self, first_seq: u64, signatures: Vec<ReceiptSignature>) -> bool {
        if let Some(index) = self.index_of(first_seq) {
            for (slot, signature) in self.queue.iter_mut().skip(index).zip(signatures) {
                slot.signature = Some(signature);
            }
        }
        self.has_signed()
    }

    /// What is to be journaled next, with its newest receipt's number: all that
    /// is not, up to a receipt that has to be committed first, as a log's first
    /// has to be; nothing if all of it can be committed at once. The writer
    /// answers with [`journaled`](Self::journaled) or
    /// [`set_aside_all`](Self::set_aside_all).
    pub(super) fn next_unjournaled(&mut self) -> Option<(u64, Vec<Unsigned>)> {
        self.durable?;
        if self.queue.back()?.signature.is_some() && self.signed_len() == self.queue.len() {
            return None;
        }
        let waiting = self.queue.iter_mut().skip(self.journaled);
        let waiting = waiting.take_while(|slot| Unsigned::may_be(&slot.payload));
        let batch: Vec<_> = waiting
            .map(|slot| Unsigned {
                payload: Arc::clone(&slot.payload),
                canonical: Arc::clone(&slot.canonical),
                openings: slot.openings.take(),
            })
            .collect();
        Some((batch.last()?.payload.seq, batch))
    }

    /// Everything up to number `seq` is journaled: gives whom that answers.
    pub(super) fn journaled(&mut self, seq: u64) -> impl Iterator<Item = &mut T> {
        let first = self.journaled;
        // Of what was set aside meanwhile nothing is left to be answered.
        let last = self.queue.back().map_or(0, |slot| slot.after.seq).min(seq);
        self.journaled = self.index_of(last).map_or(0, |index| index + 1).max(first);
        self.queue.iter_mut().take(self.journaled).skip(first).map(|slot| &mut slot.ticket)
    }

    /// Whether there are receipts that nobody signs yet.
    pub(super) fn has_unsigned(&self) -> bool {
        self.given < self.queue.len()
    }

    /// Whether there are receipts that can be committed.
    pub(super) fn has_signed(&self) -> bool {
        self.queue.front().is_some_and(|slot| slot.signature.is_some())
    }

    fn signed_len(&self) -> usize {
        self.queue.iter().take_while(|slot| slot.signature.is_some()).count()
    }

    /// Takes the longest signed prefix. Who does so answers with
    /// [`committed`](Self::committed) or [`set_aside_all`](Self::set_aside_all).
    pub(super) fn take_signed(&mut self) -> Vec<Slot<T>> {
        let signed = self.signed_len();
        self.given -= signed;
        self.journaled = self.journaled.saturating_sub(signed);
        self.queue.drain(..signed).collect()
    }

    /// What was taken up to `head` is in the log.
    pub(super) const fn committed(&mut self, head: Head) {
        self.durable = Some(head);
    }

    /// Receipt `seq` will never be signed: takes it and everything behind it
    /// out; the head returns to its predecessor.
    pub(super) fn set_aside_from(&mut self, seq: u64) -> Vec<Slot<T>> {
        let Some(index) = self.index_of(seq) else { return Vec::new() };
        self.given = self.given.min(index);
        self.journaled = self.journaled.min(index);
        let aside: Vec<_> = self.queue.drain(index..).collect();
        if let Some(first) = aside.first() {
            self.head = first.before;
        }
        aside
    }

    /// Takes out what is not signed, if all of it is journaled.
    pub(super) fn set_aside_journaled(&mut self) -> Vec<Slot<T>> {
        if self.journaled < self.queue.len() {
            return Vec::new();
        }
        let first = self.queue.get(self.signed_len()).map(|slot| slot.after.seq);
        first.map_or_else(Vec::new, |seq| self.set_aside_from(seq))
    }

    /// Takes out the whole queue, but not what was taken.
    pub(super) fn set_aside_queued(&mut self) -> Vec<Slot<T>> {
        self.queue.front().map(|slot| slot.after.seq).map_or_else(Vec::new, |seq| self.set_aside_from(seq))
    }

    /// What was taken is not in the log: takes out everything behind the
    /// last committed receipt; the head returns to that.
    pub(super) fn set_aside_all(&mut self) -> Vec<Slot<T>> {
        (self.given, self.journaled) = (0, 0);
        self.head = self.durable;
        self.queue.drain(..).collect()
    }

    /// The newest receipt that has a sequence number.
    pub(super) const fn head(&self) -> Option<Head> {
        self.head
    }

    /// Whether a receipt that had a sequence number will never be in the log.
    pub(super) fn has_lost(&self) -> bool {
        self.head.map_or(0, |head| head.seq) < self.highest
    }

    /// The newest receipt that was committed.
    pub(super) const fn durable(&self) -> Option<Head> {
        self.durable
    }

    /// How many receipts wait for a signature or for the writer.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    fn index_of(&self, seq: u64) -> Option<usize> {
        let first = self.queue.front()?.after.seq;
        usize::try_from(seq.checked_sub(first)?).ok().filter(|&index| index < self.queue.len())
    }
}

impl<T> Slot<T> {
    /// The head once this receipt is the newest.
    pub(super) const fn head(&self) -> Head {
        self.after
    }
}
