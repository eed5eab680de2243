//! Key files on disk: made so that nobody else can read them, and refused
//! when somebody else could have.
//!
//! | file | content | mode |
//! |---|---|---|
//! | `signing-key.pem` | PKCS#8, ML-DSA-65, seed only (RFC 9881 §6) | 0600 |
//! | `vault.key` | `asqav-vault-key-v1 `, the 32 bytes as 64 lower-case hexadecimal digits, a line feed | 0600 |
//! | `keys.jwks.json` | the public key as a JWKS (RFC 7517 §5): what auditors pin | 0644 |
//!
//! [`create`] makes all three or none and never overwrites. Loading refuses a
//! file that its group or others may access, one that belongs to somebody
//! else, and a symbolic link that somebody else put there.

mod open;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use asqav_core::key::{KeyError, SigningKey};
use asqav_core::sign::Signer;
use asqav_receipt::digest::{decode_hex, encode_hex};
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::suite;
use zeroize::Zeroizing;

use crate::vault::VaultKey;

/// The signing key's file name.
pub const SIGNING_KEY: &str = "signing-key.pem";

/// The vault key's file name.
pub const VAULT_KEY: &str = "vault.key";

/// The public key set's file name.
pub const KEY_SET: &str = "keys.jwks.json";

/// What stands before the vault key's digits.
const VAULT_PREFIX: &str = "asqav-vault-key-v1 ";

/// Why a key file was not made or not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is a file of this name already; nothing was written.
    #[error("`{}` exists already; key files are never overwritten", .0.display())]
    Exists(PathBuf),
    /// Somebody besides its owner may access the file.
    #[error(
        "`{}` may be accessed by others (mode {mode:04o}); replace the key if anyone could have read it, else `chmod 600` it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file, or a symbolic link to it, belongs to another user.
    #[error("`{}` belongs to user {owner}, not to you", path.display())]
    OtherOwner {
        /// The file or link.
        path: PathBuf,
        /// Its owner's numeric id.
        owner: u32,
    },
    /// Not a regular file, e.g. a directory or a pipe.
    #[error("`{}` is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The signing key cannot be used: malformed, or of another suite.
    #[error("`{}`: {source}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with the key.
        source: KeyError,
    },
    /// The vault key's file does not have its form.
    #[error("`{}` is not a vault key: expected `asqav-vault-key-v1 ` and 64 lower-case hexadecimal digits", .0.display())]
    VaultKey(PathBuf),
    /// A signer's public key is not one of the suite that it names.
    #[error("the signer's public key is none of its suite")]
    PublicKey,
    /// The system gave no randomness.
    #[error("no randomness for a key: {0}")]
    Randomness(String),
    /// The file system refused.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// A fresh signing key and vault key for `agent`, vouched for by `issuer`, as
/// the three files in `dir`, which is made (mode 0700) if it is missing.
///
/// # Errors
/// [`KeyFileError`]; then none of the files was left behind.
pub fn create(dir: &Path, agent: &AgentId, issuer: &IssuerId) -> Result<SigningKey, KeyFileError> {
    open::make_dir(dir)?;
    let names = [SIGNING_KEY, VAULT_KEY, KEY_SET];
    if let Some(taken) = names.iter().map(|name| dir.join(name)).find(|path| path.symlink_metadata().is_ok())
    {
        return Err(KeyFileError::Exists(taken));
    }
    let key =
        SigningKey::generate().map_err(|source| KeyFileError::Key { path: dir.join(SIGNING_KEY), source })?;
    let files = [
        (SIGNING_KEY, 0o600, Zeroizing::new(key.to_pkcs8_pem().as_bytes().to_vec())),
        (VAULT_KEY, 0o600, vault_key_text()?),
        (KEY_SET, 0o644, Zeroizing::new(key_set(&key, agent, issuer)?.to_json())),
    ];
    let mut made = Vec::new();
    for (name, mode, text) in &files {
        let path = dir.join(name);
        match open::write_new(&path, *mode, text) {
            Ok(()) => made.push(path),
            Err(error) => {
                // We made them a moment ago, exclusively: they are ours to remove.
                made.iter().for_each(|path| drop(fs::remove_file(path)));
                return Err(error);
            }
        }
    }
    open::sync_dir(dir)?;
    // The folder may be new: what it is named in is not ours to insist on.
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    drop(open::sync_dir(parent.unwrap_or(Path::new("."))));
    Ok(key)
}

/// Loads the signing key of the file `path`.
///
/// # Errors
/// [`KeyFileError`]: the file cannot be read, is not private, or does not
/// hold an ML-DSA-65 key in seed form.
pub fn load_signing_key(path: &Path) -> Result<SigningKey, KeyFileError> {
    let text = open::read_private(path)?;
    SigningKey::from_pkcs8_pem(&text).map_err(|source| KeyFileError::Key { path: path.to_owned(), source })
}

/// Loads the vault key of the file `path`.
///
/// # Errors
/// [`KeyFileError`]: the file cannot be read, is not private, or is not a
/// vault key.
pub fn load_vault_key(path: &Path) -> Result<VaultKey, KeyFileError> {
    let text = open::read_private(path)?;
    let digits = text.strip_prefix(VAULT_PREFIX).and_then(|rest| rest.strip_suffix('\n'));
    let bytes = digits.and_then(decode_hex::<32>).map(Zeroizing::new);
    bytes.map(|bytes| VaultKey::from_bytes(*bytes)).ok_or_else(|| KeyFileError::VaultKey(path.to_owned()))
}

/// What auditors pin: the signer's public key, active, as this agent's and
/// this issuer's only.
///
/// # Errors
/// [`KeyFileError::PublicKey`] when the signer's key is none of its suite.
pub fn key_set(signer: &dyn Signer, agent: &AgentId, issuer: &IssuerId) -> Result<KeySet, KeyFileError> {
    suite::by_name(signer.algorithm())
        .and_then(|suite| {
            let kid = signer.key_id().as_str();
            KeyEntry::active(suite, signer.public_key(), kid, issuer.as_str(), agent.as_str())
        })
        .map(|entry| KeySet::new(vec![entry]))
        .ok_or(KeyFileError::PublicKey)
}

fn vault_key_text() -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| KeyFileError::Randomness(error.to_string()))?;
    let digits = Zeroizing::new(encode_hex(&*bytes));
    Ok(Zeroizing::new([VAULT_PREFIX, &digits, "\n"].concat().into_bytes()))
}

#[cfg(test)]
mod tests;
