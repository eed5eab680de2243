//! Public keys beside the tree: with the key that a payload names, a batch's
//! signature tells whether the path that was put together is right.
//!
//! `key-<thumbprint>` holds the key's bytes. Whose key it is, nobody says here;
//! that it is the one that the payload names follows from the thumbprint.

use std::io;

use asqav_receipt::digest::{Sha256Digest, encode_hex};
#[cfg(feature = "write")]
use asqav_receipt::keys::KeySet;
use asqav_receipt::suite::{ML_DSA_65, VerifyingKey};

use super::files::Files;
use crate::names::TREE;
use crate::reader::ReadError;
#[cfg(feature = "write")]
use crate::storage::Storage;

/// So many former keys are kept at most.
#[cfg(feature = "write")]
const MAX_FORMER: usize = 64;

fn name(thumbprint: &Sha256Digest) -> String {
    format!("{TREE}/key-{}", encode_hex(thumbprint.as_bytes()))
}

/// The key with this thumbprint, if it is kept.
pub(super) fn read(files: &mut Files, thumbprint: &Sha256Digest) -> Result<Option<VerifyingKey>, ReadError> {
    let bytes = match files.read(&name(thumbprint), 0, ML_DSA_65.public_key_len + 1) {
        Ok(bytes) => bytes,
        Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // INVARIANT: the file proves nothing; the thumbprint, which is signed, does.
    Ok(VerifyingKey::new(&ML_DSA_65, &bytes).filter(|key| key.thumbprint() == thumbprint))
}

/// Keeps the owner's key and the former ones.
#[cfg(feature = "write")]
pub(super) fn keep(
    storage: &mut dyn Storage,
    own: (&Sha256Digest, &[u8]),
    former: &KeySet,
) -> io::Result<()> {
    let former = former.entries().iter().filter_map(|entry| Some((entry.thumbprint()?, entry.public_key()?)));
    for (thumbprint, key) in std::iter::once(own).chain(former.take(MAX_FORMER)) {
        if key.len() == ML_DSA_65.public_key_len {
            keep_one(storage, &name(thumbprint), key)?;
        }
    }
    Ok(())
}

#[cfg(feature = "write")]
fn keep_one(storage: &mut dyn Storage, name: &str, key: &[u8]) -> io::Result<()> {
    let mut file = match storage.read(name, 0, key.len() + 1) {
        Ok(found) if found == key => return Ok(()),
        // A crash left it, or somebody else.
        Ok(_) => {
            storage.truncate(name, 0)?;
            storage.open(name)?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => storage.create(name)?,
        Err(error) => return Err(error),
    };
    file.append(key)
}
