//! What the caller brings along for such a log.

use super::PinnedKey;
use crate::time::Timestamp;

/// Everything besides the log that its verification depends on.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Inputs<'a> {
    /// The keys that the caller pins; one found in the log is no pin.
    pub keys: &'a [PinnedKey],
    /// The time to judge claimed times by.
    pub at: Option<Timestamp>,
    /// A segment's root that was kept elsewhere: a log without it is invalid.
    pub root: Option<[u8; 32]>,
    /// Whether a log whose last segment is not sealed may be verified.
    pub allow_open: bool,
}

impl<'a> Inputs<'a> {
    /// Nothing pinned, nothing at hand.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins keys.
    #[must_use]
    pub const fn keys(mut self, keys: &'a [PinnedKey]) -> Self {
        self.keys = keys;
        self
    }

    /// Gives the evaluation time.
    #[must_use]
    pub const fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }

    /// Gives a segment's Merkle root that was kept elsewhere.
    #[must_use]
    pub const fn root(mut self, root: [u8; 32]) -> Self {
        self.root = Some(root);
        self
    }

    /// Sets whether a log whose last segment is not sealed may be verified.
    #[must_use]
    pub const fn allow_open(mut self, allow: bool) -> Self {
        self.allow_open = allow;
        self
    }
}
