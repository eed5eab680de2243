//! Signature suites: algorithms are rows of a table, not branches.

use crate::base64url;
use crate::digest::Sha256Digest;

/// A signature algorithm.
#[derive(Debug)]
#[non_exhaustive]
pub struct Suite {
    /// The name in `signature.alg` and in a JWK's `alg`.
    pub name: &'static str,
    /// Length of a raw public key in bytes.
    pub public_key_len: usize,
    /// Length of a raw signature in bytes.
    pub signature_len: usize,
    /// The JWK members that the RFC 7638 thumbprint covers.
    thumbprint_jwk: fn(&[u8]) -> String,
    decode: fn(&[u8]) -> Option<Decoded>,
}

/// ML-DSA-65 (FIPS 204, security category 3), pure, empty context.
pub static ML_DSA_65: Suite = Suite {
    name: "ML-DSA-65",
    public_key_len: 1_952,
    signature_len: 3_309,
    // RFC 9964 §6: the required members of an AKP key, in lexicographic order.
    thumbprint_jwk: |key| format!(r#"{{"alg":"ML-DSA-65","kty":"AKP","pub":"{}"}}"#, base64url::encode(key)),
    decode: |key| {
        let encoded = ml_dsa::EncodedVerifyingKey::<ml_dsa::MlDsa65>::try_from(key).ok()?;
        Some(Decoded::MlDsa65(Box::new(ml_dsa::VerifyingKey::decode(&encoded))))
    },
};

/// Ed25519 (RFC 8032, FIPS 186-5): for receipts that others wrote.
pub static ED25519: Suite = Suite {
    name: "Ed25519",
    public_key_len: 32,
    signature_len: 64,
    thumbprint_jwk: |key| format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(key)),
    decode: |key| {
        let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        Some(Decoded::Ed25519(key))
    },
};

/// Every suite that verification knows.
pub static SUITES: [&Suite; 2] = [&ML_DSA_65, &ED25519];

/// The suite called `name`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Suite> {
    SUITES.into_iter().find(|suite| suite.name == name)
}

impl Suite {
    /// RFC 7638 thumbprint (SHA-256) of a key of this suite; for ML-DSA-65
    /// over `{alg, kty: "AKP", pub}` (RFC 9964 §6).
    #[must_use]
    pub fn thumbprint(&self, public_key: &[u8]) -> Sha256Digest {
        Sha256Digest::of((self.thumbprint_jwk)(public_key).as_bytes())
    }
}

impl PartialEq for Suite {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Suite {}

/// A public key, decoded once: ML-DSA-65 verification with a decoded key takes
/// about half the time.
#[derive(Clone)]
pub struct VerifyingKey {
    suite: &'static Suite,
    decoded: Decoded,
    thumbprint: Sha256Digest,
}

#[derive(Clone)]
enum Decoded {
    MlDsa65(Box<ml_dsa::VerifyingKey<ml_dsa::MlDsa65>>),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl VerifyingKey {
    /// Decodes a raw public key; `None` if it is not one of this suite.
    #[must_use]
    pub fn new(suite: &'static Suite, public_key: &[u8]) -> Option<Self> {
        if public_key.len() != suite.public_key_len {
            return None;
        }
        let decoded = (suite.decode)(public_key)?;
        Some(Self { suite, decoded, thumbprint: suite.thumbprint(public_key) })
    }

    /// The key's suite.
    #[must_use]
    pub const fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// The key's RFC 7638 thumbprint.
    #[must_use]
    pub const fn thumbprint(&self) -> &Sha256Digest {
        &self.thumbprint
    }

    /// Whether `signature` is this key's over `message` (FIPS 204 §5.3 with an
    /// empty context; RFC 8032 §5.1.7 without the cofactor and without
    /// small-order keys).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        if signature.len() != self.suite.signature_len {
            return false;
        }
        match &self.decoded {
            Decoded::MlDsa65(key) => ml_dsa::Signature::<ml_dsa::MlDsa65>::try_from(signature)
                .is_ok_and(|signature| key.verify_with_context(message, &[], &signature)),
            Decoded::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
        }
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({}, {:?})", self.suite.name, self.thumbprint)
    }
}

#[cfg(test)]
mod tests;
