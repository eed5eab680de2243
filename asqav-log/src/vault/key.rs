//! The key that wraps the keys of all entries.

use asqav_receipt::digest::Sha3Digest;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize as _, Zeroizing};

/// Length of a nonce and of a wrapped key, one after the other.
pub(super) const WRAPPED_LEN: usize = NONCE_LEN + 48;
const NONCE_LEN: usize = 24;

/// 32 secret bytes that open a vault; wiped from memory when dropped.
#[derive(Clone)]
pub struct VaultKey(Zeroizing<[u8; 32]>);

impl VaultKey {
    /// Takes 32 random bytes as the key and wipes them.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// What stands in each file's header, so that a wrong key is noticed.
    pub(super) fn id(&self) -> Sha3Digest {
        Sha3Digest::of_parts(&[b"asqav/vault-key/v1\0", self.0.as_slice()])
    }

    /// `entry_key` under this key and a nonce that is used once.
    pub(super) fn wrap(
        &self,
        nonce: &[u8; NONCE_LEN],
        entry_key: &[u8; 32],
        aad: &[u8],
    ) -> Option<[u8; WRAPPED_LEN]> {
        let sealed = self.cipher().encrypt(&XNonce::from(*nonce), Payload { msg: entry_key, aad }).ok()?;
        let mut wrapped = [0; WRAPPED_LEN];
        let (front, back) = wrapped.split_at_mut(NONCE_LEN);
        front.copy_from_slice(nonce);
        back.copy_from_slice(sealed.get(..48)?);
        Some(wrapped)
    }

    /// The entry's key; `None` if this is not the key or the place it was
    /// wrapped for.
    pub(super) fn unwrap(&self, wrapped: &[u8; WRAPPED_LEN], aad: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LEN>()?;
        let opened = self.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad }).ok()?;
        let opened = Zeroizing::new(opened);
        Some(Zeroizing::new(opened.as_slice().try_into().ok()?))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

impl std::fmt::Debug for VaultKey {
    /// Shows nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKey(secret)")
    }
}
