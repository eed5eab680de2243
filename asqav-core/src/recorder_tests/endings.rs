//! Stops, drops, forks, and what is left of threads and places.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use asqav_receipt::time::Timestamp;

use super::*;
use crate::clock::Clock;
use crate::faults::{Fault, FaultyLog, Latch};
use crate::memory_log::MemoryLog;
use crate::recorder::Stopped;
use crate::refused::{Closed, Refused};

#[test]
fn a_stop_waits_for_open_calls_and_writes_the_last_receipts_behind_them() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), QuickSigner::new());
    let place = recorder.reserve().unwrap();
    place.submit(draft(1)).unwrap();
    let asked = Latch::new();
    let stopped = recorder
        .shutdown(
            Duration::MAX,
            Last::new({
                let asked = asked.clone();
                move || {
                    asked.open();
                    Ok(vec![draft(8), draft(9)])
                }
            }),
        )
        .unwrap();
    let shutdown = Refused::Closed { cause: Closed::Shutdown };
    assert_eq!(recorder.reserve().unwrap_err(), shutdown, "nothing is admitted any more");
    assert_eq!(recorder.submit(draft(2)).unwrap_err(), shutdown);
    let outcome = place.submit(draft(3)).unwrap();
    drop(place);
    assert_eq!(outcome.done.wait().unwrap().payload.seq, 2, "but the open call ends");
    assert_eq!(stopped.wait(), Ok(Stopped::Clean));
    let marks: Vec<_> = log.receipts().iter().map(|entry| entry.payload.action_id).collect();
    assert_eq!(marks, [1, 3, 8, 9].map(|mark| payload(mark).action_id));
    assert!(log.is_sealed());
}

#[test]
fn a_deadline_ends_the_wait_for_a_call_that_never_ends() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), QuickSigner::new());
    let place = recorder.reserve().unwrap();
    let stopped = recorder.shutdown(Duration::from_millis(20), last(9)).unwrap();
    assert_eq!(stopped.wait(), Ok(Stopped::Unclean { open: 1 }));
    assert_eq!(place.submit(draft(1)).unwrap_err(), Refused::Closed { cause: Closed::Shutdown });
    assert!(log.receipts().is_empty() && !log.is_sealed() && !log.is_open());
    // Asked again, the answer is the same.
    assert_eq!(recorder.shutdown(Duration::MAX, last(9)).unwrap().wait(), Ok(Stopped::Unclean { open: 1 }));
}

#[test]
fn a_gate_may_close_the_recorder_with_its_own_cause() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), QuickSigner::new());
    let submitted = recorder.submit(draft(1)).unwrap();
    recorder.close(Closed::Panicked);
    assert_eq!(recorder.reserve().unwrap_err(), Refused::Closed { cause: Closed::Panicked });
    submitted.done.wait().unwrap();
    assert_eq!(recorder.shutdown(Duration::MAX, last(9)).unwrap().wait(), Err(Closed::Panicked));
    assert_eq!(log.receipts().len(), 1);
}

#[test]
fn dropping_the_last_handle_ends_the_threads_and_frees_the_log() {
    let log = MemoryLog::new();
    let owner = owner(QuickSigner::new());
    let signer = Arc::downgrade(&owner.signer);
    let (recorder, _) = Recorder::start(Box::new(log.clone()), owner, options()).unwrap();
    let submitted: Vec<_> = (0..100).map(|mark| recorder.submit(draft(mark)).unwrap()).collect();
    let other = recorder.clone();
    drop(recorder);
    assert!(log.is_open(), "one handle is left");
    drop(other);
    assert_eq!(log.receipts().len(), 100, "all that was submitted is there");
    assert!(!log.is_open() && !log.is_sealed());
    assert!(signer.upgrade().is_none(), "no thread is left that holds the signer");
    for submitted in submitted {
        submitted.done.wait().unwrap();
    }
}

