//! That a log grew from one checkpoint to another without a change.

use super::{ProofError, checkpoint_of, path_of, path_to_json, read};
use crate::checkpoint::SignedCheckpoint;
use crate::digest::Sha3Digest;
use crate::json::{Json, Object};
use crate::merkle::{self, Sha3Tree};

/// The member by which a consistency proof is known, and its only value.
pub const CONSISTENCY_MEMBER: (&str, &str) = ("asqav_consistency", "v1");

/// Two checkpoints of a log and the nodes that lead to both roots (RFC 9162
/// §2.1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsistencyProof {
    /// The one that counts fewer receipts, or as many.
    pub older: SignedCheckpoint,
    /// At most 64 nodes; none for equal sizes.
    pub path: Vec<Sha3Digest>,
    /// The other.
    pub newer: SignedCheckpoint,
}

impl ConsistencyProof {
    /// The proof by a path that somebody else found.
    ///
    /// # Errors
    /// [`ProofError`] when it does not hold.
    pub fn new(
        older: SignedCheckpoint,
        path: Vec<Sha3Digest>,
        newer: SignedCheckpoint,
    ) -> Result<Self, ProofError> {
        let proof = Self { older, path, newer };
        proof.check()?;
        Ok(proof)
    }

    /// Whether the path leads to both roots. Who signed them is for
    /// [`crate::verify`].
    ///
    /// # Errors
    /// [`ProofError::Path`] or [`ProofError::Sizes`].
    pub fn check(&self) -> Result<(), ProofError> {
        let (older, newer) = (&self.older.checkpoint, &self.newer.checkpoint);
        if older.size > newer.size {
            return Err(ProofError::Sizes);
        }
        let path: Vec<_> = self.path.iter().map(|node| *node.as_bytes()).collect();
        let (root1, root2) = (older.root.as_bytes(), newer.root.as_bytes());
        Ok(merkle::verify_consistency::<Sha3Tree>(older.size, newer.size, &path, root1, root2)?)
    }

    /// Reads a proof: exactly its four members.
    ///
    /// # Errors
    /// [`ProofError::Member`].
    pub fn from_json(object: &Object) -> Result<Self, ProofError> {
        let (name, version) = CONSISTENCY_MEMBER;
        if object.len() != 4 || object.get(name).and_then(Json::as_str) != Some(version) {
            return Err(ProofError::Member(name));
        }
        Ok(Self {
            older: checkpoint_of(object, "older")?,
            path: path_of(object)?,
            newer: checkpoint_of(object, "newer")?,
        })
    }

    /// The proof as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.set(CONSISTENCY_MEMBER.0, CONSISTENCY_MEMBER.1);
        object.set("older", read(&self.older.to_file()));
        object.set("path", path_to_json(&self.path));
        object.set("newer", read(&self.newer.to_file()));
        Json::Object(object)
    }
}
