//! `outer_copies`: unsigned members that repeat signed ones.
//!
//! An export may restate agent, action, time, signature and key beside the
//! signed payload. No signature covers a copy, so each is compared with what
//! it restates, and whatever restates nothing is listed as not signed.

use std::collections::BTreeMap;

use crate::base64url::decode_any;
use crate::canonical;
use crate::digest::Sha256Digest;
use crate::json::{Json, Object};
use crate::verify::axes::time::same_instant;
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::stamp;
use crate::verify::subject::{FLAT_SIGNED, Layout, Subject};

/// Text members of an export, and the signed member that each restates.
const TEXT_COPIES: [(&str, &str); 5] = [
    ("agent_id", "agent_id"),
    ("action_id", "action_id"),
    ("action_type", "action_type"),
    ("receipt_type", "type"),
    ("supersedes", "supersedes"),
];

/// Export members without a signed counterpart.
const UNATTESTED: [&str; 6] = [
    "signature_id",
    "capture_topology",
    "stale_pending",
    "corrupted",
    "corruption_message",
    "signed_bytes_withheld",
];

/// Export members that are compared one by one; any other is compared by name.
const KNOWN: [&str; 12] = [
    "payload",
    "signature",
    "signature_envelope",
    "anchors",
    "algorithm",
    "signed_at",
    "compliance_mode",
    "signature_b64",
    "public_key_b64",
    "message_b64",
    "message_sha256",
    "receipt_type",
];

/// A note names at most this many members.
const MAX_LISTED: usize = 32;

/// What an export writes over a signed value that it withholds.
const WITHHELD: &str = "withheld: re-export with include_signed_bytes=true for the signed bytes";

/// The pinned key under which the signature verified.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct VerifiedBy<'a> {
    /// Its bytes.
    pub(in crate::verify) public_key: &'a [u8],
    /// Its id.
    pub(in crate::verify) kid: Option<&'a str>,
}

/// Compares every copy; `key` is the key that verified, if one did.
pub(in crate::verify) fn check(subject: &Subject<'_>, key: Option<VerifiedBy<'_>>) -> Finding {
    if subject.layout == Layout::Flat {
        return flat(subject, key);
    }
    let copies = Copies::of(subject, key);
    if !copies.wrong.is_empty() {
        let note = format!("disagree with what is signed: {}", listed(&copies.wrong));
        return Finding::fail(ReasonCode::OuterCopyMismatch, note);
    }
    let mut notes = Vec::new();
    if !copies.right.is_empty() {
        notes.push(format!("agree with what is signed: {}", listed(&copies.right)));
    }
    if !copies.unsigned.is_empty() {
        notes.push(format!("not signed: {}", listed(&copies.unsigned)));
    }
    Finding::pass(if notes.is_empty() { "no outer copies".to_owned() } else { notes.join("; ") })
}

/// The members of an export by how they compare.
#[derive(Default)]
struct Copies {
    right: Vec<String>,
    wrong: Vec<String>,
    unsigned: Vec<String>,
}

impl Copies {
    fn of(subject: &Subject<'_>, key: Option<VerifiedBy<'_>>) -> Self {
        let mut copies = Self::default();
        copies.texts(subject);
        copies.time(subject);
        copies.signature(subject);
        copies.bytes(subject, key);
        if let Some(value) = subject.raw.get("compliance_mode") {
            copies.add("compliance_mode", Some(*value == Json::Bool(true)));
        }
        copies.strays(subject);
        copies
    }

    /// `None`: nothing signed to compare it with.
    fn add(&mut self, name: &str, agrees: Option<bool>) {
        let list = match agrees {
            Some(true) => &mut self.right,
            Some(false) => &mut self.wrong,
            None => &mut self.unsigned,
        };
        list.push(name.to_owned());
    }

    fn texts(&mut self, subject: &Subject<'_>) {
        for (outer, signed) in TEXT_COPIES {
            if let Some(copy) = present(subject.raw, outer) {
                self.add(outer, twin(subject, signed).map(|twin| copy.as_str().is_some() && copy == twin));
            }
        }
    }

    /// `signed_at` restates `issued_at`, or the observed time of an observation.
    fn time(&mut self, subject: &Subject<'_>) {
        let Some(copy) = present(subject.raw, "signed_at") else { return };
        let observation = subject.text("type") == Some("protectmcp:observation");
        let context = subject.payload().get("context").and_then(Json::as_object).filter(|_| observation);
        let observed = context.and_then(|context| context.get("ts"));
        let signed: Vec<_> = [twin(subject, "issued_at"), observed].into_iter().flatten().collect();
        let agrees = signed.iter().any(|signed| same_instant(copy, signed));
        let unreadable = observation && observed.and_then(Json::as_str).and_then(stamp::read).is_none();
        self.add("signed_at", (agrees || !(signed.is_empty() || unreadable)).then_some(agrees));
    }

