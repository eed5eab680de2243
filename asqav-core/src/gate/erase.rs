//! Receipts about the log itself: erasure, deletion, legal holds, time.

use asqav_receipt::deletion::{DELETE_EVENT, Deletion};
use asqav_receipt::erasure::{ERASE_EVENT, MAX_ERASED_LEN, erase_body};
use asqav_receipt::hold::{HOLD_EVENT, Holds, MAX_SET_LEN, RELEASE_EVENT, hold_body, release_body};
use asqav_receipt::id::HoldId;
use asqav_receipt::payload::MAX_SEQ;
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::time_mark::{TIME_EVENT, TimeMark};

use super::Gate;
use crate::recorded::Recorded;
use crate::sync::{Mutex, lock};

/// A legal hold covers what should have been erased or deleted; nothing was
/// recorded or destroyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the legal hold `{hold}` forbids it")]
#[non_exhaustive]
pub struct Held {
    /// The hold.
    pub hold: HoldId,
}

/// The legal holds that this gate placed and did not release.
///
/// INVARIANT: what is in here and the order of receipts change under the one
/// lock, so that no erasure or deletion stands in the log behind a hold that
/// forbids it.
pub(super) type Placed = Mutex<Holds>;

impl Gate {
    /// Erases the openings of these receipts of the gate's log, and records
    /// that with erasure receipts, one for each 512 bytes of names.
    ///
    /// The log destroys the keys *before* it takes the receipt that says so,
    /// and finishes at the next start what a crash interrupted: an erasure
    /// receipt never says more than was done. What was recorded in plain, and
    /// what was disclosed or copied before, is not reached.
    ///
    /// Legal holds that this gate placed forbid it. Older ones stand in the log
    /// and are for the caller to look at: `asqav_log::vault::forget` does.
    /// Receipts that the log does not hold yet are left out.
    ///
    /// # Errors
    /// [`Held`]; nothing is known to be erased before what it gives resolves.
    pub fn erase(&self, receipts: &SeqSet) -> Result<Vec<Recorded>, Held> {
        let submitted = self.counters().map_or(0, |counters| counters.submitted);
        let mut receipts = receipts.clone();
        receipts.subtract(&SeqSet::range(submitted + 1, MAX_SEQ));
        let holds = lock(&self.0.holds);
        unless_held(&holds, &receipts)?;
        let parts = receipts.split(MAX_ERASED_LEN).into_iter();
        Ok(parts.map(|part| self.record_event(ERASE_EVENT, erase_body(&part))).collect())
    }

    /// Deletes sealed segments of the gate's log, and records that with a
    /// deletion receipt.
    ///
    /// The log removes them *after* the receipt that says so is durable, and
    /// finishes at the next start what a crash interrupted. A deletion that the
    /// log cannot do, because older segments are there or other headers, closes
    /// the gate: `asqav_log::retention` looks before, and at legal holds that
    /// are older than this gate.
    ///
    /// # Errors
    /// [`Held`], by a hold that this gate placed.
    pub fn delete(&self, deletion: &Deletion) -> Result<Recorded, Held> {
        let holds = lock(&self.0.holds);
        unless_held(&holds, &deletion.receipt_set())?;
        Ok(self.record_event(DELETE_EVENT, deletion.to_body()))
    }

    /// Records a time receipt: everything after it came not earlier than the
    /// time-stamp token that it names.
    pub fn record_time(&self, mark: &TimeMark) -> Recorded {
        self.record_event(TIME_EVENT, mark.to_body())
    }

    /// Records a legal hold: nothing of `receipts`, or of the whole log and
    /// what is to come, may be erased or deleted until it is released. A set
    /// whose text is longer than 384 bytes becomes a hold on everything.
    pub fn place_hold(&self, id: &HoldId, receipts: Option<&SeqSet>) -> Recorded {
        let receipts = receipts.filter(|set| set.to_string().len() <= MAX_SET_LEN);
        let mut holds = lock(&self.0.holds);
        let submitted = self.submit_event(HOLD_EVENT, hold_body(id, receipts));
        if let Ok(submitted) = &submitted {
            holds.place(id, submitted.seq, receipts);
        }
        Recorded::of(submitted)
    }

    /// Records that a legal hold is over.
    pub fn release_hold(&self, id: &HoldId) -> Recorded {
        let mut holds = lock(&self.0.holds);
        let submitted = self.submit_event(RELEASE_EVENT, release_body(id));
        if submitted.is_ok() {
            holds.release(id);
        }
        Recorded::of(submitted)
    }
}

fn unless_held(holds: &Holds, receipts: &SeqSet) -> Result<(), Held> {
    holds.forbidding(receipts).map_or(Ok(()), |hold| Err(Held { hold: hold.id.clone() }))
}
