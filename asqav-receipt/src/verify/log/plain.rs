//! The short way: receipts as asqav writes them, to which nothing is to be
//! said.
//!
//! INVARIANT: what this module takes for right is what `judge` passes on every
//! axis but `anchors` (none on the receipt) and `signature` (left to the
//! caller). It only ever says yes. Whatever it does not take is judged the long
//! way, which finds the words for it; the tests hold both ways to one report.

use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::base64url;
use crate::batch::{self, BATCH_ALG, BatchPlace, Member};
use crate::id::{KeyId, LogId};
use crate::json::{Lexer, Number};
use crate::keys::{KeyEntry, KeySet, KeyStatus};
use crate::merkle::{Sha3Tree, TreeHash as _};
use crate::payload::{Digests, Link, Payload};
use crate::receipt::{LineSignature, Signature};
use crate::suite::{ML_DSA_65, VerifyingKey};
use crate::verify::axes::chain::Predecessor;
use crate::verify::axes::keys::in_range;
use crate::verify::axes::native;
use crate::verify::axes::time::MAX_SKEW_MICROS;

use super::inputs::LogInputs;

/// A line that holds exactly what asqav writes of some payload.
#[derive(Debug)]
pub(super) struct Plain {
    pub(super) payload: Payload,
    /// Where its canonical bytes are among those of its [`Part`].
    canonical: Range<usize>,
    pub(super) digests: Digests,
    pub(super) signature: LineSignature,
    /// Its leaf in the batch that it is a member of.
    pub(super) batch_leaf: Option<[u8; 32]>,
}

/// One of the lines of a [`Part`].
#[derive(Debug, Clone)]
pub(super) struct PlainLine {
    part: Arc<Part>,
    at: usize,
}

/// Lines that were read together. They share two allocations: a thread reads
/// them and another drops them, and both would wait for the allocator at each.
#[derive(Debug)]
struct Part {
    lines: Vec<Plain>,
    canonical: Vec<u8>,
}

impl Deref for PlainLine {
    type Target = Plain;

    #[expect(clippy::indexing_slicing, reason = "made with the number of one of the part's lines")]
    fn deref(&self) -> &Plain {
        &self.part.lines[self.at]
    }
}

impl PlainLine {
    /// The canonical bytes of its payload.
    pub(super) fn canonical(&self) -> &[u8] {
        self.part.canonical.get(self.canonical.clone()).unwrap_or_default()
    }

    /// The line that this was read from.
    pub(super) fn text(&self) -> Vec<u8> {
        self.signature.line(self.canonical())
    }
}

/// A [`Plain`] line before it is hashed.
pub(super) struct Scanned<'l> {
    payload: Payload,
    canonical: &'l [u8],
    signature: LineSignature,
}

impl<'l> Scanned<'l> {
    /// Reads a line; `None` if it is another, whatever that is.
    pub(super) fn read(line: &'l [u8]) -> Option<Self> {
        let mut text = Lexer::new(std::str::from_utf8(line).ok()?);
        if !text.eat_text(r#"{"payload":"#) {
            return None;
        }
        let (payload, canonical) = Payload::scan(&mut text)?;
        if !text.eat_text(r#","signature":"#) {
            return None;
        }
        let signature = signature(&mut text, payload.seq)?;
        let ends = text.eat_text("}") && text.peek().is_none();
        ends.then_some(Self { payload, canonical, signature })
    }

    const fn has_session(&self) -> bool {
        self.payload.session_id.is_some()
    }

    const fn is_member(&self) -> bool {
        matches!(self.signature, LineSignature::Member(_))
    }
}

/// Hashes every payload, many at once.
pub(super) fn hashed(lines: Vec<Scanned<'_>>) -> impl Iterator<Item = PlainLine> + use<> {
    let of = |which: fn(&Scanned<'_>) -> bool| -> Vec<&[u8]> {
        lines.iter().filter(|line| which(line)).map(|line| line.canonical).collect()
    };
    let all = of(|_| true);
    let (links, canonical) = (Link::to_each(&all), all.concat());
    let mut in_batches = batch::leaves(&of(|line| line.is_member())).into_iter();
    let mut in_sessions = Sha3Tree::leaves(&of(|line| line.has_session())).into_iter();
    let mut end = 0;
    let hash = |(line, link): (Scanned<'_>, Link)| {
        let batch_leaf = if line.is_member() { in_batches.next() } else { None };
        let session_leaf = if line.has_session() { in_sessions.next() } else { None };
        let canonical = end..end + line.canonical.len();
        end = canonical.end;
        let Scanned { payload, signature, .. } = line;
        Plain { payload, canonical, digests: Digests { link, session_leaf }, signature, batch_leaf }
    };
    let lines: Vec<_> = lines.into_iter().zip(links).map(hash).collect();
    let (count, part) = (lines.len(), Arc::new(Part { lines, canonical }));
    (0..count).map(move |at| PlainLine { part: Arc::clone(&part), at })
}

impl Plain {
    /// Its place in a batch, if it has no signature of its own.
    pub(super) const fn member(&self) -> Option<&Member> {
        match &self.signature {
            LineSignature::Own(_) => None,
            LineSignature::Member(member) => Some(member),
        }
    }

