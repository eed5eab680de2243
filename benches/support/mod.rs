//! What the benchmarks share: gates whose parts can be left out, and clocks.

#![allow(dead_code, unreachable_pub, reason = "each benchmark takes a part of it")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use asqav_core::key::{AwsLcSigner, SigningKey};
use asqav_core::log::{Durability, Log, LogEntry, LogError, LogOwner, LogStart};
use asqav_core::sign::{SignError, Signer, Signing};
use asqav_core::testing::FaultySigner;
use asqav_core::{Gate, ToolCall};
use asqav_log::JournalKey;
use asqav_log::vault::VaultKey;
use asqav_policy::{Model, RulePolicy};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, IssuerId, KeyId};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};

const POLICY: &str =
    "version = 1\nid = \"bench\"\n[[rule]]\nid = \"all\"\neffect = \"allow\"\ntools = [\"query_*\"]\n";

/// How a gate under measurement is made.
#[derive(Clone)]
pub struct Setup {
    pub signer: Arc<dyn Signer>,
    pub signing: Signing,
    pub durability: Durability,
}

impl Setup {
    /// With the default of everything but the signer.
    pub fn new(signer: Arc<dyn Signer>) -> Self {
        Self { signer, signing: Signing::default(), durability: Durability::default() }
    }

    /// A gate with a policy of one rule.
    pub fn gate(&self, log: impl Log) -> Result<Gate, Box<dyn Error>> {
        Ok(Gate::builder(AgentId::parse("agent")?, IssuerId::parse("issuer")?)
            .signer(Arc::clone(&self.signer))
            .signing(self.signing)
            .durability(self.durability)
            .policy(RulePolicy::new(Model::from_toml(POLICY)?))
            .log(log)
            .open()?)
    }
}

/// A call that the policy allows.
pub fn call(argument: &String) -> ToolCall {
    ToolCall::builder("query_account", "ledger:query").argument("q", argument).build()
}

/// The one key of all benchmarks.
pub fn key() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

/// Opens the openings that benchmarks keep.
pub fn vault_key() -> VaultKey {
    VaultKey::from_bytes([4; 32])
}

/// Binds what waits for a signature.
pub fn journal_key() -> JournalKey {
    JournalKey::from_bytes([5; 32])
}

/// Signs with the Rust library.
pub fn ml_dsa() -> Arc<dyn Signer> {
    Arc::new(key())
}

/// Signs with AWS-LC.
pub fn aws_lc() -> Result<Arc<dyn Signer>, SignError> {
    Ok(Arc::new(AwsLcSigner::new(&key())?))
}

/// Signs with the Rust library, and answers so much later.
pub fn remote(wait: Duration) -> Arc<dyn Signer> {
    Arc::new(FaultySigner::new(ml_dsa()).before_each(move || {
        std::thread::sleep(wait);
        None
    }))
}

/// Does everything but sign.
pub fn unsigned() -> Arc<dyn Signer> {
    Arc::new(Unsigned(key()))
}

/// The key, as a verifier pins it.
pub fn pinned() -> KeySet {
    let key = key();
    let entry = KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer", "agent");
    KeySet::new(entry.into_iter().collect())
}

/// CPU time of all threads of this process so far.
pub fn cpu() -> Duration {
    cpu_of(ClockId::ProcessCPUTime)
}

fn cpu_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Another signer, whose work is taken account of.
pub struct Metered {
    signer: Arc<dyn Signer>,
    /// CPU time of its signatures so far, nanoseconds.
    spent: AtomicU64,
}

impl Metered {
    pub fn new(signer: Arc<dyn Signer>) -> Self {
        Self { signer, spent: AtomicU64::new(0) }
    }

    /// CPU time of its signatures so far.
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Ordering::Relaxed))
    }
}

impl Signer for Metered {
    fn algorithm(&self) -> &'static str {
        self.signer.algorithm()
    }

    fn key_id(&self) -> &KeyId {
        self.signer.key_id()
    }

    fn public_key(&self) -> &[u8] {
        self.signer.public_key()
    }

    fn thumbprint(&self) -> &Sha256Digest {
        self.signer.thumbprint()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let before = cpu_of(ClockId::ThreadCPUTime);
        let signature = self.signer.sign(message);
        let took = cpu_of(ClockId::ThreadCPUTime) - before;
        self.spent.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(0), Ordering::Relaxed);
        signature
    }
}

/// The key of another signer, without its work.
struct Unsigned(SigningKey);

impl Signer for Unsigned {
    fn algorithm(&self) -> &'static str {
        self.0.algorithm()
    }

    fn key_id(&self) -> &KeyId {
        self.0.key_id()
    }

    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn thumbprint(&self) -> &Sha256Digest {
        self.0.thumbprint()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        // The gate tests its key when it opens; that one is really signed.
        if message.len() < 64 { self.0.sign(message) } else { Ok(vec![0; ML_DSA_65.signature_len]) }
    }
}

/// A log that keeps nothing, and takes as long for each group as a disk may:
/// waiting costs no CPU, but receipts gather into groups as they do in a real
/// log.
#[derive(Default)]
pub struct Void(pub Duration);

impl Log for Void {
    fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
        Ok(LogStart {
            log_id: owner.new_log_id,
            head: None,
            open: Vec::new(),
            unclean: None,
            erasing: asqav_receipt::seq_set::SeqSet::default(),
        })
    }

    fn commit(&mut self, _batch: &[LogEntry], _durability: Durability) -> Result<(), LogError> {
        if !self.0.is_zero() {
            std::thread::sleep(self.0);
        }
        Ok(())
    }

    fn maintain(&mut self, _now: Timestamp) -> Result<(), LogError> {
        Ok(())
    }

    fn close(&mut self, _clean: bool) -> Result<(), LogError> {
        Ok(())
    }
}
