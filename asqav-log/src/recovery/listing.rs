//! Which segments a log directory holds.

use std::collections::{BTreeMap, BTreeSet};

use asqav_core::log::LogError;

use crate::error::{damaged, io_error};
use crate::names::{DELETING, ERASING, FileKind, UNSIGNED, header_name, segment_name};
use crate::storage::{Entry, Storage};
use crate::tombstone::is_left_name;

/// The segments of a log, in order and without a gap.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// Segments 1 to this one are sealed.
    pub(super) sealed: u64,
    /// Those of them that were deleted; never the newest. Of some the name may
    /// be left.
    pub(super) deleted: BTreeSet<u64>,
    /// Segments that are there with leaf hashes beside them.
    pub(super) undeleted: Vec<u64>,
    /// Length in bytes of the newest sealed segment's file, 0 without one.
    pub(super) sealed_len: u64,
    /// The open segment's number and length.
    pub(super) open: Option<(u64, u64)>,
    /// Files that were not finished.
    pub(super) unfinished: Vec<String>,
    /// Numbers of `torn-<seq>.bin`.
    pub(super) torn: Vec<u64>,
    /// Whether there is a file of receipts that wait for their signature.
    pub(super) unsigned: bool,
}

impl Listing {
    /// Lists the log directory.
    pub(super) fn read(storage: &mut dyn Storage) -> Result<Self, LogError> {
        let entries = storage.list("").map_err(|error| io_error("listing the log directory", error))?;
        Self::of(entries)
    }

    fn of(entries: Vec<Entry>) -> Result<Self, LogError> {
        let (mut segments, mut headers) = (BTreeMap::new(), BTreeMap::new());
        let (mut unfinished, mut torn) = (Vec::new(), Vec::new());
        let (mut leaves, mut unsigned) = (BTreeSet::new(), false);
        for Entry { name, file_len } in entries {
            let kind = FileKind::of(&name);
            match (kind, file_len) {
                (
                    FileKind::Segment(_)
                    | FileKind::Header(_)
                    | FileKind::Leaves(_)
                    | FileKind::Torn(_)
                    | FileKind::Unsigned,
                    None,
                ) => {
                    return Err(damaged(name, "it is not a regular file"));
                }
                (FileKind::Segment(number), Some(len)) => {
                    segments.insert(number, len);
                }
                (FileKind::Header(number), Some(len)) => {
                    headers.insert(number, len);
                }
                (FileKind::Leaves(number), Some(_)) => {
                    leaves.insert(number);
                }
                (FileKind::Torn(seq), _) => torn.push(seq),
                (FileKind::Unsigned, _) => unsigned = true,
                (FileKind::Unfinished, Some(_)) if is_ours(&name) => unfinished.push(name),
                (FileKind::Stray, _) if name.starts_with("segment-") => {
                    return Err(damaged(name, "it is named like a segment but not as one is"));
                }
                _ => {}
            }
        }
        segments.retain(|number, len| !is_left_name(*len, leaves.contains(number)));
        let mut listing = Self::ordered(&segments, &headers, &leaves)?;
        (listing.unfinished, listing.torn, listing.unsigned) = (unfinished, torn, unsigned);
        Ok(listing)
    }

    fn ordered(
        segments: &BTreeMap<u64, u64>,
        headers: &BTreeMap<u64, u64>,
        leaves: &BTreeSet<u64>,
    ) -> Result<Self, LogError> {
        let deleted: BTreeSet<_> =
            leaves.iter().copied().filter(|number| !segments.contains_key(number)).collect();
        let all: BTreeSet<_> = segments.keys().chain(&deleted).copied().collect();
        let last = all.last().copied().unwrap_or(0);
        for (number, due) in all.iter().zip(1..) {
            if *number != due {
                return Err(damaged(segment_name(due), "it is missing"));
            }
        }
        for number in headers.keys() {
            if !all.contains(number) {
                return Err(damaged(segment_name(*number), "it is missing, its header is there"));
            }
        }
        for number in all.iter().filter(|number| **number != last || deleted.contains(number)) {
            if !headers.contains_key(number) {
                return Err(damaged(header_name(*number), "it is missing, a later segment is there"));
            }
        }
        let open = (last > 0 && !headers.contains_key(&last)).then_some(last);
        let sealed = open.map_or(last, |number| number - 1);
        if deleted.contains(&sealed) {
            return Err(damaged(segment_name(sealed), "the newest sealed segment is never deleted"));
        }
        let len = |number: u64| segments.get(&number).copied().unwrap_or(0);
        Ok(Self {
            sealed,
            sealed_len: len(sealed),
            open: open.map(|number| (number, len(number))),
            undeleted: leaves.difference(&deleted).copied().collect(),
            deleted,
            unfinished: Vec::new(),
            torn: Vec::new(),
            unsigned: false,
        })
    }
}

