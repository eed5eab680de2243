//! A stored tree and the leaves that it does not have yet.

use asqav_receipt::merkle::tiles::{TILE_LEN, Tile, TileSource};
use asqav_receipt::merkle::{Sha3Tree, root};

use super::{StoredTree, records};
use crate::reader::ReadError;

/// Tiles of the stored tree as far as they go, beyond them made from leaves
/// that were read from segments.
pub(crate) struct Overlay<'a> {
    /// The stored part.
    pub(crate) stored: &'a mut StoredTree,
    /// The leaves after it.
    pub(crate) tail: &'a [[u8; 32]],
}

impl TileSource for Overlay<'_> {
    type Error = ReadError;

    fn tile(&mut self, Tile { level, index, len, .. }: Tile) -> Result<Vec<[u8; 32]>, ReadError> {
        let first = index * u64::try_from(TILE_LEN).unwrap_or(u64::MAX);
        let has = records(self.stored.size(), level).saturating_sub(first);
        let stored = usize::try_from(has).unwrap_or(usize::MAX).min(len);
        let mut hashes = match stored {
            0 => Vec::new(),
            len => self.stored.tile(Tile::new(level, index, len))?,
        };
        for at in stored..len {
            let number = first + u64::try_from(at).unwrap_or(u64::MAX);
            hashes.push(match level.checked_sub(1) {
                None => self.leaf(number),
                Some(below) => root::<Sha3Tree>(&self.tile(Tile::new(below, number, TILE_LEN))?),
            });
        }
        Ok(hashes)
    }
}

impl Overlay<'_> {
    /// A leaf that is missing gives a wrong proof, which is noticed.
    fn leaf(&self, number: u64) -> [u8; 32] {
        let at = usize::try_from(number - self.stored.size()).unwrap_or(usize::MAX);
        self.tail.get(at).copied().unwrap_or_default()
    }
}
