//! The tree over all receipts, as far as it is known for certain.

use std::io::{self, BufReader};

use asqav_receipt::checkpoint::Checkpoint;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::{MAX_HEADER_FILE_LEN, SegmentHeader, SignedHeader};
use asqav_receipt::merkle::tiles::{TILE_LEN, Tile, TileSource, TiledTree};
use asqav_receipt::merkle::{Frontier, Sha3Tree, TreeHash as _, root};
use asqav_receipt::payload::{Link, Payload};
use asqav_receipt::receipt::parse_line;

use crate::lines::Lines;
use crate::names::{header_name, segment_name};
use crate::segment::OpenSegment;
use crate::storage::{FileReader, Storage};
use crate::tip::Tip;
use crate::tombstone;
use crate::tree::hashes;

/// So many sealed segments are gone through in one step …
const STEP_SEGMENTS: u64 = 8;
/// … and so many at the end of a log; more are left to a later run.
const LAST_SEGMENTS: u64 = 1_000;

type Tree = Frontier<Sha3Tree>;

/// The tree over all receipts.
pub(super) enum Whole {
    /// Nobody asks for it, or the log does not give what its headers say.
    Off,
    /// Sealed segments are still to be gone through.
    Behind(Behind),
    /// It has every receipt.
    Ready(Tree),
}

/// How far the sealed segments were gone through.
pub(super) struct Behind {
    tree: Tree,
    next_segment: u64,
    last_segment: u64,
    /// Digest of the header before, once one was read.
    previous: Option<Sha3Digest>,
}

impl Whole {
    /// Begins with what `known`, a checkpoint of this log under an accepted
    /// key, says of it, or else with nothing.
    pub(super) fn start(
        storage: &mut dyn Storage,
        known: Option<&Checkpoint>,
        sealed: Option<&SegmentHeader>,
    ) -> Self {
        let last_segment = sealed.map_or(0, |header| header.segment);
        let begun = known.and_then(|checkpoint| {
            let tree = tree_of(storage, checkpoint).ok().flatten()?;
            let next_segment = segment_after(storage, checkpoint.size, last_segment).ok()?;
            // The header before leads to the newest one like those behind it.
            let previous = match next_segment {
                1 => None,
                next => Some(header(storage, next - 1).ok()?.digest()),
            };
            Some(Behind { tree, next_segment, last_segment, previous })
        });
        Self::Behind(begun.unwrap_or_else(|| Behind {
            tree: Tree::new(),
            next_segment: 1,
            last_segment,
            previous: None,
        }))
    }

    pub(super) const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(_))
    }

    /// The root over `size` receipts, if these are all.
    pub(super) fn root(&self, size: u64) -> Option<Sha3Digest> {
        match self {
            Self::Ready(tree) if tree.size() == size => Some(Sha3Digest::from_bytes(tree.root())),
            _ => None,
        }
    }

    /// Takes the next receipt.
    pub(super) fn push(&mut self, seq: u64, leaf: [u8; 32]) {
        if let Self::Ready(tree) = self
            && tree.size() + 1 == seq
        {
            tree.push_leaf(leaf);
        }
    }

    /// Goes through some sealed segments; after the last through the open one.
    pub(super) fn step(&mut self, storage: &mut dyn Storage, tip: &Tip, open: Option<&OpenSegment>) {
        self.go(storage, tip, open, STEP_SEGMENTS);
    }

    /// Goes through all that is left; whether the tree is known then.
    pub(super) fn finish(
        &mut self,
        storage: &mut dyn Storage,
        tip: &Tip,
        open: Option<&OpenSegment>,
    ) -> bool {
        self.go(storage, tip, open, LAST_SEGMENTS);
        self.is_ready()
    }

    fn go(&mut self, storage: &mut dyn Storage, tip: &Tip, open: Option<&OpenSegment>, count: u64) {
        let Self::Behind(behind) = self else { return };
        match behind.go(storage, tip, open, count) {
            Ok(false) => {}
            Ok(true) => {
                if let Self::Behind(behind) = std::mem::replace(self, Self::Off) {
                    *self = Self::Ready(behind.tree);
                }
            }
            Err(error) => {
                tracing::error!(target: "asqav::log", %error, "no checkpoints are made until the next start");
                *self = Self::Off;
            }
        }
    }
}

impl Behind {
    /// Whether the tree has every receipt after at most `count` segments.
    fn go(
        &mut self,
        storage: &mut dyn Storage,
        tip: &Tip,
        open: Option<&OpenSegment>,
        count: u64,
    ) -> io::Result<bool> {
        // Segments that were sealed since the start count, too.
        self.last_segment = tip.next_segment - 1;
        for _ in 0..count {
            if self.next_segment > self.last_segment {
                break;
            }
            self.sealed(storage)?;
        }
        if self.next_segment <= self.last_segment {
            return Ok(false);
        }
        if self.previous.is_some() && self.previous != tip.last_header {
            return Err(damaged(self.last_segment, "its header is not the one that was written"));
        }
        if let Some(open) = open {
            let leaves = lines(storage, open.number)?;
            let leaves: Vec<_> =
                leaves.into_iter().take(usize::try_from(open.content.count).unwrap_or(0)).collect();
            // INVARIANT: what is signed is what recovery verified and this
            // writer wrote, not what the file says by now.
            if root::<Sha3Tree>(&leaves) != *open.content.root().as_bytes() {
                return Err(damaged(open.number, "it is not what was written"));
            }
            self.take(tip.next_seq() - open.content.count, &leaves);
        }
        if self.tree.size() + 1 == tip.next_seq() {
            return Ok(true);
        }
        Err(damaged(tip.next_segment, "receipts are missing before it"))
    }

