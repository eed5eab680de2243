//! Opening what a crash, or somebody, left behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::fs;
use std::path::Path;

use asqav_core::log::{Durability, Log as _, LogError, LogStart, Unclean};
use asqav_log::FileLog;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::payload::Link;
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::suite::ML_DSA_65;

use support::chain::{self, LEN, TestClock, TestKey, chain, lines, owner, owner_with};
use support::disk::{Disk, Fault, Rng};
use support::{BY_FIVE, commit, expected, start, text};

const OPEN_SEGMENT: &str = "segment-00000002.log";

/// A log of `seq` receipts in `dir`, in segments of five, left as by a kill.
fn killed_log(dir: &Path, seq: u64) {
    let mut log = FileLog::new(dir).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 1, usize::try_from(seq).unwrap()).unwrap();
}

fn reopen(dir: &Path) -> Result<LogStart, LogError> {
    start(&mut FileLog::new(dir).rotation(BY_FIVE))
}

/// Where the log is damaged and why.
fn damage(dir: &Path) -> (String, String) {
    let before = snapshot(dir);
    match reopen(dir) {
        Err(LogError::Damaged { place, why }) => {
            assert_eq!(snapshot(dir), before, "a refused log is left as it is");
            (place, why)
        }
        other => panic!("{other:?}"),
    }
}

fn snapshot(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file() && entry.file_name() != "LOCK")
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// Does something to a file or directory that only the writer may.
type Harm<'a> = &'a dyn Fn(&Path);

#[test]
fn a_log_goes_on_where_it_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 13);
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    let begin = start(&mut log).unwrap();
    let (head, open) = expected(13);
    let expected = LogStart {
        log_id: chain::log_id(),
        head,
        open,
        unclean: Some(Unclean::new(0, None)),
        erasing: SeqSet::default(),
    };
    assert_eq!(begin, expected);
    assert!(!expected.open.is_empty(), "the chain leaves calls open");
    commit(&mut log, 14, usize::try_from(LEN - 13).unwrap()).unwrap();
    log.close(true).unwrap();
    drop(log);
    assert_eq!(reopen(dir.path()).unwrap().unclean, None, "it ended with gate:stop");
}

#[test]
fn a_torn_line_is_set_aside_wherever_it_is_torn() {
    let whole = text(7);
    let sealed = text(5).len();
    let valid = text(6).len();
    let last = &whole[valid..];
    for cut in 0..last.len() {
        let disk = Disk::default();
        let mut log = FileLog::on(disk.storage()).rotation(BY_FIVE);
        start(&mut log).unwrap();
        commit(&mut log, 1, 6).unwrap();
        disk.plant(OPEN_SEGMENT, &whole[sealed..valid + cut]);
        disk.kill();
        let mut log = FileLog::on(disk.storage()).rotation(BY_FIVE);
        let begin = start(&mut log).unwrap();
        let torn = &last[..cut];
        let digest = (cut > 0).then(|| Sha3Digest::of(torn));
        assert_eq!(begin.unclean, Some(Unclean::new(cut as u64, digest)));
        assert_eq!(disk.file("torn-6.bin"), (cut > 0).then(|| torn.to_vec()));
        assert_eq!(disk.file(OPEN_SEGMENT).unwrap(), &whole[sealed..valid]);
        if cut % 512 == 0 {
            commit(&mut log, 7, 2).unwrap();
            assert_eq!(disk.file(OPEN_SEGMENT).unwrap(), &text(8)[sealed..]);
        }
    }
}

#[test]
fn a_first_line_may_be_torn() {
    let disk = Disk::default();
    disk.plant("segment-00000001.log", &lines()[0][..100]);
    let mut log = FileLog::on(disk.storage());
    let begin = start(&mut log).unwrap();
    assert_eq!((begin.head, begin.unclean.map(|unclean| unclean.torn_bytes)), (None, Some(100)));
    commit(&mut log, 1, 3).unwrap();
    assert_eq!(disk.file("segment-00000001.log").unwrap(), text(3));
}

