//! A segment's header: `segment-NNNNN.sig.json`.

use crate::digest::{Sha3Digest, decode_hex};
use crate::json::JsonErrorKind;
use crate::json::python::Value;
use crate::verify::reason::ReasonCode;

/// A header file has at most this many bytes; with ML-DSA-65 it has 11,111.
pub const MAX_HEADER_LEN: usize = 64 * 1024;

/// The members that the signature covers; the other four it does not.
const SIGNED: [&str; 8] = [
    "segment_id",
    "segment_number",
    "created_at",
    "sealed_at",
    "event_count",
    "merkle_root",
    "previous_segment_root",
    "log_id",
];

/// What stands beside them, unsigned.
const UNSIGNED: [&str; 4] = ["signer_did", "algorithm", "signature", "public_key"];

/// A header that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) reason: ReasonCode,
    pub(super) note: String,
}

/// What a header says: claims, until its signature is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) segment_id: String,
    pub(super) segment_number: u64,
    pub(super) sealed_at: String,
    pub(super) event_count: u64,
    pub(super) merkle_root: [u8; 32],
    /// `None` in the first segment.
    pub(super) previous_root: Option<[u8; 32]>,
    pub(super) log_id: String,
    pub(super) signer_did: String,
    pub(super) algorithm: String,
    pub(super) signature: Vec<u8>,
    pub(super) public_key: Vec<u8>,
    /// SHA3-256 of the signed members' canonical JSON: the signature's message.
    pub(super) message: [u8; 32],
}

impl Header {
    /// Reads a header file.
    pub(super) fn read(file: &[u8]) -> Result<Self, Malformed> {
        if file.len() > MAX_HEADER_LEN {
            return Err(malformed(format!("longer than {MAX_HEADER_LEN} bytes")));
        }
        let value = Value::parse(file).map_err(|error| Malformed {
            reason: match error.kind {
                JsonErrorKind::Duplicate(_) => ReasonCode::DuplicateMember,
                _ => ReasonCode::MalformedHeader,
            },
            note: error.to_string(),
        })?;
        Self::of(&value)
    }

    /// Reads a header that stands in another document.
    pub(super) fn of(value: &Value) -> Result<Self, Malformed> {
        let Value::Object(members) = value else { return Err(malformed("not a JSON object".to_owned())) };
        let known = |name: &str| SIGNED.contains(&name) || UNSIGNED.contains(&name);
        if let Some((name, _)) = members.iter().find(|(name, _)| !known(name)) {
            let name: String = name.chars().take(64).collect();
            return Err(malformed(format!("a header has no member `{name}`")));
        }
        let root = text(value, "merkle_root")?;
        let previous = text(value, "previous_segment_root")?;
        text(value, "created_at")?;
        Ok(Self {
            segment_id: text(value, "segment_id")?.to_owned(),
            segment_number: number(value, "segment_number")?,
            sealed_at: text(value, "sealed_at")?.to_owned(),
            event_count: number(value, "event_count")?,
            merkle_root: decode_hex(root).ok_or_else(|| not_hex("merkle_root"))?,
            previous_root: match previous {
                "" => None,
                previous => Some(decode_hex(previous).ok_or_else(|| not_hex("previous_segment_root"))?),
            },
            log_id: text(value, "log_id")?.to_owned(),
            signer_did: text(value, "signer_did")?.to_owned(),
            algorithm: text(value, "algorithm")?.to_owned(),
            signature: hex(text(value, "signature")?).ok_or_else(|| Malformed {
                reason: ReasonCode::SignatureEncoding,
                note: "`signature` is not in lower-case hexadecimal digits".to_owned(),
            })?,
            public_key: hex(text(value, "public_key")?).ok_or_else(|| not_hex("public_key"))?,
            message: message(members),
        })
    }

    /// The DID that this header's key has: a digest of the key.
    pub(super) fn did(&self) -> String {
        format!("did:pqaid:{}", Sha3Digest::of(&self.public_key).to_hex())
    }
}

/// SHA3-256 of the signed members.
fn message(members: &[(String, Value)]) -> [u8; 32] {
    let signed = members.iter().filter(|(name, _)| SIGNED.contains(&name.as_str()));
    *Sha3Digest::of(&Value::Object(signed.cloned().collect()).sorted()).as_bytes()
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str, Malformed> {
    value
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| malformed(format!("`{name}` is absent or no string")))
}

fn number(value: &Value, name: &str) -> Result<u64, Malformed> {
    let number = match value.get(name) {
        Some(Value::Integer(digits)) => digits.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| malformed(format!("`{name}` is absent or no count")))
}

const fn malformed(note: String) -> Malformed {
    Malformed { reason: ReasonCode::MalformedHeader, note }
}

fn not_hex(name: &str) -> Malformed {
    malformed(format!("`{name}` is not in lower-case hexadecimal digits of its length"))
}

/// The bytes of lower-case hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| decode_hex::<1>(std::str::from_utf8(pair).ok()?).map(|[byte]| byte)).collect()
}
