//! The threads that sign: off the lock, in parallel, oldest receipt first. A
//! receipt that is alone is signed by the thread that waits for it.

use asqav_receipt::batch::Batch;
use asqav_receipt::receipt::{ReceiptSignature, Signature};
use asqav_receipt::suite;

use super::chain::Job;
use super::shared::Shared;
use super::{Dying, caught};
use crate::sign::{SignError, Signer};

/// Signs until nothing will come any more.
pub(super) fn run(shared: &Shared) {
    let dying = Dying::new(|| shared.die());
    while let Some(job) = shared.next_job() {
        work(shared, &job);
    }
    dying.averted();
}

/// Signs one job, on whatever thread.
pub(super) fn work(shared: &Shared, job: &Job) {
    match caught("the signer", || sign(&*shared.signer, job)) {
        Ok(signatures) => shared.signed(job.first_seq, signatures),
        Err(why) => shared.fail_signing(job.first_seq, why),
    }
}

/// One receipt is signed by itself, several by one signature over their root.
fn sign(signer: &dyn Signer, job: &Job) -> Result<Vec<ReceiptSignature>, SignError> {
    if let [canonical] = job.canonical.as_slice() {
        return Ok(vec![sign_message(signer, canonical)?.into()]);
    }
    let canonical = job.canonical.iter().map(|canonical| &**canonical);
    let batch = Batch::new(job.log_id, job.key_thumbprint, job.first_seq, canonical);
    let batch = batch.ok_or_else(|| SignError::Backend("a batch of no size".to_owned()))?;
    let root = sign_message(signer, &batch.root().signing_bytes())?;
    Ok(batch.signatures(root).collect())
}

/// INVARIANT: what goes into the log can be read again; a signature of another
/// length cannot, and the log would not open any more.
fn sign_message(signer: &dyn Signer, message: &[u8]) -> Result<Signature, SignError> {
    let sig = signer.sign(message)?;
    // A gate has no signer of another suite: its self-test refuses that.
    let wanted = suite::by_name(signer.algorithm()).map(|suite| suite.signature_len);
    if wanted.is_some_and(|wanted| wanted != sig.len()) {
        let why = format!("{} bytes are no {} signature", sig.len(), signer.algorithm());
        return Err(SignError::Backend(why));
    }
    Ok(Signature { alg: signer.algorithm(), kid: signer.key_id().clone(), sig })
}
