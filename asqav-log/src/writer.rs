//! The writer: one directory, one process, strictly in order.

mod started;

use std::path::PathBuf;

use asqav_core::log::{Durability, Log, LogEntry, LogError, LogOwner, LogStart, Unsigned};
use asqav_receipt::keys::KeySet;
use asqav_receipt::time::Timestamp;

use crate::checkpointing::{CheckpointSchedule, Checkpointer};
use crate::error::io_error;
use crate::keyring::Keyring;
use crate::mirror::Mirror;
use crate::recovery::{Recovered, recover};
use crate::retention::Deletions;
use crate::rotation::Rotation;
use crate::sink::{CheckpointSink, Couriers, Deliveries};
use crate::storage::{FsStorage, Guard, Storage};
use crate::tree::Derived;
use crate::unsigned::JournalKey;
use crate::unsigned::journal::{Journal, MAX_STALE};
use crate::vault::{VaultKey, VaultWriter};
use started::Writer;

/// A log of receipts in a directory of its own.
///
/// A group of receipts is one write and one `fdatasync`; their openings are
/// written and synced before. Any error ends the writing: nothing more is
/// accepted, and a sync that failed is never tried again on the same file. The
/// next [`start`](Log::start), usually of a new process, recovers.
///
/// Without [`vault_key`](Self::vault_key) openings are not kept: commitments
/// in the receipts can then not be opened by anyone.
///
/// ```
/// use asqav_log::{FileLog, Rotation};
///
/// let log = FileLog::new("audit-log")
///     .rotation(Rotation { max_count: 1_000, ..Rotation::default() })
///     .head_mirror("/var/lib/asqav/head.json");
/// ```
///
/// For a gate whose signer is slow, with
/// [`Journaled`](asqav_core::log::Durability::Journaled):
///
/// ```
/// use asqav_log::{FileLog, JournalKey};
///
/// # let secret = [0; 32];
/// let log = FileLog::new("audit-log").journal_key(JournalKey::from_bytes(secret));
/// ```
pub struct FileLog {
    storage: Option<Box<dyn Storage>>,
    rotation: Rotation,
    mirror: Option<Mirror>,
    vault_key: Option<VaultKey>,
    journal_key: Option<JournalKey>,
    former_keys: KeySet,
    schedule: CheckpointSchedule,
    couriers: Couriers,
    max_stale: u64,
    state: State,
}

enum State {
    New,
    Open(Box<Writer>),
    /// An error ended the writing; the lock is held until it is closed.
    Failed {
        _guard: Guard,
    },
    Closed,
}

