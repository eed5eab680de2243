//! The format's Merkle tree: SHA3-256, an odd node paired with itself.
//!
//! Pairing a node with itself lets two lists share a root (the last leaf once
//! or twice), so a root says nothing without the signed number of leaves.

use crate::digest::Sha3Digest;

/// A leaf's or an inner node's hash.
pub(super) type Node = [u8; 32];

/// The leaf of an event whose canonical JSON has this SHA3-256: it is hashed
/// once more behind a zero byte.
pub(super) fn leaf(event_sha3: &Node) -> Node {
    *Sha3Digest::of_parts(&[&[0], event_sha3]).as_bytes()
}

fn node(left: &Node, right: &Node) -> Node {
    *Sha3Digest::of_parts(&[&[1], left, right]).as_bytes()
}

/// A growing tree: at each level the node that waits for a right sibling.
/// Memory is O(log n).
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    levels: Vec<Option<Node>>,
}

impl Tree {
    pub(super) fn push(&mut self, leaf: Node) {
        let mut carried = leaf;
        for level in &mut self.levels {
            match level.take() {
                Some(left) => carried = node(&left, &carried),
                None => {
                    *level = Some(carried);
                    return;
                }
            }
        }
        self.levels.push(Some(carried));
    }

    /// The root; `None` of the tree without leaves.
    pub(super) fn root(&self) -> Option<Node> {
        let mut carried: Option<Node> = None;
        let mut levels = self.levels.iter().peekable();
        while let Some(level) = levels.next() {
            let is_top = levels.peek().is_none();
            carried = match (level, carried) {
                (Some(left), Some(right)) => Some(node(left, &right)),
                (Some(only), None) if is_top => Some(*only),
                // The last of an odd number of nodes, with others before it.
                (Some(odd), None) => Some(node(odd, odd)),
                (None, Some(odd)) => Some(node(&odd, &odd)),
                (None, None) => None,
            };
        }
        carried
    }
}

/// The siblings of leaf `index` of `leaves` upwards, and whether each stands on
/// the left; `None` when there is no such leaf.
pub(super) fn path(leaves: &[Node], index: usize) -> Option<Vec<(Node, bool)>> {
    let (mut level, mut at, mut path) = (leaves.to_vec(), index, Vec::new());
    level.get(at)?;
    while level.len() > 1 {
        let sibling = level.get(at ^ 1).or_else(|| level.get(at))?;
        path.push((*sibling, at & 1 == 1));
        level = level.chunks(2).filter_map(|pair| Some(node(pair.first()?, pair.last()?))).collect();
        at /= 2;
    }
    Some(path)
}

/// The root that leaf `index` of `size` and its siblings lead to; `None` when
/// there is no such leaf or the siblings are not those of such a tree. Which
/// side a sibling stands on follows from the index.
pub(super) fn root_of(leaf: Node, index: u64, size: u64, siblings: &[Node]) -> Option<Node> {
    if index >= size {
        return None;
    }
    let (mut at, mut width, mut carried) = (index, size, leaf);
    for sibling in siblings {
        if width <= 1 {
            return None;
        }
        // Alone at the end of its level, a node is its own sibling.
        if at & 1 == 0 && at + 1 == width && *sibling != carried {
            return None;
        }
        carried = if at & 1 == 1 { node(sibling, &carried) } else { node(&carried, sibling) };
        (at, width) = (at / 2, width.div_ceil(2));
    }
    (width == 1).then_some(carried)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, written out: what the package does.
    fn defined(leaves: &[Node]) -> Node {
        let mut level = leaves.to_vec();
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| node(&pair[0], pair.last().unwrap())).collect();
        }
        level[0]
    }

    #[test]
    fn grows_into_the_defined_root_with_a_path_for_every_leaf() {
        let mut tree = Tree::default();
        assert_eq!(tree.root(), None);
        let mut leaves = Vec::new();
        for number in 0..70_u8 {
            let new = leaf(&[number; 32]);
            tree.push(new);
            leaves.push(new);
            let root = defined(&leaves);
            assert_eq!(tree.root(), Some(root), "{} leaves", leaves.len());
            let size = leaves.len() as u64;
            for (index, leaf) in leaves.iter().enumerate() {
                let path: Vec<_> = path(&leaves, index).unwrap().into_iter().map(|(node, _)| node).collect();
                assert_eq!(root_of(*leaf, index as u64, size, &path), Some(root));
                assert_eq!(root_of(*leaf, size, size, &path), None);
                assert_eq!(root_of(*leaf, index as u64, size, &[path, vec![root]].concat()), None);
            }
        }
        assert_eq!(path(&leaves, 70), None);
    }

    #[test]
    fn a_leaf_that_is_only_the_copy_of_the_last_has_no_place() {
        let leaves: Vec<_> = (0..3_u8).map(|number| leaf(&[number; 32])).collect();
        let twice = [leaves.clone(), vec![leaves[2]]].concat();
        assert_eq!(defined(&leaves), defined(&twice));
        let siblings = path(&twice, 3).unwrap();
        let siblings: Vec<_> = siblings.into_iter().map(|(node, _)| node).collect();
        assert_eq!(root_of(leaves[2], 3, 3, &siblings), None);
        assert_eq!(root_of(leaves[2], 2, 3, &siblings), Some(defined(&leaves)));
    }
}
