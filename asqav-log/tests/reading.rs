//! Reading a log that may hold anything.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use asqav_log::reader::{LogReader, ReadError, verify_dir};
use asqav_receipt::verify::{FailureClass, LogInputs, ReasonCode, Verdict};

fn put(dir: &Path, name: &str, content: &[u8]) {
    fs::write(dir.join(name), content).unwrap();
}

fn reasons(dir: &Path) -> Vec<(ReasonCode, String)> {
    let report = verify_dir(dir, LogInputs::new(), &mut |_| {}).unwrap();
    assert!(matches!(report.verdict, Verdict::Unverified(_)));
    report.problems.into_iter().map(|problem| (problem.reason_code, problem.note)).collect()
}

#[test]
fn segments_come_in_the_order_of_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    for number in ["100000000", "99999999", "00000002", "00000010"] {
        put(dir.path(), &format!("segment-{number}.log"), format!("{number}\n").as_bytes());
    }
    let reader = LogReader::open(dir.path()).unwrap();
    let mut seen = Vec::new();
    reader
        .visit(|number, piece| {
            assert_eq!(piece.bytes, format!("{number:08}").as_bytes());
            seen.push(number);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, [2, 10, 99_999_999, 100_000_000]);
    assert!(reasons(dir.path()).iter().any(|(code, _)| *code == ReasonCode::SegmentMissing));
}

#[test]
fn what_no_log_has_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["segment-00000001.log", "notes.txt", "segment-1.log"] {
        put(dir.path(), name, b"");
    }
    // Anchors of a segment that is there, and of one that is not.
    for number in [1, 2] {
        put(dir.path(), &asqav_log::names::anchors_name(number), b"");
    }
    put(dir.path(), "LOCK", b"");
    fs::create_dir(dir.path().join("vault")).unwrap();
    let found = reasons(dir.path());
    let (_, note) = found.iter().find(|(code, _)| *code == ReasonCode::StrayFile).unwrap();
    assert_eq!(note, "no receipt explains: notes.txt, segment-00000002.anchors.jsonl, segment-1.log");
    let report = verify_dir(dir.path(), LogInputs::new(), &mut |_| {}).unwrap();
    let note = "anchors: not read: 1 of segments, from segment-00000001.anchors.jsonl";
    assert!(report.not_checked.iter().any(|line| line == note), "{:?}", report.not_checked);
}

#[test]
fn torn_bytes_that_no_recovery_names_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "segment-00000001.log", b"");
    put(dir.path(), "torn-3.bin", b"rest");
    let found = reasons(dir.path());
    assert!(found.contains(&(ReasonCode::StrayFile, "no receipt explains: torn-3.bin".to_owned())));
}

#[test]
fn an_endless_line_is_read_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let file = fs::File::create(dir.path().join("segment-00000001.log")).unwrap();
    file.set_len(256 << 20).unwrap();
    let mut read = 0;
    let report = verify_dir(dir.path(), LogInputs::new(), &mut |bytes| read = bytes).unwrap();
    assert_eq!(read, 256 << 20);
    assert_eq!(report.verdict, Verdict::Unverified(FailureClass::Unverifiable));
    let resident = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = resident.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 64 << 10, "{peak} KiB");
}

#[test]
fn a_folder_of_other_files_is_no_log() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "notes.txt", b"");
    assert!(matches!(LogReader::open(dir.path()), Err(ReadError::NotALog { .. })));
    assert!(matches!(LogReader::open(&dir.path().join("absent")), Err(ReadError::Io { .. })));
}

#[test]
fn an_empty_folder_is_an_empty_log() {
    let dir = tempfile::tempdir().unwrap();
    assert!(reasons(dir.path()).iter().any(|(code, _)| *code == ReasonCode::EmptyLog));
}

#[cfg(unix)]
/// A header gets its name while somebody lists the directory.
#[test]
fn a_file_that_is_just_finished_is_no_error() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "segment-00000001.log", b"");
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                put(dir.path(), "segment-00000001.sig.json.tmp", b"");
                fs::remove_file(dir.path().join("segment-00000001.sig.json.tmp")).unwrap();
            }
        });
        let failed = (0..20_000).find_map(|_| LogReader::open(dir.path()).err());
        ended.store(true, Ordering::Relaxed);
        assert!(failed.is_none(), "{failed:?}");
    });
}

#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "elsewhere", b"{}\n");
    let log = dir.path().join("log");
    fs::create_dir(&log).unwrap();
    std::os::unix::fs::symlink(dir.path().join("elsewhere"), log.join("segment-00000001.log")).unwrap();
    assert!(matches!(LogReader::open(&log), Err(ReadError::NotAFile { .. })));
}
