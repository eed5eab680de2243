//! Asking an authority for a time-stamp: RFC 3161 §2.4.1.

use super::algorithm::Hash;
use super::encode::{BOOLEAN, OCTETS, SEQUENCE, algorithm, integer, value};

/// The hash function of a time-stamp's imprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ImprintHash {
    /// SHA-256 (FIPS 180-4).
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl ImprintHash {
    pub(super) const fn hash(self) -> Hash {
        match self {
            Self::Sha256 => Hash::Sha256,
            Self::Sha384 => Hash::Sha384,
            Self::Sha512 => Hash::Sha512,
        }
    }
}

/// A time-stamp request over `message`, in DER: `application/timestamp-query`.
///
/// Asks for the authority's certificates in the answer. `nonce` should be
/// random: an answer that does not repeat it is an old one.
#[must_use]
pub fn request(message: &[u8], hash: ImprintHash, nonce: u64) -> Vec<u8> {
    let hash = hash.hash();
    let imprint = value(SEQUENCE, &[&algorithm(hash.identifier()), &value(OCTETS, &[&hash.digest(message)])]);
    value(SEQUENCE, &[&integer(1), &imprint, &integer(nonce), &value(BOOLEAN, &[&[0xff]])])
}
