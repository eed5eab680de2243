//! Writing the journal, and reading it when the log is opened again.

use std::collections::VecDeque;
use std::io::BufReader;
use std::sync::Arc;

use asqav_core::log::{LogEntry, LogError, LogOwner, Unsigned};
use asqav_receipt::digest::encode_hex;
use asqav_receipt::id::LogId;
use asqav_receipt::payload::{Link, Payload};

use super::{Content, JournalKey, UnsignedLine};
use crate::error::{damaged, io_error};
use crate::lines::Lines;
use crate::names::UNSIGNED;
use crate::storage::{FileReader, Storage, StorageFile, sync_names, write_whole};
use crate::tip::Tip;

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
    /// Whether the file is one that the start has left to name what it signed.
    left: bool,
}

impl Journal {
    /// An empty journal; what a file of that name holds was read before.
    pub(crate) const fn new(key: JournalKey, log_id: LogId, max_stale: u64) -> Self {
        let waiting = VecDeque::new();
        Self { key, log_id, waiting, waiting_len: 0, file: None, len: 0, max_stale, left: false }
    }

    /// The number of the newest receipt in it that is not committed.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.waiting.back().map(|(seq, _)| *seq)
    }

    /// The file of the writer before is left until a receipt follows.
    pub(crate) const fn leave(&mut self) {
        self.left = true;
    }

    /// A receipt follows what the file was left for.
    pub(crate) fn followed(&mut self, storage: &mut dyn Storage) -> Result<(), LogError> {
        if std::mem::take(&mut self.left) { remove(storage) } else { Ok(()) }
    }

    /// Removes the file, if there is one; all of its receipts stand in a segment.
    pub(crate) fn clear(&mut self, storage: &mut dyn Storage) -> Result<(), LogError> {
        if self.file.take().is_some() { remove(storage) } else { self.followed(storage) }
    }

    /// Writes `batch` durably, whose openings are.
    pub(crate) fn add(&mut self, storage: &mut dyn Storage, batch: &[Unsigned]) -> Result<(), LogError> {
        let mut lines = Vec::new();
        for Unsigned { payload, canonical, .. } in batch {
            write_line(&self.key, self.log_id, canonical, &mut lines);
            self.waiting.push_back((payload.seq, Arc::clone(canonical)));
        }
        let added = len(lines.len());
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
                (self.len, self.left) = (self.waiting_len, false);
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
    /// The number behind which receipts are signed by this start, or were by
    /// one that recorded nothing: to be named.
    pub(crate) after: Option<u64>,
    /// All lines of receipts, as they stand there.
    lines: Vec<u8>,
}

impl Left {
    /// The number of the newest receipt that is to be signed.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.unsigned.last().map(|newest| newest.payload.seq)
    }

    /// Makes the file hold all of it durably, if something is to be signed: a
    /// writer that ended may not have synced it. What stands in a segment stays
    /// in it, because that may not be synced either.
    pub(crate) fn keep(
        &self,
        storage: &mut dyn Storage,
        key: Option<&JournalKey>,
        log_id: LogId,
    ) -> Result<(), LogError> {
        let (Some(key), Some(after), false) = (key, self.after, self.unsigned.is_empty()) else {
            return Ok(());
        };
        let mut lines = Vec::new();
        write_line(key, log_id, &Content::SignedBehind(after).to_canonical(), &mut lines);
        lines.extend_from_slice(&self.lines);
        write_whole(storage, UNSIGNED, &lines)
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
    key: Option<&JournalKey>,
    mut tip: Tip,
) -> Result<Left, LogError> {
    let source = FileReader { storage, name: UNSIGNED, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, source));
    let mut left = Left::default();
    let signed = tip.next_seq() - 1;
    // What an earlier start signed behind, and the newest receipt in the file.
    let (mut signed_behind, mut newest) = (None, None);
    let io = |error| io_error(format!("reading `{UNSIGNED}`"), error);
    while let Some(piece) = lines.next_piece().map_err(io)? {
        if !piece.complete {
            break;
        }
        let place = || format!("{UNSIGNED}, line {}", piece.number);
        let line = UnsignedLine::parse(piece.bytes);
        let line = line.ok_or_else(|| damaged(place(), "it is no unsigned receipt"))?;
        let UnsignedLine { mac, canonical, content } = line;
        if key.is_some_and(|key| !key.is_mac(tip.log_id, canonical, &mac)) {
            return Err(damaged(place(), "it was not written under this journal key for this log"));
        }
        let payload = match content {
            Content::Receipt(payload) => payload,
            Content::SignedBehind(seq) => {
                signed_behind = Some(seq);
                continue;
            }
        };
        newest = Some(payload.seq);
        if payload.seq >= tip.next_seq() {
            if key.is_none() {
                let why = format!("receipts wait in `{UNSIGNED}` to be signed, and there is no journal key");
                return Err(LogError::NoJournal { why });
            }
            let unsigned = take(*payload, canonical, owner, &mut tip);
            left.unsigned.push(unsigned.map_err(|why| damaged(place(), why))?);
        }
        // Without a key, nothing is written anew.
        if key.is_some() {
            left.lines.extend_from_slice(piece.bytes);
            left.lines.push(b'\n');
        }
    }
    left.after = match left.unsigned.is_empty() {
        false => Some(signed_behind.unwrap_or(signed)),
        true => signed_behind.filter(|_| key.is_some() && newest == Some(signed)),
    };
    Ok(left)
}

/// The next receipt of the log, which `tip` then stands behind.
fn take(payload: Payload, canonical: &[u8], owner: &LogOwner, tip: &mut Tip) -> Result<Unsigned, String> {
    if (&payload.agent_id, &payload.issuer_id) != (&owner.agent, &owner.issuer) {
        return Err(format!("it is a receipt of agent `{}`", payload.agent_id));
    }
    tip.expects(&payload)?;
    if !Unsigned::may_be(&payload) {
        return Err("no writer journals an erasure or a deletion".to_owned());
    }
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
    len(canonical.len() + UnsignedLine::AROUND)
}

fn len(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
