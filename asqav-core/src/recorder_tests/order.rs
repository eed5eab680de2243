//! Order, groups, what reaches the log.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake};
use std::time::Duration;
use std::{pin::Pin, task::Poll};

use asqav_receipt::commitment::Openings;
use asqav_receipt::time::Timestamp;

use super::*;
use crate::clock::Clock;
use crate::completion::Completion;
use crate::faults::{Fault, FaultyLog, FaultySigner, Latch};
use crate::fixture::assert_whole;
use crate::memory_log::MemoryLog;

#[test]
fn ten_thousand_receipts_of_eight_threads_are_one_chain() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), QuickSigner::new());
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
    // The clock ticks once per receipt: its order is that of the chain.
    assert!(receipts.is_sorted_by(|a, b| a.payload.issued_at < b.payload.issued_at));
    let mut ids: Vec<_> = receipts.iter().map(|entry| entry.payload.action_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 10_000);
}

#[test]
fn a_slow_log_takes_all_that_waits_as_one_group() {
    let (log, latch) = (MemoryLog::new(), Latch::new());
    let signer = Arc::new(FaultySigner::new(quick()));
    let faulty = FaultyLog::new(log.clone()).at_receipt(1, Fault::Hold(latch.clone()));
    let mut owner = owner(QuickSigner::new());
    owner.signer = Arc::<FaultySigner>::clone(&signer);
    let (recorder, _) = Recorder::start(Box::new(faulty), owner, options()).unwrap();
    let first = recorder.submit(draft(0)).unwrap();
    latch.wait_for_arrival();
    let rest: Vec<_> = (1..=64).map(|mark| recorder.submit(draft(mark)).unwrap()).collect();
    while signer.asked() < 65 {
        std::thread::yield_now();
    }
    assert_eq!(recorder.counters().unwrap().durable, 0, "nothing is acknowledged before it is committed");
    latch.open();
    assert_eq!(first.done.wait().unwrap().payload.seq, 1);
    for (submitted, seq) in rest.into_iter().zip(2..) {
        assert_eq!(submitted.done.wait().unwrap().payload.seq, seq);
    }
    // Three signers may still be signing when the second group is taken.
    assert!(log.groups() <= 5, "{} groups", log.groups());
}

#[test]
fn what_is_told_at_once_is_what_becomes_durable() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), QuickSigner::new());
    let payload = payload(5);
    let action_id = payload.action_id;
    let openings = Openings { action_id, secret: [9; 32], values: vec![("/result".into(), "1".into())] };
    let submitted = recorder.submit(Draft::new(payload, Some(openings.clone()))).unwrap();
    let receipted = submitted.done.wait().unwrap();
    let [kept] = &log.receipts()[..] else { panic!("one receipt") };
    assert_eq!(kept.openings, Some(openings));
    assert_eq!((submitted.seq, submitted.action_id), (1, action_id));
    assert_eq!(kept.canonical, submitted.canonical);
    assert_eq!(submitted.payload_sha256, asqav_receipt::digest::Sha256Digest::of(&kept.canonical));
    assert_eq!((&receipted.payload, &*receipted.signature), (&kept.payload, &kept.signature));
}

#[test]
fn a_second_recorder_continues_the_log() {
    let log = MemoryLog::new();
    let first = start(log.clone(), QuickSigner::new());
    first.submit(draft(1)).unwrap();
    let refused = Recorder::start(Box::new(log.clone()), owner(QuickSigner::new()), options()).unwrap_err();
    assert_eq!(refused.to_string(), "the log is in use by another gate of this process");
    drop(first);
    let (second, start) =
        Recorder::start(Box::new(log.clone()), owner(QuickSigner::new()), options()).unwrap();
    assert_eq!(start.head.unwrap().seq, 1);
    assert!(start.unclean.is_some(), "dropped, not stopped");
    assert_eq!(second.submit(draft(2)).unwrap().done.wait().unwrap().payload.seq, 2);
    assert_whole(&log.receipts());
}

