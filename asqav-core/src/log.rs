//! Where receipts go: the trait between the recorder and a durable log.
//!
//! The recorder calls from one thread at a time, in order; a log needs no locks.

use std::sync::Arc;

use asqav_receipt::commitment::Openings;
use asqav_receipt::deletion::DELETE_EVENT;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::erasure::ERASE_EVENT;
use asqav_receipt::id::{AgentId, IssuerId, LogId};
use asqav_receipt::open::OpenItem;
use asqav_receipt::payload::{Context, Link, Payload};
use asqav_receipt::receipt::ReceiptSignature;
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::time::Timestamp;

use crate::clock::Clock;
use crate::sign::{self, SignError, Signer, Signing};

/// When a receipt counts as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// On disk: acknowledged after `fdatasync` (the default).
    #[default]
    Durable,
    /// With the operating system: acknowledged after `write`. Survives the
    /// process, not a power failure.
    Written,
    /// On disk, and not signed yet: acknowledged once payload and openings are
    /// in the log's journal, after `fdatasync`; signed, and committed as with
    /// [`Durable`](Self::Durable), behind it. What a crash leaves unsigned is
    /// signed at the next start, and the gate's recovery receipt tells where
    /// that begins; until then it is bound by the log's own secret, not by a
    /// signature. At most half of
    /// [`max_in_flight`](crate::gate::GateBuilder::max_in_flight) receipts wait
    /// for their signature; beyond that calls wait for theirs. For signers that
    /// are slow.
    Journaled,
    /// In this process's queue: calls go on at once, while receipts are signed,
    /// written and synced behind them. What is queued is lost with the process,
    /// so a tool may have run whose decision nobody finds. At most half of
    /// [`max_in_flight`](crate::gate::GateBuilder::max_in_flight) receipts are
    /// queued; beyond that calls wait for theirs, as with [`Durable`](Self::Durable).
    Queued,
}

/// A log that takes receipts in order and keeps them.
///
/// It is opened by whoever opens the gate. From then on it is worked with on a
/// thread of the recorder, or on that of a caller who blocks until its receipt is
/// durable and would otherwise wait for that thread. Such a caller may be a worker
/// of an async runtime, or confined: a log that needs a runtime, or rights that
/// callers lack, has a thread of its own. A panic closes the gate.
pub trait Log: Send + 'static {
    /// Opens the log for one writer: takes the lock, repairs what may be
    /// repaired, and tells where it stands. Called once, before anything else.
    ///
    /// # Errors
    /// [`LogError`]; the gate then does not start.
    fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError>;

    /// Takes `batch`, which continues the log without a gap. Returns when
    /// every receipt of it meets `durability`; openings are durable no later
    /// than their receipts. Before it takes an erasure receipt
    /// ([`erased_by`](asqav_receipt::erasure::erased_by)), it destroys what
    /// opens the receipts that this names, durably.
    ///
    /// # Errors
    /// [`LogError`]: then none of the batch is acknowledged and the recorder
    /// calls nothing but [`close`](Self::close) any more.
    fn commit(&mut self, batch: &[LogEntry], durability: Durability) -> Result<(), LogError>;

    /// Keeps `batch`, which continues what was committed or journaled before,
    /// until it is committed. Returns when payloads and openings are durable;
    /// when they are committed, they come without openings. Called with
    /// [`Durability::Journaled`] only, and with neither erasure nor deletion
    /// receipts nor a log's first one, without which nobody can tell the log's
    /// id: those are committed before anything behind them is journaled.
    ///
    /// What is journaled and not committed when the log is opened again is
    /// signed by [`LogOwner::signer`] and committed before
    /// [`start`](Self::start) returns.
    ///
    /// # Errors
    /// As [`commit`](Self::commit); of a log without a journal always, so that
    /// it had better refuse to start for an owner with that durability.
    fn journal(&mut self, batch: &[Unsigned]) -> Result<(), LogError> {
        let count = batch.len();
        let source = std::io::Error::from(std::io::ErrorKind::Unsupported);
        Err(LogError::Io { what: format!("journaling {count} receipts in a log without a journal"), source })
    }

    /// Does what is due on a quiet log (rotation by age). Called at least
    /// once a second.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    fn maintain(&mut self, now: Timestamp) -> Result<(), LogError>;

    /// Ends the writing; `clean` after `gate:stop` was committed: the open
    /// segment is then sealed. Otherwise it is left as it is. Releases the lock.
    ///
    /// # Errors
    /// [`LogError`] when the seal could not be written.
    fn close(&mut self, clean: bool) -> Result<(), LogError>;
}

