//! Receipts that are presented together.

use asqav_receipt::verify::{
    Axis, AxisResult, FailureClass, NonceIndex, ReasonCode, ReceiptInputs, RunReport, Verdict, verify_run,
};
use serde_json::{Value, json};

use crate::support::foreign::envelope;
use crate::support::log::Writer;
use crate::support::{Key, now};

fn verify(key: &Key, receipts: &[Vec<u8>]) -> RunReport {
    let keys = key.pin();
    verify_run(receipts, &ReceiptInputs::new().keys(&keys).at(now()))
}

/// A log of a start, three decisions and their outcomes: seven receipts.
fn seven() -> (Key, Vec<Vec<u8>>) {
    let mut writer = Writer::started();
    for _ in 0..3 {
        let decision = writer.allow();
        writer.outcome(&decision);
    }
    let lines = writer.files()[0].lines.clone();
    (writer.key, lines)
}

/// The receipt with a change that is signed anew.
fn changed(key: &Key, receipt: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut receipt: Value = serde_json::from_slice(receipt).unwrap();
    change(&mut receipt["payload"]);
    envelope(key, &receipt["payload"]).to_string().into_bytes()
}

#[track_caller]
fn invalid(report: &RunReport, reason: ReasonCode) {
    assert_eq!(report.verdict, Verdict::Unverified(FailureClass::Invalid), "{report:#?}");
    assert_eq!(report.reason_code, Some(reason), "{report:#?}");
}

#[test]
fn predecessors_are_found_among_the_receipts_in_any_order() {
    let (key, mut receipts) = seven();
    receipts.reverse();
    let report = verify(&key, &receipts);
    assert_eq!(report.verdict, Verdict::Verified, "{report:#?}");
    for report in &report.reports {
        assert_eq!(report.axis(Axis::Chain).unwrap().result, AxisResult::Pass, "{report:#?}");
        assert_eq!(report.axis(Axis::Seq).unwrap().result, AxisResult::Pass);
    }
    assert!(!report.not_checked.iter().any(|line| line.contains("presented")), "{:?}", report.not_checked);
}

#[test]
fn receipts_left_out_are_named() {
    let (key, mut receipts) = seven();
    receipts.remove(5);
    receipts.drain(1..3);
    let report = verify(&key, &receipts);
    assert_eq!(report.verdict, Verdict::Verified, "{report:#?}");
    let gaps: Vec<_> = report.not_checked.iter().filter(|line| line.contains("presented")).collect();
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(gaps[0].starts_with("completeness: receipts 2 to 3 of log "), "{gaps:?}");
    assert!(gaps[1].starts_with("completeness: receipt 6 of log "), "{gaps:?}");
}

#[test]
fn two_receipts_with_one_number_are_two_histories() {
    let (key, mut receipts) = seven();
    let other = changed(&key, &receipts[3], |payload| payload["nonce"] = json!("b".repeat(24)));
    receipts.push(other.clone());
    let report = verify(&key, &receipts);
    invalid(&report, ReasonCode::SeqReused);
    assert_eq!(report.problems.len(), 1);
    assert_eq!(report.problems[0].seq, Some(4));
    // Somebody else's forgery is no second history; it is merely invalid.
    receipts.pop();
    let forged = changed(&Key::new(99, &key.kid), &other, |_| {});
    receipts.insert(0, forged);
    let report = verify(&key, &receipts);
    invalid(&report, ReasonCode::SignatureInvalid);
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    // The same receipt twice is no problem.
    receipts[0] = receipts[1].clone();
    assert_eq!(verify(&key, &receipts).verdict, Verdict::Verified);
}

#[test]
fn a_nonce_is_used_once_in_a_run() {
    let (key, receipts) = seven();
    let nonce =
        |receipt: &[u8]| serde_json::from_slice::<Value>(receipt).unwrap()["payload"]["nonce"].clone();
    let replay = changed(&key, &receipts[5], |payload| payload["nonce"] = nonce(&receipts[1]));
    let report = verify(&key, &[receipts[1].clone(), replay.clone()]);
    invalid(&report, ReasonCode::DuplicateNonce);
    assert_eq!(report.reports[0].verdict, Verdict::Verified);
    // A forgery cannot use up a nonce.
    let forged = changed(&Key::new(99, &key.kid), &replay, |_| {});
    let report = verify(&key, &[forged, receipts[1].clone()]);
    assert_eq!(report.reports[1].verdict, Verdict::Verified, "{report:#?}");
}

#[test]
fn nonces_of_earlier_runs_count() {
    let (key, receipts) = seven();
    let keys = key.pin();
    let mut seen = NonceIndex::new();
    let first = verify_run(&receipts, &ReceiptInputs::new().keys(&keys).at(now()));
    assert!(first.reports.iter().all(|report| seen.record(report)));
    assert!(!first.reports.iter().any(|report| seen.record(report)), "known by now");
    let inputs = ReceiptInputs::new().keys(&keys).at(now()).nonces(&seen);
    assert_eq!(verify_run(&receipts, &inputs).verdict, Verdict::Verified);
    let replay = changed(&key, &receipts[1], |payload| payload["reason"] = json!("other"));
    invalid(&verify_run(&[replay], &inputs), ReasonCode::DuplicateNonce);
}

#[test]
fn the_worst_receipt_decides_and_nothing_is_not_verified() {
    let (key, mut receipts) = seven();
    receipts[2].truncate(100);
    let report = verify(&key, &receipts);
    assert_eq!(report.verdict, Verdict::Unverified(FailureClass::Unverifiable), "{report:#?}");
    assert_eq!(report.reason_code, Some(ReasonCode::MalformedJson));
    assert_eq!(report.reports[1].verdict, Verdict::Verified);
    let at = receipts[4].iter().rposition(|byte| *byte == b'A').unwrap();
    receipts[4][at] = b'B';
    let report = verify(&key, &receipts);
    assert_eq!(report.verdict, Verdict::Unverified(FailureClass::Invalid));
    let axis = |axis| report.axes.iter().find(|report| report.axis == axis).unwrap();
    assert_eq!(axis(Axis::Signature).result, AxisResult::Fail);
    assert!(axis(Axis::Signature).note.starts_with("in 1 of 7 receipts"), "{:?}", axis(Axis::Signature));
    let none = verify(&key, &[]);
    assert_eq!(none.axes.len(), 15);
    assert_eq!(none.verdict, Verdict::Unverified(FailureClass::Unverifiable));
}
