//! Who signed a segment, with what, and what that is called.

use super::header::Header;
use super::{PinnedKey, Verifier};
use crate::suite::{ED25519, ML_DSA_65};
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;

impl Verifier<'_> {
    /// The key, its name and label, and the signature: what it really is,
    /// whether it is valid, whether the key is pinned.
    pub(super) fn signature(&mut self, number: u64, header: &Header) -> (Option<&'static str>, bool, bool) {
        if header.signer_did == header.did() {
            self.findings.pass(Axis::IssuerBind);
        } else {
            let note = format!("`signer_did` of segment {number} is not the digest of its key");
            self.findings.problem(Axis::IssuerBind, ReasonCode::SignerDidDiffers, note);
        }
        let pinned = self.pinned(number, header);
        let raw = header.public_key.as_slice();
        let key = self.keys.entry(raw.to_vec()).or_insert_with(|| PinnedKey::of_raw(raw)).clone();
        let Some(key) = key else {
            let note = format!("the key of segment {number} is no Ed25519 or ML-DSA-65 key");
            self.findings.problem(Axis::Signature, ReasonCode::AlgorithmUnsupported, note);
            return (None, false, pinned);
        };
        self.label(number, &key, &header.algorithm);
        let valid = key.key().verifies(&header.message, &header.signature);
        if valid {
            self.findings.pass(Axis::Signature);
        } else {
            let note = format!("the {} signature of segment {number} does not verify", key.algorithm());
            self.findings.problem(Axis::Signature, ReasonCode::SignatureInvalid, note);
        }
        (Some(key.algorithm()), valid, pinned)
    }

    /// Whether the header's key is one that the caller pinned.
    fn pinned(&mut self, number: u64, header: &Header) -> bool {
        let raw = &header.public_key;
        let first = self.first_key.get_or_insert_with(|| raw.clone());
        if self.inputs.keys.iter().any(|key| key.public_key() == raw) {
            self.findings.pass(Axis::IssuerKey);
            self.findings.pass(Axis::KeyStatus);
            return true;
        }
        if first != raw {
            let note = format!("segment {number} is signed by another key than those before");
            self.findings.problem(Axis::KeyBinding, ReasonCode::KeySubstituted, note);
        }
        let note = match self.inputs.keys {
            [] => "no key is pinned".to_owned(),
            _ => format!("the key of segment {number}, {}, is not pinned", header.did()),
        };
        self.findings.note(Axis::KeyStatus, ReasonCode::KeyNotPinned, &note);
        self.findings.problem(Axis::IssuerKey, ReasonCode::KeyNotPinned, note);
        false
    }

    /// The label is not signed, and only tells what its writer believed: a
    /// plain install signs with Ed25519 and writes `ML-DSA-65`.
    fn label(&mut self, number: u64, key: &PinnedKey, label: &str) {
        let algorithm = key.algorithm();
        if label == algorithm {
            return self.findings.pass(Axis::KeyBinding);
        }
        if algorithm == ED25519.name && label == ML_DSA_65.name {
            self.findings.pass(Axis::KeyBinding);
            let note = "signed with Ed25519, labelled ML-DSA-65: no post-quantum evidence";
            return self.findings.problem(Axis::KeyBinding, ReasonCode::AlgorithmMislabelled, note);
        }
        let label: String = label.chars().take(64).collect();
        let note = format!("segment {number} is labelled `{label}`, its key is an {algorithm} key");
        self.findings.problem(Axis::KeyBinding, ReasonCode::AlgorithmMismatch, note);
    }
}
