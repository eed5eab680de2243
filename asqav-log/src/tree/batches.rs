//! The inner nodes of batches, as receipts come.

use asqav_receipt::batch::{BATCH_ALG, BatchPlace, BatchedSignature, inner_nodes, leaf};

use super::{FILLER, HASH_LEN};

/// How a receipt is signed, as far as the arrays need to know.
#[derive(Clone, Copy)]
pub(crate) enum Signed<'a> {
    /// By itself, or nobody knows any more.
    Own,
    /// In a batch, with its path, as the signer made it.
    Path(&'a BatchedSignature),
    /// In a batch, with its leaf, as a line tells it.
    Leaf(BatchPlace, [u8; HASH_LEN]),
}

impl Signed<'_> {
    /// What `line` tells, without looking closer: it is for whoever makes
    /// proofs to check them.
    pub(super) fn of_line(line: &[u8]) -> Self {
        Self::member(line).unwrap_or(Signed::Own)
    }

    fn member(line: &[u8]) -> Option<Self> {
        let before = format!(r#","signature":{{"alg":"{BATCH_ALG}","batch":{{"first_seq":"#);
        let at = line.windows(before.len()).rposition(|part| part == before.as_bytes())?;
        let (payload, rest) = line.split_at_checked(at)?;
        let payload = payload.strip_prefix(br#"{"payload":"#)?;
        let rest = std::str::from_utf8(rest.get(before.len()..)?).ok()?;
        let (first_seq, rest) = rest.split_once(r#","size":"#)?;
        let (size, _) = rest.split_once('}')?;
        let place = BatchPlace::new(first_seq.parse().ok()?, size.parse().ok()?)?;
        Some(Self::Leaf(place, leaf(payload)))
    }
}

/// The batch that is coming in.
#[derive(Default)]
pub(super) struct Batches {
    place: Option<BatchPlace>,
    /// So many of its receipts came.
    taken: usize,
    /// Its nodes so far, if they come with paths.
    nodes: Vec<[u8; HASH_LEN]>,
    /// Its leaves so far, if it is read from lines.
    leaves: Vec<[u8; HASH_LEN]>,
}

impl Batches {
    /// Takes the next receipt and adds to `records` what is settled with it:
    /// a record each for all receipts up to this one, none while a batch goes on.
    pub(super) fn push(&mut self, signed: Signed<'_>, records: &mut Vec<u8>) {
        let place = match signed {
            Signed::Own => None,
            Signed::Path(signature) => Some(signature.place),
            Signed::Leaf(place, _) => Some(place),
        };
        if self.place.is_some() && self.place != place {
            // INVARIANT: each receipt gets one record, whatever comes.
            self.settle(records);
        }
        self.place = place;
        self.taken += 1;
        match signed {
            Signed::Own => {}
            Signed::Path(signature) => {
                self.nodes.resize(usize::from(signature.place.size()), FILLER);
                for (number, node) in signature.first_met() {
                    if let Some(slot) = self.nodes.get_mut(usize::from(number)) {
                        *slot = *node;
                    }
                }
            }
            Signed::Leaf(_, leaf) => self.leaves.push(leaf),
        }
        if place.is_none_or(|place| self.taken >= usize::from(place.size())) {
            self.settle(records);
        }
    }

    fn settle(&mut self, records: &mut Vec<u8>) {
        if self.nodes.is_empty() {
            self.nodes = inner_nodes(std::mem::take(&mut self.leaves));
        }
        self.nodes.resize(self.taken, FILLER);
        records.extend_from_slice(self.nodes.as_flattened());
        (self.place, self.taken) = (None, 0);
        self.nodes.clear();
        self.leaves.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(payload: &str, first_seq: u64, size: u64) -> String {
        let batch = format!(r#"{{"first_seq":{first_seq},"size":{size}}}"#);
        format!(r#"{{"payload":{payload},"signature":{{"alg":"{BATCH_ALG}","batch":{batch},"kid":"k"}}}}"#)
    }

    #[test]
    fn a_line_tells_its_batch_and_leaf() {
        let payload = r#"{"context":{"json":",\"signature\":{}"},"seq":7}"#;
        let line = line(payload, 6, 3);
        let Signed::Leaf(place, found) = Signed::of_line(line.as_bytes()) else { panic!("{line}") };
        assert_eq!((place.first_seq(), place.size(), found), (6, 3, leaf(payload.as_bytes())));
        for own in [r#"{"payload":{},"signature":{"alg":"ML-DSA-65"}}"#, "", &line.replace(":3}", ":1}")] {
            assert!(matches!(Signed::of_line(own.as_bytes()), Signed::Own), "{own}");
        }
    }

    #[test]
    fn each_receipt_gets_one_record_whatever_comes() {
        let place = BatchPlace::new(1, 4).unwrap();
        let member = |at: u8| Signed::Leaf(place, leaf(&[at]));
        let expected = inner_nodes((0..4).map(|at| leaf(&[at])).collect());
        let (mut batches, mut records) = (Batches::default(), Vec::new());
        for (signed, so_far) in [
            (Signed::Own, 1),
            (member(0), 1),
            (member(1), 1),
            // Half a batch.
            (Signed::Own, 4),
            (member(0), 4),
            (member(1), 4),
            (member(2), 4),
            (member(3), 8),
        ] {
            batches.push(signed, &mut records);
            assert_eq!(records.len(), so_far * HASH_LEN);
        }
        assert_eq!(records[4 * HASH_LEN..6 * HASH_LEN], *expected.as_flattened());
        assert_eq!(records[6 * HASH_LEN..], *[FILLER; 2].as_flattened());
    }
}
