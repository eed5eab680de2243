//! From the lines of a log to receipts that verify on their own.

use std::mem;
use std::sync::Arc;

use super::{BatchPlace, BatchedSignature, MAX_BATCH_LEN, Member, leaf};
use crate::canonical::to_vec;
use crate::json::Json;
use crate::merkle::{Levels, Sha3Tree};
use crate::receipt::{LineSignature, ReceiptSignature, Signature, parse_line, portable};
use crate::suite::ML_DSA_65;

/// Takes the lines of a log in order and gives each receipt back, those of a
/// batch when its last line has come. Checks no signature.
///
/// Memory is bounded by [`MAX_BATCH_LEN`] and the length of one line.
#[derive(Debug, Clone, Default)]
pub struct Assembler {
    waiting: Vec<Waiting>,
    len: usize,
}

#[derive(Debug, Clone)]
struct Waiting {
    line: Vec<u8>,
    canonical: Vec<u8>,
    place: BatchPlace,
}

/// A line of a log and the receipt that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assembled {
    /// The line without its line feed.
    pub line: Vec<u8>,
    /// The receipt on its own: the line itself, unless it is of a batch. What
    /// is no sound line stays as it is.
    pub receipt: Vec<u8>,
}

impl Assembler {
    /// Takes the next line, without its line feed, and gives what is complete
    /// with it: nothing while a batch goes on.
    pub fn push(&mut self, line: &[u8]) -> Vec<Assembled> {
        let Ok((payload, LineSignature::Member(member))) = parse_line(line) else {
            let mut ready = self.give_up();
            ready.push(Assembled::as_it_is(line.to_vec()));
            return ready;
        };
        let mut ready = if self.continues(&payload, &member) { Vec::new() } else { self.give_up() };
        self.len += line.len();
        self.waiting.push(Waiting { line: line.to_vec(), canonical: to_vec(&payload), place: member.place });
        if let Some(sig) = member.sig {
            let root = Signature { alg: ML_DSA_65.name, kid: member.kid, sig };
            ready.extend(self.complete(root));
        }
        ready
    }

    /// Lines of a batch whose last line has not come.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Gives the lines that wait as they are.
    pub fn give_up(&mut self) -> Vec<Assembled> {
        self.len = 0;
        mem::take(&mut self.waiting).into_iter().map(|waiting| Assembled::as_it_is(waiting.line)).collect()
    }

    fn continues(&self, payload: &Json, member: &Member) -> bool {
        let seq = payload.as_object().and_then(|payload| payload.get("seq")?.as_count());
        let next = member.place.first_seq() + u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        seq == Some(next)
            && self.len < MAX_BATCH_LEN
            && self.waiting.last().is_none_or(|last| last.place == member.place)
    }

    fn complete(&mut self, root: Signature) -> Vec<Assembled> {
        let Some(place) = self.waiting.last().map(|last| last.place) else { return Vec::new() };
        if self.waiting.len() != usize::from(place.size()) {
            return self.give_up();
        }
        self.len = 0;
        let waiting = mem::take(&mut self.waiting);
        let tree = Levels::<Sha3Tree>::new(waiting.iter().map(|waiting| leaf(&waiting.canonical)).collect());
        let root = Arc::new(root);
        let paths = (0..place.size()).map(|index| (index, tree.path(usize::from(index)).unwrap_or_default()));
        waiting
            .into_iter()
            .zip(paths)
            .map(|(waiting, (index, path))| {
                let signature = BatchedSignature { root: Arc::clone(&root), place, index, path };
                let receipt = portable(&waiting.canonical, &ReceiptSignature::Batched(signature));
                Assembled { line: waiting.line, receipt }
            })
            .collect()
    }
}

impl Assembled {
    fn as_it_is(line: Vec<u8>) -> Self {
        Self { receipt: line.clone(), line }
    }
}
