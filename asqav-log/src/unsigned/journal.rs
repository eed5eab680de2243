//! Writing the journal, and reading it when the log is opened again.

use std::collections::VecDeque;
use std::io::BufReader;
use std::sync::Arc;

use asqav_core::log::{LogEntry, LogError, LogOwner, Unsigned};
use asqav_receipt::digest::encode_hex;
use asqav_receipt::id::LogId;
use asqav_receipt::payload::Link;

use super::UnsignedLine;
use crate::error::{damaged, io_error};
use crate::lines::{Lines, Piece};
use crate::names::UNSIGNED;
use crate::storage::{FileReader, Storage, StorageFile, sync_names, write_whole};
use crate::tip::Tip;
use crate::vault::{JournalKey, VaultKey};

/// How many bytes of the file may mean nothing, unless told otherwise.
pub(crate) const MAX_STALE: u64 = 1 << 20;

/// The journal of a log that is open.
pub(crate) struct Journal {
    key: JournalKey,
    log_id: LogId,
    /// What is journaled and not committed, in order, with its number.
    waiting: VecDeque<(u64, Arc<[u8]>)>,
    /// How long its lines are, bytes.
    waiting_len: u64,
    /// The file of this writer; none before its first receipt.
    file: Option<Box<dyn StorageFile>>,
    len: u64,
    /// The file is made anew once so many bytes of it mean nothing, and no less
    /// than what does.
    max_stale: u64,
}

impl Journal {
    /// An empty journal; what a file of that name holds was read before.
    pub(crate) fn new(key: &VaultKey, log_id: LogId, max_stale: u64) -> Self {
        let (key, waiting) = (key.for_journal(), VecDeque::new());
        Self { key, log_id, waiting, waiting_len: 0, file: None, len: 0, max_stale }
    }

    /// The number of the newest receipt in it that is not committed.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.waiting.back().map(|(seq, _)| *seq)
    }

    /// Whether this writer made a file.
    pub(crate) const fn is_there(&self) -> bool {
        self.file.is_some()
    }

    /// Writes `batch` durably, whose openings are.
    pub(crate) fn add(&mut self, storage: &mut dyn Storage, batch: &[Unsigned]) -> Result<(), LogError> {
        let mut lines = Vec::new();
        for Unsigned { payload, canonical, .. } in batch {
            write_line(&self.key, self.log_id, canonical, &mut lines);
            self.waiting.push_back((payload.seq, Arc::clone(canonical)));
        }
        let added = len(&lines);
        let stale = self.len - self.waiting_len;
        self.waiting_len += added;
        match &mut self.file {
            Some(file) if stale < self.max_stale.max(self.waiting_len) => {
                let io = |what: &str, error| io_error(format!("{what} `{UNSIGNED}`"), error);
                // INVARIANT: as of a segment, the file holds what this writer
                // wrote and nothing else.
                if file.present_len().map_err(|error| io("looking at", error))? != Some(self.len) {
                    return Err(LogError::Interfered { place: UNSIGNED.to_owned() });
                }
                file.append(&lines).map_err(|error| io("writing", error))?;
                file.sync().map_err(|error| io("syncing", error))?;
                self.len += added;
            }
            _ => {
                lines.clear();
                for (_, canonical) in &self.waiting {
                    write_line(&self.key, self.log_id, canonical, &mut lines);
                }
                write_whole(storage, UNSIGNED, &lines)?;
                let opened = storage.open(UNSIGNED);
                self.file = Some(opened.map_err(|error| io_error(format!("opening `{UNSIGNED}`"), error))?);
                self.len = self.waiting_len;
            }
        }
        Ok(())
    }

    /// Lets go of what is going to be committed with `batch`.
    ///
    /// # Errors
    /// [`LogError::Io`] when it is not what was journaled: whoever was told that
    /// it is recorded would find something else.
    pub(crate) fn take(&mut self, batch: &[LogEntry]) -> Result<(), LogError> {
        for entry in batch {
            let seq = entry.payload.seq;
            let Some((_, canonical)) = self.waiting.pop_front_if(|(waiting, _)| *waiting == seq) else {
                continue;
            };
            if canonical != entry.canonical {
                let why = "it is not the receipt of that number that was journaled";
                return Err(io_error(format!("committing receipt {seq}"), std::io::Error::other(why)));
            }
            self.waiting_len -= line_len(&canonical);
        }
        Ok(())
    }
}

