//! What can be typed after `asqav scope`.

use std::path::PathBuf;

use asqav_policy::glob::Glob;
use asqav_receipt::delegation::Restriction;
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::time::Timestamp;
use clap::{Args, Subcommand};

use super::time;

/// `asqav scope`
#[derive(Debug, Args)]
pub(crate) struct ScopeArgs {
    /// The command.
    #[command(subcommand)]
    pub(crate) command: ScopeCommand,
}

/// The commands about delegation tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum ScopeCommand {
    /// Sign a delegation token: the first of a chain, or one behind a chain.
    New(NewScope),
    /// Tell what a chain says, without judging it.
    Show(ShowScope),
    /// Check a chain, and whether it allows a call.
    ///
    /// Exit code 0 when it does, 1 when it does not.
    Check(CheckScope),
}

/// `asqav scope new`
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("of").required(true).args(["issuer", "parent"])))]
pub(crate) struct NewScope {
    /// The signing key (PEM): the issuer's, or that of whom the chain's last
    /// token names.
    #[arg(long, value_name = "PEM")]
    pub(crate) key: PathBuf,
    /// Begin a chain in this name, which gates have pinned with the key.
    #[arg(long, value_name = "NAME")]
    pub(crate) issuer: Option<IssuerId>,
    /// Pass on a part of what this chain allows.
    #[arg(long, value_name = "FILE")]
    pub(crate) parent: Option<PathBuf>,
    /// The agent that may do it.
    #[arg(long, value_name = "ID")]
    pub(crate) agent: AgentId,
    /// The key of the agent's gate: its key set (JWKS), or the key's thumbprint.
    /// Required with `--depth`.
    #[arg(long, value_name = "JWKS|SHA256")]
    pub(crate) agent_key: Option<String>,
    /// A pattern for tools, as in policies. Can be given more than once.
    #[arg(long = "tool", value_name = "GLOB", required = true, value_parser = |text: &str| Glob::parse(text))]
    pub(crate) tools: Vec<Glob>,
    /// What an argument has to be, e.g. '{"arg": "/amount", "le": 100}', with `in`,
    /// `ge`, `le`, `prefix`, `under`, `host_in` or `max_len`. Can be given more
    /// than once; all have to hold.
    #[arg(long, value_name = "JSON", value_parser = |text: &str| Restriction::parse(text))]
    pub(crate) when: Vec<Restriction>,
    /// Valid from this time on (RFC 3339) instead of from now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<Timestamp>,
    /// Valid until this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Timestamp,
    /// How many tokens may follow, 0 to 7.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=7))]
    pub(crate) depth: u8,
    /// A new file for the whole chain; by default standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `asqav scope show`
#[derive(Debug, Args)]
pub(crate) struct ShowScope {
    /// The chain; `-` for standard input.
    pub(crate) chain: PathBuf,
}

/// `asqav scope check`
#[derive(Debug, Args)]
pub(crate) struct CheckScope {
    /// The chain; `-` for standard input.
    pub(crate) chain: PathBuf,
    /// The issuers that may delegate anything in their names (JWKS), from a
    /// source you trust.
    #[arg(long, value_name = "JWKS")]
    pub(crate) keys: PathBuf,
    /// The agent whose calls it has to be for; by default whom the last token
    /// names.
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<AgentId>,
    /// The key of the agent's gate: its key set (JWKS), or the key's thumbprint;
    /// by default the one that the last token names.
    #[arg(long, value_name = "JWKS|SHA256")]
    pub(crate) agent_key: Option<String>,
    /// A call, as for `asqav policy explain`; its agent and time are not looked
    /// at.
    #[arg(long, value_name = "FILE")]
    pub(crate) call: Option<PathBuf>,
    /// Judge as of this time (RFC 3339) instead of now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
    /// A token that was taken back, by its digest. Can be given more than once.
    #[arg(long, value_name = "SHA3", value_parser = token_digest)]
    pub(crate) revoked_token: Vec<Sha3Digest>,
    /// A key that was taken back, by its thumbprint. Can be given more than once.
    #[arg(long, value_name = "SHA256", value_parser = thumbprint)]
    pub(crate) revoked_key: Vec<Sha256Digest>,
}

fn token_digest(text: &str) -> Result<Sha3Digest, &'static str> {
    Sha3Digest::parse_tagged(text).ok_or("not `sha3-256:` and 64 hexadecimal digits")
}

fn thumbprint(text: &str) -> Result<Sha256Digest, &'static str> {
    Sha256Digest::parse_tagged(text).ok_or("not `sha256:` and 64 hexadecimal digits")
}
