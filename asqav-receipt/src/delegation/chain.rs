//! A chain of tokens, and whether it holds.

use std::collections::BTreeSet;

use super::{Delegation, MAX_CHAIN_LEN, MAX_TOKEN_LEN, SignedDelegation};
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::keys::{KeyEntry, KeySet, KeyStatus};
use crate::suite::{self, VerifyingKey};
use crate::time::Timestamp;

/// Comparing the patterns of two tokens takes at most this many steps.
const MAX_STEPS: usize = 50_000;

/// Tokens, each of which narrows the one before; the first is a pinned
/// issuer's. The file: one token per line, each with a line feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// INVARIANT: 1 to [`MAX_CHAIN_LEN`], each canonical.
    tokens: Vec<SignedDelegation>,
    digests: Vec<Sha3Digest>,
}

/// Why a chain allows nothing, or not this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainFault {
    /// Not lines of canonical tokens, or none.
    #[error("the chain is not made of canonical version 1 tokens")]
    Malformed,
    /// More than [`MAX_CHAIN_LEN`] tokens.
    #[error("the chain has more than {MAX_CHAIN_LEN} tokens")]
    TooLong,
    /// The first token's key is not pinned for its issuer.
    #[error("no key is pinned for the chain's issuer")]
    UnknownIssuer,
    /// The first token's key is pinned, but not in use.
    #[error("the issuer's key is not in use")]
    KeyInactive,
    /// A token, or a key that signed one, is revoked.
    #[error("a token or the key of one is revoked")]
    Revoked,
    /// A signature does not hold.
    #[error("a token's signature does not hold")]
    Signature,
    /// A token is not by whom the one before names, or not about that one.
    #[error("a token does not follow from the one before")]
    Broken,
    /// A token follows one that allows no more to follow, or not so many.
    #[error("a token is deeper than the one before allows")]
    TooDeep,
    /// A token is not known to allow no more than the one before.
    #[error("a token is not known to narrow the one before")]
    Widens,
    /// Too early.
    #[error("a token is not valid yet")]
    NotYetValid,
    /// Too late.
    #[error("a token has expired")]
    Expired,
    /// The last token is for another agent, or for another key.
    #[error("the chain is for another delegate")]
    WrongDelegate,
    /// No pattern of a token matches the tool.
    #[error("the tool is outside of the chain")]
    Tool,
}

impl ChainFault {
    /// A stable code: a receipt's `reason`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "delegation_malformed",
            Self::TooLong => "delegation_too_long",
            Self::UnknownIssuer => "delegation_unknown_issuer",
            Self::KeyInactive => "delegation_key_inactive",
            Self::Revoked => "delegation_revoked",
            Self::Signature => "delegation_signature",
            Self::Broken => "delegation_broken",
            Self::TooDeep => "delegation_too_deep",
            Self::Widens => "delegation_widens",
            Self::NotYetValid => "delegation_not_yet_valid",
            Self::Expired => "delegation_expired",
            Self::WrongDelegate => "delegation_wrong_delegate",
            Self::Tool => "delegation_tool",
        }
    }
}

/// What is taken back before it expires.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revoked {
    /// Tokens, by [`SignedDelegation::digest`]; with each all that follow it.
    pub tokens: BTreeSet<Sha3Digest>,
    /// Keys, by thumbprint; with each all tokens that it signed, and all that
    /// follow those.
    pub keys: BTreeSet<Sha256Digest>,
}

impl Chain {
    /// Reads the lines of a chain.
    ///
    /// # Errors
    /// [`ChainFault::Malformed`], [`ChainFault::TooLong`].
    pub fn parse(lines: &[u8]) -> Result<Self, ChainFault> {
        if lines.len() > MAX_CHAIN_LEN * (MAX_TOKEN_LEN + 1) {
            return Err(ChainFault::TooLong);
        }
        let body = lines.strip_suffix(b"\n").ok_or(ChainFault::Malformed)?;
        if body.split(|&byte| byte == b'\n').count() > MAX_CHAIN_LEN {
            return Err(ChainFault::TooLong);
        }
        let tokens = body.split(|&byte| byte == b'\n').map(SignedDelegation::parse);
        let tokens: Vec<_> = tokens.collect::<Result<_, _>>().map_err(|_| ChainFault::Malformed)?;
        let digests = tokens.iter().map(SignedDelegation::digest).collect();
        Ok(Self { tokens, digests })
    }

