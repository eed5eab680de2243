//! Taking what deleted receipts were called out of the arrays.
//!
//! Deleted receipts are always the first ones of a log. Their ids and the
//! nodes of their batches are written over; the arrays are then what they would
//! be had they been made anew. Leaf hashes and places stay: tombstones have the
//! same.

use std::io;

use asqav_receipt::merkle::tiles::TILE_LEN;

use super::{FILLER, HASH_LEN, ID_LEN, LEVELS, RANGE_LEN, batches, id_len, ids, records};
use crate::names::FileKind;
use crate::storage::Storage;

/// So many records are written over at once.
const PART: usize = 4_096;

/// How many receipts of the log were deleted: all in the segments before the
/// first one that is there.
pub(super) fn deleted(storage: &mut dyn Storage) -> io::Result<u64> {
    let (mut oldest, mut leaves) = (u64::MAX, Vec::new());
    for entry in storage.list("")? {
        match FileKind::of(&entry.name) {
            FileKind::Segment(number) if entry.file_len != Some(0) => oldest = oldest.min(number),
            FileKind::Leaves(number) => leaves.push((number, entry.file_len.unwrap_or(0))),
            _ => {}
        }
    }
    let deleted = leaves.into_iter().filter(|(number, _)| *number < oldest);
    Ok(deleted.map(|(_, bytes)| bytes / len(HASH_LEN)).sum())
}

/// Writes over what the arrays of `size` receipts say of the first `count`;
/// whether it was there still.
pub(super) fn forget(storage: &mut dyn Storage, count: u64, size: u64) -> io::Result<bool> {
    let count = count.min(size);
    if count == 0 || is_forgotten(storage, count)? {
        return Ok(false);
    }
    over(storage, &batches(), &FILLER, 0..count)?;
    for level in 1..LEVELS {
        over(storage, &ids(level), &[0; RANGE_LEN], 0..records(count, level))?;
    }
    // INVARIANT: the last of these ids says that all was done.
    over(storage, &ids(0), &[0; ID_LEN], 0..count - 1)?;
    for level in 1..LEVELS {
        let at = records(count, level);
        if at < records(size, level) && at << (level * TILE_LEN.ilog2()) < count {
            let range = range_of(storage, level, at, count)?;
            storage.overwrite(&ids(level), &[at * len(RANGE_LEN)], &range)?;
        }
    }
    over(storage, &ids(0), &[0; ID_LEN], count - 1..count)?;
    Ok(true)
}

fn is_forgotten(storage: &mut dyn Storage, count: u64) -> io::Result<bool> {
    Ok(storage.read(&ids(0), (count - 1) * len(ID_LEN), ID_LEN)? == [0; ID_LEN])
}

/// The least and the greatest of what group `at` of `level` is made of, of
/// which the first `count` receipts are forgotten.
fn range_of(storage: &mut dyn Storage, level: u32, at: u64, count: u64) -> io::Result<[u8; RANGE_LEN]> {
    let width = id_len(level - 1);
    let below = storage.read(&ids(level - 1), at * len(TILE_LEN * width), TILE_LEN * width)?;
    let greatest = (at * len(TILE_LEN)..)
        .zip(below.chunks_exact(width))
        .filter(|(number, _)| level > 1 || *number >= count)
        .filter_map(|(_, record)| record.last_chunk::<ID_LEN>())
        .max();
    let mut range = [0; RANGE_LEN];
    if let (Some(to), Some(greatest)) = (range.last_chunk_mut::<ID_LEN>(), greatest) {
        *to = *greatest;
    }
    Ok(range)
}

/// Writes `record` over those with these numbers.
fn over(
    storage: &mut dyn Storage,
    name: &str,
    record: &[u8],
    numbers: std::ops::Range<u64>,
) -> io::Result<()> {
    let (width, part) = (len(record.len()), len(PART));
    let whole: Vec<_> = (0..(numbers.end.saturating_sub(numbers.start)) / part)
        .map(|at| (numbers.start + at * part) * width)
        .collect();
    if !whole.is_empty() {
        storage.overwrite(name, &whole, &record.repeat(PART))?;
    }
    let rest = numbers.start + len(whole.len()) * part..numbers.end;
    if !rest.is_empty() {
        let count = usize::try_from(rest.end - rest.start).map_err(io::Error::other)?;
        storage.overwrite(name, &[rest.start * width], &record.repeat(count))?;
    }
    Ok(())
}

fn len(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::super::Place;
    use super::super::batches::Signed;
    use super::super::grow::TreeWriter;
    use super::*;
    use crate::storage::FsStorage;

    const SIZE: u64 = 66_000;

    /// Ids in the order of a log, and now and then one that is not.
    fn id(number: u64) -> [u8; ID_LEN] {
        let order = if number % 97 == 5 { number ^ 0x1_ffff } else { number };
        u128::from(order + 1).to_be_bytes()
    }

    /// The files of a tree that was told nothing of the first `unknown` ids,
    /// and was made to forget the first of each of `forgotten`.
    fn files(unknown: u64, forgotten: &[u64]) -> BTreeMap<String, Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        let mut storage = FsStorage::new(dir.path());
        let _guard = storage.lock().unwrap();
        let mut tree = TreeWriter::open(&mut storage, u64::MAX).unwrap();
        for number in 0..SIZE {
            let id = if number < unknown { [0; ID_LEN] } else { id(number) };
            tree.push([7; HASH_LEN], id, Place::START, Signed::Own);
        }
        tree.flush(&mut storage).unwrap();
        for count in forgotten {
            assert!(forget(&mut storage, *count, SIZE).unwrap());
            assert!(!forget(&mut storage, *count, SIZE).unwrap(), "nothing is left to do");
        }
        let entries = fs::read_dir(dir.path().join("tree")).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    #[test]
    fn what_was_forgotten_was_never_there() {
        for count in [1, 2, 255, 256, 257, 700, 65_535, 65_536, 65_537, SIZE] {
            let (found, expected) = (files(0, &[count]), files(count, &[]));
            assert!(found == expected, "{count}");
        }
        assert!(files(0, &[3, 300, 10_000]) == files(10_000, &[]));
    }
}
