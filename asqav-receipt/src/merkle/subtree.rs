//! Proofs about a part of a tree: the leaves `start..end` as a tree of their
//! own (draft-ietf-plants-merkle-tree-certs §4).
//!
//! A part is one whose root an observer of the whole tree can be shown to be
//! in it: `start` is a multiple of the smallest power of two that is not below
//! its length.

use std::ops::Range;

use super::{ProofError, TreeHash, verify_inclusion};

/// A leaf's or an inner node's hash.
type Node = [u8; 32];

/// Whether the leaves `part` of some tree are a part with proofs.
const fn is_part(part: &Range<u64>) -> bool {
    if part.start >= part.end {
        return false;
    }
    match (part.end - part.start).checked_next_power_of_two() {
        Some(width) => part.start.is_multiple_of(width),
        None => part.start == 0,
    }
}

/// Checks that `leaf` (already hashed) is number `index`, from 0, of the whole
/// tree and stands in its `part`, whose root is `root`.
///
/// # Errors
/// [`ProofError`] when that is not shown; [`ProofError::Range`] if `part` is
/// none or does not hold the leaf.
pub fn verify_part_inclusion<H: TreeHash>(
    index: u64,
    part: Range<u64>,
    leaf: &Node,
    path: &[Node],
    root: &Node,
) -> Result<(), ProofError> {
    if !is_part(&part) || !part.contains(&index) {
        return Err(ProofError::Range);
    }
    verify_inclusion::<H>(index - part.start, part.end - part.start, leaf, path, root)
}

/// Checks that the leaves `part` with `part_root` stand in the tree of `size`
/// leaves under `root`. The empty part stands in every tree, by its root
/// alone: that says nothing about `root`.
///
/// # Errors
/// [`ProofError`] when that is not shown.
pub fn verify_part_consistency<H: TreeHash>(
    part: Range<u64>,
    size: u64,
    path: &[Node],
    part_root: &Node,
    root: &Node,
) -> Result<(), ProofError> {
    if part.start == part.end && part.end <= size {
        let is_empty = *part_root == H::empty();
        return match path {
            [] if is_empty => Ok(()),
            [] => Err(ProofError::Root),
            _ => Err(ProofError::Length),
        };
    }
    if !is_part(&part) || part.end > size {
        return Err(ProofError::Range);
    }
    let mut at = Places { first: part.start, last: part.end - 1, end: size - 1 };
    // A part that ends where the tree does rises to its own root at once; any
    // other one to the first node that is not a right child.
    let at_end = at.last == at.end;
    while at.first != at.last && (at_end || at.last & 1 == 1) {
        at.rise();
    }
    let mut rest = path.iter();
    let start = if at.first == at.last { part_root } else { rest.next().ok_or(ProofError::Length)? };
    let (mut inner, mut outer) = (*start, *start);
    for sibling in rest {
        if at.end == 0 {
            return Err(ProofError::Length);
        }
        if at.last & 1 == 1 || at.last == at.end {
            if at.first < at.last {
                inner = H::node(sibling, &inner);
            }
            outer = H::node(sibling, &outer);
            while at.last & 1 == 0 && at.last != 0 {
                at.rise();
            }
        } else {
            outer = H::node(&outer, sibling);
        }
        at.rise();
    }
    match (at.end, inner == *part_root && outer == *root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        _ => Err(ProofError::Length),
    }
}

/// Where the part's first and last node and the tree's last node stand on a
/// level.
struct Places {
    first: u64,
    last: u64,
    end: u64,
}

impl Places {
    const fn rise(&mut self) {
        (self.first, self.last, self.end) = (self.first >> 1, self.last >> 1, self.end >> 1);
    }
}
