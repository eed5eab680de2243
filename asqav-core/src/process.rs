//! The process that a recorder belongs to: locks and threads do not survive a fork.

/// A process, remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    id: u32,
    current: fn() -> u32,
}

impl Process {
    /// The process that runs now; `current` tells process ids, so that tests
    /// can play a fork.
    pub(crate) fn remember(current: fn() -> u32) -> Self {
        Self { id: current(), current }
    }

    /// Whether this still is the same process.
    pub(crate) fn is_current(self) -> bool {
        (self.current)() == self.id
    }
}
