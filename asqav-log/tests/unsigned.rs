//! Receipts that are on disk before they are signed, and what becomes of them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

#[path = "support/files.rs"]
mod files;
mod support;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use asqav_core::log::{Durability, Log as _, LogError, LogOwner, LogStart, Unclean};
use asqav_core::sign::{Signer as _, Signing};
use asqav_log::lines::Piece;
use asqav_log::reader::{LogReader, verify_dir};
use asqav_log::vault::{Opened, Vault, VaultKey};
use asqav_log::{FileLog, JournalKey};
use asqav_receipt::erasure::{ERASE_EVENT, erase_body};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::payload::Context;
use asqav_receipt::receipt::{LineSignature, parse_line};
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::verify::{LogInputs, LogReport};

use support::chain::{LEN, TestClock, TestKey, chain, key, log_id, owner, owner_with, sign_chain};
use support::{BY_FIVE, commit, expected, signed, unsigned};

const NAME: &str = "unsigned.jsonl";

fn vault_key() -> VaultKey {
    VaultKey::from_bytes([7; 32])
}

fn journal_key() -> JournalKey {
    JournalKey::from_bytes([8; 32])
}

fn journaled() -> LogOwner {
    LogOwner { durability: Durability::Journaled, ..owner() }
}

fn open(dir: &Path) -> FileLog {
    FileLog::new(dir).rotation(BY_FIVE).vault_key(vault_key()).journal_key(journal_key())
}

fn started(dir: &Path) -> FileLog {
    let mut log = open(dir);
    log.start(&journaled()).unwrap();
    log
}

/// The same, with its first receipt.
fn begun(dir: &Path) -> FileLog {
    let mut log = started(dir);
    log.commit(&signed(1, 1, 0), Durability::Journaled).unwrap();
    log
}

/// A log whose first six receipts are signed and whose next four are not; its
/// writer is gone.
fn left() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    log.journal(&unsigned(2, 8)).unwrap();
    log.commit(&signed(2, 6, 6), Durability::Journaled).unwrap();
    log.journal(&unsigned(9, 10)).unwrap();
    dir
}

/// A log of the first `count` receipts that never had a journal.
fn plain(count: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path());
    log.start(&owner()).unwrap();
    commit(&mut log, 1, count).unwrap();
    dir
}

fn again(dir: &Path) -> Result<LogStart, LogError> {
    open(dir).start(&owner())
}

/// The public key that the chain is signed with.
fn keys() -> KeySet {
    let key = key();
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    KeySet::new(vec![entry.unwrap()])
}

fn verified(dir: &Path) -> LogReport {
    let at = support::chain::issued_at(LEN);
    verify_dir(dir, LogInputs::new().keys(&keys()).at(at).allow_open(true), &mut |_| {}).unwrap()
}

/// The lines of the journal.
fn lines(dir: &Path) -> Vec<String> {
    fs::read_to_string(dir.join(NAME)).unwrap().lines().map(str::to_owned).collect()
}