    /// The chain of one token.
    #[must_use]
    pub fn of(first: SignedDelegation) -> Self {
        Self { digests: vec![first.digest()], tokens: vec![first] }
    }

    /// The chain with `next` behind its last token, if it follows from that one
    /// and narrows it.
    ///
    /// # Errors
    /// [`ChainFault::Malformed`], [`ChainFault::TooLong`], [`ChainFault::Broken`],
    /// [`ChainFault::Signature`], [`ChainFault::TooDeep`], [`ChainFault::Widens`].
    pub fn followed_by(&self, next: SignedDelegation) -> Result<Self, ChainFault> {
        next.delegation.check().map_err(|_| ChainFault::Malformed)?;
        let (parent, digest) = self.tokens.last().zip(self.digests.last()).ok_or(ChainFault::Malformed)?;
        if self.tokens.len() >= MAX_CHAIN_LEN {
            return Err(ChainFault::TooLong);
        }
        signed(&next, &named(&next.delegation, &parent.delegation, digest)?)?;
        narrows(&next.delegation, &parent.delegation)?;
        let mut longer = self.clone();
        longer.digests.push(next.digest());
        longer.tokens.push(next);
        Ok(longer)
    }

    /// The lines.
    #[must_use]
    pub fn to_lines(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        for token in &self.tokens {
            lines.extend_from_slice(&token.to_canonical());
            lines.push(b'\n');
        }
        lines
    }

    /// The tokens, the pinned issuer's first.
    #[must_use]
    pub fn tokens(&self) -> &[SignedDelegation] {
        &self.tokens
    }

    /// The tokens' digests, in the order of the tokens.
    #[must_use]
    pub fn digests(&self) -> &[Sha3Digest] {
        &self.digests
    }

    /// SHA3-256 over the tokens' digests, 32 bytes each: which chain it is,
    /// signatures included.
    #[must_use]
    pub fn digest(&self) -> Sha3Digest {
        let parts: Vec<&[u8]> = self.digests.iter().map(|digest| digest.as_bytes().as_slice()).collect();
        Sha3Digest::of_parts(&parts)
    }

    /// When the first of its tokens expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.tokens.iter().map(|token| token.delegation.expires_at).min().unwrap_or(Timestamp::MAX)
    }

    /// Whether the tokens hold together, whatever the time and the call: the
    /// first one is by an issuer in `issuers`, each is signed by whom the one
    /// before names and narrows it, and none is `revoked`.
    ///
    /// Every key in `issuers` may delegate anything in its issuer's name: it
    /// is not the set of all agents' keys.
    ///
    /// # Errors
    /// [`ChainFault`]; the first that is found, token by token.
    pub fn verify(&self, issuers: &KeySet, revoked: &Revoked) -> Result<(), ChainFault> {
        let mut before: Option<(&Delegation, &Sha3Digest)> = None;
        for (token, digest) in self.tokens.iter().zip(&self.digests) {
            let delegation = &token.delegation;
            if revoked.tokens.contains(digest) || revoked.keys.contains(&delegation.key_thumbprint) {
                return Err(ChainFault::Revoked);
            }
            let key = match before {
                None => pinned(delegation, issuers)?.clone(),
                Some((parent, parent_digest)) => named(delegation, parent, parent_digest)?,
            };
            signed(token, &key)?;
            if let Some((parent, _)) = before {
                narrows(delegation, parent)?;
            }
            before = Some((delegation, digest));
        }
        Ok(())
    }

    /// Whether a chain that holds is for calls of `agent` at a gate with `key`,
    /// at `now`.
    ///
    /// # Errors
    /// [`ChainFault::NotYetValid`], [`ChainFault::Expired`],
    /// [`ChainFault::WrongDelegate`].
    pub fn applies(&self, agent: &str, key: Option<&Sha256Digest>, now: Timestamp) -> Result<(), ChainFault> {
        for SignedDelegation { delegation, .. } in &self.tokens {
            if now < delegation.not_before {
                return Err(ChainFault::NotYetValid);
            }
            if now >= delegation.expires_at {
                return Err(ChainFault::Expired);
            }
        }
        let last = self.tokens.last().ok_or(ChainFault::Malformed)?;
        let delegate = &last.delegation.delegate;
        let key_fits = delegate.key.is_none_or(|wanted| key == Some(&wanted));
        if delegate.agent.as_str() == agent && key_fits { Ok(()) } else { Err(ChainFault::WrongDelegate) }
    }

    /// Whether every token has a pattern that matches `tool`.
    ///
    /// # Errors
    /// [`ChainFault::Tool`].
    pub fn covers_tool(&self, tool: &str) -> Result<(), ChainFault> {
        let covers = |token: &SignedDelegation| token.delegation.tools.iter().any(|glob| glob.matches(tool));
        if self.tokens.iter().all(covers) { Ok(()) } else { Err(ChainFault::Tool) }
    }
}

