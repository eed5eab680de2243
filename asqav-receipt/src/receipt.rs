//! A receipt: payload, signature, and (on export) anchors.

use crate::base64url;
use crate::batch::{BatchedSignature, Member};
use crate::canonical::Members;
use crate::id::KeyId;
use crate::json::{Json, JsonError};

/// A signature object: over a payload, a header, a checkpoint or a batch's root.
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

/// The signature of one receipt: its own, or that of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format has these two")]
pub enum ReceiptSignature {
    /// Over the canonical payload.
    Own(Signature),
    /// Over the root of a batch, with the receipt's path to it.
    Batched(BatchedSignature),
}

impl ReceiptSignature {
    /// The raw signature, over the payload or over the batch's root.
    #[must_use]
    pub fn sig(&self) -> &[u8] {
        match self {
            Self::Own(signature) => &signature.sig,
            Self::Batched(batched) => &batched.root.sig,
        }
    }

    /// The key's id.
    #[must_use]
    pub fn kid(&self) -> &KeyId {
        match self {
            Self::Own(signature) => &signature.kid,
            Self::Batched(batched) => &batched.root.kid,
        }
    }
}

impl From<Signature> for ReceiptSignature {
    fn from(signature: Signature) -> Self {
        Self::Own(signature)
    }
}

/// What the line of a receipt carries as its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the format has these two")]
pub enum LineSignature {
    /// A signature of its own.
    Own(Signature),
    /// A place in a batch; the signature stands in the batch's last line.
    Member(Member),
}

/// A receipt on its own: canonical(`{payload, signature}`).
///
/// `canonical_payload` is what [`Payload::to_canonical`] gave.
///
/// [`Payload::to_canonical`]: crate::payload::Payload::to_canonical
#[must_use]
pub fn portable(canonical_payload: &[u8], signature: &ReceiptSignature) -> Vec<u8> {
    envelope(canonical_payload, |out| match signature {
        ReceiptSignature::Own(signature) => signature.write(out),
        ReceiptSignature::Batched(batched) => batched.write(out),
    })
}

/// The line of a receipt in its log, without the line feed: for a receipt with
/// a signature of its own that is [`portable`], for one of a batch it has
/// no path, and the signature in the last line only.
#[must_use]
pub fn line(canonical_payload: &[u8], signature: &ReceiptSignature) -> Vec<u8> {
    let mut out = Vec::with_capacity(canonical_payload.len() + 512);
    write_line(canonical_payload, signature, &mut out);
    out
}

/// Appends what [`line()`] gives.
pub fn write_line(canonical_payload: &[u8], signature: &ReceiptSignature, out: &mut Vec<u8>) {
    write_envelope(canonical_payload, out, |out| match signature {
        ReceiptSignature::Own(signature) => signature.write(out),
        ReceiptSignature::Batched(batched) => batched.write_in_log(out),
    });
}

impl LineSignature {
    /// The line that [`parse_line`] read this from, if `canonical_payload` is
    /// the one in it.
    #[must_use]
    pub fn line(&self, canonical_payload: &[u8]) -> Vec<u8> {
        envelope(canonical_payload, |out| match self {
            Self::Own(signature) => signature.write(out),
            Self::Member(member) => member.write(out),
        })
    }
}

fn envelope(canonical_payload: &[u8], write_signature: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(canonical_payload.len() + 512);
    write_envelope(canonical_payload, &mut out, write_signature);
    out
}

fn write_envelope(canonical_payload: &[u8], out: &mut Vec<u8>, write_signature: impl FnOnce(&mut Vec<u8>)) {
    let mut members = Members::open(out);
    members.value("payload").extend_from_slice(canonical_payload);
    write_signature(members.value("signature"));
    members.close();
}

/// The line in its log of a receipt on its own (canonical, without anchors);
/// `None` if it is no such receipt.
#[must_use]
pub fn line_of(receipt: &[u8]) -> Option<Vec<u8>> {
    let (payload, signature) = parse_receipt(receipt).ok()?;
    Some(line(&crate::canonical::to_vec(&payload), &signature))
}

/// Reads a receipt on its own: canonical byte for byte, two members and no more.
///
/// # Errors
/// [`LineError`] with what is wrong.
pub fn parse_receipt(receipt: &[u8]) -> Result<(Json, ReceiptSignature), LineError> {
    parse(receipt, |json, seq| {
        let own = || Signature::from_json(json).map(ReceiptSignature::Own);
        own().or_else(|| BatchedSignature::from_json(json.as_object()?, seq?).map(ReceiptSignature::Batched))
    })
}

/// Reads a log line: canonical byte for byte, two members and no more.
///
/// # Errors
/// [`LineError`] with what is wrong.
pub fn parse_line(line: &[u8]) -> Result<(Json, LineSignature), LineError> {
    parse(line, |json, seq| {
        let own = || Signature::from_json(json).map(LineSignature::Own);
        own().or_else(|| Member::from_json(json.as_object()?, seq?).map(LineSignature::Member))
    })
}

/// Reads an envelope, its signature by `read`, which is given the payload's `seq`.
fn parse<T>(
    bytes: &[u8],
    read: impl FnOnce(&Json, Option<u64>) -> Option<T>,
) -> Result<(Json, T), LineError> {
    let json = Json::parse(bytes)?;
    let members = json.as_object().filter(|object| object.len() == 2).ok_or(LineError::Shape)?;
    let payload = members.get("payload").ok_or(LineError::Shape)?;
    let seq = payload.as_object().ok_or(LineError::Shape)?.get("seq").and_then(Json::as_count);
    let signature = members.get("signature").ok_or(LineError::Shape)?;
    let signature = read(signature, seq).ok_or(LineError::Signature)?;
    if crate::canonical::to_vec(&json) != bytes {
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
