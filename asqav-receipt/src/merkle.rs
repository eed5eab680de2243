//! Merkle trees in the shape of RFC 6962 §2.1 (RFC 9162 §2.1), generic over
//! the hash.
//!
//! Leaves and nodes are hashed with different prefixes, and odd nodes are
//! never paired with themselves, so that no two lists share a root.
//!
//! ```
//! use asqav_receipt::merkle::{self, Sha3Tree, TreeHash as _};
//!
//! let leaves: Vec<_> = [b"a", b"b", b"c"].iter().map(|data| Sha3Tree::leaf(*data)).collect();
//! let root = merkle::root::<Sha3Tree>(&leaves);
//! let path = merkle::inclusion_path::<Sha3Tree>(&leaves, 2).expect("there is a third leaf");
//! merkle::verify_inclusion::<Sha3Tree>(2, 3, &Sha3Tree::leaf(b"c"), &path, &root)?;
//! # Ok::<(), merkle::ProofError>(())
//! ```

mod levels;
mod proof;
mod subtree;
#[cfg(test)]
mod tests;
pub mod tiles;

use std::marker::PhantomData;

use crate::digest::{Sha3Digest, Sha256Digest};

pub use levels::Levels;
pub use proof::{
    ProofError, consistency_path, inclusion_path, inclusion_root, verify_consistency, verify_inclusion,
};
pub use subtree::{verify_part_consistency, verify_part_inclusion};

/// A tree's hash functions.
pub trait TreeHash {
    /// The name in a segment header.
    const NAME: &'static str;

    /// The hash of `parts`, one after the other.
    fn hash(parts: &[&[u8]]) -> [u8; 32];

    /// The hash of `prefix` ‖ body for each of `bodies`.
    fn hash_each(prefix: &[u8], bodies: &[&[u8]]) -> Vec<[u8; 32]> {
        bodies.iter().map(|body| Self::hash(&[prefix, body])).collect()
    }

    /// The hash of a leaf: H(0x00 ‖ data).
    fn leaf(data: &[u8]) -> [u8; 32] {
        Self::hash(&[&[0], data])
    }

    /// The hashes of many leaves, in order.
    fn leaves(data: &[&[u8]]) -> Vec<[u8; 32]> {
        Self::hash_each(&[0], data)
    }

    /// The hash of a node: H(0x01 ‖ left ‖ right).
    fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
        Self::hash(&[&[1], left, right])
    }

    /// The root of the tree over nothing: H().
    fn empty() -> [u8; 32] {
        Self::hash(&[])
    }
}

/// SHA3-256 (FIPS 202): the trees of asqav.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a marker")]
pub struct Sha3Tree;

impl TreeHash for Sha3Tree {
    const NAME: &'static str = "rfc6962-sha3-256";

    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        *Sha3Digest::of_parts(parts).as_bytes()
    }

    fn hash_each(prefix: &[u8], bodies: &[&[u8]]) -> Vec<[u8; 32]> {
        Sha3Digest::of_each(prefix, bodies).into_iter().map(|digest| *digest.as_bytes()).collect()
    }
}

/// SHA-256 (FIPS 180-4): the trees of certificate and other transparency logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a marker")]
pub struct Sha256Tree;

impl TreeHash for Sha256Tree {
    const NAME: &'static str = "rfc6962-sha256";

    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        *Sha256Digest::of_parts(parts).as_bytes()
    }
}

/// A growing tree, as the roots of its perfect subtrees, largest first: one
/// for each bit of its size. Memory and the cost of a root are O(log n).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frontier<H> {
    size: u64,
    roots: Vec<[u8; 32]>,
    hash: PhantomData<H>,
}

impl<H: TreeHash> Default for Frontier<H> {
    fn default() -> Self {
        Self { size: 0, roots: Vec::new(), hash: PhantomData }
    }
}

impl<H: TreeHash> Frontier<H> {
    /// The tree over nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree of `size` leaves whose perfect subtrees have these roots;
    /// `None` if their number does not fit the size.
    #[must_use]
    pub fn from_parts(size: u64, roots: Vec<[u8; 32]>) -> Option<Self> {
        let wanted = usize::try_from(size.count_ones()).ok()?;
        (roots.len() == wanted).then_some(Self { size, roots, hash: PhantomData })
    }

    /// How many leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first.
    #[must_use]
    pub fn roots(&self) -> &[[u8; 32]] {
        &self.roots
    }

    /// Appends the leaf with this data.
    pub fn push(&mut self, data: &[u8]) {
        self.push_leaf(H::leaf(data));
    }

    /// Appends a leaf by its hash.
    pub fn push_leaf(&mut self, leaf: [u8; 32]) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                node = H::node(&left, &node);
            }
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// Appends many leaves by their hashes, level by level, so that the nodes of
    /// a level are hashed at once.
    pub fn extend(&mut self, leaves: &[[u8; 32]]) {
        let mut level = leaves.to_vec();
        let mut size = self.size;
        self.size += u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        // The new roots, smallest first.
        let mut roots = Vec::new();
        while !level.is_empty() {
            if size % 2 == 1
                && let Some(left) = self.roots.pop()
            {
                level.insert(0, left);
            }
            if level.len() % 2 == 1 {
                roots.extend(level.pop());
            }
            level = joined::<H>(&level);
            size /= 2;
        }
        self.roots.extend(roots.into_iter().rev());
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut smallest_first = self.roots.iter().rev();
        match smallest_first.next() {
            Some(first) => smallest_first.fold(*first, |right, left| H::node(left, &right)),
            None => H::empty(),
        }
    }
}

/// The root over `leaves` (leaf hashes, in order).
#[must_use]
pub fn root<H: TreeHash>(leaves: &[[u8; 32]]) -> [u8; 32] {
    let mut tree = Frontier::<H>::new();
    tree.extend(leaves);
    tree.root()
}

/// The nodes over `level`, pair by pair; what is left over at the end has none.
fn joined<H: TreeHash>(level: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let pairs: Vec<&[u8]> = level.as_chunks::<2>().0.iter().map(|pair| pair.as_flattened()).collect();
    H::hash_each(&[1], &pairs)
}
