//! Rotation, the lock, and what others do to a log while it is open.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use asqav_core::log::{Durability, Log as _, LogError};
use asqav_log::reader::verify_dir;
use asqav_log::vault::VaultKey;
use asqav_log::{FileLog, Rotation};
use asqav_receipt::header::{CloseReason, SegmentHeader, SignedHeader};
use asqav_receipt::merkle::{self, Sha3Tree, TreeHash as _};
use asqav_receipt::payload::Link;
use asqav_receipt::verify::LogInputs;

use support::chain::{self, LEN, TestClock, chain, issued_at, lines, owner, owner_with};
use support::{BY_FIVE, commit, expected, start, text};

const NEVER: Rotation = Rotation { max_count: u64::MAX, max_bytes: u64::MAX, max_age_secs: u32::MAX };

fn header(dir: &Path, number: u64) -> SegmentHeader {
    let file = fs::read(dir.join(format!("segment-{number:08}.sig.json"))).unwrap();
    SignedHeader::parse(&file).unwrap().header
}

fn segments(dir: &Path) -> Vec<Vec<u8>> {
    (1..).map_while(|number| fs::read(dir.join(format!("segment-{number:08}.log"))).ok()).collect()
}

/// Does something to a file or directory that only the writer may.
type Harm<'a> = &'a dyn Fn(&Path);

#[test]
fn a_segment_is_sealed_by_count_and_says_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 1, 12).unwrap();
    assert_eq!(segments(dir.path()).concat(), text(12));
    let link = |seq: u64| Link::to(&chain()[usize::try_from(seq).unwrap() - 1].canonical);
    let first = header(dir.path(), 1);
    let second = header(dir.path(), 2);
    assert_eq!((second.first_seq, second.last_seq, second.count), (6, 10, 5));
    assert_eq!(second.bytes, (text(10).len() - text(5).len()) as u64);
    assert_eq!((second.before, second.last), (link(5), link(10)));
    assert_eq!((first.before, Some(first.genesis)), (Link::GENESIS, link(1).sha3));
    assert_eq!(second.open, expected(10).1);
    assert_eq!((second.close, second.sealed_at), (CloseReason::Count, issued_at(LEN)));
    // The root by another way than the writer's.
    let leaves: Vec<_> = lines()[5..10].iter().map(|line| Sha3Tree::leaf(&line[..line.len() - 1])).collect();
    assert_eq!(*second.root.as_bytes(), merkle::root::<Sha3Tree>(&leaves));
    let file = fs::read(dir.path().join("segment-00000001.sig.json")).unwrap();
    let digest = asqav_receipt::digest::Sha3Digest::of(&file[..file.len() - 1]);
    assert_eq!((first.previous_header, second.previous_header), (None, Some(digest)));
}

#[test]
fn a_segment_is_sealed_before_it_grows_too_long() {
    let dir = tempfile::tempdir().unwrap();
    let max_bytes = 3 * lines()[0].len() as u64;
    let mut log = FileLog::new(dir.path()).rotation(Rotation { max_bytes, ..NEVER });
    start(&mut log).unwrap();
    commit(&mut log, 1, 20).unwrap();
    let segments = segments(dir.path());
    assert_eq!(segments.concat(), text(20));
    assert!(segments.len() > 5);
    assert!(segments.iter().all(|segment| segment.len() as u64 <= max_bytes));
    assert_eq!(header(dir.path(), 1).close, CloseReason::Bytes);
}

#[test]
fn a_receipt_longer_than_a_segment_gets_one_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = FileLog::new(dir.path()).rotation(Rotation { max_bytes: 10, ..NEVER });
    start(&mut log).unwrap();
    commit(&mut log, 1, 3).unwrap();
    assert_eq!(segments(dir.path()), &lines()[..3]);
}

#[test]
fn a_quiet_segment_is_sealed_by_age_and_an_empty_one_never() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = FileLog::new(dir.path()).rotation(Rotation { max_age_secs: 60, ..NEVER });
    log.start(&owner_with(chain::key(), TestClock::at(3))).unwrap();
    log.maintain(issued_at(500)).unwrap();
    assert!(segments(dir.path()).is_empty());
    commit(&mut log, 1, 3).unwrap();
    log.maintain(issued_at(60)).unwrap();
    assert!(!dir.path().join("segment-00000001.sig.json").exists(), "59 seconds old");
    log.maintain(issued_at(61)).unwrap();
    assert_eq!(header(dir.path(), 1).close, CloseReason::Age);
    log.maintain(issued_at(5_000)).unwrap();
    commit(&mut log, 4, 2).unwrap();
    assert_eq!(segments(dir.path()), [text(3), lines()[3..5].concat()]);
}

#[test]
fn age_counts_from_the_first_receipt_across_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let log = || FileLog::new(dir.path()).rotation(Rotation { max_age_secs: 60, ..NEVER });
    let mut first = log();
    first.start(&owner_with(chain::key(), TestClock::at(3))).unwrap();
    commit(&mut first, 1, 3).unwrap();
    drop(first);
    let mut second = log();
    second.start(&owner_with(chain::key(), TestClock::at(3))).unwrap();
    second.maintain(issued_at(61)).unwrap();
    assert_eq!(header(dir.path(), 1).close, CloseReason::Age);
}

