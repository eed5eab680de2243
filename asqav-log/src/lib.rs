//! The durable log: receipts in segments on disk.
//!
//! Without features the crate reads and verifies logs and depends on
//! `asqav-receipt` alone. The feature `write` adds `FileLog`, which a gate
//! writes to, and the vault of openings; `foreign-formats` reads the logs of
//! other software.

#[cfg(feature = "anchoring")]
pub mod anchoring;
pub mod diff;
pub mod follow;
pub mod lines;
pub mod names;
#[cfg(feature = "foreign-formats")]
pub mod pqc_audit_log_fs;
pub mod prove;
pub mod reader;
mod regular;
mod tombstone;
pub mod tree;
mod unsigned;

#[cfg(feature = "write")]
mod approve;
#[cfg(feature = "write")]
mod checkpointing;
#[cfg(any(feature = "http-sink", feature = "http-approver"))]
mod endpoint;
#[cfg(feature = "write")]
mod error;
#[cfg(feature = "write")]
mod group;
#[cfg(feature = "write")]
pub mod guard;
#[cfg(feature = "write")]
mod halt;
#[cfg(feature = "write")]
mod holds;
#[cfg(feature = "write")]
mod journal;
#[cfg(feature = "write")]
pub mod keyfile;
#[cfg(feature = "write")]
mod keyring;
#[cfg(feature = "write")]
pub mod limits;
#[cfg(feature = "write")]
pub mod mirror;
#[cfg(feature = "write")]
mod recovery;
#[cfg(feature = "write")]
pub mod retention;
#[cfg(feature = "write")]
mod rotation;
#[cfg(feature = "write")]
mod segment;
#[cfg(feature = "write")]
pub mod sink;
#[cfg(feature = "write")]
pub mod storage;
#[cfg(feature = "write")]
mod tip;
#[cfg(feature = "write")]
pub mod vault;
#[cfg(feature = "write")]
mod writer;

#[cfg(feature = "http-approver")]
pub use approve::HttpApprover;
#[cfg(feature = "write")]
pub use approve::{FileApprover, TerminalApprover};
#[cfg(feature = "write")]
pub use checkpointing::CheckpointSchedule;
#[cfg(any(feature = "http-sink", feature = "http-approver"))]
pub use endpoint::UrlError;
#[cfg(feature = "write")]
pub use error::ReadOrVault;
#[cfg(feature = "write")]
pub use halt::HaltFile;
#[cfg(feature = "write")]
pub use limits::FileLimits;
#[cfg(feature = "write")]
pub use rotation::Rotation;
#[cfg(feature = "write")]
pub use unsigned::JournalKey;
#[cfg(feature = "write")]
pub use writer::FileLog;
