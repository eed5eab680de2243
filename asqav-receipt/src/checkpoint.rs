//! What is kept of a log at a place outside its directory: a signed checkpoint,
//! or merely its head.

mod signed;

pub use signed::{CHECKPOINT_TAG, Checkpoint, CheckpointError, MAX_CHECKPOINT_FILE_LEN, SignedCheckpoint};

use crate::canonical::to_vec;
use crate::digest::{Sha3Digest, Sha256Digest};
use crate::id::LogId;
use crate::json::{Json, Object};

/// The newest receipt's number and the links to it.
///
/// Not signed: it is worth what the place is worth where it is kept. A log
/// that ends before its mirrored head, or holds another receipt there, was cut
/// or rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the format fixes the four members")]
pub struct HeadMirror {
    /// The log.
    pub log_id: LogId,
    /// The newest receipt's sequence number.
    pub seq: u64,
    /// The SHA-256 link to it.
    pub sha256: Sha256Digest,
    /// The SHA3 link to it.
    pub sha3: Sha3Digest,
}

impl HeadMirror {
    /// The file's content: canonical JSON and a line feed.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let Self { log_id, seq, sha256, sha3 } = self;
        let mut object = Object::new();
        object.set("log_id", log_id.to_string());
        object.set("seq", Json::count(*seq));
        object.set("sha256", sha256.to_hex());
        object.set("sha3", sha3.to_hex());
        let mut bytes = to_vec(&Json::Object(object));
        bytes.push(b'\n');
        bytes
    }

    /// Reads a file, canonical byte for byte; `None` for anything else.
    #[must_use]
    pub fn parse(file: &[u8]) -> Option<Self> {
        let json = Json::parse(file).ok()?;
        let object = json.as_object()?;
        let mirror = Self {
            log_id: LogId::parse(object.get("log_id")?.as_str()?).ok()?,
            seq: object.get("seq")?.as_count()?,
            sha256: Sha256Digest::parse_hex(object.get("sha256")?.as_str()?)?,
            sha3: Sha3Digest::parse_hex(object.get("sha3")?.as_str()?)?,
        };
        (mirror.to_file() == file).then_some(mirror)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_has_one_spelling() {
        let mirror = HeadMirror {
            log_id: LogId::from_bytes([1; 16]),
            seq: 12,
            sha256: Sha256Digest::of(b"a"),
            sha3: Sha3Digest::of(b"b"),
        };
        let file = mirror.to_file();
        assert_eq!(HeadMirror::parse(&file), Some(mirror));
        assert_eq!(HeadMirror::parse(&file[..file.len() - 1]), None);
        let spaced = String::from_utf8(file).unwrap().replace(":12", ": 12");
        assert_eq!(HeadMirror::parse(spaced.as_bytes()), None);
    }
}
