//! The seal of a segment: a signed header.

use crate::canonical::tagged;
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::id::LogId;
use crate::json::{Json, JsonError, Object};
use crate::open::OpenItem;
use crate::payload::Link;
use crate::receipt::Signature;
use crate::time::Timestamp;

mod open_items;

/// The tag that a signed header begins with, before a zero byte.
pub const SEGMENT_TAG: &str = "asqav/segment/v1";

/// A header file is never longer than this many bytes: 65,536 open decisions
/// of the greatest size fit.
pub const MAX_HEADER_FILE_LEN: usize = 64 << 20;

/// Why a segment was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// It holds as many receipts as a segment may.
    Count,
    /// It is as long as a segment may be.
    Bytes,
    /// It is as old as a segment may be.
    Age,
    /// The gate was stopped.
    Stop,
}

impl CloseReason {
    const ALL: [Self; 4] = [Self::Count, Self::Bytes, Self::Age, Self::Stop];

    /// The text in the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Bytes => "bytes",
            Self::Age => "age",
            Self::Stop => "stop",
        }
    }
}

/// What a segment's seal says, version 1.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct SegmentHeader {
    /// The log.
    pub log_id: LogId,
    /// The SHA3 link to receipt 1 of the log.
    pub genesis: Sha3Digest,
    /// The segment's number, from 1.
    pub segment: u64,
    /// Sequence number of its first receipt.
    pub first_seq: u64,
    /// Sequence number of its last receipt.
    pub last_seq: u64,
    /// How many receipts: `last_seq − first_seq + 1`.
    pub count: u64,
    /// Length of the `.log` file in bytes.
    pub bytes: u64,
    /// Root of the SHA3-256 tree over its lines.
    pub root: Sha3Digest,
    /// The link that its first receipt carries; [`Link::GENESIS`] in segment 1.
    pub before: Link,
    /// The link that the receipt after its last one carries.
    pub last: Link,
    /// [`SignedHeader::digest`] of the previous segment; absent in segment 1.
    pub previous_header: Option<Sha3Digest>,
    /// Decisions and sessions that are open after its last receipt.
    pub open: Vec<OpenItem>,
    /// Claimed time of the seal.
    pub sealed_at: Timestamp,
    /// Why it was sealed.
    pub close: CloseReason,
    /// The signing suite's name.
    pub suite: &'static str,
    /// The signing key.
    pub key_thumbprint: Sha256Digest,
}

/// The tree's name in the member `tree`.
const TREE: &str = "rfc6962-sha3-256";

impl SegmentHeader {
    /// What is signed: the tag, a zero byte, canonical(header).
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        tagged(SEGMENT_TAG, &self.to_json())
    }

    /// The header as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let Self {
            log_id,
            genesis,
            segment,
            first_seq,
            last_seq,
            count,
            bytes,
            root,
            before,
            last,
            previous_header,
            open,
            sealed_at,
            close,
            suite,
            key_thumbprint,
        } = self;
        let mut object = Object::new();
        object.set("v", Json::Integer(1));
        object.set("log_id", log_id.to_string());
        object.set("genesis", genesis.to_hex());
        object.set("segment", Json::count(*segment));
        object.set("first_seq", Json::count(*first_seq));
        object.set("last_seq", Json::count(*last_seq));
        object.set("count", Json::count(*count));
        object.set("bytes", Json::count(*bytes));
        object.set("tree", TREE);
        object.set("root", root.to_hex());
        object.set("before", link_to_json(before));
        object.set("last", link_to_json(last));
        if let Some(previous) = previous_header {
            object.set("previous_header", previous.to_hex());
        }
        object.set("open", Json::Array(open.iter().map(open_items::to_json).collect()));
        object.set("sealed_at", sealed_at.to_string());
        object.set("close", close.as_str());
        object.set("suite", *suite);
        object.set("key_thumbprint", key_thumbprint.to_tagged());
        Json::Object(object)
    }

    fn from_json(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        let text = |name: &str| object.get(name)?.as_str();
        let count = |name: &str| object.get(name)?.as_count();
        if object.get("v")?.as_integer()? != 1 || text("tree")? != TREE {
            return None;
        }
        let header = Self {
            log_id: LogId::parse(text("log_id")?).ok()?,
            genesis: Sha3Digest::parse_hex(text("genesis")?)?,
            segment: count("segment")?,
            first_seq: count("first_seq")?,
            last_seq: count("last_seq")?,
            count: count("count")?,
            bytes: count("bytes")?,
            root: Sha3Digest::parse_hex(text("root")?)?,
            before: link_from_json(object.get("before")?)?,
            last: link_from_json(object.get("last")?)?,
            previous_header: match object.get("previous_header") {
                Some(value) => Some(Sha3Digest::parse_hex(value.as_str()?)?),
                None => None,
            },
            open: object.get("open")?.as_array()?.iter().map(open_items::from_json).collect::<Option<_>>()?,
            sealed_at: Timestamp::parse_rfc3339(text("sealed_at")?).ok()?,
            close: CloseReason::ALL.into_iter().find(|reason| Some(reason.as_str()) == text("close"))?,
            suite: crate::suite::by_name(text("suite")?)?.name,
            key_thumbprint: Sha256Digest::parse_tagged(text("key_thumbprint")?)?,
        };
        header.is_coherent().then_some(header)
    }

    /// Numbers that contradict each other make no header.
    fn is_coherent(&self) -> bool {
        let counted = self.last_seq.checked_sub(self.first_seq).map(|between| between + 1);
        let first = self.segment == 1;
        counted == Some(self.count)
            && self.segment >= 1
            && self.last.sha3.is_some()
            && first == (self.first_seq == 1)
            && first == self.previous_header.is_none()
            && first == (self.before == Link::GENESIS)
            && first == self.before.sha3.is_none()
    }
}

