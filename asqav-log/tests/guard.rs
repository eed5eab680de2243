//! The guard: what the system applies is what is reported.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use asqav_core::log::Log as _;
use asqav_log::FileLog;
use asqav_log::guard::{Guarded, off, on, status};

use support::{BY_FIVE, commit, start};

/// Takes the guard off, so that the directory can be removed.
struct Off<'a>(&'a Path);

impl Drop for Off<'_> {
    fn drop(&mut self) {
        drop(off(self.0));
    }
}

/// Twelve receipts: two sealed segments and an open one.
fn write(dir: &Path) {
    let mut log = FileLog::new(dir).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 1, 12).unwrap();
    log.close(false).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn sealed(files: &[Guarded]) -> Vec<&str> {
    files.iter().filter(|file| file.sealed).map(|file| file.name.as_str()).collect()
}

#[test]
fn sealed_segments_are_guarded_and_the_open_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let _off = Off(dir.path());
    write(dir.path());
    let before = status(dir.path()).unwrap();
    assert!(before.iter().filter(|file| file.sealed).all(|file| !file.mode_holds()), "{before:?}");
    let files = on(dir.path()).unwrap();
    let names = [
        "segment-00000001.log",
        "segment-00000001.sig.json",
        "segment-00000002.log",
        "segment-00000002.sig.json",
    ];
    assert_eq!(sealed(&files), names);
    assert!(files.iter().all(Guarded::mode_holds), "{files:?}");
    for file in &files {
        // Not what was asked for, but what the system says.
        assert_eq!(mode(&dir.path().join(&file.name)), file.mode, "{}", file.name);
    }
    assert_eq!(mode(&dir.path().join(names[0])), 0o400);
    assert_eq!(mode(&dir.path().join("segment-00000003.log")), 0o600);
    assert_eq!(status(dir.path()).unwrap().len(), files.len());

    // The writer goes on, and recovers, beside the guard.
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    assert_eq!(start(&mut log).unwrap().head.unwrap().seq, 12);
    commit(&mut log, 13, 8).unwrap();
    log.close(false).unwrap();
    assert_eq!(sealed(&on(dir.path()).unwrap()).len(), 6, "what was sealed since is guarded, too");
    let files = off(dir.path()).unwrap();
    assert!(files.iter().filter(|file| file.name != ".").all(|file| file.mode == 0o600), "{files:?}");
}

/// Where the attribute is there and permitted, not even root writes or removes.
#[test]
fn an_immutable_segment_is_neither_written_nor_removed() {
    let dir = tempfile::tempdir().unwrap();
    let _off = Off(dir.path());
    write(dir.path());
    let files = on(dir.path()).unwrap();
    let first = files.iter().find(|file| file.name == "segment-00000001.log").unwrap();
    let path = dir.path().join(&first.name);
    if first.immutable != Some(true) {
        println!("skipped: the attribute `i` is not permitted here ({:?})", first.refused);
        // Then it must not be claimed, and the reason is told where there is one.
        assert!(first.refused.is_some(), "{first:?}");
        return;
    }
    assert!(OpenOptions::new().append(true).open(&path).is_err());
    assert!(fs::remove_file(&path).is_err());
    assert!(fs::rename(&path, dir.path().join("elsewhere")).is_err());
    assert!(off(dir.path()).unwrap().iter().all(|file| file.immutable != Some(true)));
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_log_whose_newest_segment_is_sealed_and_guarded_takes_more() {
    let dir = tempfile::tempdir().unwrap();
    let _off = Off(dir.path());
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 1, 3).unwrap();
    log.close(true).unwrap();
    on(dir.path()).unwrap();
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    assert_eq!(start(&mut log).unwrap().head.unwrap().seq, 3);
    commit(&mut log, 4, 3).unwrap();
}
