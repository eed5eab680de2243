//! Reads tokens: strict, bounded, one spelling.

use std::collections::HashSet;

use super::{
    Delegate, Delegation, MAX_DEPTH, MAX_RESTRICTIONS, MAX_TOKEN_LEN, MAX_TOOLS, Restriction,
    SignedDelegation,
};
use crate::base64url;
use crate::canonical::to_vec;
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::glob::Glob;
use crate::id::{AgentId, IssuerId, Nonce};
use crate::json::{Json, JsonError, Object};
use crate::suite;
use crate::time::Timestamp;

/// Why bytes are no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DelegationError {
    /// Not JSON by the strict rules, or too long.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is missing or malformed.
    #[error("`{0}` is missing or malformed")]
    Member(&'static str),
    /// Not the canonical bytes; or a member that version 1 does not know.
    #[error("not canonical JSON of a version 1 token")]
    NotCanonical,
}

impl SignedDelegation {
    /// Reads a token, canonical byte for byte. Whether its signature holds and
    /// whether it narrows another one is for [`Chain`](super::Chain).
    ///
    /// # Errors
    /// [`DelegationError`] with what is wrong.
    pub fn parse(token: &[u8]) -> Result<Self, DelegationError> {
        let json = Json::parse_within(token, MAX_TOKEN_LEN)?;
        let object = json.as_object().ok_or(DelegationError::Member("delegation"))?;
        let delegation = object.get("delegation").and_then(Json::as_object);
        let delegation = Delegation::read(delegation.ok_or(DelegationError::Member("delegation"))?)?;
        let sig = object.get("sig").and_then(Json::as_str).and_then(base64url::decode);
        let signed = Self { delegation, sig: sig.ok_or(DelegationError::Member("sig"))? };
        // Also refuses members that the types do not know.
        if signed.to_canonical() != token {
            return Err(DelegationError::NotCanonical);
        }
        Ok(signed)
    }
}

impl Delegation {
    /// Why nobody may sign this: it would not be read.
    ///
    /// # Errors
    /// [`DelegationError`] with what is wrong.
    pub fn check(&self) -> Result<(), DelegationError> {
        let json = Json::parse(&to_vec(&self.to_json()))?;
        let object = json.as_object().ok_or(DelegationError::Member("delegation"))?;
        match Self::read(object)? {
            read if read == *self => Ok(()),
            _ => Err(DelegationError::NotCanonical),
        }
    }

    fn read(object: &Object) -> Result<Self, DelegationError> {
        let text = |name: &str| object.get(name).and_then(Json::as_str);
        let time = |name| read(name, text(name).and_then(|time| Timestamp::parse_rfc3339(time).ok()));
        read("v", object.get("v").and_then(Json::as_integer).filter(|version| *version == 1))?;
        let suite = read("suite", text("suite").and_then(suite::by_name))?;
        let depth = object.get("depth").and_then(Json::as_integer).and_then(|depth| u8::try_from(depth).ok());
        let delegation = Self {
            id: read("id", text("id").and_then(|id| Nonce::parse(id).ok()))?,
            issuer: read("issuer", text("issuer").and_then(|id| IssuerId::parse(id).ok()))?,
            suite: suite.name,
            key_thumbprint: read(
                "key_thumbprint",
                text("key_thumbprint").and_then(Sha256Digest::parse_tagged),
            )?,
            public_key: maybe("pub", object, |key| base64url::decode(key.as_str()?))?,
            delegate: read("delegate", object.get("delegate").and_then(delegate))?,
            tools: read("tools", object.get("tools").and_then(tools))?,
            when: maybe("when", object, restrictions)?.unwrap_or_default(),
            not_before: time("not_before")?,
            expires_at: time("expires_at")?,
            depth: read("depth", depth.filter(|depth| *depth <= MAX_DEPTH))?,
            parent: maybe("parent", object, |parent| Sha3Digest::parse_tagged(parent.as_str()?))?,
        };
        let Self { public_key, delegate, parent, .. } = &delegation;
        // Whoever may delegate further is known by key.
        read("delegate", (delegation.depth == 0 || delegate.key.is_some()).then_some(()))?;
        // The first key is pinned, each other one is known by the token before.
        read("pub", (public_key.is_some() == parent.is_some()).then_some(()))?;
        read("expires_at", (delegation.not_before < delegation.expires_at).then_some(()))?;
        Ok(delegation)
    }
}

fn delegate(json: &Json) -> Option<Delegate> {
    let object = json.as_object()?;
    let agent = AgentId::parse(object.get("agent")?.as_str()?).ok()?;
    let key = match object.get("key_thumbprint") {
        Some(key) => Some(Sha256Digest::parse_tagged(key.as_str()?)?),
        None => None,
    };
    Some(Delegate { agent, key })
}

fn tools(json: &Json) -> Option<Vec<Glob>> {
    let patterns = json.as_array().filter(|patterns| (1..=MAX_TOOLS).contains(&patterns.len()))?;
    let globs: Vec<Glob> =
        patterns.iter().map(|pattern| Glob::parse(pattern.as_str()?).ok()).collect::<Option<_>>()?;
    let unique: HashSet<&str> = globs.iter().map(Glob::as_str).collect();
    (unique.len() == globs.len()).then_some(globs)
}

fn restrictions(json: &Json) -> Option<Vec<Restriction>> {
    let all = json.as_array().filter(|all| (1..=MAX_RESTRICTIONS).contains(&all.len()))?;
    all.iter().map(Restriction::from_json).collect()
}

fn read<T>(name: &'static str, value: Option<T>) -> Result<T, DelegationError> {
    value.ok_or(DelegationError::Member(name))
}

/// A member that may be absent, but not malformed.
fn maybe<T>(
    name: &'static str,
    object: &Object,
    of: impl Fn(&Json) -> Option<T>,
) -> Result<Option<T>, DelegationError> {
    object.get(name).map(|value| read(name, of(value))).transpose()
}
