//! Logs and signers that fail or panic, foreign code that misbehaves.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake};
use std::time::{Duration, Instant};

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::KeyId;
use asqav_receipt::time::Timestamp;

use super::*;
use crate::clock::Clock;
use crate::faults::{Fault, FaultyLog, FaultySigner, Latch};
use crate::fixture::assert_whole;
use crate::memory_log::MemoryLog;
use crate::recorder::Stopped;
use crate::refused::{Closed, Refused};
use crate::sign::SignError;

/// Submits ten receipts, the first of which `latch` holds on its way, and
/// gives how many were acknowledged: those before the first refused one, and
/// none behind it.
fn ten(recorder: &Recorder, latch: &Latch) -> (u64, Closed) {
    let first = recorder.submit(draft(1)).unwrap();
    latch.wait_for_arrival();
    let rest: Vec<_> = (2..=10).map(|mark| recorder.submit(draft(mark)).unwrap()).collect();
    latch.open();
    let mut answers = std::iter::once(first).chain(rest).map(|submitted| submitted.done.wait());
    let acknowledged = answers.by_ref().map_while(Result::ok).count() as u64;
    assert!(answers.all(|answer| answer.is_err()));
    let cause = recorder.closed().unwrap();
    assert_eq!(recorder.reserve().unwrap_err(), Refused::Closed { cause: cause.clone() });
    assert_eq!(recorder.flush().unwrap().wait(), Err(cause.clone()), "not all of it is durable");
    let stopped = recorder.shutdown(Duration::MAX, last(99)).unwrap().wait();
    assert_eq!(stopped.unwrap_err(), cause);
    (acknowledged, cause)
}

#[test]
fn a_log_that_fails_or_panics_at_a_receipt() {
    // What the log may have kept behind the last acknowledged receipt.
    for (fault, why, kept) in [
        (Fault::Refuse, "the log: fails on purpose", 0..=0),
        (Fault::Partial(2), "the log: fails on purpose", 1..=2),
        (Fault::Unsynced, "the log: fails on purpose", 1..=9),
        (Fault::Panic, "the log panicked", 0..=0),
    ] {
        let (log, latch) = (MemoryLog::new(), Latch::new());
        let faulty = FaultyLog::new(log.clone())
            .at_receipt(1, Fault::Hold(latch.clone()))
            .at_receipt(7, fault.clone());
        let recorder = start(faulty, QuickSigner::new());
        let (acknowledged, cause) = ten(&recorder, &latch);
        assert!((1..7).contains(&acknowledged), "{fault:?}: {acknowledged}");
        assert_eq!(cause, Closed::Writing { seq: acknowledged + 1, why: why.to_owned() });
        let receipts = log.receipts();
        assert!(kept.contains(&(receipts.len() as u64 - acknowledged)), "{fault:?}: {}", receipts.len());
        assert_whole(&receipts);
        assert!(!log.is_open() && !log.is_sealed());
    }
}

#[test]
fn a_signer_that_fails_or_panics_at_a_receipt() {
    for (fault, why) in
        [(Fault::Refuse, "the signer failed: fails on purpose"), (Fault::Panic, "the signer panicked")]
    {
        let (log, latch) = (MemoryLog::new(), Latch::new());
        let signer =
            FaultySigner::new(quick()).at_signature(1, Fault::Hold(latch.clone())).at_signature(4, fault);
        // One thread, so that the fourth signature is that of receipt 4.
        let options = Options { signers: NonZeroUsize::MIN, ..options() };
        let (recorder, _) = Recorder::start(Box::new(log.clone()), owner(signer), options).unwrap();
        let (acknowledged, cause) = ten(&recorder, &latch);
        assert_eq!(acknowledged, 3);
        assert_eq!(cause, Closed::Signing { seq: 4, why: why.to_owned() });
        assert_eq!(log.receipts().len(), 3);
        assert_whole(&log.receipts());
    }
}

