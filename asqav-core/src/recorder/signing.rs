//! The threads that sign: off the lock, in parallel, oldest receipt first.

use std::sync::Arc;

use asqav_receipt::receipt::Signature;
use asqav_receipt::suite;

use super::shared::Shared;
use super::{Dying, caught};
use crate::sign::{SignError, Signer};

/// Signs until nothing will come any more.
pub(super) fn run(shared: &Arc<Shared>, signer: &dyn Signer) {
    let dying = Dying::new(|| shared.die());
    while let Some(job) = shared.next_job() {
        match caught("the signer", || sign(signer, &job.canonical)) {
            Ok(sig) => {
                let signature = Signature { alg: signer.algorithm(), kid: signer.key_id().clone(), sig };
                shared.signed(job.seq, signature);
            }
            Err(why) => shared.fail_signing(job.seq, why),
        }
    }
    dying.averted();
}

/// INVARIANT: what goes into the log can be read again; a signature of another
/// length cannot, and the log would not open any more.
fn sign(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let sig = signer.sign(message)?;
    // A gate has no signer of another suite: its self-test refuses that.
    let wanted = suite::by_name(signer.algorithm()).map(|suite| suite.signature_len);
    match wanted.filter(|wanted| *wanted != sig.len()) {
        Some(_) => {
            Err(SignError::Backend(format!("{} bytes are no {} signature", sig.len(), signer.algorithm())))
        }
        None => Ok(sig),
    }
}
