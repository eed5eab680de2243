//! A signing key of one's own: ML-DSA-65 (FIPS 204), in this process.
//!
//! Text in, text out; where the text is kept is the caller's affair.

#[cfg(feature = "aws-lc")]
mod aws_lc;

use std::fmt;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::KeyId;
use asqav_receipt::suite::ML_DSA_65;
use getrandom::SysRng;
use ml_dsa::{ExpandedSigningKey, MlDsa65};
use pkcs8::der::pem::PemLabel as _;
use pkcs8::{EncodePrivateKey as _, LineEnding, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

#[cfg(feature = "aws-lc")]
pub use self::aws_lc::AwsLcSigner;
use crate::sign::{self, SignError, Signer};

/// Length of the seed that a key is derived from, bytes (FIPS 204 §6.1, ξ).
pub const SEED_LEN: usize = 32;

/// id-ml-dsa-65 (RFC 9881 §2).
const ID_ML_DSA_65: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");

/// An ML-DSA-65 key that signs, expanded once.
///
/// ```
/// use asqav_core::key::SigningKey;
/// use asqav_core::sign::Signer;
///
/// let key = SigningKey::generate()?;
/// let again = SigningKey::from_pkcs8_pem(&key.to_pkcs8_pem())?;
/// assert_eq!(again.key_id(), key.key_id());
/// assert_eq!(key.sign(b"{}")?.len(), 3_309);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SigningKey {
    expanded: Box<ExpandedSigningKey<MlDsa65>>,
    seed: Zeroizing<[u8; SEED_LEN]>,
    public_key: Vec<u8>,
    thumbprint: Sha256Digest,
    key_id: KeyId,
}

/// Why there is no signing key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The system gave no randomness for a new key.
    #[error("no randomness for a key: {0}")]
    Randomness(String),
    /// The text is not a PEM document with the label `PRIVATE KEY`, or its
    /// content is not PKCS#8 (RFC 5958).
    #[error("not a PKCS#8 private key in PEM form: {0}")]
    Form(String),
    /// The key is of another suite.
    #[error("a key of the algorithm {found}, not of ML-DSA-65 (2.16.840.1.101.3.4.3.18)")]
    Suite {
        /// The algorithm's object identifier.
        found: String,
    },
    /// The key is of this suite, but not given by its seed alone.
    #[error("the ML-DSA-65 key is not in seed form (RFC 9881 §6): {0}")]
    NotSeed(String),
}

impl SigningKey {
    /// The key of `seed` (FIPS 204 §6.1); its id is its thumbprint in
    /// hexadecimal digits.
    ///
    /// # Panics
    /// Never: a thumbprint's 64 digits always are a key id.
    #[must_use]
    #[expect(clippy::expect_used, reason = "64 hexadecimal digits always are a key id")]
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Self {
        let seed = Zeroizing::new(*seed);
        let expanded = Box::new(ExpandedSigningKey::from_seed(&(*seed).into()));
        let public_key = expanded.verifying_key().encode().to_vec();
        let thumbprint = ML_DSA_65.thumbprint(&public_key);
        let key_id = KeyId::parse(thumbprint.to_hex()).expect("64 hexadecimal digits");
        Self { expanded, seed, public_key, thumbprint, key_id }
    }

    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::Randomness`] when the system has none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        getrandom::fill(&mut *seed).map_err(|error| KeyError::Randomness(error.to_string()))?;
        Ok(Self::from_seed(&seed))
    }

    /// The same key under another id.
    #[must_use]
    pub fn with_key_id(self, key_id: KeyId) -> Self {
        Self { key_id, ..self }
    }

    /// Reads PKCS#8 in PEM form, holding the seed alone (RFC 9881 §6).
    ///
    /// # Errors
    /// [`KeyError`] for anything else; it never quotes the text.
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        let form = |error: &dyn fmt::Display| KeyError::Form(error.to_string());
        let (label, document) = SecretDocument::from_pem(pem).map_err(|error| form(&error))?;
        PrivateKeyInfoRef::validate_pem_label(label).map_err(|error| form(&error))?;
        let info = PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|error| form(&error))?;
        if info.algorithm.oid != ID_ML_DSA_65 {
            return Err(KeyError::Suite { found: info.algorithm.oid.to_string() });
        }
        let key = ml_dsa::SigningKey::<MlDsa65>::try_from(info)
            .map_err(|error| KeyError::NotSeed(error.to_string()))?;
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        seed.copy_from_slice(key.as_seed());
        Ok(Self::from_seed(&seed))
    }

    /// Writes PKCS#8 in PEM form, holding the seed alone (RFC 9881 §6). The
    /// text is wiped when it is dropped.
    ///
    /// # Panics
    /// Never: a seed of fixed length always has this form.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a document of fixed length and content cannot fail to encode")]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        ml_dsa::SigningKey::<MlDsa65>::from_seed(&(*self.seed).into())
            .to_pkcs8_pem(LineEnding::LF)
            .expect("a document of fixed length and content")
    }
}

impl fmt::Debug for SigningKey {
    /// Names the key, shows nothing of its secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Signer for SigningKey {
    fn algorithm(&self) -> &'static str {
        ML_DSA_65.name
    }

    fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn thumbprint(&self) -> &Sha256Digest {
        &self.thumbprint
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        sign::check_kind(message)?;
        let signature = self
            .expanded
            .sign_randomized(message, &[], &mut SysRng)
            .map_err(|_| SignError::Randomness("the system's generator failed".to_owned()))?;
        Ok(signature.encode().to_vec())
    }
}

#[cfg(test)]
mod tests;
