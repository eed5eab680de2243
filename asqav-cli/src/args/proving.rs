//! Arguments of the commands that prove something to others.

use std::path::PathBuf;

use asqav_receipt::id::ActionId;
use clap::Args;

/// `asqav checkpoint`
#[derive(Debug, Args)]
pub(crate) struct CheckpointArgs {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// The key that signs (PEM): the log's own.
    #[arg(long, value_name = "PEM")]
    pub(crate) key: PathBuf,
    /// The keys you trust (JWKS): nothing is signed about a log that is not
    /// verified by them.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: PathBuf,
    /// The checkpoint before, which the log has to agree with.
    #[arg(long, value_name = "FILE")]
    pub(crate) previous: Option<PathBuf>,
    /// A new file, outside the log's directory; by default standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `asqav prove`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("receipt").required(true).args(["seq", "id", "grown_from", "event"])))]
pub(crate) struct Prove {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// The receipt with this sequence number.
    #[arg(long, value_name = "N")]
    pub(crate) seq: Option<u64>,
    /// The receipt with this id.
    #[arg(long, value_name = "ACTION_ID", value_parser = ActionId::parse)]
    pub(crate) id: Option<ActionId>,
    /// An earlier checkpoint: that the log grew from it without a change.
    #[arg(long, value_name = "FILE")]
    pub(crate) grown_from: Option<PathBuf>,
    /// The event with this id, of a pqc-audit-log-fs log.
    #[arg(long, value_name = "EVENT_ID", conflicts_with = "checkpoint")]
    pub(crate) event: Option<String>,
    /// A checkpoint that counts the receipt, or the later one.
    #[arg(long, value_name = "FILE", required_unless_present = "event")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// A new file; by default standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `asqav disclose`
#[derive(Debug, Args)]
pub(crate) struct Disclose {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// The receipt's id.
    #[arg(value_name = "ACTION_ID", value_parser = ActionId::parse)]
    pub(crate) id: ActionId,
    /// An argument to open. Can be given more than once.
    #[arg(long, value_name = "NAME")]
    pub(crate) argument: Vec<String>,
    /// Open the result.
    #[arg(long)]
    pub(crate) result: bool,
    /// Another value to open: `/step` or `/policy/inputs`. Can be given more
    /// than once.
    #[arg(long, value_name = "POINTER")]
    pub(crate) pointer: Vec<String>,
    /// The key of the log's vault.
    #[arg(long, value_name = "FILE")]
    pub(crate) vault_key: PathBuf,
    /// A new file; by default standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `asqav diff`
///
/// Exit code 1 when the copies part, 0 when one is the other or its beginning.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// A log directory.
    #[arg(value_name = "LOG_DIR")]
    pub(crate) one: PathBuf,
    /// A copy of the same log.
    #[arg(value_name = "OTHER_DIR")]
    pub(crate) other: PathBuf,
    /// The keys you trust (JWKS): whether both sides of the fork are signed.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: Option<PathBuf>,
    /// A new file for the fraud proof, which `asqav verify` checks without the logs.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
