//! Names of the files in a log directory.
//!
//! One spelling per name: eight digits, more only past 99,999,999. A name that
//! begins like a segment's and is not one is an error, never skipped.

/// The name of the file that a writer locks.
pub const LOCK: &str = "LOCK";

/// The name of the folder of openings.
pub const VAULT: &str = "vault";

/// The name of the folder of the stored tree.
pub const TREE: &str = "tree";
/// The name of the folder of checkpoints and their anchors.
pub const ANCHORS: &str = "anchors";
/// The name of the file that tells which erasures are under way.
pub const ERASING: &str = "erasing.jsonl";

/// The name of the file that tells which deletions are under way.
pub const DELETING: &str = "deleting.jsonl";

/// The name of the file of receipts that wait for their signature.
pub const UNSIGNED: &str = "unsigned.jsonl";

/// The end of the name of a file that is not finished: left over by a crash,
/// removed by the next writer, never evidence.
pub const UNFINISHED: &str = ".tmp";

/// What a file in a log directory is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// `segment-00000001.log`: receipts.
    Segment(u64),
    /// `segment-00000001.sig.json`: the signed header.
    Header(u64),
    /// `segment-00000001.leaves`: leaf hashes of its receipts, which were deleted.
    Leaves(u64),
    /// `segment-00000001.anchors.jsonl`: anchors of its receipts.
    Anchors(u64),
    /// `torn-12.bin`: what a crash left after receipt 12.
    Torn(u64),
    /// `LOCK`.
    Lock,
    /// `vault/`.
    Vault,
    /// `tree/`.
    Tree,
    /// `anchors/`.
    AnchorFolder,
    /// `erasing.jsonl`: erasures without their erasure receipt so far.
    Erasing,
    /// `deleting.jsonl`: deletions that are under way.
    Deleting,
    /// `unsigned.jsonl`: receipts that wait for their signature.
    Unsigned,
    /// A name ending in `.tmp`.
    Unfinished,
    /// Not a name that a log has.
    Stray,
}

impl FileKind {
    /// What the file called `name` is.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name.ends_with(UNFINISHED) {
            return Self::Unfinished;
        }
        match name {
            LOCK => return Self::Lock,
            VAULT => return Self::Vault,
            TREE => return Self::Tree,
            ANCHORS => return Self::AnchorFolder,
            ERASING => return Self::Erasing,
            DELETING => return Self::Deleting,
            UNSIGNED => return Self::Unsigned,
            _ => {}
        }
        let torn = name.strip_prefix("torn-").and_then(|rest| rest.strip_suffix(".bin"));
        if let Some(seq) = torn.and_then(|digits| digits.parse().ok())
            && torn_name(seq) == name
        {
            return Self::Torn(seq);
        }
        Self::of_segment(name).unwrap_or(Self::Stray)
    }

    fn of_segment(name: &str) -> Option<Self> {
        let (digits, _) = name.strip_prefix("segment-")?.split_once('.')?;
        let number = digits.parse().ok().filter(|number| *number > 0)?;
        [
            (Self::Segment(number), segment_name(number)),
            (Self::Header(number), header_name(number)),
            (Self::Leaves(number), leaves_name(number)),
            (Self::Anchors(number), anchors_name(number)),
        ]
        .into_iter()
        .find_map(|(kind, canonical)| (canonical == name).then_some(kind))
    }
}

/// `segment-00000001.log` for 1.
#[must_use]
pub fn segment_name(number: u64) -> String {
    format!("segment-{number:08}.log")
}

/// `segment-00000001.sig.json` for 1.
#[must_use]
pub fn header_name(number: u64) -> String {
    format!("segment-{number:08}.sig.json")
}

/// `segment-00000001.leaves` for 1.
#[must_use]
pub fn leaves_name(number: u64) -> String {
    format!("segment-{number:08}.leaves")
}

/// `segment-00000001.anchors.jsonl` for 1.
#[must_use]
pub fn anchors_name(number: u64) -> String {
    format!("segment-{number:08}.anchors.jsonl")
}

/// `torn-12.bin` for 12, the last receipt before the torn bytes.
#[must_use]
pub fn torn_name(seq: u64) -> String {
    format!("torn-{seq}.bin")
}

/// The name under which `name` is written before it is complete.
#[must_use]
pub fn unfinished_name(name: &str) -> String {
    format!("{name}{UNFINISHED}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_grow_past_eight_digits() {
        assert_eq!(segment_name(99_999_999), "segment-99999999.log");
        assert_eq!(segment_name(100_000_000), "segment-100000000.log");
        assert_eq!(FileKind::of("segment-100000000.log"), FileKind::Segment(100_000_000));
        assert_eq!(FileKind::of("segment-100000000.sig.json"), FileKind::Header(100_000_000));
    }

    #[test]
    fn each_name_has_one_spelling() {
        for stray in [
            "segment-1.log",
            "segment-0000001.log",
            "segment-000000001.log",
            "segment-00000000.log",
            "segment-+0000001.log",
            "segment-00000001.LOG",
            "segment-00000001.log.bak",
            "segment-99999999999999999999.log",
            "torn-01.bin",
            "torn-.bin",
            "README",
        ] {
            assert_eq!(FileKind::of(stray), FileKind::Stray, "{stray}");
        }
        assert_eq!(FileKind::of("segment-00000007.log"), FileKind::Segment(7));
        assert_eq!(FileKind::of("segment-00000007.anchors.jsonl"), FileKind::Anchors(7));
        assert_eq!(FileKind::of("segment-00000007.leaves"), FileKind::Leaves(7));
        assert_eq!(FileKind::of("torn-0.bin"), FileKind::Torn(0));
        assert_eq!(FileKind::of("segment-00000001.sig.json.tmp"), FileKind::Unfinished);
    }
}
