//! Logs with receipts that were signed together.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use asqav_core::key::SigningKey;
use asqav_core::sign::{SignError, Signer, Signing};
use asqav_core::{Gate, ToolCall};
use asqav_log::reader::LogReader;
use asqav_log::{FileLog, Rotation};
use asqav_receipt::canonical::to_vec;
use asqav_receipt::checkpoint::{Checkpoint, SignedCheckpoint};
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::id::{KeyId, LogId};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _, root};
use asqav_receipt::payload::Link;
use asqav_receipt::receipt::{Signature, parse_line};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[12; 32])
}

pub(crate) fn pinned() -> KeySet {
    let key = signing_key();
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    KeySet::new(vec![entry.unwrap()])
}

/// A signer that waits while the test holds `pause`.
struct Paused {
    key: SigningKey,
    arrived: AtomicUsize,
    pause: Mutex<()>,
}

impl Paused {
    fn new() -> Arc<Self> {
        Arc::new(Self { key: signing_key(), arrived: AtomicUsize::new(0), pause: Mutex::new(()) })
    }
}

impl Signer for Paused {
    fn algorithm(&self) -> &'static str {
        self.key.algorithm()
    }

    fn key_id(&self) -> &KeyId {
        self.key.key_id()
    }

    fn public_key(&self) -> &[u8] {
        self.key.public_key()
    }

    fn thumbprint(&self) -> &Sha256Digest {
        self.key.thumbprint()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        let _goes_on = self.pause.lock().unwrap();
        self.key.sign(message)
    }
}

pub(crate) fn gate(dir: &Path, rotation: Rotation, signer: Arc<dyn Signer>) -> Gate {
    Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(signer)
        .signing(Signing::Batched)
        .without_policy()
        .log(FileLog::new(dir).rotation(rotation))
        .open()
        .unwrap()
}

/// Admits one call, which the signer holds, then `waiting` others: they are
/// one batch.
pub(crate) fn record(dir: &Path, rotation: Rotation, waiting: usize) -> Gate {
    let signer = Paused::new();
    let gate = gate(dir, rotation, Arc::<Paused>::clone(&signer));
    let call = || ToolCall::builder("query", "ledger:query").argument("account", "DE-1").build();
    let mut context = Context::from_waker(Waker::noop());
    // Polled once, a call is submitted.
    let mut submit = || {
        let mut admission = Box::pin(gate.admit(call()).into_future());
        assert!(admission.as_mut().poll(&mut context).is_pending());
        admission
    };
    let pause = signer.pause.lock().unwrap();
    let before = signer.arrived.load(Ordering::SeqCst);
    let first = submit();
    while signer.arrived.load(Ordering::SeqCst) == before {
        std::thread::yield_now();
    }
    let rest: Vec<_> = (0..waiting).map(|_| submit()).collect();
    drop(pause);
    let permits = std::iter::once(first).chain(rest).map(|mut admission| {
        loop {
            match admission.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(admitted) => break admitted.unwrap(),
                Poll::Pending => std::thread::yield_now(),
            }
        }
    });
    let permits: Vec<_> = permits.collect();
    for permit in permits {
        permit.abandon().wait().unwrap();
    }
    gate
}

pub(crate) fn lines(dir: &Path) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let reader = LogReader::open(dir).unwrap();
    reader
        .visit(|_, piece| {
            lines.push(piece.bytes.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    lines
}

/// A checkpoint of the whole log, really signed.
pub(crate) fn checkpoint(lines: &[Vec<u8>]) -> SignedCheckpoint {
    let payload = |line: &[u8]| parse_line(line).unwrap().0;
    let leaves: Vec<_> = lines.iter().map(|line| Sha3Tree::leaf(line)).collect();
    let first = payload(&lines[0]);
    let log_id = first.as_object().unwrap().get("asqav").unwrap().as_object().unwrap().get("log_id").unwrap();
    let checkpoint = Checkpoint {
        log_id: LogId::parse(log_id.as_str().unwrap()).unwrap(),
        genesis: Link::to(&to_vec(&first)).sha3.unwrap(),
        size: lines.len() as u64,
        root: Sha3Digest::from_bytes(root::<Sha3Tree>(&leaves)),
        head: Link::to(&to_vec(&payload(lines.last().unwrap()))),
        last_header: None,
        open_decisions: 0,
        previous_checkpoint: None,
        issued_at: Timestamp::from_unix_micros(2_000_000_000_000_000).unwrap(),
        suite: ML_DSA_65.name,
        key_thumbprint: *signing_key().thumbprint(),
    };
    let sig = signing_key().sign(&checkpoint.signing_bytes()).unwrap();
    let signature = Signature { alg: ML_DSA_65.name, kid: signing_key().key_id().clone(), sig };
    SignedCheckpoint { checkpoint, signature }
}
