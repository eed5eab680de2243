//! The threads that sign: off the lock, in parallel, oldest receipt first.

use std::sync::Arc;

use asqav_receipt::receipt::Signature;

use super::shared::Shared;
use super::{Dying, caught};
use crate::sign::Signer;

/// Signs until nothing will come any more.
pub(super) fn run(shared: &Arc<Shared>, signer: &dyn Signer) {
    let dying = Dying::new(|| shared.die());
    while let Some(job) = shared.next_job() {
        match caught("the signer", || signer.sign(&job.canonical)) {
            Ok(sig) => {
                let signature = Signature { alg: signer.algorithm(), kid: signer.key_id().clone(), sig };
                shared.signed(job.seq, signature);
            }
            Err(why) => shared.fail_signing(job.seq, why),
        }
    }
    dying.averted();
}
