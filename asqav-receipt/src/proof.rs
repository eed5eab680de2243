//! Proofs about a log, which need no log to be checked: that a receipt is in it,
//! that it grew without a change, that its owner signed a contradiction.

mod consistency;
mod fraud;

pub use consistency::{CONSISTENCY_MEMBER, ConsistencyProof};
pub use fraud::{FRAUD_MEMBER, FraudProof};

use crate::canonical::to_vec;
use crate::checkpoint::SignedCheckpoint;
use crate::digest::Sha3Digest;
use crate::json::{Json, Object};
use crate::merkle::{self, Sha3Tree, TreeHash as _};
use crate::receipt::{line_of, parse_receipt};

/// The member by which a proof is known, and its only value.
pub const PROOF_MEMBER: (&str, &str) = ("asqav_proof", "v1");

/// A path never has more than this many digests: a tree of 2^64 leaves.
const MAX_PATH: usize = 64;

/// A receipt with the proof that it is in the log of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InclusionProof {
    /// The receipt on its own, canonical; its leaf is that of its line in the
    /// log ([`line_of`]).
    pub receipt: Vec<u8>,
    /// Its sequence number, from 1; its leaf is number `seq` − 1.
    pub seq: u64,
    /// From the leaf's sibling upwards (RFC 9162 §2.1.3.1).
    pub path: Vec<Sha3Digest>,
    /// What the path leads to.
    pub checkpoint: SignedCheckpoint,
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The member of this name is absent or malformed, or not known.
    #[error("`{0}` is absent, malformed or not known")]
    Member(&'static str),
    /// The path does not lead from the receipt to the checkpoint's root.
    #[error("the path does not lead from the receipt to the checkpoint's root: {0}")]
    Path(#[from] merkle::ProofError),
    /// There are fewer leaves than the checkpoint counts.
    #[error("the log has fewer receipts than the checkpoint counts")]
    Leaves,
    /// The older checkpoint counts more receipts than the newer one.
    #[error("the older checkpoint counts more receipts than the newer one")]
    Sizes,
    /// Both statements can be true of one log, or they are of different logs.
    #[error("the two do not contradict each other")]
    Consistent,
}

impl InclusionProof {
    /// The proof of `receipt`, from the leaves of the log in order:
    /// `Sha3Tree::leaf` of each line. Takes time and memory in proportion to
    /// their number.
    ///
    /// # Errors
    /// [`ProofError`] when the leaves are not those of the checkpoint, or the
    /// receipt is not among them.
    pub fn new(
        receipt: Vec<u8>,
        leaves: &[[u8; 32]],
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, ProofError> {
        let seq = seq_of(&receipt).ok_or(ProofError::Member("receipt"))?;
        let size = usize::try_from(checkpoint.checkpoint.size).map_err(|_| ProofError::Leaves)?;
        let leaves = leaves.get(..size).ok_or(ProofError::Leaves)?;
        let index = usize::try_from(seq.saturating_sub(1)).map_err(|_| ProofError::Leaves)?;
        let path = merkle::inclusion_path::<Sha3Tree>(leaves, index).ok_or(merkle::ProofError::Range)?;
        Self::from_path(receipt, path.into_iter().map(Sha3Digest::from_bytes).collect(), checkpoint)
    }

    /// The proof of `receipt`, on its own, by a path that somebody else found.
    ///
    /// # Errors
    /// [`ProofError`] when it is none, or the path does not lead
    /// from it to the checkpoint's root.
    pub fn from_path(
        receipt: Vec<u8>,
        path: Vec<Sha3Digest>,
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, ProofError> {
        let seq = seq_of(&receipt).ok_or(ProofError::Member("receipt"))?;
        let proof = Self { receipt, seq, path, checkpoint };
        proof.check()?;
        Ok(proof)
    }

    /// Whether the path leads from the receipt to the checkpoint's root. Who
    /// signed either is for [`crate::verify`].
    ///
    /// # Errors
    /// [`ProofError::Path`]; [`ProofError::Member`] if the receipt is none.
    pub fn check(&self) -> Result<(), ProofError> {
        let checkpoint = &self.checkpoint.checkpoint;
        let path: Vec<_> = self.path.iter().map(|node| *node.as_bytes()).collect();
        let index = self.seq.checked_sub(1).ok_or(merkle::ProofError::Range)?;
        let line = line_of(&self.receipt).ok_or(ProofError::Member("receipt"))?;
        let leaf = Sha3Tree::leaf(&line);
        let root = checkpoint.root.as_bytes();
        Ok(merkle::verify_inclusion::<Sha3Tree>(index, checkpoint.size, &leaf, &path, root)?)
    }

    /// Reads a proof: exactly its four members.
    ///
    /// # Errors
    /// [`ProofError::Member`].
    pub fn from_json(object: &Object) -> Result<Self, ProofError> {
        let (name, version) = PROOF_MEMBER;
        if object.len() != 4 || object.get(name).and_then(Json::as_str) != Some(version) {
            return Err(ProofError::Member(name));
        }
        let receipt = object.get("receipt").map(to_vec).ok_or(ProofError::Member("receipt"))?;
        let seq = seq_of(&receipt).ok_or(ProofError::Member("receipt"))?;
        Ok(Self { receipt, seq, path: path_of(object)?, checkpoint: checkpoint_of(object, "checkpoint")? })
    }

    /// The proof as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.set(PROOF_MEMBER.0, PROOF_MEMBER.1);
        object.set("receipt", read(&self.receipt));
        object.set("path", path_to_json(&self.path));
        object.set("checkpoint", read(&self.checkpoint.to_file()));
        Json::Object(object)
    }
}

/// What was read as JSON, or is written as such.
fn read(bytes: &[u8]) -> Json {
    Json::parse(bytes).unwrap_or(Json::Null)
}

fn path_to_json(path: &[Sha3Digest]) -> Json {
    Json::Array(path.iter().map(|node| Json::from(node.to_hex().as_str())).collect())
}

fn path_of(object: &Object) -> Result<Vec<Sha3Digest>, ProofError> {
    let path = object.get("path").and_then(Json::as_array).filter(|path| path.len() <= MAX_PATH);
    let nodes = path.and_then(|path| {
        path.iter().map(|node| node.as_str().and_then(Sha3Digest::parse_hex)).collect::<Option<_>>()
    });
    nodes.ok_or(ProofError::Member("path"))
}

fn checkpoint_of(object: &Object, name: &'static str) -> Result<SignedCheckpoint, ProofError> {
    let file = object.get(name).map(|signed| [to_vec(signed), b"\n".to_vec()].concat());
    file.and_then(|file| SignedCheckpoint::parse(&file).ok()).ok_or(ProofError::Member(name))
}

/// The sequence number of a receipt on its own.
fn seq_of(receipt: &[u8]) -> Option<u64> {
    let (payload, _) = parse_receipt(receipt).ok()?;
    payload.as_object()?.get("seq")?.as_count().filter(|seq| *seq >= 1)
}
