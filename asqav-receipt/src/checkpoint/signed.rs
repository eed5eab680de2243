//! Checkpoints: a log's size and root, signed, to be kept elsewhere.

use crate::canonical::{self, tagged};
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::header::{link_from_json, link_to_json};
use crate::id::LogId;
use crate::json::{Json, JsonError, Object};
use crate::payload::Link;
use crate::receipt::Signature;
use crate::time::Timestamp;

/// The tag that a signed checkpoint begins with, before a zero byte.
pub const CHECKPOINT_TAG: &str = "asqav/checkpoint/v1";

/// A checkpoint file is never longer than this many bytes.
pub const MAX_CHECKPOINT_FILE_LEN: usize = 16 * 1024;

/// What a log holds at a time, version 1.
///
/// A log that has fewer receipts, or another one among the first `size`, is
/// not the one that the checkpoint was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Checkpoint {
    /// The log.
    pub log_id: LogId,
    /// The SHA3 link to receipt 1 of the log.
    pub genesis: Sha3Digest,
    /// How many receipts: the sequence number of the newest.
    pub size: u64,
    /// Root of the RFC 6962 tree (SHA3-256) over all lines of the log; leaf
    /// number `seq − 1` is SHA3-256(0x00 ‖ line without its line feed).
    pub root: Sha3Digest,
    /// The link that the receipt after the newest one carries.
    pub head: Link,
    /// [`SignedHeader::digest`](crate::header::SignedHeader::digest) of the
    /// newest sealed segment; absent while none is sealed.
    pub last_header: Option<Sha3Digest>,
    /// Decisions without an outcome.
    pub open_decisions: u64,
    /// [`SignedCheckpoint::digest`] of the checkpoint before, if there was one.
    pub previous_checkpoint: Option<Sha3Digest>,
    /// Claimed time.
    pub issued_at: Timestamp,
    /// The signing suite's name.
    pub suite: &'static str,
    /// The signing key.
    pub key_thumbprint: Sha256Digest,
}

impl Checkpoint {
    /// What is signed: the tag, a zero byte, canonical(checkpoint).
    #[must_use]
    pub fn signing_bytes(&self) -> Vec<u8> {
        tagged(CHECKPOINT_TAG, &self.to_json())
    }

    /// The checkpoint as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let Self {
            log_id,
            genesis,
            size,
            root,
            head,
            last_header,
            open_decisions,
            previous_checkpoint,
            issued_at,
            suite,
            key_thumbprint,
        } = self;
        let mut object = Object::new();
        object.set("v", Json::Integer(1));
        object.set("log_id", log_id.to_string());
        object.set("genesis", genesis.to_hex());
        object.set("size", Json::count(*size));
        object.set("root", root.to_hex());
        object.set("head", link_to_json(head));
        if let Some(header) = last_header {
            object.set("last_header", header.to_hex());
        }
        object.set("open_decisions", Json::count(*open_decisions));
        if let Some(previous) = previous_checkpoint {
            object.set("previous_checkpoint", previous.to_hex());
        }
        object.set("issued_at", issued_at.to_string());
        object.set("suite", *suite);
        object.set("key_thumbprint", key_thumbprint.to_tagged());
        Json::Object(object)
    }

    fn from_json(json: &Json) -> Option<Self> {
        let object = json.as_object()?;
        let text = |name: &str| object.get(name)?.as_str();
        let count = |name: &str| object.get(name)?.as_count();
        let digest = |name: &str| match object.get(name) {
            Some(value) => value.as_str().and_then(Sha3Digest::parse_hex).map(Some),
            None => Some(None),
        };
        if object.get("v")?.as_integer()? != 1 {
            return None;
        }
        let checkpoint = Self {
            log_id: LogId::parse(text("log_id")?).ok()?,
            genesis: Sha3Digest::parse_hex(text("genesis")?)?,
            size: count("size")?,
            root: Sha3Digest::parse_hex(text("root")?)?,
            head: link_from_json(object.get("head")?)?,
            last_header: digest("last_header")?,
            open_decisions: count("open_decisions")?,
            previous_checkpoint: digest("previous_checkpoint")?,
            issued_at: Timestamp::parse_rfc3339(text("issued_at")?).ok()?,
            suite: crate::suite::by_name(text("suite")?)?.name,
            key_thumbprint: Sha256Digest::parse_tagged(text("key_thumbprint")?)?,
        };
        (checkpoint.size >= 1 && checkpoint.head.sha3.is_some()).then_some(checkpoint)
    }
}

/// A checkpoint and the signature over it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format fixes the two members")]
pub struct SignedCheckpoint {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The signature over [`Checkpoint::signing_bytes`].
    pub signature: Signature,
}

impl SignedCheckpoint {
    /// The file's content: canonical(`{checkpoint, signature}`) and a line feed.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let mut bytes = self.to_canonical();
        bytes.push(b'\n');
        bytes
    }

    /// What anchors of it are about: canonical(`{checkpoint, signature}`), the
    /// file without its line feed.
    #[must_use]
    pub fn anchored_bytes(&self) -> Vec<u8> {
        self.to_canonical()
    }

    /// SHA3-256 of canonical(`{checkpoint, signature}`): what the next
    /// checkpoint carries as `previous_checkpoint`.
    #[must_use]
    pub fn digest(&self) -> Sha3Digest {
        Sha3Digest::of(&self.to_canonical())
    }

    fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut members = canonical::Members::open(&mut out);
        canonical::write(&self.checkpoint.to_json(), members.value("checkpoint"));
        self.signature.write(members.value("signature"));
        members.close();
        out
    }

    /// Reads a checkpoint file, canonical byte for byte.
    ///
    /// # Errors
    /// [`CheckpointError`] with what is wrong; whether the signature holds and
    /// whether it is this log's is for [`crate::verify`].
    pub fn parse(file: &[u8]) -> Result<Self, CheckpointError> {
        let json = Json::parse_within(file, MAX_CHECKPOINT_FILE_LEN)?;
        let object = json.as_object().ok_or(CheckpointError::Shape)?;
        let checkpoint =
            object.get("checkpoint").and_then(Checkpoint::from_json).ok_or(CheckpointError::Shape)?;
        let signature =
            object.get("signature").and_then(Signature::from_json).ok_or(CheckpointError::Signature)?;
        let signed = Self { checkpoint, signature };
        // Also refuses members that the types do not know.
        if signed.to_file() != file {
            return Err(CheckpointError::NotCanonical);
        }
        if signed.signature.alg != signed.checkpoint.suite {
            return Err(CheckpointError::Signature);
        }
        Ok(signed)
    }
}

/// Why bytes are not a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not JSON by the strict rules, or too long.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is missing or malformed.
    #[error("not a version 1 checkpoint")]
    Shape,
    /// The signature object is malformed or of another suite.
    #[error("the signature object is malformed")]
    Signature,
    /// Not the canonical bytes and a line feed.
    #[error("not canonical JSON and a line feed")]
    NotCanonical,
}
