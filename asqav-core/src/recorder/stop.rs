//! How a recorder ends.

use super::draft::Draft;

/// How the log was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Every call ended, the last receipts are durable, the log is sealed.
    Clean,
    /// The log is not sealed and the next start finds it unclean: calls were
    /// still open, or nobody asked for a clean stop.
    Unclean {
        /// How many places were not returned.
        open: usize,
    },
}

/// Gives the receipts that end the log, `gate:stop` last, or why there are
/// none: the log is then left unclean. It runs on the writer's thread once
/// every place is back, and must not wait for a receipt.
pub(crate) struct Last(Box<dyn FnOnce() -> Result<Vec<Draft>, String> + Send>);

impl Last {
    pub(crate) fn new(drafts: impl FnOnce() -> Result<Vec<Draft>, String> + Send + 'static) -> Self {
        Self(Box::new(drafts))
    }

    pub(super) fn drafts(self) -> Result<Vec<Draft>, String> {
        (self.0)()
    }
}
