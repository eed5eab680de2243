//! The receipt under verification: which format it has, what it signs, what
//! surrounds it.

use std::borrow::Cow;

use super::finding::Finding;
use super::reason::ReasonCode;
use crate::canonical;
use crate::json::{Json, JsonErrorKind, MAX_INTEGER, Object};

/// The members that a flat hash-mode receipt signs; all others are framing.
pub(super) const FLAT_SIGNED: [&str; 11] = [
    "v",
    "mode",
    "hash",
    "hash_algo",
    "metadata",
    "server_timestamp",
    "action_id",
    "agent_id",
    "org_id",
    "policy_digest",
    "policy_decision",
];

/// What a receipt of another issuer is signed with if it does not say.
const DEFAULT_ALG: &str = "ML-DSA-65";

/// How the receipt is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A signed payload object, with the signature beside it.
    Envelope,
    /// A flat hash-mode receipt: eleven of its own members are signed.
    Flat,
}

/// A receipt whose signed bytes are known.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// Everything as it was received.
    pub(super) raw: &'a Object,
    /// The signed members, an object.
    signed: Cow<'a, Json>,
    /// Their canonical form: the signed bytes.
    pub(super) message: Vec<u8>,
    /// How they were laid out.
    pub(super) layout: Layout,
    /// The signature object, where there is one.
    pub(super) signature: Option<&'a Object>,
    /// `alg`, wherever the layout keeps it.
    pub(super) alg: Option<&'a str>,
    /// `kid`, wherever the layout keeps it.
    pub(super) kid: Option<&'a str>,
    /// The signature's text, wherever the layout keeps it.
    pub(super) sig: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// Finds the signed part of a receipt.
    ///
    /// # Errors
    /// The structure finding, and the format's name, if there is none.
    pub(super) fn find(raw: &'a Object) -> Result<Self, (Finding, &'static str)> {
        if let Some(name) = foreign_format(raw) {
            let note = format!("format not supported: {name}");
            return Err((Finding::skip(ReasonCode::FormatNotSupported, note), name));
        }
        match raw.get("payload") {
            Some(payload @ Json::Object(members)) => Ok(Self::envelope(raw, payload, members)),
            _ if is_flat(raw) => Ok(Self::flat(raw)),
            _ => Err((Finding::fail(ReasonCode::NoPayload, "there is no signed payload object"), "unknown")),
        }
    }

    /// The envelope of the parent draft, which has the same form.
    ///
    /// # Errors
    /// The structure finding if there is no payload object.
    #[cfg(feature = "foreign-formats")]
    pub(super) fn enveloped(raw: &'a Object) -> Result<Self, Finding> {
        match raw.get("payload") {
            Some(payload @ Json::Object(members)) => Ok(Self::envelope(raw, payload, members)),
            _ => Err(Finding::fail(ReasonCode::NoPayload, "there is no signed payload object")),
        }
    }

    /// The signature stands in an object, under the name that hosted responses
    /// use, or as a flat text.
    fn envelope(raw: &'a Object, payload: &'a Json, members: &'a Object) -> Self {
        let object = |name| raw.get(name).and_then(Json::as_object);
        let signature = object("signature").or_else(|| object("signature_envelope"));
        let member = |name| signature.and_then(|signature| text(signature, name));
        // The profile's default stands in for an absent label only, and not on ours.
        let default = Some(DEFAULT_ALG).filter(|_| members.get("asqav").is_none());
        let (alg, kid, sig) = match signature {
            Some(signature) => {
                let default = default.filter(|_| signature.get("alg").is_none());
                (member("alg").or(default), member("kid"), member("sig"))
            }
            None => (text(raw, "algorithm").or(default), text(members, "issuer_id"), text(raw, "signature")),
        };
        let (signed, message) = (Cow::Borrowed(payload), canonical::to_vec(payload));
        Self { raw, signed, message, layout: Layout::Envelope, signature, alg, kid, sig }
    }

    fn flat(raw: &'a Object) -> Self {
        let mut payload = Object::new();
        for name in FLAT_SIGNED {
            if let Some(value) = raw.get(name) {
                payload.set(name, value.clone());
            }
        }
        let payload = Json::Object(payload);
        let message = canonical::to_vec(&payload);
        let sig = text(raw, "signature_b64").or_else(|| text(raw, "signature"));
        let (alg, kid) = (text(raw, "algorithm"), text(raw, "key_id"));
        let signed = Cow::Owned(payload);
        Self { raw, signed, message, layout: Layout::Flat, signature: None, alg, kid, sig }
    }

    /// The signed members.
    pub(super) fn payload(&self) -> &Object {
        self.signed.as_object().unwrap_or(&NO_MEMBERS)
    }

    /// The same as one value.
    pub(super) fn signed(&self) -> &Json {
        &self.signed
    }

    /// A text member of the payload.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        text(self.payload(), name)
    }

    /// The member `asqav`, an object if the receipt is one of ours.
    pub(super) fn asqav(&self) -> Option<&Object> {
        self.payload().get("asqav").and_then(Json::as_object)
    }

    /// A count among the payload's members.
    pub(super) fn seq(&self) -> Option<u64> {
        self.payload().get("seq").and_then(Json::as_count)
    }

    /// The claimed time: `issued_at`, or `server_timestamp` of a flat receipt.
    pub(super) fn issued_at(&self) -> Option<&str> {
        match self.layout {
            Layout::Envelope => self.text("issued_at"),
            Layout::Flat => self.text("server_timestamp"),
        }
    }

    /// Whether asqav itself claims to have written this receipt.
    pub(super) fn is_ours(&self) -> bool {
        self.layout == Layout::Envelope && self.payload().get("asqav").is_some()
    }

    /// Whether the payload digest is keyed: any `hash_algo` but SHA-256, so
    /// that an unknown spelling claims less rather than more.
    pub(super) fn is_keyed(&self) -> bool {
        match self.payload().get("hash_algo") {
            None | Some(Json::Null) => false,
            Some(Json::String(name)) => !name.trim().eq_ignore_ascii_case("sha256"),
            Some(_) => true,
        }
    }
}

