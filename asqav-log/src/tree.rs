//! The stored tree: what makes a proof without reading the log.
//!
//! Beside the segments, in the folder `tree`, lie arrays of records of a fixed
//! width, one record a receipt in the order of the receipts:
//!
//! | file | bytes a record | record |
//! |---|---|---|
//! | `hashes-0` | 32 | the receipt's leaf in the tree over all receipts |
//! | `hashes-N` | 32 | root over 256 records of `hashes-(N-1)` |
//! | `ids-0` | 16 | the receipt's action id |
//! | `ids-N` | 32 | the least and the greatest id of 256 records of `ids-(N-1)` |
//! | `places` | 16 | number of its segment, and where in it its line begins |
//! | `batches` | 32 | of a receipt that is leaf N of its batch, the batch's inner node N ([`inner_nodes`]); `ff…` where there is none |
//!
//! and `key-<thumbprint>`, the public keys that the log was signed with.
//!
//! [`inner_nodes`]: asqav_receipt::batch::inner_nodes
//!
//! 256 records of `hashes-N` are one tile as C2SP tlog-tiles has it. All of it
//! is derived: made again when it is absent or wrong, never evidence, and no
//! verdict rests on it. A proof is checked before it is handed out.

#[cfg(feature = "write")]
mod batches;
#[cfg(feature = "write")]
mod catch_up;
mod files;
#[cfg(feature = "write")]
mod forget;
#[cfg(feature = "write")]
mod grow;
mod keys;
mod overlay;
mod stored;

#[cfg(feature = "write")]
pub(crate) use catch_up::Derived;
pub(crate) use overlay::Overlay;
pub use stored::StoredTree;

use asqav_receipt::merkle::tiles::TILE_LEN;

use crate::names::TREE;

/// Levels of arrays; 256^8 receipts would fill the last one.
const LEVELS: u32 = 8;

/// Bytes of a record of `hashes-N`.
const HASH_LEN: usize = 32;
/// Bytes of a record of `ids-0`.
const ID_LEN: usize = 16;
/// Bytes of a record of `ids-N` for N over 0.
const RANGE_LEN: usize = 32;
/// Bytes of a record of `places`.
const PLACE_LEN: usize = 16;

/// The record of `batches` where there is no node: zeros are what a crash leaves.
#[cfg(feature = "write")]
const FILLER: [u8; HASH_LEN] = [0xff; HASH_LEN];

/// `tree/hashes-0` for 0.
pub(crate) fn hashes(level: u32) -> String {
    format!("{TREE}/hashes-{level}")
}

/// `tree/ids-0` for 0.
fn ids(level: u32) -> String {
    format!("{TREE}/ids-{level}")
}

fn places() -> String {
    format!("{TREE}/places")
}

fn batches() -> String {
    format!("{TREE}/batches")
}

const fn id_len(level: u32) -> usize {
    if level == 0 { ID_LEN } else { RANGE_LEN }
}

/// How many records level `level` has when there are `size` receipts.
const fn records(size: u64, level: u32) -> u64 {
    size >> (level * TILE_LEN.ilog2())
}

/// How many receipts the arrays that every proof needs have, by the length in bytes that `len` tells
/// of each.
fn size_of<E>(mut len: impl FnMut(&str) -> Result<u64, E>) -> Result<u64, E> {
    let mut size = len(&places())? / PLACE_LEN as u64;
    for level in 0..LEVELS {
        let hashes = len(&hashes(level))? / HASH_LEN as u64;
        let ids = len(&ids(level))? / id_len(level) as u64;
        // So many receipts that this level has all their full groups.
        let holds = ((u128::from(hashes.min(ids)) + 1) << (level * TILE_LEN.ilog2())) - 1;
        size = size.min(u64::try_from(holds).unwrap_or(u64::MAX));
        if records(size, level) == 0 {
            break;
        }
    }
    Ok(size)
}

/// Where a receipt's line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The segment's number.
    pub(crate) segment: u64,
    /// Bytes from the segment's start.
    pub(crate) offset: u64,
}

impl Place {
    /// The beginning of a log.
    pub(crate) const START: Self = Self { segment: 1, offset: 0 };

    #[cfg(feature = "write")]
    fn to_record(self) -> [u8; PLACE_LEN] {
        ((u128::from(self.segment) << 64) | u128::from(self.offset)).to_be_bytes()
    }

    fn from_record(record: [u8; PLACE_LEN]) -> Self {
        let both = u128::from_be_bytes(record).to_be_bytes();
        let half = |from: usize| {
            let half: [u8; 8] =
                both.get(from..from + 8).and_then(|half| half.try_into().ok()).unwrap_or_default();
            u64::from_be_bytes(half)
        };
        Self { segment: half(0), offset: half(8) }
    }
}

/// The action id with which a log line begins; `None` if it does not begin as
/// asqav writes it.
pub(crate) fn id_of(line: &[u8]) -> Option<asqav_receipt::id::ActionId> {
    const BEFORE: &[u8] = br#"{"payload":{"action_id":""#;
    let text = line.strip_prefix(BEFORE)?.split(|byte| *byte == b'"').next()?;
    asqav_receipt::id::ActionId::parse(std::str::from_utf8(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back() {
        let place = Place { segment: 3, offset: (7 << 33) + 5 };
        let record = ((u128::from(place.segment) << 64) | u128::from(place.offset)).to_be_bytes();
        assert_eq!(Place::from_record(record), place);
        assert_eq!(record[..8], 3_u64.to_be_bytes());
    }

    #[test]
    fn an_id_is_found_where_a_line_begins() {
        let id = "act_0195f6c8-5a3b-7c00-8000-000000000001";
        let line = format!(r#"{{"payload":{{"action_id":"{id}","action_ref":"x"}}}}"#);
        assert_eq!(id_of(line.as_bytes()).unwrap().to_string(), id);
        assert_eq!(id_of(br#"{"payload":{"agent_id":"x"}}"#), None);
        assert_eq!(id_of(br#"{"payload":{"action_id":"act_"#), None);
    }
}
