//! What may stand in a log only once, however long the log is.
//!
//! Nonces, action ids and decisions that ended are collected as records of one
//! size. Where there is a [`Scratch`], every million of them goes there as a
//! sorted run; at the end the runs are merged, and what is equal lies side by
//! side. Memory stays the same at any length, and the answer is exact.

mod merge;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use super::tally::{MAX_PROBLEMS, Place, Tally};
use crate::digest::Sha256Digest;
use crate::id::{ActionId, Nonce};
use crate::payload::Payload;
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;
use crate::verify::scratch::{Scratch, ScratchError};
use merge::{Run, Sorted};

/// Records held in memory before they become a run: 26 MB.
const RUN_LEN: usize = 1 << 20;

/// Kind, 16 bytes of what is remembered, sequence number and fate: in the order
/// of its bytes.
type Record = [u8; RECORD_LEN];
const RECORD_LEN: usize = 25;

/// What a record is about. Action ids come last: by then it is known which
/// repetitions have to be named by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ended = 0,
    Nonce = 1,
    ActionId = 2,
}

/// How a decision that is no longer open came to be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was none that opens a call.
    Denied = 0,
    /// It has its outcome.
    Completed = 1,
}

/// An outcome whose decision is not open.
#[derive(Debug, Clone)]
struct Orphan {
    place: Place,
    decision: [u8; 16],
    seq: u64,
    fate: Option<Fate>,
}

#[derive(Debug, Clone)]
pub(super) struct Repeats<'a> {
    waiting: Vec<Record>,
    /// How many records make a run.
    run_len: usize,
    runs: Vec<Run>,
    scratch: Option<&'a dyn Scratch>,
    failed: Option<ScratchError>,
    orphans: Vec<Orphan>,
    /// Orphans beyond those listed.
    more_orphans: u64,
}

impl Default for Repeats<'_> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl<'a> Repeats<'a> {
    /// Nothing met yet. Without `scratch` everything stays in memory, about 60
    /// bytes for each receipt.
    pub(super) fn new(scratch: Option<&'a dyn Scratch>) -> Self {
        Self::in_runs(RUN_LEN, scratch)
    }

    fn in_runs(run_len: usize, scratch: Option<&'a dyn Scratch>) -> Self {
        Self {
            waiting: Vec::new(),
            run_len,
            runs: Vec::new(),
            scratch,
            failed: None,
            orphans: Vec::new(),
            more_orphans: 0,
        }
    }

    /// Takes the ids of the next receipt.
    pub(super) fn receipt(&mut self, payload: &Payload) {
        self.ids(payload.action_id, payload.nonce, payload.seq);
    }

    fn ids(&mut self, action_id: ActionId, nonce: Nonce, seq: u64) {
        let mut key = [0; 16];
        key.iter_mut().zip(nonce.as_bytes()).for_each(|(to, from)| *to = *from);
        self.push(record(Kind::ActionId, *action_id.as_bytes(), seq, 0));
        self.push(record(Kind::Nonce, key, seq, 0));
    }

    /// Receipt `seq` ended this decision.
    pub(super) fn ended(&mut self, decision: &Sha256Digest, fate: Fate, seq: u64) {
        self.push(record(Kind::Ended, half(decision), seq, fate as u8));
    }

    /// The receipt is an outcome of a decision that is not open.
    pub(super) fn orphan(&mut self, payload: &Payload) {
        let decision = payload.invocation_ref.map_or([0; 16], |decision| half(&decision));
        self.add_orphan(Place::of_payload(payload), decision, payload.seq);
    }

    fn add_orphan(&mut self, place: Place, decision: [u8; 16], seq: u64) {
        if self.orphans.len() >= MAX_PROBLEMS {
            self.more_orphans += 1;
            return;
        }
        self.orphans.push(Orphan { place, decision, seq, fate: None });
    }

    fn push(&mut self, record: Record) {
        if self.failed.is_some() {
            return;
        }
        self.waiting.push(record);
        if let Some(scratch) = self.scratch
            && self.waiting.len() >= self.run_len
        {
            self.spill(scratch);
        }
    }

    fn spill(&mut self, scratch: &dyn Scratch) {
        merge::sort(&mut self.waiting);
        match scratch.append(self.waiting.as_flattened()) {
            Ok(offset) => self.runs.push(Run { offset, records: self.waiting.len() }),
            Err(error) => self.failed = Some(error),
        }
        self.waiting.clear();
    }

    /// Says what stood in the log more than once.
    pub(super) fn finish(mut self, tally: &mut Tally) {
        let mut found = Found::default();
        let merged = match self.failed.take() {
            Some(error) => Err(error),
            None => self.merge(&mut found),
        };
        if let Err(error) = merged {
            let note = format!("whether nonces and ids repeat: {error}");
            tally.problem(&Place::default(), Axis::Nonce, ReasonCode::RepeatsUnchecked, note);
        }
        for orphan in self.orphans {
            let (reason, note) = match orphan.fate {
                Some(Fate::Denied) => (ReasonCode::OutcomeOfDenial, "an outcome of a denied call"),
                Some(Fate::Completed) => (ReasonCode::SecondOutcome, "a second outcome of one call"),
                None => {
                    (ReasonCode::OutcomeWithoutDecision, "an outcome without an open decision in this log")
                }
            };
            tally.late(&orphan.place, Axis::Structure, reason, note);
        }
        tally.more(Axis::Structure, self.more_orphans);
        found.finish(tally);
    }

    fn merge(&mut self, found: &mut Found) -> Result<(), ScratchError> {
        let mut orphans: HashMap<[u8; 16], Vec<&mut Orphan>> = HashMap::new();
        for orphan in &mut self.orphans {
            orphans.entry(orphan.decision).or_default().push(orphan);
        }
        let mut sorted = Sorted::new(self.scratch, &self.runs, std::mem::take(&mut self.waiting))?;
        let mut before = None;
        while let Some(record) = sorted.next()? {
            let (kind, key, seq, fate) = parts(&record);
            if kind == Kind::Ended as u8 {
                let fate = if fate == 0 { Fate::Denied } else { Fate::Completed };
                for orphan in orphans.get_mut(&key).into_iter().flatten().filter(|orphan| orphan.seq > seq) {
                    orphan.fate = Some(fate);
                }
            } else if kind == Kind::ActionId as u8 {
                found.action_id(key, seq, before == Some((kind, key)));
            } else if before == Some((kind, key)) {
                found.nonce(seq);
            }
            before = Some((kind, key));
        }
        Ok(())
    }
}

