//! Inclusion and consistency proofs (RFC 9162 §2.1.3 and §2.1.4).

use super::{TreeHash, root};

/// A leaf's or an inner node's hash.
type Node = [u8; 32];

/// Why a proof does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf's index or the smaller size lies beyond the tree, or the
    /// smaller tree is empty.
    #[error("the index or size lies beyond the tree, or the older tree is empty")]
    Range,
    /// The proof has more or fewer nodes than the sizes ask for.
    #[error("the proof does not have the length that the sizes ask for")]
    Length,
    /// The proof leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The path that shows that leaf `index` is in the tree over `leaves`,
/// from the leaf's sibling upwards (RFC 9162 §2.1.3.1); `None` when there is
/// no such leaf.
#[must_use]
pub fn inclusion_path<H: TreeHash>(leaves: &[Node], index: usize) -> Option<Vec<Node>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut leaves, mut index, mut path) = (leaves, index, Vec::new());
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        let (inside, sibling) = if index < left.len() { (left, right) } else { (right, left) };
        if index >= left.len() {
            index -= left.len();
        }
        path.push(root::<H>(sibling));
        leaves = inside;
    }
    path.reverse();
    Some(path)
}

/// The path that shows that the tree over the first `size` of `leaves` grew
/// into the tree over all of them (RFC 9162 §2.1.4.1). Empty for equal sizes;
/// `None` when `size` is 0 or exceeds the number of leaves.
#[must_use]
pub fn consistency_path<H: TreeHash>(leaves: &[Node], size: usize) -> Option<Vec<Node>> {
    if size == 0 || size > leaves.len() {
        return None;
    }
    let (mut leaves, mut size, mut path) = (leaves, size, Vec::new());
    // Whether the smaller tree's root is a subtree that the verifier knows.
    let mut known = true;
    while size < leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if size <= left.len() {
            path.push(root::<H>(right));
            leaves = left;
        } else {
            path.push(root::<H>(left));
            leaves = right;
            size -= left.len();
            known = false;
        }
    }
    if !known {
        path.push(root::<H>(leaves));
    }
    path.reverse();
    Some(path)
}

/// The largest power of two below `len`, which is at least 2.
const fn split(len: usize) -> usize {
    1 << (len - 1).ilog2()
}

/// Checks that `leaf` (already hashed) is number `index`, from 0, of the
/// `size` leaves under `root` (RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`ProofError`] when that is not shown.
pub fn verify_inclusion<H: TreeHash>(
    index: u64,
    size: u64,
    leaf: &Node,
    path: &[Node],
    root: &Node,
) -> Result<(), ProofError> {
    if inclusion_root::<H>(index, size, leaf, path)? == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// The root of the tree of `size` leaves to which `path` leads from `leaf`
/// (already hashed), number `index` from 0.
///
/// # Errors
/// [`ProofError::Range`] and [`ProofError::Length`].
pub fn inclusion_root<H: TreeHash>(
    index: u64,
    size: u64,
    leaf: &Node,
    path: &[Node],
) -> Result<Node, ProofError> {
    if index >= size {
        return Err(ProofError::Range);
    }
    let (mut at, mut last, mut node) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(ProofError::Length);
        }
        node = step::<H>(&mut at, &mut last, &node, sibling);
    }
    if last == 0 { Ok(node) } else { Err(ProofError::Length) }
}

/// Checks that the tree of `size1` leaves under `root1` is the beginning of
/// the one of `size2` leaves under `root2` (RFC 9162 §2.1.4.2). That
/// something grew from the empty tree says nothing and is refused.
///
/// # Errors
/// [`ProofError`] when that is not shown.
pub fn verify_consistency<H: TreeHash>(
    size1: u64,
    size2: u64,
    path: &[Node],
    root1: &Node,
    root2: &Node,
) -> Result<(), ProofError> {
    if size1 > size2 || (size1 == 0 && size2 > 0) {
        return Err(ProofError::Range);
    }
    if size1 == size2 {
        let known = size1 > 0 || *root1 == H::empty();
        return if path.is_empty() { finish(0, root1 == root2 && known) } else { Err(ProofError::Length) };
    }
    let (mut at, mut last) = (size1 - 1, size2 - 1);
    let shift = at.trailing_ones();
    (at, last) = (at >> shift, last >> shift);
    // A perfect smaller tree is itself the first node of the path.
    let mut rest = path.iter();
    let start = if at == 0 { root1 } else { rest.next().ok_or(ProofError::Length)? };
    let (mut old, mut new) = (*start, *start);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            old = H::node(sibling, &old);
        }
        new = step::<H>(&mut at, &mut last, &new, sibling);
    }
    finish(last, old == *root1 && new == *root2)
}

/// One step up: `node`, number `at` of `0..=last`, joined with its `sibling`.
fn step<H: TreeHash>(at: &mut u64, last: &mut u64, node: &Node, sibling: &Node) -> Node {
    let joined = if *at & 1 == 1 || at == last {
        // A node without a right sibling rises until it is itself a right one.
        while *at & 1 == 0 && *at != 0 {
            (*at, *last) = (*at >> 1, *last >> 1);
        }
        H::node(sibling, node)
    } else {
        H::node(node, sibling)
    };
    (*at, *last) = (*at >> 1, *last >> 1);
    joined
}

const fn finish(last: u64, same: bool) -> Result<(), ProofError> {
    match (last, same) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        _ => Err(ProofError::Length),
    }
}
