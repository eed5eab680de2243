//! Evidence records: a time-stamp and those that renew it (RFC 4998).
//!
//! A time-stamp proves as long as its algorithms and its authority's key can
//! be relied on. Before that ends, another one is put over it: over the token
//! alone (§5.2), or, when the hash function ages, over message and all tokens
//! with a newer one (§5.3). The time that is proven stays that of the first.

use x509_cert::der::Tag;

use super::algorithm::Hash;
use super::der::{Malformed, Value};
use super::encode::{self, SEQUENCE, algorithm, integer};
use super::token::{self, Stamped};
use super::tsa::TsaKeys;
use super::{ImprintHash, Outcome};
use crate::digest::Sha256Digest;
use crate::time::Timestamp;

/// An evidence record has at most this many bytes …
pub const MAX_EVIDENCE_LEN: usize = 1 << 20;
/// … and this many tokens.
const MAX_TOKENS: usize = 64;

/// A time-stamp over a message, and its renewals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Chains of tokens, each a CMS `ContentInfo` in DER; neither is empty.
    chains: Vec<Vec<Vec<u8>>>,
}

/// How a time-stamp is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Renewal {
    /// The key or certificate of the authority ages: RFC 4998 §5.2.
    Timestamp,
    /// The hash function ages, this one follows: RFC 4998 §5.3.
    Hash(ImprintHash),
}

/// Why something is not evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not an evidence record, or not a token.
    #[error("it cannot be read: {0}")]
    Malformed(&'static str),
    /// The authority answered without a token.
    #[error("the authority refused to stamp")]
    Refused,
    /// The token is about something else.
    #[error("the token stamps another message")]
    AnotherMessage,
    /// The answer does not repeat the request's nonce.
    #[error("the answer is to another request")]
    AnotherRequest,
    /// The token is older than the one that it renews.
    #[error("the token is older than the one that it renews")]
    Older,
}

impl From<Malformed> for EvidenceError {
    fn from(Malformed(what): Malformed) -> Self {
        Self::Malformed(what)
    }
}

impl Evidence {
    /// Takes an authority's answer to a request over `message`. Who signed it is
    /// for [`check`](Self::check).
    ///
    /// # Errors
    /// [`EvidenceError`]; `nonce` is that of the request, if it had one.
    pub fn new(answer: &[u8], message: &[u8], nonce: Option<u64>) -> Result<Self, EvidenceError> {
        let (token, _) = take(answer, message, nonce)?;
        Ok(Self { chains: vec![vec![token]] })
    }

    /// What the token that renews this has to stamp; `message` is what the first
    /// one did.
    #[must_use]
    pub fn renewal_message(&self, message: &[u8], renewal: Renewal) -> Vec<u8> {
        match renewal {
            Renewal::Timestamp => self.newest().to_vec(),
            Renewal::Hash(hash) => rehashed(hash.hash(), message, &self.chains),
        }
    }

    /// Adds the token that renews this.
    ///
    /// # Errors
    /// [`EvidenceError`]; nothing is added then.
    pub fn renew(
        &mut self,
        answer: &[u8],
        message: &[u8],
        renewal: Renewal,
        nonce: Option<u64>,
    ) -> Result<(), EvidenceError> {
        let before = token::read(self.newest())?.time;
        let (token, stamped) = take(answer, &self.renewal_message(message, renewal), nonce)?;
        if stamped.time < before {
            return Err(EvidenceError::Older);
        }
        match renewal {
            Renewal::Timestamp => {
                self.chains.last_mut().into_iter().for_each(|chain| chain.push(token.clone()))
            }
            Renewal::Hash(_) => self.chains.push(vec![token]),
        }
        Ok(())
    }

    /// The first token, in DER.
    #[must_use]
    pub fn first_token(&self) -> &[u8] {
        self.all().next().unwrap_or_default()
    }

