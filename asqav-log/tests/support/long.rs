//! A chain as long as wanted, under signatures that are none: a writer does not
//! verify what its own gate signed, and a proof is about bytes.

use std::sync::Arc;

use asqav_core::log::LogEntry;
use asqav_core::sign::Signer as _;
use asqav_receipt::payload::{Context, Link, Payload};
use asqav_receipt::receipt::Signature;
use asqav_receipt::suite::ML_DSA_65;

use super::chain::{blank, key};

/// `len` receipts in batches of `batch`. Only those that are `whole` have a
/// signature of full length, and can be read again.
pub fn long_chain(len: u64, batch: u64, whole: &[u64]) -> impl Iterator<Item = Vec<LogEntry>> {
    let (mut link, thumbprint, kid) = (Link::GENESIS, *key().thumbprint(), key().key_id().clone());
    (0..len.div_ceil(batch)).map(move |number| {
        (number * batch + 1..=len.min((number + 1) * batch))
            .map(|seq| {
                let mut payload: Payload = blank(seq, link, thumbprint);
                if seq == len {
                    payload.context =
                        Context::Event { name: "gate:stop", body: asqav_receipt::json::Object::new() };
                }
                let canonical = payload.to_canonical();
                link = Link::to(&canonical);
                let sig = vec![0; if whole.contains(&seq) { 3_309 } else { 8 }];
                let signature = Signature { alg: ML_DSA_65.name, kid: kid.clone(), sig };
                LogEntry {
                    payload: Arc::new(payload),
                    canonical: canonical.into(),
                    signature: signature.into(),
                    openings: None,
                }
            })
            .collect()
    })
}
