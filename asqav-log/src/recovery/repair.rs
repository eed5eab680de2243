//! Repairing what a crash explains: by the writer's own functions, each step
//! durable before the next, so that a crash in between is repaired again.

use std::io::BufReader;

use asqav_core::log::{LogError, Unclean};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::SignedHeader;

use super::Recovered;
use super::listing::Listing;
use super::scan::Scan;
use crate::error::{damaged, io_error};
use crate::lines::Lines;
use crate::names::{header_name, segment_name, torn_name, unfinished_name};
use crate::segment::{Content, OpenSegment};
use crate::storage::{FileReader, Storage, sync_names, write_whole};
use crate::unsigned::JournalKey;
use crate::unsigned::journal::Left;
use crate::vault::Erasures;

/// More torn bytes than this are no crash's doing: a writer writes less at once.
const MAX_TORN_LEN: u64 = 1 << 30;
/// How much is copied at once, bytes.
const COPY_LEN: usize = 1 << 20;

/// What was found in the newest part of a log.
pub(super) struct Found {
    pub(super) scan: Scan,
    /// The newest header.
    pub(super) header: Option<SignedHeader>,
    pub(super) erasures: Erasures,
    /// What is journaled.
    pub(super) left: Left,
}

/// Repairs the log and gives it back ready for its next receipt.
pub(super) fn repair(
    storage: &mut dyn Storage,
    listing: &Listing,
    found: Found,
    journal_key: Option<&JournalKey>,
) -> Result<Recovered, LogError> {
    let Found { scan, header, erasures, left } = found;
    for name in &listing.unfinished {
        storage.remove(name).map_err(|error| io_error(format!("removing `{name}`"), error))?;
    }
    // INVARIANT: durable before anything counts on it, if only the name of what
    // is set aside.
    left.keep(storage, journal_key, scan.tip.log_id)?;
    let newest = left.newest().unwrap_or(scan.tip.next_seq() - 1);
    let torn = set_aside(storage, listing, &scan, newest)?;
    let segment = match (&scan.content, listing.open) {
        (Some(content), Some((number, _))) => Some(rewrite(storage, number, content)?),
        (None, Some((number, _))) => {
            discard(storage, number)?;
            None
        }
        _ => None,
    };
    if segment.is_none()
        && let Some(header) = &header
    {
        write_whole(storage, &header_name(header.header.segment), &header.to_file())?;
    }
    let stopped_cleanly = scan.tip.head.is_none() || scan.tip.stopped;
    let unclean = match &torn {
        Some(bytes) => Some(Unclean::new(len(bytes), Some(Sha3Digest::of(bytes)))),
        None if stopped_cleanly => None,
        None => Some(Unclean::new(0, None)),
    };
    let unclean = match left.after {
        Some(seq) => Some(unclean.unwrap_or_else(|| Unclean::new(0, None)).unsigned_after(seq)),
        None => unclean,
    };
    let journaled = listing.unsigned;
    Ok(Recovered { tip: scan.tip, segment, sealed: header, unclean, erasures, left, journaled })
}

/// Moves what stands after the last valid line into `torn-<seq>.bin`, and
/// gives back all that was ever set aside there: it is reported until a
/// receipt follows receipt `seq`, the newest. What was set aside behind a
/// receipt that is not there any more is moved there, too.
fn set_aside(
    storage: &mut dyn Storage,
    listing: &Listing,
    scan: &Scan,
    seq: u64,
) -> Result<Option<Vec<u8>>, LogError> {
    let name = torn_name(seq);
    let mut aside = match listing.torn.contains(&seq) {
        true => read(storage, &name, 0)?,
        false => Vec::new(),
    };
    let before = aside.len();
    let gone: Vec<_> =
        listing.torn.iter().filter(|later| **later > seq).map(|later| torn_name(*later)).collect();
    let mut torn = Vec::new();
    for name in &gone {
        torn.push(read(storage, name, 0)?);
    }
    if scan.torn > 0 {
        torn.push(read(storage, &segment_name(scan.tip.next_segment), scan.valid_len())?);
    }
    // A crash after this step finds them in both places.
    let mut moved: Vec<u8> = torn.concat();
    if !aside.ends_with(&moved) {
        aside.append(&mut moved);
    }
    if aside.len() > before {
        write_whole(storage, &name, &aside)?;
    }
    for name in &gone {
        storage.remove(name).map_err(|error| io_error(format!("removing `{name}`"), error))?;
    }
    Ok((!aside.is_empty()).then_some(aside))
}

/// The file from `offset` to its end.
fn read(storage: &mut dyn Storage, name: &str, offset: u64) -> Result<Vec<u8>, LogError> {
    let limit = usize::try_from(MAX_TORN_LEN).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    loop {
        let at = offset + len(&bytes);
        let part =
            storage.read(name, at, COPY_LEN).map_err(|error| io_error(format!("reading `{name}`"), error))?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&part);
        if bytes.len() > limit {
            return Err(damaged(name, "more is torn than a crash can leave"));
        }
    }
}

/// Copies the valid lines of the open segment into a new file under its name.
fn rewrite(storage: &mut dyn Storage, number: u64, content: &Content) -> Result<OpenSegment, LogError> {
    let name = segment_name(number);
    let unfinished = unfinished_name(&name);
    let io = |what: &str, error| io_error(format!("{what} `{name}`"), error);
    let mut file = storage.create(&unfinished).map_err(|error| io("copying", error))?;
    let source = FileReader { storage, name: &name, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(COPY_LEN, source));
    let mut copied = content.restarted();
    let mut waiting = Vec::new();
    while copied.count < content.count {
        let Some(piece) = lines.next_piece().map_err(|error| io("copying", error))? else { break };
        copied.push(piece.bytes);
        waiting.extend_from_slice(piece.bytes);
        waiting.push(b'\n');
        if waiting.len() >= COPY_LEN || copied.count == content.count {
            file.append(&waiting).map_err(|error| io("copying", error))?;
            waiting.clear();
        }
    }
    // INVARIANT: what was verified is what was copied.
    if copied.root() != content.root() {
        return Err(LogError::Interfered { place: name });
    }
    file.sync().map_err(|error| io("syncing", error))?;
    drop(file);
    storage.rename(&unfinished, &name).map_err(|error| io("naming", error))?;
    sync_names(storage)?;
    let file = storage.open(&name).map_err(|error| io("opening", error))?;
    Ok(OpenSegment::recovered(number, copied, file))
}

/// Removes the open segment's file: it holds no receipt.
fn discard(storage: &mut dyn Storage, number: u64) -> Result<(), LogError> {
    let name = segment_name(number);
    storage.remove(&name).map_err(|error| io_error(format!("removing `{name}`"), error))?;
    sync_names(storage)
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
