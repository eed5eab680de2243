//! Receipts that are on disk before they are signed.

use asqav_receipt::erasure::{ERASE_EVENT, erase_body};
use asqav_receipt::payload::Context;
use asqav_receipt::seq_set::SeqSet;

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::completion::Acknowledged;
use crate::faults::{Fault, FaultyLog, FaultySigner, Latch};
use crate::fixture::assert_whole;
use crate::log::{Durability, LogError, Unclean, Unsigned};
use crate::memory_log::MemoryLog;
use crate::recorder::{Stopped, Submitted};
use crate::refused::{Closed, Refused};
use crate::sign::Signing;

fn journaled() -> Options {
    Options { durability: Durability::Journaled, ..options() }
}

fn acknowledged(submitted: Submitted) -> Result<(), Closed> {
    Acknowledged::new(Ok(submitted.done)).wait()
}

/// A recorder whose signer is held at its second signature, and what lets it
/// go. The first receipt is committed.
fn held(log: impl Log, options: Options) -> (Recorder, Latch) {
    let latch = Latch::new();
    let signer = FaultySigner::new(quick()).at_signature(2, Fault::Hold(latch.clone()));
    (begun(log, signer, options), latch)
}

fn begun(log: impl Log, signer: impl Signer, options: Options) -> Recorder {
    let (recorder, _) = Recorder::start(Box::new(log), owner(signer), options).unwrap();
    recorder.submit(draft(1_000)).unwrap().done.wait().unwrap();
    recorder
}

fn seqs(unsigned: &[Unsigned]) -> Vec<u64> {
    unsigned.iter().map(|unsigned| unsigned.payload.seq).collect()
}

#[test]
fn a_receipt_is_acknowledged_before_it_is_signed() {
    for signing in [Signing::EachReceipt, Signing::Batched] {
        let log = MemoryLog::new();
        let (recorder, latch) = held(log.clone(), Options { signing, ..journaled() });
        for mark in 0..40 {
            acknowledged(recorder.submit(draft(mark)).unwrap()).unwrap();
        }
        assert_eq!(seqs(&log.unsigned()), (2..=41).collect::<Vec<_>>(), "{signing:?}");
        assert_eq!(log.receipts().len(), 1);
        let counters = recorder.counters().unwrap();
        assert_eq!((counters.submitted, counters.durable, counters.in_flight), (41, 1, 40));
        let last = recorder.submit(draft(40)).unwrap();
        latch.open();
        assert_eq!(last.done.wait().unwrap().payload.seq, 42, "whoever asks for the receipt waits for it");
        recorder.flush().unwrap().wait().unwrap();
        assert_whole(&log.receipts());
        assert_eq!((log.receipts().len(), log.unsigned().len()), (42, 0));
    }
}

#[test]
fn nobody_who_waits_signs() {
    let log = MemoryLog::new();
    let (recorder, latch) = held(log, journaled());
    // A thread that helped would be held with the signer.
    acknowledged(recorder.submit(draft(0)).unwrap()).unwrap();
    latch.open();
}

/// Waits until the journal holds receipts up to `seq`, which it will.
fn until_journaled(log: &MemoryLog, seq: u64) {
    while log.unsigned().last().map(|unsigned| unsigned.payload.seq) != Some(seq) {
        std::thread::yield_now();
    }
}

#[test]
fn beyond_half_of_the_places_calls_wait_for_signatures() {
    let log = MemoryLog::new();
    let (recorder, latch) = held(log.clone(), Options { max_in_flight: 4, ..journaled() });
    let place = recorder.reserve().unwrap();
    for mark in 0..2 {
        acknowledged(place.submit(draft(mark)).unwrap()).unwrap();
    }
    let mut third = Acknowledged::new(Ok(place.submit(draft(2)).unwrap().done));
    until_journaled(&log, 4);
    assert!(poll_once(&mut third).is_pending());
    latch.open();
    third.wait().unwrap();
}