#[test]
fn a_clean_stop_seals_and_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 1, 8).unwrap();
    log.close(true).unwrap();
    assert_eq!(header(dir.path(), 2).close, CloseReason::Stop);
    assert!(matches!(commit(&mut log, 9, 1), Err(LogError::Io { .. })), "it is closed");
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    assert_eq!(start(&mut log).unwrap().head, expected(8).0);
    commit(&mut log, 9, usize::try_from(LEN - 8).unwrap()).unwrap();
    log.close(true).unwrap();
    let report = verify_dir(dir.path(), LogInputs::new().at(issued_at(LEN)), &mut |_| {}).unwrap();
    assert_eq!((report.receipts, report.problems_omitted), (LEN, 0));
    assert_eq!(report.segments, segments(dir.path()).len() as u64);
}

#[test]
fn a_log_takes_no_receipt_out_of_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = FileLog::new(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 2).unwrap();
    assert!(commit(&mut log, 4, 1).is_err(), "a hole");
    assert!(commit(&mut log, 3, 1).is_err(), "nothing after an error");
    assert_eq!(segments(dir.path()).concat(), text(2));
}

#[test]
fn two_writers_are_told_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = FileLog::new(dir.path());
    start(&mut first).unwrap();
    let error = start(&mut FileLog::new(dir.path())).unwrap_err().to_string();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let holder = format!("process {} on host {}", std::process::id(), host.trim());
    assert_eq!(error, format!("the log is in use by {holder}"));
    first.close(false).unwrap();
    start(&mut FileLog::new(dir.path())).unwrap();
}

#[test]
fn a_failed_writer_keeps_the_lock_until_it_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let mut first = FileLog::new(dir.path());
    start(&mut first).unwrap();
    assert!(commit(&mut first, 5, 1).is_err());
    assert!(matches!(start(&mut FileLog::new(dir.path())), Err(LogError::Locked { .. })));
    first.close(false).unwrap();
    start(&mut FileLog::new(dir.path())).unwrap();
}

#[test]
fn what_others_do_to_the_open_segment_is_noticed() {
    let harms: [(&str, Harm<'_>); 5] = [
        ("cut", &|path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(100).unwrap()),
        ("grown", &|path| {
            let mut content = fs::read(path).unwrap();
            content.push(b'\n');
            fs::write(path, content).unwrap();
        }),
        ("removed", &|path| fs::remove_file(path).unwrap()),
        ("replaced by a copy", &|path| {
            let content = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            fs::write(path, content).unwrap();
        }),
        ("moved", &|path| fs::rename(path, path.with_extension("old")).unwrap()),
    ];
    for (what, harm) in harms {
        let dir = tempfile::tempdir().unwrap();
        let mut log = FileLog::new(dir.path());
        start(&mut log).unwrap();
        commit(&mut log, 1, 2).unwrap();
        harm(&dir.path().join("segment-00000001.log"));
        match commit(&mut log, 3, 1) {
            Err(LogError::Interfered { place }) => assert_eq!(place, "segment-00000001.log"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[test]
fn only_the_owner_may_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut log = FileLog::new(&path).rotation(BY_FIVE).vault_key(VaultKey::from_bytes([1; 32]));
    start(&mut log).unwrap();
    commit(&mut log, 1, 6).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("vault"))), (0o700, 0o700));
    let mut files = 0;
    for folder in [path.clone(), path.join("vault")] {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_file() {
                assert_eq!(mode(&entry), 0o600, "{}", entry.display());
                files += 1;
            }
        }
    }
    assert_eq!(files, 5, "two segments, a header, the lock, openings");
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = start(&mut FileLog::new(file.join("log"))).unwrap_err().to_string();
    assert!(error.contains("file/log"), "{error}");
    // Root may write anywhere but here.
    let error = start(&mut FileLog::new("/proc/asqav-log")).unwrap_err().to_string();
    assert!(error.contains("/proc/asqav-log"), "{error}");
}

#[test]
fn links_are_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("target");
    fs::write(&target, text(2)).unwrap();
    let log = dir.path().join("log");
    fs::create_dir(&log).unwrap();
    std::os::unix::fs::symlink(&target, log.join("segment-00000001.log")).unwrap();
    match start(&mut FileLog::new(&log)) {
        Err(LogError::Damaged { place, why }) => {
            assert_eq!((place.as_str(), why.as_str()), ("segment-00000001.log", "it is not a regular file"));
        }
        other => panic!("{other:?}"),
    }
    assert!(verify_dir(&log, LogInputs::new(), &mut |_| {}).is_err());
    fs::remove_file(log.join("LOCK")).unwrap();
    std::os::unix::fs::symlink(&target, log.join("LOCK")).unwrap();
    assert!(matches!(start(&mut FileLog::new(&log)), Err(LogError::Io { .. })));
    assert_eq!(fs::read(&target).unwrap(), text(2));
}

#[test]
fn written_receipts_are_visible_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = FileLog::new(dir.path());
    log.start(&owner()).unwrap();
    log.commit(&chain()[..4], Durability::Written).unwrap();
    assert_eq!(segments(dir.path()).concat(), text(4));
}
