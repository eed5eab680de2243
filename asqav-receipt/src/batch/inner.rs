//! The nodes between a batch's leaves and its root, numbered, so that a path
//! can be had without the leaves.
//!
//! Level by level from below, left to right, only nodes that join two others
//! and not the root: a batch of n leaves has n − 2 of them.

use super::{BatchPlace, BatchedSignature};
use crate::merkle::{Sha3Tree, TreeHash as _};

/// A node on the path of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a tree has no others")]
pub enum PathNode {
    /// The leaf of this index in the batch.
    Leaf(u16),
    /// The inner node of this number.
    Inner(u16),
}

/// The nodes that the path of leaf `index` is made of, from its sibling
/// upwards (RFC 9162 §2.1.3.1).
pub fn path_nodes(place: BatchPlace, index: u16) -> impl Iterator<Item = PathNode> {
    siblings(place, index).map(|(_, node)| node)
}

/// The inner nodes over `leaves` by number, with one hash a node.
#[must_use]
pub fn inner_nodes(mut leaves: Vec<[u8; 32]>) -> Vec<[u8; 32]> {
    let mut nodes = Vec::with_capacity(leaves.len());
    while leaves.len() > 2 {
        let mut above = Vec::with_capacity(leaves.len().div_ceil(2));
        for pair in leaves.chunks(2) {
            match pair {
                [left, right] => {
                    let node = Sha3Tree::node(left, right);
                    nodes.push(node);
                    above.push(node);
                }
                // It rises as it is, and has its number already.
                alone => above.extend(alone),
            }
        }
        leaves = above;
    }
    nodes
}

impl BatchedSignature {
    /// The inner nodes that are first met on this receipt's path, by number.
    /// Those of all receipts of a batch are all its inner nodes, once each.
    pub fn first_met(&self) -> impl Iterator<Item = (u16, &[u8; 32])> {
        // Of the leaves below a node's sibling, the leftmost is the one that
        // is a multiple of the sibling's width.
        let height = if self.index == 0 { u32::MAX } else { self.index.trailing_zeros() };
        siblings(self.place, self.index)
            .zip(&self.path)
            .take_while(move |((level, _), _)| *level <= height)
            .filter_map(|((_, node), hash)| match node {
                PathNode::Inner(number) => Some((number, hash)),
                PathNode::Leaf(_) => None,
            })
    }
}

/// The siblings of leaf `index` and of what is above it, with their levels.
fn siblings(place: BatchPlace, index: u16) -> impl Iterator<Item = (u32, PathNode)> {
    let size = place.size();
    let levels = (0..u16::BITS).take_while(move |level| width(size, *level) > 1);
    levels.filter_map(move |level| {
        let sibling = (index >> level) ^ 1;
        (sibling < width(size, level)).then(|| (level, node(size, level, sibling)))
    })
}

/// How many nodes `level` has over `size` leaves.
const fn width(size: u16, level: u32) -> u16 {
    size.div_ceil(1 << level)
}

/// Node `at` of `level`, wherever it rose from.
fn node(size: u16, mut level: u32, mut at: u16) -> PathNode {
    while level > 0 && 2 * at + 1 == width(size, level - 1) {
        level -= 1;
        at *= 2;
    }
    if level == 0 {
        return PathNode::Leaf(at);
    }
    // So many nodes below join two others.
    let below: u16 = (1..level).map(|level| width(size, level - 1) / 2).sum();
    PathNode::Inner(below + at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::id::KeyId;
    use crate::merkle::Levels;
    use crate::receipt::Signature;
    use crate::suite::ML_DSA_65;

    fn leaves(size: u16) -> Vec<[u8; 32]> {
        (0..size).map(|at| Sha3Tree::leaf(&at.to_be_bytes())).collect()
    }

    fn sizes() -> impl Iterator<Item = u16> {
        (2..70).chain([127, 128, 129, 255, 257, 511, 513, 768, 1_000, 1_023, 1_024])
    }

    /// `Levels` is what the signer makes paths with.
    #[test]
    fn every_path_is_made_of_leaves_and_inner_nodes() {
        for size in sizes() {
            let (all, place) = (leaves(size), BatchPlace::new(1, u64::from(size)).unwrap());
            let (nodes, levels) = (inner_nodes(all.clone()), Levels::<Sha3Tree>::new(all.clone()));
            assert_eq!(nodes.len(), usize::from(size) - 2);
            for index in 0..size {
                let path = path_nodes(place, index).map(|node| match node {
                    PathNode::Leaf(at) => all[usize::from(at)],
                    PathNode::Inner(number) => nodes[usize::from(number)],
                });
                let path: Vec<_> = path.collect();
                assert_eq!(Some(path), levels.path(usize::from(index)), "{index} of {size}");
            }
        }
    }

    #[test]
    fn a_path_needs_at_most_its_own_sibling_and_the_last_leaf() {
        for size in sizes() {
            let place = BatchPlace::new(1, u64::from(size)).unwrap();
            for index in 0..size {
                let leaves = path_nodes(place, index).filter_map(|node| match node {
                    PathNode::Leaf(at) => Some(at),
                    PathNode::Inner(_) => None,
                });
                assert!(leaves.into_iter().all(|at| at == index ^ 1 || at == size - 1), "{index} of {size}");
            }
        }
    }

    #[test]
    fn the_paths_of_a_batch_hold_each_inner_node_once() {
        let sig = Signature { alg: ML_DSA_65.name, kid: KeyId::parse("k").unwrap(), sig: Vec::new() };
        let root = Arc::new(sig);
        for size in sizes() {
            let place = BatchPlace::new(1, u64::from(size)).unwrap();
            let levels = Levels::<Sha3Tree>::new(leaves(size));
            let mut found = vec![None; usize::from(size) - 2];
            for index in 0..size {
                let path = levels.path(usize::from(index)).unwrap();
                let signature = BatchedSignature { root: Arc::clone(&root), place, index, path };
                for (number, node) in signature.first_met() {
                    assert_eq!(found[usize::from(number)].replace(*node), None, "{number} of {size}");
                }
            }
            let found: Vec<_> = found.into_iter().map(Option::unwrap).collect();
            assert_eq!(found, inner_nodes(leaves(size)), "{size}");
        }
    }
}
