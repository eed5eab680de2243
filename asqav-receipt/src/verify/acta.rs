//! Receipts of the parent draft (draft-farley-acta-signed-receipts): Ed25519
//! over the canonical payload, `sig` in hexadecimal digits, the issuer's name
//! as `kid`, and a link over the whole predecessor instead of its payload.

use super::axes::signature::{Check, Over};
use super::axes::{anchors, counterparty, digest, keys, nonce, outer, time};
use super::finding::Finding;
use super::input::ReceiptInputs;
use super::reason::ReasonCode;
use super::report::{Axis, Report, SubjectFacts};
use super::subject::{Subject, ambiguous_number};
use super::{MAX_ENVELOPE_LEN, stamp};
use crate::canonical;
use crate::digest::{Sha256Digest, decode_hex};
use crate::json::{Json, Object};
use crate::keys::{KeyEntry, KeyStatus};
use crate::suite::ED25519;
use crate::time::Timestamp;

/// The one spelling that `signature.canonicalization` may have.
const CANONICALIZATION: &str = "RFC8785-JCS";

/// The format's name in reports.
pub(super) const NAME: &str = "acta";

/// Judges a receipt that was recognised by its form.
pub(super) fn verify(raw: &Object, inputs: &ReceiptInputs<'_>) -> Report {
    let subject = match Subject::enveloped(raw) {
        Ok(subject) => subject,
        Err(finding) => return super::unreadable(finding, NAME, inputs),
    };
    let anchored = anchors::check(&subject, inputs);
    let key = Key::of(&subject, anchored.by, inputs);
    let verified_by = key.entry.filter(|_| key.signature.passed());
    let verified_by = verified_by.and_then(|entry| {
        Some(outer::VerifiedBy { public_key: entry.public_key()?, kid: entry.kid.as_deref() })
    });
    let acknowledging = match key.entry {
        Some(_) => counterparty::Acknowledging::By(subject.kid),
        None => counterparty::Acknowledging::Unknown,
    };
    let facts = facts(&subject, key.entry);
    let findings = [
        structure(&subject).into(),
        nonce::nonce(&subject, inputs.nonces),
        Finding::pass("not part of a counted series"),
        key.issuer_key,
        key.issuer_bind,
        key.key_status,
        key.signature,
        key.key_binding,
        counterparty::check(&subject, inputs.originating, acknowledging),
        digest::check(&subject),
        outer::check(&subject, verified_by),
        link(&subject, inputs.predecessor).into(),
        anchored.finding,
        time::skew(&subject, inputs.at),
        time::expiry(&subject, inputs.at),
    ];
    let axes = Axis::ALL.into_iter().zip(findings).map(|(axis, finding)| finding.on(axis)).collect();
    super::fold(axes, facts, subject.is_keyed(), inputs)
}

fn facts(subject: &Subject<'_>, entry: Option<&KeyEntry>) -> SubjectFacts {
    let owned = |name| subject.text(name).map(str::to_owned);
    SubjectFacts {
        format: NAME,
        seq: None,
        action_id: owned("action_id"),
        issuer_id: issuer(subject).map(str::to_owned),
        nonce: owned("nonce"),
        kid: subject.kid.map(str::to_owned),
        alg: subject.alg.map(str::to_owned),
        payload_sha256: Some(Sha256Digest::of(&subject.message)),
        pinned_kid: entry.and_then(|entry| entry.kid.clone()),
    }
}

/// Both names are in use.
fn issuer<'a>(subject: &'a Subject<'_>) -> Option<&'a str> {
    subject.text("issuer_id").or_else(|| subject.text("issuer"))
}

fn structure(subject: &Subject<'_>) -> Result<String, Finding> {
    if let Some(number) = ambiguous_number(subject.signed()) {
        let note = format!("{number} has more than one spelling in canonical JSON as others write it");
        return Err(Finding::skip(ReasonCode::NumberRange, note));
    }
    let given = subject.signature.and_then(|signature| signature.get("canonicalization"));
    if given.is_some_and(|given| given.as_str() != Some(CANONICALIZATION)) {
        return Err(Finding::skip(
            ReasonCode::FormatNotSupported,
            format!("canonicalization other than {CANONICALIZATION}"),
        ));
    }
    if subject.text("issuer_id").is_some()
        && subject.text("issuer").is_some_and(|name| Some(name) != issuer(subject))
    {
        return Err(Finding::fail(ReasonCode::IssuerMismatch, "`issuer` and `issuer_id` name two issuers"));
    }
    if subject.issued_at().and_then(stamp::read).is_none() {
        return Err(Finding::fail(ReasonCode::MalformedMember, "`issued_at` is absent or no time"));
    }
    Ok("an envelope of the parent draft; the meaning of its type is not judged".to_owned())
}

/// The axes that rest on a pinned key.
struct Key<'a> {
    issuer_key: Finding,
    issuer_bind: Finding,
    key_status: Finding,
    signature: Finding,
    key_binding: Finding,
    entry: Option<&'a KeyEntry>,
}

