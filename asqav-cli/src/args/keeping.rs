//! Arguments of the commands that keep a log in order.

use std::path::PathBuf;

use asqav_receipt::id::{ActionId, HoldId};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

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
    /// both receipts. It is searched for, and the command writes it down
    /// nowhere; the history of your shell may.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) subject: Option<String>,
    /// The same, for values that have this text in them.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
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
