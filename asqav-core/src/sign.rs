//! The key in use: what a gate asks to sign.

use std::sync::Arc;

use asqav_receipt::batch::{BATCH_TAG, Batch, MAX_BATCH_SIZE};
use asqav_receipt::delegation::DELEGATION_TAG;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::dsse;
use asqav_receipt::id::{KeyId, LogId};
use asqav_receipt::receipt::{ReceiptSignature, Signature};
use asqav_receipt::suite;

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

/// A batch takes no more than this, bytes of canonical payloads: its log lines
/// are then within what verifiers hold at once.
const MAX_BATCH_PAYLOADS: usize = 1 << 20;

/// How much one signature may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobSize {
    /// Receipts.
    pub(crate) receipts: usize,
    /// Bytes of canonical payloads; the first receipt is taken in any case.
    pub(crate) bytes: usize,
}

impl Signing {
    /// How much one signature covers at most.
    pub(crate) fn most(self) -> JobSize {
        match self {
            Self::EachReceipt => JobSize { receipts: 1, bytes: 0 },
            Self::Batched => JobSize { receipts: usize::from(MAX_BATCH_SIZE), bytes: MAX_BATCH_PAYLOADS },
        }
    }
}

/// Signs successive receipts of a log, the first of which has the number
/// `first_seq`, by one signature: one by itself, several by their root.
pub(crate) fn together(
    signer: &dyn Signer,
    log_id: LogId,
    key_thumbprint: Sha256Digest,
    first_seq: u64,
    canonical: &[Arc<[u8]>],
) -> Result<Vec<ReceiptSignature>, SignError> {
    if let [canonical] = canonical {
        return Ok(vec![message(signer, canonical)?.into()]);
    }
    let canonical = canonical.iter().map(|canonical| &**canonical);
    let batch = Batch::new(log_id, key_thumbprint, first_seq, canonical);
    let batch = batch.ok_or_else(|| SignError::Backend("a batch of no size".to_owned()))?;
    let root = message(signer, &batch.root().signing_bytes())?;
    Ok(batch.signatures(root).collect())
}

/// INVARIANT: what goes into the log can be read again; a signature of another
/// length cannot, and the log would not open any more.
fn message(signer: &dyn Signer, message: &[u8]) -> Result<Signature, SignError> {
    let sig = signer.sign(message)?;
    // A gate has no signer of another suite: its self-test refuses that.
    let wanted = suite::by_name(signer.algorithm()).map(|suite| suite.signature_len);
    if wanted.is_some_and(|wanted| wanted != sig.len()) {
        let why = format!("{} bytes are no {} signature", sig.len(), signer.algorithm());
        return Err(SignError::Backend(why));
    }
    Ok(Signature { alg: signer.algorithm(), kid: signer.key_id().clone(), sig })
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
///
/// It signs on threads of the recorder, or on that of a caller who blocks until
/// its receipt is durable, as [`Log`](crate::log::Log) has it.
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
