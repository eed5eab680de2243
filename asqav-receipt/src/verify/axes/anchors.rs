//! `anchors`: time proven from outside.
//!
//! The presence of an anchor proves nothing, and neither does its own word
//! that it is `pending`. The axis passes if every anchor is proven by trust
//! that the caller gave.

use crate::base64url;
use crate::json::{Json, Object};
use crate::time::Timestamp;
use crate::verify::finding::Finding;
use crate::verify::input::ReceiptInputs;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::{Subject, text};

/// What anchors show.
pub(in crate::verify) struct Anchored {
    /// The axis.
    pub(in crate::verify) finding: Finding,
    /// The earliest time by which the receipt is proven to have existed.
    pub(in crate::verify) by: Option<Timestamp>,
}

impl From<Finding> for Anchored {
    fn from(finding: Finding) -> Self {
        Self { finding, by: None }
    }
}

/// Judges the member `anchors`.
pub(in crate::verify) fn check(subject: &Subject<'_>, inputs: &ReceiptInputs<'_>) -> Anchored {
    let entries = match subject.raw.get("anchors") {
        None | Some(Json::Null) => return none().into(),
        Some(Json::Array(entries)) if entries.is_empty() => return none().into(),
        Some(Json::Array(entries)) => entries,
        Some(_) => return Finding::fail(ReasonCode::MalformedAnchor, "`anchors` is not an array").into(),
    };
    if entries.len() > MAX_ANCHORS {
        let note = format!("more than {MAX_ANCHORS} anchors");
        return Finding::skip(ReasonCode::AnchorUnchecked, note).into();
    }
    let mut read = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        match Entry::read(entry) {
            Some(entry) => read.push(entry),
            None => {
                let note = format!("anchor {at} has no readable value");
                return Finding::fail(ReasonCode::MalformedAnchor, note).into();
            }
        }
    }
    evaluate(&read, subject, inputs)
}

/// The axis of a receipt that has no anchor.
pub(in crate::verify) fn none() -> Finding {
    Finding::skip(ReasonCode::NotAnchored, "no anchors on this receipt")
}

/// A receipt has at most this many anchors.
const MAX_ANCHORS: usize = 16;

/// An anchor, decoded.
struct Entry<'a> {
    #[cfg_attr(not(feature = "anchors"), expect(dead_code, reason = "nothing is evaluated"))]
    object: &'a Object,
    #[cfg_attr(not(feature = "anchors"), expect(dead_code, reason = "nothing is evaluated"))]
    value: Vec<u8>,
}

impl<'a> Entry<'a> {
    fn read(entry: &'a Json) -> Option<Self> {
        let object = entry.as_object()?;
        let value = text(object, "value").and_then(base64url::decode_any)?;
        (!value.is_empty()).then_some(Self { object, value })
    }
}

