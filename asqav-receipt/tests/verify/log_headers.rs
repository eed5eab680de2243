//! Segment headers: each member is compared with what the receipts give, even
//! if the operator's own key signed it.

use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::header::{CloseReason, SegmentHeader};
use asqav_receipt::id::LogId;
use asqav_receipt::payload::Link;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, LogReport, LogVerifier, ReasonCode};

use crate::Verdicts as _;
use crate::support::log::{Segment, Writer, verify};
use crate::support::{Key, now};

/// Two segments; the first one's header changed by `change` before it is
/// signed. A decision is open where the first one ends.
fn changed(change: impl FnOnce(&mut SegmentHeader)) -> LogReport {
    let mut writer = Writer::started();
    writer.call();
    let decision = writer.allow();
    let mut header = writer.header(CloseReason::Count);
    change(&mut header);
    writer.seal_with(header);
    writer.outcome(&decision);
    writer.stop();
    writer.verify()
}

#[test]
fn a_log_of_two_segments_is_verified() {
    let report = changed(|_| {});
    report.verified();
    assert_eq!(report.segments, 2);
}

type Change = (&'static str, fn(&mut SegmentHeader));

#[test]
fn every_member_is_what_the_segment_gives() {
    let changes: [Change; 13] = [
        ("log_id", |header| header.log_id = LogId::from_bytes([1; 16])),
        ("genesis", |header| header.genesis = Sha3Digest::of(b"other")),
        ("segment", |header| header.segment = 2),
        ("first_seq", |header| header.first_seq = 2),
        ("last_seq", |header| header.last_seq = 5),
        ("count", |header| header.count += 1),
        ("bytes", |header| header.bytes -= 1),
        ("root", |header| header.root = Sha3Digest::of(b"other")),
        ("before", |header| header.before = Link::to(b"{}")),
        ("last", |header| header.last = Link::to(b"{}")),
        ("previous_header", |header| header.previous_header = Some(Sha3Digest::of(b"other"))),
        ("open", |header| header.open.clear()),
        ("last of the other family", |header| header.last.sha256 = Sha256Digest::of(b"other")),
    ];
    for (member, change) in changes {
        let report = changed(change);
        // A header of another shape is refused before it is compared.
        let reason = report.reason_code.unwrap();
        assert!(
            matches!(reason, ReasonCode::HeaderDiffers | ReasonCode::MalformedHeader),
            "{member}: {reason}"
        );
        report.invalid(reason);
    }
}

#[test]
fn a_header_from_the_future_is_invalid_and_an_early_one_remarked() {
    let at = |text| Timestamp::parse_rfc3339(text).unwrap();
    changed(|header| header.sealed_at = at("2026-06-02T00:00:00Z")).invalid(ReasonCode::InTheFuture);
    let report = changed(|header| header.sealed_at = at("2020-01-01T00:00:00Z"));
    report.verified();
    assert_eq!(report.problems[0].reason_code, ReasonCode::ClockBackwards);
}

/// A key in the header is no reason to trust it.
#[test]
fn a_header_signed_by_an_unpinned_key_is_not_believed() {
    let mut writer = Writer::started();
    writer.call();
    let pinned = std::mem::replace(&mut writer.key, Key::new(9, "stranger"));
    let mut header = writer.header(CloseReason::Stop);
    let keys = pinned.pin();
    writer.seal_with(header.clone());
    verify(&writer.files(), LogInputs::new().keys(&keys).at(now()).allow_open(true))
        .unverifiable(ReasonCode::KeyNotPinned);

    // Naming the pinned key does not make the signature its own.
    header.key_thumbprint = pinned.thumbprint();
    writer.key.kid.clone_from(&pinned.kid);
    writer.segments.pop();
    writer.seal_with(header);
    verify(&writer.files(), LogInputs::new().keys(&keys).at(now()).allow_open(true))
        .invalid(ReasonCode::SignatureInvalid);
}

#[test]
fn a_header_needs_the_logs_own_agent() {
    let mut writer = Writer::started();
    writer.call();
    writer.key = Key::new(9, "other");
    writer.seal();
    let mut other = writer.key.entry();
    other.agent_id = Some("agent:other".to_owned());
    let keys = asqav_receipt::keys::KeySet::new(vec![Key::new(1, "finance-1").entry(), other]);
    verify(&writer.files(), LogInputs::new().keys(&keys).at(now()).allow_open(true))
        .invalid(ReasonCode::AgentMismatch);
}

/// Only the last segment may be without a header.
#[test]
fn a_missing_header_or_segment_is_invalid() {
    let mut writer = Writer::started();
    writer.call();
    writer.seal();
    writer.call();
    writer.seal();
    writer.stop();
    writer.verify().verified();
    let keys = writer.key.pin();
    let inputs = LogInputs::new().keys(&keys).at(now());
    let mut headless = writer.files();
    headless[1].header = None;
    verify(&headless, inputs).invalid(ReasonCode::HeaderMissing);

    let read = |numbers: &[u64]| {
        let files: Vec<Segment> = writer.files();
        let mut verifier = LogVerifier::new(inputs);
        for number in numbers {
            let segment = &files[usize::try_from(*number).unwrap() - 1];
            verifier.segment_start(*number);
            segment.lines.iter().for_each(|line| verifier.line(line));
            verifier.sealed(segment.header.as_ref().unwrap());
        }
        verifier.finish()
    };
    read(&[1, 2, 3]).verified();
    for numbers in [&[1, 3][..], &[2, 3], &[1, 2, 2, 3], &[2, 1, 3]] {
        let class = read(numbers).verdict.failure_class();
        assert_eq!(class, Some(asqav_receipt::verify::FailureClass::Invalid), "{numbers:?}");
    }
}

#[test]
fn headers_of_two_segments_cannot_be_swapped() {
    let mut writer = Writer::started();
    writer.call();
    writer.seal();
    writer.call();
    writer.seal();
    let mut files = writer.files();
    let header = files[0].header.take();
    files[0].header = std::mem::replace(&mut files[1].header, header);
    let keys = writer.key.pin();
    verify(&files, LogInputs::new().keys(&keys).at(now()).allow_open(true))
        .invalid(ReasonCode::HeaderDiffers);
}