fn write_lines(dir: &Path, lines: &[String]) {
    fs::write(dir.join(NAME), lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

/// Why the log does not open with this journal, and that nothing in it changed.
fn refusal(dir: &Path, lines: &[String]) -> String {
    write_lines(dir, lines);
    let segments =
        || [1, 2].map(|number| fs::read(dir.join(format!("segment-0000000{number}.log"))).unwrap());
    let before = segments();
    let error = again(dir).unwrap_err();
    assert_eq!(segments(), before);
    assert!(matches!(error, LogError::Damaged { .. }), "{error}");
    error.to_string()
}

#[test]
fn what_was_left_is_signed_at_the_next_start() {
    let dir = left();
    let report = verified(dir.path());
    assert_eq!(report.problems, verified(plain(6).path()).problems);
    let note = format!("unsigned: {NAME} lists receipts 7..10, which no segment had when it was read");
    assert!(report.not_checked.contains(&note), "{:?}", report.not_checked);

    let start = again(dir.path()).unwrap();
    assert_eq!((start.head, start.open), expected(10));
    assert_eq!(start.unclean, Some(Unclean::new(0, None).unsigned_after(6)));
    let report = verified(dir.path());
    assert_eq!((report.receipts, report.problems), (10, verified(plain(10).path()).problems));
    assert!(!report.not_checked.iter().any(|note| note.contains("unsigned")), "{:?}", report.not_checked);
    // Their openings came with the journal.
    let vault = Vault::new(dir.path(), vault_key());
    for entry in &chain()[..10] {
        let opened = entry.openings.clone().map_or(Opened::Missing, Opened::Openings);
        assert_eq!(vault.open(entry.payload.action_id).unwrap(), opened);
    }
    // It is told until a receipt follows.
    for _ in 0..2 {
        let start = again(dir.path()).unwrap();
        assert_eq!(start.unclean, Some(Unclean::new(0, None).unsigned_after(6)));
    }
    let mut log = started(dir.path());
    commit(&mut log, 11, 1).unwrap();
    assert!(!dir.path().join(NAME).exists());
    drop(log);
    assert_eq!(again(dir.path()).unwrap().unclean, Some(Unclean::new(0, None)));
}

/// A start that was interrupted had signed two of the four.
#[test]
fn a_start_names_what_the_start_before_it_signed() {
    let dir = left();
    again(dir.path()).unwrap();
    let segment = dir.path().join("segment-00000002.log");
    let lines = support::text(8);
    fs::write(&segment, &lines[support::text(5).len()..]).unwrap();
    let start = again(dir.path()).unwrap();
    assert_eq!((start.head, start.unclean), (expected(10).0, Some(Unclean::new(0, None).unsigned_after(6))));
}

/// It is not told of receipts that another one follows, though the file is
/// there.
#[test]
fn what_a_receipt_follows_is_told_no_more() {
    let dir = left();
    again(dir.path()).unwrap();
    let journal = fs::read(dir.path().join(NAME)).unwrap();
    let mut log = started(dir.path());
    commit(&mut log, 11, 1).unwrap();
    drop(log);
    fs::write(dir.path().join(NAME), journal).unwrap();
    assert_eq!(again(dir.path()).unwrap().unclean, Some(Unclean::new(0, None)));
    assert!(!dir.path().join(NAME).exists());
}

#[test]
fn what_was_left_is_signed_as_the_gate_signs() {
    for (signing, batches) in [(Signing::EachReceipt, 0), (Signing::Batched, 4)] {
        let dir = left();
        open(dir.path()).start(&LogOwner { signing, ..journaled() }).unwrap();
        let reader = LogReader::open(dir.path()).unwrap();
        let mut batched = 0;
        let visit = |_, piece: &Piece<'_>| {
            let (_, signature) = parse_line(piece.bytes).unwrap();
            batched += usize::from(matches!(signature, LineSignature::Member(_)));
            ControlFlow::Continue(())
        };
        reader.visit(visit).unwrap();
        assert_eq!(batched, batches, "{signing:?}");
    }
}

/// Bytes that were set aside behind what was journaled are told of, though that
/// was moved away since.
#[test]
fn torn_bytes_behind_a_journal_that_was_moved_away_are_told() {
    let dir = left();
    fs::write(dir.path().join("torn-10.bin"), b"torn").unwrap();
    fs::remove_file(dir.path().join(NAME)).unwrap();
    let start = again(dir.path()).unwrap();
    assert_eq!((start.head, start.unclean.unwrap().torn_bytes), (expected(6).0, 4));
    assert_eq!(fs::read(dir.path().join("torn-6.bin")).unwrap(), b"torn");
    assert!(!dir.path().join("torn-10.bin").exists());
}

#[test]
fn no_erasure_is_journaled_or_taken_from_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    let mut erasure = unsigned(2, 2).remove(0);
    let mut payload = (*erasure.payload).clone();
    let body = erase_body(&SeqSet::parse("1").unwrap());
    payload.context = Context::Event { name: ERASE_EVENT, body };
    erasure.canonical = payload.to_canonical().into();
    erasure.payload = Arc::new(payload);
    assert!(log.journal(&[erasure.clone()]).is_err());
    drop(log);
    // Whoever has the key writes it himself.
    let mac = "import hashlib,hmac,sys\n\
        key=hashlib.sha3_256(b'asqav/unsigned/v1\\0'+bytes([8])*32).digest()\n\
        print(hmac.new(key,bytes([0x42])*16+sys.argv[1].encode(),hashlib.sha3_256).hexdigest())";
    let payload = String::from_utf8(erasure.canonical.to_vec()).unwrap();
    let output = std::process::Command::new("python3").args(["-c", mac, &payload]).output().unwrap();
    let mac = String::from_utf8(output.stdout).unwrap();
    write_lines(dir.path(), &[format!("{{\"mac\":\"{}\",\"payload\":{payload}}}", mac.trim())]);
    let error = again(dir.path()).unwrap_err().to_string();
    assert!(error.contains("no writer journals an erasure"), "{error}");
}

