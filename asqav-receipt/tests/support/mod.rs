//! Receipts and logs for tests, signed for real.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test may end here")]

pub mod foreign;
pub mod log;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::KeyId;
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::receipt::Signature;
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use ml_dsa::signature::SignatureEncoding as _;
use ml_dsa::{ExpandedSigningKey, MlDsa65};

pub const AGENT: &str = "agent:finance";
pub const ISSUER: &str = "Example Ltd";

/// When the tests verify.
pub fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").unwrap()
}

/// An ML-DSA-65 key that signs without randomness.
pub struct Key {
    expanded: Box<ExpandedSigningKey<MlDsa65>>,
    pub public_key: Vec<u8>,
    pub kid: String,
}

impl Key {
    pub fn new(seed: u8, kid: &str) -> Self {
        let expanded = Box::new(ExpandedSigningKey::from_seed(&[seed; 32].into()));
        let public_key = expanded.verifying_key().encode().to_vec();
        Self { expanded, public_key, kid: kid.to_owned() }
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.expanded.sign_deterministic(message, &[]).unwrap().to_vec()
    }

    pub fn signature(&self, message: &[u8]) -> Signature {
        Signature { alg: ML_DSA_65.name, kid: KeyId::parse(&*self.kid).unwrap(), sig: self.sign(message) }
    }

    pub fn thumbprint(&self) -> Sha256Digest {
        ML_DSA_65.thumbprint(&self.public_key)
    }

    /// The key as a caller pins it.
    pub fn entry(&self) -> KeyEntry {
        KeyEntry::active(&ML_DSA_65, &self.public_key, &self.kid, ISSUER, AGENT).unwrap()
    }

    pub fn pin(&self) -> KeySet {
        KeySet::new(vec![self.entry()])
    }
}
