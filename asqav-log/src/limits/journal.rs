//! The journal of counters: each line says what some of them are.

use std::fmt;

use asqav_core::limits::{Counters, LimitError};
use asqav_core::policy::Charge;
use asqav_receipt::time::Timestamp;

use super::line::{self, HEADER};
use super::store;
use crate::names::unfinished_name;
use crate::storage::{Storage, StorageFile};

/// The journal's name.
pub(super) const JOURNAL: &str = "limits.journal";
/// A journal is never longer than this, bytes.
const MAX_LEN: u64 = 1 << 30;
/// So much is appended at least before the journal is written anew, bytes.
const MIN_GROWTH: u64 = 1 << 20;

/// The journal as far as it was read. Used under the lock only.
pub(super) struct Journal {
    storage: Box<dyn Storage>,
    /// The open file; `None` when it has to be read from its beginning.
    file: Option<Box<dyn StorageFile>>,
    read_to: u64,
    /// The length it had when it was last written anew.
    base: u64,
    /// A write or sync failed: the file's content is unknown, and it is never
    /// synced again.
    suspect: bool,
    counters: Counters,
}

impl Journal {
    pub(super) fn new(storage: Box<dyn Storage>) -> Self {
        Self { storage, file: None, read_to: 0, base: 0, suspect: false, counters: Counters::new() }
    }

    /// Makes the journal of a new directory; one that a crash left is kept.
    pub(super) fn begin(&mut self) -> Result<(), LimitError> {
        match self.storage.open(JOURNAL) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.rewrite(),
            Err(error) => Err(store(error)),
        }
    }

    /// Takes every charge or none; it is durable when this returns.
    pub(super) fn take(&mut self, charges: &[Charge], now: Timestamp) -> Result<(), LimitError> {
        self.refresh()?;
        self.counters.take(charges, now)?;
        self.commit(charges)
    }

    /// Gives back what is still taken.
    pub(super) fn refund(&mut self, charges: &[Charge], taken_at: Timestamp) -> Result<(), LimitError> {
        self.refresh()?;
        self.counters.refund(charges, taken_at);
        self.commit(charges)
    }

    /// Replaces a cost by what the call really cost.
    pub(super) fn settle(
        &mut self,
        charge: &Charge,
        actual: u64,
        taken_at: Timestamp,
    ) -> Result<(), LimitError> {
        self.refresh()?;
        self.counters.settle(charge, actual, taken_at);
        self.commit(std::slice::from_ref(charge))
    }

    /// Reads what others have written since.
    pub(super) fn refresh(&mut self) -> Result<(), LimitError> {
        let present = match &mut self.file {
            Some(file) => file.present_len().map_err(store)?,
            None => None,
        };
        match present {
            Some(len) if len == self.read_to => Ok(()),
            Some(len) if len > self.read_to && self.read_tail(len)? => Ok(()),
            _ => self.load(),
        }
    }

    /// Lets the next use read everything again.
    pub(super) fn forget(&mut self) {
        self.file = None;
    }

    /// Applies the lines up to `len`; `false` if they are not all whole.
    fn read_tail(&mut self, len: u64) -> Result<bool, LimitError> {
        let bytes = self.read(self.read_to, len - self.read_to)?;
        let whole = apply_all(&mut self.counters, &bytes)? == bytes.len();
        self.read_to = len;
        Ok(whole)
    }

    /// Reads the journal from its beginning. One that ends in half a line, or
    /// that could not be synced, is written anew under another inode.
    fn load(&mut self) -> Result<(), LimitError> {
        self.file = None;
        let mut file = self.storage.open(JOURNAL).map_err(store)?;
        let Some(len) = file.present_len().map_err(store)? else {
            return Err(LimitError::Store("the journal was replaced".to_owned()));
        };
        let bytes = self.read(0, len)?;
        let lines =
            bytes.strip_prefix(HEADER).ok_or_else(|| LimitError::Store("it is no journal".to_owned()))?;
        let mut counters = Counters::new();
        let whole = apply_all(&mut counters, lines)? == lines.len();
        (self.counters, self.read_to, self.base) = (counters, len, len);
        if !whole || self.suspect {
            return self.rewrite();
        }
        self.file = Some(file);
        Ok(())
    }

    fn read(&mut self, from: u64, len: u64) -> Result<Vec<u8>, LimitError> {
        let len = usize::try_from(len.min(MAX_LEN)).unwrap_or(usize::MAX);
        let bytes = self.storage.read(JOURNAL, from, len).map_err(store)?;
        if bytes.len() == len { Ok(bytes) } else { Err(LimitError::Store("the journal shrank".to_owned())) }
    }

    /// Appends what the counters of `charges` are now.
    fn commit(&mut self, charges: &[Charge]) -> Result<(), LimitError> {
        if self.read_to > self.base.saturating_mul(2).max(self.base.saturating_add(MIN_GROWTH)) {
            return self.rewrite();
        }
        let mut keys: Vec<&str> = charges.iter().map(|charge| charge.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        let line = line::write(self.counters.now(), keys.iter().map(|key| (*key, self.counters.get(key))));
        let appended = match &mut self.file {
            Some(file) => file.append(&line).and_then(|()| file.sync()),
            None => Err(std::io::Error::other("the journal is not open")),
        };
        if let Err(error) = appended {
            (self.file, self.suspect) = (None, true);
            return Err(store(error));
        }
        self.read_to += u64::try_from(line.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Writes all counters to a new file that takes the journal's place.
    ///
    /// INVARIANT: until the new file and its name are durable, the old one
    /// stands; afterwards others find the name to lead elsewhere, and read it.
    fn rewrite(&mut self) -> Result<(), LimitError> {
        self.file = None;
        let unfinished = unfinished_name(JOURNAL);
        let content = line::write_all(&self.counters);
        let mut write = || -> std::io::Result<Box<dyn StorageFile>> {
            match self.storage.remove(&unfinished) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = self.storage.create(&unfinished)?;
            file.append(&content)?;
            file.sync()?;
            drop(file);
            self.storage.rename(&unfinished, JOURNAL)?;
            self.storage.sync_dir("")?;
            self.storage.open(JOURNAL)
        };
        match write() {
            Ok(file) => {
                let len = u64::try_from(content.len()).unwrap_or(u64::MAX);
                (self.file, self.read_to, self.base, self.suspect) = (Some(file), len, len, false);
                Ok(())
            }
            Err(error) => {
                self.suspect = true;
                Err(store(error))
            }
        }
    }
}

/// Applies whole lines; gives how many bytes they have. A line that cannot be
/// read is damage, unless it is the last.
fn apply_all(counters: &mut Counters, bytes: &[u8]) -> Result<usize, LimitError> {
    let mut at = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if !line::apply(counters, line) {
            if at + line.len() == bytes.len() {
                return Ok(at);
            }
            return Err(LimitError::Store(format!("the journal is damaged at byte {at}")));
        }
        at += line.len();
    }
    Ok(at)
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("read_to", &self.read_to).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
