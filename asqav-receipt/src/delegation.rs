//! Delegation tokens: who may call which tools, with which arguments, until
//! when, on whose authority.
//!
//! An issuer whose key is pinned signs the first token of a [`Chain`]; whoever
//! a token names may sign the next one, as long as that token's `depth` allows
//! it. Each token only ever narrows the one before: its tools are among those,
//! its time lies within that one's, its depth is less, and all their conditions
//! have to hold together. What cannot be shown to narrow is refused.
//!
//! A token is a capability for the agent that it names, not for whoever holds
//! it: stolen, it opens nothing at another agent's gate.

mod chain;
mod read;
mod restriction;

use crate::base64url;
use crate::canonical::{Members, tagged};
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::glob::Glob;
use crate::id::{AgentId, IssuerId, Nonce};
use crate::json::{Json, Object};
use crate::time::Timestamp;

pub use chain::{Chain, ChainFault, Revoked};
pub use read::DelegationError;
pub use restriction::{Restriction, Scalar, Test};

/// The tag that a signed delegation begins with, before a zero byte.
pub const DELEGATION_TAG: &str = "asqav/delegation/v1";

/// A token is never longer than this many bytes.
pub const MAX_TOKEN_LEN: usize = 32 * 1024;

/// A chain has at most this many tokens.
pub const MAX_CHAIN_LEN: usize = 8;

/// The greatest `depth`: with the token itself the longest chain.
pub const MAX_DEPTH: u8 = 7;

/// Patterns for tools in one token at most.
pub const MAX_TOOLS: usize = 32;

/// Restrictions of arguments in one token at most.
pub const MAX_RESTRICTIONS: usize = 32;

/// What one token says, version 1.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Delegation {
    /// Makes the token unique.
    pub id: Nonce,
    /// Who delegates: of the first token of a chain the `issuer_id` of a
    /// pinned key, of another one the agent that the token before names.
    pub issuer: IssuerId,
    /// The signing suite's name.
    pub suite: &'static str,
    /// The signing key.
    pub key_thumbprint: Sha256Digest,
    /// The signing key itself, in every token but the first; the first one's
    /// is pinned.
    pub public_key: Option<Vec<u8>>,
    /// Who may do it.
    pub delegate: Delegate,
    /// The tools, by pattern; at least one.
    pub tools: Vec<Glob>,
    /// What the arguments have to be; all of it has to hold.
    pub when: Vec<Restriction>,
    /// Not before this time.
    pub not_before: Timestamp,
    /// Not after this time.
    pub expires_at: Timestamp,
    /// How many tokens may follow at most, up to [`MAX_DEPTH`].
    pub depth: u8,
    /// [`SignedDelegation::digest`] of the token before; absent in the first.
    pub parent: Option<Sha3Digest>,
}

/// Who may use a token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Delegate {
    /// The agent whose calls it is for.
    pub agent: AgentId,
    /// The key of the agent's gate, which also signs the tokens that follow;
    /// required where there may be any.
    pub key: Option<Sha256Digest>,
}

impl Delegation {
    /// What is signed: the tag, a zero byte, canonical(delegation).
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        tagged(DELEGATION_TAG, &self.to_json())
    }

    /// The delegation as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let Self {
            id,
            issuer,
            suite,
            key_thumbprint,
            public_key,
            delegate,
            tools,
            when,
            not_before,
            expires_at,
            depth,
            parent,
        } = self;
        let mut object = Object::new();
        object.set("v", Json::Integer(1));
        object.set("id", id.to_string());
        object.set("issuer", issuer.as_str());
        object.set("suite", *suite);
        object.set("key_thumbprint", key_thumbprint.to_tagged());
        if let Some(key) = public_key {
            object.set("pub", base64url::encode(key));
        }
        let mut to = Object::new();
        to.set("agent", delegate.agent.as_str());
        if let Some(key) = &delegate.key {
            to.set("key_thumbprint", key.to_tagged());
        }
        object.set("delegate", to);
        object.set("tools", Json::Array(tools.iter().map(|tool| tool.as_str().into()).collect()));
        if !when.is_empty() {
            object.set("when", Json::Array(when.iter().map(Restriction::to_json).collect()));
        }
        object.set("not_before", not_before.to_string());
        object.set("expires_at", expires_at.to_string());
        object.set("depth", Json::Integer(i64::from(*depth)));
        if let Some(parent) = parent {
            object.set("parent", parent.to_tagged());
        }
        Json::Object(object)
    }
}

/// A token: a delegation and the signature over it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format fixes the two members")]
pub struct SignedDelegation {
    /// The delegation.
    pub delegation: Delegation,
    /// The raw signature over [`Delegation::signing_bytes`].
    pub sig: Vec<u8>,
}

impl SignedDelegation {
    /// canonical(`{delegation, sig}`).
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut members = Members::open(&mut out);
        crate::canonical::write(&self.delegation.to_json(), members.value("delegation"));
        members.text("sig", &base64url::encode(&self.sig));
        members.close();
        out
    }

    /// SHA3-256 of canonical(`{delegation, sig}`): what the next token carries
    /// as `parent`, and by what a token is revoked.
    #[must_use]
    pub fn digest(&self) -> Sha3Digest {
        Sha3Digest::of(&self.to_canonical())
    }
}
