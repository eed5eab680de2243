//! Copies of log directories.

#![allow(clippy::unwrap_used, reason = "only tests call it")]

use std::fs;
use std::path::Path;

/// Copies a folder with everything in it, over what `to` has.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The same, into a folder of its own.
#[allow(dead_code, reason = "not every file of tests asks for it")]
pub(crate) fn copied(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    copy(from, to.path());
    to
}
