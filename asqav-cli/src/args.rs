//! What can be typed after `asqav`.

pub(crate) mod anchor;
mod policy;
mod scope;

use std::path::PathBuf;

use asqav_policy::glob::Glob;
use asqav_receipt::digest::decode_hex;
use asqav_receipt::id::{ActionId, AgentId, HoldId, IssuerId};
use asqav_receipt::time::Timestamp;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use anchor::AnchorArgs;
pub(crate) use policy::{Explain, PolicyArgs, PolicyCommand, PolicyDiff, PolicyFile, Replay, Suggest, Test};
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

/// `asqav import`
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The old log's directory, which pqc-audit-log-fs 0.1.0 wrote.
    ///
    /// An old log that is not verified is taken over as that: the receipts say
    /// what was found.
    pub(crate) old_dir: PathBuf,
    /// The log directory that takes the receipts; made if it is missing.
    #[arg(long, value_name = "LOG_DIR")]
    pub(crate) into: PathBuf,
    /// The key that signs the receipts (PEM).
    #[arg(long, value_name = "PEM")]
    pub(crate) key: PathBuf,
    /// The key set of that key (JWKS), which names agent and issuer.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: PathBuf,
    /// The old log's signer, if you trust it: PEM, DER, hexadecimal digits or
    /// base64. Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) old_key: Vec<PathBuf>,
    /// The key of the new log's vault, if it has one.
    #[arg(long, value_name = "FILE")]
    pub(crate) vault_key: Option<PathBuf>,
}

/// `asqav forget`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).args(["id", "subject", "containing"])))]
pub(crate) struct Forget {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// A receipt. Can be given more than once.
    #[arg(long, value_name = "ACTION_ID", value_parser = ActionId::parse)]
    pub(crate) id: Vec<ActionId>,
    /// Every call in whose arguments or result exactly this text stands, with
    /// both receipts. It is searched for, and written down nowhere.
    #[arg(long, value_name = "TEXT")]
    pub(crate) subject: Option<String>,
    /// The same, for values that have this text in them.
    #[arg(long, value_name = "TEXT")]
    pub(crate) containing: Option<String>,
    /// Only tell what would be erased.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The key of the log's vault: to search it.
    #[arg(long, value_name = "FILE")]
    pub(crate) vault_key: Option<PathBuf>,
    /// The log's signing key (PEM): for the erasure receipt.
    #[arg(long, value_name = "PEM")]
    pub(crate) key: Option<PathBuf>,
    /// The key set that has it (JWKS).
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: Option<PathBuf>,
}

/// `asqav retain`
///
/// Whole sealed segments go, oldest first, up to the first that is too young or
/// under a legal hold; the newest sealed one stays. Header and leaf hashes of
/// what was deleted stay, and the log still verifies.
#[derive(Debug, Args)]
pub(crate) struct Retain {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// How long receipts are kept, by the time that they claim; 2555 by default.
    #[arg(long, value_name = "DAYS")]
    pub(crate) days: Option<u32>,
    /// Mean it when the period is shorter than six months.
    #[arg(long)]
    pub(crate) short: bool,
    /// Delete. Nobody else may be writing the log.
    #[arg(long)]
    pub(crate) apply: bool,
    /// The log's signing key (PEM): for the deletion receipt.
    #[arg(long, value_name = "PEM")]
    pub(crate) key: Option<PathBuf>,
    /// The key set that has it (JWKS).
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: Option<PathBuf>,
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

/// `asqav hold`
#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// What to do.
    #[arg(value_enum)]
    pub(crate) what: HoldDo,
    /// The hold's name, e.g. a case's number; it stands in the log for ever.
    #[arg(long, value_name = "ID")]
    pub(crate) id: HoldId,
    /// The receipts that it covers, e.g. `5-9,12`; by default the whole log, and
    /// what is to come.
    #[arg(long, value_name = "RANGES")]
    pub(crate) receipts: Option<String>,
    /// The log's signing key (PEM).
    #[arg(long, value_name = "PEM")]
    pub(crate) key: PathBuf,
    /// The key set that has it (JWKS).
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: PathBuf,
}

/// `asqav guard`
///
/// Exit code 3 when the system refused something.
#[derive(Debug, Args)]
pub(crate) struct Guard {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// What to do.
    #[arg(value_enum)]
    pub(crate) what: GuardDo,
}

/// What `asqav guard` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GuardDo {
    /// Guard what is sealed by now: mode 0400 and, on Linux with the privilege,
    /// the attribute `i` (immutable).
    On,
    /// Take the guard off.
    Off,
    /// Tell what the system applies; change nothing.
    Status,
}

/// What `asqav hold` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HoldDo {
    /// From now on nothing is erased or deleted.
    Place,
    /// The hold is over.
    Release,
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
