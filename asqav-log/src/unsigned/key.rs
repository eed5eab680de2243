//! The key that binds receipts to their log until they are signed.

use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::id::LogId;
use hmac::{KeyInit as _, Mac as _};
use zeroize::{Zeroize as _, Zeroizing};

type HmacSha3 = hmac::SimpleHmac<sha3::Sha3_256>;

/// 32 secret bytes that nobody has but the log's writer: who has them, and can
/// write the log directory, can have receipts signed at the next start. Wiped
/// from memory when dropped.
#[derive(Clone)]
pub struct JournalKey(Zeroizing<[u8; 32]>);

impl JournalKey {
    /// Takes 32 random bytes as the key and wipes them.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Sha3Digest::of_parts(&[b"asqav/unsigned/v1\0", bytes.as_slice()]);
        bytes.zeroize();
        Self(Zeroizing::new(*key.as_bytes()))
    }

    /// HMAC-SHA3-256 over the log id and a line's content.
    pub(super) fn mac(&self, log_id: LogId, content: &[u8]) -> [u8; 32] {
        self.begun(log_id, content).finalize().into_bytes().into()
    }

    /// Whether `mac` is that; takes as long whatever it is.
    pub(super) fn is_mac(&self, log_id: LogId, content: &[u8], mac: &[u8; 32]) -> bool {
        self.begun(log_id, content).verify_slice(mac).is_ok()
    }

    fn begun(&self, log_id: LogId, content: &[u8]) -> HmacSha3 {
        // HMAC (FIPS 198-1 §4) pads the key with zeros to the block of 136 bytes.
        let mut block = hmac::digest::Key::<HmacSha3>::default();
        block.iter_mut().zip(self.0.iter()).for_each(|(padded, byte)| *padded = *byte);
        HmacSha3::new(&block).chain_update(log_id.as_bytes()).chain_update(content)
    }
}

impl std::fmt::Debug for JournalKey {
    /// Shows nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JournalKey(secret)")
    }
}
