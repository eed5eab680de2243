//! Checkpoints that the writer makes by itself, at intervals and at the end.
//!
//! What is signed has to be what the log holds: the tree over all receipts is
//! taken from sealed segments only as far as their signed headers vouch for it
//! ([`whole`]), never from the stored tree alone. Nothing here ends the writing
//! but a sync that fails.

mod whole;

use std::time::{Duration, Instant};

use asqav_core::log::LogOwner;
use asqav_core::sign::SignError;
use asqav_receipt::checkpoint::{Checkpoint, MAX_CHECKPOINT_FILE_LEN, SignedCheckpoint};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::SegmentHeader;
use asqav_receipt::receipt::Signature;
use asqav_receipt::suite;

use crate::keyring::Keyring;
use crate::names::{TREE, unfinished_name};
use crate::segment::OpenSegment;
use crate::sink::Couriers;
use crate::storage::Storage;
use crate::tip::Tip;

use whole::Whole;

/// How long the end of a log waits for its sinks.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// When a log's writer makes a checkpoint. One more is made when the log is
/// stopped, if anything was recorded since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers set single limits")]
pub struct CheckpointSchedule {
    /// After so many receipts, at least 1.
    pub events: u64,
    /// Or after so many seconds …
    pub interval_secs: u32,
    /// … if there are at least so many new receipts.
    pub minimum: u64,
}

impl Default for CheckpointSchedule {
    /// 10,000 receipts, or 5 minutes and 100 receipts.
    fn default() -> Self {
        Self { events: 10_000, interval_secs: 300, minimum: 100 }
    }
}

/// Makes checkpoints and hands them to the sinks.
pub(crate) struct Checkpointer {
    schedule: CheckpointSchedule,
    couriers: Couriers,
    whole: Whole,
    /// Size and digest of the newest checkpoint that is known here.
    last: Option<(u64, Sha3Digest)>,
    /// When it was made, or the log was started, by the monotonic clock.
    last_at: Duration,
}

impl Checkpointer {
    /// For a log that was recovered to `tip`, the newest sealed segment under
    /// `sealed`. Without sinks it does nothing.
    pub(crate) fn start(
        schedule: CheckpointSchedule,
        mut couriers: Couriers,
        storage: &mut dyn Storage,
        owner: &LogOwner,
        keys: &Keyring<'_>,
        tip: &Tip,
        sealed: Option<&SegmentHeader>,
    ) -> Self {
        let last_at = owner.clock.monotonic();
        if couriers.is_empty() {
            return Self { schedule, couriers, whole: Whole::Off, last: None, last_at };
        }
        if let Err(error) = couriers.start() {
            tracing::error!(target: "asqav::log", %error, "a sink of checkpoints has no thread");
        }
        let known = read(storage).filter(|signed| {
            let Checkpoint { log_id, size, key_thumbprint, .. } = &signed.checkpoint;
            *log_id == tip.log_id
                && *size < tip.next_seq()
                && keys.check(key_thumbprint, &signed.checkpoint.signing_bytes(), &signed.signature).is_ok()
                && is_of_this_log(storage, &signed.checkpoint, sealed)
        });
        let whole = Whole::start(storage, known.as_ref().map(|signed| &signed.checkpoint), sealed);
        let last = known.map(|signed| (signed.checkpoint.size, signed.digest()));
        Self { schedule, couriers, whole, last, last_at }
    }

    /// Takes a receipt that has just been put into its segment.
    pub(crate) fn push(&mut self, seq: u64, leaf: [u8; 32]) {
        self.whole.push(seq, leaf);
    }

    /// Comes closer to knowing the tree over all receipts, a bounded amount.
    pub(crate) fn step(&mut self, storage: &mut dyn Storage, tip: &Tip, open: Option<&OpenSegment>) {
        self.whole.step(storage, tip, open);
    }

    /// Whether a checkpoint has to be made of a log whose newest receipt is
    /// that of `tip`.
    pub(crate) fn is_due(&self, tip: &Tip, now: Duration) -> bool {
        let new = self.new_receipts(tip);
        let waited =
            now.saturating_sub(self.last_at) >= Duration::from_secs(self.schedule.interval_secs.into());
        let due = new >= self.schedule.events.max(1) || (waited && new >= self.schedule.minimum.max(1));
        due && self.whole.is_ready()
    }

    fn new_receipts(&self, tip: &Tip) -> u64 {
        tip.next_seq() - 1 - self.last.map_or(0, |(size, _)| size)
    }