#[test]
fn a_line_is_bound_by_hmac_as_python_computes_it() {
    // hmac.new(sha3_256(b"asqav/unsigned/v1\0" + key), log_id + payload, sha3_256)
    let script = "import hashlib,hmac,json,sys\n\
        key=hashlib.sha3_256(b'asqav/unsigned/v1\\0'+bytes([8])*32).digest()\n\
        for line in sys.stdin:\n\
        \x20 mac,payload=json.loads(line)['mac'],line.rstrip('\\n')[84:-1].encode()\n\
        \x20 json.loads(payload)\n\
        \x20 print(hmac.new(key,bytes([0x42])*16+payload,hashlib.sha3_256).hexdigest()==mac)\n";
    let dir = left();
    let journal = fs::File::open(dir.path().join(NAME)).unwrap();
    let output = std::process::Command::new("python3").args(["-c", script]).stdin(journal).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "True\n".repeat(9), "{:?}", output.stderr);
    assert_eq!(log_id().as_bytes(), &[0x42; 16]);
}

#[test]
fn nothing_is_signed_but_what_the_writer_journaled() {
    let dir = left();
    let whole = lines(dir.path());
    assert_eq!(whole.len(), 9);
    let changed = |at: usize, from: &str, to: &str| {
        let mut lines = whole.clone();
        assert!(lines[at].contains(from), "{}", lines[at]);
        lines[at] = lines[at].replacen(from, to, 1);
        lines
    };
    let mac = "was not written under this journal key";
    // A receipt that stands in a segment, one that does not, and the MAC.
    assert!(refusal(dir.path(), &changed(2, "agent:test", "agent:else")).contains(mac));
    assert!(refusal(dir.path(), &changed(7, "agent:test", "agent:else")).contains(mac));
    let (first, second) = (&whole[7].get(8..72).unwrap(), &whole[8].get(8..72).unwrap());
    assert!(refusal(dir.path(), &changed(7, first, second)).contains(mac));
    // Nothing can be left out before the last, told twice, or put elsewhere.
    let mut lines = whole.clone();
    lines.remove(6);
    assert!(refusal(dir.path(), &lines).contains("receipt 9 stands where 8 is due"));
    let mut lines = whole.clone();
    lines.swap(6, 7);
    assert!(refusal(dir.path(), &lines).contains("receipt 9 stands where 8 is due"));
    // Not as it is written.
    for (from, to) in [("{\"mac\"", "{ \"mac\""), ("\"payload\":{", "\"payload\": {"), ("}}", "},\"x\":1}")] {
        assert!(refusal(dir.path(), &changed(8, from, to)).contains("no unsigned receipt"), "{to}");
    }
    assert!(refusal(dir.path(), &["x".repeat(3_000_000)]).contains("no unsigned receipt"));
    // As it was, it is taken.
    write_lines(dir.path(), &whole);
    assert_eq!(again(dir.path()).unwrap().head, expected(10).0);
}

