//! How a log ends, what is pinned, and what that leaves of a verdict.

use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::id::LogId;
use asqav_receipt::keys::{KeySet, KeyStatus};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{
    Axis, AxisResult, CheckedSignature, LogInputs, LogReport, LogVerifier, ReasonCode,
};

use crate::Verdicts as _;
use crate::support::log::{Writer, verify};
use crate::support::{Key, now};

fn stopped() -> Writer {
    let mut writer = Writer::started();
    writer.call();
    writer.stop();
    writer
}

/// A running gate: nothing sealed.
fn running() -> Writer {
    let mut writer = Writer::started();
    writer.call();
    writer
}

fn with_keys(writer: &Writer, keys: &KeySet) -> LogReport {
    verify(&writer.files(), LogInputs::new().keys(keys).at(now()))
}

#[test]
fn an_open_log_is_unverifiable_unless_that_is_allowed() {
    let writer = running();
    writer.verify().unverifiable(ReasonCode::LogOpen);
    let keys = writer.key.pin();
    let report = verify(&writer.files(), LogInputs::new().keys(&keys).at(now()).allow_open(true));
    report.verified();
    assert!(
        report
            .not_checked
            .iter()
            .any(|line| line.starts_with("tail: not checked: the log is open after seq 3"))
    );
}

#[test]
fn gate_stop_without_its_seal_is_open() {
    let mut writer = running();
    writer.event("gate:stop", &[]);
    writer.verify().unverifiable(ReasonCode::LogOpen);
}

#[test]
fn a_seal_without_gate_stop_is_open() {
    let mut writer = running();
    writer.seal();
    writer.verify().unverifiable(ReasonCode::LogOpen);
}

#[test]
fn an_empty_log_is_unverifiable() {
    verify(&[], LogInputs::new().at(now())).unverifiable(ReasonCode::EmptyLog);
    let keys = Key::new(1, "k").pin();
    let mut verifier = LogVerifier::new(LogInputs::new().keys(&keys).at(now()).allow_open(true));
    verifier.segment_start(1);
    verifier.finish().unverifiable(ReasonCode::EmptyLog);
}

/// A run that was begun and recorded nothing leaves an empty file.
#[test]
fn an_empty_segment_after_a_stop_changes_nothing() {
    let writer = stopped();
    let keys = writer.key.pin();
    let read = |lines: &[&[u8]]| {
        let mut verifier = LogVerifier::new(LogInputs::new().keys(&keys).at(now()));
        verifier.segment_start(1);
        writer.files()[0].lines.iter().for_each(|line| verifier.line(line));
        verifier.sealed(writer.files()[0].header.as_ref().unwrap());
        verifier.segment_start(2);
        lines.iter().for_each(|line| verifier.line(line));
        verifier.finish()
    };
    read(&[]).verified();
    read(&[b""]).invalid(ReasonCode::NotCanonical);
}

#[test]
fn without_pinned_keys_a_log_is_at_best_unverifiable() {
    let writer = stopped();
    verify(&writer.files(), LogInputs::new().at(now())).unverifiable(ReasonCode::KeyNotPinned);
    with_keys(&writer, &KeySet::default()).unverifiable(ReasonCode::KeyNotPinned);
    with_keys(&writer, &Key::new(9, "stranger").pin()).unverifiable(ReasonCode::KeyNotPinned);
}

#[test]
fn without_an_evaluation_time_a_log_is_unverifiable() {
    let writer = stopped();
    let keys = writer.key.pin();
    verify(&writer.files(), LogInputs::new().keys(&keys)).unverifiable(ReasonCode::NoEvaluationTime);
}

#[test]
fn a_log_from_the_future_is_invalid() {
    let writer = stopped();
    let keys = writer.key.pin();
    let before = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    verify(&writer.files(), LogInputs::new().keys(&keys).at(before)).invalid(ReasonCode::InTheFuture);
}

