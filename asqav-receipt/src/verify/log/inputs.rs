//! What the caller brings along for a log.

#[cfg(feature = "anchors")]
use crate::anchor::{Anchor, TsaKeys};
use crate::checkpoint::{HeadMirror, SignedCheckpoint};
use crate::keys::KeySet;
use crate::time::Timestamp;
use crate::verify::scratch::Scratch;

/// Everything besides the log that its verification depends on.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct LogInputs<'a> {
    /// The keys that the caller pins; a set found beside the log is no pin.
    pub keys: Option<&'a KeySet>,
    /// The time to judge claimed times by.
    pub at: Option<Timestamp>,
    /// The log's head, kept elsewhere: a log that is shorter, or differs
    /// there, is invalid.
    pub head: Option<HeadMirror>,
    /// A checkpoint of the log, kept elsewhere: a log that is shorter, or
    /// differs from it, is invalid.
    pub checkpoint: Option<&'a SignedCheckpoint>,
    /// Anchors of checkpoints: of this one, and those that time receipts name.
    #[cfg(feature = "anchors")]
    pub anchors: &'a [Anchor],
    /// The time-stamp authorities that the caller pins.
    #[cfg(feature = "anchors")]
    pub tsa_keys: Option<&'a TsaKeys>,
    /// Whether a log that does not end in a sealed segment with `gate:stop`
    /// may be verified all the same.
    pub allow_open: bool,
    /// Whether a receipt without a proven anchor is `unverifiable`.
    pub require_anchor: bool,
    /// Room outside memory, for logs of more than some 400,000 receipts.
    pub scratch: Option<&'a dyn Scratch>,
}

impl<'a> LogInputs<'a> {
    /// Nothing pinned, nothing at hand.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins keys.
    #[must_use]
    pub const fn keys(mut self, keys: &'a KeySet) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Gives the evaluation time.
    #[must_use]
    pub const fn at(mut self, time: Timestamp) -> Self {
        self.at = Some(time);
        self
    }

    /// Gives the head, kept elsewhere.
    #[must_use]
    pub const fn head(mut self, head: HeadMirror) -> Self {
        self.head = Some(head);
        self
    }

    /// Gives room outside memory.
    #[must_use]
    pub const fn scratch(mut self, scratch: &'a dyn Scratch) -> Self {
        self.scratch = Some(scratch);
        self
    }

    /// Gives a checkpoint, kept elsewhere.
    #[must_use]
    pub const fn checkpoint(mut self, checkpoint: &'a SignedCheckpoint) -> Self {
        self.checkpoint = Some(checkpoint);
        self
    }

    /// Gives anchors of checkpoints, and pins time-stamp authorities.
    #[cfg(feature = "anchors")]
    #[must_use]
    pub const fn anchors(mut self, anchors: &'a [Anchor], tsa_keys: &'a TsaKeys) -> Self {
        (self.anchors, self.tsa_keys) = (anchors, Some(tsa_keys));
        self
    }

    /// Makes a missing or unproven anchor of any receipt block the verdict.
    #[must_use]
    pub const fn require_anchor(mut self, required: bool) -> Self {
        self.require_anchor = required;
        self
    }

    /// Accepts a log that is still being written.
    #[must_use]
    pub const fn allow_open(mut self, allowed: bool) -> Self {
        self.allow_open = allowed;
        self
    }
}
