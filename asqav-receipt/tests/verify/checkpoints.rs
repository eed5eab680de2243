//! A log against its checkpoint: what it proves, and what one change does.

use asqav_receipt::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::id::LogId;
use asqav_receipt::keys::KeySet;
use asqav_receipt::merkle::{Frontier, Sha3Tree};
use asqav_receipt::payload::Link;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{Axis, AxisResult, LogInputs, LogReport, ReasonCode};
use serde_json::json;

use crate::Verdicts as _;
use crate::support::log::{Segment, Writer, verify};
use crate::support::{Key, foreign, now};

/// A log of two segments, the second open, and a decision without an outcome.
pub(crate) fn running() -> Writer {
    let mut writer = Writer::started();
    writer.call();
    writer.seal();
    writer.call();
    writer.allow();
    writer
}

/// The checkpoint that a verifier of this log would make, with a change.
pub(crate) fn signed(writer: &Writer, change: impl FnOnce(&mut Checkpoint)) -> SignedCheckpoint {
    signed_by(writer, &writer.key, change)
}

pub(crate) fn signed_by(
    writer: &Writer,
    key: &Key,
    change: impl FnOnce(&mut Checkpoint),
) -> SignedCheckpoint {
    let mut tree = Frontier::<Sha3Tree>::new();
    let files = writer.files();
    files.iter().flat_map(|segment| &segment.lines).for_each(|line| tree.push(line));
    let keys = writer.key.pin();
    let report = verify(&files, LogInputs::new().keys(&keys).at(now()).allow_open(true));
    assert_eq!(report.tree, (writer.seq(), Sha3Digest::from_bytes(tree.root())));
    let mut checkpoint = Checkpoint {
        log_id: writer.log_id,
        genesis: Link::to(&writer.payloads[0]).sha3.unwrap(),
        size: writer.seq(),
        root: Sha3Digest::from_bytes(tree.root()),
        head: Link::to(writer.payloads.last().unwrap()),
        last_header: report.last_header,
        open_decisions: report.open_decisions,
        previous_checkpoint: None,
        issued_at: now(),
        suite: "ML-DSA-65",
        key_thumbprint: key.thumbprint(),
    };
    change(&mut checkpoint);
    let signature = key.signature(&checkpoint.signing_bytes());
    SignedCheckpoint { checkpoint, signature }
}

fn against(files: &[Segment], keys: &KeySet, checkpoint: &SignedCheckpoint) -> LogReport {
    verify(files, LogInputs::new().keys(keys).at(now()).checkpoint(checkpoint))
}

fn check(writer: &Writer, checkpoint: &SignedCheckpoint) -> LogReport {
    against(&writer.files(), &writer.key.pin(), checkpoint)
}

#[test]
fn a_running_log_is_verified_against_its_checkpoint() {
    let mut writer = running();
    writer.verify().unverifiable(ReasonCode::LogOpen);
    let checkpoint = signed(&writer, |_| {});
    let report = check(&writer, &checkpoint);
    report.verified();
    assert!(report.not_checked.iter().any(|line| line.starts_with("tail: checked to seq 6 ")), "{report:?}");
    // It still holds when the log has grown, been sealed and stopped.
    let decision = writer.allow();
    writer.outcome(&decision);
    check(&writer, &checkpoint).verified();
    writer.seal();
    check(&writer, &checkpoint).verified();
    writer.call();
    check(&writer, &checkpoint).verified();
}

#[test]
fn a_checkpoint_at_a_segments_end_is_older_or_newer_than_its_header() {
    let mut writer = Writer::started();
    writer.call();
    let before = signed(&writer, |_| {});
    writer.seal();
    let after = signed(&writer, |_| {});
    assert_ne!(before.checkpoint.last_header, after.checkpoint.last_header);
    writer.call();
    for checkpoint in [&before, &after] {
        check(&writer, checkpoint).verified();
    }
    check(&writer, &signed(&writer, |checkpoint| checkpoint.last_header = None))
        .invalid(ReasonCode::CheckpointDiffers);
}

#[test]
fn a_cut_tail_is_said_to_be_cut() {
    let writer = running();
    let checkpoint = signed(&writer, |_| {});
    let keys = writer.key.pin();
    let mut files = writer.files();
    files[1].lines.pop();
    let report = against(&files, &keys, &checkpoint);
    report.invalid(ReasonCode::TailCut);
    let problem = report.problems.iter().find(|problem| problem.reason_code == ReasonCode::TailCut).unwrap();
    assert!(problem.note.contains("ends after 5 receipts, 1 fewer"), "{problem:?}");
    // Even if the end is clean: the whole second segment is gone.
    files.truncate(1);
    against(&files, &keys, &checkpoint).invalid(ReasonCode::TailCut);
    against(&[], &keys, &checkpoint).invalid(ReasonCode::TailCut);
}

/// Nothing else shows it: each run of the log ends cleanly.
#[test]
fn a_later_run_that_was_deleted_is_said_to_be_cut() {
    let mut writer = Writer::started();
    writer.call();
    writer.stop();
    writer.event("gate:start", &[]);
    writer.call();
    writer.stop();
    let checkpoint = signed(&writer, |_| {});
    let keys = writer.key.pin();
    let mut files = writer.files();
    against(&files, &keys, &checkpoint).verified();
    files.truncate(1);
    verify(&files, LogInputs::new().keys(&keys).at(now())).verified();
    against(&files, &keys, &checkpoint).invalid(ReasonCode::TailCut);
}

