//! Merkle trees in the shape of RFC 6962 §2.1 (RFC 9162 §2.1), generic over
//! the hash.
//!
//! Leaves and nodes are hashed with different prefixes, and odd nodes are
//! never paired with themselves, so that no two lists share a root.

use std::marker::PhantomData;

use sha2::Digest as _;

/// A tree's hash functions.
pub trait TreeHash {
    /// The name in a segment header.
    const NAME: &'static str;

    /// The hash of `parts`, one after the other.
    fn hash(parts: &[&[u8]]) -> [u8; 32];

    /// The hash of a leaf: H(0x00 ‖ data).
    fn leaf(data: &[u8]) -> [u8; 32] {
        Self::hash(&[&[0], data])
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
        *crate::digest::Sha3Digest::of_parts(parts).as_bytes()
    }
}

/// SHA-256 (FIPS 180-4): the trees of certificate and other transparency logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a marker")]
pub struct Sha256Tree;

impl TreeHash for Sha256Tree {
    const NAME: &'static str = "rfc6962-sha256";

    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().into()
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
    leaves.iter().for_each(|leaf| tree.push_leaf(*leaf));
    tree.root()
}

/// The inclusion path (RFC 9162 §2.1.3.1) of the leaf at `index`, from the
/// leaf up; `None` if there is no such leaf.
#[must_use]
pub fn inclusion_path<H: TreeHash>(leaves: &[[u8; 32]], index: usize) -> Option<Vec<[u8; 32]>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut rest, mut at, mut path) = (leaves, index, Vec::new());
    while rest.len() > 1 {
        let (left, right) = rest.split_at(rest.len().next_power_of_two() / 2);
        if at < left.len() {
            path.push(root::<H>(right));
            rest = left;
        } else {
            path.push(root::<H>(left));
            at -= left.len();
            rest = right;
        }
    }
    path.reverse();
    Some(path)
}

/// The root that an inclusion path leads to (RFC 9162 §2.1.3.2); `None` if the
/// path does not have the length that `index` and `size` demand.
#[must_use]
pub fn root_from_inclusion<H: TreeHash>(
    leaf: [u8; 32],
    index: u64,
    size: u64,
    path: &[[u8; 32]],
) -> Option<[u8; 32]> {
    if index >= size {
        return None;
    }
    let (mut index, mut last, mut node) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return None;
        }
        if index & 1 == 1 || index == last {
            node = H::node(sibling, &node);
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            node = H::node(&node, sibling);
        }
        index >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(node)
}

/// Whether the tree of `old_size` leaves under `old_root` is a prefix of the
/// tree of `new_size` leaves under `new_root` (RFC 9162 §2.1.4.2).
#[must_use]
pub fn verify_consistency<H: TreeHash>(
    (old_size, old_root): (u64, &[u8; 32]),
    (new_size, new_root): (u64, &[u8; 32]),
    proof: &[[u8; 32]],
) -> bool {
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return proof.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        // Every tree grows from the tree over nothing.
        return proof.is_empty() && *old_root == H::empty();
    }
    let (first, rest) = match proof.split_first() {
        Some(_) if old_size.is_power_of_two() => (old_root, proof),
        Some(parts) => parts,
        None => return false,
    };
    consistency_roots::<H>(old_size, new_size, first, rest)
        .is_some_and(|(old, new)| old == *old_root && new == *new_root)
}

/// Both roots that a consistency proof leads to.
fn consistency_roots<H: TreeHash>(
    old_size: u64,
    new_size: u64,
    first: &[u8; 32],
    proof: &[[u8; 32]],
) -> Option<([u8; 32], [u8; 32])> {
    let shift = (old_size - 1).trailing_ones();
    let (mut index, mut last) = ((old_size - 1) >> shift, (new_size - 1) >> shift);
    let (mut old, mut new) = (*first, *first);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if index & 1 == 1 || index == last {
            old = H::node(sibling, &old);
            new = H::node(sibling, &new);
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
        } else {
            new = H::node(&new, sibling);
        }
        index >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old, new))
}
