//! Room outside memory for what a verification of a long log has to remember.

use std::fmt;

/// Where a verification of a log puts what does not fit into memory: bytes
/// that are appended, and read again later.
///
/// What is kept there are nonces, identifiers and halves of digests, none of
/// them secret. It has to come back as it was given: whoever can change it can
/// hide that a nonce stands in a log twice.
pub trait Scratch: fmt::Debug + Sync {
    /// Appends `bytes`; returns how many bytes were there before.
    ///
    /// # Errors
    /// [`ScratchError`], e.g. when no room is left.
    fn append(&self, bytes: &[u8]) -> Result<u64, ScratchError>;

    /// Fills `into` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`ScratchError`], also when there are fewer.
    fn read(&self, offset: u64, into: &mut [u8]) -> Result<(), ScratchError>;
}

/// Why a [`Scratch`] failed, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScratchError(String);

impl ScratchError {
    /// The reason.
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}
