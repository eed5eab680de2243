//! Commands that write: through a gate, the log's one writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use asqav_core::gate::Gate;
use asqav_core::sign::Signer as _;
use asqav_log::FileLog;
use asqav_log::reader::LogReader;
use asqav_receipt::id::{AgentId, IssuerId};

use crate::error::{CliError, chain};
use crate::input;

/// Opens a gate on the existing log in `log_dir`, for the agent and issuer
/// that the pinned set has for the key. Records `gate:start`; refused while
/// another process writes the log.
pub(crate) fn open_gate(log_dir: &Path, key: &Path, keys: &Path) -> Result<Gate, CliError> {
    // Without it a mistyped path would become a new log.
    if LogReader::open(log_dir)?.is_empty() {
        return Err(CliError::Usage(format!("`{}` holds no receipts", log_dir.display())));
    }
    let (signing, set) = input::pinned_signing_key(key, keys)?;
    let entry = set.entries().iter().find(|entry| entry.public_key() == Some(signing.public_key()));
    let names = entry.and_then(|entry| {
        let agent = AgentId::parse(entry.agent_id.as_deref()?).ok()?;
        Some((agent, IssuerId::parse(entry.issuer_id.as_deref()?).ok()?))
    });
    let (agent, issuer) = names.ok_or_else(|| CliError::NotA {
        path: PathBuf::from(keys),
        expected: "a key set for a writer",
        why: "the key's entry does not name agent and issuer".to_owned(),
    })?;
    Gate::builder(agent, issuer)
        .signer(Arc::new(signing))
        .without_policy()
        .log(FileLog::new(log_dir))
        .open()
        .map_err(not_written)
}

/// Ends the gate and seals the log.
pub(crate) fn close(gate: &Gate) -> Result<(), CliError> {
    gate.shutdown().wait().map_err(not_written)
}

/// Why nothing was written.
pub(crate) fn not_written(error: impl std::error::Error) -> CliError {
    CliError::NotWritten(chain(&error))
}
