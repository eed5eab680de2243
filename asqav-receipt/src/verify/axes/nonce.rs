//! `nonce` and `seq`: no receipt twice, none left out in between.

use super::chain::Predecessor;
use crate::digest::Sha256Digest;
use crate::json::Json;
use crate::verify::finding::Finding;
use crate::verify::input::NonceIndex;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::Subject;

/// Judges `nonce` against the nonces seen before.
pub(in crate::verify) fn nonce(subject: &Subject<'_>, index: Option<&NonceIndex>) -> Finding {
    let nonce = match subject.payload().get("nonce") {
        None | Some(Json::Null) => return Finding::pass("declares no nonce"),
        Some(Json::String(nonce)) if nonce.is_empty() => return Finding::pass("declares no nonce"),
        Some(Json::String(nonce)) => nonce,
        Some(_) => return Finding::fail(ReasonCode::MalformedMember, "`nonce` is not a string"),
    };
    let Some(index) = index else { return Finding::pass("nonce present; no nonces seen before were given") };
    let issuer = subject.text("issuer_id").unwrap_or_default();
    match index.first_use(issuer, nonce) {
        None => Finding::pass("nonce not seen before"),
        Some(first) if first == Sha256Digest::of(&subject.message) => {
            Finding::pass("the same receipt as before")
        }
        Some(_) => Finding::fail(ReasonCode::DuplicateNonce, "another receipt of this issuer has this nonce"),
    }
}

/// Judges `seq` against the predecessor's.
pub(in crate::verify) fn seq(subject: &Subject<'_>, predecessor: &Predecessor) -> Finding {
    let seq = match subject.payload().get("seq") {
        None => return absent(predecessor),
        Some(Json::Integer(seq)) if *seq >= 1 => *seq,
        Some(_) => return Finding::fail(ReasonCode::MalformedSeq, "`seq` is not a positive integer"),
    };
    let before = match predecessor {
        Predecessor::Known { seq, .. } => seq.as_ref(),
        Predecessor::Start => Some(&0),
        Predecessor::Missing | Predecessor::Unreadable(_) => None,
    };
    let Some(before) = before else {
        return Finding::pass(format!("seq {seq}; no predecessor's to compare with"));
    };
    match seq.checked_sub(*before) {
        Some(1) => Finding::pass(format!("seq {seq} follows {before}")),
        Some(gap) if gap > 1 => Finding::fail(
            ReasonCode::SeqGap,
            format!("{} receipts missing between {before} and {seq}", gap - 1),
        ),
        _ => Finding::fail(ReasonCode::SeqNotMonotonic, format!("seq {seq} does not follow {before}")),
    }
}

fn absent(predecessor: &Predecessor) -> Finding {
    match predecessor {
        Predecessor::Known { seq: Some(before), .. } => Finding::fail(
            ReasonCode::SeqNotMonotonic,
            format!("no seq, although the predecessor has {before}"),
        ),
        _ => Finding::pass("not part of a counted series"),
    }
}
