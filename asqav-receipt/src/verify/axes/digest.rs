//! `payload_digest`: the digests that members of a payload carry over others.

use crate::canonical;
use crate::digest::Sha256Digest;
use crate::json::{Json, Object};
use crate::payload::MAX_PAYLOAD_LEN;
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::{Subject, text};

/// Recomputes `payload_digest` and, for receipts of ours, `action_ref` and
/// `result_digest`, and holds the payload to its maximum length.
pub(in crate::verify) fn check(subject: &Subject<'_>) -> Finding {
    judge(subject).into()
}

fn judge(subject: &Subject<'_>) -> Result<String, Finding> {
    let note = payload_digest(subject)?;
    if !subject.is_ours() {
        return Ok(note);
    }
    if subject.message.len() > MAX_PAYLOAD_LEN {
        let note = format!("the canonical payload has {} bytes", subject.message.len());
        return Err(Finding::fail(ReasonCode::PayloadTooLong, note));
    }
    action_ref(subject.payload())?;
    result_digest(subject.payload())?;
    Ok(format!("{note}; action_ref and result_digest too"))
}

/// A receipt that carries both the context and its digest must agree with
/// itself; one that leaves the context out has nothing to recompute.
fn payload_digest(subject: &Subject<'_>) -> Result<String, Finding> {
    let Some(digest) = subject.payload().get("payload_digest").filter(|value| **value != Json::Null) else {
        if subject.is_ours() {
            return Err(Finding::fail(ReasonCode::MalformedDigest, "`payload_digest` is absent"));
        }
        return Ok("the receipt carries no payload_digest".to_owned());
    };
    let (hash, size) = digest_members(digest)?;
    let Some(context) = subject.payload().get("context").filter(|value| **value != Json::Null) else {
        if subject.is_ours() {
            return Err(Finding::fail(ReasonCode::PayloadDigestMismatch, "`context` is absent"));
        }
        return Ok("no context carried; nothing to recompute".to_owned());
    };
    if subject.is_keyed() {
        let note = "keyed digest: recomputing it needs the holder's key";
        return Err(Finding::skip(ReasonCode::PayloadDigestUnchecked, note));
    }
    let encoded = canonical::to_vec(context);
    if Sha256Digest::of(&encoded) != hash {
        return Err(mismatch("payload_digest.hash is not that of the context"));
    }
    if size.is_some_and(|size| usize::try_from(size) != Ok(encoded.len())) {
        return Err(mismatch("payload_digest.size is not that of the context"));
    }
    if size.is_none() && subject.is_ours() {
        return Err(Finding::fail(ReasonCode::MalformedDigest, "`payload_digest.size` is absent"));
    }
    Ok(format!("payload_digest is that of the context ({} bytes)", encoded.len()))
}

fn digest_members(digest: &Json) -> Result<(Sha256Digest, Option<i64>), Finding> {
    let malformed = |note: &str| Finding::fail(ReasonCode::MalformedDigest, note);
    let digest = digest.as_object().ok_or_else(|| malformed("`payload_digest` is not an object"))?;
    let hash = text(digest, "hash")
        .and_then(Sha256Digest::parse_hex)
        .ok_or_else(|| malformed("`payload_digest.hash` is not 64 lower-case hexadecimal digits"))?;
    let size = match digest.get("size") {
        None => None,
        Some(Json::Integer(size)) if *size >= 0 => Some(*size),
        Some(_) => return Err(malformed("`payload_digest.size` is not a count of bytes")),
    };
    Ok((hash, size))
}

fn action_ref(payload: &Object) -> Result<(), Finding> {
    let mut covered = Object::new();
    for name in ["action_type", "context"] {
        if let Some(value) = payload.get(name) {
            covered.set(name, value.clone());
        }
    }
    let wanted = Sha256Digest::of(&canonical::to_vec(&Json::Object(covered)));
    if text(payload, "action_ref").and_then(Sha256Digest::parse_tagged) == Some(wanted) {
        return Ok(());
    }
    Err(mismatch("action_ref is not that of action_type and context"))
}

/// Present exactly where the context holds a result.
fn result_digest(payload: &Object) -> Result<(), Finding> {
    let outcome = text(payload, "type") == Some("protectmcp:observation:result_bound");
    let result = payload.get("context").and_then(Json::as_object).and_then(|context| context.get("result"));
    let carried = payload.get("result_digest");
    match (result.filter(|_| outcome), carried) {
        (None, None) => Ok(()),
        (Some(result), Some(carried)) => {
            let wanted = Sha256Digest::of(&canonical::to_vec(result));
            if carried.as_str().and_then(Sha256Digest::parse_tagged) == Some(wanted) {
                return Ok(());
            }
            Err(mismatch("result_digest is not that of context.result"))
        }
        (Some(_), None) => Err(mismatch("result_digest is absent beside a result")),
        (None, Some(_)) => Err(mismatch("result_digest without a result")),
    }
}

fn mismatch(note: &str) -> Finding {
    Finding::fail(ReasonCode::PayloadDigestMismatch, note)
}
