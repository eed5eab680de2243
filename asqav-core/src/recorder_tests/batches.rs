//! One signature for all that waits.

use asqav_receipt::receipt::ReceiptSignature;

use super::*;
use crate::faults::{Fault, FaultySigner, Latch};
use crate::fixture::assert_whole;
use crate::log::LogEntry;
use crate::memory_log::MemoryLog;
use crate::refused::Closed;
use crate::sign::Signing;

fn batched() -> Options {
    Options { signing: Signing::Batched, ..options() }
}

/// How many receipts each signature covers, in the log's order.
fn sizes(receipts: &[LogEntry]) -> Vec<u16> {
    let first = |entry: &LogEntry| match &entry.signature {
        ReceiptSignature::Own(_) => Some(1),
        ReceiptSignature::Batched(batched) => (batched.index == 0).then(|| batched.place.size()),
    };
    receipts.iter().filter_map(first).collect()
}

/// Submits one receipt, which the signer holds, then `waiting` others.
fn held(waiting: u64) -> MemoryLog {
    let (log, latch) = (MemoryLog::new(), Latch::new());
    let signer = FaultySigner::new(quick()).at_signature(1, Fault::Hold(latch.clone()));
    let (recorder, _) = Recorder::start(Box::new(log.clone()), owner(signer), batched()).unwrap();
    let first = recorder.submit(draft(0)).unwrap();
    latch.wait_for_arrival();
    let rest: Vec<_> = (1..=waiting).map(|mark| recorder.submit(draft(mark)).unwrap()).collect();
    latch.open();
    for (submitted, seq) in std::iter::once(first).chain(rest).zip(1..) {
        assert_eq!(submitted.done.wait().unwrap().payload.seq, seq);
    }
    assert_whole(&log.receipts());
    log
}

#[test]
fn all_that_waits_is_signed_at_once_and_one_alone_by_itself() {
    assert_eq!(sizes(&held(0).receipts()), [1]);
    assert_eq!(sizes(&held(1).receipts()), [1, 1]);
    assert_eq!(sizes(&held(2).receipts()), [1, 2]);
    assert_eq!(sizes(&held(64).receipts()), [1, 64]);
}

#[test]
fn a_batch_has_1024_receipts_at_most() {
    assert_eq!(sizes(&held(1_023).receipts()), [1, 1_023]);
    assert_eq!(sizes(&held(2_500).receipts()), [1, 1_024, 1_024, 452]);
}

#[test]
fn a_batch_has_one_mebibyte_of_payloads_at_most() {
    let (log, latch) = (MemoryLog::new(), Latch::new());
    let signer = FaultySigner::new(quick()).at_signature(1, Fault::Hold(latch.clone()));
    let (recorder, _) = Recorder::start(Box::new(log.clone()), owner(signer), batched()).unwrap();
    let submit = |mark: u64| {
        let mut payload = payload(mark);
        let long = asqav_receipt::json::Json::from("x".repeat(2_000).as_str());
        let mut body = asqav_receipt::json::Object::new();
        body.set("note", long);
        payload.context = asqav_receipt::payload::Context::Event { name: "gate:start", body };
        recorder.submit(Draft::new(payload, None)).unwrap()
    };
    let first = submit(0);
    latch.wait_for_arrival();
    let rest: Vec<_> = (1..=700).map(submit).collect();
    latch.open();
    std::iter::once(first).chain(rest).for_each(|submitted| drop(submitted.done.wait().unwrap()));
    let receipts = log.receipts();
    assert_whole(&receipts);
    let len = receipts[1].canonical.len();
    let sizes = sizes(&receipts);
    assert!(sizes.len() > 2, "{sizes:?}");
    for size in sizes {
        assert!(usize::from(size) * len <= 1 << 20, "{size} of {len} bytes");
    }
}

#[test]
fn a_batch_that_cannot_be_signed_is_set_aside_whole() {
    let (log, latch) = (MemoryLog::new(), Latch::new());
    let signer =
        FaultySigner::new(quick()).at_signature(1, Fault::Hold(latch.clone())).at_signature(2, Fault::Refuse);
    let (recorder, _) = Recorder::start(Box::new(log.clone()), owner(signer), batched()).unwrap();
    let first = recorder.submit(draft(0)).unwrap();
    latch.wait_for_arrival();
    let rest: Vec<_> = (1..=8).map(|mark| recorder.submit(draft(mark)).unwrap()).collect();
    latch.open();
    first.done.wait().unwrap();
    for submitted in rest {
        let cause = submitted.done.wait().unwrap_err();
        assert!(matches!(cause, Closed::Signing { seq: 2, .. }), "{cause:?}");
    }
    assert_eq!(log.receipts().len(), 1);
}

#[test]
fn ten_thousand_receipts_of_eight_threads_are_one_chain_of_batches() {
    let log = MemoryLog::new();
    let owner = owner(QuickSigner::new());
    let (recorder, _) = Recorder::start(Box::new(log.clone()), owner, batched()).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..8_u64 {
            let recorder = &recorder;
            scope.spawn(move || {
                for mark in 0..1_250 {
                    drop(recorder.submit(draft(caller * 10_000 + mark)).unwrap().done);
                }
            });
        }
    });
    recorder.flush().unwrap().wait().unwrap();
    let receipts = log.receipts();
    assert_eq!(receipts.len(), 10_000);
    assert_whole(&receipts);
    assert!(sizes(&receipts).len() < 10_000, "nothing was batched");
}
