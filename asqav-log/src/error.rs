//! Short ways to the log's errors.

use asqav_core::log::LogError;

/// The system refused `what`.
pub(crate) fn io_error(what: impl Into<String>, source: std::io::Error) -> LogError {
    LogError::Io { what: what.into(), source }
}

/// Something at `place` that no crash explains.
pub(crate) fn damaged(place: impl Into<String>, why: impl Into<String>) -> LogError {
    LogError::Damaged { place: place.into(), why: why.into() }
}