/// Who writes the log.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "gates and tests of logs build it")]
#[expect(missing_debug_implementations, reason = "holds a signer and a clock")]
pub struct LogOwner {
    /// The agent whose log this is; a log of another agent is refused.
    pub agent: AgentId,
    /// Who vouches for it.
    pub issuer: IssuerId,
    /// Signs segment headers.
    pub signer: Arc<dyn Signer>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The id of the log, if it is new.
    pub new_log_id: LogId,
    /// When its receipts are to count as recorded.
    pub durability: Durability,
    /// What one signature covers, also of receipts that were left unsigned.
    pub signing: Signing,
}

/// Where a log stands when it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "logs of other crates build it")]
pub struct LogStart {
    /// The log's id.
    pub log_id: LogId,
    /// The newest receipt; `None` in an empty log.
    pub head: Option<Head>,
    /// Decisions and sessions that are still open.
    pub open: Vec<OpenItem>,
    /// What the last writer left behind; `None` after a clean stop and in an
    /// empty log.
    pub unclean: Option<Unclean>,
    /// Receipts whose openings were being erased when the last writer ended,
    /// without an erasure receipt so far: the gate records one.
    pub erasing: SeqSet,
}

/// The newest receipt of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// Its sequence number.
    pub seq: u64,
    /// The link that its successor carries.
    pub link: Link,
    /// Its claimed time.
    pub issued_at: Timestamp,
}

impl Head {
    /// The receipt `seq`, issued at `issued_at`, linked to by `link`.
    #[must_use]
    pub const fn new(seq: u64, link: Link, issued_at: Timestamp) -> Self {
        Self { seq, link, issued_at }
    }
}

/// A log that was not stopped cleanly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unclean {
    /// How many bytes after the last complete line were set aside.
    pub torn_bytes: u64,
    /// Their SHA3-256; `None` when there were none.
    pub torn_sha3: Option<Sha3Digest>,
    /// Receipts behind this one lay unsigned in the journal and were signed
    /// when the log was opened; `None` when there were none.
    pub unsigned_after: Option<u64>,
}

impl Unclean {
    /// A stop that left `torn_bytes` bytes of this digest behind.
    #[must_use]
    pub const fn new(torn_bytes: u64, torn_sha3: Option<Sha3Digest>) -> Self {
        Self { torn_bytes, torn_sha3, unsigned_after: None }
    }

    /// The same, where receipts behind `seq` lay unsigned.
    #[must_use]
    pub const fn unsigned_after(self, seq: u64) -> Self {
        Self { unsigned_after: Some(seq), ..self }
    }
}

/// One signed receipt on its way into the log.
#[derive(Debug, Clone)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the recorder and logs of other crates build and take it apart"
)]
pub struct LogEntry {
    /// The payload.
    pub payload: Arc<Payload>,
    /// Its canonical bytes: what is signed and linked to.
    pub canonical: Arc<[u8]>,
    /// The signature over them, or that of their batch.
    pub signature: ReceiptSignature,
    /// What opens its commitments, if it has any.
    pub openings: Option<Openings>,
}

/// A receipt that has its place in the log and waits for its signature.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "the recorder and logs of other crates build it")]
pub struct Unsigned {
    /// The payload.
    pub payload: Arc<Payload>,
    /// Its canonical bytes: what is signed and linked to.
    pub canonical: Arc<[u8]>,
    /// What opens its commitments, if it has any and they are not kept yet.
    pub openings: Option<Openings>,
}

