//! Receipts of one chain, signed once for all tests of a process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use asqav_core::clock::Clock;
use asqav_core::log::{Durability, LogEntry, LogOwner};
use asqav_core::sign::{SignError, Signer, Signing};
use asqav_receipt::commitment::Openings;
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::id::{ActionId, ActionType, AgentId, IssuerId, KeyId, LogId, Nonce, SessionId, ToolName};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::payload::{
    Context, Controls, Decision, Extension, Form, Link, Outcome, Payload, Phase, ReceiptType, Tier,
};
use asqav_receipt::receipt::Signature;
use asqav_receipt::suite::{ED25519, ML_DSA_65, Suite};
use asqav_receipt::time::Timestamp;
use ml_dsa::{ExpandedSigningKey, MlDsa65};

/// How many receipts the chain has.
pub const LEN: u64 = 72;

/// When receipt 0 would have been issued; each comes a second after the last.
const BEGINNING: i64 = 1_775_000_000_000_000;

/// A key that signs each message once and remembers it.
pub struct TestKey {
    key: Secret,
    public_key: Vec<u8>,
    thumbprint: Sha256Digest,
    key_id: KeyId,
    signed: Mutex<HashMap<Sha256Digest, Vec<u8>>>,
}

enum Secret {
    MlDsa65(Box<ExpandedSigningKey<MlDsa65>>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl TestKey {
    /// An ML-DSA-65 key.
    pub fn new(seed: u8) -> Self {
        let key = ExpandedSigningKey::<MlDsa65>::from_seed(&[seed; 32].into());
        let public_key = key.verifying_key().encode().to_vec();
        Self::with(seed, &ML_DSA_65, Secret::MlDsa65(Box::new(key)), public_key)
    }

    /// A key whose signatures are short and quickly checked.
    pub fn short(seed: u8) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let public_key = key.verifying_key().to_bytes().to_vec();
        Self::with(seed, &ED25519, Secret::Ed25519(Box::new(key)), public_key)
    }

    fn with(seed: u8, suite: &Suite, key: Secret, public_key: Vec<u8>) -> Self {
        let thumbprint = suite.thumbprint(&public_key);
        let key_id = KeyId::parse(format!("key-{seed}")).unwrap();
        Self { key, public_key, thumbprint, key_id, signed: Mutex::default() }
    }
}

impl Signer for TestKey {
    fn algorithm(&self) -> &'static str {
        match self.key {
            Secret::MlDsa65(_) => ML_DSA_65.name,
            Secret::Ed25519(_) => ED25519.name,
        }
    }
    fn key_id(&self) -> &KeyId {
        &self.key_id
    }
    fn public_key(&self) -> &[u8] {
        &self.public_key
    }
    fn thumbprint(&self) -> &Sha256Digest {
        &self.thumbprint
    }
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut signed = self.signed.lock().unwrap();
        let fresh = || match &self.key {
            Secret::MlDsa65(key) => key.sign_deterministic(message, &[]).unwrap().encode().to_vec(),
            Secret::Ed25519(key) => ed25519_dalek::Signer::sign(&**key, message).to_bytes().to_vec(),
        };
        Ok(signed.entry(Sha256Digest::of(message)).or_insert_with(fresh).clone())
    }
}

/// A clock that tests set.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn at(seq: u64) -> Self {
        Self(AtomicI64::new(issued_at(seq).unix_micros()))
    }
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.unix_micros(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::Relaxed)).unwrap()
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    fn source(&self) -> &'static str {
        "test"
    }
}

/// The claimed time of receipt `seq`.
pub fn issued_at(seq: u64) -> Timestamp {
    Timestamp::from_unix_micros(BEGINNING + i64::try_from(seq).unwrap() * 1_000_000).unwrap()
}

pub fn log_id() -> LogId {
    LogId::from_bytes([0x42; 16])
}

pub fn agent() -> AgentId {
    AgentId::parse("agent:test").unwrap()
}

static SHORT: AtomicBool = AtomicBool::new(false);

/// Signs the chain with a short key, if it is not signed yet: what a log does
/// with bytes depends on no suite, and thousands of histories take less time.
pub fn short_signatures() {
    SHORT.store(true, Ordering::Relaxed);
}

static KEY: LazyLock<Arc<TestKey>> = LazyLock::new(|| {
    Arc::new(if SHORT.load(Ordering::Relaxed) { TestKey::short(1) } else { TestKey::new(1) })
});

/// The key that signed the chain.
pub fn key() -> Arc<TestKey> {
    KEY.clone()
}

/// Who owns the log: the chain's agent with the chain's key.
pub fn owner() -> LogOwner {
    owner_with(key(), TestClock::at(LEN))
}

/// The chain's agent with another key or clock.
pub fn owner_with(signer: Arc<TestKey>, clock: TestClock) -> LogOwner {
    LogOwner {
        agent: agent(),
        issuer: IssuerId::parse("issuer:test").unwrap(),
        signer,
        clock: Arc::new(clock),
        new_log_id: log_id(),
        durability: Durability::default(),
        signing: Signing::default(),
    }
}

static CHAIN: LazyLock<(Vec<LogEntry>, Vec<Vec<u8>>)> = LazyLock::new(|| {
    let entries = sign_chain(&KEY, LEN);
    let lines = entries.iter().map(line_of).collect();
    (entries, lines)
});