/// Repetitions by their place: the first of them, and how many more there are.
#[derive(Debug, Default)]
struct Found {
    nonces: BTreeMap<u64, Option<ActionId>>,
    more_nonces: u64,
    action_ids: BTreeMap<u64, ActionId>,
    more_action_ids: u64,
}

impl Found {
    fn nonce(&mut self, seq: u64) {
        self.more_nonces += u64::from(self.nonces.insert(seq, None).is_some());
        if self.nonces.len() > MAX_PROBLEMS && self.nonces.pop_last().is_some() {
            self.more_nonces += 1;
        }
    }

    fn action_id(&mut self, id: [u8; 16], seq: u64, again: bool) {
        let Some(id) = ActionId::from_bytes(id) else { return };
        if let Some(named) = self.nonces.get_mut(&seq) {
            *named = Some(id);
        }
        if again {
            self.more_action_ids += u64::from(self.action_ids.insert(seq, id).is_some());
            if self.action_ids.len() > MAX_PROBLEMS && self.action_ids.pop_last().is_some() {
                self.more_action_ids += 1;
            }
        }
    }

    fn finish(self, tally: &mut Tally) {
        for (seq, id) in self.action_ids {
            let place = Place::of(seq, Some(id));
            let note = "`action_id` stands in the log already";
            tally.late(&place, Axis::Structure, ReasonCode::DuplicateActionId, note);
        }
        tally.more(Axis::Structure, self.more_action_ids);
        for (seq, id) in self.nonces {
            let place = Place::of(seq, id);
            let note = "`nonce` stands in the log already";
            tally.late(&place, Axis::Nonce, ReasonCode::DuplicateNonce, note);
        }
        tally.more(Axis::Nonce, self.more_nonces);
    }
}

fn record(kind: Kind, key: [u8; 16], seq: u64, fate: u8) -> Record {
    let mut record = [0; RECORD_LEN];
    // A sequence number has at most 53 bits.
    let place = (seq << 1 | u64::from(fate)).to_be_bytes();
    let bytes = std::iter::once(kind as u8).chain(key).chain(place);
    record.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    record
}

fn parts(record: &Record) -> (u8, [u8; 16], u64, u8) {
    let [kind, rest @ ..] = record;
    let key = rest.first_chunk().copied().unwrap_or_default();
    let place = u64::from_be_bytes(rest.last_chunk().copied().unwrap_or_default());
    (*kind, key, place >> 1, u8::from(place & 1 == 1))
}

fn half(digest: &Sha256Digest) -> [u8; 16] {
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}