impl Unsigned {
    /// Whether a receipt may be journaled: none may that is true only once
    /// something was destroyed.
    #[must_use]
    pub fn may_be(payload: &Payload) -> bool {
        !matches!(payload.context, Context::Event { name: ERASE_EVENT | DELETE_EVENT, .. })
    }

    /// Signs receipts that follow one another, in order, as `signing` says.
    ///
    /// # Errors
    /// [`SignError`] when one of them was not signed.
    pub fn sign_all(
        signer: &dyn Signer,
        signing: Signing,
        waiting: Vec<Self>,
    ) -> Result<Vec<LogEntry>, SignError> {
        let most = signing.most();
        let mut entries = Vec::with_capacity(waiting.len());
        let mut waiting = waiting.into_iter().peekable();
        while let Some(first) = waiting.next() {
            let (first_seq, log_id) = (first.payload.seq, first.payload.asqav.log_id);
            let mut bytes = first.canonical.len();
            let mut together = vec![first];
            while let Some(next) = waiting.next_if(|next| {
                bytes += next.canonical.len();
                together.len() < most.receipts && bytes <= most.bytes
            }) {
                together.push(next);
            }
            let canonical: Vec<_> = together.iter().map(|unsigned| Arc::clone(&unsigned.canonical)).collect();
            let signatures = sign::together(signer, log_id, *signer.thumbprint(), first_seq, &canonical)?;
            let signed = together.into_iter().zip(signatures);
            entries.extend(signed.map(|(unsigned, signature)| unsigned.signed(signature)));
        }
        Ok(entries)
    }

    /// The receipt with its signature.
    #[must_use]
    pub fn signed(self, signature: ReceiptSignature) -> LogEntry {
        let Self { payload, canonical, openings } = self;
        LogEntry { payload, canonical, signature, openings }
    }
}

/// Why a log did not take receipts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Another process writes this log.
    #[error("the log is in use by {holder}")]
    Locked {
        /// Who holds the lock, e.g. `process 4711 on host a`.
        holder: String,
    },
    /// The log belongs to another agent.
    #[error("this is the log of agent `{found}`, not of `{wanted}`")]
    OtherAgent {
        /// The agent in the log.
        found: String,
        /// The gate's agent.
        wanted: String,
    },
    /// The log belongs to another issuer.
    #[error("this is the log of issuer `{found}`, not of `{wanted}`")]
    OtherIssuer {
        /// The issuer in the log.
        found: String,
        /// The gate's issuer.
        wanted: String,
    },
    /// The log holds something that no crash explains; it is not repaired.
    #[error("the log is damaged at {place}: {why}")]
    Damaged {
        /// File and line or byte.
        place: String,
        /// What is wrong there.
        why: String,
    },
    /// The log is shorter than its mirrored head says.
    #[error("the log ends at receipt {found}, but its mirror says {mirrored}: it was rolled back")]
    RolledBack {
        /// The last receipt in the log.
        found: u64,
        /// The last receipt according to the mirror.
        mirrored: u64,
    },
    /// A receipt that the mirror recorded is another one in the log.
    #[error("receipt {seq} is not the one that the mirror recorded: the log was rewritten")]
    Rewritten {
        /// The mirrored receipt's number.
        seq: u64,
    },
    /// Somebody else changed a file while the log was open.
    #[error("{place} was changed by somebody else while the log was open")]
    Interfered {
        /// The file.
        place: String,
    },
    /// The file system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted, with the file's name.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// The log cannot record as its owner wants to.
    #[error("the log cannot keep unsigned receipts: {why}")]
    NoJournal {
        /// What it lacks.
        why: String,
    },
    /// A segment header, or a receipt that the last writer left unsigned, could
    /// not be signed.
    #[error("what the log needs signed could not be signed")]
    Sign(#[from] SignError),
}