#[test]
fn maintenance_comes_before_a_commit_that_waits_and_its_failure_closes() {
    let (log, latch) = (MemoryLog::new(), Latch::new());
    let faulty =
        FaultyLog::new(log.clone()).at_receipt(1, Fault::Hold(latch.clone())).at_maintenance(Fault::Refuse);
    let maintenance = Duration::from_millis(300);
    let options = Options { maintenance, ..options() };
    let started = Instant::now();
    let (recorder, _) = Recorder::start(Box::new(faulty), owner(QuickSigner::new()), options).unwrap();
    let one = recorder.submit(draft(1)).unwrap();
    latch.wait_for_arrival();
    let two = recorder.submit(draft(2)).unwrap();
    while started.elapsed() <= maintenance * 2 {
        std::thread::park_timeout(maintenance);
    }
    latch.open();
    one.done.wait().unwrap();
    let cause = Closed::Writing { seq: 2, why: "the log: fails on purpose".to_owned() };
    assert_eq!(two.done.wait().unwrap_err(), cause);
    assert_eq!(recorder.closed(), Some(cause));
}

#[test]
fn a_quiet_log_is_maintained() {
    let latch = Latch::new();
    let log = FaultyLog::new(MemoryLog::new()).at_maintenance(Fault::Hold(latch.clone()));
    let options = Options { maintenance: Duration::from_millis(5), ..options() };
    let (recorder, _) = Recorder::start(Box::new(log), owner(QuickSigner::new()), options).unwrap();
    latch.wait_for_arrival();
    latch.open();
    recorder.submit(draft(1)).unwrap().done.wait().unwrap();
}

#[test]
fn a_log_that_cannot_be_sealed() {
    for (fault, why) in [(Fault::Refuse, "the log: fails on purpose"), (Fault::Panic, "the log panicked")] {
        let log = MemoryLog::new();
        let recorder = start(FaultyLog::new(log.clone()).at_close(fault), QuickSigner::new());
        let stopped = recorder.shutdown(Duration::MAX, last(1)).unwrap().wait();
        assert_eq!(stopped, Err(Closed::Sealing { why: why.to_owned() }));
        assert_eq!(log.receipts().len(), 1, "the last receipt is there");
    }
}

#[test]
fn without_last_receipts_the_log_is_not_sealed() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), QuickSigner::new());
    recorder.submit(draft(1)).unwrap();
    let none = Last::new(|| Err("no randomness".to_owned()));
    let stopped = recorder.shutdown(Duration::MAX, none).unwrap().wait();
    assert_eq!(stopped, Err(Closed::Sealing { why: "no randomness".to_owned() }));
    assert!(log.receipts().len() == 1 && !log.is_sealed() && !log.is_open());
}

#[test]
fn last_receipts_that_panic_leave_the_log_unclean() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), QuickSigner::new());
    let panics = Last::new(|| panic!("on purpose"));
    let stopped = recorder.shutdown(Duration::MAX, panics).unwrap().wait();
    assert_eq!(stopped, Err(Closed::Panicked));
    assert_eq!(recorder.reserve().unwrap_err(), Refused::Closed { cause: Closed::Panicked });
    drop(recorder);
    assert!(!log.is_sealed());
}

/// A signer that panics where nobody expects it.
struct NamelessSigner(QuickSigner);

impl Signer for NamelessSigner {
    fn algorithm(&self) -> &'static str {
        self.0.algorithm()
    }

    fn key_id(&self) -> &KeyId {
        panic!("on purpose")
    }

    fn public_key(&self) -> &[u8] {
        self.0.public_key()
    }

    fn thumbprint(&self) -> &Sha256Digest {
        self.0.thumbprint()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.sign(message)
    }
}