    /// Goes through the next sealed segment.
    fn sealed(&mut self, storage: &mut dyn Storage) -> io::Result<()> {
        let number = self.next_segment;
        let signed = header(storage, number)?;
        if self.previous.is_some() && signed.header.previous_header != self.previous {
            return Err(damaged(number, "its header does not follow the one before"));
        }
        let leaves = leaves(storage, &signed.header)?;
        self.take(signed.header.first_seq, &leaves);
        self.previous = Some(signed.digest());
        self.next_segment += 1;
        Ok(())
    }

    /// Takes those of the leaves, the first of which is receipt `first`, that
    /// the tree does not have yet.
    fn take(&mut self, first: u64, leaves: &[[u8; 32]]) {
        for (seq, leaf) in (first..).zip(leaves) {
            if seq == self.tree.size() + 1 {
                self.tree.push_leaf(*leaf);
            }
        }
    }
}

/// The leaves of a sealed segment: as stored, made from its lines, or those of
/// its tombstone.
fn leaves(storage: &mut dyn Storage, header: &SegmentHeader) -> io::Result<Vec<[u8; 32]>> {
    let known = stored(storage, 0, header.first_seq - 1, header.count);
    let fits = |leaves: &Vec<[u8; 32]>| root::<Sha3Tree>(leaves) == *header.root.as_bytes();
    if let Some(leaves) = known.ok().filter(fits) {
        return Ok(leaves);
    }
    // Of a deleted segment there are the hashes only.
    for read in [lines, tombstone::stored] {
        if let Some(leaves) = read(storage, header.segment).ok().filter(fits) {
            return Ok(leaves);
        }
    }
    Err(damaged(header.segment, "it does not give the root in its header"))
}

/// Hashes of the stored tree, which prove nothing.
fn stored(storage: &mut dyn Storage, level: u32, first: u64, count: u64) -> io::Result<Vec<[u8; 32]>> {
    let len = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(32);
    // A header that nobody checked says how many.
    if len > tombstone::MAX_LEAVES_LEN {
        return Err(io::Error::other("more leaves than a segment has"));
    }
    let bytes = storage.read(&hashes(level), first.saturating_mul(32), len)?;
    Ok(bytes.chunks_exact(32).filter_map(|hash| hash.try_into().ok()).collect())
}

/// The leaves of a segment's complete lines.
fn lines(storage: &mut dyn Storage, number: u64) -> io::Result<Vec<[u8; 32]>> {
    let name = segment_name(number);
    let source = FileReader { storage, name: &name, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 18, source));
    let mut leaves = Vec::new();
    while let Some(piece) = lines.next_piece()?.filter(|piece| piece.complete) {
        leaves.push(Sha3Tree::leaf(piece.bytes));
    }
    Ok(leaves)
}

fn header(storage: &mut dyn Storage, number: u64) -> io::Result<SignedHeader> {
    let file = storage.read(&header_name(number), 0, MAX_HEADER_FILE_LEN + 1)?;
    SignedHeader::parse(&file).map_err(|error| damaged(number, &error.to_string()))
}

/// The tree over the receipts of a checkpoint, from the stored tree; `None` if
/// that does not lead to its root.
fn tree_of(storage: &mut dyn Storage, checkpoint: &Checkpoint) -> io::Result<Option<Tree>> {
    let mut source = Stored(storage);
    let roots = TiledTree::<Sha3Tree, _>::new(&mut source, checkpoint.size).frontier()?;
    let tree = Tree::from_parts(checkpoint.size, roots);
    Ok(tree.filter(|tree| tree.root() == *checkpoint.root.as_bytes()))
}

/// Whether the log, of `sealed` sealed segments, has the receipt that
/// `checkpoint` names as the newest: the link to it covers all before it. A log
/// that an older copy was put in place of may have gone on otherwise.
pub(super) fn leads_there(
    storage: &mut dyn Storage,
    checkpoint: &Checkpoint,
    sealed: u64,
) -> io::Result<bool> {
    let next = segment_after(storage, checkpoint.size, sealed)?;
    let before = match next {
        1 => 0,
        next => {
            let before = header(storage, next - 1)?.header;
            if before.last_seq == checkpoint.size {
                return Ok(before.last == checkpoint.head);
            }
            before.last_seq
        }
    };
    let name = segment_name(next);
    let source = FileReader { storage, name: &name, offset: 0 };
    let mut lines = Lines::new(BufReader::with_capacity(1 << 18, source));
    for _ in before + 1..checkpoint.size {
        if lines.next_piece()?.is_none() {
            return Ok(false);
        }
    }
    let line = lines.next_piece()?.filter(|piece| piece.complete);
    let payload = line.and_then(|line| Payload::from_json(&parse_line(line.bytes).ok()?.0).ok());
    Ok(payload.is_some_and(|payload| {
        payload.seq == checkpoint.size && Link::to(&payload.to_canonical()) == checkpoint.head
    }))
}

struct Stored<'a>(&'a mut dyn Storage);

impl TileSource for Stored<'_> {
    type Error = io::Error;

    fn tile(&mut self, tile: Tile) -> io::Result<Vec<[u8; 32]>> {
        let len = u64::try_from(TILE_LEN).unwrap_or(u64::MAX);
        stored(self.0, tile.level, tile.index.saturating_mul(len), u64::try_from(tile.len).unwrap_or(len))
    }
}

/// The first sealed segment that ends after receipt `size`; the one after
/// `last` if none does.
fn segment_after(storage: &mut dyn Storage, size: u64, last: u64) -> io::Result<u64> {
    let mut number = last;
    while number > 0 && header(storage, number)?.header.last_seq > size {
        number -= 1;
    }
    Ok(number + 1)
}

fn damaged(segment: u64, why: &str) -> io::Error {
    io::Error::other(format!("segment {segment}: {why}"))
}
