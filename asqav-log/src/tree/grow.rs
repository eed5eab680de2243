//! Adding to the stored tree.

use std::io;

use asqav_receipt::merkle::tiles::TILE_LEN;
use asqav_receipt::merkle::{Sha3Tree, root};

use super::batches::{Batches, Signed};
use super::{
    HASH_LEN, ID_LEN, LEVELS, PLACE_LEN, Place, RANGE_LEN, batches, hashes, id_len, ids, places, records,
    size_of,
};
use crate::names::TREE;
use crate::storage::{Entry, Storage, StorageFile};

/// The least and the greatest of some ids.
type IdRange = [[u8; ID_LEN]; 2];

/// The arrays, open for appending.
pub(crate) struct TreeWriter {
    size: u64,
    hashes: Vec<Array<[u8; HASH_LEN]>>,
    ids: Vec<Array<IdRange>>,
    places: Array<()>,
    batches: Array<()>,
    /// The batch that is coming in.
    batch: Batches,
    /// Receipts that are not written yet.
    waiting: u64,
}

/// One array: its file, its records since the last full group, and bytes that
/// are not written yet.
struct Array<T> {
    name: String,
    file: Option<Box<dyn StorageFile>>,
    edge: Vec<T>,
    waiting: Vec<u8>,
}

impl TreeWriter {
    /// Opens the arrays and cuts them to at most `limit` receipts.
    pub(super) fn open(storage: &mut dyn Storage, limit: u64) -> io::Result<Self> {
        let listed = storage.list(TREE)?;
        let found = |name: &str| {
            let in_tree = |entry: &&Entry| name.strip_prefix(TREE) == Some(&format!("/{}", entry.name));
            listed.iter().find(in_tree)
        };
        let len = |name: &str| found(name).and_then(|entry| entry.file_len).unwrap_or(0);
        let size =
            size_of(|name| Ok::<_, io::Error>(len(name)))?.min(len(&batches()) / bytes(HASH_LEN)).min(limit);
        let mut array = |name: String, width: usize, level: u32| {
            let wanted = records(size, level).saturating_mul(bytes(width));
            if len(&name) > wanted {
                storage.truncate(&name, wanted)?;
            }
            let all = records(size, level);
            let rest = all % bytes(TILE_LEN);
            let edge = if rest == 0 {
                Vec::new()
            } else {
                let offset = (all - rest).saturating_mul(bytes(width));
                let edge = storage.read(&name, offset, usize::try_from(rest).unwrap_or(0) * width)?;
                edge.chunks_exact(width).map(<[u8]>::to_vec).collect()
            };
            let file = if found(&name).is_some() { Some(storage.open(&name)?) } else { None };
            Ok::<_, io::Error>((name, file, edge))
        };
        let mut opened = Self {
            size,
            hashes: Vec::new(),
            ids: Vec::new(),
            places: Array::new(array(places(), PLACE_LEN, 0)?, |_| Some(())),
            batches: Array::new(array(batches(), HASH_LEN, 0)?, |_| Some(())),
            batch: Batches::default(),
            waiting: 0,
        };
        for level in 0..LEVELS {
            let found = array(hashes(level), HASH_LEN, level)?;
            opened.hashes.push(Array::new(found, |record| record.try_into().ok()));
            let found = array(ids(level), id_len(level), level)?;
            opened.ids.push(Array::new(found, id_range));
        }
        Ok(opened)
    }

    /// How many receipts the tree covers, those not yet written included.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// How many of them are not written yet.
    pub(super) const fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Adds the next receipt.
    pub(super) fn push(&mut self, leaf: [u8; HASH_LEN], id: [u8; ID_LEN], place: Place, signed: Signed<'_>) {
        self.batch.push(signed, &mut self.batches.waiting);
        self.places.waiting.extend_from_slice(&place.to_record());
        let mut hash = Some(leaf);
        for array in &mut self.hashes {
            let Some(record) = hash.take() else { break };
            array.waiting.extend_from_slice(&record);
            hash = array.group(record).map(|group| root::<Sha3Tree>(&group));
        }
        let mut range = Some([id; 2]);
        for (level, array) in (0_u32..).zip(&mut self.ids) {
            let Some(record) = range.take() else { break };
            let encoded = record.as_flattened();
            array.waiting.extend_from_slice(encoded.get(..id_len(level)).unwrap_or(encoded));
            range = array.group(record).map(|group| {
                let least = group.iter().map(|[least, _]| *least).min().unwrap_or_default();
                let greatest = group.iter().map(|[_, greatest]| *greatest).max().unwrap_or_default();
                [least, greatest]
            });
        }
        self.size += 1;
        self.waiting += 1;
    }

    /// Writes what was added. After an error the arrays are opened anew.
    pub(super) fn flush(&mut self, storage: &mut dyn Storage) -> io::Result<()> {
        if self.waiting == 0 {
            return Ok(());
        }
        self.places.flush(storage)?;
        self.batches.flush(storage)?;
        self.ids.iter_mut().try_for_each(|array| array.flush(storage))?;
        self.hashes.iter_mut().try_for_each(|array| array.flush(storage))?;
        self.waiting = 0;
        Ok(())
    }
}

type Found = (String, Option<Box<dyn StorageFile>>, Vec<Vec<u8>>);

impl<T> Array<T> {
    fn new((name, file, edge): Found, read: impl Fn(&[u8]) -> Option<T>) -> Self {
        let edge = edge.iter().filter_map(|record| read(record)).collect();
        Self { name, file, edge, waiting: Vec::new() }
    }

    /// Takes a record; gives the group that it completes.
    fn group(&mut self, record: T) -> Option<Vec<T>> {
        self.edge.push(record);
        (self.edge.len() == TILE_LEN).then(|| std::mem::take(&mut self.edge))
    }

    fn flush(&mut self, storage: &mut dyn Storage) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(storage.create(&self.name)?),
        };
        file.append(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }
}

fn id_range(record: &[u8]) -> Option<IdRange> {
    match record.len() {
        ID_LEN => Some([record.try_into().ok()?; 2]),
        RANGE_LEN => {
            let (least, greatest) = record.split_at(ID_LEN);
            Some([least.try_into().ok()?, greatest.try_into().ok()?])
        }
        _ => None,
    }
}

fn bytes(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