/// Whether `key` has signed the token.
fn signed(token: &SignedDelegation, key: &VerifyingKey) -> Result<(), ChainFault> {
    let SignedDelegation { delegation, sig } = token;
    let is_of_suite = key.suite().name == delegation.suite;
    match is_of_suite && key.verifies(&delegation.signing_bytes(), sig) {
        true => Ok(()),
        false => Err(ChainFault::Signature),
    }
}

/// The key of a chain's first token.
fn pinned<'k>(first: &Delegation, issuers: &'k KeySet) -> Result<&'k VerifyingKey, ChainFault> {
    if first.parent.is_some() {
        return Err(ChainFault::Broken);
    }
    let same_key =
        || issuers.entries().iter().filter(|entry| entry.thumbprint() == Some(&first.key_thumbprint));
    let entry = same_key().find(|entry| entry.issuer_id.as_deref() == Some(first.issuer.as_str()));
    let entry = entry.ok_or(ChainFault::UnknownIssuer)?;
    // One entry that withdraws the key withdraws it in all of them.
    if !same_key().all(in_use) {
        return Err(ChainFault::KeyInactive);
    }
    entry.key().map_err(|_| ChainFault::UnknownIssuer)
}

/// Whether the key may sign tokens: one that is for a log's receipts may not.
fn in_use(entry: &KeyEntry) -> bool {
    let whole = entry.log_id.is_none() && entry.from_seq.is_none() && entry.to_seq.is_none();
    let untouched = entry.revoked_at.is_none() && entry.compromised_since.is_none();
    entry.status == KeyStatus::Active && whole && untouched
}

/// The key of a token that follows another, if it is the one named there.
fn named(
    child: &Delegation,
    parent: &Delegation,
    parent_digest: &Sha3Digest,
) -> Result<VerifyingKey, ChainFault> {
    let follows = child.parent == Some(*parent_digest)
        && parent.delegate.key == Some(child.key_thumbprint)
        && parent.delegate.agent.as_str() == child.issuer.as_str();
    let suite = suite::by_name(child.suite);
    let key = child.public_key.as_deref().zip(suite).and_then(|(key, suite)| VerifyingKey::new(suite, key));
    // A token that allows none to follow names no key: too deep, not broken.
    if parent.depth == 0 {
        return Err(ChainFault::TooDeep);
    }
    key.filter(|key| follows && *key.thumbprint() == child.key_thumbprint).ok_or(ChainFault::Broken)
}

/// Conditions need no look: all tokens' have to hold.
fn narrows(child: &Delegation, parent: &Delegation) -> Result<(), ChainFault> {
    if child.depth >= parent.depth {
        return Err(ChainFault::TooDeep);
    }
    let within = parent.not_before <= child.not_before && child.expires_at <= parent.expires_at;
    let mut steps = MAX_STEPS;
    let mut covered =
        |tool| parent.tools.iter().any(|outer: &crate::glob::Glob| outer.covers_within(tool, &mut steps));
    if within && child.tools.iter().all(&mut covered) { Ok(()) } else { Err(ChainFault::Widens) }
}