#[test]
fn a_signer_that_panics_anywhere_closes_and_leaves_nobody_waiting() {
    let log = MemoryLog::new();
    let recorder = start(log.clone(), NamelessSigner(QuickSigner::new()));
    let place = recorder.reserve().unwrap();
    let submitted = place.submit(draft(1)).unwrap();
    let cause = Closed::Signing { seq: 1, why: "the signer panicked".to_owned() };
    assert_eq!(submitted.done.wait().unwrap_err(), cause);
    assert_eq!(place.submit(draft(2)).unwrap_err(), Refused::Closed { cause: cause.clone() });
    assert_eq!(recorder.shutdown(Duration::MAX, last(9)).unwrap().wait(), Err(cause));
    assert!(log.receipts().is_empty() && !log.is_open());
}

/// A clock that panics when it is asked for the second time.
struct BrokenClock(AtomicUsize);

impl Clock for BrokenClock {
    fn now(&self) -> Timestamp {
        assert_ne!(self.0.fetch_add(1, Ordering::Relaxed), 1, "on purpose");
        Timestamp::MAX
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn source(&self) -> &'static str {
        "broken"
    }
}

#[test]
fn a_clock_that_panics_under_the_lock_leaves_the_chain_whole() {
    let log = MemoryLog::new();
    let mut owner = owner(QuickSigner::new());
    owner.clock = Arc::new(BrokenClock(AtomicUsize::new(0)));
    let (recorder, _) = Recorder::start(Box::new(log.clone()), owner, options()).unwrap();
    recorder.submit(draft(1)).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| recorder.submit(draft(2))));
    assert!(panicked.is_err());
    assert_eq!(recorder.submit(draft(3)).unwrap().done.wait().unwrap().payload.seq, 2);
    assert_whole(&log.receipts());
    assert_eq!(recorder.shutdown(Duration::MAX, last(9)).unwrap().wait(), Ok(Stopped::Clean));
}

/// Runs something when it wakes.
struct OnWake(Mutex<Option<Box<dyn FnOnce() + Send>>>);

impl Wake for OnWake {
    fn wake(self: Arc<Self>) {
        let action = self.0.lock().unwrap().take();
        if let Some(action) = action {
            action();
        }
    }
}

/// Submits, leaves `action` as the waker, then lets the log work.
fn wake_with(recorder: &Recorder, latch: &Latch, action: impl FnOnce() + Send + 'static) {
    let mut submitted = recorder.submit(draft(1)).unwrap();
    let waker = Arc::new(OnWake(Mutex::new(Some(Box::new(action))))).into();
    let poll = Future::poll(Pin::new(&mut submitted.done), &mut Context::from_waker(&waker));
    assert!(matches!(poll, Poll::Pending));
    latch.open();
}

#[test]
fn a_waker_that_panics_harms_nobody_else() {
    let latch = Latch::new();
    let log = FaultyLog::new(MemoryLog::new()).at_receipt(1, Fault::Hold(latch.clone()));
    let recorder = start(log, QuickSigner::new());
    wake_with(&recorder, &latch, || panic!("on purpose"));
    recorder.submit(draft(2)).unwrap().done.wait().unwrap();
    assert_eq!(recorder.shutdown(Duration::MAX, last(3)).unwrap().wait(), Ok(Stopped::Clean));
}

#[test]
fn a_waker_may_drop_the_last_handle_on_the_writers_thread() {
    let (kept, latch, dropped) = (MemoryLog::new(), Latch::new(), Latch::new());
    let log = FaultyLog::new(kept.clone())
        .at_receipt(1, Fault::Hold(latch.clone()))
        .at_close(Fault::Hold(dropped.clone()));
    let recorder = start(log, QuickSigner::new());
    let handle = recorder.clone();
    let (send, receive) = std::sync::mpsc::channel();
    wake_with(&recorder, &Latch::new(), move || {
        // Not before the test has let go of its own handle.
        receive.recv().unwrap();
        drop(handle);
    });
    drop(recorder);
    latch.open();
    send.send(()).unwrap();
    // The writer gets as far as closing the log.
    dropped.wait_for_arrival();
    dropped.open();
}