/// Removes the file, all of whose receipts stand in a segment, durably.
pub(crate) fn remove(storage: &mut dyn Storage) -> Result<(), LogError> {
    storage.remove(UNSIGNED).map_err(|error| io_error(format!("removing `{UNSIGNED}`"), error))?;
    sync_names(storage)
}

/// What the file holds when a log is opened.
#[derive(Default)]
pub(crate) struct Left {
    /// Receipts that continue the log: to be signed.
    pub(crate) unsigned: Vec<Unsigned>,
    /// All of it, as it stands there.
    lines: Vec<u8>,
}

impl Left {
    /// Makes the file hold all of it durably, if something is to be signed: a
    /// writer that ended may not have synced it. What stands in a segment stays
    /// in it, because that may not be synced either.
    pub(crate) fn keep(&self, storage: &mut dyn Storage) -> Result<(), LogError> {
        if self.unsigned.is_empty() { Ok(()) } else { write_whole(storage, UNSIGNED, &self.lines) }
    }
}

/// Reads what stands in the file and not in a segment: receipts that continue
/// the log behind `tip`. What a crash left of a line is nobody's: nobody was
/// told of it.
///
/// # Errors
/// [`LogError::NoJournal`] when there are such receipts and no key, and
/// [`LogError::Damaged`] for a complete line that this writer's key did not
/// write or that does not continue the log.
pub(crate) fn read(
    storage: &mut dyn Storage,
    owner: &LogOwner,
    key: Option<&VaultKey>,
    mut tip: Tip,
) -> Result<Left, LogError> {
    let key = key.map(VaultKey::for_journal);
    let source = FileReader { storage, name: UNSIGNED, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, source));
    let mut left = Left::default();
    let io = |error| io_error(format!("reading `{UNSIGNED}`"), error);
    while let Some(piece) = lines.next_piece().map_err(io)? {
        if !piece.complete {
            break;
        }
        let place = || format!("{UNSIGNED}, line {}", piece.number);
        let line = parse(&piece).map_err(|why| damaged(place(), why))?;
        let is_left = line.payload.seq >= tip.next_seq();
        match &key {
            Some(key) if !key.is_mac(tip.log_id, line.canonical, &line.mac) => {
                return Err(damaged(place(), "it was not written under this vault key for this log"));
            }
            None if is_left => {
                let why = format!("receipts wait in `{UNSIGNED}` to be signed, and there is no vault key");
                return Err(LogError::NoJournal { why });
            }
            _ => {}
        }
        if is_left {
            left.unsigned.push(take(line, owner, &mut tip).map_err(|why| damaged(place(), why))?);
        }
        if key.is_some() {
            left.lines.extend_from_slice(piece.bytes);
            left.lines.push(b'\n');
        }
    }
    Ok(left)
}

fn parse<'a>(piece: &Piece<'a>) -> Result<UnsignedLine<'a>, String> {
    UnsignedLine::parse(piece.bytes).ok_or_else(|| "it is no unsigned receipt".to_owned())
}

/// The next receipt of the log, which `tip` then stands behind.
fn take(line: UnsignedLine<'_>, owner: &LogOwner, tip: &mut Tip) -> Result<Unsigned, String> {
    let UnsignedLine { payload, canonical, .. } = line;
    if (&payload.agent_id, &payload.issuer_id) != (&owner.agent, &owner.issuer) {
        return Err(format!("it is a receipt of agent `{}`", payload.agent_id));
    }
    tip.expects(&payload)?;
    if payload.key_thumbprint != *owner.signer.thumbprint() {
        return Err("it waits for the signature of another key: start once with that".to_owned());
    }
    tip.advance(&payload, canonical, Link::to(canonical));
    Ok(Unsigned { payload: Arc::new(payload), canonical: canonical.into(), openings: None })
}

fn write_line(key: &JournalKey, log_id: LogId, canonical: &[u8], out: &mut Vec<u8>) {
    UnsignedLine::write(&encode_hex(&key.mac(log_id, canonical)), canonical, out);
}

fn line_len(canonical: &[u8]) -> u64 {
    len(canonical) + len(UnsignedLine::AROUND.as_bytes())
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
