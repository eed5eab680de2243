//! Key sets: who published which key, and what it may still be used for.
//!
//! A set comes from the caller (a *pin*). A key inside a receipt, or a set
//! found beside a log, never makes anything verified.

mod entry;
#[cfg(test)]
mod tests;

use crate::digest::Sha256Digest;
use crate::json::{Json, JsonError, Object};

pub use entry::{KeyEntry, KeyStatus};

/// A JSON Web Key Set (RFC 7517 §5).
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    entries: Vec<KeyEntry>,
}

/// Why bytes are not a key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not JSON by the strict rules.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// No array `keys`.
    #[error("not a JSON Web Key Set: no array `keys`")]
    Shape,
}

/// How a receipt's key was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundBy {
    /// The signed `key_thumbprint`.
    Thumbprint,
    /// The exact `kid`.
    KeyId,
    /// Agent and issuer.
    AgentAndIssuer,
}

impl KeySet {
    /// The set of these entries.
    #[must_use]
    pub const fn new(entries: Vec<KeyEntry>) -> Self {
        Self { entries }
    }

    /// Reads a JWKS. Entries of unknown kinds stay in the set, unusable, even
    /// where they are not objects.
    ///
    /// # Errors
    /// [`KeySetError`] when it is no JWKS at all.
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        let json = Json::parse(text)?;
        let keys = json.as_object().and_then(|set| set.get("keys")).and_then(Json::as_array);
        let nothing = Object::new();
        let entries = keys.ok_or(KeySetError::Shape)?.iter();
        Ok(Self::new(
            entries.map(|entry| KeyEntry::from_json(entry.as_object().unwrap_or(&nothing))).collect(),
        ))
    }

    /// The set as JSON text with a line feed.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut set = Object::new();
        set.set(
            "keys",
            Json::Array(self.entries.iter().map(|entry| Json::Object(entry.to_json())).collect()),
        );
        let mut text = crate::canonical::to_vec(&Json::Object(set));
        text.push(b'\n');
        text
    }

    /// The entries in the order of the text.
    #[must_use]
    pub fn entries(&self) -> &[KeyEntry] {
        &self.entries
    }

    /// The one entry that a receipt's signature is checked against: by the
    /// signed thumbprint; without one by the exact `kid`; without a match by
    /// agent and issuer, if exactly one usable entry has both.
    ///
    /// A signed thumbprint that matches no entry resolves to nothing: `kid`
    /// stands outside the signed bytes and must not overrule it. Among entries
    /// of one key the one with the same `kid` is taken. Unusable entries are
    /// passed over.
    #[must_use]
    pub fn resolve(
        &self,
        thumbprint: Option<&Sha256Digest>,
        kid: Option<&str>,
        agent: Option<&str>,
        issuer: Option<&str>,
    ) -> Option<(&KeyEntry, FoundBy)> {
        let has_kid = |entry: &&KeyEntry| kid.is_some() && entry.kid.as_deref() == kid;
        let usable = self.entries.iter().filter(|entry| entry.key().is_ok());
        if let Some(thumbprint) = thumbprint {
            let all = || self.entries.iter().filter(|entry| entry.thumbprint() == Some(thumbprint));
            return all().find(has_kid).or_else(|| all().next()).map(|entry| (entry, FoundBy::Thumbprint));
        }
        if let Some(entry) = usable.clone().find(has_kid) {
            return Some((entry, FoundBy::KeyId));
        }
        let (agent, issuer) = (agent?, issuer?);
        let mut same = usable.filter(|entry| {
            entry.agent_id.as_deref() == Some(agent) && entry.issuer_id.as_deref() == Some(issuer)
        });
        match (same.next(), same.next()) {
            (Some(entry), None) => Some((entry, FoundBy::AgentAndIssuer)),
            _ => None,
        }
    }
}