#[test]
fn a_preallocated_tail_of_zeros_is_torn_bytes() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 7);
    let path = dir.path().join(OPEN_SEGMENT);
    let mut content = fs::read(&path).unwrap();
    content.resize(content.len() + 100_000, 0);
    fs::write(&path, &content).unwrap();
    let unclean = reopen(dir.path()).unwrap().unclean.unwrap();
    assert_eq!(unclean, Unclean::new(100_000, Some(Sha3Digest::of(&vec![0; 100_000]))));
}

#[test]
fn torn_bytes_are_reported_until_a_receipt_follows() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 7);
    let path = dir.path().join(OPEN_SEGMENT);
    let append = |bytes: &[u8]| {
        let mut content = fs::read(&path).unwrap();
        content.extend_from_slice(bytes);
        fs::write(&path, content).unwrap();
    };
    append(b"{\"payload\":");
    let first = reopen(dir.path()).unwrap().unclean;
    assert_eq!(reopen(dir.path()).unwrap().unclean, first, "nothing follows yet");
    append(b"{\"pay");
    let both = b"{\"payload\":{\"pay";
    assert_eq!(reopen(dir.path()).unwrap().unclean, Some(Unclean::new(16, Some(Sha3Digest::of(both)))));
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 8, 1).unwrap();
    drop(log);
    assert_eq!(reopen(dir.path()).unwrap().unclean, Some(Unclean::new(0, None)));
    assert_eq!(fs::read(dir.path().join("torn-7.bin")).unwrap(), both);
}

#[test]
fn a_crash_while_setting_aside_doubles_nothing() {
    let torn = &lines()[7][..1_000];
    let content = [&text(7)[text(5).len()..], torn].concat();
    let mut at = 0;
    loop {
        let disk = Disk::default();
        let mut log = FileLog::on(disk.storage()).rotation(BY_FIVE);
        start(&mut log).unwrap();
        commit(&mut log, 1, 7).unwrap();
        disk.kill();
        disk.plant(OPEN_SEGMENT, &content);
        disk.fault_at(at, Fault::Stop);
        let crashed = start(&mut FileLog::on(disk.storage())).is_err();
        disk.power_loss(&mut Rng::new(at));
        let begin = start(&mut FileLog::on(disk.storage())).unwrap();
        assert_eq!(begin.unclean, Some(Unclean::new(1_000, Some(Sha3Digest::of(torn)))), "at {at}");
        assert_eq!(disk.file("torn-7.bin").unwrap(), torn);
        if !crashed {
            break;
        }
        at += 1;
    }
    assert!(at >= 6, "recovery has steps to crash between: {at}");
}

#[test]
fn a_complete_line_that_fails_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 8);
    let path = dir.path().join(OPEN_SEGMENT);
    let good = fs::read(&path).unwrap();
    let second = lines()[5].len();
    // One byte in each part of a line: payload, signature, line feed before.
    for at in [second + 30, second + 1_500, second + lines()[6].len() - 30, second - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let (place, _) = damage(dir.path());
        let line = if at < second { "line 1, byte 0".to_owned() } else { format!("line 2, byte {second}") };
        assert_eq!(place, format!("{OPEN_SEGMENT}, {line}"));
    }
}

#[test]
fn a_damaged_last_line_is_not_torn() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 8);
    let path = dir.path().join(OPEN_SEGMENT);
    let mut bad = fs::read(&path).unwrap();
    let at = bad.len() - 20;
    bad[at] ^= 1;
    fs::write(&path, &bad).unwrap();
    assert!(damage(dir.path()).0.contains("line 3"));
}

#[test]
fn zeros_in_the_middle_are_damage() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 8);
    let path = dir.path().join(OPEN_SEGMENT);
    let mut bad = fs::read(&path).unwrap();
    let second = lines()[5].len();
    bad[second..second + 4_096].fill(0);
    fs::write(&path, &bad).unwrap();
    assert_eq!(damage(dir.path()).0, format!("{OPEN_SEGMENT}, line 2, byte {second}"));
}

