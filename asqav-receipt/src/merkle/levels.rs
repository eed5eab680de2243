//! A whole tree in memory, for the paths of all its leaves.

use std::marker::PhantomData;

use super::{TreeHash, joined};

/// Every node of a tree: about 64 bytes a leaf. Made with one hash a node, it
/// gives each leaf's path without hashing; [`inclusion_path`](super::inclusion_path)
/// is for one leaf of a list.
#[derive(Debug, Clone)]
pub struct Levels<H> {
    /// The leaves first, the root last.
    levels: Vec<Vec<[u8; 32]>>,
    hash: PhantomData<H>,
}

impl<H: TreeHash> Levels<H> {
    /// The tree over `leaves` (leaf hashes, in order).
    #[must_use]
    pub fn new(leaves: Vec<[u8; 32]>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            // One that has no sibling rises as it is.
            let single = below.as_chunks::<2>().1;
            levels.push([joined::<H>(below).as_slice(), single].concat());
        }
        Self { levels, hash: PhantomData }
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_else(H::empty)
    }

    /// The path of leaf `index`, from its sibling upwards (RFC 9162
    /// §2.1.3.1); `None` when there is no such leaf.
    #[must_use]
    pub fn path(&self, index: usize) -> Option<Vec<[u8; 32]>> {
        self.levels.first()?.get(index)?;
        let mut at = index;
        let mut path = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            path.extend(level.get(at ^ 1));
            at /= 2;
        }
        // The root's neighbour does not exist: its level has one node.
        Some(path)
    }
}
