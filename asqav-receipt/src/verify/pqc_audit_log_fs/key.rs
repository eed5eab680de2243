//! The key that the caller pins for such a log.

use super::header::hex;
use crate::base64url;
use crate::digest::Sha3Digest;
use crate::suite::{ED25519, ML_DSA_65, VerifyingKey};

/// What stands before a raw Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410 §4).
const SPKI_ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The same for ML-DSA-65 (RFC 9881 §4).
const SPKI_ML_DSA_65: [u8; 22] = [
    0x30, 0x82, 0x07, 0xb2, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12,
    0x03, 0x82, 0x07, 0xa1, 0x00,
];

/// A public key that the caller trusts to have signed a log.
#[derive(Debug, Clone)]
pub struct PinnedKey {
    public_key: Vec<u8>,
    key: VerifyingKey,
}

impl PinnedKey {
    /// Reads an ML-DSA-65 or Ed25519 public key: PEM or DER
    /// (`SubjectPublicKeyInfo`), hexadecimal digits (as in a header's
    /// `public_key`), base64 of the raw key, or the raw key itself. Which of
    /// the two it is follows from its length, 1,952 or 32 bytes.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if let Some(key) = Self::of_spki(bytes).or_else(|| Self::of_raw(bytes)) {
            return Some(key);
        }
        let text = std::str::from_utf8(bytes).ok()?.trim();
        if let Some(rest) = text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
            let body: String =
                rest.strip_suffix("-----END PUBLIC KEY-----")?.split_ascii_whitespace().collect();
            return Self::of_spki(&base64url::decode_any(&body)?);
        }
        if let Some(key) = hex(text).and_then(|raw| Self::of_raw(&raw)) {
            return Some(key);
        }
        let raw = base64url::decode_any(text)?;
        Self::of_spki(&raw).or_else(|| Self::of_raw(&raw))
    }

    fn of_spki(der: &[u8]) -> Option<Self> {
        let raw = der.strip_prefix(&SPKI_ED25519).or_else(|| der.strip_prefix(&SPKI_ML_DSA_65))?;
        Self::of_raw(raw)
    }

    /// The key of these raw bytes; `None` for lengths that no known suite has.
    #[must_use]
    pub fn of_raw(raw: &[u8]) -> Option<Self> {
        let suite = [&ML_DSA_65, &ED25519].into_iter().find(|suite| suite.public_key_len == raw.len())?;
        let key = VerifyingKey::new(suite, raw)?;
        Some(Self { public_key: raw.to_vec(), key })
    }

    /// The raw key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Its algorithm's name, e.g. `Ed25519`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.key.suite().name
    }

    /// `did:pqaid:` and the key's SHA3-256: how the package names a signer.
    #[must_use]
    pub fn did(&self) -> String {
        format!("did:pqaid:{}", Sha3Digest::of(&self.public_key).to_hex())
    }

    pub(super) const fn key(&self) -> &VerifyingKey {
        &self.key
    }
}
