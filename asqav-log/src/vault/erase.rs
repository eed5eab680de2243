//! Destroying the keys of entries, so that a crash leaves no doubt.
//!
//! Before the first key is overwritten, `erasing.jsonl` says durably which
//! receipts are meant, by the erasure receipt that will say so; it goes when
//! that receipt is durable. A crash in between is finished by the next writer:
//! overwriting again is no error, and the gate records the receipt that is
//! missing. An erasure receipt is never in the log before the keys are gone.
//!
//! Keys are overwritten where they lie and are never moved or copied, so there
//! is one place to overwrite.

use asqav_core::log::{LogEntry, LogError};
use asqav_receipt::erasure::erased_by;
use asqav_receipt::seq_set::SeqSet;

use super::entry::{EntryHead, HEAD_LEN, KEY_AT, blank};
use super::file_number;
use super::header::{FileHeader, HEADER_LEN};
use crate::error::{damaged, io_error};
use crate::journal::{self, Announced, Issuer};
use crate::names::{ERASING, VAULT};
use crate::storage::Storage;

/// How much of a file is read at once, bytes; more than an entry's head.
const CHUNK_LEN: usize = 1 << 18;

/// Erasures that began and whose erasure receipt is not known to be durable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Erasures(Vec<Erasing>);

/// One erasure that began.
#[derive(Debug, Clone)]
pub(crate) struct Erasing {
    /// Whose openings, as far as no receipt in the log says so.
    pub(crate) receipts: SeqSet,
    /// The erasure receipt.
    pub(crate) announced: Announced,
}

impl Erasures {
    /// Those that `erasing.jsonl` names, as far as `unrecorded` says that their
    /// erasure receipt is not in the log, and of receipts that are: up to
    /// number `newest`. Also whether there is such a file and nothing is left
    /// of it: it [goes](Self::all_recorded) once the log is durable.
    pub(crate) fn read(
        storage: &mut dyn Storage,
        issuer: &Issuer<'_>,
        newest: u64,
        mut unrecorded: impl FnMut(&mut dyn Storage, &Announced) -> Result<bool, LogError>,
    ) -> Result<(Self, bool), LogError> {
        let Some(announced) = journal::read(storage, ERASING, issuer)? else {
            return Ok((Self::default(), false));
        };
        let mut left = Vec::new();
        for announced in announced {
            let mut erasing = Erasing::of(announced)
                .ok_or_else(|| damaged(ERASING, "it holds a receipt that is no erasure receipt"))?;
            // INVARIANT: an erasure receipt names receipts before it only, or
            // the log is invalid for ever. Some may have been lost with it.
            erasing.receipts.subtract(&SeqSet::range(newest.saturating_add(1), u64::MAX));
            if !erasing.receipts.is_empty() && unrecorded(storage, &erasing.announced)? {
                left.push(erasing);
            }
        }
        let all_recorded = left.is_empty();
        Ok((Self(left), all_recorded))
    }

    /// The log is durable, and nothing is left of what `erasing.jsonl` names.
    pub(crate) fn all_recorded(storage: &mut dyn Storage) -> Result<(), LogError> {
        Self::default().store(storage)
    }

    /// All receipts that are named.
    pub(crate) fn receipts(&self) -> SeqSet {
        let mut receipts = SeqSet::default();
        self.0.iter().for_each(|erasing| receipts.unite(&erasing.receipts));
        receipts
    }

    /// Destroys what opens the receipts that erasure receipts of `batch` name;
    /// whether there are any.
    pub(crate) fn begin(&mut self, storage: &mut dyn Storage, batch: &[LogEntry]) -> Result<bool, LogError> {
        let named: Vec<_> = batch.iter().filter_map(Erasing::of_entry).collect();
        if named.is_empty() {
            return Ok(false);
        }
        let mut receipts = SeqSet::default();
        named.iter().for_each(|erasing| receipts.unite(&erasing.receipts));
        // What cannot be read is found before anything is announced: the next
        // start would have to finish it, and could not.
        let keys = find(storage, &receipts)?;
        self.0.extend(named);
        self.store(storage)?;
        overwrite(storage, &keys)?;
        Ok(true)
    }

    /// The erasure receipts of `batch` are durable.
    pub(crate) fn recorded(&mut self, storage: &mut dyn Storage, batch: &[LogEntry]) -> Result<(), LogError> {
        for done in batch.iter().filter_map(|entry| erased_by(&entry.payload)) {
            self.0.iter_mut().for_each(|erasing| erasing.receipts.subtract(&done));
        }
        self.0.retain(|erasing| !erasing.receipts.is_empty());
        self.store(storage)
    }

    /// Writes `erasing.jsonl`, or removes it if nothing is left.
    fn store(&self, storage: &mut dyn Storage) -> Result<(), LogError> {
        if self.0.is_empty() {
            return journal::remove(storage, ERASING);
        }
        journal::write(storage, ERASING, self.0.iter().map(|erasing| &erasing.announced))
    }
}

