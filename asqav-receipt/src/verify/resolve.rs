//! Which pinned key a receipt is judged by.
//!
//! INVARIANT: key, issuer, agent, status and range of use come from one entry
//! of the key set; every key axis reads the entry that is found here.

use super::axes::keys::unpinned;
use super::finding::Finding;
use super::reason::ReasonCode;
use super::subject::{Layout, Subject};
use crate::digest::Sha256Digest;
use crate::keys::{KeyEntry, KeySet};

/// How many entries a signature is tried against, where only agent and issuer
/// are known and a key was rotated.
const MAX_CANDIDATES: usize = 8;

/// The usable entries that may be the receipt's, best first.
///
/// # Errors
/// The finding of the axis `issuer_key` if there is none.
pub(super) fn candidates<'a>(
    keys: Option<&'a KeySet>,
    subject: &Subject<'_>,
) -> Result<Vec<&'a KeyEntry>, Finding> {
    let found = keys.map_or_else(Vec::new, |keys| matching(keys, subject));
    let usable: Vec<_> =
        found.iter().copied().filter(|entry| entry.key().is_ok()).take(MAX_CANDIDATES).collect();
    if !usable.is_empty() {
        return Ok(usable);
    }
    Err(match found.first().and_then(|entry| entry.key().err()) {
        Some(why) => Finding::skip(ReasonCode::KeyNotPinned, format!("the pinned entry is unusable: {why}")),
        None => unpinned(keys, "this receipt's"),
    })
}

/// By the signed thumbprint; without a match by the exact `kid` and by agent
/// and issuer; without those, where `kid` names the issuer, by issuer.
///
/// A signed thumbprint that no entry has still leads on to the exact `kid`, so
/// that the axis `key_binding` can say that the key was swapped.
fn matching<'a>(keys: &'a KeySet, subject: &Subject<'_>) -> Vec<&'a KeyEntry> {
    let entries = keys.entries().iter();
    let (agent, issuer) = (subject.text("agent_id"), subject.text("issuer_id"));
    let has_kid = |entry: &KeyEntry| subject.kid.is_some() && entry.kid.as_deref() == subject.kid;
    if let Some(thumbprint) = subject.text("key_thumbprint").and_then(Sha256Digest::parse_tagged) {
        let mut same: Vec<_> =
            entries.clone().filter(|entry| entry.thumbprint() == Some(&thumbprint)).collect();
        // Rows of one key under several names: the receipt's agent, then its `kid`.
        same.sort_by_key(|entry| (entry.agent_id.as_deref() != agent, entry.kid.as_deref() != subject.kid));
        if same.is_empty() {
            return entries.filter(|entry| has_kid(entry)).collect();
        }
        if !subject.is_ours() {
            // Of ours, the axis `key_binding` tells a wrong `kid`.
            same.retain(|entry| has_kid(entry) || names_issuer(subject, entry));
        }
        return same;
    }
    let org = match subject.layout {
        Layout::Flat => subject.text("org_id"),
        Layout::Envelope => None,
    };
    let has_agent = |entry: &KeyEntry| {
        let claimed = [(issuer, &entry.issuer_id), (org, &entry.issuer_id), (org, &entry.org_id)];
        agent.is_some()
            && entry.agent_id.as_deref() == agent
            && claimed.iter().any(|(claim, published)| claim.is_some() && published.as_deref() == *claim)
    };
    let by_kid = entries.clone().filter(|entry| has_kid(entry));
    let by_agent = entries.clone().filter(|entry| has_agent(entry) && !has_kid(entry));
    let found: Vec<_> = by_kid.chain(by_agent).collect();
    if !found.is_empty() {
        return found;
    }
    entries.filter(|entry| names_issuer(subject, entry)).collect()
}

/// Whether `kid` is the name of the entry's issuer.
fn names_issuer(subject: &Subject<'_>, entry: &KeyEntry) -> bool {
    subject.kid.is_some() && entry.issuer_id.as_deref() == subject.kid
}
