//! Signing with AWS-LC: the same key and signatures, several times as fast.

use std::fmt;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::KeyId;
use asqav_receipt::suite::ML_DSA_65;
use aws_lc_rs::signature::{KeyPair as _, ML_DSA_65_SIGNING, PqdsaKeyPair};

use super::SigningKey;
use crate::sign::{self, SignError, Signer};

/// An ML-DSA-65 key whose signatures AWS-LC makes, with the vector
/// instructions that the processor has (feature `aws-lc`).
///
/// Key, id and signatures are those of the [`SigningKey`] that it is made of:
/// nobody can tell which of both signed. AWS-LC is a C library that is compiled
/// with the program; verification stays with the Rust one.
///
/// ```
/// use asqav_core::key::{AwsLcSigner, SigningKey};
/// use asqav_core::sign::Signer;
///
/// let key = SigningKey::generate()?;
/// let fast = AwsLcSigner::new(&key)?;
/// assert_eq!(fast.key_id(), key.key_id());
/// assert_eq!(fast.sign(b"{}")?.len(), 3_309);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AwsLcSigner {
    pair: PqdsaKeyPair,
    thumbprint: Sha256Digest,
    key_id: KeyId,
}

impl AwsLcSigner {
    /// Takes over `key`: its seed, its id.
    ///
    /// # Errors
    /// [`SignError::Backend`] when AWS-LC takes no key of this kind, or derives
    /// another public key from the seed.
    pub fn new(key: &SigningKey) -> Result<Self, SignError> {
        let pair = PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, &*key.seed)
            .map_err(|rejected| SignError::Backend(format!("AWS-LC takes no ML-DSA-65 key: {rejected}")))?;
        if pair.public_key().as_ref() != key.public_key() {
            return Err(SignError::Backend("AWS-LC derives another public key".to_owned()));
        }
        Ok(Self { pair, thumbprint: *key.thumbprint(), key_id: key.key_id().clone() })
    }
}

impl fmt::Debug for AwsLcSigner {
    /// Names the key, shows nothing of its secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsLcSigner").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Signer for AwsLcSigner {
    fn algorithm(&self) -> &'static str {
        ML_DSA_65.name
    }

    fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    fn public_key(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn thumbprint(&self) -> &Sha256Digest {
        &self.thumbprint
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        sign::check_kind(message)?;
        let mut signature = vec![0; ML_DSA_65.signature_len];
        match self.pair.sign(message, &mut signature) {
            Ok(len) if len == signature.len() => Ok(signature),
            _ => Err(SignError::Backend("AWS-LC did not sign".to_owned())),
        }
    }
}
