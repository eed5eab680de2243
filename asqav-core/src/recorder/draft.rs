//! What goes into the recorder and what comes back at once.

use std::sync::Arc;

use asqav_receipt::commitment::Openings;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::ActionId;
use asqav_receipt::payload::{LinkHasher, Payload, Unplaced};

use super::super::completion::Completion;

/// A payload on its way to its place in the chain.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The payload; whatever stands in `seq`, `link` and `issued_at` is
    /// replaced when the draft is submitted.
    pub(crate) payload: Payload,
    /// What opens the payload's commitments, for the vault.
    pub(crate) openings: Option<Openings>,
    /// Whether the thread that submits it waits for it at once.
    pub(super) is_awaited: bool,
}

impl Draft {
    /// A draft of `payload`.
    pub(crate) const fn new(payload: Payload, openings: Option<Openings>) -> Self {
        Self { payload, openings, is_awaited: false }
    }

    /// The same of a thread that waits for it at once, if `is_awaited`: nobody
    /// else is told of it before, if it is alone.
    pub(crate) fn awaited_if(self, is_awaited: bool) -> Self {
        Self { is_awaited, ..self }
    }

    /// Does what does not depend on the place in the chain, so that what others
    /// wait for while the draft gets that is short.
    pub(super) fn prepared(self) -> Prepared {
        let unplaced = self.payload.unplaced();
        let mut link = LinkHasher::new();
        link.update(unplaced.before_place());
        Prepared { payload: Arc::new(self.payload), openings: self.openings, unplaced, link }
    }
}

/// A draft whose canonical bytes are written but for its place in the chain.
pub(super) struct Prepared {
    pub(super) payload: Arc<Payload>,
    pub(super) openings: Option<Openings>,
    pub(super) unplaced: Unplaced,
    /// Has taken in what stands before its place.
    pub(super) link: LinkHasher,
}

/// A receipt that has its place in the chain but is not durable yet.
#[derive(Debug)]
pub(crate) struct Submitted {
    /// Its sequence number.
    pub(crate) seq: u64,
    /// Its id, as the draft named it.
    pub(crate) action_id: ActionId,
    /// SHA-256 of its canonical payload: an outcome's `invocation_ref`.
    pub(crate) payload_sha256: Sha256Digest,
    /// Its canonical payload: a leaf of its session's tree.
    pub(crate) canonical: Arc<[u8]>,
    /// Resolves when it is durable, or when the recorder closes first.
    pub(crate) done: Completion,
}