#[test]
fn the_mirrored_head_shows_a_withheld_tail() {
    let writer = stopped();
    let keys = writer.key.pin();
    let inputs = LogInputs::new().keys(&keys).at(now());
    let head = writer.head();
    verify(&writer.files(), inputs.head(head)).verified();

    // The last receipts and the seal removed: an open log, and a proof that it is short.
    let mut files = writer.files();
    files[0].lines.truncate(2);
    files[0].header = None;
    verify(&files, inputs).unverifiable(ReasonCode::LogOpen);
    verify(&files, inputs.head(head)).invalid(ReasonCode::HeadDiffers);
    verify(&files, inputs.head(head).allow_open(true)).invalid(ReasonCode::HeadDiffers);
    verify(&[], inputs.head(head)).invalid(ReasonCode::HeadDiffers);
}

#[test]
fn a_log_that_differs_from_its_mirrored_head_is_invalid() {
    let writer = stopped();
    let keys = writer.key.pin();
    let inputs = LogInputs::new().keys(&keys).at(now());
    for change in 0..3 {
        let mut head = writer.head();
        head.seq = 2;
        match change {
            0 => head.sha256 = Sha256Digest::of(b"other"),
            1 => head.sha3 = Sha3Digest::of(b"other"),
            _ => head.log_id = LogId::from_bytes([9; 16]),
        }
        verify(&writer.files(), inputs.head(head)).invalid(ReasonCode::HeadDiffers);
    }
}

#[test]
fn a_running_log_is_verified_against_its_mirrored_head() {
    let writer = running();
    let keys = writer.key.pin();
    verify(&writer.files(), LogInputs::new().keys(&keys).at(now()).head(writer.head())).verified();
}

/// Two runs; the second one deleted leaves a sound log of the first.
#[test]
fn a_deleted_second_run_shows_only_against_the_head() {
    let mut writer = stopped();
    let first_run = writer.files();
    writer.event("gate:start", &[]);
    writer.call();
    writer.stop();
    writer.verify().verified();
    let keys = writer.key.pin();
    let inputs = LogInputs::new().keys(&keys).at(now());
    let report = verify(&first_run, inputs);
    report.verified();
    assert!(
        report
            .not_checked
            .contains(&"tail: not checked: whether a later run, after seq 4, was withheld".to_owned())
    );
    verify(&first_run, inputs.head(writer.head())).invalid(ReasonCode::HeadDiffers);
}

#[test]
fn a_torn_tail_is_named() {
    let writer = running();
    let keys = writer.key.pin();
    let read = |inputs| {
        let mut verifier = LogVerifier::new(inputs);
        verifier.segment_start(1);
        writer.files()[0].lines.iter().for_each(|line| verifier.line(line));
        verifier.torn(17);
        verifier.finish()
    };
    read(LogInputs::new().keys(&keys).at(now()).head(writer.head())).unverifiable(ReasonCode::TornTail);
    read(LogInputs::new().keys(&keys).at(now()).allow_open(true)).verified();
}

#[test]
fn bytes_after_the_last_line_of_a_sealed_segment_are_invalid() {
    let writer = stopped();
    let keys = writer.key.pin();
    let mut verifier = LogVerifier::new(LogInputs::new().keys(&keys).at(now()).allow_open(true));
    verifier.segment_start(1);
    writer.files()[0].lines.iter().for_each(|line| verifier.line(line));
    verifier.torn(1);
    verifier.sealed(writer.files()[0].header.as_ref().unwrap());
    verifier.finish().invalid(ReasonCode::HeaderDiffers);
}

/// To the microsecond, whichever way a line is read.
#[test]
fn times_are_judged_by_the_callers_clock() {
    const MINUTE: i64 = 60_000_000;
    let mut writer = Writer::started();
    let mut denial = writer.denial_draft();
    let newest = denial.issued_at.unix_micros();
    let end = newest + 60 * MINUTE;
    denial.expires_at = Timestamp::from_unix_micros(end);
    writer.write(denial);
    // No header, which has a time of its own.
    let (files, keys) = (writer.files(), writer.key.pin());
    let at = |micros| {
        let time = Timestamp::from_unix_micros(micros).unwrap();
        verify(&files, LogInputs::new().keys(&keys).at(time).allow_open(true))
    };
    at(newest - 5 * MINUTE).verified();
    at(newest - 5 * MINUTE - 1).invalid(ReasonCode::InTheFuture);
    let expiry = |micros| at(micros).axes.iter().find(|axis| axis.axis == Axis::Expiry).unwrap().result;
    assert_eq!((expiry(end), expiry(end + 1)), (AxisResult::Pass, AxisResult::Fail));
}

