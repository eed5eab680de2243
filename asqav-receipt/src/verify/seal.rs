//! The signature over something about a log: a segment's header, a checkpoint.
//! Judged as a receipt's: a pinned key of this agent and issuer, in force and
//! in range.

use super::axes::keys::{Use, key_status};
use super::finding::blocking;
use super::reason::ReasonCode;
use super::report::Axis;
use crate::digest::Sha256Digest;
use crate::keys::{KeyEntry, KeySet};
use crate::receipt::Signature;

/// What is signed, by which key it says, and for what.
#[derive(Clone)]
pub(super) struct Seal<'a> {
    pub(super) message: Vec<u8>,
    pub(super) suite: &'static str,
    pub(super) key_thumbprint: Sha256Digest,
    pub(super) signature: &'a Signature,
    pub(super) claim: Use<'a>,
}

impl Seal<'_> {
    /// Tells `found` what is wrong. `owner` is the log's issuer and agent, as
    /// its receipts claim them.
    pub(super) fn check(
        &self,
        owner: Option<(&str, &str)>,
        keys: Option<&KeySet>,
        found: &mut impl FnMut(Axis, ReasonCode, String),
    ) {
        let kid = self.signature.kid.as_str();
        let Some(entry) = self.pinned(keys) else {
            return found(Axis::IssuerKey, ReasonCode::KeyNotPinned, "its key is not pinned".to_owned());
        };
        if entry.kid.as_deref() != Some(kid) {
            let note = format!("`kid` is {kid:?}, the pinned key's is {:?}", entry.kid);
            found(Axis::KeyBinding, ReasonCode::KidMismatch, note);
        }
        if owner.is_none_or(|(issuer, _)| entry.issuer_id.as_deref() != Some(issuer)) {
            let note = "the key is not pinned for the log's issuer".to_owned();
            found(Axis::IssuerBind, ReasonCode::IssuerMismatch, note);
        }
        let agent = entry.agent_id.as_deref();
        if agent.is_some() && owner.is_none_or(|(_, claimed)| agent != Some(claimed)) {
            let note = "the key is not pinned for the log's agent".to_owned();
            found(Axis::IssuerBind, ReasonCode::AgentMismatch, note);
        }
        let status = key_status(self.claim, entry).on(Axis::KeyStatus);
        if let Some((reason, _)) = blocking(&status, false) {
            found(Axis::KeyStatus, reason, status.note);
        }
        match entry.key() {
            Ok(key) if key.suite().name != self.suite => {
                found(Axis::Signature, ReasonCode::AlgorithmMismatch, format!("`suite` is {:?}", self.suite));
            }
            Ok(key) if key.verifies(&self.message, &self.signature.sig) => {}
            _ => {
                let note = "the signature is not the pinned key's".to_owned();
                found(Axis::Signature, ReasonCode::SignatureInvalid, note);
            }
        }
    }

    /// The issuer and agent of the pinned key, where what is signed names none.
    pub(super) fn pinned_owner<'k>(&self, keys: Option<&'k KeySet>) -> Option<(&'k str, &'k str)> {
        let entry = self.pinned(keys)?;
        Some((entry.issuer_id.as_deref()?, entry.agent_id.as_deref().unwrap_or_default()))
    }

    /// The entry with the signed thumbprint; among rows of one key, that of the `kid`.
    pub(super) fn pinned<'k>(&self, keys: Option<&'k KeySet>) -> Option<&'k KeyEntry> {
        let kid = Some(self.signature.kid.as_str());
        let same = || {
            let entries = keys.into_iter().flat_map(|keys| keys.entries());
            entries.filter(|entry| entry.thumbprint() == Some(&self.key_thumbprint))
        };
        same().find(|entry| entry.kid.as_deref() == kid).or_else(|| same().next())
    }
}
