//! What links a receipt to others: digests over canonical payloads.

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
        Self {
            sha256: Sha256Digest::of(canonical_payload),
            sha3: Some(Sha3Digest::of_parts(&[CHAIN_TAG, canonical_payload])),
        }
    }

    /// The links that the successors of `canonical_payloads` carry.
    #[must_use]
    pub fn to_each(canonical_payloads: &[&[u8]]) -> Vec<Self> {
        let sha3 = Sha3Digest::of_each(CHAIN_TAG, canonical_payloads);
        let links = canonical_payloads.iter().zip(sha3);
        links.map(|(payload, sha3)| Self { sha256: Sha256Digest::of(payload), sha3: Some(sha3) }).collect()
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