#[test]
fn a_journal_of_another_log_or_key_is_refused() {
    let dir = left();
    let error = open(dir.path()).journal_key(JournalKey::from_bytes([9; 32])).start(&owner()).unwrap_err();
    assert!(error.to_string().contains("was not written under this journal key for this log"), "{error}");

    let other = tempfile::tempdir().unwrap();
    let mut log = open(other.path());
    let new_log_id = asqav_receipt::id::LogId::from_bytes([0x43; 16]);
    let elsewhere = LogOwner { new_log_id, ..owner() };
    log.start(&elsewhere).unwrap();
    drop(log);
    fs::copy(dir.path().join(NAME), other.path().join(NAME)).unwrap();
    let error = open(other.path()).start(&elsewhere).unwrap_err();
    assert!(error.to_string().contains("for this log"), "{error}");
    assert!(!other.path().join("segment-00000001.log").exists());
}

#[test]
fn another_key_does_not_sign_what_waits_for_the_first() {
    let dir = left();
    let other = owner_with(Arc::new(TestKey::new(2)), TestClock::at(LEN));
    let mut log = open(dir.path()).former_keys(keys());
    let error = log.start(&other).unwrap_err();
    assert!(error.to_string().contains("start once with that"), "{error}");
    drop(log);
    assert_eq!(again(dir.path()).unwrap().head, expected(10).0);
}

#[test]
fn a_log_without_journal_key_neither_journals_nor_passes_over_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let error = FileLog::new(dir.path()).start(&journaled()).unwrap_err();
    assert!(matches!(error, LogError::NoJournal { .. }), "{error}");
    let mut log = FileLog::new(dir.path());
    log.start(&owner()).unwrap();
    assert!(matches!(log.journal(&unsigned(1, 1)), Err(LogError::NoJournal { .. })));

    let dir = left();
    let error = FileLog::new(dir.path()).start(&owner()).unwrap_err();
    assert!(matches!(&error, LogError::NoJournal { why } if why.contains("no journal key")), "{error}");
    // Whoever takes it away has no more than what is signed.
    fs::remove_file(dir.path().join(NAME)).unwrap();
    assert_eq!(FileLog::new(dir.path()).start(&owner()).unwrap().head, expected(6).0);
}

#[test]
fn what_is_signed_already_needs_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    log.journal(&unsigned(2, 4)).unwrap();
    log.commit(&signed(2, 4, 4), Durability::Journaled).unwrap();
    drop(log);
    assert_eq!(lines(dir.path()).len(), 3);
    assert!(!verified(dir.path()).not_checked.iter().any(|note| note.contains("unsigned")));
    assert_eq!(FileLog::new(dir.path()).start(&owner()).unwrap().unclean, Some(Unclean::new(0, None)));
    assert!(!dir.path().join(NAME).exists());
}

#[test]
fn a_torn_line_is_nobodys() {
    let dir = left();
    let whole = fs::read(dir.path().join(NAME)).unwrap();
    fs::write(dir.path().join(NAME), &whole[..whole.len() - 1]).unwrap();
    let start = again(dir.path()).unwrap();
    assert_eq!((start.head, start.unclean), (expected(9).0, Some(Unclean::new(0, None).unsigned_after(6))));
    assert_eq!(verified(dir.path()).receipts, 9);
}

/// Bytes that a crash left in the segment go by the receipt before the recovery
/// receipt, which is the last that was journaled.
#[test]
fn torn_bytes_of_a_segment_are_named_by_the_recovery_behind_the_journal() {
    let dir = left();
    let segment = dir.path().join("segment-00000002.log");
    let mut bytes = fs::read(&segment).unwrap();
    bytes.extend_from_slice(b"{\"asqav");
    fs::write(&segment, bytes).unwrap();
    let start = again(dir.path()).unwrap();
    assert_eq!(start.head, expected(10).0);
    let unclean = start.unclean.unwrap();
    assert_eq!((unclean.torn_bytes, unclean.unsigned_after), (7, Some(6)));
    assert_eq!(fs::read(dir.path().join("torn-10.bin")).unwrap(), b"{\"asqav");
}

#[test]
fn a_clean_stop_leaves_no_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    log.journal(&unsigned(2, LEN)).unwrap();
    log.commit(&signed(2, LEN, LEN), Durability::Journaled).unwrap();
    assert!(dir.path().join(NAME).exists());
    log.close(true).unwrap();
    assert!(!dir.path().join(NAME).exists());
    assert_eq!(again(dir.path()).unwrap().unclean, None);
}

