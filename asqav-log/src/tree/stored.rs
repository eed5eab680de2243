//! Reading the stored tree.

use std::ops::Range;
use std::path::Path;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::ActionId;
use asqav_receipt::merkle::tiles::{TILE_LEN, Tile, TileSource};
use asqav_receipt::suite::VerifyingKey;

use super::files::Files;
use super::{
    HASH_LEN, ID_LEN, LEVELS, PLACE_LEN, Place, RANGE_LEN, batches, hashes, id_len, ids, keys, places,
    records, size_of,
};
use crate::lines::MAX_LINE_LEN;
use crate::names::segment_name;
use crate::reader::ReadError;

/// How much of a line is read at first; most are shorter.
const LINE_LEN: usize = 8 * 1024;

/// The tree in a log directory's folder `tree`, which the log's writer keeps.
///
/// What it says is a claim: whoever uses it checks the proof that comes out.
#[derive(Debug)]
pub struct StoredTree {
    files: Files,
    size: u64,
}

impl StoredTree {
    /// The tree of the log in `log_dir`; of size 0 if there is none.
    ///
    /// # Errors
    /// [`ReadError`] when there is one and it cannot be read.
    pub fn open(log_dir: &Path) -> Result<Self, ReadError> {
        let mut files = Files::new(log_dir);
        let size = size_of(|name| files.len(name))?;
        Ok(Self { files, size })
    }

    /// Nothing of the tree in `log_dir`, so that all is read from the segments.
    pub(crate) fn none(log_dir: &Path) -> Self {
        Self { files: Files::new(log_dir), size: 0 }
    }

    /// How many receipts it covers; the log may have more.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// How many bytes were read so far, of it and of segments.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.files.bytes_read()
    }

    /// The number of the receipt with this id, if the tree has one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn find(&mut self, id: ActionId) -> Result<Option<u64>, ReadError> {
        for level in (0..LEVELS).rev() {
            let all = records(self.size, level);
            // Full groups are covered by the level above.
            let group = len(TILE_LEN);
            let rest = if level + 1 == LEVELS { 0 } else { all / group * group };
            if let Some(seq) = self.search(level, rest..all, id.as_bytes())? {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }

    fn search(
        &mut self,
        level: u32,
        within: Range<u64>,
        id: &[u8; ID_LEN],
    ) -> Result<Option<u64>, ReadError> {
        if within.is_empty() {
            return Ok(None);
        }
        let width = id_len(level);
        let records = self.records(&ids(level), width, within.start, within.end - within.start)?;
        for (at, record) in (within.start..).zip(records.chunks_exact(width)) {
            if level == 0 {
                if record == id {
                    return Ok(Some(at + 1));
                }
                continue;
            }
            let (least, greatest) = record.split_at(RANGE_LEN / 2);
            if least <= id.as_slice() && id.as_slice() <= greatest {
                let below = at * len(TILE_LEN)..(at + 1) * len(TILE_LEN);
                if let Some(seq) = self.search(level - 1, below, id)? {
                    return Ok(Some(seq));
                }
            }
        }
        Ok(None)
    }

    /// Where the line of receipt `seq` begins.
    pub(crate) fn place(&mut self, seq: u64) -> Result<Option<Place>, ReadError> {
        if seq == 0 || seq > self.size {
            return Ok(None);
        }
        let record = self.records(&places(), PLACE_LEN, seq - 1, 1)?;
        Ok(record.try_into().ok().map(Place::from_record))
    }

    /// The line of receipt `seq` without its line feed; `None` where the tree
    /// leads to no line. Whether it is that receipt is for the caller to see.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn line(&mut self, seq: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(place) = self.place(seq)? else { return Ok(None) };
        let name = segment_name(place.segment);
        // Where the next line begins, if that is known, this one ends.
        let next = self.place(seq + 1)?.filter(|next| next.segment == place.segment);
        let len = next.and_then(|next| usize::try_from(next.offset.checked_sub(place.offset)?).ok());
        let first = len.filter(|len| *len <= MAX_LINE_LEN).unwrap_or(LINE_LEN);
        for wanted in [first, MAX_LINE_LEN + 1] {
            let mut bytes = self.files.read(&name, place.offset, wanted)?;
            if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                bytes.truncate(end);
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Inner node `number` of the batch that begins with receipt `first_seq`.
    pub(crate) fn batch_node(&mut self, first_seq: u64, number: u16) -> Result<Option<[u8; 32]>, ReadError> {
        let at = first_seq.saturating_sub(1).saturating_add(number.into());
        Ok(self.records(&batches(), HASH_LEN, at, 1)?.try_into().ok())
    }

    /// The public key with this thumbprint, if the tree has it.
    pub(crate) fn key(&mut self, thumbprint: &Sha256Digest) -> Result<Option<VerifyingKey>, ReadError> {
        keys::read(&mut self.files, thumbprint)
    }

    /// `count` records of `width` bytes from number `first` on; fewer where the
    /// file ends.
    fn records(&mut self, name: &str, width: usize, first: u64, count: u64) -> Result<Vec<u8>, ReadError> {
        let wanted = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(width);
        self.files.read(name, first.saturating_mul(len(width)), wanted)
    }
}

impl TileSource for StoredTree {
    type Error = ReadError;

    /// A tile that is shorter than asked for gives a wrong proof, not an error.
    fn tile(&mut self, tile: Tile) -> Result<Vec<[u8; 32]>, ReadError> {
        let first = tile.index.saturating_mul(len(TILE_LEN));
        let bytes = self.records(&hashes(tile.level), HASH_LEN, first, len(tile.len))?;
        Ok(bytes.chunks_exact(HASH_LEN).filter_map(|record| record.try_into().ok()).collect())
    }
}

fn len(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