#[cfg(not(feature = "anchors"))]
fn evaluate(entries: &[Entry<'_>], _: &Subject<'_>, _: &ReceiptInputs<'_>) -> Anchored {
    let note = format!("{} anchors present; evaluating them is left out of this build", entries.len());
    Finding::skip(ReasonCode::AnchorUnchecked, note).into()
}

#[cfg(feature = "anchors")]
use proof::evaluate;

#[cfg(feature = "anchors")]
mod proof {
    use super::{Anchored, Entry};
    use crate::anchor::{self, Outcome};
    use crate::base64url;
    use crate::canonical;
    use crate::digest::Sha256Digest;
    use crate::json::{Json, Object};
    use crate::time::Timestamp;
    use crate::verify::finding::Finding;
    use crate::verify::input::ReceiptInputs;
    use crate::verify::reason::ReasonCode;
    use crate::verify::stamp;
    use crate::verify::subject::{Subject, text};

    /// A time-stamp may differ this much from the clock of issuer or verifier.
    const SKEW_SECONDS: f64 = 300.0;

    pub(super) fn evaluate(
        entries: &[Entry<'_>],
        subject: &Subject<'_>,
        inputs: &ReceiptInputs<'_>,
    ) -> Anchored {
        let spellings = anchored(subject);
        if spellings.is_empty() {
            return Finding::skip(ReasonCode::AnchorUnchecked, "a flat receipt has no envelope to anchor")
                .into();
        }
        let (mut by, mut notes) = (None, Vec::new());
        let (mut refuted, mut unchecked) = (None, false);
        for entry in entries {
            match entry.outcome(&spellings, inputs) {
                Outcome::Proven { at, note } => match out_of_bounds(at, subject, inputs) {
                    Some(why) => {
                        refuted.get_or_insert(ReasonCode::AnchorOutOfBounds);
                        notes.push(why);
                    }
                    None => {
                        by = Some(by.map_or(at, |before: Timestamp| before.min(at)));
                        notes.push(note);
                    }
                },
                Outcome::Refuted(why) => {
                    refuted.get_or_insert(ReasonCode::AnchorInvalid);
                    notes.push(why);
                }
                Outcome::Unchecked(why) => {
                    unchecked = true;
                    notes.push(why);
                }
            }
        }
        let note = notes.join("; ");
        let finding = match refuted {
            Some(reason) => Finding::fail(reason, note),
            None if unchecked => Finding::skip(ReasonCode::AnchorUnchecked, note),
            None => Finding::pass(note),
        };
        Anchored { finding, by }
    }

    impl Entry<'_> {
        fn outcome(&self, spellings: &[Vec<u8>], inputs: &ReceiptInputs<'_>) -> Outcome {
            let status = text(self.object, "status");
            if let Some(status @ ("pending" | "failed")) = status {
                return Outcome::Unchecked(format!("an anchor is {status}"));
            }
            let check = |message: &Vec<u8>| match text(self.object, "type") {
                Some("rfc3161") => anchor::check_token(&self.value, message, inputs.tsa_keys),
                Some("rfc4998") => anchor::check_evidence(&self.value, message, inputs.tsa_keys),
                Some("opentimestamps") => {
                    anchor::check_ots(&self.value, &Sha256Digest::of(message), inputs.block_headers)
                }
                _ => Outcome::Unchecked("an anchor of a kind that is not known here".to_owned()),
            };
            let mut outcomes = spellings.iter().map(check);
            let first = outcomes.next().unwrap_or_else(|| Outcome::Unchecked(String::new()));
            match first {
                Outcome::Refuted(_) => {
                    outcomes.find(|other| !matches!(other, Outcome::Refuted(_))).unwrap_or(first)
                }
                first => first,
            }
        }
    }

    /// canonical(`{payload, signature}`); of receipts that others wrote also
    /// with `sig` in the other base64 alphabet, which exports change.
    fn anchored(subject: &Subject<'_>) -> Vec<Vec<u8>> {
        let (Some(payload), Some(signature)) = (subject.raw.get("payload"), subject.signature) else {
            return vec![];
        };
        let envelope = |signature: &Object| {
            let mut object = Object::new();
            object.set("payload", payload.clone());
            object.set("signature", signature.clone());
            canonical::to_vec(&Json::Object(object))
        };
        let mut spellings = vec![envelope(signature)];
        if !subject.is_ours()
            && let Some(sig) = text(signature, "sig").and_then(respelled)
        {
            let mut other = signature.clone();
            other.set("sig", sig);
            spellings.push(envelope(&other));
        }
        spellings
    }

    /// The same bytes in the other alphabet, padded as before; `None` if that
    /// is the same text.
    fn respelled(sig: &str) -> Option<String> {
        let bytes = base64url::decode_any(sig)?;
        let url = sig.contains(['-', '_']);
        let other = if url { base64url::encode_standard(&bytes) } else { base64url::encode(&bytes) };
        let bare = other.trim_end_matches('=');
        let padding = if sig.ends_with('=') { other.len() - bare.len() } else { 0 };
        let other = format!("{bare}{}", "=".repeat(padding));
        (other != sig).then_some(other)
    }

    fn out_of_bounds(at: Timestamp, subject: &Subject<'_>, inputs: &ReceiptInputs<'_>) -> Option<String> {
        if let Some(issued) = subject.issued_at().and_then(stamp::read)
            && issued.seconds_since(at) > SKEW_SECONDS
        {
            return Some(format!("anchored {at}, before the receipt says it was issued"));
        }
        if let Some(now) = inputs.at
            && at.seconds_since(now) > SKEW_SECONDS
        {
            return Some(format!("anchored {at}, which is in the future"));
        }
        None
    }
}
