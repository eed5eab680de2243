//! Proofs from a tree that is kept as tiles, without reading its leaves.
//!
//! A tile holds up to 256 hashes of one level, as in C2SP tlog-tiles: tile
//! `index` of level 0 the leaves from number 256 · `index` on, and each hash of
//! level `level` is the root over one full tile of the level below. A proof
//! reads one or two tiles a level; the tiles themselves prove nothing, so
//! whoever uses them checks the proof.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::Range;

use super::{TreeHash, root};

/// A leaf's or an inner node's hash.
type Node = [u8; 32];

/// How many hashes a full tile holds.
pub const TILE_LEN: usize = 256;

/// How many levels of the tree one level of tiles spans.
pub const TILE_HEIGHT: u32 = 8;

/// Which hashes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tile {
    /// 0 for leaves; a hash of level n is the root over 256^n leaves.
    pub level: u32,
    /// The tile's number in its level, from 0.
    pub index: u64,
    /// How many of its hashes, from the first on: 1 to 256.
    pub len: usize,
}

impl Tile {
    /// The first `len` hashes of tile `index` of `level`.
    #[must_use]
    pub const fn new(level: u32, index: u64, len: usize) -> Self {
        Self { level, index, len }
    }
}

/// Where tiles are kept.
pub trait TileSource {
    /// Why a tile cannot be had.
    type Error;

    /// The first `len` hashes of a tile.
    ///
    /// # Errors
    /// When it cannot be read, or is shorter.
    fn tile(&mut self, tile: Tile) -> Result<Vec<[u8; 32]>, Self::Error>;
}

/// The tree over the first `size` leaves of a source.
#[derive(Debug)]
pub struct TiledTree<'a, H, S> {
    source: &'a mut S,
    size: u64,
    /// Tiles that were read, by level and index.
    read: BTreeMap<(u32, u64), Vec<Node>>,
    hash: PhantomData<H>,
}

impl<'a, H: TreeHash, S: TileSource> TiledTree<'a, H, S> {
    /// The tree over the first `size` leaves that `source` has.
    pub const fn new(source: &'a mut S, size: u64) -> Self {
        Self { source, size, read: BTreeMap::new(), hash: PhantomData }
    }

    /// The roots of the perfect subtrees, largest first: what
    /// [`Frontier::from_parts`](super::Frontier::from_parts) takes.
    ///
    /// # Errors
    /// What the source says.
    pub fn frontier(&mut self) -> Result<Vec<[u8; 32]>, S::Error> {
        let (size, mut start, mut roots) = (self.size, 0, Vec::new());
        for height in (0..u64::BITS).rev().filter(|height| size >> height & 1 == 1) {
            roots.push(self.node(height, start >> height)?);
            start += 1 << height;
        }
        Ok(roots)
    }

    /// The root over all leaves.
    ///
    /// # Errors
    /// What the source says.
    pub fn root(&mut self) -> Result<[u8; 32], S::Error> {
        self.range(0..self.size)
    }

    /// The path from leaf `index` to the root (RFC 9162 §2.1.3.1); `None` when
    /// there is no such leaf.
    ///
    /// # Errors
    /// What the source says.
    pub fn inclusion_path(&mut self, index: u64) -> Result<Option<Vec<[u8; 32]>>, S::Error> {
        if index >= self.size {
            return Ok(None);
        }
        let (mut within, mut path) = (0..self.size, Vec::new());
        while within.end - within.start > 1 {
            let (left, right) = halves(&within);
            let (inside, sibling) = if index < left.end { (left, right) } else { (right, left) };
            path.push(self.range(sibling)?);
            within = inside;
        }
        path.reverse();
        Ok(Some(path))
    }

    /// The path that shows that the tree over the first `size` leaves grew into
    /// this one (RFC 9162 §2.1.4.1); `None` when `size` is 0 or greater than
    /// this tree's.
    ///
    /// # Errors
    /// What the source says.
    pub fn consistency_path(&mut self, size: u64) -> Result<Option<Vec<[u8; 32]>>, S::Error> {
        if size == 0 || size > self.size {
            return Ok(None);
        }
        let (mut within, mut path) = (0..self.size, Vec::new());
        while size < within.end {
            let (left, right) = halves(&within);
            let (inside, sibling) = if size <= left.end { (left, right) } else { (right, left) };
            path.push(self.range(sibling)?);
            within = inside;
        }
        // Otherwise the smaller tree's root is a subtree that the verifier knows.
        if within.start > 0 {
            path.push(self.range(within)?);
        }
        path.reverse();
        Ok(Some(path))
    }

    /// The root over `leaves`, which begin where a perfect subtree of at least
    /// their number would.
    fn range(&mut self, leaves: Range<u64>) -> Result<Node, S::Error> {
        let len = leaves.end - leaves.start;
        if len == 0 {
            return Ok(H::empty());
        }
        if len.is_power_of_two() {
            let height = len.trailing_zeros();
            return self.node(height, leaves.start >> height);
        }
        let (left, right) = halves(&leaves);
        Ok(H::node(&self.range(left)?, &self.range(right)?))
    }

