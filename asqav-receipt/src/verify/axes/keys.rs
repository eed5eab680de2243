//! `issuer_bind`, `key_status` and `key_binding`: what the pinned entry says
//! about the key that the signature is checked against.

use crate::digest::Sha256Digest;
use crate::id::LogId;
use crate::keys::{KeyEntry, KeySet, KeyStatus};
use crate::suite::ML_DSA_65;
use crate::time::Timestamp;
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::stamp;
use crate::verify::subject::{Layout, Subject, text};

/// What a signed object says about itself, as far as keys are concerned.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct Use<'a> {
    /// The claimed time of signing.
    pub(in crate::verify) signed_at: Option<Timestamp>,
    /// The time by which the signature is proven, from outside, to have existed.
    pub(in crate::verify) proven_by: Option<Timestamp>,
    /// The log.
    pub(in crate::verify) log_id: Option<&'a str>,
    /// The receipt's number.
    pub(in crate::verify) seq: Option<u64>,
}

impl<'a> Use<'a> {
    pub(in crate::verify) fn of(subject: &'a Subject<'_>, proven_by: Option<Timestamp>) -> Self {
        Self {
            proven_by,
            signed_at: subject.issued_at().and_then(stamp::read),
            log_id: subject.asqav().and_then(|asqav| text(asqav, "log_id")),
            seq: subject.seq(),
        }
    }
}

/// `issuer_key` where no pinned key is `whose`.
pub(in crate::verify) fn unpinned(keys: Option<&KeySet>, whose: &str) -> Finding {
    let note = match keys {
        Some(_) => format!("no pinned key is {whose}"),
        None => "no keys were pinned".to_owned(),
    };
    Finding::skip(ReasonCode::KeyNotPinned, note)
}

/// `issuer_bind`, `key_status` and `signature` where there is no key.
pub(in crate::verify) fn unjudged() -> [Finding; 3] {
    [ReasonCode::IssuerUnchecked, ReasonCode::KeyStatusUnknown, ReasonCode::SignatureUnchecked]
        .map(|reason| Finding::skip(reason, "no pinned key to judge by"))
}

/// Judges whether the key belongs to the claimed issuer and agent.
pub(in crate::verify) fn issuer_bind(subject: &Subject<'_>, entry: &KeyEntry) -> Finding {
    let bound = match subject.layout {
        Layout::Envelope => issuer(subject.text("issuer_id"), entry),
        Layout::Flat => organisation(subject.text("org_id"), entry),
    };
    bound.and_then(|note| agent(subject.text("agent_id"), entry).map(|()| note)).into()
}

fn issuer(claimed: Option<&str>, entry: &KeyEntry) -> Result<String, Finding> {
    match (claimed, entry.issuer_id.as_deref()) {
        (Some(claimed), Some(pinned)) if claimed == pinned && !claimed.is_empty() => {
            Ok(format!("the key is pinned for the claimed issuer {claimed:?}"))
        }
        (_, pinned) => Err(Finding::fail(
            ReasonCode::IssuerMismatch,
            format!("the key is pinned for {pinned:?}, the receipt claims {claimed:?}"),
        )),
    }
}

/// A flat receipt signs its organisation; the entry publishes it, or an issuer
/// that may be a mere label.
fn organisation(claimed: Option<&str>, entry: &KeyEntry) -> Result<String, Finding> {
    let Some(claimed) = claimed.filter(|claimed| !claimed.is_empty()) else {
        return Err(Finding::fail(ReasonCode::IssuerMismatch, "the receipt names no organisation"));
    };
    let published = [entry.org_id.as_deref(), entry.issuer_id.as_deref()];
    if published.into_iter().flatten().any(|published| same_organisation(published, claimed)) {
        return Ok(format!("the key is pinned for the claimed organisation {claimed:?}"));
    }
    if entry.org_id.is_none() && !entry.issuer_id.as_deref().is_some_and(is_uuid) {
        return Err(Finding::skip(
            ReasonCode::IssuerUnchecked,
            "the key's issuer is a label, which cannot be compared with an organisation",
        ));
    }
    Err(Finding::fail(
        ReasonCode::IssuerMismatch,
        format!("the key is not pinned for organisation {claimed:?}"),
    ))
}

fn agent(claimed: Option<&str>, entry: &KeyEntry) -> Result<(), Finding> {
    match entry.agent_id.as_deref() {
        Some(pinned) if claimed != Some(pinned) => Err(Finding::fail(
            ReasonCode::AgentMismatch,
            format!("the key is pinned for agent {pinned:?}, the receipt claims {claimed:?}"),
        )),
        _ => Ok(()),
    }
}

