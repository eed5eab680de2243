//! The key that wraps the keys of all entries.

use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::id::LogId;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::Mac as _;
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

    /// The key of the journal of receipts that wait for their signature.
    pub(crate) fn for_journal(&self) -> JournalKey {
        let key = Sha3Digest::of_parts(&[b"asqav/unsigned/v1\0", self.0.as_slice()]);
        JournalKey(Zeroizing::new(*key.as_bytes()))
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

/// What binds receipts to their log until they are signed.
pub(crate) struct JournalKey(Zeroizing<[u8; 32]>);

type HmacSha3 = hmac::SimpleHmac<sha3::Sha3_256>;

impl JournalKey {
    /// HMAC-SHA3-256 over the log id and the canonical payload.
    pub(crate) fn mac(&self, log_id: LogId, canonical: &[u8]) -> [u8; 32] {
        self.begun(log_id, canonical).finalize().into_bytes().into()
    }

    /// Whether `mac` is that; takes as long whatever it is.
    pub(crate) fn is_mac(&self, log_id: LogId, canonical: &[u8], mac: &[u8; 32]) -> bool {
        self.begun(log_id, canonical).verify_slice(mac).is_ok()
    }

    fn begun(&self, log_id: LogId, canonical: &[u8]) -> HmacSha3 {
        // HMAC (FIPS 198-1 §4) pads the key with zeros to the block of 136 bytes.
        let mut block = hmac::digest::Key::<HmacSha3>::default();
        block.iter_mut().zip(self.0.iter()).for_each(|(padded, byte)| *padded = *byte);
        HmacSha3::new(&block).chain_update(log_id.as_bytes()).chain_update(canonical)
    }
}

impl std::fmt::Debug for VaultKey {
    /// Shows nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKey(secret)")
    }
}
