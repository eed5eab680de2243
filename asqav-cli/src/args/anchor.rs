//! What can be typed after `asqav anchor`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `asqav anchor`
#[derive(Debug, Args)]
pub(crate) struct AnchorArgs {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: AnchorCommand,
}

/// The commands about anchors of checkpoints.
#[derive(Debug, Subcommand)]
pub(crate) enum AnchorCommand {
    /// Have checkpoints stamped by a time-stamp authority (RFC 3161).
    ///
    /// The anchors of FILE lie in FILE.anchors.jsonl, where `asqav verify
    /// --checkpoint FILE --tsa-key` finds them. Of a folder, each
    /// `checkpoint-*.json` without anchors is stamped.
    Stamp(Stamp),
    /// Have a single receipt stamped, and write it with the token in it.
    Receipt(StampReceipt),
    /// Write a request for an authority that this machine cannot ask itself.
    Request(Request),
    /// Take an authority's answer to such a request.
    Attach(Attach),
    /// Have anchors stamped again, before their algorithms or certificates age
    /// (RFC 4998). What they prove stays the time of the first token.
    Renew(Renew),
    /// Tell what the anchors of a checkpoint, or of each in a folder, show.
    Status(Status),
    /// Record in a log that a time-stamp token exists: what follows is not older.
    Time(Time),
}

/// Whom to ask.
#[derive(Debug, Args)]
pub(crate) struct Tsa {
    /// The authority's URL.
    #[arg(long, value_name = "URL", required_unless_present = "tsa_command")]
    pub(crate) tsa: Option<String>,
    /// A program that asks it: request on standard input, answer on standard
    /// output, both in DER. No shell reads it; its arguments follow, each in an
    /// option of its own.
    #[arg(
        long,
        value_name = "PROGRAM_OR_ARGUMENT",
        num_args = 1,
        conflicts_with = "tsa",
        allow_hyphen_values = true
    )]
    pub(crate) tsa_command: Vec<String>,
}

/// What to keep of the authority.
#[derive(Debug, Args)]
pub(crate) struct Kept {
    /// A certificate of the authority's chain to keep with the anchor (DER or
    /// PEM). Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) keep_certificate: Vec<PathBuf>,
    /// A revocation list or OCSP answer to keep with the anchor. Can be given
    /// more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) keep_revocation: Vec<PathBuf>,
}

/// `asqav anchor stamp`
#[derive(Debug, Args)]
pub(crate) struct Stamp {
    /// A checkpoint, or a folder of checkpoints.
    pub(crate) path: PathBuf,
    /// Whom to ask.
    #[command(flatten)]
    pub(crate) tsa: Tsa,
    /// What to keep.
    #[command(flatten)]
    pub(crate) kept: Kept,
}

/// `asqav anchor receipt`
#[derive(Debug, Args)]
pub(crate) struct StampReceipt {
    /// The receipt (JSON), as `asqav export` writes it.
    pub(crate) receipt: PathBuf,
    /// Whom to ask.
    #[command(flatten)]
    pub(crate) tsa: Tsa,
    /// Where to write it; by default to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `asqav anchor request`
#[derive(Debug, Args)]
pub(crate) struct Request {
    /// The checkpoint.
    pub(crate) checkpoint: PathBuf,
    /// Where to write the request (DER); by default to standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `asqav anchor attach`
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The checkpoint.
    pub(crate) checkpoint: PathBuf,
    /// The authority's answer (DER).
    pub(crate) answer: PathBuf,
    /// What to keep.
    #[command(flatten)]
    pub(crate) kept: Kept,
}

/// `asqav anchor renew`
#[derive(Debug, Args)]
pub(crate) struct Renew {
    /// A checkpoint, or a folder of checkpoints.
    pub(crate) path: PathBuf,
    /// Whom to ask.
    #[command(flatten)]
    pub(crate) tsa: Tsa,
    /// Stamp checkpoint and tokens anew with SHA-512, because the hash function
    /// ages, and not the newest token alone.
    #[arg(long)]
    pub(crate) hash: bool,
    /// Renew only anchors whose authority is certified for less than so many
    /// days; needs --tsa-key.
    #[arg(long, value_name = "DAYS", requires = "tsa_key")]
    pub(crate) within: Option<u32>,
    /// A time-stamp authority that you trust. Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) tsa_key: Vec<PathBuf>,
}

/// `asqav anchor status`
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A checkpoint, or a folder of checkpoints.
    pub(crate) path: PathBuf,
    /// A time-stamp authority that you trust. Can be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(crate) tsa_key: Vec<PathBuf>,
}

/// `asqav anchor time`
#[derive(Debug, Args)]
pub(crate) struct Time {
    /// The log directory.
    pub(crate) log_dir: PathBuf,
    /// A checkpoint with anchors: the newest token of each is recorded.
    pub(crate) checkpoint: PathBuf,
    /// The log's signing key (PEM).
    #[arg(long, value_name = "PEM")]
    pub(crate) key: PathBuf,
    /// The key set that has it (JWKS).
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: PathBuf,
}