#[test]
fn lines_that_do_not_belong_here_are_damage() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 6);
    let path = dir.path().join(OPEN_SEGMENT);
    for (what, content, why) in [
        ("repeated", [lines()[5].as_slice(), &lines()[5]].concat(), "receipt 6 stands where 7 is due"),
        ("skipped", [lines()[5].as_slice(), &lines()[7]].concat(), "receipt 8 stands where 7 is due"),
        ("empty", [lines()[5].as_slice(), b"\n"].concat(), "not strict JSON"),
        ("spaced", [lines()[5].as_slice(), b"{ }\n"].concat(), ""),
        ("overlong", [lines()[5].as_slice(), &[b'x'; 40_000], b"\n"].concat(), "longer than a receipt"),
    ] {
        fs::write(&path, &content).unwrap();
        let (place, reason) = damage(dir.path());
        assert!(place.contains("line 2"), "{what}: {place}");
        assert!(reason.contains(why), "{what}: {reason}");
    }
}

#[test]
fn a_forked_continuation_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 6);
    let mut payload = (*chain()[6].payload).clone();
    payload.link = Link::to(&chain()[4].canonical);
    let forked = chain::line_of(&chain::sign(&chain::key(), payload));
    let path = dir.path().join(OPEN_SEGMENT);
    fs::write(&path, [lines()[5].as_slice(), &forked].concat()).unwrap();
    assert!(damage(dir.path()).1.contains("does not link"));
}

#[test]
fn missing_and_renumbered_files_are_damage() {
    let rename = |dir: &Path, from: &str, to: &str| fs::rename(dir.join(from), dir.join(to)).unwrap();
    let cases: [(&str, Harm<'_>); 6] = [
        ("segment-00000001.log", &|dir| fs::remove_file(dir.join("segment-00000001.log")).unwrap()),
        ("segment-00000001.sig.json", &|dir| fs::remove_file(dir.join("segment-00000001.sig.json")).unwrap()),
        ("segment-00000002.log", &|dir| fs::remove_file(dir.join("segment-00000002.log")).unwrap()),
        ("segment-00000003.log", &|dir| rename(dir, "segment-00000003.log", "segment-00000004.log")),
        ("segment-00000002.sig.json", &|dir| {
            fs::copy(dir.join("segment-00000001.sig.json"), dir.join("segment-00000002.sig.json")).unwrap();
        }),
        ("segment-00000002.log", &|dir| {
            let content = fs::read(dir.join("segment-00000002.log")).unwrap();
            fs::write(dir.join("segment-00000002.log"), &content[..content.len() - 1]).unwrap();
        }),
    ];
    for (place, harm) in cases {
        let dir = tempfile::tempdir().unwrap();
        killed_log(dir.path(), 13);
        harm(dir.path());
        assert!(damage(dir.path()).0.starts_with(place), "{place}");
    }
}

#[test]
fn a_changed_header_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 7);
    let path = dir.path().join("segment-00000001.sig.json");
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert_eq!(damage(dir.path()).0, "segment-00000001.sig.json", "byte {at}");
    }
}

#[test]
fn the_last_sealed_receipt_is_the_one_in_the_header() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 5);
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    log.close(true).unwrap();
    drop(log);
    let path = dir.path().join("segment-00000001.log");
    let mut content = fs::read(&path).unwrap();
    let at = content.len() - lines()[4].len() + 40;
    content[at] ^= 1;
    fs::write(&path, &content).unwrap();
    assert!(damage(dir.path()).0.starts_with("segment-00000001.log, last line"));
}

#[test]
fn another_agents_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 7);
    let mut stranger = owner();
    stranger.agent = "agent:other".parse().unwrap();
    let error = FileLog::new(dir.path()).start(&stranger).unwrap_err();
    assert_eq!(error.to_string(), "this is the log of agent `agent:test`, not of `agent:other`");
}

/// The key set that pins `key`.
fn pinned(key: &TestKey) -> KeySet {
    use asqav_core::sign::Signer as _;
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    KeySet::new(vec![entry.unwrap()])
}

#[test]
fn another_key_needs_the_former_one_pinned() {
    let dir = tempfile::tempdir().unwrap();
    killed_log(dir.path(), 7);
    let new = || owner_with(TestKey::new(2).into(), TestClock::at(LEN));
    match FileLog::new(dir.path()).start(&new()) {
        Err(LogError::Damaged { place, why }) => {
            assert_eq!(place, "segment-00000001.sig.json");
            assert!(why.contains("former keys"), "{why}");
        }
        other => panic!("{other:?}"),
    }
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE).former_keys(pinned(&chain::key()));
    assert_eq!(log.start(&new()).unwrap().head, expected(7).0);
    log.close(true).unwrap();
    drop(log);
    // The new key sealed the segment that the former one began.
    let mut log = FileLog::new(dir.path()).former_keys(pinned(&chain::key()));
    assert_eq!(log.start(&new()).unwrap().head, expected(7).0);
}