impl Erasing {
    fn of(announced: Announced) -> Option<Self> {
        Some(Self { receipts: erased_by(&announced.payload)?, announced })
    }

    fn of_entry(entry: &LogEntry) -> Option<Self> {
        Some(Self { receipts: erased_by(&entry.payload)?, announced: Announced::of(entry) })
    }
}

/// Overwrites the keys of all entries of `receipts`, durably; also those that
/// an earlier attempt overwrote, in whole or in part.
pub(crate) fn destroy(storage: &mut dyn Storage, receipts: &SeqSet) -> Result<(), LogError> {
    let keys = find(storage, receipts)?;
    overwrite(storage, &keys)
}

/// A file of the vault, and where keys stand in it.
pub(crate) type Keys = (String, Vec<u64>);

/// Where the keys of all entries of `receipts` stand, file by file.
pub(crate) fn find(storage: &mut dyn Storage, receipts: &SeqSet) -> Result<Vec<Keys>, LogError> {
    let listed = storage.list(VAULT).map_err(|error| io_error("listing `vault`", error))?;
    let mut keys = Vec::new();
    for entry in listed.iter().filter(|entry| file_number(&entry.name).is_some()) {
        let name = format!("{VAULT}/{}", entry.name);
        let places =
            places(storage, &name, receipts).map_err(|error| io_error(format!("reading `{name}`"), error))?;
        if !places.is_empty() {
            keys.push((name, places));
        }
    }
    Ok(keys)
}

fn overwrite(storage: &mut dyn Storage, keys: &[Keys]) -> Result<(), LogError> {
    for (name, places) in keys {
        storage
            .overwrite(name, places, &blank())
            .map_err(|error| io_error(format!("erasing in `{name}`"), error))?;
    }
    Ok(())
}

/// Where the keys of `receipts` stand in the file `name`.
fn places(storage: &mut dyn Storage, name: &str, receipts: &SeqSet) -> std::io::Result<Vec<u64>> {
    let mut window = Window { storage, name, start: 0, bytes: Vec::new() };
    let mut places = Vec::new();
    let Some(header) = window.at(0, HEADER_LEN)? else { return Ok(places) };
    if FileHeader::parse(header).is_none() {
        // A power loss leaves part of a header, and nothing but zeros behind.
        let why = "its header is damaged: nothing in it can be erased";
        return match window.is_blank_from(len_of(HEADER_LEN))? {
            true => Ok(places),
            false => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why)),
        };
    }
    let mut offset = len_of(HEADER_LEN);
    // Where the search for a head begins when none is found where one should be.
    let mut behind = offset;
    loop {
        let head = window.at(offset, HEAD_LEN)?.and_then(<[u8]>::first_chunk).and_then(EntryHead::parse);
        let Some(head) = head else {
            match window.next_head(behind)? {
                Some(found) => (offset, behind) = (found, found + 1),
                None => return Ok(places),
            }
            continue;
        };
        if receipts.contains(head.seq) {
            places.push(offset + len_of(KEY_AT));
        }
        behind = offset + len_of(HEAD_LEN);
        offset = behind + len_of(head.sealed_len);
    }
}

/// A part of a file that was read.
struct Window<'a> {
    storage: &'a mut dyn Storage,
    name: &'a str,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// Whether nothing but zeros stands from `offset` to the file's end.
    fn is_blank_from(&mut self, mut offset: u64) -> std::io::Result<bool> {
        loop {
            let bytes = self.storage.read(self.name, offset, CHUNK_LEN)?;
            if bytes.iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            if bytes.is_empty() {
                return Ok(true);
            }
            offset += len_of(bytes.len());
        }
    }

    /// Where the next head of an entry stands, from `offset` on. Damage ends no
    /// file: a key behind it would be there when it is said to be erased.
    fn next_head(&mut self, mut offset: u64) -> std::io::Result<Option<u64>> {
        loop {
            let bytes = self.storage.read(self.name, offset, CHUNK_LEN)?;
            if let Some(at) = EntryHead::position(&bytes) {
                return Ok(Some(offset + len_of(at)));
            }
            if bytes.len() < CHUNK_LEN {
                return Ok(None);
            }
            offset += len_of(bytes.len() - HEAD_LEN + 1);
        }
    }

    /// `len` bytes from `offset` on; `None` if the file ends before.
    fn at(&mut self, offset: u64, len: usize) -> std::io::Result<Option<&[u8]>> {
        let held = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        if held.is_none_or(|at| self.bytes.len() < at.saturating_add(len)) {
            self.bytes = self.storage.read(self.name, offset, CHUNK_LEN)?;
            self.start = offset;
        }
        let at = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(at..at.saturating_add(len)))
    }
}

fn len_of(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