impl FileLog {
    /// The log in the directory `dir`, which is made if it is missing.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self::on(Box::new(FsStorage::new(dir)))
    }

    /// The log on another kind of storage, e.g. a simulated disk.
    #[must_use]
    pub fn on(storage: Box<dyn Storage>) -> Self {
        Self {
            storage: Some(storage),
            rotation: Rotation::default(),
            mirror: None,
            vault_key: None,
            journal_key: None,
            former_keys: KeySet::default(),
            schedule: CheckpointSchedule::default(),
            couriers: Couriers::default(),
            max_stale: MAX_STALE,
            state: State::New,
        }
    }

    /// Sets when a segment is full.
    #[must_use]
    pub const fn rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = rotation;
        self
    }

    /// Mirrors the head to the file `path` outside the log directory; its
    /// folder has to exist. With
    /// [`Durable`](asqav_core::log::Durability::Durable) the mirror is synced
    /// before receipts are acknowledged.
    #[must_use]
    pub fn head_mirror(mut self, path: impl Into<PathBuf>) -> Self {
        self.mirror = Some(Mirror::at(&path.into()));
        self
    }

    /// Mirrors the head to the file `name` on another kind of storage.
    #[must_use]
    pub fn head_mirror_on(mut self, storage: Box<dyn Storage>, name: impl Into<String>) -> Self {
        self.mirror = Some(Mirror::on(storage, name.into()));
        self
    }

    /// Keeps openings in `vault/`, encrypted so that this key opens them.
    #[must_use]
    pub fn vault_key(mut self, key: VaultKey) -> Self {
        self.vault_key = Some(key);
        self
    }

    /// Binds receipts by this key until they are signed: a gate with
    /// [`Journaled`](asqav_core::log::Durability::Journaled) does not open
    /// without. Give it to nobody who does not write the log.
    #[must_use]
    pub fn journal_key(mut self, key: JournalKey) -> Self {
        self.journal_key = Some(key);
        self
    }

    /// Accepts these keys as former ones of the same agent: after a change of
    /// keys the open segment and the newest header are signed by them. Receipts
    /// that follow, and the seal of the open segment, are signed by the gate's
    /// own key.
    #[must_use]
    pub fn former_keys(mut self, keys: KeySet) -> Self {
        self.former_keys = keys;
        self
    }

    /// Sets how many bytes of receipts that are signed by now `unsigned.jsonl`
    /// may hold before it is made anew; 1 MiB by default. It takes three syncs.
    #[must_use]
    pub const fn journal_remade_after(mut self, bytes: u64) -> Self {
        self.max_stale = bytes;
        self
    }

    /// Sets when checkpoints are made. None are made without a
    /// [`checkpoint_sink`](Self::checkpoint_sink).
    #[must_use]
    pub const fn checkpoints(mut self, schedule: CheckpointSchedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Gives every checkpoint to `sink`, which keeps it outside the log
    /// directory. Can be called more than once.
    #[must_use]
    pub fn checkpoint_sink(mut self, sink: impl CheckpointSink) -> Self {
        self.couriers.add(Box::new(sink));
        self
    }

    /// Tells, also while the log is written, what became of the checkpoints.
    #[must_use]
    pub fn deliveries(&self) -> Deliveries {
        self.couriers.deliveries()
    }

    fn try_start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
        if owner.durability == Durability::Journaled && self.journal_key.is_none() {
            return Err(no_journal());
        }
        let Some(mut storage) = self.storage.take() else { return Err(not_open()) };
        let guard = storage.lock()?;
        let mut mirror = self.mirror.take();
        let mirrored = match &mut mirror {
            Some(mirror) => mirror.read()?,
            None => None,
        };
        let keys = Keyring::new(owner, &self.former_keys);
        let journal_key = self.journal_key.take();
        let Recovered { tip, segment, sealed, unclean, erasures, left, journaled } =
            recover(storage.as_mut(), owner, &keys, mirrored.as_ref(), journal_key.as_ref())?;
        let journal = journal_key.map(|key| Journal::new(key, tip.log_id, self.max_stale));
        let vault = match self.vault_key.take() {
            Some(key) => Some(VaultWriter::start(storage.as_mut(), key, tip.log_id)?),
            None => None,
        };
        let sealed = sealed.as_ref().map(|sealed| &sealed.header);
        let derived = Derived::start(storage.as_mut(), sealed, tip.next_seq() - 1, owner, &self.former_keys);
        let couriers = self.couriers.take();
        let checkpointer =
            Checkpointer::start(self.schedule, couriers, storage.as_mut(), owner, &keys, &tip, sealed);
        let (owner, rotation) = (owner.clone(), self.rotation);
        let mut writer = Writer {
            storage,
            owner,
            rotation,
            mirror,
            vault,
            journal,
            erasures,
            deletions: Deletions::default(),
            tip,
            segment,
            derived,
            checkpointer,
            buffer: Vec::new(),
            guard,
        };
        writer.come_closer();
        if journaled {
            writer.sign_what_was_left(left)?;
        }
        let start = LogStart {
            log_id: writer.tip.log_id,
            head: writer.tip.head,
            open: writer.tip.open.items(),
            unclean,
            erasing: writer.erasures.receipts(),
        };
        self.state = State::Open(Box::new(writer));
        Ok(start)
    }

    /// Does `work` with the writer; an error is its last.
    fn write(&mut self, work: impl FnOnce(&mut Writer) -> Result<(), LogError>) -> Result<(), LogError> {
        let State::Open(writer) = &mut self.state else { return Err(not_open()) };
        let done = work(writer);
        if done.is_err()
            && let State::Open(writer) = std::mem::replace(&mut self.state, State::Closed)
        {
            self.state = State::Failed { _guard: writer.guard };
        }
        done
    }
}

impl Log for FileLog {
    fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
        self.try_start(owner)
    }

    fn commit(&mut self, batch: &[LogEntry], durability: Durability) -> Result<(), LogError> {
        self.write(|writer| writer.commit(batch, durability != Durability::Written))
    }

    fn journal(&mut self, batch: &[Unsigned]) -> Result<(), LogError> {
        self.write(|writer| writer.journal(batch))
    }

    fn maintain(&mut self, now: Timestamp) -> Result<(), LogError> {
        self.write(|writer| writer.maintain(now))
    }

    fn close(&mut self, clean: bool) -> Result<(), LogError> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(mut writer) if clean => writer.stop(),
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for FileLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileLog").field("rotation", &self.rotation).finish_non_exhaustive()
    }
}

fn no_journal() -> LogError {
    LogError::NoJournal { why: "there is no journal key to bind them by".to_owned() }
}

fn not_open() -> LogError {
    let why = "the log is not open: it was closed, or an earlier error ended the writing";
    io_error("writing the log", std::io::Error::other(why))
}
