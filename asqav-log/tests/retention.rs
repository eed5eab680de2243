//! Deleting what is over its time through a gate: what goes, what stays, who
//! can tell afterwards, and what forbids it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

#[path = "support/files.rs"]
mod files;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use asqav_core::gate::OpenError;
use asqav_core::key::SigningKey;
use asqav_core::sign::{Signer as _, Signing};
use asqav_core::{Gate, Refused, ToolCall};
use asqav_log::diff::{Difference, ForkKind, compare};
use asqav_log::follow::Follow;
use asqav_log::prove::{ProveError, Wanted, prove, prove_growth};
use asqav_log::reader::{LogReader, verify_dir};
use asqav_log::retention::{Deleted, MIN_DAYS, Retention, RetentionError, RetentionPlan, Stop, apply};
use asqav_log::sink::{CheckpointSink, SinkError};
use asqav_log::vault::{Opened, Vault, VaultKey};
use asqav_log::{CheckpointSchedule, FileLog, Rotation, guard};
use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::deletion::{DELETE_EVENT, Deletion};
use asqav_receipt::id::{ActionId, HoldId};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::payload::{Context, Payload};
use asqav_receipt::receipt::{LineSignature, parse_line, portable};
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{FailureClass, LogInputs, LogReport, ReasonCode, Verdict};

use files::copy;

type Checkpoints = Arc<Mutex<Vec<SignedCheckpoint>>>;

/// Keeps every checkpoint.
struct Kept(Checkpoints);

impl CheckpointSink for Kept {
    fn name(&self) -> String {
        "kept".to_owned()
    }
    fn deliver(&mut self, signed: &SignedCheckpoint) -> Result<(), SinkError> {
        self.0.lock().unwrap().push(signed.clone());
        Ok(())
    }
}

fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[12; 32])
}

fn keys() -> KeySet {
    let key = signing_key();
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    KeySet::new(vec![entry.unwrap()])
}

fn vault_key() -> VaultKey {
    VaultKey::from_bytes([4; 32])
}

fn gate_with(dir: &Path, checkpoints: &Checkpoints) -> Gate {
    try_gate(dir, checkpoints).unwrap()
}

fn try_gate(dir: &Path, checkpoints: &Checkpoints) -> Result<Gate, OpenError> {
    let rotation = Rotation { max_count: 5, ..Rotation::default() };
    Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(Arc::new(signing_key()))
        .without_policy()
        .log(
            FileLog::new(dir)
                .rotation(rotation)
                .vault_key(vault_key())
                .head_mirror(dir.with_extension("head"))
                .checkpoints(CheckpointSchedule { events: 1_000, interval_secs: u32::MAX, minimum: 1_000 })
                .checkpoint_sink(Kept(checkpoints.clone())),
        )
        .open()
}

fn gate(dir: &Path) -> Gate {
    gate_with(dir, &Checkpoints::default())
}

fn call(gate: &Gate, who: &str) {
    let call = ToolCall::builder("query", "crm:query").argument("who", who).build();
    gate.run_sync(call, || Ok::<_, Refused>("found")).unwrap();
}

/// A log of 17 receipts in four segments, ended cleanly; segment 3 is the last
/// but one.
fn recorded(dir: &Path) -> Checkpoints {
    let checkpoints = Checkpoints::default();
    let gate = gate_with(dir, &checkpoints);
    for who in 0..7 {
        call(&gate, &who.to_string());
    }
    // One receipt more, which changes nothing.
    gate.release_hold(&hold("none")).wait().unwrap();
    gate.shutdown().wait().unwrap();
    checkpoints
}

fn hold(id: &str) -> HoldId {
    HoldId::parse(id).unwrap()
}

/// Everything that any clock has seen is over its time.
fn all_due(dir: &Path) -> RetentionPlan {
    RetentionPlan::make(dir, Retention::default(), far()).unwrap()
}

fn far() -> Timestamp {
    Timestamp::parse_rfc3339("2100-01-01T00:00:00.000000Z").unwrap()
}

fn delete(dir: &Path, plan: &RetentionPlan) -> Result<Deleted, RetentionError> {
    let gate = gate(dir);
    let deleted = apply(dir, &gate, plan);
    gate.shutdown().wait().unwrap();
    deleted
}

