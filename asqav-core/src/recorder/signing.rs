//! The threads that sign: off the lock, in parallel, oldest receipt first. A
//! receipt that is alone is signed by the thread that waits for it.

use super::chain::Job;
use super::shared::Shared;
use super::{Dying, caught};
use crate::sign;

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
    let Job { first_seq, log_id, key_thumbprint, canonical } = job;
    let signer = &*shared.signer;
    let signed = || sign::together(signer, *log_id, *key_thumbprint, *first_seq, canonical);
    match caught("the signer", signed) {
        Ok(signatures) => shared.signed(job.first_seq, signatures),
        Err(why) => shared.fail_signing(job.first_seq, why),
    }
}