fn mirrored(dir: &Path, mirror: &Path) -> FileLog {
    FileLog::new(dir.join("log")).rotation(BY_FIVE).head_mirror(mirror)
}

#[test]
fn a_log_behind_its_mirror_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mirror = dir.path().join("head.json");
    let mut log = mirrored(dir.path(), &mirror);
    start(&mut log).unwrap();
    commit(&mut log, 1, 8).unwrap();
    drop(log);
    let path = dir.path().join("log").join(OPEN_SEGMENT);
    let content = fs::read(&path).unwrap();
    // Cut a live log at a line's end, then restart: without the mirror it would pass.
    fs::write(&path, &content[..content.len() - lines()[7].len()]).unwrap();
    match start(&mut mirrored(dir.path(), &mirror)) {
        Err(LogError::RolledBack { found: 7, mirrored: 8 }) => {}
        other => panic!("{other:?}"),
    }
    // All of it, too.
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    match start(&mut mirrored(dir.path(), &mirror)) {
        Err(LogError::RolledBack { found: 0, mirrored: 8 }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_log_that_holds_another_receipt_than_its_mirror_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mirror = dir.path().join("head.json");
    for length in [2, 4, 5, 6, 7] {
        let _absent = fs::remove_dir_all(dir.path().join("log"));
        let _absent = fs::remove_file(&mirror);
        let mut log = mirrored(dir.path(), &mirror);
        start(&mut log).unwrap();
        commit(&mut log, 1, length).unwrap();
        drop(log);
        // The same log further on is fine, wherever the mirrored receipt stands.
        killed_log(&dir.path().join("other"), 12);
        assert!(start(&mut FileLog::new(dir.path().join("other")).head_mirror(&mirror)).is_ok());
        fs::remove_dir_all(dir.path().join("other")).unwrap();
        // A log with the same id and other receipts is not.
        let mut log = FileLog::new(dir.path().join("other")).rotation(BY_FIVE);
        start(&mut log).unwrap();
        log.commit(&rewritten(9), Durability::Durable).unwrap();
        drop(log);
        match start(&mut FileLog::new(dir.path().join("other")).head_mirror(&mirror)) {
            Err(LogError::Rewritten { seq }) => assert_eq!(seq, length as u64),
            other => panic!("{other:?}"),
        }
        fs::remove_dir_all(dir.path().join("other")).unwrap();
    }
}

/// The chain told otherwise from its second receipt on, by the same key.
fn rewritten(len: usize) -> Vec<asqav_core::log::LogEntry> {
    let mut entries = vec![chain()[0].clone()];
    for original in &chain()[1..len] {
        let mut payload = (*original.payload).clone();
        payload.link = Link::to(&entries.last().unwrap().canonical);
        payload.action_type = "ledger:other".parse().unwrap();
        payload.invocation_ref = payload
            .invocation_ref
            .map(|_| asqav_receipt::digest::Sha256Digest::of(&entries.last().unwrap().canonical));
        entries.push(chain::sign(&chain::key(), payload));
    }
    entries
}

#[test]
fn a_mirror_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mirror = dir.path().join("head.json");
    fs::write(&mirror, b"").unwrap();
    match start(&mut mirrored(dir.path(), &mirror)) {
        Err(LogError::Damaged { place, .. }) => assert_eq!(place, "the head mirror `head.json`"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unclean_start_reads_no_more_than_the_newest_part() {
    let disk = Disk::default();
    let mut log = FileLog::on(disk.storage()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    commit(&mut log, 1, 33).unwrap();
    disk.kill();
    // Rubbish in the middle of old segments is for verification to find.
    for number in 2..=5 {
        disk.plant(&format!("segment-{number:08}.log"), b"rubbish");
        disk.plant(&format!("segment-{number:08}.sig.json"), b"rubbish");
    }
    assert_eq!(start(&mut FileLog::on(disk.storage()).rotation(BY_FIVE)).unwrap().head, expected(33).0);
}
