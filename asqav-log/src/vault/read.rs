//! Opening and erasing entries of the vault.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use asqav_receipt::commitment::Openings;
use asqav_receipt::id::ActionId;
use rustix::fs::OFlags;

use super::entry::{EntryHead, HEAD_LEN, KEY_AT, blank};
use super::header::{FileHeader, HEADER_LEN};
use super::key::VaultKey;
use super::{file_name, file_number};
use crate::names::VAULT;

/// The openings of one log.
///
/// Finding an entry reads the heads of all entries (129 bytes each).
#[derive(Debug, Clone)]
pub struct Vault {
    dir: PathBuf,
    key: VaultKey,
}

/// What a vault has of one receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opened {
    /// Its openings.
    Openings(Openings),
    /// They were erased.
    Erased,
    /// There never were any, or they are lost.
    Missing,
}

/// An entry of a vault, unopened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The number of its receipt.
    pub seq: u64,
    /// The id of its receipt; of a receipt that did not get into the log, too.
    pub action_id: ActionId,
    /// Whether its key was destroyed.
    pub erased: bool,
}

/// Why a vault could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The file system refused.
    #[error("reading the vault file `{file}`")]
    Io {
        /// The file.
        file: String,
        /// The system's error.
        source: io::Error,
    },
    /// The file was written under another vault key.
    #[error("`{file}` was written under another vault key")]
    OtherKey {
        /// The file.
        file: String,
    },
    /// The entry was changed or moved from another log.
    #[error("the entry of {action_id} in `{file}` is damaged")]
    Damaged {
        /// The file.
        file: String,
        /// The receipt.
        action_id: ActionId,
    },
}

/// Where an entry stands.
struct Found {
    file: File,
    name: String,
    header: FileHeader,
    offset: u64,
    head: EntryHead,
}

impl Vault {
    /// The vault of the log in `log_dir`, opened by `key`.
    #[must_use]
    pub fn new(log_dir: &Path, key: VaultKey) -> Self {
        Self { dir: log_dir.join(VAULT), key }
    }

    /// The vault of the log in `log_dir`, of which nothing is opened.
    pub(super) fn of(log_dir: &Path) -> Self {
        Self::new(log_dir, VaultKey::from_bytes([0; 32]))
    }

    /// What the vault has of the receipt `action_id`.
    ///
    /// # Errors
    /// [`VaultError`] when a file cannot be read, the entry is under another
    /// key, or it was changed.
    pub fn open(&self, action_id: ActionId) -> Result<Opened, VaultError> {
        let Some(found) = self.find(action_id, OpenOptions::new().read(true))? else {
            return Ok(Opened::Missing);
        };
        if found.head.erased {
            return Ok(Opened::Erased);
        }
        if !found.header.is_under(&self.key) {
            return Err(VaultError::OtherKey { file: found.name });
        }
        let mut sealed = vec![0; found.head.sealed_len];
        found
            .file
            .read_exact_at(&mut sealed, found.offset + head_len())
            .map_err(|source| VaultError::Io { file: found.name.clone(), source })?;
        match found.head.unseal(&self.key, &found.header.log_id, &sealed) {
            Some(openings) => Ok(Opened::Openings(openings)),
            None => Err(VaultError::Damaged { file: found.name, action_id }),
        }
    }

