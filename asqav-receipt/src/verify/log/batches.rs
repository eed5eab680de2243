//! Lines of a batch wait until it is whole: one signature covers all of them.

use std::mem;

use super::line::Line;
use crate::batch::{Batch, BatchPlace, MAX_BATCH_LEN, Member, leaf};
use crate::digest::Sha256Digest;
use crate::id::LogId;
use crate::suite::VerifyingKey;
use crate::verify::axes::signature::{Check, Over};
use crate::verify::subject::text;

/// A line that was read and is not judged yet.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// Its length without the line feed, bytes.
    pub(super) len: usize,
    /// Its hash in the log's trees.
    pub(super) leaf: [u8; 32],
    /// The line, or why it is none.
    pub(super) read: Result<Line, String>,
}

impl Held {
    fn member(&self) -> Option<&Member> {
        self.read.as_ref().ok().and_then(Line::member)
    }
}

/// The lines of a batch that is not whole yet, at most [`MAX_BATCH_LEN`] bytes
/// and one line.
#[derive(Debug, Clone, Default)]
pub(super) struct Batches {
    waiting: Vec<Held>,
    len: usize,
}

/// What a line completes.
pub(super) struct Taken {
    /// Lines of a batch that is not whole and never will be.
    pub(super) broken: Vec<Held>,
    /// The line itself, if it is of no batch.
    pub(super) own: Option<Held>,
    /// The lines of a whole batch.
    pub(super) whole: Vec<Held>,
}

impl Batches {
    /// Takes the next line.
    pub(super) fn take(&mut self, held: Held) -> Taken {
        let mut taken = Taken { broken: Vec::new(), own: None, whole: Vec::new() };
        let Some(member) = held.member() else {
            (taken.broken, taken.own) = (self.give_up(), Some(held));
            return taken;
        };
        let (place, last) = (member.place, member.sig.is_some());
        if !self.continues(&held, place) {
            taken.broken = self.give_up();
            if !self.continues(&held, place) {
                taken.broken.push(held);
                return taken;
            }
        }
        self.len += held.len;
        self.waiting.push(held);
        let whole = self.waiting.len() == usize::from(place.size());
        match (last, whole) {
            (true, true) => {
                self.len = 0;
                taken.whole = mem::take(&mut self.waiting);
            }
            (false, false) => {}
            // INVARIANT: lines wait from the first on, and `Member` has a
            // signature in the last one only.
            _ => taken.broken.extend(self.give_up()),
        }
        taken
    }

    fn continues(&self, held: &Held, place: BatchPlace) -> bool {
        let next = place.first_seq().checked_add(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX));
        let seq = held.read.as_ref().ok().and_then(|line| line.subject()?.seq());
        let same = |last: &Held| last.member().is_some_and(|member| member.place == place);
        seq == next && self.waiting.last().is_none_or(same) && self.len < MAX_BATCH_LEN
    }

    /// How many lines wait, and how long they are with their line feeds.
    pub(super) fn waiting(&self) -> (usize, u64) {
        let len = self.len + self.waiting.len();
        (self.waiting.len(), u64::try_from(len).unwrap_or(u64::MAX))
    }

    /// The lines that wait: nothing will make their batch whole.
    pub(super) fn give_up(&mut self) -> Vec<Held> {
        self.len = 0;
        mem::take(&mut self.waiting)
    }
}

/// A whole batch, receipt by receipt, on its way to the check of its signature.
#[derive(Debug, Default)]
pub(super) struct Whole<'a> {
    common: Option<Common>,
    differ: bool,
    leaves: Vec<[u8; 32]>,
    key: Option<&'a VerifyingKey>,
    sig: Option<Vec<u8>>,
    /// How many receipts the signature decides about.
    pub(super) count: u64,
}

/// What all receipts of a batch say alike.
#[derive(Debug, PartialEq, Eq)]
struct Common {
    place: BatchPlace,
    kid: String,
    log_id: Option<String>,
    key_thumbprint: Option<String>,
}

impl<'a> Whole<'a> {
    /// Takes the next receipt; `check` names its key.
    pub(super) fn push(&mut self, held: &Held, message: &[u8], check: Option<Check<'a>>) {
        let Ok(line) = &held.read else { return };
        let (Some(member), Some(subject)) = (line.member(), line.subject()) else { return };
        let stated = |name: &str| text(subject.payload(), name).map(str::to_owned);
        let this = Common {
            place: member.place,
            kid: member.kid.to_string(),
            log_id: subject.asqav().and_then(|asqav| text(asqav, "log_id")).map(str::to_owned),
            key_thumbprint: stated("key_thumbprint"),
        };
        self.differ |= self.common.as_ref().is_some_and(|common| *common != this);
        self.common = Some(this);
        self.leaves.push(leaf(message));
        self.sig = member.sig.clone();
        if let Some(check) = check {
            self.count += 1;
            self.key = Some(check.key);
        }
    }

    /// The check of the one signature, and the message that it is over; `None`
    /// if no receipt's key is known.
    ///
    /// # Errors
    /// In words, why the receipts are no batch.
    pub(super) fn check(self) -> Result<Option<(Check<'a>, Vec<u8>)>, String> {
        let (Some(common), Some(key)) = (self.common, self.key) else { return Ok(None) };
        if self.differ {
            return Err("its receipts differ in `kid`, `log_id` or `key_thumbprint`".to_owned());
        }
        let log_id = common.log_id.and_then(|id| LogId::parse(&id).ok()).ok_or("it names no log")?;
        let key_thumbprint = common.key_thumbprint.and_then(|digest| Sha256Digest::parse_tagged(&digest));
        let key_thumbprint = key_thumbprint.ok_or("it names no key")?;
        let batch = Batch::of_leaves(log_id, key_thumbprint, common.place.first_seq(), self.leaves);
        let root = *batch.ok_or("it is not whole")?.root();
        let signature = self.sig.ok_or("it has no signature")?;
        let check = Check { key, signature, over: Over::Root(root.place) };
        Ok(Some((check, root.signing_bytes())))
    }
}
