//! Names of the files in such a directory, and telling it from one of ours.
//!
//! Theirs have five digits, more past 99,999; ours have eight, more past
//! 99,999,999. From segment 10,000,000 on both spell a name alike: what a
//! directory is shows in the others.

use std::fs;
use std::path::Path;

use crate::names::FileKind;
use crate::reader::ReadError;

/// From this number on a name may be theirs or ours.
const AMBIGUOUS: u64 = 10_000_000;

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Log(u64),
    Header(u64),
    Other,
}

impl Name {
    pub(super) fn of(name: &str) -> Self {
        let Some((digits, _)) = name.strip_prefix("segment-").and_then(|rest| rest.split_once('.')) else {
            return Self::Other;
        };
        match digits.parse() {
            Ok(number) if log(number) == name => Self::Log(number),
            Ok(number) if header(number) == name => Self::Header(number),
            _ => Self::Other,
        }
    }

    const fn number(self) -> Option<u64> {
        match self {
            Self::Log(number) | Self::Header(number) => Some(number),
            Self::Other => None,
        }
    }
}

/// `segment-00001.log` for 1.
pub(super) fn log(number: u64) -> String {
    format!("segment-{number:05}.log")
}

/// `segment-00001.sig.json` for 1.
pub(super) fn header(number: u64) -> String {
    format!("segment-{number:05}.sig.json")
}

/// Whose log a directory holds, by the names in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Ours, or nothing that has segments.
    Ours,
    /// One of pqc-audit-log-fs.
    PqcAuditLogFs,
    /// Both, which no software writes: nothing is said about it.
    Both,
}

/// Whose log the directory `path` holds.
///
/// # Errors
/// [`ReadError`] when it cannot be listed.
pub fn kind_of(path: &Path) -> Result<Kind, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let (mut ours, mut theirs) = (false, false);
    for entry in fs::read_dir(path).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let name = name.to_string_lossy();
        match Name::of(&name).number() {
            Some(number) if number >= AMBIGUOUS => {}
            Some(_) => theirs = true,
            None => ours |= !matches!(FileKind::of(&name), FileKind::Stray | FileKind::Unfinished),
        }
    }
    Ok(match (ours, theirs) {
        (true, true) => Kind::Both,
        (false, true) => Kind::PqcAuditLogFs,
        (_, false) => Kind::Ours,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(names: &[&str]) -> Kind {
        let dir = tempfile::tempdir().unwrap();
        names.iter().for_each(|name| fs::write(dir.path().join(name), b"").unwrap());
        kind_of(dir.path()).unwrap()
    }

    #[test]
    fn each_name_has_one_spelling() {
        assert_eq!(Name::of("segment-00001.log"), Name::Log(1));
        assert_eq!(Name::of("segment-100000.sig.json"), Name::Header(100_000));
        for other in
            ["segment-1.log", "segment-000001.log", "segment-+0001.log", "segment-00001.LOG", "notes"]
        {
            assert_eq!(Name::of(other), Name::Other, "{other}");
        }
    }

    #[test]
    fn theirs_is_never_taken_for_ours() {
        assert_eq!(kind(&[]), Kind::Ours);
        assert_eq!(kind(&["notes.txt"]), Kind::Ours);
        assert_eq!(kind(&["segment-00000001.log", "LOCK"]), Kind::Ours);
        assert_eq!(kind(&["segment-00001.log"]), Kind::PqcAuditLogFs);
        assert_eq!(kind(&["segment-99999.log", "segment-10000000.log"]), Kind::PqcAuditLogFs);
        assert_eq!(kind(&["segment-00000001.log", "segment-10000000.log"]), Kind::Ours);
        for ours in ["segment-00000001.sig.json", "LOCK", "torn-1.bin", "vault"] {
            assert_eq!(kind(&["segment-00001.log", ours]), Kind::Both, "{ours}");
        }
    }
}