#[test]
fn a_stop_leaves_to_the_next_start_what_is_not_signed_in_time() {
    let log = MemoryLog::new();
    let (recorder, latch) = held(log.clone(), journaled());
    let receipts: Vec<_> = (0..5).map(|mark| recorder.submit(draft(mark)).unwrap()).collect();
    until_journaled(&log, 6);
    let stopped = recorder.shutdown(Duration::from_millis(10), last(9)).unwrap().wait();
    // The signer is still held.
    assert_eq!(stopped, Ok(Stopped::Unclean { open: 5 }));
    for receipt in receipts {
        assert_eq!(receipt.done.wait().unwrap_err(), Closed::Shutdown);
    }
    latch.open();
    drop(recorder);
    assert_eq!((log.receipts().len(), seqs(&log.unsigned())), (1, vec![2, 3, 4, 5, 6]));
    let (again, start) =
        Recorder::start(Box::new(log.clone()), owner(QuickSigner::new()), journaled()).unwrap();
    assert_eq!(start.head.unwrap().seq, 6);
    drop(again);
    assert_whole(&log.receipts());
}

#[test]
fn what_is_never_signed_is_signed_at_the_next_start() {
    let (log, latch) = (MemoryLog::new(), Latch::new());
    let signer =
        FaultySigner::new(quick()).at_signature(3, Fault::Hold(latch.clone())).at_signature(4, Fault::Refuse);
    let one = Options { signers: NonZeroUsize::MIN, ..journaled() };
    let recorder = begun(log.clone(), signer, one);
    for mark in 0..8 {
        acknowledged(recorder.submit(draft(mark)).unwrap()).unwrap();
    }
    latch.open();
    let flushed = recorder.flush().unwrap().wait();
    assert!(matches!(flushed, Err(Closed::Signing { seq: 4, .. })), "{flushed:?}");
    assert!(matches!(recorder.submit(draft(9)), Err(Refused::Closed { .. })));
    drop(recorder);
    assert_eq!((log.receipts().len(), seqs(&log.unsigned())), (3, vec![4, 5, 6, 7, 8, 9]));

    let (recorder, start) = Recorder::start(Box::new(log.clone()), owner(QuickSigner::new()), one).unwrap();
    assert_eq!(start.head.unwrap().seq, 9);
    assert_eq!(start.unclean, Some(Unclean::new(0, None).unsigned_after(3)));
    assert_eq!(log.unsigned().len(), 0);
    acknowledged(recorder.submit(draft(9)).unwrap()).unwrap();
    recorder.flush().unwrap().wait().unwrap();
    assert_whole(&log.receipts());
}

#[test]
fn a_journal_that_fails_closes_and_acknowledges_nothing() {
    for fault in [Fault::Refuse, Fault::Partial(1), Fault::Unsynced, Fault::Panic] {
        let kept = MemoryLog::new();
        let log = FaultyLog::new(kept.clone()).at_journaled(3, fault.clone());
        let (recorder, latch) = held(log, journaled());
        acknowledged(recorder.submit(draft(0)).unwrap()).unwrap();
        let answer = acknowledged(recorder.submit(draft(1)).unwrap());
        // Receipt 2 is not committed either: the writer takes nothing more.
        assert!(matches!(answer, Err(Closed::Writing { seq: 2, .. })), "{fault:?}: {answer:?}");
        latch.open();
        drop(recorder);
        assert_eq!(kept.receipts().len(), 1, "{fault:?}");
    }
}

#[test]
fn an_erasure_is_acknowledged_when_it_is_committed_and_not_before() {
    let log = MemoryLog::new();
    let (recorder, latch) = held(log.clone(), journaled());
    acknowledged(recorder.submit(draft(0)).unwrap()).unwrap();
    let mut erasure = payload(1);
    let body = erase_body(&SeqSet::parse("1").unwrap());
    erasure.context = Context::Event { name: ERASE_EVENT, body };
    let erasure = recorder.submit(Draft::new(erasure, None)).unwrap();
    let behind = recorder.submit(draft(2)).unwrap();
    let mut erasure = Acknowledged::new(Ok(erasure.done));
    let mut behind = Acknowledged::new(Ok(behind.done));
    // A log that was given one to journal would close.
    assert!(poll_once(&mut erasure).is_pending() && poll_once(&mut behind).is_pending());
    latch.open();
    assert_eq!((erasure.wait(), behind.wait()), (Ok(()), Ok(())));
    recorder.flush().unwrap().wait().unwrap();
    assert_whole(&log.receipts());
}

