//! What stays of a deleted segment: its signed header, and the leaf hashes of
//! its receipts in `segment-00000001.leaves`, 32 bytes each, in order.
//!
//! The hashes are checked against the header's root by whoever relies on them.

use std::io::{self, Read as _};
use std::path::Path;

use crate::names::leaves_name;
use crate::reader::ReadError;
use crate::regular;

/// Bytes of a leaf hash.
pub(crate) const LEAF_LEN: usize = 32;

/// A file of leaf hashes is never longer than this, bytes: 33 million receipts.
pub(crate) const MAX_LEAVES_LEN: usize = 1 << 30;

/// Whether a segment's file is nothing but a name that its deletion left: a
/// start makes such a name once more, to remove it for good, and can be
/// interrupted in between.
pub(crate) const fn is_left_name(log_len: u64, has_leaves: bool) -> bool {
    log_len == 0 && has_leaves
}

/// The leaf hashes of segment `number`; `None` if it was not deleted.
pub(crate) fn leaves(log_dir: &Path, number: u64) -> Result<Option<Vec<[u8; LEAF_LEN]>>, ReadError> {
    match bytes(log_dir, number) {
        Ok(bytes) => Ok(Some(split(&bytes))),
        Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The content of the file of leaf hashes of segment `number`.
pub(crate) fn bytes(log_dir: &Path, number: u64) -> Result<Vec<u8>, ReadError> {
    let (file, path) = regular::open(log_dir, &leaves_name(number))?;
    let mut bytes = Vec::new();
    file.take(u64::try_from(MAX_LEAVES_LEN).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes)
        .map_err(|source| ReadError::Io { path, source })?;
    Ok(bytes)
}

/// The leaf hashes of segment `number`.
#[cfg(feature = "write")]
pub(crate) fn stored(
    storage: &mut dyn crate::storage::Storage,
    number: u64,
) -> io::Result<Vec<[u8; LEAF_LEN]>> {
    /// Read at once, bytes; a multiple of a hash's length.
    const PART_LEN: usize = 1 << 20;
    let name = leaves_name(number);
    let mut bytes: Vec<u8> = Vec::new();
    while bytes.len() < MAX_LEAVES_LEN {
        let at = u64::try_from(bytes.len()).map_err(io::Error::other)?;
        let part = storage.read(&name, at, PART_LEN)?;
        bytes.extend_from_slice(&part);
        if part.len() < PART_LEN {
            break;
        }
    }
    Ok(split(&bytes))
}

fn split(bytes: &[u8]) -> Vec<[u8; LEAF_LEN]> {
    bytes.as_chunks().0.to_vec()
}
