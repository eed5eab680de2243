//! How a recorder is set up.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::log::Durability;
use crate::sign::Signing;

/// How many calls may be in flight unless told otherwise.
pub(crate) const DEFAULT_MAX_IN_FLIGHT: usize = 65_536;

/// What a recorder may be told besides its log and its owner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// When a receipt counts as recorded.
    pub(crate) durability: Durability,
    /// How many places there are; one is a call, or a receipt outside a call.
    pub(crate) max_in_flight: usize,
    /// What a signature covers.
    pub(crate) signing: Signing,
    /// How many threads sign; batches are signed by one, so that they are large.
    pub(crate) signers: NonZeroUsize,
    /// How long the log waits for [`Log::maintain`](crate::log::Log::maintain)
    /// at most, besides the time that one commit takes.
    pub(crate) maintenance: Duration,
    /// Tells the process id; tests replace it to play a fork.
    pub(crate) process_id: fn() -> u32,
}

impl Default for Options {
    /// Durable, 65,536 places, as many signers as the machine runs threads,
    /// maintenance each second.
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
            signing: Signing::default(),
            signers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            maintenance: Duration::from_secs(1),
            process_id: std::process::id,
        }
    }
}

impl Options {
    /// How many threads sign in this mode.
    pub(super) const fn signer_threads(&self) -> usize {
        match self.signing {
            Signing::EachReceipt => self.signers.get(),
            Signing::Batched => 1,
        }
    }

    /// How many receipts count as recorded although they are only queued or
    /// journaled.
    pub(super) fn queue_len(&self) -> usize {
        match self.durability {
            Durability::Queued | Durability::Journaled => self.max_in_flight.div_ceil(2),
            Durability::Durable | Durability::Written => 0,
        }
    }

    /// Whether receipts are on disk before they are signed.
    pub(super) const fn journals(&self) -> bool {
        matches!(self.durability, Durability::Journaled)
    }
}
