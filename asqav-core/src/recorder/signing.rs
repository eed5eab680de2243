//! The threads that sign: off the lock, in parallel, oldest receipt first. A
//! receipt that is alone is signed by the thread that waits for it.

use asqav_receipt::receipt::ReceiptSignature;

use super::chain::Job;
use super::shared::Shared;
use super::{Dying, caught};
use crate::sign;

/// Signs until nothing will come any more.
pub(super) fn run(shared: &Shared) {
    let dying = Dying::new(|| shared.die());
    while let Some(job) = shared.next_job() {
        if let Some(signatures) = sign(shared, &job) {
            shared.signed(job.first_seq, signatures);
        }
    }
    dying.averted();
}

/// Signs one job, on whatever thread; `None` when that failed and everybody
/// knows.
pub(super) fn sign(shared: &Shared, job: &Job) -> Option<Vec<ReceiptSignature>> {
    let Job { first_seq, log_id, key_thumbprint, canonical } = job;
    let signed = || sign::together(&*shared.signer, *log_id, *key_thumbprint, *first_seq, canonical);
    caught("the signer", signed).map_err(|why| shared.fail_signing(job.first_seq, why)).ok()
}
