//! Anchors in a file beside what they are about: `FILE.anchors.jsonl`.
//!
//! One line for each authority: canonical(`{certificates, message, revocation,
//! type, value}`). `value` is an evidence record; certificates and revocation
//! lists of the authority are kept for those who build paths later, and no
//! verdict here rests on them.

use super::evidence::{Evidence, EvidenceError};
use crate::base64url;
use crate::canonical;
use crate::digest::Sha256Digest;
use crate::json::{Json, Object};

/// A file of anchors is never longer than this, bytes.
pub const MAX_ANCHORS_FILE_LEN: usize = 8 << 20;

/// The kind of anchor that a line has.
const KIND: &str = "rfc4998";

/// Evidence of a message's time, and what was kept of who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Anchor {
    /// SHA-256 of the message.
    pub message: Sha256Digest,
    /// The time-stamp with its renewals.
    pub evidence: Evidence,
    /// Certificates of the authority, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// Revocation lists or OCSP answers about them, in DER.
    pub revocation: Vec<Vec<u8>>,
}

/// Why a file is not one of anchors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorFileError {
    /// Longer than [`MAX_ANCHORS_FILE_LEN`].
    #[error("longer than a file of anchors can be")]
    TooLong,
    /// A line does not have the form, or not the canonical bytes.
    #[error("line {0} is not an anchor")]
    Line(usize),
    /// A line's evidence record.
    #[error("line {0}: {1}")]
    Evidence(usize, EvidenceError),
}

impl Anchor {
    /// Evidence of `message`, with nothing kept beside it.
    #[must_use]
    pub fn new(message: &[u8], evidence: Evidence) -> Self {
        let message = Sha256Digest::of(message);
        Self { message, evidence, certificates: Vec::new(), revocation: Vec::new() }
    }

    /// The line without its line feed.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let list =
            |all: &[Vec<u8>]| Json::Array(all.iter().map(|der| base64url::encode(der).into()).collect());
        let mut object = Object::new();
        object.set("certificates", list(&self.certificates));
        object.set("message", self.message.to_tagged());
        object.set("revocation", list(&self.revocation));
        object.set("type", KIND);
        object.set("value", base64url::encode(&self.evidence.to_der()));
        canonical::to_vec(&Json::Object(object))
    }

    /// The content of a file of anchors.
    #[must_use]
    pub fn to_file(anchors: &[Self]) -> Vec<u8> {
        anchors.iter().flat_map(|anchor| [anchor.to_line(), vec![b'\n']]).flatten().collect()
    }

    /// Reads a file of anchors, canonical byte for byte.
    ///
    /// # Errors
    /// [`AnchorFileError`].
    pub fn parse_file(file: &[u8]) -> Result<Vec<Self>, AnchorFileError> {
        if file.len() > MAX_ANCHORS_FILE_LEN {
            return Err(AnchorFileError::TooLong);
        }
        let Some(lines) = file.strip_suffix(b"\n") else {
            return if file.is_empty() { Ok(Vec::new()) } else { Err(AnchorFileError::Line(0)) };
        };
        lines.split(|byte| *byte == b'\n').enumerate().map(|(at, line)| Self::parse(line, at + 1)).collect()
    }

    fn parse(line: &[u8], number: usize) -> Result<Self, AnchorFileError> {
        let form = AnchorFileError::Line(number);
        let json = Json::parse_within(line, MAX_ANCHORS_FILE_LEN).map_err(|_| form.clone())?;
        let object = json.as_object().filter(|object| object.len() == 5).ok_or_else(|| form.clone())?;
        let list = |name: &str| {
            let all = object.get(name)?.as_array()?;
            all.iter().map(|der| base64url::decode(der.as_str()?)).collect::<Option<Vec<_>>>()
        };
        let text = |name: &str| object.get(name).and_then(Json::as_str);
        let value = text("value").and_then(base64url::decode).ok_or_else(|| form.clone())?;
        let evidence = Evidence::parse(&value).map_err(|error| AnchorFileError::Evidence(number, error))?;
        let message = text("message").and_then(Sha256Digest::parse_tagged);
        let (Some(message), Some(certificates), Some(revocation), Some(KIND)) =
            (message, list("certificates"), list("revocation"), text("type"))
        else {
            return Err(form);
        };
        let anchor = Self { message, evidence, certificates, revocation };
        if anchor.to_line() != line { Err(form) } else { Ok(anchor) }
    }
}
