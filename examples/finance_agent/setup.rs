//! Keys, ledger and gate, in one directory.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use asqav::log::FileLog;
use asqav::log::keyfile::{self, SIGNING_KEY, VAULT_KEY};
use asqav::policy::{Model, RulePolicy};
use asqav::{AgentId, Gate, IssuerId, SigningKey};

use crate::ledger::Ledger;

/// What the agent may do.
const POLICY: &str = include_str!("../data/policy.toml");

/// Everything that the agent works with.
pub(crate) struct Setup {
    /// Where all of it lies.
    pub(crate) dir: PathBuf,
    /// Guards every tool call.
    pub(crate) gate: Gate,
    /// What the tools work on.
    pub(crate) ledger: Ledger,
    continued: bool,
}

impl Setup {
    /// Opens what `dir` holds, and makes what it does not hold yet.
    pub(crate) fn open(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let agent = AgentId::parse("finance-agent")?;
        let issuer = IssuerId::parse("acme-bank")?;
        fs::create_dir_all(dir)?;
        let continued = dir.join(SIGNING_KEY).exists();
        let key = if continued {
            keyfile::load_signing_key(&dir.join(SIGNING_KEY))?
        } else {
            keyfile::create(dir, &agent, &issuer)?
        };
        let gate = open_gate(dir, agent, issuer, key)?;
        let ledger = Ledger::open(&dir.join("ledger.db"))?;
        Ok(Self { dir: dir.to_owned(), gate, ledger, continued })
    }

    /// The log directory.
    pub(crate) fn log_dir(&self) -> PathBuf {
        self.dir.join("audit-log")
    }

    /// Says what was opened.
    pub(crate) fn introduce(&self) -> Result<(), Box<dyn Error>> {
        let (accounts, transactions) = self.ledger.counts()?;
        let state = if self.continued { "continued" } else { "new" };
        println!("An agent at work on a ledger, every tool call signed\n");
        println!("  agent    {}, vouched for by {}", self.gate.agent().as_str(), self.gate.issuer().as_str());
        println!("  key      ML-DSA-65, {}", self.gate.key_thumbprint().to_tagged());
        println!("  log      {} ({state})", self.log_dir().display());
        println!("  ledger   {accounts} accounts, {transactions} transactions ({state})");
        Ok(())
    }
}

fn open_gate(dir: &Path, agent: AgentId, issuer: IssuerId, key: SigningKey) -> Result<Gate, Box<dyn Error>> {
    let log = FileLog::new(dir.join("audit-log")).vault_key(keyfile::load_vault_key(&dir.join(VAULT_KEY))?);
    let policy = RulePolicy::new(Model::from_toml(POLICY)?);
    Ok(Gate::builder(agent, issuer).signer(Arc::new(key)).policy(policy).log(log).open()?)
}
