//! `signature`: the signature over the canonical payload.
//!
//! Everything but the arithmetic is settled when a [`Check`] is made, so that
//! the arithmetic can run elsewhere.

use crate::base64url;
use crate::base64url::decode_any;
use crate::keys::KeyEntry;
use crate::suite::{self, VerifyingKey};
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::Subject;

/// A signature that has the right form, and the key to check it with.
#[derive(Debug, Clone)]
pub(in crate::verify) struct Check<'a> {
    pub(in crate::verify) key: &'a VerifyingKey,
    pub(in crate::verify) signature: Vec<u8>,
}

impl Check<'_> {
    /// Runs the arithmetic over `message`.
    pub(in crate::verify) fn run(&self, message: &[u8]) -> Finding {
        if self.key.verifies(message, &self.signature) {
            return Finding::pass(format!("{} signature over the canonical payload", self.key.suite().name));
        }
        Finding::fail(
            ReasonCode::SignatureInvalid,
            "the signature is not this key's over the canonical payload",
        )
    }
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
    algorithm(subject, key)?;
    Ok(Check { key, signature: decode(subject)? })
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
