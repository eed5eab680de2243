//! Arguments of the commands that show a log.

use std::path::PathBuf;

use asqav_policy::glob::Glob;
use asqav_receipt::id::ActionId;
use asqav_receipt::time::Timestamp;
use clap::{Args, ValueEnum};

use super::time;

/// `asqav info`
#[derive(Debug, Args)]
pub(crate) struct Info {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
}

/// `asqav show`
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// Only the receipt with this sequence number.
    #[arg(long, value_name = "N", conflicts_with = "id")]
    pub(crate) seq: Option<u64>,
    /// Only the receipt with this id.
    #[arg(long, value_name = "ACTION_ID", value_parser = ActionId::parse)]
    pub(crate) id: Option<ActionId>,
    /// The keys you trust (JWKS); without them no axis about keys can pass.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: Option<PathBuf>,
}

/// `asqav log`
#[derive(Debug, Args)]
pub(crate) struct LogQuery {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// Only receipts of this agent.
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<String>,
    /// Only receipts whose action matches: `*` stops at `.` `:` `/`, `**` does not.
    #[arg(long, value_name = "GLOB", value_parser = Glob::parse)]
    pub(crate) action: Option<Glob>,
    /// Only receipts whose tool matches, in the same way.
    #[arg(long, value_name = "GLOB", value_parser = Glob::parse)]
    pub(crate) tool: Option<Glob>,
    /// Only receipts with this decision.
    #[arg(long, value_parser = ["allow", "deny", "rate_limit", "observation"])]
    pub(crate) decision: Option<String>,
    /// Only receipts with this outcome.
    #[arg(long, value_parser = ["ok", "tool_error", "cancelled", "panicked", "timed_out", "abandoned", "unknown"])]
    pub(crate) outcome: Option<String>,
    /// Only receipts of this session.
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Only receipts that claim this time or a later one (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Timestamp>,
    /// Only receipts that claim an earlier time than this one (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// How to print them.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: LogFormat,
    /// Go on with what is still being written, until interrupted.
    #[arg(long)]
    pub(crate) follow: bool,
}

/// `asqav tree`
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// Only this session.
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
}

/// What `asqav log` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A table for people.
    #[default]
    Table,
    /// The payloads, one a line.
    Jsonl,
    /// Comma-separated values (RFC 4180).
    Csv,
}

/// `asqav export`
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// Only the receipt with this sequence number; by default all, one a line.
    #[arg(long, value_name = "N", conflicts_with = "id")]
    pub(crate) seq: Option<u64>,
    /// Only the receipt with this id.
    #[arg(long, value_name = "ACTION_ID", value_parser = ActionId::parse)]
    pub(crate) id: Option<ActionId>,
    /// The receipt as it is, or in a signed in-toto statement (DSSE).
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: ExportFormat,
    /// The key that signs statements (PEM).
    #[arg(long, value_name = "PEM")]
    pub(crate) key: Option<PathBuf>,
    /// The keys you trust (JWKS): nothing is stated about a receipt that is not
    /// verified by them.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: Option<PathBuf>,
    /// A new file; by default standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What `asqav export` writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The receipt: `{payload, signature}`.
    #[default]
    Receipt,
    /// A DSSE envelope with an in-toto statement that encloses the receipt.
    Dsse,
}