impl<'a> Key<'a> {
    /// By the exact `kid`: the draft knows no other way.
    fn of(subject: &Subject<'_>, anchored: Option<Timestamp>, inputs: &ReceiptInputs<'a>) -> Self {
        let named = |entry: &&KeyEntry| subject.kid.is_some() && entry.kid.as_deref() == subject.kid;
        let entry = inputs
            .keys
            .and_then(|keys| keys.entries().iter().filter(named).find(|entry| entry.key().is_ok()));
        let Some(entry) = entry else { return Self::without(inputs) };
        Self {
            issuer_key: Finding::pass(format!("pinned key {:?}", entry.kid.as_deref().unwrap_or_default())),
            issuer_bind: bind(subject, entry).into(),
            key_status: match entry.status {
                KeyStatus::Absent => Finding::pass("the key set states no status"),
                _ => keys::key_status(keys::Use::of(subject, anchored), entry),
            },
            signature: signature(subject, entry).unwrap_or_else(|finding| finding),
            key_binding: binding(subject, entry),
            entry: Some(entry),
        }
    }

    fn without(inputs: &ReceiptInputs<'_>) -> Self {
        let [issuer_bind, key_status, signature] = keys::unjudged();
        Self {
            issuer_key: keys::unpinned(inputs.keys, "this receipt's"),
            issuer_bind,
            key_status,
            signature,
            key_binding: Finding::skip(ReasonCode::ThumbprintUnchecked, "no pinned key to compare with"),
            entry: None,
        }
    }
}

/// `kid` names the issuer, and so must the signed payload.
fn bind(subject: &Subject<'_>, entry: &KeyEntry) -> Result<String, Finding> {
    let claimed = issuer(subject);
    let published = entry.issuer_id.as_deref().or(entry.kid.as_deref());
    if claimed.is_none() || claimed != subject.kid || claimed != published {
        return Err(Finding::fail(
            ReasonCode::IssuerMismatch,
            format!("the key is pinned for {published:?}, the receipt claims {claimed:?}"),
        ));
    }
    if entry.agent_id.is_some() && entry.agent_id.as_deref() != subject.text("agent_id") {
        let note = format!("the key is pinned for agent {:?}", entry.agent_id);
        return Err(Finding::fail(ReasonCode::AgentMismatch, note));
    }
    Ok(format!("the key is pinned for the claimed issuer {:?}", claimed.unwrap_or_default()))
}

fn signature(subject: &Subject<'_>, entry: &KeyEntry) -> Result<Finding, Finding> {
    let key = entry.key().map_err(|why| Finding::skip(ReasonCode::SignatureUnchecked, why))?;
    if *key.suite() != ED25519 {
        let note = format!("`alg` is {:?}, the key's is {}", subject.alg, key.suite().name);
        return Err(Finding::fail(ReasonCode::AlgorithmMismatch, note));
    }
    let signature = subject.sig.and_then(decode_hex::<64>).ok_or_else(|| {
        Finding::fail(ReasonCode::SignatureEncoding, "there is no signature in lower-case hexadecimal digits")
    })?;
    Ok(Check { key, signature: signature.to_vec(), over: Over::Payload }.run(&subject.message))
}

/// A key inside the signature is never used; it may not be another one either.
fn binding(subject: &Subject<'_>, entry: &KeyEntry) -> Finding {
    if subject.payload().get("key_thumbprint").is_some_and(|value| *value != Json::Null) {
        return keys::key_binding(subject, Some(entry));
    }
    match subject.signature.and_then(|signature| signature.get("pubkey")) {
        None | Some(Json::Null) => Finding::pass("the receipt binds no key_thumbprint"),
        Some(given)
            if given.as_str().and_then(decode_hex::<32>).as_ref().map(<[_; 32]>::as_slice)
                == entry.public_key() =>
        {
            Finding::pass("the key beside the signature, not signed, is the pinned one")
        }
        Some(_) => Finding::fail(ReasonCode::KeySubstituted, "the key beside the signature is another one"),
    }
}

/// `previousReceiptHash`, bare or behind `sha256:`: SHA-256 of the canonical
/// predecessor, signature included.
fn link(subject: &Subject<'_>, predecessor: Option<&[u8]>) -> Result<String, Finding> {
    let carried = match subject.payload().get("previousReceiptHash") {
        None | Some(Json::Null) if predecessor.is_none() => {
            return Ok("first receipt of its chain".to_owned());
        }
        None | Some(Json::Null) => {
            let note = "the receipt carries no link to the given predecessor";
            return Err(Finding::fail(ReasonCode::ChainBreak, note));
        }
        Some(value) => value
            .as_str()
            .and_then(|text| Sha256Digest::parse_hex(text.strip_prefix("sha256:").unwrap_or(text)))
            .ok_or_else(|| Finding::fail(ReasonCode::MalformedLink, "`previousReceiptHash` is malformed"))?,
    };
    let Some(predecessor) = predecessor else {
        return Err(Finding::skip(ReasonCode::PredecessorMissing, "the predecessor is not at hand"));
    };
    let unreadable = |why: String| Finding::skip(ReasonCode::PredecessorUnreadable, why);
    let predecessor = Json::parse_within(predecessor, MAX_ENVELOPE_LEN)
        .map_err(|error| unreadable(format!("the predecessor cannot be read: {error}")))?;
    if ambiguous_number(&predecessor).is_some() {
        return Err(unreadable("the predecessor holds a number with more than one spelling".to_owned()));
    }
    if Sha256Digest::of(&canonical::to_vec(&predecessor)) != carried {
        return Err(Finding::fail(
            ReasonCode::ChainBreak,
            "`previousReceiptHash` is not the SHA-256 of the whole predecessor",
        ));
    }
    Ok("links to the whole predecessor".to_owned())
}