pub(crate) fn link_to_json(link: &Link) -> Json {
    let mut object = Object::new();
    object.set("sha256", link.sha256.to_hex());
    if let Some(sha3) = link.sha3 {
        object.set("sha3", sha3.to_hex());
    }
    Json::Object(object)
}

pub(crate) fn link_from_json(json: &Json) -> Option<Link> {
    let object = json.as_object()?;
    let sha3 = match object.get("sha3") {
        Some(value) => Some(Sha3Digest::parse_hex(value.as_str()?)?),
        None => None,
    };
    Some(Link { sha256: Sha256Digest::parse_hex(object.get("sha256")?.as_str()?)?, sha3 })
}

/// A header and the signature over it: the content of `segment-N.sig.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format fixes the two members")]
pub struct SignedHeader {
    /// The header.
    pub header: SegmentHeader,
    /// The signature over [`SegmentHeader::signing_bytes`].
    pub signature: Signature,
}

impl SignedHeader {
    /// The file's content: canonical(`{header, signature}`) and a line feed.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let mut bytes = self.to_canonical();
        bytes.push(b'\n');
        bytes
    }

    /// SHA3-256 of canonical(`{header, signature}`): what the next header
    /// carries as `previous_header`.
    #[must_use]
    pub fn digest(&self) -> Sha3Digest {
        Sha3Digest::of(&self.to_canonical())
    }

    fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut members = crate::canonical::Members::open(&mut out);
        crate::canonical::write(&self.header.to_json(), members.value("header"));
        self.signature.write(members.value("signature"));
        members.close();
        out
    }

    /// Reads a header file, canonical byte for byte.
    ///
    /// # Errors
    /// [`HeaderError`] with what is wrong; whether the signature holds is for
    /// [`crate::verify`].
    pub fn parse(file: &[u8]) -> Result<Self, HeaderError> {
        if file.len() > MAX_HEADER_FILE_LEN {
            return Err(HeaderError::TooLong);
        }
        let json = Json::parse(file)?;
        let object = json.as_object().ok_or(HeaderError::Shape)?;
        let header = object.get("header").and_then(SegmentHeader::from_json).ok_or(HeaderError::Shape)?;
        let signature =
            object.get("signature").and_then(Signature::from_json).ok_or(HeaderError::Signature)?;
        let signed = Self { header, signature };
        // Also refuses members that the types do not know.
        if signed.to_file() != file {
            return Err(HeaderError::NotCanonical);
        }
        if signed.signature.alg != signed.header.suite {
            return Err(HeaderError::Signature);
        }
        Ok(signed)
    }
}

/// Why bytes are not a segment header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Longer than [`MAX_HEADER_FILE_LEN`].
    #[error("longer than a header can be")]
    TooLong,
    /// Not JSON by the strict rules.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is missing, malformed or contradicts another.
    #[error("not a version 1 segment header")]
    Shape,
    /// The signature object is malformed or of another suite.
    #[error("the signature object is malformed")]
    Signature,
    /// Not the canonical bytes and a line feed.
    #[error("not canonical JSON and a line feed")]
    NotCanonical,
}

#[cfg(test)]
mod tests;