#[test]
fn keys_are_used_within_their_range_only() {
    let writer = stopped();
    let with = |change: &dyn Fn(&mut asqav_receipt::keys::KeyEntry)| {
        let mut entry = writer.key.entry();
        change(&mut entry);
        with_keys(&writer, &KeySet::new(vec![entry]))
    };
    with(&|entry| (entry.log_id, entry.from_seq, entry.to_seq) = (Some(writer.log_id), Some(1), Some(4)))
        .verified();
    with(&|entry| entry.to_seq = Some(3)).invalid(ReasonCode::KeyOutOfRange);
    with(&|entry| entry.from_seq = Some(2)).invalid(ReasonCode::KeyOutOfRange);
    with(&|entry| entry.log_id = Some(LogId::from_bytes([1; 16]))).invalid(ReasonCode::KeyOutOfRange);
}

#[test]
fn a_key_that_is_not_in_force_verifies_no_log() {
    let writer = stopped();
    let with = |status, revoked_at: Option<&str>| {
        let mut entry = writer.key.entry();
        entry.status = status;
        entry.revoked_at = revoked_at.map(|time| Ok(Timestamp::parse_rfc3339(time).unwrap()));
        with_keys(&writer, &KeySet::new(vec![entry]))
    };
    with(KeyStatus::Active, None).verified();
    with(KeyStatus::Retired, None).unverifiable(ReasonCode::KeyRetired);
    with(KeyStatus::Absent, None).unverifiable(ReasonCode::KeyStatusUnknown);
    with(KeyStatus::Revoked, None).unverifiable(ReasonCode::KeyRevokedUnplaced);
    // The receipts claim to be older, and nobody else says so.
    with(KeyStatus::Revoked, Some("2026-05-30T00:00:00Z")).unverifiable(ReasonCode::KeyRevokedUnplaced);
    with(KeyStatus::Revoked, Some("2026-01-01T00:00:00Z")).invalid(ReasonCode::KeyRevoked);
    with(KeyStatus::Compromised, None).invalid(ReasonCode::KeyRevoked);
}

#[test]
fn signatures_may_be_checked_apart_and_in_any_order() {
    let writer = stopped();
    let keys = writer.key.pin();
    let read = |give: &dyn Fn(Vec<CheckedSignature>) -> Vec<CheckedSignature>| {
        let mut verifier = LogVerifier::new(LogInputs::new().keys(&keys).at(now()));
        verifier.segment_start(1);
        let files = writer.files();
        let jobs: Vec<_> = files[0].lines.iter().filter_map(|line| verifier.line_deferred(line)).collect();
        let checked: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = jobs.into_iter().map(|job| scope.spawn(|| job.check())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        verifier.sealed(files[0].header.as_ref().unwrap());
        give(checked).into_iter().for_each(|checked| verifier.signature(checked));
        verifier.finish()
    };
    read(&|checked| checked).verified();
    read(&|checked| checked.into_iter().rev().collect()).verified();
    read(&|checked| checked.into_iter().skip(1).collect()).unverifiable(ReasonCode::SignatureUnchecked);
}

#[test]
fn the_report_prints_as_one_object() {
    let report = running().verify();
    let json = asqav_receipt::canonical::to_vec(&report.to_json());
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["verdict"], "unverified");
    assert_eq!(json["failure_class"], "unverifiable");
    assert_eq!(json["reason_code"], "log_open");
    assert_eq!((&json["receipts"], &json["segments"]), (&3.into(), &1.into()));
    assert_eq!(json["axes"].as_array().unwrap().len(), 15);
    assert_eq!(json["axes"][11]["name"], "chain");
    assert_eq!(json["axes"][11]["result"], "SKIPPED");
    assert_eq!(json["problems"][0]["seq"], 3);
    assert_eq!(json["problems"][0]["reason_code"], "log_open");
    assert!(json["not_checked"].as_array().unwrap().len() >= 3);
}
