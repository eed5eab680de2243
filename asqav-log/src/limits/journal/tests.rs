use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use asqav_core::log::LogError;
use asqav_core::policy::Budget;
use asqav_receipt::id::RuleId;

use super::*;
use crate::storage::{Entry, FsStorage, Guard};

/// A disk whose files cannot be written or synced while it is told so.
#[derive(Clone, Default)]
struct Faults {
    append: Arc<AtomicBool>,
    sync: Arc<AtomicBool>,
    /// Syncs of a file of which one failed before.
    retried: Arc<AtomicU32>,
}

struct Faulty {
    disk: FsStorage,
    faults: Faults,
}

struct FaultyFile {
    file: Box<dyn StorageFile>,
    faults: Faults,
    failed: bool,
}

impl Storage for Faulty {
    fn lock(&mut self) -> Result<Guard, LogError> {
        self.disk.lock()
    }
    fn list(&mut self, dir: &str) -> io::Result<Vec<Entry>> {
        self.disk.list(dir)
    }
    fn read(&mut self, name: &str, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.disk.read(name, offset, len)
    }
    fn create(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let file = self.disk.create(name)?;
        Ok(Box::new(FaultyFile { file, faults: self.faults.clone(), failed: false }))
    }
    fn open(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let file = self.disk.open(name)?;
        Ok(Box::new(FaultyFile { file, faults: self.faults.clone(), failed: false }))
    }
    fn overwrite(&mut self, name: &str, offsets: &[u64], bytes: &[u8]) -> io::Result<()> {
        self.disk.overwrite(name, offsets, bytes)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.disk.truncate(name, len)
    }
    fn sync_dir(&mut self, dir: &str) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
}

impl StorageFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.faults.append.load(Ordering::SeqCst) {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.faults.retried.fetch_add(u32::from(self.failed), Ordering::SeqCst);
        if self.faults.sync.load(Ordering::SeqCst) {
            self.failed = true;
            return Err(io::Error::other("EIO"));
        }
        self.file.sync()
    }
    fn present_len(&mut self) -> io::Result<Option<u64>> {
        self.file.present_len()
    }
}

fn spend(cost: u64) -> [Charge; 1] {
    let rule = RuleId::parse("r").unwrap();
    [Charge::new("b".to_owned(), Budget::new(10, None), cost, rule)]
}

fn now() -> Timestamp {
    Timestamp::from_unix_micros(1).unwrap()
}

fn journal(dir: &std::path::Path, faults: &Faults) -> Journal {
    Journal::new(Box::new(Faulty { disk: FsStorage::new(dir), faults: faults.clone() }))
}

/// A take that could not be written or synced is refused; nothing that was
/// taken before is lost, and the file is written anew before it goes on.
#[test]
fn what_cannot_be_made_durable_is_refused() {
    for fault in [|faults: &Faults| faults.append.clone(), |faults: &Faults| faults.sync.clone()] {
        let dir = tempfile::tempdir().unwrap();
        let faults = Faults::default();
        let mut journal = journal(dir.path(), &faults);
        journal.begin().unwrap();
        journal.take(&spend(3), now()).unwrap();
        let inode = |journal: &str| {
            use std::os::unix::fs::MetadataExt as _;
            std::fs::metadata(dir.path().join(journal)).unwrap().ino()
        };
        let before = inode(JOURNAL);
        fault(&faults).store(true, Ordering::SeqCst);
        for _ in 0..3 {
            assert!(matches!(journal.take(&spend(4), now()), Err(LimitError::Store(_))));
        }
        fault(&faults).store(false, Ordering::SeqCst);
        // The refused ones may count once, if their line reached the file.
        assert!(matches!(journal.take(&spend(8), now()), Err(LimitError::Exhausted { .. })));
        journal.take(&spend(3), now()).unwrap();
        assert_ne!(inode(JOURNAL), before);
        assert_eq!(faults.retried.load(Ordering::SeqCst), 0);
        drop(journal);
        let mut again = self::journal(dir.path(), &faults);
        assert!(matches!(again.take(&spend(5), now()), Err(LimitError::Exhausted { .. })));
    }
}

/// A directory whose first journal could not be written is begun again.
#[test]
fn a_beginning_that_failed_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    faults.sync.store(true, Ordering::SeqCst);
    let mut journal = journal(dir.path(), &faults);
    journal.begin().unwrap_err();
    faults.sync.store(false, Ordering::SeqCst);
    journal.begin().unwrap();
    journal.take(&spend(10), now()).unwrap();
    assert!(matches!(journal.take(&spend(1), now()), Err(LimitError::Exhausted { .. })));
}
