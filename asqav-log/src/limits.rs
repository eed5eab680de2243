//! Limits on disk: they survive a restart, and several processes share them.
//!
//! A directory holds a journal of counters and a lock file. Whoever takes or
//! gives back holds the lock, reads what others have written since, and
//! appends what the counters are then as one line, which is durable before the
//! call may run: charges are taken all or none, whatever stops in between. A
//! line that a crash left half written was never answered and does not count;
//! any other damage, a journal that is gone, or a lock that does not come free
//! within two seconds is an error, and the gate refuses the call.
//!
//! One sync for each call that a limit is about. The lock is `flock`, which
//! holds among the processes of one machine; a network file system may not
//! keep it.

mod journal;
mod line;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use asqav_core::limits::{LimitError, Limits};
use asqav_core::log::LogError;
use asqav_core::policy::Charge;
use asqav_receipt::time::Timestamp;
use rustix::fs::OFlags;

use crate::error::{damaged, io_error};
use crate::storage::FsStorage;
use journal::Journal;

/// The file that is locked. It holds a byte once there is a journal.
const LOCK: &str = "limits.lock";
/// How long another process may hold the lock.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a lock that is held is tried.
const PAUSE: Duration = Duration::from_micros(200);

/// Counters in a directory of their own.
#[derive(Debug)]
pub struct FileLimits {
    lock_path: PathBuf,
    lock: File,
    journal: Mutex<Journal>,
}

impl FileLimits {
    /// The limits in `dir`, which is made if it is missing. Several processes
    /// may have one directory.
    ///
    /// # Errors
    /// [`LogError::Io`]; [`LogError::Damaged`] when the journal is damaged, or
    /// gone although there was one.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, LogError> {
        let dir = dir.as_ref();
        let failed = |error| io_error(format!("opening the limits in `{}`", dir.display()), error);
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
        let lock_path = dir.join(LOCK);
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&lock_path)
            .map_err(failed)?;
        let journal = Mutex::new(Journal::new(Box::new(FsStorage::new(dir))));
        let limits = Self { lock_path, lock, journal };
        let opened = limits.locked(|journal| {
            if limits.lock.metadata().map_err(store)?.len() == 0 {
                journal.begin()?;
                limits.lock.set_len(1).map_err(store)?;
                limits.lock.sync_all().map_err(store)?;
            }
            journal.refresh()
        });
        match opened {
            Ok(()) => Ok(limits),
            Err(error) => Err(damaged(format!("the limits in `{}`", dir.display()), error.to_string())),
        }
    }

    /// Runs `work` while no other thread or process uses the journal.
    fn locked<T>(&self, work: impl FnOnce(&mut Journal) -> Result<T, LimitError>) -> Result<T, LimitError> {
        // What a panic leaves is read again: the journal itself is whole.
        let mut journal = self.journal.lock().unwrap_or_else(|poisoned| {
            let mut journal = poisoned.into_inner();
            journal.forget();
            journal
        });
        self.journal.clear_poison();
        self.acquire()?;
        let done = self.is_named().and_then(|()| work(&mut journal));
        self.lock.unlock().map_err(store)?;
        done
    }

    fn acquire(&self) -> Result<(), LimitError> {
        let since = Instant::now();
        loop {
            match self.lock.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(LimitError::Store("another process holds the lock".to_owned()));
                }
                Err(TryLockError::Error(error)) => return Err(store(error)),
            }
        }
    }

    /// INVARIANT: the locked file is the one that others find under its name;
    /// a replaced lock file would let two in.
    fn is_named(&self) -> Result<(), LimitError> {
        let held = self.lock.metadata().map_err(store)?;
        let named = self.lock_path.symlink_metadata().map_err(store)?;
        if (held.dev(), held.ino()) == (named.dev(), named.ino()) {
            Ok(())
        } else {
            Err(LimitError::Store("the lock file was replaced".to_owned()))
        }
    }
}

impl Limits for FileLimits {
    fn take(&self, charges: &[Charge], now: Timestamp) -> Result<(), LimitError> {
        self.locked(|journal| journal.take(charges, now))
    }

    /// What cannot be written is not given back.
    fn refund(&self, charges: &[Charge], taken_at: Timestamp) {
        drop(self.locked(|journal| journal.refund(charges, taken_at)));
    }

    fn settle(&self, charge: &Charge, actual: u64, taken_at: Timestamp) -> Result<(), LimitError> {
        self.locked(|journal| journal.settle(charge, actual, taken_at))
    }
}

/// The system refused.
fn store(error: std::io::Error) -> LimitError {
    LimitError::Store(error.to_string())
}
