//! A receipt: payload, signature, and (on export) anchors.

use crate::id::KeyId;

/// The member `signature`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the profile fixes the three members")]
pub struct Signature {
    /// The suite's name, e.g. `ML-DSA-65`.
    pub alg: &'static str,
    /// The key's id.
    pub kid: KeyId,
    /// The raw signature (ML-DSA-65: 3,309 bytes); base64url without padding
    /// on the wire.
    pub sig: Vec<u8>,
}
