//! Verification on many threads says what it says on one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

#[path = "support/batched.rs"]
#[allow(dead_code, reason = "one of its logs")]
mod batched;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use asqav_core::ToolCall;
use asqav_log::Rotation;
use asqav_log::names::segment_name;
use asqav_log::reader::{LogReader, verify_dir};
use asqav_receipt::keys::KeySet;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{Axis, FailureClass, LogInputs, LogReport, LogVerifier, Verdict};

use batched::{gate, pinned, record, signing_key};

/// Receipts of a segment: more than two parts of lines.
const RECEIPTS: u64 = 150;

fn inputs(keys: &KeySet) -> LogInputs<'_> {
    LogInputs::new().keys(keys).at(Timestamp::MAX)
}

/// The report, after one thread came to the same content, line by line.
fn verify(dir: &Path) -> LogReport {
    let keys = pinned();
    let reader = LogReader::open(dir).unwrap();
    let mut verifier = LogVerifier::new(inputs(&keys));
    for (number, files) in reader.segments() {
        verifier.segment_start(*number);
        let mut line = |piece: &asqav_log::lines::Piece<'_>| {
            if piece.complete {
                verifier.line(piece.bytes)
            } else {
                verifier.torn(piece.len)
            }
            ControlFlow::Continue(())
        };
        reader.visit_one(*number, &mut line).unwrap();
        if files.header { verifier.sealed(&reader.header(*number).unwrap()) } else { verifier.unsealed() }
    }
    let report = verify_dir(dir, inputs(&keys), &mut |_| {}).unwrap();
    assert_eq!(content(&report), content(&verifier.finish()));
    report
}

/// What a report says, in whatever order: signatures that wait for a thread are
/// told of later.
fn content(report: &LogReport) -> (String, Vec<String>) {
    let mut report = report.clone();
    let problems = std::mem::take(&mut report.problems);
    report.reason_code = None;
    let mut problems: Vec<_> = problems.iter().map(|problem| format!("{problem:?}")).collect();
    problems.sort();
    (format!("{report:#?}"), problems)
}

/// Has the character at `at` of line `line` be another one while `check` runs.
fn altered(dir: &Path, segment: u64, line: usize, at: impl Fn(&str) -> usize, check: impl FnOnce()) {
    let path = dir.join(segment_name(segment));
    let text = fs::read_to_string(&path).unwrap();
    let start: usize = text.lines().take(line).map(|line| line.len() + 1).sum();
    let mut bytes = text.clone().into_bytes();
    let place = start + at(text.lines().nth(line).unwrap());
    bytes[place] = if bytes[place] == b'1' { b'2' } else { b'1' };
    fs::write(&path, bytes).unwrap();
    check();
    fs::write(&path, text).unwrap();
}

/// Lines on either side of where parts and groups of signatures end, and of
/// where a segment does.
const LINES: [usize; 9] = [0, 7, 8, 22, 63, 64, 127, 128, 149];

#[test]
fn a_changed_signature_is_told_of_its_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation { max_count: RECEIPTS, ..Rotation::default() };
    let gate = gate(dir.path(), rotation, Arc::new(signing_key()));
    for _ in 0..RECEIPTS {
        let call = ToolCall::builder("query", "ledger:query").argument("account", "DE-1").build();
        gate.admit(call).wait().unwrap().abandon().wait().unwrap();
    }
    gate.shutdown().wait().unwrap();
    assert_eq!(verify(dir.path()).verdict, Verdict::Verified);
    for (segment, line) in [1, 2].into_iter().flat_map(|segment| LINES.map(|line| (segment, line))) {
        let sig = |line: &str| line.rfind("\"sig\":\"").unwrap() + 2_000;
        altered(dir.path(), segment, line, sig, || {
            let report = verify(dir.path());
            let of_signature = report.problems.iter().filter(|problem| problem.axis == Axis::Signature);
            let told: Vec<_> = of_signature.filter_map(|problem| problem.seq).collect();
            let seq = (segment - 1) * RECEIPTS + line as u64 + 1;
            assert_eq!(told, [seq], "{:?}", report.problems);
            // Its segment's header differs as well, which is said after it.
            assert!(report.problems.len() > 1, "{:?}", report.problems);
            assert!(report.problems.is_sorted_by_key(|problem| problem.seq), "{:?}", report.problems);
        });
    }
}

#[test]
fn a_changed_payload_of_a_batch_is_told_as_on_one_thread() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path(), Rotation::default(), 300).shutdown().wait().unwrap();
    assert_eq!(verify(dir.path()).verdict, Verdict::Verified);
    for line in LINES {
        let nonce = |line: &str| line.rfind("\"nonce\":\"").unwrap() + 12;
        altered(dir.path(), 1, line, nonce, || {
            let report = verify(dir.path());
            assert_eq!(report.verdict, Verdict::Unverified(FailureClass::Invalid));
            assert!(
                report.problems.iter().any(|problem| problem.axis == Axis::Chain),
                "{:?}",
                report.problems
            );
        });
    }
}
