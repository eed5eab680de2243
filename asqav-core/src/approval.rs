//! Calls that somebody has to approve.
//!
//! A policy may say that a call needs an approval. The gate then records that
//! as a denial with the reason `approval_required` and an expiry, and asks its
//! [`Approver`]. An approval is a receipt of its own, an [`Acknowledgment`],
//! signed by the approver's own key over the hash of that denial's payload: it
//! holds for these arguments, this policy and until then, once. With enough of
//! them the policy in force is asked again, and the call is decided anew.
//!
//! | reason | the call is denied because |
//! |---|---|
//! | `approval_required` | it waits for an approval, or nobody can be asked |
//! | `approval_missing` | too few approved, and nobody is left to |
//! | `approval_refused` | somebody said no |
//! | `approval_expired` | it was not approved, or not started, in time |
//! | `approval_for_other_arguments` | what was approved is another call |
//! | `approval_for_other_policy` | what was approved was asked by another policy |
//! | `approval_invalid` | its signature or its key is not good |

mod acknowledgment;
mod request;
mod votes;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use asqav_receipt::keys::KeySet;

pub use acknowledgment::{Acknowledgment, Answer, ApproverId};
pub(crate) use acknowledgment::{Fault, Vote};
pub use request::{ApprovalRequest, RequestError};
pub use votes::Votes;
pub(crate) use votes::{Awaiting, News};

/// Asks people, or whatever may approve calls.
pub trait Approver: Send + Sync + 'static {
    /// Starts asking and returns at once: answers go to `votes`, from any
    /// thread or task, now or later. The call waits until there are enough,
    /// the request expires, or every handle on `votes` is dropped; a sync tool
    /// blocks its thread meanwhile, an async one does not.
    fn ask(&self, request: Arc<ApprovalRequest>, votes: Votes);
}

/// Who approves the calls of a gate, and how.
///
/// The approvers' keys are pinned here; which of them may approve is all that
/// an approval's own words do not decide.
#[derive(Clone)]
#[must_use = "a gate needs it: `GateBuilder::approvals`"]
pub struct Approvals {
    pub(crate) approver: Arc<dyn Approver>,
    pub(crate) keys: Arc<KeySet>,
    pub(crate) quorum: NonZeroUsize,
    pub(crate) within: Duration,
}

impl Approvals {
    /// `approver` asks, and what a key in `keys` has signed counts. One
    /// approval is enough, within five minutes.
    pub fn new(approver: impl Approver, keys: KeySet) -> Self {
        let (quorum, within) = (NonZeroUsize::MIN, Duration::from_secs(300));
        Self { approver: Arc::new(approver), keys: Arc::new(keys), quorum, within }
    }

    /// So many different keys have to approve.
    pub fn quorum(self, quorum: NonZeroUsize) -> Self {
        Self { quorum, ..self }
    }

    /// How long a request is open, and how long its approval is good for
    /// starting the call.
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }
}

impl std::fmt::Debug for Approvals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Approvals")
            .field("quorum", &self.quorum)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}