    /// The root of the perfect subtree number `index` of `height`.
    fn node(&mut self, height: u32, index: u64) -> Result<Node, S::Error> {
        let (level, above) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let first = index << above;
        let tile = self.read_tile(level, first >> TILE_HEIGHT)?;
        let start = usize::try_from(first & 0xff).unwrap_or(usize::MAX);
        let hashes = tile.get(start..).and_then(|rest| rest.get(..1 << above));
        // INVARIANT: `read_tile` gives as many hashes as the size asks for.
        Ok(root::<H>(hashes.unwrap_or_default()))
    }

    fn read_tile(&mut self, level: u32, index: u64) -> Result<&[Node], S::Error> {
        use std::collections::btree_map::Entry;
        match self.read.entry((level, index)) {
            Entry::Occupied(read) => Ok(read.into_mut()),
            Entry::Vacant(free) => {
                let hashes = (self.size >> (level * TILE_HEIGHT)).saturating_sub(index << TILE_HEIGHT);
                let len = usize::try_from(hashes).unwrap_or(TILE_LEN).min(TILE_LEN);
                Ok(free.insert(self.source.tile(Tile { level, index, len })?))
            }
        }
    }
}

/// Splits at the largest power of two below the length, which is at least 2.
fn halves(leaves: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let middle = leaves.start + (1 << (leaves.end - leaves.start - 1).ilog2());
    (leaves.start..middle, middle..leaves.end)
}

#[cfg(test)]
mod tests {
    use super::super::{Frontier, Sha3Tree, consistency_path, inclusion_path};
    use super::*;

    /// All levels of a tree in memory.
    struct Levels(Vec<Vec<Node>>);

    impl Levels {
        fn over(leaves: &[Node]) -> Self {
            let mut levels = vec![leaves.to_vec()];
            while let Some(last) = levels.last().filter(|level| level.len() >= TILE_LEN) {
                levels.push(last.chunks_exact(TILE_LEN).map(root::<Sha3Tree>).collect());
            }
            Self(levels)
        }
    }

    impl TileSource for Levels {
        type Error = String;

        fn tile(&mut self, Tile { level, index, len }: Tile) -> Result<Vec<Node>, String> {
            let start = usize::try_from(index).unwrap() * TILE_LEN;
            let level = self.0.get(level as usize).ok_or("no such level")?;
            level.get(start..start + len).map(<[Node]>::to_vec).ok_or_else(|| "no such tile".to_owned())
        }
    }

    #[test]
    fn tiles_give_the_paths_that_the_leaves_give() {
        let all: Vec<_> = (0..70_000_u32).map(|n| Sha3Tree::leaf(&n.to_be_bytes())).collect();
        let mut source = Levels::over(&all);
        for size in [1, 2, 3, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 70_000_usize] {
            let leaves = &all[..size];
            let mut tree = TiledTree::<Sha3Tree, _>::new(&mut source, size as u64);
            assert_eq!(tree.root(), Ok(root::<Sha3Tree>(leaves)), "{size}");
            let mut frontier = Frontier::<Sha3Tree>::new();
            leaves.iter().for_each(|leaf| frontier.push_leaf(*leaf));
            assert_eq!(tree.frontier().unwrap(), frontier.roots(), "{size}");
            for index in [0, 1, 254, 255, 256, 300, size / 2, size - 1].into_iter().filter(|at| *at < size) {
                let path = inclusion_path::<Sha3Tree>(leaves, index);
                assert_eq!(tree.inclusion_path(index as u64), Ok(path), "{index} of {size}");
            }
            for older in
                [1, 2, 128, 255, 256, 257, size / 3, size - 1, size].into_iter().filter(|at| *at <= size)
            {
                let path = consistency_path::<Sha3Tree>(leaves, older);
                assert_eq!(tree.consistency_path(older as u64), Ok(path), "{older} of {size}");
            }
            assert_eq!(tree.inclusion_path(size as u64), Ok(None));
            assert_eq!(tree.consistency_path(size as u64 + 1), Ok(None));
        }
    }

    #[test]
    fn a_proof_reads_two_tiles_a_level() {
        struct Counting(Levels, usize);
        impl TileSource for Counting {
            type Error = String;
            fn tile(&mut self, tile: Tile) -> Result<Vec<Node>, String> {
                self.1 += 1;
                self.0.tile(tile)
            }
        }
        let all: Vec<_> = (0..70_000_u32).map(|n| Sha3Tree::leaf(&n.to_be_bytes())).collect();
        let mut source = Counting(Levels::over(&all), 0);
        TiledTree::<Sha3Tree, _>::new(&mut source, 70_000).inclusion_path(12_345).unwrap();
        assert!(source.1 <= 5, "{} tiles", source.1);
    }
}
