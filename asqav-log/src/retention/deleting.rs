//! Deleting segments so that a crash leaves no doubt.
//!
//! Before the deletion receipt is written, `deleting.jsonl` holds it durably,
//! and the leaf hashes of the segments that it names are stored beside them. Nothing is
//! removed before that receipt is durable; `deleting.jsonl` goes when all is
//! removed. A crash in between is finished at the next start if the receipt is
//! in the log, and undone if it is not: a segment is never gone without a
//! receipt that says so.

use std::io::{self, BufReader};
use std::ops::RangeInclusive;

use asqav_core::log::{LogEntry, LogError};
use asqav_receipt::deletion::{DELETE_EVENT, Deletion};
use asqav_receipt::header::{MAX_HEADER_FILE_LEN, SignedHeader};
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _, root};
use asqav_receipt::payload::{Context, Payload};

use crate::error::{damaged, io_error};
use crate::journal::{self, Announced, Issuer};
use crate::lines::Lines;
use crate::names::{DELETING, FileKind, header_name, leaves_name, segment_name};
use crate::storage::{FileReader, Storage, sync_names, write_whole};
use crate::vault::{destroy, find};

/// Deletions that began and are not known to be done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deletions(Vec<Deleting>);

/// One deletion that began.
#[derive(Debug, Clone)]
struct Deleting {
    deletion: Deletion,
    /// The receipt that says so.
    announced: Announced,
}

impl Deletions {
    /// Those that `deleting.jsonl` names.
    pub(crate) fn read(storage: &mut dyn Storage, issuer: &Issuer<'_>) -> Result<Self, LogError> {
        let announced = journal::read(storage, DELETING, issuer)?.unwrap_or_default();
        let named = announced.into_iter().map(|announced| {
            let deletion = Deletion::of(&announced.payload);
            let deletion = deletion
                .ok_or_else(|| damaged(DELETING, "it holds a receipt that is no deletion receipt"))?;
            Ok(Deleting { deletion, announced })
        });
        named.collect::<Result<_, _>>().map(Self)
    }

    /// Whether they are about segment `number`.
    pub(crate) fn names(&self, number: u64) -> bool {
        self.0.iter().any(|deleting| deleting.segments().contains(&number))
    }

    /// After a crash: finishes those whose receipt is in the log, as `recorded`
    /// says, and takes back what was prepared for the others.
    pub(crate) fn recover(
        self,
        storage: &mut dyn Storage,
        mut recorded: impl FnMut(&mut dyn Storage, &Announced) -> Result<bool, LogError>,
    ) -> Result<(), LogError> {
        if self.0.is_empty() {
            return Ok(());
        }
        for deleting in &self.0 {
            if recorded(storage, &deleting.announced)? {
                deleting.finish(storage, true)?;
            } else {
                deleting.take_back(storage)?;
            }
        }
        journal::remove(storage, DELETING)
    }

    /// Makes ready what the deletion receipts of `batch` name, before any of
    /// them is written; whether there are any.
    ///
    /// The segments are the oldest that are there, sealed, under the headers
    /// that the receipts name, and before segment `newest`, which stays.
    pub(crate) fn begin(
        &mut self,
        storage: &mut dyn Storage,
        batch: &[LogEntry],
        newest: u64,
    ) -> Result<bool, LogError> {
        let mut named = Vec::new();
        for entry in batch.iter().filter(|entry| is_deletion(&entry.payload)) {
            // INVARIANT: a log never holds a deletion receipt that does not hold.
            let deletion = Deletion::of(&entry.payload);
            let malformed = || damaged("a deletion", "it names no receipts before it, or miscounts them");
            named.push((entry, deletion.ok_or_else(malformed)?));
        }
        if named.is_empty() {
            return Ok(false);
        }
        // What cannot be read is found before anything is announced: once the
        // receipt is in the log, each start would have to finish it.
        for (_, deletion) in &named {
            find(storage, &deletion.receipt_set())?;
        }
        let mut next = oldest(storage)?;
        for (_, deletion) in &named {
            if deletion.first_segment != next {
                return Err(refused(deletion, "older segments are there"));
            }
            if deletion.last_segment() >= newest {
                return Err(refused(deletion, "the newest sealed segment stays"));
            }
            next = deletion.last_segment() + 1;
        }
        let named = named.into_iter();
        let named = named.map(|(entry, deletion)| Deleting { deletion, announced: Announced::of(entry) });
        self.0.extend(named);
        journal::write(storage, DELETING, self.0.iter().map(|deleting| &deleting.announced))?;
        for deleting in &self.0 {
            keep_leaves(storage, &deleting.deletion)?;
        }
        Ok(true)
    }