/// A log that takes what is committed and nothing else.
struct Plain(MemoryLog);

impl Log for Plain {
    fn start(&mut self, owner: &crate::log::LogOwner) -> Result<crate::log::LogStart, LogError> {
        self.0.start(owner)
    }
    fn commit(&mut self, batch: &[crate::log::LogEntry], durability: Durability) -> Result<(), LogError> {
        self.0.commit(batch, durability)
    }
    fn maintain(&mut self, now: asqav_receipt::time::Timestamp) -> Result<(), LogError> {
        self.0.maintain(now)
    }
    fn close(&mut self, clean: bool) -> Result<(), LogError> {
        self.0.close(clean)
    }
}

#[test]
fn a_log_without_a_journal_fails_closed() {
    let (recorder, latch) = held(Plain(MemoryLog::new()), journaled());
    let answer = acknowledged(recorder.submit(draft(0)).unwrap());
    assert!(
        matches!(&answer, Err(Closed::Writing { why, .. }) if why.contains("without a journal")),
        "{answer:?}"
    );
    latch.open();
}

#[test]
fn the_first_receipt_of_a_log_is_committed_first() {
    let (log, latch) = (MemoryLog::new(), Latch::new());
    let signer = FaultySigner::new(quick()).at_signature(1, Fault::Hold(latch.clone()));
    let (recorder, _) = Recorder::start(Box::new(log.clone()), owner(signer), journaled()).unwrap();
    let first = recorder.submit(draft(0)).unwrap();
    let second = recorder.submit(draft(1)).unwrap();
    // A log that was given them to journal would close.
    let mut second = Acknowledged::new(Ok(second.done));
    assert!(poll_once(&mut second).is_pending());
    latch.open();
    second.wait().unwrap();
    first.done.wait().unwrap();
    recorder.flush().unwrap().wait().unwrap();
    assert_whole(&log.receipts());
}

/// A log that is given another receipt whenever it journals, until it has
/// committed one of them.
struct Busy {
    kept: MemoryLog,
    recorder: Arc<Mutex<Option<Recorder>>>,
    more: u64,
}

impl Log for Busy {
    fn start(&mut self, owner: &crate::log::LogOwner) -> Result<crate::log::LogStart, LogError> {
        self.kept.start(owner)
    }
    fn journal(&mut self, batch: &[Unsigned]) -> Result<(), LogError> {
        self.kept.journal(batch)?;
        std::thread::sleep(Duration::from_micros(100));
        if self.more > 0 && self.kept.receipts().len() == 1 {
            self.more -= 1;
            let recorder = self.recorder.lock().unwrap();
            drop(recorder.as_ref().unwrap().submit(draft(self.more)).unwrap());
        }
        Ok(())
    }
    fn commit(&mut self, batch: &[crate::log::LogEntry], durability: Durability) -> Result<(), LogError> {
        self.kept.commit(batch, durability)
    }
    fn maintain(&mut self, now: asqav_receipt::time::Timestamp) -> Result<(), LogError> {
        self.kept.maintain(now)
    }
    fn close(&mut self, clean: bool) -> Result<(), LogError> {
        self.kept.close(clean)
    }
}

#[test]
fn what_is_signed_is_committed_though_there_is_always_more_to_journal() {
    const MORE: u64 = 5_000;
    let (kept, shared) = (MemoryLog::new(), Arc::new(Mutex::new(None)));
    let log = Busy { kept: kept.clone(), recorder: Arc::clone(&shared), more: MORE };
    // The newest receipt never has a signature when the writer looks.
    let slow = FaultySigner::new(quick()).before_each(|| {
        std::thread::sleep(Duration::from_millis(1));
        None
    });
    let recorder = begun(log, slow, journaled());
    *shared.lock().unwrap() = Some(recorder.clone());
    recorder.submit(draft(MORE)).unwrap().done.wait().unwrap();
    let submitted = recorder.counters().unwrap().submitted;
    assert!(submitted < MORE, "{submitted} were journaled before the first of them was committed");
    *shared.lock().unwrap() = None;
}