    /// Overwrites the key of the receipt's entry, durably, and records nothing:
    /// for openings whose receipt never got into the log. Says what was there
    /// before, without opening it: `false` if there was nothing to erase.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn erase(&self, action_id: ActionId) -> Result<bool, VaultError> {
        let options = OpenOptions::new().read(true).write(true).clone();
        // A copy of a file that somebody put back holds the key again.
        while let Some(found) = self.find(action_id, &options)? {
            if found.head.erased {
                return Ok(true);
            }
            let at = found.offset + len_of(KEY_AT);
            found
                .file
                .write_all_at(&blank(), at)
                .and_then(|()| found.file.sync_all())
                .map_err(|source| VaultError::Io { file: found.name, source })?;
        }
        Ok(false)
    }

    /// The receipt's entry, one with its key if there is one; newer files
    /// first, because newer receipts are asked for more often.
    fn find(&self, action_id: ActionId, options: &OpenOptions) -> Result<Option<Found>, VaultError> {
        let mut numbers = self.numbers()?;
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let mut erased = None;
        for number in numbers {
            let name = file_name(number);
            let found = self
                .find_in(&name, action_id, options)
                .map_err(|source| VaultError::Io { file: name.clone(), source })?;
            match found {
                Some(found) if !found.head.erased => return Ok(Some(found)),
                found => erased = erased.or(found),
            }
        }
        Ok(erased)
    }

    fn numbers(&self) -> Result<Vec<u64>, VaultError> {
        let io = |source| VaultError::Io { file: VAULT.to_owned(), source };
        let listed = match std::fs::read_dir(&self.dir) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut numbers = Vec::new();
        for entry in listed {
            numbers.extend(file_number(&entry.map_err(io)?.file_name().to_string_lossy()));
        }
        Ok(numbers)
    }

    fn find_in(&self, name: &str, action_id: ActionId, options: &OpenOptions) -> io::Result<Option<Found>> {
        let mut found = None;
        self.walk(name, options, &mut |file, header, offset, head| {
            if head.action_id != action_id {
                return Ok(ControlFlow::Continue(()));
            }
            let (file, name, header) = (file.try_clone()?, name.to_owned(), header.clone());
            found = Some(Found { file, name, header, offset, head });
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// Gives every entry of the file `name` to `visit`, until it breaks.
    /// Whether all of it was read: nothing between two entries is damaged.
    fn walk(&self, name: &str, options: &OpenOptions, visit: &mut Visit<'_>) -> io::Result<bool> {
        let file =
            options.clone().custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(self.dir.join(name))?;
        let len = file.metadata()?.len();
        let mut bytes = Vec::new();
        (&file).take(len_of(HEADER_LEN)).read_to_end(&mut bytes)?;
        let Some(header) = FileHeader::parse(&bytes) else {
            return if is_blank(&file, len_of(HEADER_LEN))? { Ok(true) } else { Err(damaged_header()) };
        };
        let mut offset = len_of(HEADER_LEN);
        // Where the search for a head begins when none is found where one should be.
        let (mut behind, mut whole_file) = (offset, true);
        loop {
            let mut bytes = [0; HEAD_LEN];
            let whole = offset + head_len() <= len;
            if whole {
                file.read_exact_at(&mut bytes, offset)?;
            }
            let head = EntryHead::parse(&bytes).filter(|_| whole);
            let Some(head) = head else {
                match next_head(&file, behind)? {
                    Some(found) => (offset, behind, whole_file) = (found, found + 1, false),
                    None => return Ok(whole_file),
                }
                continue;
            };
            behind = offset + head_len();
            let end = behind + len_of(head.sealed_len);
            if end <= len && visit(&file, &header, offset, head)?.is_break() {
                return Ok(whole_file);
            }
            offset = end;
        }
    }

    /// Every entry, file by file; opens nothing.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn entries(log_dir: &Path) -> Result<Vec<Entry>, VaultError> {
        let vault = Self::of(log_dir);
        let mut entries = Vec::new();
        let mut numbers = vault.numbers()?;
        numbers.sort_unstable();
        for number in numbers {
            let name = file_name(number);
            vault
                .walk(&name, OpenOptions::new().read(true), &mut |_, _, _, head| {
                    let EntryHead { seq, action_id, erased, .. } = head;
                    entries.push(Entry { seq, action_id, erased });
                    Ok(ControlFlow::Continue(()))
                })
                .map_err(|source| VaultError::Io { file: name.clone(), source })?;
        }
        Ok(entries)
    }

    /// Opens every entry that is not erased and gives it to `visit`.
    ///
    /// # Errors
    /// [`VaultError`] at the first entry that does not open or is not there as a
    /// whole.
    pub fn open_all(&self, visit: &mut dyn FnMut(&Openings)) -> Result<(), VaultError> {
        for number in self.numbers()? {
            let name = file_name(number);
            let mut failed = None;
            let io = |source| VaultError::Io { file: name.clone(), source };
            let whole = self.walk(&name, OpenOptions::new().read(true), &mut |file, header, offset, head| {
                if head.erased {
                    return Ok(ControlFlow::Continue(()));
                }
                let mut sealed = vec![0; head.sealed_len];
                file.read_exact_at(&mut sealed, offset + head_len())?;
                let opened =
                    header.is_under(&self.key).then(|| head.unseal(&self.key, &header.log_id, &sealed));
                match opened {
                    Some(Some(openings)) => visit(&openings),
                    Some(None) => {
                        failed = Some(VaultError::Damaged { file: name.clone(), action_id: head.action_id });
                    }
                    None => failed = Some(VaultError::OtherKey { file: name.clone() }),
                }
                Ok(if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
            });
            let whole = whole.map_err(io)?;
            failed.map_or(Ok(()), Err)?;
            if !whole {
                return Err(io(io::Error::new(io::ErrorKind::InvalidData, "an entry in it is damaged")));
            }
        }
        Ok(())
    }
}

type Visit<'a> = dyn FnMut(&File, &FileHeader, u64, EntryHead) -> io::Result<ControlFlow<()>> + 'a;

fn head_len() -> u64 {
    len_of(HEAD_LEN)
}

fn len_of(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Whether `file` holds nothing but zeros from `offset` on.
fn is_blank(file: &File, mut offset: u64) -> io::Result<bool> {
    let mut bytes = [0; 4_096];
    loop {
        let count = file.read_at(&mut bytes, offset)?;
        if count == 0 {
            return Ok(true);
        }
        if bytes.iter().take(count).any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += len_of(count);
    }
}

/// Where the next head of an entry stands in `file`, from `offset` on: what
/// stands behind a damaged entry is still there.
fn next_head(file: &File, mut offset: u64) -> io::Result<Option<u64>> {
    let mut bytes = vec![0; 1 << 18];
    loop {
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + len_of(filled)) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let read = bytes.get(..filled).unwrap_or_default();
        if let Some(at) = EntryHead::position(read) {
            return Ok(Some(offset + len_of(at)));
        }
        if filled < bytes.len() {
            return Ok(None);
        }
        offset += len_of(filled - HEAD_LEN + 1);
    }
}

fn damaged_header() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "its header is damaged")
}