#[test]
fn the_journal_is_made_anew_when_most_of_it_is_signed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = open(dir.path()).journal_remade_after(5_000);
    log.start(&journaled()).unwrap();
    log.commit(&signed(1, 1, 0), Durability::Journaled).unwrap();
    let mut longest = 0;
    for seq in 2..LEN {
        log.journal(&unsigned(seq, seq)).unwrap();
        longest = longest.max(fs::metadata(dir.path().join(NAME)).unwrap().len());
        if seq > 4 {
            log.commit(&signed(seq - 3, seq - 3, seq), Durability::Journaled).unwrap();
        }
    }
    assert!((5_000..12_000).contains(&longest), "{longest}");
    drop(log);
    assert_eq!(again(dir.path()).unwrap().head, expected(LEN - 1).0);
}

#[test]
fn a_journal_has_no_gap_and_no_second_version() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |result: Result<(), LogError>, why: &str| {
        let error = std::error::Error::source(&result.unwrap_err()).map(ToString::to_string);
        assert!(error.as_ref().is_some_and(|error| error.contains(why)), "{error:?}");
    };
    let mut log = started(dir.path());
    refused(log.journal(&unsigned(1, 1)), "first receipt is committed before");
    drop(log);
    let mut log = begun(dir.path());
    refused(log.journal(&unsigned(3, 4)), "receipt 3 stands where 2");
    drop(log);
    let mut log = started(dir.path());
    log.journal(&unsigned(2, 3)).unwrap();
    refused(log.journal(&unsigned(3, 3)), "receipt 3 stands where 4");
    drop(log);

    // Committed, it is what was journaled.
    let dir = tempfile::tempdir().unwrap();
    let mut log = begun(dir.path());
    log.journal(&unsigned(2, 2)).unwrap();
    let other = sign_chain(&TestKey::new(2), 2);
    refused(log.commit(&other[1..], Durability::Journaled), "not the receipt of that number");
}

#[test]
fn nobody_else_writes_the_journal() {
    let harms: [&dyn Fn(&Path); 3] = [
        &|journal| fs::write(journal, "").unwrap(),
        &|journal| fs::remove_file(journal).unwrap(),
        &|journal| {
            let bytes = fs::read(journal).unwrap();
            fs::remove_file(journal).unwrap();
            fs::write(journal, bytes).unwrap();
        },
    ];
    for harm in harms {
        let dir = tempfile::tempdir().unwrap();
        let mut log = begun(dir.path());
        log.journal(&unsigned(2, 3)).unwrap();
        harm(&dir.path().join(NAME));
        let error = log.journal(&unsigned(4, 4)).unwrap_err();
        assert!(matches!(&error, LogError::Interfered { place } if place == NAME), "{error}");
    }
    // A link is not followed, whatever it leads to.
    let dir = left();
    let journal = dir.path().join(NAME);
    fs::rename(&journal, dir.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", &journal).unwrap();
    assert!(again(dir.path()).unwrap_err().to_string().contains("not a regular file"));
    let report = verified(dir.path());
    assert!(report.problems.iter().any(|problem| problem.note.contains(NAME)), "a link is no part of a log");
}

#[test]
fn a_verifier_reads_whatever_stands_there() {
    let dir = left();
    for (content, said) in [
        ("no line", None),
        ("no receipt\n", Some(format!("{NAME}: line 1 is no unsigned receipt"))),
        ("\n", Some(format!("{NAME}: line 1 is no unsigned receipt"))),
        ("", None),
    ] {
        fs::write(dir.path().join(NAME), content).unwrap();
        let report = verified(dir.path());
        assert_eq!(report.problems, verified(plain(6).path()).problems);
        assert_eq!(report.not_checked.iter().find(|note| note.contains(NAME)), said.as_ref());
    }
    let copy = files::copied(dir.path());
    fs::remove_file(copy.path().join(NAME)).unwrap();
    fs::create_dir(copy.path().join(NAME)).unwrap();
    assert!(verified(copy.path()).problems.iter().any(|problem| problem.note.contains(NAME)));
}