/// The chain's receipts, in order.
pub fn chain() -> &'static [LogEntry] {
    &CHAIN.0
}

/// The chain's log lines, line feeds included.
pub fn lines() -> &'static [Vec<u8>] {
    &CHAIN.1
}

pub fn line_of(entry: &LogEntry) -> Vec<u8> {
    let mut line = asqav_receipt::receipt::line(&entry.canonical, &entry.signature);
    line.push(b'\n');
    line
}

/// A chain of `len` receipts: a start, then again and again a session with a
/// call and a step in it, and a call that stays open, and at the end a stop.
pub fn sign_chain(key: &TestKey, len: u64) -> Vec<LogEntry> {
    let mut entries: Vec<LogEntry> = Vec::new();
    for seq in 1..=len {
        let link = entries.last().map_or(Link::GENESIS, |last| Link::to(&last.canonical));
        let mut payload = blank(seq, link, *key.thumbprint());
        fill(&mut payload, seq, len, &entries);
        entries.push(sign(key, payload));
    }
    entries
}

/// Signs a payload.
pub fn sign(key: &TestKey, payload: Payload) -> LogEntry {
    let canonical = payload.to_canonical();
    let sig = key.sign(&canonical).unwrap();
    let openings = openings_of(&payload);
    LogEntry {
        payload: Arc::new(payload),
        canonical: canonical.into(),
        signature: Signature { alg: key.algorithm(), kid: key.key_id().clone(), sig }.into(),
        openings,
    }
}

/// What opens the commitments of receipt `payload`, if it has any.
pub fn openings_of(payload: &Payload) -> Option<Openings> {
    let pointer = match payload.context {
        Context::Arguments { .. } => "/arguments/amount",
        Context::Result(Some(_)) => "/result",
        _ => return None,
    };
    Some(Openings {
        action_id: payload.action_id,
        secret: [u8::try_from(payload.seq).unwrap(); 32],
        values: vec![(pointer.to_owned(), format!("{{\"of\":{}}}", payload.seq))],
    })
}

fn session(seq: u64) -> SessionId {
    SessionId::parse(format!("session-{}", seq / 7)).unwrap()
}

fn fill(payload: &mut Payload, seq: u64, len: u64, before: &[LogEntry]) {
    let event = |name, body| Context::Event { name, body };
    if seq == len {
        payload.context = event("gate:stop", Object::new());
        return;
    }
    match seq % 7 {
        1 if seq == 1 => payload.context = event("gate:start", Object::new()),
        1 => {
            let mut body = Object::new();
            body.set("name", "refund");
            payload.context = event("session:open", body);
            payload.session_id = Some(session(seq));
        }
        2 | 5 => {
            payload.receipt_type = ReceiptType::Decision;
            payload.asqav.phase = Phase::Decision;
            payload.decision = Decision::Allow;
            payload.tool_name = Some(ToolName::parse("ledger").unwrap());
            let commit = Form::Commit(Sha3Digest::of(&seq.to_be_bytes()));
            payload.context = Context::Arguments { shown: vec![("amount".to_owned(), commit)], folded: None };
            payload.session_id = (seq > 7 && seq % 7 == 2).then(|| session(seq));
        }
        3 => {
            let decision = before.last().unwrap();
            payload.receipt_type = ReceiptType::Outcome;
            payload.asqav.phase = Phase::Outcome;
            payload.asqav.outcome = Some(Outcome::Ok);
            payload.asqav.parents = vec![decision.payload.action_id];
            payload.tool_name.clone_from(&decision.payload.tool_name);
            payload.session_id.clone_from(&decision.payload.session_id);
            payload.invocation_ref = Some(Sha256Digest::of(&decision.canonical));
            payload.context = Context::Result(Some(Form::Commit(Sha3Digest::of(b"result"))));
        }
        4 if seq > 7 => {
            payload.context = event("session:close", Object::new());
            payload.session_id = Some(session(seq));
        }
        _ => {
            payload.receipt_type = ReceiptType::Observation;
            payload.asqav.phase = Phase::Step;
            payload.context = Context::Step(Form::Value(Json::Integer(7)));
        }
    }
}

/// A receipt of the life cycle without content.
pub fn blank(seq: u64, link: Link, key_thumbprint: Sha256Digest) -> Payload {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&seq.to_be_bytes());
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&seq.to_be_bytes());
    Payload {
        receipt_type: ReceiptType::Lifecycle,
        action_id: ActionId::from_parts(issued_at(seq).unix_millis(), random),
        agent_id: agent(),
        issuer_id: IssuerId::parse("issuer:test").unwrap(),
        issued_at: issued_at(seq),
        seq,
        nonce: Nonce::from_bytes(nonce),
        link,
        action_type: ActionType::parse("ledger:query").unwrap(),
        tool_name: None,
        context: Context::Step(Form::Dropped),
        decision: Decision::Observation,
        reason: None,
        policy_digest: Sha256Digest::of(b"{\"asqav_policy\":\"none\"}"),
        controls: Controls::default(),
        session_id: None,
        invocation_ref: None,
        key_thumbprint,
        expires_at: None,
        asqav: Extension {
            log_id: log_id(),
            tier: Tier::Bounded,
            phase: Phase::Event,
            outcome: None,
            recovered: false,
            error_type: None,
            started_at: None,
            duration_us: None,
            tool: None,
            policy: None,
            parents: Vec::new(),
            trace: None,
        },
    }
}