    fn signature(&mut self, subject: &Subject<'_>) {
        let signed = subject.sig.and_then(decode_any);
        if let Some(copy) = present(subject.raw, "algorithm") {
            self.add("algorithm", subject.alg.map(|alg| copy.as_str() == Some(alg)));
        }
        for name in ["signature_b64", "signature"] {
            if let Some(copy) = present(subject.raw, name).filter(|copy| copy.as_object().is_none()) {
                self.add(name, signed.as_ref().map(|signed| is_base64_of(copy, signed)));
            }
        }
        if let Some(copy) = present(subject.raw, "signature_envelope") {
            let signature = subject.signature.map(|signature| Json::Object(signature.clone()));
            self.add("signature_envelope", signature.map(|signature| same_json(copy, &signature)));
        }
    }

    /// Digest and key are compared only with a signature that verified: before
    /// that, a difference proves nothing.
    fn bytes(&mut self, subject: &Subject<'_>, key: Option<VerifiedBy<'_>>) {
        if let Some(copy) = present(subject.raw, "message_b64") {
            self.add("message_b64", Some(is_base64_of(copy, &subject.message)));
        }
        if let Some(copy) = present(subject.raw, "message_sha256") {
            let wanted = Sha256Digest::of(&subject.message).to_hex();
            self.add("message_sha256", key.map(|_| copy.as_str() == Some(&wanted)));
        }
        if let Some(copy) = present(subject.raw, "public_key_b64") {
            self.add("public_key_b64", key.map(|key| is_base64_of(copy, key.public_key)));
        }
    }

    /// Any other member must equal the signed one of its name, if there is one.
    fn strays(&mut self, subject: &Subject<'_>) {
        // Looked up by name: an export may have as many members as its length allows.
        let signed: BTreeMap<_, _> = subject.payload().iter().collect();
        let handled =
            |name: &str| KNOWN.contains(&name) || TEXT_COPIES.iter().any(|(outer, _)| *outer == name);
        for (name, value) in subject.raw.iter().filter(|(name, _)| !handled(name)) {
            if UNATTESTED.contains(&name) {
                self.add(name, None);
            } else if *value != Json::Null {
                self.add(name, stray(&signed, name, value));
            }
        }
        let extras = subject.signature.into_iter().flat_map(Object::iter);
        for (name, value) in extras.filter(|(name, _)| !["alg", "kid", "sig"].contains(name)) {
            if *value != Json::Null {
                self.add(&format!("signature.{name}"), stray(&signed, name, value));
            }
        }
    }
}

fn stray(signed: &BTreeMap<&str, &Json>, name: &str, value: &Json) -> Option<bool> {
    // Hosted responses are of the type "signature", which no receipt is.
    if name == "type" && value.as_str() == Some("signature") {
        return None;
    }
    let twin = signed.get(name).filter(|twin| is_attested(twin))?;
    Some(same_json(value, twin))
}

/// A flat receipt signs its own members; the others are listed.
fn flat(subject: &Subject<'_>, key: Option<VerifiedBy<'_>>) -> Finding {
    let bound = |name: &str, value: &Json| match name {
        "anchors" | "algorithm" => true,
        "signature_b64" | "signature" => match subject.sig.and_then(decode_any) {
            Some(signed) => is_base64_of(value, &signed),
            None => false,
        },
        "key_id" => key.is_some_and(|key| key.kid.is_some() && value.as_str() == key.kid),
        _ => FLAT_SIGNED.contains(&name),
    };
    let unsigned: Vec<_> = subject
        .raw
        .iter()
        .filter(|(name, value)| **value != Json::Null && !bound(name, value))
        .map(|(name, _)| name)
        .collect();
    if unsigned.is_empty() {
        return Finding::pass("no outer copies");
    }
    Finding::pass(format!("not signed: {}", listed(&unsigned)))
}

fn present<'a>(object: &'a Object, name: &str) -> Option<&'a Json> {
    object.get(name).filter(|value| **value != Json::Null)
}

/// The signed member, unless the export withholds its value.
fn twin<'a>(subject: &'a Subject<'_>, name: &str) -> Option<&'a Json> {
    subject.payload().get(name).filter(|twin| is_attested(twin))
}

fn is_attested(signed: &Json) -> bool {
    *signed != Json::Null && signed.as_str() != Some(WITHHELD)
}

/// The names in one line, so many that a reader still reads them.
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let shown: Vec<_> = names.iter().take(MAX_LISTED).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MAX_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn is_base64_of(copy: &Json, bytes: &[u8]) -> bool {
    copy.as_str().and_then(decode_any).is_some_and(|copy| copy == bytes)
}

fn same_json(one: &Json, other: &Json) -> bool {
    canonical::to_vec(one) == canonical::to_vec(other)
}
