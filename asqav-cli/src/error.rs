//! Why a command ended without a verdict: exit code 3.

use std::io;
use std::path::PathBuf;

/// A usage or input/output error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// A flag that does not fit the other arguments.
    #[error("{0}")]
    Usage(String),
    /// A file or directory could not be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// What was read.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file or directory could not be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// What was written.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file is not what its flag asks for.
    #[error("`{}` is not {expected}: {why}", path.display())]
    NotA {
        /// The file.
        path: PathBuf,
        /// What was expected, e.g. `a key set (JWKS)`.
        expected: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A log directory could not be read.
    #[error("{}", crate::error::chain(.0))]
    Log(#[from] asqav_log::reader::ReadError),
    /// A directory holds a log of ours and one of other software.
    #[error("`{}` holds a log of asqav and one of pqc-audit-log-fs: put them into directories of their own", .0.display())]
    TwoLogs(PathBuf),
    /// An old log was not taken over, or not to its end.
    #[error("{0}")]
    Import(String),
    /// An event of another software's log was not proven.
    #[error("there is no such proof: {0}")]
    NoEventProof(String),
    /// The log holds no such receipt.
    #[error("the log holds no receipt {0}")]
    NoSuchReceipt(String),
    /// A receipt is not verified, so that nothing is signed about it.
    #[error("receipt {id} is not verified ({reason}): nothing is signed about it")]
    NotVouchedFor {
        /// The receipt, by its own account.
        id: String,
        /// Why it is not verified.
        reason: &'static str,
    },
    /// A log is not verified, so that nothing is signed about it.
    #[error("the log is not verified ({reason}): nothing is signed about it")]
    LogNotVouchedFor {
        /// Why it is not verified.
        reason: &'static str,
    },
    /// A receipt has not the members that a statement repeats.
    #[error(transparent)]
    Statement(#[from] asqav_receipt::statement::StatementError),
    /// The log is not the checkpoint's, or the receipt is not in it.
    #[error("there is no such proof: {0}")]
    Prove(asqav_log::prove::ProveError),
    /// The receipt does not commit to what was named, or the openings are of
    /// something else.
    #[error("there is no such disclosure: {0}")]
    Disclosure(#[from] asqav_receipt::disclosure::DisclosureError),
    /// Nothing opens the receipt's commitments.
    #[error("nothing can be disclosed: {0}")]
    NoOpenings(&'static str),
    /// The vault could not be read.
    #[error("{}", crate::error::chain(.0))]
    Vault(#[from] asqav_log::vault::VaultError),
    /// The copies part in a way that proves no fraud.
    #[error("there is no fraud proof: {0}")]
    NoFraud(&'static str),
    /// The log and its vault could not be read.
    #[error("{}", crate::error::chain(.0))]
    ReadOrVault(#[from] asqav_log::ReadOrVault),
    /// A file could not be looked at.
    #[error("{}", crate::error::chain(.0))]
    Guard(#[from] asqav_log::guard::GuardError),
    /// A legal hold forbids it.
    #[error("the legal hold `{0}` forbids it")]
    Held(asqav_receipt::id::HoldId),
    /// The log did not take what was to be recorded.
    #[error("nothing more was written: {0}")]
    NotWritten(String),
    /// No delegation token was signed.
    #[error("no token was signed: {0}")]
    Issue(#[from] asqav_core::delegation::IssueError),
    /// Nothing was answered.
    #[error("nothing was signed: {0}")]
    NoAnswer(&'static str),
    /// The key did not sign.
    #[error("nothing was signed: {0}")]
    Sign(#[from] asqav_core::sign::SignError),
    /// A key file could not be made or loaded.
    #[error(transparent)]
    KeyFile(#[from] asqav_log::keyfile::KeyFileError),
    /// The demo could not be recorded.
    #[error("the demo could not be recorded: {0}")]
    Demo(String),
    /// There is no anchor, or it could not be kept.
    #[error("nothing was anchored: {0}")]
    NotAnchored(String),
    /// A file of anchors is none.
    #[error("{}", crate::error::chain(.0))]
    Anchors(#[from] asqav_log::anchoring::AnchorFileFailure),
    /// A policy or call file was refused.
    #[error("{}:{error}", path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// Where it is wrong, and how.
        error: Box<asqav_policy::PolicyError>,
    },
    /// A log is not verified, so that nothing is said about its decisions.
    #[error("the log is not verified ({reason}): nothing is said about its decisions")]
    LogNotUsed {
        /// Why it is not verified.
        reason: &'static str,
    },
    /// A draft that its own reader refuses: a mistake of ours.
    #[error("the draft is no policy: {0}")]
    Draft(Box<asqav_policy::PolicyError>),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

impl From<asqav_log::prove::ProveError> for CliError {
    fn from(error: asqav_log::prove::ProveError) -> Self {
        match error {
            asqav_log::prove::ProveError::Read(error) => Self::Log(error),
            error => Self::Prove(error),
        }
    }
}

/// Output into a pipe that nobody reads any more is no failure of the command.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
