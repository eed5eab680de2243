//! All axes of one receipt, in one place for single receipts and for logs.

use super::axes::chain::Predecessor;
use super::axes::counterparty::Acknowledging;
use super::axes::keys::Use;
use super::axes::outer::VerifiedBy;
use super::axes::signature::Check;
use super::axes::{
    anchors, chain, counterparty, digest, keys, native, nonce, outer, signature, structure, time,
};
use super::finding::Finding;
use super::input::ReceiptInputs;
use super::reason::ReasonCode;
use super::report::{Axis, AxisReport};
use super::resolve;
use super::subject::{Subject, text};
use crate::keys::KeyEntry;
use crate::payload::Payload;
use crate::time::Timestamp;

/// The axes of a receipt, the signature possibly still to be checked.
pub(super) struct Judged<'a> {
    /// All fifteen in their order.
    pub(super) axes: Vec<AxisReport>,
    /// The payload in its types, if the receipt is a sound one of ours.
    pub(super) payload: Option<Payload>,
    /// The entry that the key axes were judged by.
    pub(super) entry: Option<&'a KeyEntry>,
    /// The signature, if its arithmetic was left to the caller; its axis says
    /// `signature_unchecked` until then.
    pub(super) pending: Option<Check<'a>>,
}

/// Whether the signature's arithmetic runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signatures {
    /// At once; where several keys are possible, the one that fits is taken.
    Now,
    /// Later, with the one key that the receipt names.
    Later,
}

/// Judges every axis.
pub(super) fn judge<'a>(
    subject: &Subject<'_>,
    predecessor: &Predecessor,
    inputs: &ReceiptInputs<'a>,
    when: Signatures,
) -> Judged<'a> {
    let (structure, payload) = form(subject);
    let anchored = anchors::check(subject, inputs);
    let key = KeyAxes::of(subject, anchored.by, inputs, when);
    let verified_by = key
        .entry
        .filter(|_| key.signature.passed())
        .and_then(|entry| Some(VerifiedBy { public_key: entry.public_key()?, kid: entry.kid.as_deref() }));
    let (at, entry) = (inputs.at, key.entry);
    let acknowledging = match entry {
        Some(entry) => Acknowledging::By(acknowledging_kid(subject, entry)),
        None => Acknowledging::Unknown,
    };
    let findings = [
        structure,
        nonce::nonce(subject, inputs.nonces),
        nonce::seq(subject, predecessor),
        key.issuer_key,
        key.issuer_bind,
        key.key_status,
        key.signature,
        keys::key_binding(subject, entry),
        counterparty::check(subject, inputs.originating, acknowledging),
        digest::check(subject),
        outer::check(subject, verified_by),
        chain::check(subject, predecessor),
        anchored.finding,
        time::skew(subject, at),
        time::expiry(subject, at),
    ];
    let axes = Axis::ALL.into_iter().zip(findings).map(|(axis, finding)| finding.on(axis)).collect();
    Judged { axes, payload, entry, pending: key.pending }
}

/// Fifteen axes of something that has no signed payload to look at.
pub(super) fn unreadable(structure: Finding) -> Vec<AxisReport> {
    let skipped = || Finding::skip(ReasonCode::NoPayload, "there is no signed payload to look at");
    let rest = std::iter::repeat_with(skipped);
    let findings = std::iter::once(structure).chain(rest);
    Axis::ALL.into_iter().zip(findings).map(|(axis, finding)| finding.on(axis)).collect()
}

fn form(subject: &Subject<'_>) -> (Finding, Option<Payload>) {
    let structure = structure::check(subject);
    if !subject.is_ours() || !structure.passed() {
        return (structure, None);
    }
    match native::check(subject) {
        Ok(payload) => (structure, Some(payload)),
        Err(finding) => (finding, None),
    }
}

/// The four axes that need a pinned key.
struct KeyAxes<'a> {
    issuer_key: Finding,
    issuer_bind: Finding,
    key_status: Finding,
    signature: Finding,
    entry: Option<&'a KeyEntry>,
    pending: Option<Check<'a>>,
}

impl<'a> KeyAxes<'a> {
    fn of(
        subject: &Subject<'_>,
        anchored: Option<Timestamp>,
        inputs: &ReceiptInputs<'a>,
        when: Signatures,
    ) -> Self {
        let entries = match resolve::candidates(inputs.keys, subject) {
            Ok(entries) => entries,
            Err(issuer_key) => return Self::without(issuer_key),
        };
        let (entry, signature, pending) = match when {
            Signatures::Now => check_now(subject, &entries),
            Signatures::Later => check_later(subject, &entries),
        };
        let Some(entry) = entry else {
            return Self::without(keys::unpinned(inputs.keys, "this receipt's"));
        };
        Self {
            issuer_key: Finding::pass(format!("pinned key {:?}", entry.kid.as_deref().unwrap_or_default())),
            issuer_bind: keys::issuer_bind(subject, entry),
            key_status: keys::key_status(Use::of(subject, anchored), entry),
            signature,
            entry: Some(entry),
            pending,
        }
    }

    fn without(issuer_key: Finding) -> Self {
        let [issuer_bind, key_status, signature] = keys::unjudged();
        Self { issuer_key, issuer_bind, key_status, signature, entry: None, pending: None }
    }
}

type Checked<'a> = (Option<&'a KeyEntry>, Finding, Option<Check<'a>>);

/// Takes the first entry whose key verifies, else the first one.
fn check_now<'a>(subject: &Subject<'_>, entries: &[&'a KeyEntry]) -> Checked<'a> {
    let mut first = None;
    for entry in entries {
        let finding = signature::prepare(subject, entry)
            .map_or_else(|finding| finding, |check| check.run(&subject.message));
        if finding.passed() {
            return (Some(entry), finding, None);
        }
        first.get_or_insert((*entry, finding));
    }
    match first {
        Some((entry, finding)) => (Some(entry), finding, None),
        None => (None, Finding::skip(ReasonCode::SignatureUnchecked, "no pinned key to judge by"), None),
    }
}

fn check_later<'a>(subject: &Subject<'_>, entries: &[&'a KeyEntry]) -> Checked<'a> {
    let unchecked = || Finding::skip(ReasonCode::SignatureUnchecked, "the signature was not checked");
    let Some(entry) = entries.first().copied() else { return (None, unchecked(), None) };
    match signature::prepare(subject, entry) {
        Ok(check) => (Some(entry), unchecked(), Some(check)),
        Err(finding) => (Some(entry), finding, None),
    }
}

/// The `kid` on the wire, if it names the pinned key or its issuer.
fn acknowledging_kid<'s>(subject: &Subject<'s>, entry: &KeyEntry) -> Option<&'s str> {
    let kid = subject.signature.and_then(|signature| text(signature, "kid"))?;
    [&entry.kid, &entry.issuer_id].iter().any(|name| name.as_deref() == Some(kid)).then_some(kid)
}
