//! `signature`: the signature over the canonical payload, or over the root of
//! a batch with the payload in it.
//!
//! Everything but the arithmetic is settled when a [`Check`] is made, so that
//! the arithmetic can run elsewhere.

use crate::base64url;
use crate::base64url::decode_any;
use crate::batch::{BATCH_ALG, BatchPlace, BatchRoot, place_and_path};
use crate::digest::Sha256Digest;
use crate::id::LogId;
use crate::keys::KeyEntry;
use crate::suite::{self, ML_DSA_65, VerifyingKey};
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::{Subject, text};

/// A signature that has the right form, and the key to check it with.
#[derive(Debug, Clone)]
pub(in crate::verify) struct Check<'a> {
    pub(in crate::verify) key: &'a VerifyingKey,
    pub(in crate::verify) signature: Vec<u8>,
    pub(in crate::verify) over: Over,
}

/// What a signature is over.
#[derive(Debug, Clone)]
pub(in crate::verify) enum Over {
    /// The canonical payload.
    Payload,
    /// The root of a batch, to which a path leads from the payload.
    Path(Box<BatchPath>),
    /// The root of the batch in this place; the message is that of the root.
    Root(BatchPlace),
    /// The root of a batch whose other receipts stand elsewhere in the log.
    Line,
}

/// Where a receipt stands in its batch.
#[derive(Debug, Clone)]
pub(in crate::verify) struct BatchPath {
    log_id: LogId,
    key_thumbprint: Sha256Digest,
    place: BatchPlace,
    index: u16,
    path: Vec<[u8; 32]>,
}

impl Check<'_> {
    /// Runs the arithmetic over `message`.
    pub(in crate::verify) fn run(&self, message: &[u8]) -> Finding {
        match &self.over {
            Over::Payload => self.finding(message, || "the canonical payload".to_owned()),
            Over::Root(place) => self.finding(message, || root_of(*place)),
            Over::Path(path) => match path.root(message) {
                Some(root) => self.finding(&root.signing_bytes(), || {
                    format!("{}, to which the path leads", root_of(path.place))
                }),
                None => Finding::fail(
                    ReasonCode::BatchMalformed,
                    "the path does not have the length that its place in the batch asks for",
                ),
            },
            Over::Line => Finding::skip(
                ReasonCode::BatchIncomplete,
                "one line of a batch in a log: the signature stands in the batch's last line",
            ),
        }
    }

    fn finding(&self, message: &[u8], what: impl Fn() -> String) -> Finding {
        if self.key.verifies(message, &self.signature) {
            return Finding::pass(format!("{} signature over {}", self.key.suite().name, what()));
        }
        Finding::fail(
            ReasonCode::SignatureInvalid,
            format!("the signature is not this key's over {}", what()),
        )
    }
}

impl BatchPath {
    fn root(&self, message: &[u8]) -> Option<BatchRoot> {
        let Self { log_id, key_thumbprint, place, index, path } = self;
        let root = place.root_over(*index, message, path)?;
        Some(BatchRoot { log_id: *log_id, place: *place, root, key_thumbprint: *key_thumbprint })
    }
}

fn root_of(place: BatchPlace) -> String {
    format!("the root of receipts {} to {}", place.first_seq(), place.last_seq())
}

/// Settles encoding and algorithm.
///
/// # Errors
/// The finding if they are wrong.
pub(in crate::verify) fn prepare<'a>(
    subject: &Subject<'_>,
    entry: &'a KeyEntry,
) -> Result<Check<'a>, Finding> {
    let key = entry.key().map_err(|why| Finding::skip(ReasonCode::SignatureUnchecked, why))?;
    if subject.is_ours() && subject.alg == Some(BATCH_ALG) {
        return batched(subject, key);
    }
    algorithm(subject, key)?;
    if subject.is_ours() && subject.signature.is_some_and(|signature| signature.get("batch").is_some()) {
        return Err(malformed_batch("`batch` beside a signature of the receipt's own"));
    }
    Ok(Check { key, signature: decode(subject)?, over: Over::Payload })
}

/// The signature object of a receipt of a batch: exactly its members.
fn batched<'a>(subject: &Subject<'_>, key: &'a VerifyingKey) -> Result<Check<'a>, Finding> {
    if *key.suite() != ML_DSA_65 {
        let note = format!("`alg` is {BATCH_ALG:?}, the key's is {}", key.suite().name);
        return Err(Finding::fail(ReasonCode::AlgorithmMismatch, note));
    }
    let object = subject.signature.ok_or_else(|| malformed_batch("there is no signature object"))?;
    let (place, path) = place_and_path(object)
        .ok_or_else(|| malformed_batch("`batch` is not an object of `first_seq`, `size` and `path`"))?;
    let index = subject
        .seq()
        .and_then(|seq| place.index_of(seq))
        .ok_or_else(|| malformed_batch("the receipt's number is not in its batch"))?;
    let Some(path) = path else {
        return Ok(Check { key, signature: Vec::new(), over: Over::Line });
    };
    if object.len() != 4 {
        return Err(malformed_batch("the signature has members besides `alg`, `batch`, `kid` and `sig`"));
    }
    let log_id = subject.asqav().and_then(|asqav| LogId::parse(text(asqav, "log_id")?).ok());
    let log_id = log_id.ok_or_else(|| malformed_batch("the payload names no log"))?;
    let key_thumbprint = subject.text("key_thumbprint").and_then(Sha256Digest::parse_tagged);
    let key_thumbprint = key_thumbprint.ok_or_else(|| malformed_batch("the payload names no key"))?;
    let path = Box::new(BatchPath { log_id, key_thumbprint, place, index, path });
    Ok(Check { key, signature: decode(subject)?, over: Over::Path(path) })
}

fn malformed_batch(note: &str) -> Finding {
    Finding::fail(ReasonCode::BatchMalformed, note)
}

/// `alg` is a label: compared with the key, never believed.
fn algorithm(subject: &Subject<'_>, key: &VerifyingKey) -> Result<(), Finding> {
    let name = key.suite().name;
    match subject.alg {
        Some(alg) if alg == name => Ok(()),
        Some(alg) if !subject.is_ours() && alg.eq_ignore_ascii_case(name) => Ok(()),
        Some(alg) if suite::by_name(alg).is_some() => Err(Finding::fail(
            ReasonCode::AlgorithmMismatch,
            format!("`alg` is {alg:?}, the key's is {name}"),
        )),
        alg => Err(Finding::skip(
            ReasonCode::AlgorithmUnsupported,
            format!("algorithm {alg:?} is not known here"),
        )),
    }
}

/// Receipts of ours have one spelling; others may use either alphabet.
fn decode(subject: &Subject<'_>) -> Result<Vec<u8>, Finding> {
    let text = subject.sig.filter(|sig| !sig.is_empty());
    let decoded =
        if subject.is_ours() { text.and_then(base64url::decode) } else { text.and_then(decode_any) };
    decoded.ok_or_else(|| {
        Finding::fail(ReasonCode::SignatureEncoding, "there is no signature in readable base64")
    })
}
