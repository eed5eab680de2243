//! Chains whose signatures were checked.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asqav_receipt::delegation::Chain;
use asqav_receipt::digest::Sha3Digest;

use crate::condition::Node;

/// So many chains are remembered; of more the first is forgotten.
const MAX_KNOWN: usize = 256;

/// What checking a chain gave: its conditions, or why it does not hold.
type Checked = Result<Arc<[Node]>, &'static str>;

/// The answers of one layer, whose keys never change, by the chains' digests.
/// A digest covers every byte of a chain, signatures included.
#[derive(Default)]
pub(super) struct Known(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    checked: HashMap<Sha3Digest, Checked>,
    /// The oldest first.
    order: VecDeque<Sha3Digest>,
}

impl Known {
    /// The conditions of `chain`; `check` is asked if it is not known.
    pub(super) fn get(
        &self,
        chain: &Chain,
        check: impl FnOnce() -> Result<Vec<Node>, &'static str>,
    ) -> Checked {
        let digest = chain.digest();
        if let Some(known) = self.lock().checked.get(&digest) {
            return known.clone();
        }
        // Not under the lock: signatures take their time.
        let checked: Checked = check().map(Into::into);
        let mut inner = self.lock();
        if inner.checked.insert(digest, checked.clone()).is_none() {
            inner.order.push_back(digest);
        }
        if inner.order.len() > MAX_KNOWN
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.checked.remove(&oldest);
        }
        checked
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