    /// SHA-256 of each token, the oldest first: what a `time` receipt names.
    pub fn tokens(&self) -> impl Iterator<Item = Sha256Digest> + '_ {
        self.all().map(Sha256Digest::of)
    }

    /// The time that the newest token claims; nothing is checked.
    #[must_use]
    pub fn claimed(&self) -> Option<Timestamp> {
        token::read(self.newest()).ok().map(|stamped| stamped.time)
    }

    /// Whether `message` existed no later than the first token says, by pinned
    /// keys. Every token has to hold, and to have held when the next one was
    /// made.
    #[must_use]
    pub fn check(&self, message: &[u8], keys: Option<&TsaKeys>) -> Outcome {
        let mut first = None;
        let mut before: Option<Stamped> = None;
        for (at, chain) in self.chains.iter().enumerate() {
            let earlier = self.chains.get(..at).unwrap_or_default();
            let mut over = message.to_vec();
            for (nth, token) in chain.iter().enumerate() {
                let hash = token::read(token).ok().and_then(|stamped| stamped.hash);
                if let (0, 1.., Some(hash)) = (nth, at, hash) {
                    over = rehashed(hash, message, earlier);
                }
                let (outcome, stamped) = token::judge(token, Some(&over), keys);
                if !matches!(outcome, Outcome::Proven { .. }) {
                    return outcome;
                }
                if let Some(why) = broken(before.as_ref(), stamped.as_ref()) {
                    return Outcome::Refuted(why);
                }
                before = stamped;
                first.get_or_insert(outcome);
                over.clone_from(token);
            }
        }
        first.unwrap_or_else(|| Outcome::Unchecked("an evidence record without a token".to_owned()))
    }

    /// The earliest time at which the token of this digest can have existed, by
    /// pinned keys; `None` if it is not here or not proven.
    #[must_use]
    pub fn token_not_before(&self, token: &Sha256Digest, keys: &TsaKeys) -> Option<Timestamp> {
        let found = self.all().find(|bytes| Sha256Digest::of(bytes) == *token)?;
        match token::judge(found, None, Some(keys)) {
            (Outcome::Proven { .. }, Some(stamped)) => Some(stamped.earliest),
            _ => None,
        }
    }

    /// Until when the newest token's authority is certified, by pinned
    /// certificates: before that it has to be renewed. `None` if no pinned
    /// certificate signed it.
    #[must_use]
    pub fn renew_before(&self, keys: &TsaKeys) -> Option<Timestamp> {
        match token::judge(self.newest(), None, Some(keys)) {
            (Outcome::Proven { .. }, Some(stamped)) => stamped.until,
            _ => None,
        }
    }

    /// The record in DER (RFC 4998 §3.1).
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let mut hashes: Vec<Vec<u8>> = Vec::new();
        for token in self.all() {
            let hash = token::read(token).ok().and_then(|stamped| stamped.hash);
            let identifier = hash.map(|hash| algorithm(hash.identifier())).unwrap_or_default();
            if !hashes.contains(&identifier) {
                hashes.push(identifier);
            }
        }
        let hashes: Vec<&[u8]> = hashes.iter().map(Vec::as_slice).collect();
        let hashes = encode::value(SEQUENCE, &hashes);
        encode::value(SEQUENCE, &[&integer(1), &hashes, &sequence(&self.chains)])
    }

    /// Reads a record of one message without hash trees.
    ///
    /// # Errors
    /// [`EvidenceError::Malformed`].
    pub fn parse(der: &[u8]) -> Result<Self, EvidenceError> {
        const WHAT: &str = "not an evidence record of one message";
        if der.len() > MAX_EVIDENCE_LEN {
            return Err(Malformed("longer than an evidence record can be").into());
        }
        let parts = Value::only(der, WHAT)?.parts(Tag::Sequence, WHAT)?;
        let [version, _hashes, chains] = parts.as_slice() else { return Err(Malformed(WHAT).into()) };
        if version.content(Tag::Integer, WHAT)? != [1] {
            return Err(Malformed("an evidence record of another version").into());
        }
        let mut read = Vec::new();
        for chain in chains.parts(Tag::Sequence, WHAT)? {
            let mut tokens = Vec::new();
            for stamp in chain.parts(Tag::Sequence, WHAT)? {
                let parts = stamp.parts(Tag::Sequence, WHAT)?;
                let [token] = parts.as_slice() else { return Err(Malformed(WHAT).into()) };
                tokens.push(token.retagged(Tag::Sequence, WHAT)?);
            }
            read.push(tokens);
        }
        let evidence = Self { chains: read };
        let whole = !evidence.chains.is_empty() && evidence.chains.iter().all(|chain| !chain.is_empty());
        // Also refuses what is not the one encoding.
        if !whole || evidence.all().count() > MAX_TOKENS || evidence.to_der() != der {
            return Err(Malformed(WHAT).into());
        }
        Ok(evidence)
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.chains.iter().flatten().map(Vec::as_slice)
    }

    fn newest(&self) -> &[u8] {
        self.chains.last().and_then(|chain| chain.last()).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Whether the evidence record shows that `message` existed, by a pinned key.
pub(crate) fn check(record: &[u8], message: &[u8], keys: Option<&TsaKeys>) -> Outcome {
    match Evidence::parse(record) {
        Ok(evidence) => evidence.check(message, keys),
        Err(error) => Outcome::Unchecked(format!("the evidence record: {error}")),
    }
}

/// Why a token does not follow the one before it.
fn broken(before: Option<&Stamped>, token: Option<&Stamped>) -> Option<String> {
    let (before, token) = before.zip(token)?;
    if token.time < before.time {
        return Some(format!("stamped {}, before the token that it renews", token.time));
    }
    let ended = before.until.filter(|until| token.time > *until)?;
    Some(format!("renewed {}, when the certificate of the token before had ended ({ended})", token.time))
}

/// RFC 4998 §5.3: what a token over message and earlier chains has to stamp.
fn rehashed(hash: Hash, message: &[u8], chains: &[Vec<Vec<u8>>]) -> Vec<u8> {
    [hash.digest(message), hash.digest(&sequence(chains))].concat()
}

/// `ArchiveTimeStampSequence`, each `ArchiveTimeStamp` with its token alone.
fn sequence(chains: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let chain = |tokens: &Vec<Vec<u8>>| {
        let stamps: Vec<_> = tokens.iter().map(|token| encode::value(SEQUENCE, &[token])).collect();
        encode::value(SEQUENCE, &stamps.iter().map(Vec::as_slice).collect::<Vec<_>>())
    };
    let chains: Vec<_> = chains.iter().map(chain).collect();
    encode::value(SEQUENCE, &chains.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// The token of an answer, if it stamps `message`.
fn take(answer: &[u8], message: &[u8], nonce: Option<u64>) -> Result<(Vec<u8>, Stamped), EvidenceError> {
    let token = token::of_answer(answer)?.ok_or(EvidenceError::Refused)?;
    let stamped = token::read(&token)?;
    if !stamped.is_over(message) {
        return Err(EvidenceError::AnotherMessage);
    }
    if nonce.is_some() && stamped.nonce != nonce {
        return Err(EvidenceError::AnotherRequest);
    }
    Ok((token, stamped))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token of `time`, by an authority certified `until` then.
    fn stamped(time: &str, until: Option<&str>) -> Stamped {
        let at = |day: &str| Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")).unwrap();
        Stamped::test(at(time), until.map(at))
    }

    #[test]
    fn a_token_is_renewed_later_and_while_its_certificate_is_valid() {
        let renewed = |before: (&str, Option<&str>), after: &str| {
            broken(Some(&stamped(before.0, before.1)), Some(&stamped(after, None)))
        };
        assert_eq!(renewed(("2026-01-01", Some("2030-01-01")), "2029-12-31"), None);
        assert_eq!(renewed(("2026-01-01", None), "2050-01-01"), None, "a bare key has no end");
        let late = renewed(("2026-01-01", Some("2030-01-01")), "2030-01-02").unwrap();
        assert!(late.contains("had ended"), "{late}");
        let back = renewed(("2026-01-02", Some("2030-01-01")), "2026-01-01").unwrap();
        assert!(back.contains("before the token that it renews"), "{back}");
        assert_eq!(broken(None, Some(&stamped("2026-01-01", None))), None);
    }
}
