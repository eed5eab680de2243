//! What can be typed after `asqav`.

pub(crate) mod anchor;
mod keeping;
mod policy;
mod proving;
mod reading;
mod scope;

use std::path::PathBuf;

use asqav_receipt::digest::decode_hex;
use asqav_receipt::id::{ActionId, AgentId, IssuerId};
use asqav_receipt::time::Timestamp;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use anchor::AnchorArgs;
pub(crate) use keeping::{Forget, Guard, GuardDo, Hold, HoldDo, Import, Retain};
pub(crate) use policy::{Explain, PolicyArgs, PolicyCommand, PolicyDiff, PolicyFile, Replay, Suggest, Test};
pub(crate) use proving::{CheckpointArgs, Diff, Disclose, Prove};
pub(crate) use reading::{Export, ExportFormat, Info, LogFormat, LogQuery, Show, TreeArgs};
pub(crate) use scope::{CheckScope, NewScope, ScopeArgs, ScopeCommand, ShowScope};

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
    /// Verify a log directory, or receipts, offline.
    Verify(Verify),
    /// Tell what a log directory holds, without judging it.
    Info(Info),
    /// Show receipts of a log: payload, links and each axis.
    Show(Show),
    /// Write receipts of a log as files of their own, or as in-toto statements.
    Export(Export),
    /// List the receipts of a log that match: table, JSON lines or CSV.
    Log(LogQuery),
    /// Show runs, sessions and their calls, each call with its outcome.
    Tree(TreeArgs),
    /// Sign the size and root of a verified log, to be kept elsewhere.
    Checkpoint(CheckpointArgs),
    /// Prove that a receipt is in the log of a checkpoint, or that the log only
    /// grew, for whoever has no log.
    Prove(Prove),
    /// Open values of a receipt, and no others, for whoever has no log.
    Disclose(Disclose),
    /// Check, test, compare and explain policies.
    Policy(PolicyArgs),
    /// Sign, show and check delegation tokens.
    Scope(ScopeArgs),
    /// List the calls that wait for an approval, or answer one.
    Approve(Approve),
    /// Tell where two copies of a log part, and prove fraud.
    Diff(Diff),
    /// Bind the files of a pqc-audit-log-fs log in receipts of a log of asqav.
    Import(Import),
    /// Erase what opens receipts, by id or by whom they are about.
    Forget(Forget),
    /// Place or release a legal hold: nothing it covers is erased or deleted.
    Hold(Hold),
    /// Have checkpoints stamped by time-stamp authorities, and renew that.
    Anchor(AnchorArgs),
    /// Delete sealed segments whose time is over; tell which, without --apply.
    Retain(Retain),
    /// Have the file system forbid writing to sealed segments; tell what it applies.
    Guard(Guard),
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
    /// A log directory; or receipts: files (JSON, or JSON lines), `-` for
    /// standard input, with `--receipts` directories of such files.
    ///
    /// Of receipts that are presented together each may be the predecessor of
    /// another, no two may share a nonce or a number, and gaps are named.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The keys you trust (JWKS), from a source you trust.
    ///
    /// Without them the best verdict is `unverifiable` (`key_not_pinned`). A
    /// key set that lies beside the log proves nothing: whoever rewrote the log
    /// could have rewritten it too.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: Option<PathBuf>,
    /// The signer's public key of a pqc-audit-log-fs log that you trust: PEM, DER,
    /// hexadecimal digits or base64. Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Vec<PathBuf>,
    /// The Merkle root of a segment of a pqc-audit-log-fs log that was kept
    /// elsewhere, 64 hexadecimal digits; shows a cut-off end.
    #[arg(long, value_name = "HEX", value_parser = root)]
    pub(crate) root: Option<[u8; 32]>,
    /// Take directories for receipts, not for logs.
    ///
    /// Without it a directory is a log: receipts that somebody picked from a log
    /// and put in its place are each true, and are not that log.
    #[arg(long)]
    pub(crate) receipts: bool,
    /// The receipt before this one (single receipts only).
    #[arg(long, value_name = "FILE")]
    pub(crate) predecessor: Option<PathBuf>,
    /// The envelope that the receipt acknowledges or binds (single receipts only).
    #[arg(long, value_name = "FILE")]
    pub(crate) originating: Option<PathBuf>,
    /// Judge as of this time (RFC 3339) instead of now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
    /// A time-stamp authority that you trust: its certificate or public key, PEM,
    /// DER, or base64 of a raw key. Can be given more than once.
    ///
    /// Of a log, the anchors beside the checkpoint (`asqav anchor`) are judged by
    /// it, and those of --anchored.
    #[arg(long, value_name = "FILE")]
    pub(crate) tsa_key: Vec<PathBuf>,
    /// Another checkpoint with anchors beside it, of which time receipts of the
    /// log may name a token. Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) anchored: Vec<PathBuf>,
    /// Bitcoin block headers that you trust to be in the chain (receipts only):
    /// JSON from heights to headers.
    #[arg(long, value_name = "FILE")]
    pub(crate) bitcoin_headers: Option<PathBuf>,
    /// Nonces of earlier runs (receipts only): another receipt with one of them
    /// is a replay. Made if absent; new nonces are added.
    #[arg(long, value_name = "FILE")]
    pub(crate) nonces: Option<PathBuf>,
    /// Accept a log that is still being written: do not ask for a clean end.
    #[arg(long)]
    pub(crate) open: bool,
    /// Ask for proof of time from outside on every receipt.
    #[arg(long)]
    pub(crate) require_anchor: bool,
    /// A checkpoint of the log that was kept elsewhere; shows a cut-off end, and
    /// any change before it.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// The head that the writer mirrored outside the log; shows a cut-off end.
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Option<PathBuf>,
}

/// `asqav approve`
#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The folder in which the gate asks.
    pub(crate) folder: PathBuf,
    /// The request to show or to answer, by its receipt; by default all are
    /// listed.
    #[arg(value_name = "ACTION_ID", value_parser = ActionId::parse)]
    pub(crate) id: Option<ActionId>,
    /// The approver's own signing key (PEM).
    #[arg(long, value_name = "PEM", requires_all = ["id", "keys"])]
    pub(crate) key: Option<PathBuf>,
    /// The key set that has it (JWKS), with the approver's name.
    #[arg(long, value_name = "JWKS", requires = "key")]
    pub(crate) keys: Option<PathBuf>,
    /// The answer; by default the question is asked on standard input.
    #[arg(long, value_enum, requires = "key")]
    pub(crate) answer: Option<Say>,
}

/// An approver's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Say {
    /// The call may run.
    Yes,
    /// The call must not run.
    No,
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

fn root(text: &str) -> Result<[u8; 32], String> {
    decode_hex(text).ok_or_else(|| "not 64 lower-case hexadecimal digits".to_owned())
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).map_err(|_| "not an RFC 3339 time, e.g. 2026-01-31T12:00:00Z".to_owned())
}
