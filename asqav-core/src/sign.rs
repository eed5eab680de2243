//! The key in use: what a gate asks to sign.

use asqav_receipt::batch::BATCH_TAG;
use asqav_receipt::delegation::DELEGATION_TAG;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::dsse;
use asqav_receipt::id::KeyId;

/// The tags that signed bytes may begin with, each followed by a zero byte;
/// receipt payloads begin with `{` instead. The registry is in docs/FORMAT.md.
pub const SIGNED_TAGS: [&str; 4] = ["asqav/segment/v1", "asqav/checkpoint/v1", BATCH_TAG, DELEGATION_TAG];

/// What one signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Signing {
    /// One receipt (the default): every verifier of the profile can check it.
    #[default]
    EachReceipt,
    /// All receipts that wait when the signer is free, up to 1,024 or 1 MiB of
    /// them: many times the throughput, a fraction of the space. Each receipt
    /// still verifies by itself, but with asqav only: others call the algorithm
    /// `asqav-batch-v1+ML-DSA-65` unknown. A receipt that waits alone is signed
    /// by itself.
    Batched,
}

/// Whether `message` is of a kind that asqav signs.
///
/// # Errors
/// [`SignError::Foreign`] when it begins neither with `{`, nor with one of
/// [`SIGNED_TAGS`] and a zero byte, nor as the encoding of an in-toto statement
/// does.
pub fn check_kind(message: &[u8]) -> Result<(), SignError> {
    let tagged = |tag: &str| message.strip_prefix(tag.as_bytes()).is_some_and(|rest| rest.starts_with(&[0]));
    if message.starts_with(b"{") || SIGNED_TAGS.into_iter().any(tagged) || dsse::is_in_toto_pae(message) {
        return Ok(());
    }
    Err(SignError::Foreign)
}

/// Signs for one key of one suite.
///
/// A signer signs bytes beginning with `{` for receipt payloads only;
/// everything else begins with a registered tag and a zero byte, or as the
/// encoding of an in-toto statement does (docs/FORMAT.md). Implementations refuse the rest, as [`check_kind`] does.
pub trait Signer: Send + Sync + 'static {
    /// The suite's name as it stands in `signature.alg`, e.g. `ML-DSA-65`.
    fn algorithm(&self) -> &'static str;

    /// The key's id, `signature.kid`.
    fn key_id(&self) -> &KeyId;

    /// The raw public key (ML-DSA-65: 1,952 bytes, FIPS 204 §7.2).
    fn public_key(&self) -> &[u8];

    /// RFC 7638 thumbprint of `{alg, kty: "AKP", pub}`.
    fn thumbprint(&self) -> &Sha256Digest;

    /// The signature over `message` with an empty context (ML-DSA-65: 3,309
    /// bytes, FIPS 204 §5.2, hedged).
    ///
    /// # Errors
    /// [`SignError`] when nothing was signed.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why a signer did not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The message begins neither with `{` nor with a registered tag.
    #[error("refusing to sign bytes of no registered kind")]
    Foreign,
    /// The system gave no randomness.
    #[error("no randomness for the signature: {0}")]
    Randomness(String),
    /// A remote signer or a device failed.
    #[error("the signer failed: {0}")]
    Backend(String),
}