    const fn kid(&self) -> &KeyId {
        match &self.signature {
            LineSignature::Own(signature) => &signature.kid,
            LineSignature::Member(member) => &member.kid,
        }
    }

    /// The key to check the signature with, if nothing else is left to check.
    pub(super) fn key<'a>(
        &self,
        predecessor: &Predecessor,
        inputs: &LogInputs<'a>,
    ) -> Option<&'a VerifyingKey> {
        let follows =
            self.follows(predecessor) && native::fits(&self.payload).is_ok() && self.in_time(inputs);
        let entry = self.entry(inputs.keys?)?;
        if follows && self.may_use(entry) { entry.key().ok() } else { None }
    }

    /// `seq` and `chain`.
    fn follows(&self, predecessor: &Predecessor) -> bool {
        let Payload { seq, link, asqav, .. } = &self.payload;
        match predecessor {
            Predecessor::Start => *seq == 1 && *link == Link::GENESIS,
            Predecessor::Known { link: before, seq: Some(number), log_id: Some(log_id) } => {
                i64::try_from(*seq).is_ok_and(|seq| seq.checked_sub(*number) == Some(1) && seq > 1)
                    && link.sha3.is_some()
                    && link.sha256 != Link::GENESIS.sha256
                    && link == before
                    && LogId::parse(log_id).is_ok_and(|log_id| log_id == asqav.log_id)
            }
            _ => false,
        }
    }

    /// `skew` and `expiry`.
    fn in_time(&self, inputs: &LogInputs<'_>) -> bool {
        let Some(at) = inputs.at else { return false };
        self.payload.issued_at.unix_micros() - at.unix_micros() <= MAX_SKEW_MICROS
            && self.payload.expires_at.is_none_or(|end| end >= at)
    }

    /// `issuer_key`: the pinned entry of the signed thumbprint, of several the
    /// one that the long way takes.
    fn entry<'a>(&self, keys: &'a KeySet) -> Option<&'a KeyEntry> {
        let thumbprint = &self.payload.key_thumbprint;
        let same = keys.entries().iter().filter(|entry| entry.thumbprint() == Some(thumbprint));
        let others = |entry: &&KeyEntry| {
            let agent = entry.agent_id.as_deref() != Some(self.payload.agent_id.as_str());
            (agent, entry.kid.as_deref() != Some(self.kid().as_str()))
        };
        same.min_by_key(others)
    }

    /// `issuer_bind`, `key_status` and `key_binding`.
    fn may_use(&self, entry: &KeyEntry) -> bool {
        let log_id = &self.payload.asqav.log_id;
        entry.issuer_id.as_deref() == Some(self.payload.issuer_id.as_str())
            && entry.agent_id.as_deref().is_none_or(|agent| agent == self.payload.agent_id.as_str())
            && entry.status == KeyStatus::Active
            && entry.log_id.is_none_or(|only| only == *log_id)
            && in_range(Some(self.payload.seq), entry)
            && entry.kid.as_deref() == Some(self.kid().as_str())
            && entry.key().is_ok_and(|key| *key.suite() == ML_DSA_65)
    }
}

/// Reads the signature object of receipt `seq`, member by member as it is
/// written: no member has a second spelling here.
fn signature(text: &mut Lexer<'_>, seq: u64) -> Option<LineSignature> {
    if text.eat_text(r#"{"alg":"ML-DSA-65","kid":"#) {
        let kid = kid(text)?;
        let sig = text.eat_text(r#","sig":"#).then(|| sig(text))??;
        return text.eat(b'}').then_some(LineSignature::Own(Signature { alg: ML_DSA_65.name, kid, sig }));
    }
    let head = text.eat_text(r#"{"alg":""#)
        && text.eat_text(BATCH_ALG)
        && text.eat_text(r#"","batch":{"first_seq":"#);
    let first_seq = if head { count(text)? } else { return None };
    let size = text.eat_text(r#","size":"#).then(|| count(text))??;
    let place = BatchPlace::new(first_seq, size)?;
    let last = place.index_of(seq)? + 1 == place.size();
    let kid = text.eat_text(r#"},"kid":"#).then(|| kid(text))??;
    let sig = if last { Some(text.eat_text(r#","sig":"#).then(|| sig(text))??) } else { None };
    text.eat(b'}').then_some(LineSignature::Member(Member { kid, place, sig }))
}

/// A positive integer: without a sign or zeros before it, it has one spelling.
fn count(text: &mut Lexer<'_>) -> Option<u64> {
    match text.number().ok()? {
        Number::Integer(count @ 1..) => u64::try_from(count).ok(),
        _ => None,
    }
}

fn kid(text: &mut Lexer<'_>) -> Option<KeyId> {
    KeyId::parse(unescaped(text)?).ok()
}

fn sig(text: &mut Lexer<'_>) -> Option<Vec<u8>> {
    base64url::decode(unescaped(text)?).filter(|sig| sig.len() == ML_DSA_65.signature_len)
}

/// A string without escapes: there is no other spelling of it that is canonical.
fn unescaped<'a>(text: &mut Lexer<'a>) -> Option<&'a str> {
    match text.eat(b'"').then(|| text.string().ok())?? {
        std::borrow::Cow::Borrowed(text) => Some(text),
        std::borrow::Cow::Owned(_) => None,
    }
}
