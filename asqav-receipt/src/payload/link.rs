//! What links a receipt to others: digests over canonical payloads.

use std::fmt;

use sha2::Digest as _;

use super::Payload;
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::merkle::{Sha3Tree, TreeHash as _};

/// The link to the predecessor, in both hash families.
///
/// The first receipt of a log has [`Link::GENESIS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// `previousReceiptHash`: SHA-256 of canonical(predecessor's payload), or zeros.
    pub sha256: Sha256Digest,
    /// `asqav.prev`: SHA3-256 of the tag `asqav/chain/v1`, a zero byte and the
    /// same bytes; absent on the first receipt.
    pub sha3: Option<Sha3Digest>,
}

/// What the SHA3 link hashes before the payload.
const CHAIN_TAG: &[u8] = b"asqav/chain/v1\0";

impl Link {
    /// The link of a log's first receipt.
    pub const GENESIS: Self = Self { sha256: Sha256Digest::from_bytes([0; 32]), sha3: None };

    /// The link that the successor of `canonical_payload` carries.
    #[must_use]
    pub fn to(canonical_payload: &[u8]) -> Self {
        let mut hasher = LinkHasher::new();
        hasher.update(canonical_payload);
        hasher.finish()
    }

    /// The links that the successors of `canonical_payloads` carry.
    #[must_use]
    pub fn to_each(canonical_payloads: &[&[u8]]) -> Vec<Self> {
        let sha3 = Sha3Digest::of_each(CHAIN_TAG, canonical_payloads);
        let links = canonical_payloads.iter().zip(sha3);
        links.map(|(payload, sha3)| Self { sha256: Sha256Digest::of(payload), sha3: Some(sha3) }).collect()
    }
}

/// Makes the link that the successor of a payload carries, of the payload's
/// canonical bytes as they come.
///
/// Whoever places receipts one after the other has hashed by then what does not
/// depend on the place.
pub struct LinkHasher {
    sha256: sha2::Sha256,
    sha3: sha3::Sha3_256,
}

impl LinkHasher {
    /// Before the first byte.
    #[must_use]
    pub fn new() -> Self {
        let mut sha3 = sha3::Sha3_256::new();
        sha3.update(CHAIN_TAG);
        Self { sha256: sha2::Sha256::new(), sha3 }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha3.update(bytes);
    }

    /// What [`Link::to`] gives for all bytes.
    #[must_use]
    pub fn finish(self) -> Link {
        Link {
            sha256: Sha256Digest::from_bytes(self.sha256.finalize().into()),
            sha3: Some(Sha3Digest::from_bytes(self.sha3.finalize().into())),
        }
    }
}

impl Default for LinkHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LinkHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkHasher")
    }
}

/// Digests over the canonical bytes of a payload, made once for all who compare
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digests {
    /// What its successor links to.
    pub(crate) link: Link,
    /// Its leaf in the tree of its session, if it belongs to one.
    pub(crate) session_leaf: Option<[u8; 32]>,
}

impl Digests {
    /// The digests of `payload`, whose canonical bytes are `canonical`.
    pub(crate) fn of(payload: &Payload, canonical: &[u8]) -> Self {
        let session_leaf = payload.session_id.is_some().then(|| Sha3Tree::leaf(canonical));
        Self { link: Link::to(canonical), session_leaf }
    }
}
