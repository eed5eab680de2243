//! Making proofs from a log directory.
//!
//! The stored tree makes a proof in O(log n): a few tiles, the receipt's line,
//! and the lines that the tree does not have yet. Where it is absent or wrong,
//! the segments are read instead. Nothing is handed out that does not lead to
//! the checkpoint's root.

mod tail;
mod whole;

use std::path::Path;

use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::SignedHeader;
use asqav_receipt::id::ActionId;
use asqav_receipt::merkle::Sha3Tree;
use asqav_receipt::merkle::tiles::TiledTree;
use asqav_receipt::proof::{ConsistencyProof, InclusionProof, ProofError};
use asqav_receipt::receipt::parse_line;

use crate::reader::{LogReader, ReadError};
use crate::tree::{Overlay, StoredTree};

use tail::Tail;

/// Which receipt is to be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// The one with this sequence number.
    Seq(u64),
    /// The one with this id.
    Id(ActionId),
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Among the receipts that the checkpoint counts there is none such.
    #[error("the checkpoint counts {size} receipts, and the one asked for is not among them")]
    NoSuchReceipt {
        /// The checkpoint's size.
        size: u64,
    },
    /// Its segment was deleted: there is nothing left to prove.
    #[error("receipt {seq} was deleted with its segment")]
    Deleted {
        /// Its number.
        seq: u64,
    },
    /// The log is not the one of the checkpoint.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Proves that a receipt of the log in `log_dir`, the open segment included, is
/// among those that `checkpoint` counts.
///
/// With the stored tree this reads less than 64 KiB (up to 16 million
/// receipts of ordinary length), and the lines that came after the tree was
/// last written.
///
/// # Errors
/// [`ProveError`].
pub fn prove(
    log_dir: &Path,
    wanted: Wanted,
    checkpoint: &SignedCheckpoint,
) -> Result<InclusionProof, ProveError> {
    let made = with_fallback(log_dir, |stored| inclusion(log_dir, stored, wanted, checkpoint));
    match made {
        Err(ProveError::NoSuchReceipt { .. }) if let Some(seq) = deleted(log_dir, wanted)? => {
            Err(ProveError::Deleted { seq })
        }
        made => made,
    }
}

/// Proves that the log grew from the checkpoint `older` to `newer` without a
/// change.
///
/// # Errors
/// [`ProveError`].
pub fn prove_growth(
    log_dir: &Path,
    older: &SignedCheckpoint,
    newer: &SignedCheckpoint,
) -> Result<ConsistencyProof, ProveError> {
    with_fallback(log_dir, |stored| {
        let size = newer.checkpoint.size;
        let tail = Tail::read(log_dir, stored, size, None)?;
        let mut source = Overlay { stored, tail: &tail.leaves };
        let path =
            TiledTree::<Sha3Tree, _>::new(&mut source, size).consistency_path(older.checkpoint.size)?;
        let path = path.ok_or(ProofError::Sizes)?.into_iter().map(Sha3Digest::from_bytes).collect();
        Ok(ConsistencyProof::new(older.clone(), path, newer.clone())?)
    })
}

/// The number of the receipt that is wanted, if its segment was deleted.
fn deleted(log_dir: &Path, wanted: Wanted) -> Result<Option<u64>, ReadError> {
    let seq = match wanted {
        Wanted::Seq(seq) => Some(seq),
        Wanted::Id(id) => StoredTree::open(log_dir)?.find(id)?,
    };
    let Some(seq) = seq else { return Ok(None) };
    let log = LogReader::open(log_dir)?;
    for (number, _) in log.segments().iter().filter(|(_, files)| files.is_deleted() && files.header) {
        let header = SignedHeader::parse(&log.header(*number)?).ok().map(|signed| signed.header);
        if header.is_some_and(|header| (header.first_seq..=header.last_seq).contains(&seq)) {
            return Ok(Some(seq));
        }
    }
    Ok(None)
}

/// Tries with the stored tree, then without.
fn with_fallback<T>(
    log_dir: &Path,
    mut attempt: impl FnMut(&mut StoredTree) -> Result<T, ProveError>,
) -> Result<T, ProveError> {
    if let Ok(mut stored) = StoredTree::open(log_dir)
        && stored.size() > 0
        && let Ok(proof) = attempt(&mut stored)
    {
        return Ok(proof);
    }
    attempt(&mut StoredTree::none(log_dir))
}

fn inclusion(
    log_dir: &Path,
    stored: &mut StoredTree,
    wanted: Wanted,
    checkpoint: &SignedCheckpoint,
) -> Result<InclusionProof, ProveError> {
    let size = checkpoint.checkpoint.size;
    let missing = || ProveError::NoSuchReceipt { size };
    let seq = match wanted {
        Wanted::Seq(seq) => Some(seq).filter(|seq| *seq <= stored.size()),
        Wanted::Id(id) => stored.find(id)?,
    };
    let beyond = seq.is_none().then_some(wanted);
    let mut tail = Tail::read(log_dir, stored, size, beyond)?;
    let line = match seq {
        Some(seq) => stored.line(seq)?.filter(|line| is(line, Wanted::Seq(seq)) && is(line, wanted)),
        None => tail.found.take(),
    };
    let line = line.ok_or_else(missing)?;
    let index = seq_of(&line).ok_or_else(missing)?.saturating_sub(1);
    let receipt = whole::receipt(log_dir, stored, line)?.ok_or_else(missing)?;
    let mut source = Overlay { stored, tail: &tail.leaves };
    let path = TiledTree::<Sha3Tree, _>::new(&mut source, size).inclusion_path(index)?;
    let path = path.ok_or_else(missing)?.into_iter().map(Sha3Digest::from_bytes).collect();
    Ok(InclusionProof::from_path(receipt, path, checkpoint.clone())?)
}

/// Whether the receipt in `line` says that it is the one.
fn is(line: &[u8], wanted: Wanted) -> bool {
    match wanted {
        Wanted::Seq(seq) => seq_of(line) == Some(seq),
        Wanted::Id(id) => crate::tree::id_of(line) == Some(id),
    }
}

fn seq_of(line: &[u8]) -> Option<u64> {
    let (payload, _) = parse_line(line).ok()?;
    payload.as_object()?.get("seq")?.as_count()
}
