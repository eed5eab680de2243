//! A receipt: payload, signature, and (on export) anchors.

use crate::base64url;
use crate::id::KeyId;
use crate::json::{Json, JsonError};
use crate::payload::write::Members;

/// The member `signature`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the profile fixes the three members")]
pub struct Signature {
    /// The suite's name, e.g. `ML-DSA-65`.
    pub alg: &'static str,
    /// The key's id.
    pub kid: KeyId,
    /// The raw signature (ML-DSA-65: 3,309 bytes); base64url without padding
    /// on the wire.
    pub sig: Vec<u8>,
}

impl Signature {
    /// Appends the canonical object.
    pub fn write(&self, out: &mut Vec<u8>) {
        let Self { alg, kid, sig } = self;
        let mut members = Members::open(out);
        members.text("alg", alg);
        members.text("kid", kid.as_str());
        members.text("sig", &base64url::encode(sig));
        members.close();
    }

    /// Reads the object that asqav writes: exactly these three members, a
    /// known suite, a signature of its length.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        if object.len() != 3 {
            return None;
        }
        let suite = crate::suite::by_name(object.get("alg")?.as_str()?)?;
        let sig = base64url::decode(object.get("sig")?.as_str()?)?;
        let kid = KeyId::parse(object.get("kid")?.as_str()?).ok()?;
        (sig.len() == suite.signature_len).then_some(Self { alg: suite.name, kid, sig })
    }
}

/// A log line without its line feed: canonical(`{payload, signature}`).
///
/// `canonical_payload` is what [`Payload::to_canonical`] gave.
///
/// [`Payload::to_canonical`]: crate::payload::Payload::to_canonical
#[must_use]
pub fn line(canonical_payload: &[u8], signature: &Signature) -> Vec<u8> {
    let mut out = Vec::with_capacity(canonical_payload.len() + signature.sig.len() * 4 / 3 + 128);
    let mut members = Members::open(&mut out);
    members.value("payload").extend_from_slice(canonical_payload);
    signature.write(members.value("signature"));
    members.close();
    out
}

/// Reads a log line: canonical byte for byte, two members and no more.
///
/// # Errors
/// [`LineError`] with what is wrong.
pub fn parse_line(line: &[u8]) -> Result<(Json, Signature), LineError> {
    let json = Json::parse(line)?;
    let members = json.as_object().filter(|object| object.len() == 2).ok_or(LineError::Shape)?;
    let payload =
        members.get("payload").filter(|payload| payload.as_object().is_some()).ok_or(LineError::Shape)?;
    let signature = members.get("signature").ok_or(LineError::Shape)?;
    let signature = Signature::from_json(signature).ok_or(LineError::Signature)?;
    if crate::canonical::to_vec(&json) != line {
        return Err(LineError::NotCanonical);
    }
    Ok((payload.clone(), signature))
}

/// Why bytes are not a log line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// Not JSON by the strict rules.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// Not an object of `payload` and `signature`.
    #[error("not an object of payload and signature")]
    Shape,
    /// The signature object is malformed.
    #[error("the signature object is malformed")]
    Signature,
    /// Not the canonical bytes.
    #[error("not canonical JSON")]
    NotCanonical,
}