#[test]
fn a_log_in_memory_tells_how_it_was_left_and_whose_it_is() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), QuickSigner::new());
    let stopped = recorder.shutdown(std::time::Duration::MAX, last(1)).unwrap();
    stopped.wait().unwrap();
    let again = log.clone().start(&owner(QuickSigner::new())).unwrap();
    assert_eq!((again.head.unwrap().seq, again.unclean), (1, None), "stopped cleanly");
    log.clone().close(false).unwrap();
    let mut stranger = owner(QuickSigner::new());
    stranger.agent = asqav_receipt::id::AgentId::parse("stranger").unwrap();
    let refused = log.clone().start(&stranger).unwrap_err();
    assert_eq!(refused.to_string(), "this is the log of agent `agent`, not of `stranger`");
    // A receipt that does not continue the log is not taken.
    log.clone().start(&owner(QuickSigner::new())).unwrap();
    let entry = log.receipts().remove(0);
    assert!(log.clone().commit(&[entry], crate::log::Durability::Durable).is_err());
    assert_eq!(log.receipts().len(), 1);
}

/// Notes in which order completions become ready.
struct Note(u64, Arc<Mutex<Vec<u64>>>);

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push(self.0);
    }
}

fn poll(done: &mut Completion, waker: Arc<Note>) -> bool {
    let waker = waker.into();
    matches!(Future::poll(Pin::new(done), &mut Context::from_waker(&waker)), Poll::Ready(Ok(_)))
}

#[test]
fn callers_are_answered_in_order() {
    let latch = Latch::new();
    let log = FaultyLog::new(MemoryLog::new()).at_receipt(1, Fault::Hold(latch.clone()));
    let recorder = start(log, QuickSigner::new());
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut waiting: Vec<_> = (1..=50).map(|mark| recorder.submit(draft(mark)).unwrap()).collect();
    for submitted in waiting.iter_mut().rev() {
        // The first waker is replaced, as when a future moves between tasks.
        assert!(!poll(&mut submitted.done, Arc::new(Note(0, Arc::clone(&order)))));
        assert!(!poll(&mut submitted.done, Arc::new(Note(submitted.seq, Arc::clone(&order)))));
    }
    latch.open();
    recorder.flush().unwrap().wait().unwrap();
    assert_eq!(*order.lock().unwrap(), (1..=50).collect::<Vec<_>>());
    for submitted in &mut waiting {
        for _ in 0..2 {
            assert!(
                poll(&mut submitted.done, Arc::new(Note(0, Arc::clone(&order)))),
                "also when polled again"
            );
        }
    }
}

/// A clock that runs backwards.
struct Backwards(AtomicI64);

impl Clock for Backwards {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.fetch_sub(1_000_000, Ordering::Relaxed)).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn source(&self) -> &'static str {
        "backwards"
    }
}

#[test]
fn a_clock_that_steps_back_is_recorded_as_it_is() {
    let log = MemoryLog::new();
    let mut owner = owner(QuickSigner::new());
    owner.clock = Arc::new(Backwards(AtomicI64::new(9_000_000)));
    let (recorder, _) = Recorder::start(Box::new(log.clone()), owner, options()).unwrap();
    let warnings = Arc::new(AtomicI64::new(0));
    let heard = Arc::clone(&warnings);
    let listener = Listener(move |event: &tracing::Event<'_>| {
        heard.fetch_add(i64::from(*event.metadata().level() == tracing::Level::WARN), Ordering::Relaxed);
    });
    tracing::subscriber::with_default(listener, || {
        for mark in 1..=3 {
            recorder.submit(draft(mark)).unwrap().done.wait().unwrap();
        }
    });
    assert_eq!(warnings.load(Ordering::Relaxed), 2, "receipts 2 and 3 are warned of");
    let times: Vec<_> = log.receipts().iter().map(|entry| entry.payload.issued_at.unix_micros()).collect();
    assert_eq!(times, [9_000_000, 8_000_000, 7_000_000]);
}
