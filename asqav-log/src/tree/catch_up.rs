//! Keeping the stored tree beside a log that is written.
//!
//! A receipt enters the arrays only after it is durable in its segment, and
//! the arrays are never synced: what a crash takes from them is read from the
//! segments again. At a start everything after the newest sealed segment is
//! cut off and made anew, and the newest sealed segment is compared with its
//! header. No error here reaches the log; the tree is then left alone until
//! the next start, and proofs read the segments.

use std::io::{self, BufReader};

use asqav_core::log::LogOwner;
use asqav_receipt::header::SegmentHeader;
use asqav_receipt::id::ActionId;
use asqav_receipt::keys::KeySet;
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _, root};
use asqav_receipt::receipt::ReceiptSignature;

use super::batches::Signed;
use super::grow::TreeWriter;
use super::{FILLER, HASH_LEN, ID_LEN, PLACE_LEN, Place, batches, forget, hashes, id_of, ids, keys, places};
use crate::lines::{Lines, MAX_LINE_LEN};
use crate::names::segment_name;
use crate::storage::{FileReader, Storage};
use crate::tombstone;

/// How much of the segments is read in one go while the tree is behind, bytes.
const STEP_LEN: u64 = 16 << 20;
/// So many receipts are written at once.
const FLUSH_COUNT: u64 = 256;

/// The stored tree of a log that is being written.
pub(crate) enum Derived {
    /// It has everything that the log has.
    Live(TreeWriter),
    /// It lacks receipts; the next one's line begins at this place.
    Behind(TreeWriter, Place),
    /// It failed.
    Off,
}

impl Derived {
    /// Opens the stored tree of a log whose newest sealed segment has the
    /// header `sealed`, and that holds `size` receipts, signed by the owner's
    /// key and `former` ones.
    pub(crate) fn start(
        storage: &mut dyn Storage,
        sealed: Option<&SegmentHeader>,
        size: u64,
        owner: &LogOwner,
        former: &KeySet,
    ) -> Self {
        let own = (owner.signer.thumbprint(), owner.signer.public_key());
        let kept = keys::keep(storage, own, former);
        let opened = kept.and_then(|()| open(storage, sealed)).and_then(|(tree, place)| {
            let mut derived = Self::Behind(tree, place);
            derived.step(storage, size)?;
            Ok(derived)
        });
        opened.unwrap_or_else(|error| Self::failed(&error))
    }

    /// Takes a receipt that has just been put into its segment.
    pub(crate) fn push(
        &mut self,
        seq: u64,
        leaf: [u8; HASH_LEN],
        id: ActionId,
        place: Place,
        signature: &ReceiptSignature,
    ) {
        let signed = match signature {
            ReceiptSignature::Own(_) => Signed::Own,
            // Its path was made when it was signed: nothing is hashed for it here.
            ReceiptSignature::Batched(signature) => Signed::Path(signature),
        };
        if let Self::Live(tree) = self
            && tree.size() + 1 == seq
        {
            tree.push(leaf, *id.as_bytes(), place, signed);
        }
    }

    /// Writes what has gathered, if it is worth it. Called only while every
    /// receipt that was taken is durable.
    pub(crate) fn relieve(&mut self, storage: &mut dyn Storage) {
        if matches!(self, Self::Live(tree) if tree.waiting() >= FLUSH_COUNT) {
            self.flush(storage);
        }
    }

    /// Writes all that has gathered. Called only while every receipt that was
    /// taken is durable.
    pub(crate) fn flush(&mut self, storage: &mut dyn Storage) {
        if let Self::Live(tree) = self
            && let Err(error) = tree.flush(storage)
        {
            *self = Self::failed(&error);
        }
    }

    /// Writes all that has gathered, or comes closer to the log of `size`
    /// receipts. Called only while every receipt is durable.
    pub(crate) fn settle(&mut self, storage: &mut dyn Storage, size: u64) {
        let done = match self {
            Self::Live(tree) => tree.flush(storage),
            Self::Behind(..) => self.step(storage, size),
            Self::Off => Ok(()),
        };
        if let Err(error) = done {
            *self = Self::failed(&error);
        }
    }

    /// Lets go of what receipts were called that have just been deleted.
    /// Called only while every receipt is durable.
    pub(crate) fn forget(&mut self, storage: &mut dyn Storage) {
        if let Self::Live(tree) = self
            && let Err(error) = forgotten(storage, tree)
        {
            *self = Self::failed(&error);
        }
    }

    /// Reads on in the segments, a bounded amount.
    fn step(&mut self, storage: &mut dyn Storage, size: u64) -> io::Result<()> {
        let Self::Behind(tree, place) = self else { return Ok(()) };
        let mut budget = STEP_LEN;
        while tree.size() < size && budget > 0 {
            let used = read_on(storage, tree, place, size, budget)?;
            budget = budget.saturating_sub(used);
            if tree.size() < size && budget > 0 {
                *place = Place { segment: place.segment + 1, offset: 0 };
            }
        }
        tree.flush(storage)?;
        if tree.size() == size
            && let Self::Behind(mut tree, _) = std::mem::replace(self, Self::Off)
        {
            forgotten(storage, &mut tree)?;
            *self = Self::Live(tree);
        }
        Ok(())
    }

