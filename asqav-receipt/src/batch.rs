//! Batched signatures: one signature over the Merkle root of many receipts.
//!
//! Each receipt carries its path to the root and verifies by itself:
//!
//! ```text
//! signature = { alg: "asqav-batch-v1+ML-DSA-65", kid, sig,
//!               batch: { first_seq, size, path } }
//! leaf      = SHA3-256(0x00 ‖ "asqav/batch-leaf/v1" ‖ 0x00 ‖ canonical(payload))
//! sig       = over "asqav/batch/v1" ‖ 0x00 ‖ canonical(root)
//! ```
//!
//! `log_id`, `key_thumbprint` and the leaf's index follow from the signed
//! payload and are never carried. In a log, where the whole batch stands in
//! successive lines, paths are left out and only the last line carries `sig`:
//! [`Assembler`] makes receipts of such lines.

mod assembler;
mod inner;
mod member;

use std::sync::Arc;

pub use assembler::{Assembled, Assembler};
pub use inner::{PathNode, inner_nodes, path_nodes};
pub(crate) use member::place_and_path;
pub use member::{BatchedSignature, Member};

use crate::canonical::tagged;
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::id::LogId;
use crate::json::{Json, Object};
use crate::merkle::{Levels, Sha3Tree, TreeHash as _, inclusion_root};
use crate::payload::MAX_SEQ;
use crate::receipt::{ReceiptSignature, Signature};
use crate::suite::ML_DSA_65;

/// The tag of the signed bytes of a root.
pub const BATCH_TAG: &str = "asqav/batch/v1";
/// The tag within the data of a leaf.
pub const BATCH_LEAF_TAG: &str = "asqav/batch-leaf/v1";
/// The label in `signature.alg`; the signature itself is of ML-DSA-65.
pub const BATCH_ALG: &str = "asqav-batch-v1+ML-DSA-65";
/// Receipts in a batch at most; a batch of one is a receipt with a signature
/// of its own.
pub const MAX_BATCH_SIZE: u16 = 1_024;
/// All log lines of a batch together are no longer, bytes.
pub const MAX_BATCH_LEN: usize = 1 << 21;

/// Which receipts of a log are signed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPlace {
    first_seq: u64,
    size: u16,
}

impl BatchPlace {
    /// `size` receipts from number `first_seq` on; `None` unless there are 2
    /// to [`MAX_BATCH_SIZE`] of them, all with numbers that a log can hold.
    #[must_use]
    pub fn new(first_seq: u64, size: u64) -> Option<Self> {
        let size = u16::try_from(size).ok().filter(|size| (2..=MAX_BATCH_SIZE).contains(size))?;
        let last = first_seq.checked_add(u64::from(size) - 1)?;
        (first_seq >= 1 && last <= MAX_SEQ).then_some(Self { first_seq, size })
    }

    /// The number of its first receipt.
    #[must_use]
    pub const fn first_seq(self) -> u64 {
        self.first_seq
    }

    /// How many receipts.
    #[must_use]
    pub const fn size(self) -> u16 {
        self.size
    }

    /// The number of its last receipt.
    #[must_use]
    pub fn last_seq(self) -> u64 {
        self.first_seq + u64::from(self.size) - 1
    }

    /// Which leaf receipt `seq` is, from 0; `None` if it is not in the batch.
    #[must_use]
    pub fn index_of(self, seq: u64) -> Option<u16> {
        let index = u16::try_from(seq.checked_sub(self.first_seq)?).ok()?;
        (index < self.size).then_some(index)
    }

    /// The root to which `path` leads from leaf `index`; `None` if the path does
    /// not have the length that this place asks for.
    pub(crate) fn root_over(
        self,
        index: u16,
        canonical_payload: &[u8],
        path: &[[u8; 32]],
    ) -> Option<Sha3Digest> {
        let (at, size) = (u64::from(index), u64::from(self.size));
        let root = inclusion_root::<Sha3Tree>(at, size, &leaf(canonical_payload), path).ok()?;
        Some(Sha3Digest::from_bytes(root))
    }
}

/// What one signature of a batch covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct BatchRoot {
    /// The log of every receipt in it.
    pub log_id: LogId,
    /// Which receipts.
    pub place: BatchPlace,
    /// Root of the RFC 6962 tree (SHA3-256) over their leaves.
    pub root: Sha3Digest,
    /// The key that every payload names.
    pub key_thumbprint: Sha256Digest,
}

impl BatchRoot {
    /// What is signed: the tag, a zero byte, canonical(root).
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        let Self { log_id, place, root, key_thumbprint } = self;
        let mut object = Object::new();
        object.set("v", Json::Integer(1));
        object.set("log_id", log_id.to_string());
        object.set("first_seq", Json::count(place.first_seq));
        object.set("size", Json::count(u64::from(place.size)));
        object.set("root", root.to_hex());
        object.set("suite", ML_DSA_65.name);
        object.set("key_thumbprint", key_thumbprint.to_tagged());
        tagged(BATCH_TAG, &Json::Object(object))
    }
}

/// The leaf of a payload, given by its canonical bytes.
#[must_use]
pub fn leaf(canonical_payload: &[u8]) -> [u8; 32] {
    Sha3Tree::hash(&[&leaf_prefix(), canonical_payload])
}

/// The leaves of many payloads, in order.
#[must_use]
pub fn leaves(canonical_payloads: &[&[u8]]) -> Vec<[u8; 32]> {
    Sha3Tree::hash_each(&leaf_prefix(), canonical_payloads)
}

fn leaf_prefix() -> Vec<u8> {
    [&[0], BATCH_LEAF_TAG.as_bytes(), &[0]].concat()
}

/// Receipts on their way to a common signature.
#[derive(Debug, Clone)]
pub struct Batch {
    root: BatchRoot,
    tree: Levels<Sha3Tree>,
}

impl Batch {
    /// The batch of the payloads `canonical`, the first of which is number
    /// `first_seq`; they are of one log and name one key. `None` unless there
    /// are 2 to [`MAX_BATCH_SIZE`].
    pub fn new<'a>(
        log_id: LogId,
        key_thumbprint: Sha256Digest,
        first_seq: u64,
        canonical: impl IntoIterator<Item = &'a [u8]>,
    ) -> Option<Self> {
        let canonical: Vec<_> = canonical.into_iter().collect();
        Self::of_leaves(log_id, key_thumbprint, first_seq, leaves(&canonical))
    }

    /// The same, of payloads that are hashed already.
    pub(crate) fn of_leaves(
        log_id: LogId,
        key_thumbprint: Sha256Digest,
        first_seq: u64,
        leaves: Vec<[u8; 32]>,
    ) -> Option<Self> {
        let place = BatchPlace::new(first_seq, u64::try_from(leaves.len()).ok()?)?;
        let tree = Levels::new(leaves);
        let root = Sha3Digest::from_bytes(tree.root());
        Some(Self { root: BatchRoot { log_id, place, root, key_thumbprint }, tree })
    }

    /// What the one signature covers.
    #[must_use]
    pub const fn root(&self) -> &BatchRoot {
        &self.root
    }

    /// The signature object of each receipt in order, from the signature over
    /// [`BatchRoot::signing_bytes`].
    pub fn signatures(&self, root: Signature) -> impl Iterator<Item = ReceiptSignature> {
        let (root, place) = (Arc::new(root), self.root.place);
        (0..place.size).filter_map(move |index| {
            let path = self.tree.path(usize::from(index))?;
            let root = Arc::clone(&root);
            Some(ReceiptSignature::Batched(BatchedSignature { root, place, index, path }))
        })
    }
}

#[cfg(test)]
mod tests;
