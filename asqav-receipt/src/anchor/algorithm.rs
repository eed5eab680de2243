//! Signature and hash algorithms by the identifiers that tokens carry.

use rsa::Pkcs1v15Sign;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_cert::der::asn1::ObjectIdentifier;

pub(super) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
pub(super) const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
pub(super) const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// A signature algorithm of a `SignerInfo`, with its hash where it has one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Algorithm {
    Rsa(Hash),
    Ecdsa(Hash),
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

/// A hash function of the SHA-2 family (FIPS 180-4).
#[derive(Debug, Clone, Copy)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// The algorithm of this identifier; `digest` is the hash that the signer
    /// names beside it. `None` for one that is not taken.
    pub(super) fn of(algorithm: ObjectIdentifier, digest: ObjectIdentifier) -> Option<Self> {
        const TABLE: [(&str, Algorithm); 10] = [
            ("1.2.840.113549.1.1.11", Algorithm::Rsa(Hash::Sha256)),
            ("1.2.840.113549.1.1.12", Algorithm::Rsa(Hash::Sha384)),
            ("1.2.840.113549.1.1.13", Algorithm::Rsa(Hash::Sha512)),
            ("1.2.840.10045.4.3.2", Algorithm::Ecdsa(Hash::Sha256)),
            ("1.2.840.10045.4.3.3", Algorithm::Ecdsa(Hash::Sha384)),
            ("1.2.840.10045.4.3.4", Algorithm::Ecdsa(Hash::Sha512)),
            ("1.3.101.112", Algorithm::Ed25519),
            ("2.16.840.1.101.3.4.3.17", Algorithm::MlDsa44),
            ("2.16.840.1.101.3.4.3.18", Algorithm::MlDsa65),
            ("2.16.840.1.101.3.4.3.19", Algorithm::MlDsa87),
        ];
        let name = algorithm.to_string();
        // rsaEncryption names no hash: the digest algorithm does (RFC 3370 §3.2).
        if name == "1.2.840.113549.1.1.1" {
            return Hash::of(digest).map(Self::Rsa);
        }
        TABLE.into_iter().find(|(oid, _)| *oid == name).map(|(_, algorithm)| algorithm)
    }
}

impl Hash {
    /// The hash of this identifier, of the SHA-2 family.
    pub(super) fn of(digest: ObjectIdentifier) -> Option<Self> {
        match digest {
            SHA_256 => Some(Self::Sha256),
            SHA_384 => Some(Self::Sha384),
            SHA_512 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Its identifier.
    pub(super) const fn identifier(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => SHA_256,
            Self::Sha384 => SHA_384,
            Self::Sha512 => SHA_512,
        }
    }

    /// The digest of `message`.
    pub(super) fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    pub(super) fn scheme(self) -> Pkcs1v15Sign {
        match self {
            Self::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Self::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Self::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
    }
}