    /// Signs a checkpoint of a log that is durable, and hands it to the sinks.
    pub(crate) fn make(&mut self, storage: &mut dyn Storage, owner: &LogOwner, tip: &Tip) {
        self.last_at = owner.clock.monotonic();
        let Some(root) = self.whole.root(tip.next_seq() - 1) else { return };
        match sign(owner, tip, root, self.last.map(|(_, digest)| digest)) {
            Ok(signed) => {
                self.last = Some((signed.checkpoint.size, signed.digest()));
                write(storage, &signed);
                tracing::debug!(target: "asqav::log", size = signed.checkpoint.size, "checkpoint signed");
                self.couriers.send(signed);
            }
            Err(error) => tracing::error!(target: "asqav::log", %error, "no checkpoint was signed"),
        }
    }

    /// After a clean stop: the last checkpoint, and an end to the sinks.
    pub(crate) fn finish(
        &mut self,
        storage: &mut dyn Storage,
        owner: &LogOwner,
        tip: &Tip,
        open: Option<&OpenSegment>,
    ) {
        if self.new_receipts(tip) > 0 && self.whole.finish(storage, tip, open) {
            self.make(storage, owner, tip);
        }
        self.couriers.close(Instant::now() + CLOSE_WAIT);
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.couriers.close(Instant::now());
    }
}

fn sign(
    owner: &LogOwner,
    tip: &Tip,
    root: Sha3Digest,
    previous: Option<Sha3Digest>,
) -> Result<SignedCheckpoint, SignError> {
    let signer = &owner.signer;
    let refuse = |why: String| SignError::Backend(why);
    let suite = suite::by_name(signer.algorithm())
        .ok_or_else(|| refuse(format!("unknown suite `{}`", signer.algorithm())))?;
    let (Some(genesis), Some(head)) = (tip.genesis, tip.head) else {
        return Err(refuse("an empty log".to_owned()));
    };
    let checkpoint = Checkpoint {
        log_id: tip.log_id,
        genesis,
        size: head.seq,
        root,
        head: head.link,
        last_header: tip.last_header,
        open_decisions: u64::try_from(tip.open.decisions().len()).unwrap_or(u64::MAX),
        previous_checkpoint: previous,
        issued_at: owner.clock.now(),
        suite: suite.name,
        key_thumbprint: *signer.thumbprint(),
    };
    let sig = signer.sign(&checkpoint.signing_bytes())?;
    if sig.len() != suite.signature_len {
        return Err(refuse(format!("{} bytes are no {} signature", sig.len(), suite.name)));
    }
    Ok(SignedCheckpoint {
        checkpoint,
        signature: Signature { alg: suite.name, kid: signer.key_id().clone(), sig },
    })
}

/// Whether a checkpoint that this log's writer has signed is of what the log
/// holds now; if not, it is the trace of another one.
fn is_of_this_log(
    storage: &mut dyn Storage,
    checkpoint: &Checkpoint,
    sealed: Option<&SegmentHeader>,
) -> bool {
    let sealed = sealed.map_or(0, |header| header.segment);
    match whole::leads_there(storage, checkpoint, sealed) {
        Ok(true) => true,
        Ok(false) => {
            let size = checkpoint.size;
            tracing::error!(target: "asqav::log", size, "the log is not the one that its last checkpoint was made of");
            false
        }
        // It may have been deleted since.
        Err(_) => false,
    }
}

/// Where the newest checkpoint is kept for the next start: under the writer's
/// own signature, and only to save it work.
fn name() -> String {
    format!("{TREE}/checkpoint.json")
}

fn read(storage: &mut dyn Storage) -> Option<SignedCheckpoint> {
    let file = storage.read(&name(), 0, MAX_CHECKPOINT_FILE_LEN + 1).ok()?;
    SignedCheckpoint::parse(&file).ok()
}

fn write(storage: &mut dyn Storage, signed: &SignedCheckpoint) {
    let (name, unfinished) = (name(), unfinished_name(&name()));
    // A crash may have left it.
    drop(storage.remove(&unfinished));
    let mut write = || {
        storage.create(&unfinished)?.append(&signed.to_file())?;
        storage.rename(&unfinished, &name)
    };
    if let Err(error) = write() {
        tracing::warn!(target: "asqav::log", %error, "the newest checkpoint is not kept for the next start");
    }
}