    fn failed(error: &io::Error) -> Self {
        tracing::warn!(target: "asqav::log", %error, "the stored tree is left alone until the next start");
        Self::Off
    }
}

/// Writes `tree`, and over what it says of receipts that were deleted.
fn forgotten(storage: &mut dyn Storage, tree: &mut TreeWriter) -> io::Result<()> {
    tree.flush(storage)?;
    let (deleted, size) = (forget::deleted(storage)?, tree.size());
    if forget::forget(storage, deleted, size)? {
        // What it remembers of the arrays' ends is not true any more.
        *tree = TreeWriter::open(storage, size)?;
    }
    Ok(())
}

/// Reads lines of the segment at `place` until it ends, the tree has `size`
/// receipts or `budget` bytes were read; tells how many were.
fn read_on(
    storage: &mut dyn Storage,
    tree: &mut TreeWriter,
    place: &mut Place,
    size: u64,
    budget: u64,
) -> io::Result<u64> {
    let (start, name) = (place.offset, segment_name(place.segment));
    if start == 0 && is_gone(storage, &name)? {
        return deleted(storage, tree, *place);
    }
    let source = FileReader { storage, name: &name, offset: start };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 18, source));
    while tree.size() < size && place.offset - start < budget {
        let Some(piece) = lines.next_piece()?.filter(|piece| piece.complete) else { break };
        let id = id_of(piece.bytes).ok_or_else(|| io::Error::other(format!("no receipt in `{name}`")))?;
        tree.push(Sha3Tree::leaf(piece.bytes), *id.as_bytes(), *place, Signed::of_line(piece.bytes));
        place.offset = start + piece.end();
    }
    Ok(place.offset - start)
}

fn is_gone(storage: &mut dyn Storage, name: &str) -> io::Result<bool> {
    match storage.read(name, 0, 1) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Takes a deleted segment by its leaf hashes; its receipts have no ids any
/// more.
fn deleted(storage: &mut dyn Storage, tree: &mut TreeWriter, place: Place) -> io::Result<u64> {
    let leaves = tombstone::stored(storage, place.segment)?;
    for leaf in &leaves {
        tree.push(*leaf, [0; ID_LEN], place, Signed::Own);
    }
    Ok(u64::try_from(leaves.len() * HASH_LEN).unwrap_or(u64::MAX))
}

/// The arrays as far as the sealed segments go, and where the next line begins;
/// from the beginning if they are not what the segments are.
fn open(storage: &mut dyn Storage, sealed: Option<&SegmentHeader>) -> io::Result<(TreeWriter, Place)> {
    let Some(header) = sealed else { return Ok((TreeWriter::open(storage, 0)?, Place::START)) };
    let tree = TreeWriter::open(storage, header.last_seq)?;
    if tree.size() == header.last_seq && agrees(storage, header)? {
        return Ok((tree, Place { segment: header.segment.saturating_add(1), offset: 0 }));
    }
    Ok((TreeWriter::open(storage, 0)?, Place::START))
}

/// Whether the arrays end as the sealed segment does. A crash leaves a prefix
/// of each, perhaps followed by zeros; either shows here.
fn agrees(storage: &mut dyn Storage, header: &SegmentHeader) -> io::Result<bool> {
    let mut records = |name: &str, width: usize, first: u64, count: u64| {
        let len = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(width);
        storage.read(name, first.saturating_mul(u64::try_from(width).unwrap_or(u64::MAX)), len)
    };
    let last = header.last_seq - 1;
    let leaves = records(&hashes(0), HASH_LEN, header.first_seq - 1, header.count)?;
    let leaves: Vec<[u8; HASH_LEN]> =
        leaves.chunks_exact(HASH_LEN).filter_map(|record| record.try_into().ok()).collect();
    let id = records(&ids(0), ID_LEN, last, 1)?;
    let place: Option<[u8; PLACE_LEN]> = records(&places(), PLACE_LEN, last, 1)?.try_into().ok();
    let Some(place) = place.map(Place::from_record).filter(|place| place.segment == header.segment) else {
        return Ok(false);
    };
    // A segment ends with a batch or before one begins: no node has this number.
    if records(&batches(), HASH_LEN, last, 1)? != FILLER {
        return Ok(false);
    }
    let line = storage.read(&segment_name(place.segment), place.offset, MAX_LINE_LEN)?;
    Ok(root::<Sha3Tree>(&leaves) == *header.root.as_bytes()
        && id_of(&line).is_some_and(|found| found.as_bytes().as_slice() == id.as_slice()))
}
