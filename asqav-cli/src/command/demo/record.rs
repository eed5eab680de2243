//! Records a few tool calls through a real gate.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use asqav_core::call::ToolCall;
use asqav_core::gate::Gate;
use asqav_core::key::SigningKey;
use asqav_core::session::SessionStatus;
use asqav_log::FileLog;
use asqav_log::keyfile::{self, KEY_SET, SIGNING_KEY, VAULT_KEY};
use asqav_policy::{Model, RulePolicy};
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::keys::KeySet;

use crate::error::{CliError, chain};
use crate::input;

const POLICY: &str = include_str!("policy.toml");

/// A finished log and how it came about.
pub(super) struct Recorded {
    /// The log directory.
    pub(super) log: PathBuf,
    /// The key set that pins it.
    pub(super) keys: KeySet,
    /// What the agent tried, line by line; unescaped.
    pub(super) calls: Vec<String>,
}

/// Records the demo's calls in `dir`, with the keys that lie there or new ones.
pub(super) fn record(dir: &Path) -> Result<Recorded, CliError> {
    let log = dir.join("audit-log");
    if log.symlink_metadata().is_ok() {
        let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(CliError::Write { path: log, source });
    }
    let (key, agent, issuer) = signing_key(dir)?;
    let gate = Gate::builder(agent, issuer)
        .signer(Arc::new(key))
        .policy(RulePolicy::new(Model::from_toml(POLICY).map_err(failed)?))
        .log(FileLog::new(&log).vault_key(keyfile::load_vault_key(&dir.join(VAULT_KEY))?))
        .open()
        .map_err(failed)?;
    let calls = Notes { gate: &gate, file: dir.join("notes.txt") }.try_everything()?;
    gate.shutdown().wait().map_err(failed)?;
    Ok(Recorded { log, keys: input::key_set(&dir.join(KEY_SET))?, calls })
}

/// The key in `dir` with agent and issuer of its key set, or a new one.
fn signing_key(dir: &Path) -> Result<(SigningKey, AgentId, IssuerId), CliError> {
    let path = dir.join(SIGNING_KEY);
    if path.symlink_metadata().is_err() {
        let agent = AgentId::parse("demo-agent").map_err(failed)?;
        let issuer = IssuerId::parse("demo-issuer").map_err(failed)?;
        return Ok((keyfile::create(dir, &agent, &issuer)?, agent, issuer));
    }
    let key = keyfile::load_signing_key(&path)?;
    let keys = dir.join(KEY_SET);
    let set = input::key_set(&keys)?;
    let mut entries = set.entries().iter();
    let names = entries.find_map(|entry| Some((entry.agent_id.as_deref()?, entry.issuer_id.as_deref()?)));
    let Some((agent, issuer)) = names else {
        let why = "no entry names agent and issuer".to_owned();
        return Err(CliError::NotA { path: keys, expected: "the key set of keygen", why });
    };
    Ok((key, AgentId::parse(agent).map_err(failed)?, IssuerId::parse(issuer).map_err(failed)?))
}

fn failed(error: impl std::error::Error) -> CliError {
    CliError::Demo(chain(&error))
}

/// Tools that keep notes in a file.
struct Notes<'a> {
    gate: &'a Gate,
    file: PathBuf,
}

impl Notes<'_> {
    fn try_everything(&self) -> Result<Vec<String>, CliError> {
        let mut lines = Vec::new();
        let mut tell = |tried: &str, result: Result<String, String>| {
            let (came, text) = match result {
                Ok(text) => ("ok", text),
                Err(text) => ("error", text),
            };
            lines.push(format!("{tried:<26} {came}: {text}"));
        };
        tell("read_note (none yet)", self.read());
        let session = self.gate.session("keep a note").open().wait().map_err(failed)?;
        session.step("plan", "add a note, then read it").wait().map_err(failed)?;
        session.scope_sync(|| {
            tell("add_note", self.add("buy milk 🥛"));
            tell("read_note", self.read());
        });
        session.close(SessionStatus::Completed).wait().map_err(failed)?;
        tell("delete_note (forbidden)", self.delete());
        tell("read_note (a third time)", self.read());
        tell("send_note (no rule)", self.send());
        Ok(lines)
    }

    fn add(&self, note: &str) -> Result<String, String> {
        let call = ToolCall::builder("add_note", "notes:add").record("note", note).build();
        self.gate.run_sync(call, || {
            let file = fs::OpenOptions::new().create(true).append(true).open(&self.file);
            file.and_then(|mut file| writeln!(file, "{note}")).map_err(|error| error.to_string())?;
            Ok("noted".to_owned())
        })
    }

    fn read(&self) -> Result<String, String> {
        let call = ToolCall::builder("read_note", "notes:read").argument("file", "notes.txt").build();
        self.gate.run_sync(call, || {
            fs::read_to_string(&self.file)
                .map(|text| text.trim_end().to_owned())
                .map_err(|error| error.to_string())
        })
    }

    fn delete(&self) -> Result<String, String> {
        let call = ToolCall::builder("delete_note", "notes:delete").argument("file", "notes.txt").build();
        self.gate.run_sync(call, || {
            fs::remove_file(&self.file).map_err(|error| error.to_string())?;
            Ok("deleted".to_owned())
        })
    }

    fn send(&self) -> Result<String, String> {
        let call =
            ToolCall::builder("send_note", "notes:send").argument("to", "everyone@example.org").build();
        self.gate.run_sync(call, || fs::read_to_string(&self.file).map_err(|error| error.to_string()))
    }
}
