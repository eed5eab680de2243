//! Batches in a log: every line of one is there, says the same, and the
//! signature stands in the last.

use asqav_receipt::batch::{Assembled, Assembler};
use asqav_receipt::receipt::line_of;
use asqav_receipt::verify::{Axis, LogInputs, LogReport, ReasonCode};
use serde_json::{Value, json};

use crate::Verdicts as _;
use crate::support::foreign::canonical_bytes;
use crate::support::log::{Segment, Writer, verify};
use crate::support::now;

/// A start, a batch of four (receipts 2 to 5), a call, a batch of two (8 and
/// 9), the stop.
fn log() -> Writer {
    let mut writer = Writer::started();
    writer.batched(|writer| {
        writer.call();
        writer.call();
    });
    writer.call();
    writer.batched(Writer::call);
    writer.stop();
    writer
}

fn check(writer: &Writer, files: &[Segment]) -> LogReport {
    let keys = writer.key.pin();
    verify(files, LogInputs::new().keys(&keys).at(now()))
}

/// The unsealed log with its lines changed.
fn lines(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> LogReport {
    let writer = log();
    let mut files = writer.files();
    files[0].header = None;
    change(&mut files[0].lines);
    let keys = writer.key.pin();
    verify(&files, LogInputs::new().keys(&keys).at(now()).allow_open(true))
}

/// One line changed as JSON.
fn line(number: usize, change: impl FnOnce(&mut Value)) -> LogReport {
    lines(|lines| {
        let mut json = serde_json::from_slice(&lines[number - 1]).unwrap();
        change(&mut json);
        lines[number - 1] = canonical_bytes(&json);
    })
}

fn signatures(report: &LogReport) -> &str {
    &report.axes.iter().find(|axis| axis.axis == Axis::Signature).unwrap().note
}

#[test]
fn a_log_of_batches_is_verified_and_counts_each_receipt() {
    let report = log().verify();
    report.verified();
    assert_eq!(report.receipts, 10);
    assert_eq!(signatures(&report), "10 receipts");
    lines(|_| {}).verified();
}

#[test]
fn every_line_of_a_batch_is_needed_in_its_place() {
    for at in 1..5 {
        lines(|lines| drop(lines.remove(at))).not_verified();
        lines(|lines| lines.insert(at, lines[at].clone())).not_verified();
        lines(|lines| lines.swap(at, at + 1)).not_verified();
        lines(|lines| lines.insert(at, lines[0].clone())).not_verified();
    }
}

#[test]
fn the_signature_stands_in_the_last_line_and_nowhere_else() {
    let writer = log();
    let sig = |number: usize| {
        let line: Value = serde_json::from_slice(&writer.files()[0].lines[number - 1]).unwrap();
        line["signature"]["sig"].clone()
    };
    assert_eq!([2, 3, 4].map(&sig), [Value::Null, Value::Null, Value::Null]);
    line(5, |line| drop(line["signature"].as_object_mut().unwrap().remove("sig"))).not_verified();
    line(3, |line| line["signature"]["sig"] = sig(5)).not_verified();
    line(5, |line| line["signature"]["sig"] = sig(9)).invalid(ReasonCode::SignatureInvalid);
    // One signature decides about all four.
    let report = line(5, |line| line["signature"]["sig"] = sig(9));
    assert!(signatures(&report).contains("(4 of 10)"), "{report:#?}");
}

#[test]
fn a_receipt_on_its_own_is_no_line() {
    let writer = log();
    lines(|lines| lines[2] = writer.receipts[2].clone()).not_verified();
    lines(|lines| lines[2] = line_of(&writer.receipts[2]).unwrap()).verified();
}

#[test]
fn the_lines_of_a_batch_agree() {
    line(3, |line| line["signature"]["kid"] = json!("finance-2")).not_verified();
    line(3, |line| line["signature"]["batch"]["size"] = json!(5)).not_verified();
    line(3, |line| line["signature"]["batch"]["first_seq"] = json!(3)).not_verified();
    line(2, |line| line["payload"]["nonce"] = json!("0".repeat(24))).not_verified();
}

#[test]
fn an_unfinished_batch_at_the_end_is_a_torn_tail() {
    let writer = log();
    let mut files = writer.files();
    files[0].header = None;
    files[0].lines.truncate(8);
    check(&writer, &files).unverifiable(ReasonCode::TornTail);
    let keys = writer.key.pin();
    let report = verify(&files, LogInputs::new().keys(&keys).at(now()).allow_open(true));
    report.verified();
    assert_eq!(report.receipts, 7, "what nobody signed is no receipt");
}

#[test]
fn a_sealed_segment_holds_whole_batches() {
    let mut writer = Writer::started();
    writer.batched(|writer| {
        writer.call();
        writer.call();
    });
    let (mut files, header) = (writer.files(), writer.header(asqav_receipt::header::CloseReason::Count));
    files[0].lines.pop();
    let signature = writer.key.signature(&header.signing_bytes());
    files[0].header = Some(asqav_receipt::header::SignedHeader { header, signature }.to_file());
    let report = check(&writer, &files);
    report.not_verified();
    assert!(
        report.problems.iter().any(|problem| problem.reason_code == ReasonCode::BatchBroken),
        "{report:#?}"
    );

    // Nor do batches go on in the next segment.
    let mut writer = Writer::started();
    writer.batched(|writer| {
        writer.call();
        writer.seal();
        writer.call();
    });
    writer.stop();
    writer.verify().not_verified();
}

#[test]
fn lines_are_put_together_to_the_receipts_that_were_signed() {
    let writer = log();
    let mut assembler = Assembler::default();
    let mut receipts: Vec<Vec<u8>> = Vec::new();
    for line in writer.files().iter().flat_map(|segment| &segment.lines) {
        receipts.extend(assembler.push(line).into_iter().map(|Assembled { receipt, .. }| receipt));
    }
    assert_eq!(receipts, writer.receipts);
}

#[test]
fn no_byte_of_a_batch_can_be_changed() {
    let writer = log();
    let files = writer.files();
    for number in 1..5 {
        for at in (0..files[0].lines[number].len()).step_by(7) {
            let mut changed = files.clone();
            changed[0].lines[number][at] ^= 1;
            let report = check(&writer, &changed);
            assert!(report.verdict.failure_class().is_some(), "line {number}, byte {at}");
        }
    }
}
