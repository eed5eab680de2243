//! Callers that each wait for their call before they make the next.

use std::error::Error;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use asqav_core::key::SigningKey;
use asqav_core::log::{Durability, Log, LogEntry, LogError, LogOwner, LogStart};
use asqav_core::sign::{SignError, Signer, Signing};
use asqav_core::{Gate, Refused, ToolCall};
use asqav_policy::{Model, RulePolicy};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, IssuerId, KeyId};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;

const WARM_UP: Duration = Duration::from_millis(300);
const RUN: Duration = Duration::from_millis(2_500);
const POLICY: &str =
    "version = 1\nid = \"bench\"\n[[rule]]\nid = \"all\"\neffect = \"allow\"\ntools = [\"query_*\"]\n";

/// What a run showed.
pub(crate) struct Figures {
    /// Receipts per second.
    pub(crate) rate: f64,
    /// Times of whole calls: two receipts.
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    pub(crate) max: Duration,
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

pub(crate) fn signer() -> Arc<dyn Signer> {
    Arc::new(key())
}

pub(crate) fn unsigned() -> Arc<dyn Signer> {
    Arc::new(Unsigned(key()))
}

pub(crate) fn pinned() -> KeySet {
    let key = key();
    let entry = KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer", "agent");
    KeySet::new(entry.into_iter().collect())
}

/// Lets `callers` tasks call for a while and stops the gate.
pub(crate) fn measure(
    callers: usize,
    signing: Signing,
    signer: Arc<dyn Signer>,
    log: impl Log,
) -> Result<Figures, Box<dyn Error>> {
    let gate = Gate::builder(AgentId::parse("agent")?, IssuerId::parse("issuer")?)
        .signer(signer)
        .signing(signing)
        .policy(RulePolicy::new(Model::from_toml(POLICY)?))
        .log(log)
        .open()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_time().build()?;
    let (counting, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (mut times, took) = runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..callers {
            tasks.spawn(caller(gate.clone(), Arc::clone(&counting), Arc::clone(&done)));
        }
        tokio::time::sleep(WARM_UP).await;
        counting.store(true, Ordering::Relaxed);
        let start = Instant::now();
        tokio::time::sleep(RUN).await;
        counting.store(false, Ordering::Relaxed);
        let took = start.elapsed();
        done.store(true, Ordering::Relaxed);
        (tasks.join_all().await.concat(), took)
    });
    gate.shutdown().wait()?;
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let receipts = f64::from(u32::try_from(times.len() * 2)?);
    let max = times.last().copied().unwrap_or_default();
    Ok(Figures { rate: receipts / took.as_secs_f64(), p50: at(50), p99: at(99), max })
}

/// Calls until `done`; gives the times of the calls that ended while `counting`.
async fn caller(gate: Gate, counting: Arc<AtomicBool>, done: Arc<AtomicBool>) -> Vec<Duration> {
    let argument = "a".repeat(500);
    let mut times = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let start = Instant::now();
        let call = ToolCall::builder("query_account", "ledger:query").argument("q", &argument).build();
        let result = argument.clone();
        let ran = gate.run(call, || ready(Ok::<_, Refused>(result))).await;
        assert!(ran.is_ok(), "a call was refused");
        if counting.load(Ordering::Relaxed) {
            times.push(start.elapsed());
        }
    }
    times
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

/// A log that keeps nothing.
pub(crate) struct Void;

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
        Ok(())
    }

    fn maintain(&mut self, _now: Timestamp) -> Result<(), LogError> {
        Ok(())
    }

    fn close(&mut self, _clean: bool) -> Result<(), LogError> {
        Ok(())
    }
}
