//! The header of a vault's file.

use asqav_receipt::digest::Sha3Digest;

use super::key::VaultKey;

/// Length of a file's header.
pub(super) const HEADER_LEN: usize = 96;

const MAGIC: &[u8; 16] = b"asqav-vault-v1\0\0";
/// What the digest at the header's end covers.
const COVERED: usize = 64;

/// Whose openings a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileHeader {
    /// The log.
    pub(super) log_id: [u8; 16],
    key_id: [u8; 32],
}

impl FileHeader {
    pub(super) fn new(log_id: [u8; 16], key: &VaultKey) -> Self {
        Self { log_id, key_id: *key.id().as_bytes() }
    }

    /// The file's first [`HEADER_LEN`] bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [MAGIC.as_slice(), &self.log_id, &self.key_id].concat();
        let digest = Sha3Digest::of(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// Reads a file's first bytes; `None` if they are no whole header.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (covered, digest) = bytes.get(..HEADER_LEN)?.split_at(COVERED);
        let (magic, rest) = covered.split_first_chunk::<16>()?;
        let (log_id, key_id) = rest.split_first_chunk::<16>()?;
        if magic != MAGIC || Sha3Digest::of(covered).as_bytes() != digest {
            return None;
        }
        Some(Self { log_id: *log_id, key_id: key_id.try_into().ok()? })
    }

    /// Whether the file was written under `key`.
    pub(super) fn is_under(&self, key: &VaultKey) -> bool {
        self.key_id == *key.id().as_bytes()
    }
}