    /// The deletion receipts are durable: removes what they name.
    pub(crate) fn finish(&mut self, storage: &mut dyn Storage) -> Result<(), LogError> {
        for deleting in &self.0 {
            deleting.finish(storage, false)?;
        }
        journal::remove(storage, DELETING)?;
        self.0.clear();
        Ok(())
    }
}

impl Deleting {
    fn segments(&self) -> RangeInclusive<u64> {
        self.deletion.first_segment..=self.deletion.last_segment()
    }

    /// Destroys what opens the receipts, then removes their segments. What
    /// looks gone after a crash may come back: a sync of names that failed left
    /// it on disk. `again` makes such a name once more, to remove it for good.
    fn finish(&self, storage: &mut dyn Storage, again: bool) -> Result<(), LogError> {
        destroy(storage, &self.deletion.receipt_set())?;
        for number in self.segments() {
            let name = segment_name(number);
            let io = |what: &str, error| io_error(format!("{what} `{name}`"), error);
            match storage.remove(&name) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if again {
                        drop(storage.create(&name).map_err(|error| io("making", error))?);
                        storage.remove(&name).map_err(|error| io("removing", error))?;
                    }
                }
                Err(error) => return Err(io("removing", error)),
            }
        }
        sync_names(storage)
    }

    /// Removes the leaf hashes of segments that are there.
    fn take_back(&self, storage: &mut dyn Storage) -> Result<(), LogError> {
        let listed = storage.list("").map_err(|error| io_error("listing the log directory", error))?;
        let has = |name: &str| listed.iter().any(|entry| entry.name == name);
        for number in self.segments() {
            let name = leaves_name(number);
            if has(&name) && has(&segment_name(number)) {
                storage.remove(&name).map_err(|error| io_error(format!("removing `{name}`"), error))?;
            }
        }
        sync_names(storage)
    }
}

fn is_deletion(payload: &Payload) -> bool {
    matches!(&payload.context, Context::Event { name: DELETE_EVENT, .. })
}

/// The number of the oldest segment that is there.
fn oldest(storage: &mut dyn Storage) -> Result<u64, LogError> {
    let listed = storage.list("").map_err(|error| io_error("listing the log directory", error))?;
    let segments = listed.iter().filter_map(|entry| match FileKind::of(&entry.name) {
        FileKind::Segment(_) if entry.file_len == Some(0) => None,
        FileKind::Segment(number) => Some(number),
        _ => None,
    });
    Ok(segments.min().unwrap_or(0))
}

/// Stores the leaf hashes of the segments that `deletion` names, once they
/// give the roots in the headers that it names.
fn keep_leaves(storage: &mut dyn Storage, deletion: &Deletion) -> Result<(), LogError> {
    let mut expected = deletion.receipts.0;
    for (number, digest) in deletion.segments() {
        let name = header_name(number);
        let file = storage
            .read(&name, 0, MAX_HEADER_FILE_LEN + 1)
            .map_err(|error| io_error(format!("reading `{name}`"), error))?;
        let signed = SignedHeader::parse(&file).map_err(|error| damaged(&name, error.to_string()))?;
        if signed.digest() != digest || signed.header.first_seq != expected {
            return Err(damaged(name, "it is not the header that the deletion receipt names"));
        }
        expected = signed.header.last_seq.saturating_add(1);
        let name = segment_name(number);
        let leaves =
            read_leaves(storage, &name).map_err(|error| io_error(format!("reading `{name}`"), error))?;
        if root::<Sha3Tree>(&leaves) != *signed.header.root.as_bytes() {
            return Err(damaged(name, "it does not give the root in its header"));
        }
        write_whole(storage, &leaves_name(number), leaves.as_flattened())?;
    }
    if expected != deletion.receipts.1.saturating_add(1) {
        return Err(refused(deletion, "it names other receipts than its segments hold"));
    }
    Ok(())
}

fn read_leaves(storage: &mut dyn Storage, name: &str) -> io::Result<Vec<[u8; 32]>> {
    let source = FileReader { storage, name, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 18, source));
    let mut leaves = Vec::new();
    while let Some(piece) = lines.next_piece()?.filter(|piece| piece.complete) {
        leaves.push(Sha3Tree::leaf(piece.bytes));
    }
    Ok(leaves)
}

fn refused(deletion: &Deletion, why: &str) -> LogError {
    let (first, last) = (deletion.first_segment, deletion.last_segment());
    damaged(format!("deletion of segments {first}-{last}"), why)
}
