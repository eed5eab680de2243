//! What can be typed after `asqav`.

use std::path::PathBuf;

use asqav_receipt::id::{ActionId, AgentId, IssuerId};
use clap::{Args, Parser, Subcommand};

/// Signed, hash-chained audit trails for AI agents' tool calls.
///
/// Exit codes: 0 verified or done, 1 invalid, 2 unverifiable, 3 wrong usage or
/// input/output error.
#[derive(Debug, Parser)]
#[command(name = "asqav", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a signing key, a vault key and the public key set to pin.
    Keygen(Keygen),
    /// Verify a log directory or a single receipt, offline.
    Verify(Verify),
    /// Tell what a log directory holds, without judging it.
    Info(Info),
    /// Show receipts of a log: payload, links and each axis.
    Show(Show),
    /// Record a small log with a real gate and policy, then verify it.
    Demo(Demo),
}

/// `asqav keygen`
#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// The agent that will sign with the key.
    #[arg(long, value_name = "ID")]
    pub(crate) agent: AgentId,
    /// Who vouches for the agent.
    #[arg(long, value_name = "NAME")]
    pub(crate) issuer: IssuerId,
    /// Where to write signing-key.pem, vault.key and keys.jwks.json.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// `asqav verify`
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A log directory, a receipt file, or `-` for a receipt on standard input.
    pub(crate) path: PathBuf,
    /// The keys you trust (JWKS), from a source you trust.
    ///
    /// Without them the best verdict is `unverifiable` (`key_not_pinned`). A
    /// key set that lies beside the log proves nothing: whoever rewrote the log
    /// could have rewritten it too.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: Option<PathBuf>,
    /// The receipt before this one (single receipts only).
    #[arg(long, value_name = "FILE")]
    pub(crate) predecessor: Option<PathBuf>,
    /// Accept a log that is still being written: do not ask for a clean end.
    #[arg(long)]
    pub(crate) open: bool,
    /// Ask for proof of time from outside on every receipt.
    #[arg(long)]
    pub(crate) require_anchor: bool,
    /// The head that the writer mirrored outside the log; shows a cut-off end.
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Option<PathBuf>,
}

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

/// `asqav demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to put the log and its keys; a new directory. By default a
    /// temporary one that is removed afterwards.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Then change one byte in a copy and show what verification says; exits
    /// with 1, as verification does.
    #[arg(long)]
    pub(crate) tamper: bool,
}