/// A text member of `object`.
pub(super) fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Json::as_str)
}

static NO_MEMBERS: Object = Object::new();

fn is_flat(raw: &Object) -> bool {
    let carries = |name| raw.get(name).is_some_and(|value| *value != Json::Null);
    text(raw, "mode") == Some("hash") && (carries("signature_b64") || carries("signature"))
}

/// Formats of others that are recognised by their form, and no further.
fn foreign_format(raw: &Object) -> Option<&'static str> {
    let has = |name| raw.get(name).is_some();
    let listed = |name, wanted: &str| {
        raw.get(name)
            .and_then(Json::as_array)
            .is_some_and(|items| items.iter().any(|item| item.as_str() == Some(wanted)))
    };
    if listed("type", "AgentReceipt") {
        return Some("agentreceipts");
    }
    if has("@context") && listed("type", "VerifiableCredential") {
        return Some("w3c-vc");
    }
    if text(raw, "record_type").is_some_and(|kind| kind.starts_with("evidence_receipt_")) {
        return Some("pipelock-evidence-v2");
    }
    if has("delegationId") && has("signerPublicKey") {
        return Some("authproof");
    }
    if has("plan_id") && has("key_id") && has("evidence_hash_sha512") {
        return Some("aerf");
    }
    is_acta(raw).then_some("acta")
}

/// The parent draft: the same envelope, `EdDSA`, without version and mode.
pub(super) fn is_acta(raw: &Object) -> bool {
    let member = |name| raw.get(name).and_then(Json::as_object);
    let (Some(payload), Some(signature)) = (member("payload"), member("signature")) else { return false };
    let ours = ["v", "mode", "asqav"].iter().any(|name| payload.get(name).is_some());
    text(signature, "alg") == Some("EdDSA") && !ours
}

/// The reason that a JSON error stands for.
pub(super) fn json_reason(kind: &JsonErrorKind) -> ReasonCode {
    match kind {
        JsonErrorKind::Duplicate(_) => ReasonCode::DuplicateMember,
        JsonErrorKind::Integer | JsonErrorKind::NotFinite => ReasonCode::NumberRange,
        JsonErrorKind::Depth => ReasonCode::TooDeep,
        JsonErrorKind::TooLong(_) | JsonErrorKind::TooMany => ReasonCode::TooLong,
        _ => ReasonCode::MalformedJson,
    }
}

/// A number that other readers may spell differently: a float that is an
/// integer (`500.0`, `-0.0`) or lies beyond ±(2^53−1).
pub(super) fn ambiguous_number(value: &Json) -> Option<f64> {
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Json::Float(number) if number.fract() == 0.0 || number.abs() > MAX_INTEGER_F64 => {
                return Some(*number);
            }
            Json::Array(items) => rest.extend(items),
            Json::Object(object) => rest.extend(object.iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    None
}

#[expect(clippy::cast_precision_loss, reason = "2^53-1 has an exact double")]
const MAX_INTEGER_F64: f64 = MAX_INTEGER as f64;
