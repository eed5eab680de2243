//! Short ways to the log's errors, and what goes wrong with log and vault.

use asqav_core::log::LogError;

/// The system refused `what`.
pub(crate) fn io_error(what: impl Into<String>, source: std::io::Error) -> LogError {
    LogError::Io { what: what.into(), source }
}

/// Something at `place` that no crash explains.
pub(crate) fn damaged(place: impl Into<String>, why: impl Into<String>) -> LogError {
    LogError::Damaged { place: place.into(), why: why.into() }
}

/// Why a log and its vault could not be read together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadOrVault {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] crate::reader::ReadError),
    /// The vault could not be read.
    #[error(transparent)]
    Vault(#[from] crate::vault::VaultError),
}
