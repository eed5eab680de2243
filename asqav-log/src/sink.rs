//! Places outside the log directory that keep checkpoints.
//!
//! Whoever can rewrite a log can rewrite everything beside it; a checkpoint
//! somewhere else shows it. Each sink has a thread of its own: one that is slow
//! or fails is tried again, and holds up neither signing nor appending nor the
//! other sinks.
//!
//! ```
//! use asqav_log::FileLog;
//! use asqav_log::sink::FileSink;
//!
//! let log = FileLog::new("audit-log").checkpoint_sink(FileSink::new("/mnt/elsewhere/head.json"));
//! let deliveries = log.deliveries();
//! # drop((log, deliveries));
//! ```

mod command;
mod deliveries;
mod file;
mod git;
#[cfg(feature = "http-sink")]
mod http;

#[cfg(feature = "anchoring")]
pub(crate) use command::run_for_output;
pub(crate) use deliveries::Couriers;
#[cfg(feature = "anchoring")]
pub(crate) use file::{place, replace};

pub use command::CommandSink;
pub use deliveries::{Deliveries, SinkCounts};
pub use file::FileSink;
pub use git::GitSink;
#[cfg(feature = "http-sink")]
pub use http::HttpSink;

use asqav_receipt::checkpoint::SignedCheckpoint;

/// Keeps checkpoints somewhere else.
pub trait CheckpointSink: Send + 'static {
    /// What it is called in counters and messages, e.g. `file /mnt/head.json`;
    /// holds no secret.
    fn name(&self) -> String;

    /// Keeps `checkpoint`; returns when it is safe there. The same checkpoint
    /// may come again after an error, and an older one after a newer one.
    ///
    /// # Errors
    /// [`SinkError`]; it is tried again later.
    fn deliver(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), SinkError>;
}

/// Why a checkpoint was not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// A program failed, or took too long.
    #[error("`{program}` {why}")]
    Program {
        /// The program.
        program: String,
        /// How it ended.
        why: String,
    },
    /// The other side did not take it.
    #[error("it was not taken: {0}")]
    Refused(String),
}