#[test]
fn places_come_back_when_their_receipts_are_released() {
    let latch = Latch::new();
    let log = FaultyLog::new(MemoryLog::new()).at_receipt(1, Fault::Hold(latch.clone()));
    let options = Options { max_in_flight: 2, ..options() };
    let (recorder, _) = Recorder::start(Box::new(log), owner(QuickSigner::new()), options).unwrap();
    let place = recorder.reserve().unwrap();
    let submitted = place.submit(draft(1)).unwrap();
    drop(place);
    let unused = recorder.reserve().unwrap();
    let overloaded = Refused::Overloaded { in_flight: 2 };
    assert_eq!(recorder.reserve().unwrap_err(), overloaded, "dropped, but its receipt is still queued");
    assert_eq!(recorder.submit(draft(2)).unwrap_err(), overloaded);
    let another = unused.submit(draft(3)).unwrap();
    assert_eq!(another.seq, 2, "whoever has a place submits");
    drop(unused);
    latch.open();
    submitted.done.wait().unwrap();
    another.done.wait().unwrap();
    let places = (recorder.reserve().unwrap(), recorder.reserve().unwrap());
    assert_eq!(recorder.counters().unwrap().in_flight, 2);
    drop(places);
    assert_eq!(recorder.counters().unwrap().in_flight, 0);
}

#[test]
fn a_place_comes_back_once_however_many_of_its_receipts_are_released_together() {
    let latch = Latch::new();
    let log = FaultyLog::new(MemoryLog::new()).at_receipt(1, Fault::Hold(latch.clone()));
    let recorder = start(log, QuickSigner::new());
    let (one, other) = (recorder.reserve().unwrap(), recorder.reserve().unwrap());
    let submitted = [&one, &one, &other, &one].map(|place| place.submit(draft(1)).unwrap());
    drop(one);
    latch.open();
    for (submitted, seq) in submitted.into_iter().zip(1..) {
        assert_eq!(submitted.done.wait().unwrap().payload.seq, seq);
    }
    assert_eq!(recorder.counters().unwrap().in_flight, 1, "the other is still held");
    drop(other);
    assert_eq!(recorder.counters().unwrap().in_flight, 0);
}

/// The process id that the recorder of the fork test sees.
static PROCESS_ID: AtomicU32 = AtomicU32::new(1);

/// Holds whoever asks for the time, which is under the recorder's lock.
struct HoldingClock(Latch);

impl Clock for HoldingClock {
    fn now(&self) -> Timestamp {
        self.0.hold();
        Timestamp::MAX
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn source(&self) -> &'static str {
        "holding"
    }
}

/// In a forked child the lock may be held for ever by a thread that does not
/// exist there: everything answers without touching it.
#[test]
fn a_forked_child_is_refused_and_never_hangs() {
    let (latch, held) = (Latch::new(), Latch::new());
    let log = FaultyLog::new(MemoryLog::new()).at_receipt(1, Fault::Hold(held.clone()));
    let mut owner = owner(QuickSigner::new());
    owner.clock = Arc::new(HoldingClock(latch.clone()));
    let options = Options { process_id: || PROCESS_ID.load(Ordering::SeqCst), ..options() };
    let (recorder, _) = Recorder::start(Box::new(log), owner, options).unwrap();
    let place = recorder.reserve().unwrap();
    let mut flushed = recorder.flush().unwrap();
    let locked = std::thread::spawn({
        let recorder = recorder.clone();
        move || recorder.submit(awaited(1)).unwrap()
    });
    latch.wait_for_arrival();

    PROCESS_ID.store(2, Ordering::SeqCst);
    let forked = Refused::Closed { cause: Closed::Forked };
    assert_eq!(recorder.reserve().unwrap_err(), forked);
    assert_eq!(recorder.submit(draft(2)).unwrap_err(), forked);
    assert_eq!(place.submit(draft(2)).unwrap_err(), forked);
    assert_eq!(recorder.closed(), Some(Closed::Forked));
    assert_eq!(recorder.counters().unwrap_err(), Closed::Forked);
    assert_eq!(recorder.flush().unwrap_err(), Closed::Forked);
    assert_eq!(recorder.shutdown(Duration::MAX, last(9)).unwrap_err(), Closed::Forked);
    recorder.close(Closed::Panicked);
    assert_eq!(poll_once(&mut flushed), Poll::Ready(Err(Closed::Forked)));
    assert_eq!(flushed.wait(), Err(Closed::Forked));
    drop((place, recorder));

    // The parent goes on; its caller's handle is the last.
    latch.open();
    let submitted = locked.join().unwrap();
    assert_eq!(submitted.done.wait().unwrap_err(), Closed::Forked);
    held.open();
}
