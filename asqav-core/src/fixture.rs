//! What the recorder's tests share: payloads, an owner, a quick signer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use asqav_receipt::batch::{BatchRoot, BatchedSignature, leaf};
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::id::{ActionId, ActionType, AgentId, IssuerId, KeyId, LogId, Nonce};
use asqav_receipt::json::Object;
use asqav_receipt::merkle::{Sha3Tree, inclusion_root};
use asqav_receipt::payload::{
    Context, Controls, Decision, Extension, Link, Payload, Phase, ReceiptType, Tier,
};
use asqav_receipt::receipt::ReceiptSignature;
use asqav_receipt::time::Timestamp;

use crate::clock::Clock;
use crate::log::{Durability, LogEntry, LogOwner};
use crate::sign::{SignError, Signer, Signing};

/// A payload that carries `mark` in its id.
pub(crate) fn payload(mark: u64) -> Payload {
    Payload {
        receipt_type: ReceiptType::Lifecycle,
        action_id: ActionId::from_parts(mark, [0; 10]),
        agent_id: AgentId::parse("agent").unwrap(),
        issuer_id: IssuerId::parse("issuer").unwrap(),
        issued_at: Timestamp::MAX,
        seq: u64::MAX >> 12,
        nonce: Nonce::from_bytes([0; 12]),
        link: Link::to(b"replaced"),
        action_type: ActionType::parse("test").unwrap(),
        tool_name: None,
        context: Context::Event { name: "test", body: Object::new() },
        decision: Decision::Observation,
        reason: None,
        policy_digest: Sha256Digest::of(b"policy"),
        controls: Controls::default(),
        session_id: None,
        invocation_ref: None,
        key_thumbprint: Sha256Digest::of(b"key"),
        expires_at: None,
        asqav: Extension {
            log_id: LogId::from_bytes([1; 16]),
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

/// An owner whose clock advances by a second at each look.
pub(crate) fn owner(signer: impl Signer) -> LogOwner {
    LogOwner {
        agent: AgentId::parse("agent").unwrap(),
        issuer: IssuerId::parse("issuer").unwrap(),
        signer: Arc::new(signer),
        clock: Arc::new(Ticking(AtomicU64::new(0))),
        new_log_id: LogId::from_bytes([1; 16]),
        durability: Durability::default(),
        signing: Signing::default(),
    }
}

/// A clock that advances by a second at each look.
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let seconds = self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_unix_micros(i64::try_from(seconds).unwrap() * 1_000_000).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn source(&self) -> &'static str {
        "ticking"
    }
}

/// A signer whose signature is a digest: it shows what was signed, and costs
/// nothing.
pub(crate) struct QuickSigner(KeyId);

impl QuickSigner {
    pub(crate) fn new() -> Self {
        Self(KeyId::parse("quick").unwrap())
    }

    pub(crate) fn signature(message: &[u8]) -> Vec<u8> {
        Sha3Digest::of(message).as_bytes().to_vec()
    }
}

impl Signer for QuickSigner {
    fn algorithm(&self) -> &'static str {
        "quick"
    }

    fn key_id(&self) -> &KeyId {
        &self.0
    }

    fn public_key(&self) -> &[u8] {
        b"quick"
    }

    fn thumbprint(&self) -> &Sha256Digest {
        const { &Sha256Digest::from_bytes([0; 32]) }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(Self::signature(message))
    }
}

/// The receipts are one chain from 1 on, each signed as itself or with its batch.
pub(crate) fn assert_whole(receipts: &[LogEntry]) {
    let mut link = Link::GENESIS;
    for (entry, seq) in receipts.iter().zip(1..) {
        assert_eq!(entry.payload.seq, seq);
        assert_eq!(entry.payload.link, link, "receipt {seq}");
        assert_eq!(*entry.canonical, *entry.payload.to_canonical(), "receipt {seq}");
        assert_eq!(entry.signature.sig(), QuickSigner::signature(&signed_bytes(entry)), "receipt {seq}");
        link = Link::to(&entry.canonical);
    }
}

/// What the receipt's signature is over.
fn signed_bytes(entry: &LogEntry) -> Vec<u8> {
    let ReceiptSignature::Batched(BatchedSignature { place, index, path, .. }) = &entry.signature else {
        return entry.canonical.to_vec();
    };
    assert_eq!(place.index_of(entry.payload.seq), Some(*index));
    let (at, size) = (u64::from(*index), u64::from(place.size()));
    let root = inclusion_root::<Sha3Tree>(at, size, &leaf(&entry.canonical), path).unwrap();
    let (log_id, key_thumbprint) = (entry.payload.asqav.log_id, entry.payload.key_thumbprint);
    BatchRoot { log_id, place: *place, root: Sha3Digest::from_bytes(root), key_thumbprint }.signing_bytes()
}
