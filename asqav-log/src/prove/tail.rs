//! The receipts that the stored tree does not have yet.

use std::io::{self, BufReader, Seek as _, SeekFrom};
use std::path::Path;

use asqav_receipt::merkle::{Sha3Tree, TreeHash as _};

use super::{ProveError, Wanted, is};
use crate::lines::Lines;
use crate::names::segment_name;
use crate::reader::ReadError;
use crate::regular;
use crate::tombstone;
use crate::tree::{Place, StoredTree};

/// What stands in the segments after the stored tree's last receipt.
pub(super) struct Tail {
    /// The leaves, up to the size asked for.
    pub(super) leaves: Vec<[u8; 32]>,
    /// The line of the receipt that was looked for.
    pub(super) found: Option<Vec<u8>>,
    /// The number of the last receipt that was read.
    newest: u64,
}

impl Tail {
    /// Reads the receipts after those of `stored`, up to number `size`.
    pub(super) fn read(
        log_dir: &Path,
        stored: &mut StoredTree,
        size: u64,
        wanted: Option<Wanted>,
    ) -> Result<Self, ProveError> {
        let mut tail = Self { leaves: Vec::new(), found: None, newest: stored.size() };
        let count = size.saturating_sub(stored.size());
        if count == 0 {
            return Ok(tail);
        }
        let known = u64::from(stored.size() > 0);
        let mut place = stored.place(stored.size())?.unwrap_or(Place::START);
        // The line at `place` is the tree's last one.
        let mut skip = known;
        while !tail.is_full(count) && tail.segment(log_dir, place, &mut skip, count, wanted)? {
            place = Place { segment: place.segment.saturating_add(1), offset: 0 };
        }
        Ok(tail)
    }

    fn is_full(&self, count: u64) -> bool {
        u64::try_from(self.leaves.len()).is_ok_and(|len| len >= count)
    }

    /// Goes on by the leaf hashes of a deleted segment; `false` if it was not
    /// deleted.
    fn deleted(
        &mut self,
        log_dir: &Path,
        place: Place,
        skip: &mut u64,
        count: u64,
    ) -> Result<bool, ReadError> {
        let Some(leaves) = tombstone::leaves(log_dir, place.segment)? else { return Ok(false) };
        for leaf in leaves {
            if self.is_full(count) {
                break;
            }
            if *skip > 0 {
                *skip -= 1;
                continue;
            }
            self.leaves.push(leaf);
            self.newest += 1;
        }
        Ok(true)
    }

    /// Reads on in one segment; `false` if there is none.
    fn segment(
        &mut self,
        log_dir: &Path,
        place: Place,
        skip: &mut u64,
        count: u64,
        wanted: Option<Wanted>,
    ) -> Result<bool, ReadError> {
        let (mut file, path) = match regular::open(log_dir, &segment_name(place.segment)) {
            Ok(opened) => opened,
            Err(ReadError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return self.deleted(log_dir, place, skip, count);
            }
            Err(error) => return Err(error),
        };
        let io = |source| ReadError::Io { path: path.clone(), source };
        file.seek(SeekFrom::Start(place.offset)).map_err(io)?;
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, file));
        while !self.is_full(count)
            && let Some(piece) = lines.next_piece().map_err(io)?
        {
            if !piece.complete {
                break;
            }
            if *skip > 0 {
                *skip -= 1;
                continue;
            }
            self.leaves.push(Sha3Tree::leaf(piece.bytes));
            self.newest += 1;
            let may_be = match wanted {
                Some(Wanted::Seq(seq)) => seq == self.newest,
                Some(Wanted::Id(_)) => self.found.is_none(),
                None => false,
            };
            if may_be && wanted.is_some_and(|wanted| is(piece.bytes, wanted)) {
                self.found = Some(piece.bytes.to_vec());
            }
        }
        Ok(true)
    }
}