/// Case means nothing in the digits of a UUID, and everything elsewhere.
fn same_organisation(one: &str, other: &str) -> bool {
    one == other || (is_uuid(one) && is_uuid(other) && one.eq_ignore_ascii_case(other))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Judges whether the key was in force. The claimed time of a receipt cannot
/// vouch for itself: only time from outside places it before a revocation.
pub(in crate::verify) fn key_status(claim: Use<'_>, entry: &KeyEntry) -> Finding {
    if let Err(finding) = range(claim, entry) {
        return finding;
    }
    match &entry.status {
        KeyStatus::Active => Finding::pass("the key is active"),
        KeyStatus::Compromised => Finding::fail(ReasonCode::KeyRevoked, "the key was compromised"),
        KeyStatus::Revoked => revoked(claim, entry),
        KeyStatus::Retired => Finding::skip(
            ReasonCode::KeyRetired,
            "the key is retired; nothing proves that the receipt is older",
        ),
        status => {
            Finding::skip(ReasonCode::KeyStatusUnknown, format!("the key's status is unknown: {status:?}"))
        }
    }
}

fn range(claim: Use<'_>, entry: &KeyEntry) -> Result<(), Finding> {
    let outside =
        |what: &str| Err(Finding::fail(ReasonCode::KeyOutOfRange, format!("the key is not for this {what}")));
    if let Some(log_id) = entry.log_id
        && claim.log_id.and_then(|id| LogId::parse(id).ok()) != Some(log_id)
    {
        return outside("log");
    }
    if !in_range(claim.seq, entry) {
        return outside("sequence number");
    }
    Ok(())
}

/// Whether the key is for the receipt of this number.
pub(in crate::verify) fn in_range(seq: Option<u64>, entry: &KeyEntry) -> bool {
    let bounds = entry.from_seq.unwrap_or(0)..=entry.to_seq.unwrap_or(u64::MAX);
    let bounded = entry.from_seq.is_some() || entry.to_seq.is_some();
    !bounded || seq.is_some_and(|seq| bounds.contains(&seq))
}

fn revoked(claim: Use<'_>, entry: &KeyEntry) -> Finding {
    let times = [&entry.compromised_since, &entry.revoked_at];
    let mut since = None;
    for time in times.into_iter().flatten() {
        match time {
            Ok(time) => since = Some(since.map_or(*time, |since: Timestamp| since.min(*time))),
            Err(text) => {
                return Finding::fail(
                    ReasonCode::KeyRevoked,
                    format!("the key was revoked at an unreadable time {text:?}"),
                );
            }
        }
    }
    let compromised =
        entry.revocation_reason.as_deref().is_some_and(|reason| reason.eq_ignore_ascii_case("compromised"));
    // Of a compromise only its own time counts: it came before it was noticed.
    let known = entry.compromised_since.is_some() || !compromised;
    if let (Some(since), Some(proven), true) = (since, claim.proven_by, known)
        && proven < since
    {
        return Finding::pass(format!(
            "the key was revoked at {since}; the receipt is anchored at {proven}, before"
        ));
    }
    if compromised {
        return Finding::fail(ReasonCode::KeyRevoked, "the key was compromised");
    }
    match (since, claim.signed_at) {
        (Some(since), Some(signed_at)) if since > signed_at => Finding::skip(
            ReasonCode::KeyRevokedUnplaced,
            format!("the key was revoked at {since}; nothing but the receipt itself says that it is older"),
        ),
        (Some(since), _) => Finding::fail(ReasonCode::KeyRevoked, format!("the key was revoked at {since}")),
        (None, _) => {
            Finding::skip(ReasonCode::KeyRevokedUnplaced, "the key was revoked; the set does not say when")
        }
    }
}

/// Judges the signed `key_thumbprint` and, for receipts of ours, `kid`.
pub(in crate::verify) fn key_binding(subject: &Subject<'_>, entry: Option<&KeyEntry>) -> Finding {
    thumbprint(subject, entry).into()
}

fn thumbprint(subject: &Subject<'_>, entry: Option<&KeyEntry>) -> Result<String, Finding> {
    let claimed = match subject.payload().get("key_thumbprint") {
        None | Some(crate::json::Json::Null) if !subject.is_ours() => {
            return Ok("the receipt binds no key_thumbprint".to_owned());
        }
        None => return Err(Finding::fail(ReasonCode::MalformedThumbprint, "`key_thumbprint` is absent")),
        Some(value) => value.as_str().and_then(Sha256Digest::parse_tagged).ok_or_else(|| {
            Finding::fail(ReasonCode::MalformedThumbprint, "`key_thumbprint` is not sha256: and 64 digits")
        })?,
    };
    let unchecked = |note: &str| Finding::skip(ReasonCode::ThumbprintUnchecked, note);
    let entry = entry.ok_or_else(|| unchecked("no pinned key to compute the thumbprint of"))?;
    let key = entry.key().map_err(unchecked)?;
    if *key.suite() != ML_DSA_65 {
        return Err(unchecked("thumbprints are defined for ML-DSA keys here"));
    }
    if *key.thumbprint() != claimed {
        return Err(Finding::fail(ReasonCode::KeySubstituted, "the signed thumbprint is another key's"));
    }
    if subject.is_ours() && (subject.kid.is_none() || subject.kid != entry.kid.as_deref()) {
        let note = format!("`kid` is {:?}, the pinned key's is {:?}", subject.kid, entry.kid);
        return Err(Finding::fail(ReasonCode::KidMismatch, note));
    }
    Ok("the signed thumbprint is the pinned key's".to_owned())
}