fn report_with(dir: &Path, inputs: LogInputs<'_>) -> LogReport {
    verify_dir(dir, inputs.at(far()), &mut |_| {}).unwrap()
}

fn report(dir: &Path) -> LogReport {
    report_with(dir, LogInputs::new().keys(&keys()))
}

#[track_caller]
fn invalid(dir: &Path, reason: ReasonCode) {
    let report = report(dir);
    assert_eq!(report.verdict, Verdict::Unverified(FailureClass::Invalid), "{:?}", report.problems);
    assert_eq!(report.reason_code, Some(reason), "{:?}", report.problems);
}

#[track_caller]
fn verified(dir: &Path) -> LogReport {
    let report = report(dir);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    report
}

fn ids(dir: &Path) -> Vec<ActionId> {
    let mut ids = Vec::new();
    let log = LogReader::open(dir).unwrap();
    log.visit(|_, piece| {
        ids.push(Payload::from_json(&parse_line(piece.bytes).unwrap().0).unwrap().action_id);
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    ids
}

struct Log {
    _dir: tempfile::TempDir,
    path: std::path::PathBuf,
    checkpoints: Checkpoints,
}

fn log() -> Log {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let checkpoints = recorded(&path);
    Log { _dir: dir, path, checkpoints }
}

impl Log {
    fn beside(&self, name: &str) -> std::path::PathBuf {
        self.path.parent().unwrap().join(name)
    }

    fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }
}

#[test]
fn whole_segments_go_and_the_rest_is_verified() {
    let log = log();
    let before = verified(&log.path);
    let plan = all_due(&log.path);
    assert_eq!(plan.due.iter().map(|due| due.segment).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((plan.receipts(), &plan.stop), (SeqSet::range(1, 15), &Stop::Newest));
    let content = fs::read(log.path.join("segment-00000002.log")).unwrap();
    assert!(log.has("segment-00000001.log"), "a plan changes nothing");
    assert_eq!(verified(&log.path).tree, before.tree);

    let deleted = delete(&log.path, &plan).unwrap();
    assert_eq!((deleted.receipts, deleted.recorded_in.len()), (SeqSet::range(1, 15), 1));
    for number in 1..=3 {
        assert!(!log.has(&format!("segment-0000000{number}.log")));
        assert!(log.has(&format!("segment-0000000{number}.sig.json")));
        assert_eq!(
            fs::metadata(log.path.join(format!("segment-0000000{number}.leaves"))).unwrap().len(),
            160
        );
    }
    assert!(!log.has("deleting.jsonl"));
    let after = verified(&log.path);
    assert_eq!(after.deleted, SeqSet::range(1, 15));
    assert!(
        after.not_checked.iter().any(|line| line.starts_with("content 1..15")),
        "{:?}",
        after.not_checked
    );
    assert_eq!((after.genesis, after.log_id), (before.genesis, before.log_id));
    // Nothing that the receipts said is left in any file but what names them.
    let line = content.split(|byte| *byte == b'\n').next().unwrap();
    for entry in
        fs::read_dir(&log.path).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    {
        let bytes = fs::read(&entry).unwrap();
        assert!(!bytes.windows(line.len()).any(|part| part == line), "{}", entry.display());
    }
    // Written on, and deleted from again: the newest receipt speaks for all.
    let gate = gate(&log.path);
    for who in 0..5 {
        call(&gate, &who.to_string());
    }
    gate.shutdown().wait().unwrap();
    let plan = all_due(&log.path);
    assert_eq!(plan.due.first().unwrap().segment, 4, "{plan:?}");
    delete(&log.path, &plan).unwrap();
    let again = verified(&log.path);
    assert!(again.deleted.count() > 20 && again.deleted.ranges().len() == 1, "{:?}", again.deleted);
}

#[test]
fn what_opens_deleted_receipts_is_erased() {
    let log = log();
    let all = ids(&log.path);
    let opened = |id: ActionId| Vault::new(&log.path, vault_key()).open(id).unwrap();
    assert!(matches!(opened(all[1]), Opened::Openings(_)), "{:?}", opened(all[1]));
    delete(&log.path, &all_due(&log.path)).unwrap();
    assert!(matches!(opened(all[1]), Opened::Erased), "{:?}", opened(all[1]));
}

#[test]
fn only_what_is_over_its_period_is_due() {
    assert_eq!(Retention::default().days(), 2_555);
    assert!(Retention::of_days(MIN_DAYS - 1).is_none() && Retention::of_days(MIN_DAYS).is_some());
    let log = log();
    let newest = |plan: RetentionPlan| plan.due.len();
    let at = |now: i64| Timestamp::from_unix_micros(now).unwrap();
    let plan = all_due(&log.path);
    let second = plan.due[1].newest.unix_micros();
    let period = 2_555 * 86_400_000_000;
    // To the microsecond of the segment's latest receipt.
    assert_eq!(newest(RetentionPlan::make(&log.path, Retention::default(), at(second + period)).unwrap()), 2);
    let just_before = RetentionPlan::make(&log.path, Retention::default(), at(second + period - 1)).unwrap();
    assert_eq!(just_before.due.len(), 1);
    assert_eq!(just_before.stop, Stop::Young { segment: 2, newest: plan.due[1].newest });
    let today = RetentionPlan::make(&log.path, Retention::default(), at(second)).unwrap();
    assert!(today.due.is_empty());
}

/// "For ever", as people write it, is no period that ends today.
#[test]
fn a_period_longer_than_the_calendar_keeps_everything() {
    let log = log();
    for days in [800_000, 4_000_000, 107_000_000, 213_504_000, u32::MAX] {
        let plan = RetentionPlan::make(&log.path, Retention::shorter(days), far()).unwrap();
        assert_eq!(plan.due, [], "{days} days, before {}", plan.before);
        assert!(matches!(plan.stop, Stop::Young { segment: 1, .. }), "{days} days: {:?}", plan.stop);
    }
}

#[test]
fn a_legal_hold_ends_the_row() {
    let log = log();
    let gate = gate(&log.path);
    gate.place_hold(&hold("case-7"), Some(&SeqSet::range(8, 8))).wait().unwrap();
    gate.shutdown().wait().unwrap();
    let plan = all_due(&log.path);
    assert_eq!(plan.due.iter().map(|due| due.segment).collect::<Vec<_>>(), [1]);
    assert_eq!(plan.stop, Stop::Held { segment: 2, hold: hold("case-7") });
    // Placed after the plan was made, it counts all the same.
    let gate = self::gate(&log.path);
    gate.place_hold(&hold("all"), None).wait().unwrap();
    let refused = apply(&log.path, &gate, &plan).unwrap_err();
    assert!(matches!(&refused, RetentionError::Held { hold } if hold.as_str() == "all"), "{refused:?}");
    assert!(log.has("segment-00000001.log") && !log.has("segment-00000001.leaves"));
    gate.release_hold(&hold("all")).wait().unwrap();
    apply(&log.path, &gate, &plan).unwrap();
    gate.shutdown().wait().unwrap();
    assert!(!log.has("segment-00000001.log") && log.has("segment-00000002.log"));
    verified(&log.path);
}

/// Whoever may write to the directory cannot sign a release; neither can they
/// have one read.
#[test]
fn a_hold_that_cannot_be_read_still_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let gate = gate(&path);
    gate.place_hold(&hold("case-7"), Some(&SeqSet::range(1, 2))).wait().unwrap();
    for who in 0..7 {
        call(&gate, &who.to_string());
    }
    gate.shutdown().wait().unwrap();
    let file = path.join("segment-00000001.log");
    let text = fs::read_to_string(&file).unwrap();
    for changed in [
        text.replacen("case-7", "case-8", 1),
        text.replacen("hold:place", "hold:pla_e", 2),
        text.replacen("\"1-2\"", "\"9-9\"", 1),
        text.split_inclusive('\n').filter(|line| !line.contains("case-7")).collect(),
    ] {
        assert_ne!(changed, text);
        fs::write(&file, changed).unwrap();
        let plan = all_due(&path);
        assert_eq!((plan.due.len(), plan.stop), (0, Stop::Damaged { segment: 1 }));
    }
    // Without the segments that a hold stands in, and leaf hashes in their place.
    fs::write(&file, &text).unwrap();
    fs::write(path.join("segment-00000001.leaves"), [0; 160]).unwrap();
    fs::remove_file(&file).unwrap();
    let plan = all_due(&path);
    assert_eq!((plan.due.len(), plan.stop), (0, Stop::Damaged { segment: 1 }));
}

#[test]
fn a_damaged_or_changed_segment_is_not_deleted() {
    let log = log();
    let plan = all_due(&log.path);
    let path = log.path.join("segment-00000002.log");
    let mut bytes = fs::read(&path).unwrap();
    // Base64 stays base64.
    let at = (bytes.len() / 2..).find(|at| (bytes[*at] ^ 1).is_ascii_alphanumeric()).unwrap();
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let damaged = all_due(&log.path);
    // In a signature: every payload is as it was, and none of them is a hold.
    assert_eq!((damaged.due.len(), damaged.stop), (1, Stop::Damaged { segment: 2 }));
    let refused = delete(&log.path, &plan).unwrap_err();
    assert!(matches!(refused, RetentionError::Changed { segment: 2 }), "{refused:?}");
    assert!(log.has("segment-00000001.log"), "none of the plan was done");
}

#[test]
fn nothing_but_a_signed_deletion_explains_a_missing_segment() {
    let log = log();
    let copied = |name: &str| {
        let to = log.beside(name);
        copy(&log.path, &to);
        to
    };
    // A tombstone that anybody can make, without the receipt.
    let forged = copied("forged");
    let tomb = log.beside("tomb");
    copy(&log.path, &tomb);
    fs::copy(log.path.with_extension("head"), tomb.with_extension("head")).unwrap();
    delete(&tomb, &all_due(&tomb)).unwrap();
    fs::remove_file(forged.join("segment-00000001.log")).unwrap();
    fs::copy(tomb.join("segment-00000001.leaves"), forged.join("segment-00000001.leaves")).unwrap();
    invalid(&forged, ReasonCode::DeletionUnsigned);
    fs::write(forged.join("segment-00000001.log"), "").unwrap();
    invalid(&forged, ReasonCode::DeletionUnsigned);
    fs::remove_file(forged.join("segment-00000001.log")).unwrap();
    // No tombstone either, as ever.
    fs::remove_file(forged.join("segment-00000001.leaves")).unwrap();
    assert_eq!(report(&forged).verdict, Verdict::Unverified(FailureClass::Invalid));
    fs::remove_file(forged.join("segment-00000001.sig.json")).unwrap();
    assert_eq!(report(&forged).verdict, Verdict::Unverified(FailureClass::Invalid));
    // Of a deleted segment the header is taken away.
    let headless = log.beside("headless");
    copy(&tomb, &headless);
    fs::remove_file(headless.join("segment-00000001.sig.json")).unwrap();
    assert_eq!(report(&headless).verdict, Verdict::Unverified(FailureClass::Invalid));
    // Its leaf hashes are changed.
    let changed = log.beside("changed");
    copy(&tomb, &changed);
    let path = changed.join("segment-00000002.leaves");
    let mut leaves = fs::read(&path).unwrap();
    leaves[33] ^= 4;
    fs::write(path, leaves).unwrap();
    invalid(&changed, ReasonCode::TombstoneDiffers);
    // A start that was interrupted left its name.
    let left = log.beside("left");
    copy(&tomb, &left);
    fs::copy(tomb.with_extension("head"), left.with_extension("head")).unwrap();
    fs::write(left.join("segment-00000001.log"), "").unwrap();
    assert_eq!(verified(&left).deleted, SeqSet::range(1, 15));
    let written_on = gate(&left);
    (0..5).for_each(|who| call(&written_on, &who.to_string()));
    written_on.shutdown().wait().unwrap();
    let oldest = ids(&left)[0];
    assert!(tree_holds(&left, oldest));
    let more = delete(&left, &all_due(&left)).unwrap().receipts;
    assert!(more.contains(16) && !tree_holds(&left, oldest), "{more:?}");
    verified(&left);
    // It came back: reported, and everything in it is checked.
    let back = log.beside("back");
    copy(&tomb, &back);
    fs::copy(log.path.join("segment-00000001.log"), back.join("segment-00000001.log")).unwrap();
    let report = verified(&back);
    assert!(report.problems.iter().any(|found| found.reason_code == ReasonCode::NotDeleted));
    assert_eq!(report.deleted, SeqSet::range(6, 15));
    // The writer opens it, and deletes it again.
    fs::copy(tomb.with_extension("head"), back.with_extension("head")).unwrap();
    let plan = all_due(&back);
    assert_eq!(plan.due[0].segment, 1);
    drop(plan);
    gate(&back).shutdown().wait().unwrap();
    verified(&back);
    // And refuses one that misses a segment without a tombstone.
    fs::remove_file(tomb.join("segment-00000002.leaves")).unwrap();
    let refused = Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(Arc::new(signing_key()))
        .without_policy()
        .log(FileLog::new(&tomb))
        .open();
    assert!(refused.is_err());
}

#[test]
fn proofs_and_checkpoints_span_what_was_deleted() {
    let log = log();
    let all = ids(&log.path);
    delete(&log.path, &all_due(&log.path)).unwrap();
    let later = Checkpoints::default();
    let gate = gate_with(&log.path, &later);
    call(&gate, "later");
    gate.shutdown().wait().unwrap();
    let (old, new) = (log.checkpoints.lock().unwrap()[0].clone(), later.lock().unwrap()[0].clone());
    assert!(new.checkpoint.size > old.checkpoint.size);
    let keys = keys();
    for kept in [&old, &new] {
        let inputs = LogInputs::new().keys(&keys).checkpoint(kept);
        let report = report_with(&log.path, inputs);
        assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    }
    // With the stored tree, and with none.
    for tree in [true, false] {
        if !tree {
            fs::remove_dir_all(log.path.join("tree")).unwrap();
        }
        let proof = prove(&log.path, Wanted::Seq(17), &new).unwrap();
        assert_eq!((proof.seq, proof.checkpoint.checkpoint.size), (17, new.checkpoint.size));
        proof.check().unwrap();
        prove_growth(&log.path, &old, &new).unwrap();
        let gone = prove(&log.path, Wanted::Seq(3), &new).unwrap_err();
        assert!(matches!(gone, ProveError::Deleted { seq: 3 }), "{gone:?}");
        let by_id = prove(&log.path, Wanted::Id(all[2]), &new).unwrap_err();
        let is_told = matches!(by_id, ProveError::Deleted { seq: 3 } | ProveError::NoSuchReceipt { .. });
        assert!(is_told, "{by_id:?}");
    }
    // The writer makes the tree anew from the leaf hashes.
    let gate = gate_with(&log.path, &later);
    gate.shutdown().wait().unwrap();
    let stored = asqav_log::tree::StoredTree::open(&log.path).unwrap();
    let newest = later.lock().unwrap().last().unwrap().clone();
    assert_eq!(stored.size(), newest.checkpoint.size);
    let hashes = fs::read(log.path.join("tree/hashes-0")).unwrap();
    let root = asqav_receipt::merkle::root::<asqav_receipt::merkle::Sha3Tree>(hashes.as_chunks().0);
    assert_eq!(root, *newest.checkpoint.root.as_bytes());
}

/// Whether anything in `tree/` has these bytes.
fn tree_holds(log: &Path, id: ActionId) -> bool {
    let files = fs::read_dir(log.join("tree")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.into_iter().any(|file| file.windows(16).any(|bytes| bytes == id.as_bytes()))
}

#[test]
fn what_deleted_receipts_were_called_is_forgotten() {
    let log = log();
    let all = ids(&log.path);
    assert!(all.iter().all(|id| tree_holds(&log.path, *id)));
    let old = fs::read(log.path.join("tree/ids-0")).unwrap();
    delete(&log.path, &all_due(&log.path)).unwrap();
    let there = ids(&log.path);
    let gone: Vec<_> = all.iter().filter(|id| !there.contains(id)).collect();
    assert!(gone.len() >= 5, "{}", gone.len());
    assert!(gone.iter().all(|id| !tree_holds(&log.path, **id)));
    assert!(there.iter().all(|id| tree_holds(&log.path, *id)));

    // A crash between the deletion and that leaves the tree as it was.
    let written = fs::read(log.path.join("tree/ids-0")).unwrap();
    fs::write(log.path.join("tree/ids-0"), [&old, &written[old.len()..]].concat()).unwrap();
    assert!(gone.iter().all(|id| tree_holds(&log.path, **id)));
    gate(&log.path).shutdown().wait().unwrap();
    assert!(gone.iter().all(|id| !tree_holds(&log.path, **id)));
    assert!(fs::read(log.path.join("tree/ids-0")).unwrap().starts_with(&written));
}

#[test]
fn copies_are_compared_by_the_hashes_of_what_was_deleted() {
    let log = log();
    let kept = log.beside("kept");
    copy(&log.path, &kept);
    delete(&log.path, &all_due(&log.path)).unwrap();
    let compared = compare([&log.path, &kept]).unwrap();
    assert!(matches!(compared, Difference::Longer { which: 0, common: 17 }), "{compared:?}");
    let path = kept.join("segment-00000002.log");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 100;
    bytes[at] ^= 1;
    fs::write(&path, bytes).unwrap();
    let Difference::Fork(fork) = compare([&log.path, &kept]).unwrap() else { panic!("no fork") };
    assert_eq!((fork.seq, fork.kind), (7, ForkKind::Deleted));
    assert!(fork.proof().is_none());
}

#[test]
fn a_follower_goes_on_over_what_is_deleted_under_it() {
    let log = log();
    let mut follow = Follow::new(&log.path).unwrap();
    for _ in 0..2 {
        follow.next_line().unwrap().unwrap();
    }
    let mut fresh = Follow::new(&log.path).unwrap();
    delete(&log.path, &all_due(&log.path)).unwrap();
    let read = |follow: &mut Follow| {
        let mut seen = Vec::new();
        while let Some(line) = follow.next_line().unwrap() {
            seen.push(Payload::from_json(&parse_line(&line).unwrap().0).unwrap().seq);
        }
        seen
    };
    // It holds the first segment open, and loses the others.
    assert_eq!(read(&mut follow), (3..=5).chain(16..=20).collect::<Vec<_>>());
    assert_eq!(read(&mut fresh), (16..=20).collect::<Vec<_>>());
}

#[test]
fn guarded_segments_are_deleted_and_their_tombstones_guarded() {
    let log = log();
    let files = guard::on(&log.path).unwrap();
    let first = files.iter().find(|file| file.name == "segment-00000001.log").unwrap();
    if first.immutable != Some(true) {
        println!("skipped: the attribute `i` is not permitted here ({:?})", first.refused);
    }
    let deleted = delete(&log.path, &all_due(&log.path));
    let files = guard::on(&log.path).unwrap();
    let listed = files.iter().any(|file| file.name == "segment-00000001.leaves" && file.mode == 0o400);
    guard::off(&log.path).unwrap();
    deleted.unwrap();
    assert!(listed, "{files:?}");
    verified(&log.path);
}

/// A deletion that the log cannot do: it is not recorded, and nothing is gone.
#[test]
fn a_deletion_of_something_else_closes_the_gate_and_deletes_nothing() {
    let log = log();
    let plan = all_due(&log.path);
    let header = |at: usize| plan.due[at].header;
    let of = |first_segment, receipts, headers: Vec<_>| Deletion {
        first_segment,
        receipts,
        headers,
        days: 2_555,
        before: far(),
    };
    for (what, deletion) in [
        ("not the oldest", of(2, (6, 10), vec![header(1)])),
        ("another header", of(1, (1, 5), vec![header(1)])),
        ("other receipts", of(1, (1, 6), vec![header(0)])),
        ("the newest sealed segment", of(1, (1, 17), vec![header(0), header(1), header(2), header(2)])),
        ("what is not there", of(9, (41, 45), vec![header(0)])),
    ] {
        let copied = log.beside(what);
        copy(&log.path, &copied);
        let gate = gate(&copied);
        assert!(gate.delete(&deletion).unwrap().wait().is_err(), "{what}");
        drop(gate.shutdown().wait());
        drop(gate);
        for number in 1..=4 {
            assert!(copied.join(format!("segment-0000000{number}.log")).exists(), "{what}: segment {number}");
        }
        // The next start takes back what was prepared, and the log goes on.
        fs::remove_file(copied.with_extension("head")).unwrap();
        self::gate(&copied).shutdown().wait().unwrap();
        let left = fs::read_dir(&copied).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter_map(|name| name.into_string().ok()).collect();
        assert!(!left.iter().any(|name| name.ends_with(".leaves") || name.contains("deleting")), "{left:?}");
        let report = verified(&copied);
        assert!(report.deleted.is_empty() && report.recoveries == 1, "{what}: {:?}", report.problems);
    }
}

/// What the next start removes has been signed for, and is in the log.
#[test]
fn a_planted_announcement_deletes_nothing() {
    let log = log();
    let ahead = log.beside("ahead");
    copy(&log.path, &ahead);
    let plan = all_due(&ahead);
    delete(&ahead, &plan).unwrap();
    let segments = fs::read_dir(&ahead).unwrap().map(|entry| entry.unwrap().path());
    let text: Vec<_> = segments.filter(|path| path.extension() == Some("log".as_ref())).collect();
    let text = text.iter().flat_map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let mut lines = text.split(|byte| *byte == b'\n');
    let deletion = lines.find(|line| line.windows(12).any(|part| part == b"\"log:delete\"")).unwrap();
    let first = fs::read(log.path.join("segment-00000001.log")).unwrap();
    let first = first.split(|byte| *byte == b'\n').next().unwrap();
    let announce = |line: &[u8]| {
        let copied = log.beside(&format!("announced-{}", line.len()));
        copy(&log.path, &copied);
        fs::write(copied.join("deleting.jsonl"), [line, b"\n"].concat()).unwrap();
        copied
    };
    let there = |dir: &Path| (1..=4).all(|number| dir.join(format!("segment-0000000{number}.log")).exists());
    // Signed, and not in the log: taken back.
    let copied = announce(deletion);
    self::gate(&copied).shutdown().wait().unwrap();
    assert!(there(&copied) && !copied.join("deleting.jsonl").exists());
    // In the log, and no deletion; a deletion that says more than was signed.
    let more = {
        let (json, LineSignature::Own(signature)) = parse_line(deletion).unwrap() else { panic!("a batch") };
        let mut payload = Payload::from_json(&json).unwrap();
        let wider = Deletion { days: 1, ..Deletion::of(&payload).unwrap() };
        payload.context = Context::Event { name: DELETE_EVENT, body: wider.to_body() };
        portable(&payload.to_canonical(), &signature.into())
    };
    for line in [first, &more] {
        let copied = announce(line);
        let refused = try_gate(&copied, &Checkpoints::default()).map(drop).unwrap_err();
        let why = format!("{refused}: {:?}", std::error::Error::source(&refused));
        assert!(why.contains("deleting.jsonl"), "{why}");
        assert!(there(&copied));
    }
}

/// Batches stand in one segment each, and are proven over tombstones.
#[test]
fn batched_receipts_are_proven_over_what_was_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let open = |checkpoints: &Checkpoints| {
        Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
            .signer(Arc::new(signing_key()))
            .signing(Signing::Batched)
            .without_policy()
            .log(
                FileLog::new(&path)
                    .rotation(Rotation { max_count: 20, ..Rotation::default() })
                    .checkpoints(CheckpointSchedule {
                        events: 10_000,
                        interval_secs: u32::MAX,
                        minimum: 10_000,
                    })
                    .checkpoint_sink(Kept(checkpoints.clone())),
            )
            .open()
            .unwrap()
    };
    let record = |gate: &Gate| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..8).for_each(|who| call(gate, &who.to_string())));
            }
        });
    };
    let checkpoints = Checkpoints::default();
    let gate = open(&checkpoints);
    record(&gate);
    let plan = all_due(&path);
    assert!(plan.due.len() >= 2, "{plan:?}");
    let deleted = apply(&path, &gate, &plan).unwrap();
    record(&gate);
    gate.shutdown().wait().unwrap();
    assert_eq!(verified(&path).deleted, deleted.receipts);
    let signed = checkpoints.lock().unwrap().last().unwrap().clone();
    let (mut batched, first_left) = (0, deleted.receipts.last().unwrap() + 1);
    for tree in [true, false] {
        if !tree {
            fs::remove_dir_all(path.join("tree")).unwrap();
        }
        for seq in (first_left..=signed.checkpoint.size).step_by(7) {
            let proof = prove(&path, Wanted::Seq(seq), &signed).unwrap();
            proof.check().unwrap();
            batched += usize::from(proof.receipt.windows(12).any(|part| part == br#""first_seq":"#));
        }
    }
    assert!(batched > 0, "none of them was of a batch");
}
