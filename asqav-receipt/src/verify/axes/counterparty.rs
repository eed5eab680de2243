//! `counterparty`: a claim that somebody else acknowledged an envelope.

use crate::base64url;
use crate::canonical;
use crate::digest::Sha256Digest;
use crate::json::{Json, Object};
use crate::verify::MAX_ENVELOPE_LEN;
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::{Subject, ambiguous_number, text};

/// Who acknowledges, as far as pinned keys tell.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) enum Acknowledging<'a> {
    /// No pinned key was found.
    Unknown,
    /// The `kid` on the wire, if it names the pinned key or its issuer.
    By(Option<&'a str>),
}

/// Judges `counterparty_binding` against the originating envelope.
///
/// `acknowledging` is the `kid` on the wire, provided that it names the pinned
/// key or its issuer.
pub(in crate::verify) fn check(
    subject: &Subject<'_>,
    originating: Option<&[u8]>,
    acknowledging: Acknowledging<'_>,
) -> Finding {
    match subject.payload().get("counterparty_binding") {
        None => Finding::pass("no counterparty binding; the content is asserted by one side"),
        Some(Json::Object(binding)) => judge(binding, originating, acknowledging).into(),
        Some(_) => malformed("`counterparty_binding` is not an object"),
    }
}

fn judge(
    binding: &Object,
    originating: Option<&[u8]>,
    acknowledging: Acknowledging<'_>,
) -> Result<String, Finding> {
    scope(binding)?;
    let (reference, digest) = members(binding)?;
    let unresolved = |note: &str| Finding::skip(ReasonCode::CounterpartyUnresolved, note);
    let Some(originating) = originating else {
        return Err(unresolved("the originating envelope is not at hand"));
    };
    let actual =
        envelope_digest(originating).ok_or_else(|| unresolved("the originating envelope cannot be read"))?;
    if actual != digest {
        return Err(Finding::fail(
            ReasonCode::CounterpartyMismatch,
            "the binding commits to another envelope",
        ));
    }
    match (text(binding, "expect_ack_from"), acknowledging) {
        (None, _) => {}
        (Some(expected), Acknowledging::By(kid)) if kid == Some(expected) => {}
        (Some(_), Acknowledging::By(_)) => {
            return Err(Finding::fail(
                ReasonCode::CounterpartyKidMismatch,
                "the acknowledgment of another key is expected",
            ));
        }
        (Some(_), Acknowledging::Unknown) => {
            return Err(unresolved("no pinned key tells who acknowledges"));
        }
    }
    Ok(format!("commits to the given envelope of {reference:?}"))
}

fn scope(binding: &Object) -> Result<(), Finding> {
    let skip = |reason, note: &str| Err(Finding::skip(reason, note));
    match binding.get("scope") {
        None => {
            return skip(
                ReasonCode::CounterpartyLegacyScope,
                "the binding does not say what its digest covers",
            );
        }
        Some(Json::String(scope)) if scope == "envelope_minus_anchors" => {}
        Some(_) => return skip(ReasonCode::CounterpartyUnknownScope, "the digest's scope is unknown here"),
    }
    let declared = |name| binding.get(name).is_some_and(|value| *value != Json::Null);
    if declared("profile_version") || binding.get("terms").is_some() || binding.get("terms_digest").is_some()
    {
        return skip(ReasonCode::CounterpartyProfile, "the binding's profile is unknown here");
    }
    Ok(())
}

fn members(binding: &Object) -> Result<(&str, Sha256Digest), Finding> {
    let member = |name: &str| {
        text(binding, name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| malformed(&format!("`counterparty_binding.{name}` is not a text")))
    };
    let reference = member("receipt_ref")?;
    let digest = base64url::decode_any(member("envelope_hash")?)
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .map(Sha256Digest::from_bytes)
        .ok_or_else(|| malformed("`counterparty_binding.envelope_hash` is not a SHA-256 in base64"))?;
    for name in ["expect_ack_from", "transport_label"] {
        if !matches!(binding.get(name), None | Some(Json::Null | Json::String(_))) {
            return Err(malformed(&format!("`counterparty_binding.{name}` is not a text")));
        }
    }
    Ok((reference, digest))
}

/// SHA-256 over payload and signature object; whatever else stands in the
/// envelope is not committed to.
fn envelope_digest(bytes: &[u8]) -> Option<Sha256Digest> {
    let Ok(Json::Object(envelope)) = Json::parse_within(bytes, MAX_ENVELOPE_LEN) else { return None };
    let payload = envelope.get("payload")?.as_object()?;
    let signature = envelope.get("signature")?.as_object()?;
    if ["alg", "kid", "sig"].iter().any(|name| text(signature, name).is_none_or(str::is_empty)) {
        return None;
    }
    let mut covered = Object::new();
    covered.set("payload", payload.clone());
    covered.set("signature", signature.clone());
    let covered = Json::Object(covered);
    if ambiguous_number(&covered).is_some() {
        return None;
    }
    Some(Sha256Digest::of(&canonical::to_vec(&covered)))
}

fn malformed(note: &str) -> Finding {
    Finding::fail(ReasonCode::CounterpartyMalformed, note)
}