#[test]
fn another_history_of_the_same_length_is_found_out() {
    let checkpoint = signed(&running(), |_| {});
    let mut other = Writer::started();
    other.call();
    other.seal();
    other.call();
    other.deny();
    assert_eq!(other.seq(), checkpoint.checkpoint.size);
    check(&other, &checkpoint).invalid(ReasonCode::CheckpointDiffers);
    other.call();
    check(&other, &checkpoint).invalid(ReasonCode::CheckpointDiffers);
}

#[test]
fn every_member_is_compared() {
    let writer = running();
    let other = Sha3Digest::of(b"other");
    let changes: [fn(&mut Checkpoint, Sha3Digest); 8] = [
        |checkpoint, _| checkpoint.log_id = LogId::from_bytes([1; 16]),
        |checkpoint, other| checkpoint.genesis = other,
        |checkpoint, _| checkpoint.size -= 1,
        |checkpoint, other| checkpoint.root = other,
        |checkpoint, _| checkpoint.head.sha256 = Sha256Digest::of(b"other"),
        |checkpoint, other| checkpoint.head.sha3 = Some(other),
        |checkpoint, other| checkpoint.last_header = Some(other),
        |checkpoint, _| checkpoint.open_decisions += 1,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let report = check(&writer, &signed(&writer, |checkpoint| change(checkpoint, other)));
        assert_eq!(report.reason_code, Some(ReasonCode::CheckpointDiffers), "change {at}: {report:#?}");
        assert_eq!(report.verdict.failure_class().map(|class| class.as_str()), Some("invalid"));
    }
    // What it says about the checkpoint before is for whoever has that one.
    check(&writer, &signed(&writer, |checkpoint| checkpoint.previous_checkpoint = Some(other))).verified();
    check(&writer, &signed(&writer, |checkpoint| checkpoint.size += 1)).invalid(ReasonCode::TailCut);
    let late = Timestamp::parse_rfc3339("2026-06-01T00:06:00Z").unwrap();
    check(&writer, &signed(&writer, |checkpoint| checkpoint.issued_at = late))
        .invalid(ReasonCode::InTheFuture);
}

#[test]
fn only_the_logs_own_pinned_key_makes_a_checkpoint() {
    let writer = running();
    let sound = signed(&writer, |_| {});
    let mut changed = sound.clone();
    changed.signature.sig[7] ^= 1;
    check(&writer, &changed).invalid(ReasonCode::SignatureInvalid);
    let mut moved = sound.clone();
    moved.checkpoint.open_decisions = 0;
    let report = check(&writer, &moved);
    assert_eq!(
        report.axes.iter().find(|axis| axis.axis == Axis::Signature).unwrap().result,
        AxisResult::Fail,
        "{report:#?}"
    );
    // A stranger's checkpoint is no evidence against the log, and none for it.
    let stranger = Key::new(9, "stranger");
    let theirs = signed_by(&writer, &stranger, |_| {});
    check(&writer, &theirs).unverifiable(ReasonCode::KeyNotPinned);
    let mut other_agent = foreign::jwk(&stranger);
    other_agent["agent_id"] = json!("agent:other");
    let mut own = foreign::jwk(&writer.key);
    own["agent_id"] = json!(crate::support::AGENT);
    let both = foreign::keys(&[own.clone(), other_agent]);
    against(&writer.files(), &both, &theirs).invalid(ReasonCode::AgentMismatch);
    own["to_seq"] = json!(5);
    against(&writer.files(), &foreign::keys(&[own]), &sound).invalid(ReasonCode::KeyOutOfRange);
    check(&writer, &sound).verified();
}

#[test]
fn a_checkpoint_file_has_one_spelling() {
    let sound = signed(&running(), |_| {});
    let file = sound.to_file();
    assert_eq!(SignedCheckpoint::parse(&file), Ok(sound.clone()));
    let text = String::from_utf8(file).unwrap();
    let parse = |text: &str| SignedCheckpoint::parse(text.as_bytes()).unwrap_err();
    assert_eq!(parse(text.trim_end()), CheckpointError::NotCanonical);
    assert_eq!(
        parse(&text.replacen("\"open_decisions\"", " \"open_decisions\"", 1)),
        CheckpointError::NotCanonical
    );
    assert_eq!(parse(&text.replacen("\"size\"", "\"extra\":1,\"size\"", 1)), CheckpointError::NotCanonical);
    assert_eq!(parse(&text.replacen("\"v\":1", "\"v\":2", 1)), CheckpointError::Shape);
    assert_eq!(parse(&text.replacen("\"size\":6", "\"size\":0", 1)), CheckpointError::Shape);
    assert_eq!(
        parse(&text.replacen("\"suite\":\"ML-DSA-65\"", "\"suite\":\"Ed25519\"", 1)),
        CheckpointError::Signature
    );
    assert!(matches!(parse(&text.replacen("\"v\":1", "\"v\":1,\"v\":1", 1)), CheckpointError::Json(_)));
    assert!(matches!(parse(&" ".repeat(20_000)), CheckpointError::Json(_)));
    // A header is no checkpoint, and a signature over one none over the other.
    assert_ne!(
        sound.checkpoint.signing_bytes().split(|byte| *byte == 0).next(),
        Some(&b"asqav/segment/v1"[..])
    );
}
