//! What the caller brings along: trust, time and context are never guessed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::report::{Axis, AxisResult, Report};
#[cfg(feature = "anchors")]
use crate::anchor::{BlockHeaders, TsaKeys};
use crate::digest::Sha256Digest;
use crate::keys::KeySet;
use crate::time::Timestamp;

/// Everything besides the receipt that its verification depends on.
///
/// Nothing is looked up elsewhere: what is `None` here is reported as not
/// checked.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct ReceiptInputs<'a> {
    /// The keys that the caller pins. Without them a receipt is at best
    /// `unverifiable` (`key_not_pinned`).
    pub keys: Option<&'a KeySet>,
    /// The predecessor: its envelope or its payload, as JSON.
    pub predecessor: Option<&'a [u8]>,
    /// The time to judge `issued_at` and `expires_at` by.
    pub at: Option<Timestamp>,
    /// The nonces of the receipts verified before.
    pub nonces: Option<&'a NonceIndex>,
    /// Whether a receipt without a proven anchor is `unverifiable`.
    pub require_anchor: bool,
    /// The envelope that a counterparty binding commits to, as JSON.
    pub originating: Option<&'a [u8]>,
    /// The time-stamp authorities that the caller pins.
    #[cfg(feature = "anchors")]
    pub tsa_keys: Option<&'a TsaKeys>,
    /// The Bitcoin block headers that the caller trusts.
    #[cfg(feature = "anchors")]
    pub block_headers: Option<&'a BlockHeaders>,
}

impl<'a> ReceiptInputs<'a> {
    /// Nothing pinned, nothing at hand.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins keys.
    #[must_use]
    pub const fn keys(mut self, keys: &'a KeySet) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Gives the predecessor (envelope or payload, JSON).
    #[must_use]
    pub const fn predecessor(mut self, json: &'a [u8]) -> Self {
        self.predecessor = Some(json);
        self
    }

    /// Gives the evaluation time.
    #[must_use]
    pub const fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }

    /// Gives the nonces seen before.
    #[must_use]
    pub const fn nonces(mut self, index: &'a NonceIndex) -> Self {
        self.nonces = Some(index);
        self
    }

    /// Makes a missing or unproven anchor block the verdict.
    #[must_use]
    pub const fn require_anchor(mut self, required: bool) -> Self {
        self.require_anchor = required;
        self
    }

    /// Pins time-stamp authorities.
    #[cfg(feature = "anchors")]
    #[must_use]
    pub const fn tsa_keys(mut self, keys: &'a TsaKeys) -> Self {
        self.tsa_keys = Some(keys);
        self
    }

    /// Gives Bitcoin block headers that are in the chain.
    #[cfg(feature = "anchors")]
    #[must_use]
    pub const fn block_headers(mut self, headers: &'a BlockHeaders) -> Self {
        self.block_headers = Some(headers);
        self
    }

    /// Gives the envelope that the receipt acknowledges (JSON).
    #[must_use]
    pub const fn originating(mut self, json: &'a [u8]) -> Self {
        self.originating = Some(json);
        self
    }
}

/// The nonces of the receipts verified in one run, by issuer.
///
/// The same receipt again is no replay; another one with its nonce is.
#[derive(Debug, Clone, Default)]
pub struct NonceIndex {
    seen: HashMap<Sha256Digest, Sha256Digest>,
}

impl NonceIndex {
    /// No nonce seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Remembers the nonce of a receipt that was just verified; the first
    /// receipt with a nonce keeps it. Whether it was new.
    ///
    /// Only a receipt whose signature holds is remembered: otherwise anyone
    /// could use up a nonce and have the real receipt fail.
    pub fn record(&mut self, report: &Report) -> bool {
        let subject = &report.subject;
        let signed = report.axis(Axis::Signature).is_some_and(|axis| axis.result == AxisResult::Pass);
        let (true, Some(nonce), Some(payload)) = (signed, &subject.nonce, subject.payload_sha256) else {
            return false;
        };
        self.insert(subject.issuer_id.as_deref().unwrap_or_default(), nonce, payload)
    }

    /// Remembers a nonce from an earlier run, and the SHA-256 of the canonical
    /// payload that used it; the first one stays. Whether it was new.
    pub fn insert(&mut self, issuer: &str, nonce: &str, payload: Sha256Digest) -> bool {
        match self.seen.entry(entry(issuer, nonce)) {
            Entry::Occupied(_) => false,
            Entry::Vacant(place) => {
                place.insert(payload);
                true
            }
        }
    }

    /// The payload that used this nonce first.
    pub(super) fn first_use(&self, issuer: &str, nonce: &str) -> Option<Sha256Digest> {
        self.seen.get(&entry(issuer, nonce)).copied()
    }
}

/// Lengths first: joined texts must not run into each other.
fn entry(issuer: &str, nonce: &str) -> Sha256Digest {
    let lengths = [issuer.len().to_be_bytes(), nonce.len().to_be_bytes()].concat();
    Sha256Digest::of_parts(&[&lengths, issuer.as_bytes(), nonce.as_bytes()])
}
