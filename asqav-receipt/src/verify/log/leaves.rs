//! A growing tree whose nodes are hashed many at once.

use crate::merkle::{Frontier, Sha3Tree};

/// So many leaves wait for each other.
const MAX_WAITING: usize = 64;

/// A tree over lines.
#[derive(Debug, Clone, Default)]
pub(super) struct Leaves {
    tree: Frontier<Sha3Tree>,
    waiting: Vec<[u8; 32]>,
}

impl Leaves {
    pub(super) fn push(&mut self, leaf: [u8; 32]) {
        self.waiting.push(leaf);
        if self.waiting.len() == MAX_WAITING {
            self.tree.extend(&self.waiting);
            self.waiting.clear();
        }
    }

    /// How many leaves.
    pub(super) fn size(&self) -> u64 {
        self.tree.size().saturating_add(u64::try_from(self.waiting.len()).unwrap_or(u64::MAX))
    }

    /// The root over all leaves.
    pub(super) fn root(&self) -> [u8; 32] {
        let mut tree = self.tree.clone();
        tree.extend(&self.waiting);
        tree.root()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::{TreeHash as _, root};

    #[test]
    fn every_size_has_its_root() {
        let (mut leaves, mut all) = (Leaves::default(), Vec::new());
        for number in 0..200_u8 {
            assert_eq!((leaves.size(), leaves.root()), (u64::from(number), root::<Sha3Tree>(&all)));
            let leaf = Sha3Tree::leaf(&[number]);
            leaves.push(leaf);
            all.push(leaf);
        }
    }
}
