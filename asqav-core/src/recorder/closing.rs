//! Why a recorder admits nothing any more, and that it does not.

use super::super::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use crate::refused::Closed;

/// What closed a recorder; behind its lock.
///
/// INVARIANT: the flag is set when the cause is, and neither is taken back.
#[derive(Default)]
pub(super) struct Closing {
    cause: Option<Closed>,
    flag: Arc<IsClosed>,
}

/// Whether a recorder is closed, for who does not need to know why: every call
/// asks once more before its tool runs, without the lock.
#[derive(Default)]
pub(super) struct IsClosed(AtomicBool);

impl Closing {
    pub(super) const fn cause(&self) -> Option<&Closed> {
        self.cause.as_ref()
    }

    pub(super) fn flag(&self) -> Arc<IsClosed> {
        Arc::clone(&self.flag)
    }

    /// Replaces whatever was the cause.
    pub(super) fn because(&mut self, cause: Closed) {
        self.cause = Some(cause);
        self.flag.0.store(true, Ordering::SeqCst);
    }
}

impl IsClosed {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
