//! Lines of a batch wait until it is whole: one signature covers all of them.

use std::mem;

use super::line::{Content, ReadLine};
use crate::batch::{Batch, BatchPlace, MAX_BATCH_LEN, Member};
use crate::digest::Sha256Digest;
use crate::id::{KeyId, LogId};
use crate::suite::VerifyingKey;
use crate::verify::axes::signature::{Check, Over};
use crate::verify::subject::text;

/// The lines of a batch that is not whole yet, at most [`MAX_BATCH_LEN`] bytes
/// and one line.
#[derive(Debug, Clone, Default)]
pub(super) struct Batches {
    waiting: Vec<ReadLine>,
    len: usize,
}

/// What a line completes.
pub(super) struct Taken {
    /// Lines of a batch that is not whole and never will be.
    pub(super) broken: Vec<ReadLine>,
    /// The line itself, if it is of no batch.
    pub(super) own: Option<ReadLine>,
    /// The lines of a whole batch.
    pub(super) whole: Vec<ReadLine>,
}

impl Batches {
    /// Takes the next line.
    pub(super) fn take(&mut self, line: ReadLine) -> Taken {
        let mut taken = Taken { broken: Vec::new(), own: None, whole: Vec::new() };
        let Some(member) = line.member() else {
            (taken.broken, taken.own) = (self.give_up(), Some(line));
            return taken;
        };
        let (place, last) = (member.place, member.sig.is_some());
        if !self.continues(&line, place) {
            taken.broken = self.give_up();
            if !self.continues(&line, place) {
                taken.broken.push(line);
                return taken;
            }
        }
        self.len += line.len;
        self.waiting.push(line);
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

    fn continues(&self, line: &ReadLine, place: BatchPlace) -> bool {
        let next = place.first_seq().checked_add(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX));
        let same = |last: &ReadLine| last.member().is_some_and(|member| member.place == place);
        line.seq() == next && self.waiting.last().is_none_or(same) && self.len < MAX_BATCH_LEN
    }

    /// How many lines wait, and how long they are with their line feeds.
    pub(super) fn waiting(&self) -> (usize, u64) {
        let len = self.len + self.waiting.len();
        (self.waiting.len(), u64::try_from(len).unwrap_or(u64::MAX))
    }

    /// The lines that wait: nothing will make their batch whole.
    pub(super) fn give_up(&mut self) -> Vec<ReadLine> {
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
    kid: KeyId,
    log_id: Option<LogId>,
    key_thumbprint: Option<Sha256Digest>,
}

impl Common {
    fn of(line: &ReadLine) -> Option<Self> {
        let Member { kid, place, .. } = line.member()?;
        let (log_id, key_thumbprint) = match &line.content {
            Content::Plain(plain) => (Some(plain.payload.asqav.log_id), Some(plain.payload.key_thumbprint)),
            Content::Other(line) => {
                let subject = line.subject()?;
                let log_id = subject.asqav().and_then(|asqav| LogId::parse(text(asqav, "log_id")?).ok());
                (log_id, subject.text("key_thumbprint").and_then(Sha256Digest::parse_tagged))
            }
            Content::Unreadable(_) => return None,
        };
        Some(Self { place: *place, kid: kid.clone(), log_id, key_thumbprint })
    }
}

impl<'a> Whole<'a> {
    /// Takes the next receipt by its leaf; `check` names its key.
    pub(super) fn push(&mut self, line: &ReadLine, leaf: [u8; 32], check: Option<Check<'a>>) {
        let Some(this) = Common::of(line) else { return };
        self.differ |= self.common.as_ref().is_some_and(|common| *common != this);
        self.common = Some(this);
        self.leaves.push(leaf);
        self.sig = line.member().and_then(|member| member.sig.clone());
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
        let log_id = common.log_id.ok_or("it names no log")?;
        let key_thumbprint = common.key_thumbprint.ok_or("it names no key")?;
        let batch = Batch::of_leaves(log_id, key_thumbprint, common.place.first_seq(), self.leaves);
        let root = *batch.ok_or("it is not whole")?.root();
        let signature = self.sig.ok_or("it has no signature")?;
        let check = Check { key, signature, over: Over::Root(root.place) };
        Ok(Some((check, root.signing_bytes())))
    }
}