/// Whether an unfinished file can be one of a log's.
fn is_ours(name: &str) -> bool {
    ["segment-", "torn-", ERASING, DELETING, UNSIGNED].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(names: &[&str]) -> Result<Listing, String> {
        let entries = names.iter().map(|name| Entry { name: (*name).to_owned(), file_len: Some(7) });
        Listing::of(entries.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_newest_segment_may_be_open() {
        let names = ["segment-00000002.log", "segment-00000001.sig.json", "segment-00000001.log", "LOCK"];
        let found = listing(&names).unwrap();
        assert_eq!((found.sealed, found.sealed_len, found.open), (1, 7, Some((2, 7))));
        assert_eq!(listing(&["notes.txt", "vault"]).unwrap().open, None);
    }

    #[test]
    fn no_segment_is_missing_renumbered_or_unsealed() {
        let refused = |names: &[&str]| listing(names).unwrap_err();
        assert!(refused(&["segment-00000002.log"]).contains("segment-00000001.log: it is missing"));
        assert!(
            refused(&["segment-00000001.log", "segment-00000001.sig.json", "segment-00000003.log"])
                .contains("segment-00000002.log: it is missing")
        );
        assert!(
            refused(&["segment-00000001.log", "segment-00000002.log"])
                .contains("segment-00000001.sig.json: it is missing")
        );
        assert!(refused(&["segment-00000001.sig.json"]).contains("its header is there"));
        assert!(refused(&["segment-1.log"]).contains("named like a segment"));
    }

    #[test]
    fn deleted_segments_leave_header_and_leaf_hashes() {
        let names = [
            "segment-00000001.leaves",
            "segment-00000001.sig.json",
            "segment-00000002.log",
            "segment-00000002.sig.json",
            "segment-00000003.log",
        ];
        let found = listing(&names).unwrap();
        assert_eq!((found.sealed, found.open.map(|(number, _)| number)), (2, Some(3)));
        assert_eq!((found.deleted, found.undeleted), ([1].into(), Vec::new()));
        let refused = |names: &[&str]| listing(names).unwrap_err();
        assert!(refused(&names[1..]).contains("segment-00000001.log: it is missing"));
        assert!(refused(&names[..2]).contains("never deleted"));
        let unsealed = [names[0], names[2], names[3]];
        assert!(refused(&unsealed).contains("segment-00000001.sig.json: it is missing"));
        let both = ["segment-00000001.log", "segment-00000001.leaves"];
        let found = listing(&both).unwrap();
        assert_eq!((found.deleted.len(), found.undeleted), (0, vec![1]));
    }

    #[test]
    fn an_empty_file_beside_leaf_hashes_is_a_deleted_segment() {
        let file = |name: &str, len| Entry { name: name.to_owned(), file_len: Some(len) };
        let of = |len| {
            let names = ["segment-00000001.sig.json", "segment-00000002.log", "segment-00000002.sig.json"];
            let others = names.map(|name| file(name, 7)).into_iter();
            let first = [file("segment-00000001.log", len), file("segment-00000001.leaves", 7)];
            let found = Listing::of(others.chain(first).collect()).unwrap();
            (found.deleted.len(), found.undeleted.len())
        };
        assert_eq!((of(0), of(1)), ((1, 0), (0, 1)));
    }

    #[test]
    fn links_and_folders_are_no_segments() {
        let entries = vec![Entry { name: "segment-00000001.log".to_owned(), file_len: None }];
        assert!(Listing::of(entries).unwrap_err().to_string().contains("not a regular file"));
    }
}
