//! What commands read: bounded, and with errors that name the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use asqav_core::clock::{Clock as _, SystemClock};
use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_log::keyfile::load_signing_key;
use asqav_receipt::anchor::{Anchor, BlockHeaders, TsaKeys};
use asqav_receipt::checkpoint::{HeadMirror, SignedCheckpoint};
use asqav_receipt::id::KeyId;
use asqav_receipt::keys::KeySet;
use asqav_receipt::time::Timestamp;

use crate::error::CliError;

/// A receipt, key set or head file that is longer, in bytes, is none.
const MAX_LEN: u64 = 16 * 1024 * 1024;

/// The bytes of the file `path`; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let failed = |source| CliError::Read { path: path.to_owned(), source };
    let bytes = if path == Path::new("-") {
        read_bounded(io::stdin().lock())
    } else {
        File::open(path).and_then(read_bounded)
    };
    bytes.map_err(failed)
}

fn read_bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_LEN + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_LEN) {
        return Ok(bytes);
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {MAX_LEN} bytes")))
}

/// The key set that the caller pins.
pub(crate) fn key_set(path: &Path) -> Result<KeySet, CliError> {
    let not = |why: String| CliError::NotA { path: path.to_owned(), expected: "a key set (JWKS)", why };
    let keys = KeySet::parse(&read(path)?).map_err(|error| not(error.to_string()))?;
    if keys.entries().is_empty() {
        return Err(not("it holds no key".to_owned()));
    }
    Ok(keys)
}

/// The time-stamp authorities that the caller pins; `None` if none are.
pub(crate) fn tsa_keys(paths: &[PathBuf]) -> Result<Option<TsaKeys>, CliError> {
    let mut keys = TsaKeys::new();
    for path in paths {
        keys.pin(&read(path)?).map_err(|error| CliError::NotA {
            path: path.clone(),
            expected: "a key of a time-stamp authority",
            why: error.to_string(),
        })?;
    }
    Ok((!paths.is_empty()).then_some(keys))
}

/// The block headers that the caller trusts.
pub(crate) fn block_headers(path: Option<&Path>) -> Result<Option<BlockHeaders>, CliError> {
    let Some(path) = path else { return Ok(None) };
    BlockHeaders::parse(&read(path)?).map(Some).map_err(|error| CliError::NotA {
        path: path.to_owned(),
        expected: "a file of Bitcoin block headers",
        why: error.to_string(),
    })
}

/// A checkpoint that was kept elsewhere.
pub(crate) fn checkpoint(path: &Path) -> Result<SignedCheckpoint, CliError> {
    SignedCheckpoint::parse(&read(path)?).map_err(|error| CliError::NotA {
        path: path.to_owned(),
        expected: "a checkpoint",
        why: error.to_string(),
    })
}

/// The anchors beside the file `path`.
pub(crate) fn anchors(path: &Path) -> Result<Vec<Anchor>, CliError> {
    Ok(asqav_log::anchoring::read_anchors(path)?)
}

/// A signing key under the id that the pinned key set has for it, and the set.
pub(crate) fn pinned_signing_key(key: &Path, keys: &Path) -> Result<(SigningKey, KeySet), CliError> {
    let (signing, set) = (load_signing_key(key)?, key_set(keys)?);
    let entry = set.entries().iter().find(|entry| entry.public_key() == Some(signing.public_key()));
    let kid = entry.and_then(|entry| KeyId::parse(entry.kid.as_deref()?).ok());
    let kid = kid.ok_or_else(|| CliError::NotA {
        path: key.to_owned(),
        expected: "one of the pinned keys",
        why: format!("`{}` has no entry with its public key", keys.display()),
    })?;
    Ok((signing.with_key_id(kid), set))
}

/// The head that the writer mirrored.
pub(crate) fn head(path: &Path) -> Result<HeadMirror, CliError> {
    let why = "it is not canonical JSON of log_id, seq, sha256, sha3".to_owned();
    HeadMirror::parse(&read(path)?).ok_or_else(|| CliError::NotA {
        path: path.to_owned(),
        expected: "a mirrored head",
        why,
    })
}

/// The evaluation time: the only place where verification meets a clock.
pub(crate) fn now() -> Timestamp {
    SystemClock::new().now()
}
