//! The recorder under every interleaving that shuttle thinks of.
//!
//! The sources of [`completion`] and [`recorder`] are compiled a second time
//! here, on shuttle's locks and threads. A lost wake-up is a deadlock there,
//! because its waits never time out.

#![expect(dead_code, unreachable_pub, reason = "the tests use a part of what is compiled again")]

#[path = "completion.rs"]
mod completion;
#[path = "recorder/mod.rs"]
mod recorder;

mod endings;

mod sync {
    use std::sync::PoisonError;
    use std::time::Duration;

    pub(crate) use shuttle::sync::atomic;
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use shuttle::thread;

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_soon<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        lock(mutex)
    }

    pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wait_timeout<'a, T>(
        condvar: &Condvar,
        guard: MutexGuard<'a, T>,
        _: Duration,
    ) -> MutexGuard<'a, T> {
        wait(condvar, guard)
    }
}

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::Mutex;
use shuttle::thread;

use self::completion::{Acknowledged, Receipted};
use self::recorder::{Draft, Last, Options, Recorder, Stopped};
use crate::faults::{Fault, FaultyLog, FaultySigner};
use crate::fixture::{QuickSigner, assert_whole, owner, payload};
use crate::log::{Durability, Log};
use crate::memory_log::MemoryLog;
use crate::process;
use crate::refused::{Closed, Refused};
use crate::sign::{Signer, Signing};

const SCHEDULES: usize = 600;

/// Runs `body` under random schedules and under those of the PCT scheduler,
/// which looks for bugs that few switches show.
fn model(body: impl Fn() + Send + Sync + Clone + 'static) {
    shuttle::check_random(body.clone(), SCHEDULES);
    shuttle::check_pct(body, SCHEDULES / 2, 3);
}

fn start(log: impl Log, signer: impl Signer, max_in_flight: usize) -> Recorder {
    let signing = if thread_rng().gen_bool(0.5) { Signing::Batched } else { Signing::EachReceipt };
    let durability = if thread_rng().gen_bool(0.5) { Durability::Journaled } else { Durability::Durable };
    let signers = NonZeroUsize::new(2).unwrap();
    let options = Options { durability, max_in_flight, signing, signers, ..Options::default() };
    Recorder::start(Box::new(log), owner(signer), options).unwrap().0
}

/// Of a caller that waits at once, or of one that perhaps does.
fn draft(mark: u64) -> Draft {
    Draft::new(payload(mark), None).awaited_if(thread_rng().gen_bool(0.5))
}

fn last(mark: u64) -> Last {
    Last::new(move || Ok(vec![draft(mark)]))
}

/// What one caller saw: submitted receipts, and the answer for each.
type Seen = Vec<(u64, Result<Receipted, Closed>)>;

/// One call: decision, wait for it, outcome, wait for that. Stops at the
/// first answer that is not a receipt.
fn call(recorder: &Recorder, mark: u64) -> Seen {
    let Ok(place) = recorder.reserve() else { return Vec::new() };
    let mut seen = Vec::new();
    for step in 0..2 {
        let submitted = match place.submit(draft(mark * 2 + step)) {
            Ok(submitted) => submitted,
            Err(refused) => {
                assert!(matches!(refused, Refused::Closed { .. }), "{refused:?} with a place");
                break;
            }
        };
        let answer = submitted.done.wait();
        let go_on = answer.is_ok();
        seen.push((submitted.seq, answer));
        if !go_on {
            break;
        }
    }
    seen
}

/// Runs `callers` threads with two calls each and gives what they saw.
fn calls(recorder: &Recorder, callers: u64) -> Seen {
    let running: Vec<_> = (0..callers)
        .map(|caller| {
            let recorder = recorder.clone();
            thread::spawn(move || {
                let mut seen = call(&recorder, caller * 2 + 1);
                seen.extend(call(&recorder, caller * 2 + 2));
                seen
            })
        })
        .collect();
    running.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
}

/// Every acknowledged receipt is in the log, at its place, as it was.
fn assert_acknowledged(seen: &Seen, log: &MemoryLog) {
    let receipts = log.receipts();
    for (seq, answer) in seen {
        let Ok(receipted) = answer else { continue };
        let kept = &receipts[usize::try_from(*seq).unwrap() - 1];
        assert_eq!(kept.canonical, receipted.canonical);
        assert_eq!(kept.signature, *receipted.signature);
    }
}

/// Acknowledged receipts are a prefix: nothing before a refused one is
/// missing, nothing behind it was acknowledged.
fn assert_prefix(seen: &Seen) -> u64 {
    let acknowledged =
        seen.iter().filter(|(_, answer)| answer.is_ok()).map(|(seq, _)| *seq).max().unwrap_or(0);
    for (seq, answer) in seen {
        assert_eq!(answer.is_ok(), *seq <= acknowledged, "receipt {seq} of {acknowledged}: {answer:?}");
    }
    acknowledged
}

#[test]
fn calls_and_a_clean_stop() {
    model(|| {
        let log = MemoryLog::new();
        let recorder = start(log.clone(), QuickSigner::new(), 8);
        let stopper = recorder.clone();
        let seen = {
            let calling = recorder.clone();
            let caller = thread::spawn(move || calls(&calling, 2));
            let stopping =
                thread::spawn(move || stopper.shutdown(Duration::from_secs(3_600), last(99)).unwrap().wait());
            assert_eq!(stopping.join().unwrap(), Ok(Stopped::Clean));
            caller.join().unwrap()
        };
        assert!(seen.iter().all(|(_, answer)| answer.is_ok()), "nobody with a place is refused");
        let receipts = log.receipts();
        assert_whole(&receipts);
        assert_eq!(receipts.len(), seen.len() + 1, "what was submitted, and the stop");
        assert_acknowledged(&seen, &log);
        assert!(log.is_sealed() && !log.is_open());
        let counters = recorder.counters().unwrap();
        assert_eq!((counters.in_flight, counters.closed), (0, Some(Closed::Shutdown)));
        assert_eq!(counters.submitted, counters.durable);
    });
}

#[test]
fn a_receipt_that_cannot_be_signed() {
    model(|| {
        let log = MemoryLog::new();
        let nth = thread_rng().gen_range(1..6);
        let signer = FaultySigner::new(Arc::new(QuickSigner::new())).at_signature(nth, Fault::Refuse);
        let recorder = start(log.clone(), signer, 8);
        let seen = calls(&recorder, 3);
        let acknowledged = assert_prefix(&seen);
        assert_eq!(log.receipts().len() as u64, acknowledged);
        assert_whole(&log.receipts());
        assert_acknowledged(&seen, &log);
        // Batches may have needed fewer signatures than that.
        let Some(closed) = recorder.closed() else {
            assert!(seen.iter().all(|(_, answer)| answer.is_ok()));
            return;
        };
        assert!(matches!(closed, Closed::Signing { seq, .. } if seq > acknowledged), "{closed:?}");
        assert_closed(&recorder, &log, acknowledged);
    });
}

#[test]
fn a_receipt_that_cannot_be_written() {
    model(|| {
        let log = MemoryLog::new();
        let at = thread_rng().gen_range(1..6);
        let fault = match thread_rng().gen_range(0..3) {
            0 => Fault::Refuse,
            1 => Fault::Partial(1),
            _ => Fault::Unsynced,
        };
        let recorder = start(FaultyLog::new(log.clone()).at_receipt(at, fault), QuickSigner::new(), 8);
        let seen = calls(&recorder, 3);
        let acknowledged = assert_prefix(&seen);
        assert!(acknowledged < at && log.receipts().len() as u64 >= acknowledged);
        assert_whole(&log.receipts());
        assert_acknowledged(&seen, &log);
        let closed = recorder.closed().unwrap();
        assert!(matches!(closed, Closed::Writing { seq, .. } if seq == acknowledged + 1), "{closed:?}");
        assert_closed(&recorder, &log, acknowledged);
    });
}

/// Both at once: whatever fails first, each caller hears one answer and the
/// head is the last committed receipt.
#[test]
fn signing_and_writing_fail_together() {
    model(|| {
        let log = MemoryLog::new();
        let signer = FaultySigner::new(Arc::new(QuickSigner::new())).at_signature(4, Fault::Refuse);
        let faulty = FaultyLog::new(log.clone()).at_receipt(3, Fault::Refuse);
        let recorder = start(faulty, signer, 8);
        let acknowledged = assert_prefix(&calls(&recorder, 3));
        assert_eq!(log.receipts().len() as u64, acknowledged);
        assert_closed(&recorder, &log, acknowledged);
    });
}

/// The recorder has closed by itself: it takes nothing, every place is back,
/// the head is the last acknowledged receipt, the log is let go unsealed.
fn assert_closed(recorder: &Recorder, log: &MemoryLog, acknowledged: u64) {
    let cause = recorder.closed().unwrap();
    assert_eq!(recorder.reserve().unwrap_err(), Refused::Closed { cause: cause.clone() });
    let stopped = recorder.shutdown(Duration::from_secs(3_600), last(99)).unwrap().wait();
    assert_eq!(stopped, Err(cause));
    let counters = recorder.counters().unwrap();
    assert_eq!((counters.submitted, counters.durable, counters.in_flight), (acknowledged, acknowledged, 0));
    assert!(!log.is_open() && !log.is_sealed());
}

/// Calls in calls at the limit: an inner call is refused, never kept waiting,
/// and an outer one always gets its outcome recorded.
#[test]
fn nested_calls_at_the_limit() {
    model(|| {
        let log = MemoryLog::new();
        let recorder = start(log.clone(), QuickSigner::new(), 2);
        let outer: Vec<_> = (0..2).map(|_| recorder.reserve().unwrap()).collect();
        let callers: Vec<_> = (0..)
            .zip(outer)
            .map(|(caller, outer)| {
                let recorder = recorder.clone();
                thread::spawn(move || {
                    outer.submit(draft(caller)).unwrap().done.wait().unwrap();
                    let inner = call(&recorder, 10 + caller);
                    outer.submit(draft(20 + caller)).unwrap().done.wait().unwrap();
                    inner.len() as u64
                })
            })
            .collect();
        let inner: u64 = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
        let counters = recorder.counters().unwrap();
        assert_eq!((counters.submitted, counters.durable, counters.in_flight), (4 + inner, 4 + inner, 0));
        recorder.reserve().unwrap();
    });
}

/// A completion is polled in one task and awaited in another; answers come in
/// order.
#[test]
fn completions_as_futures() {
    model(|| {
        let recorder = start(MemoryLog::new(), QuickSigner::new(), 8);
        let order = Arc::new(Mutex::new(Vec::new()));
        let waiting: Vec<_> = (1..=3)
            .map(|mark| {
                let mut submitted = recorder.submit(draft(mark)).unwrap();
                let order = Arc::clone(&order);
                poll_once(&mut submitted.done);
                shuttle::future::spawn(async move {
                    let receipted = submitted.done.await.unwrap();
                    order.lock().unwrap().push(receipted.payload.seq);
                })
            })
            .collect();
        for task in waiting {
            shuttle::future::block_on(task).unwrap();
        }
        let mut order = order.lock().unwrap().clone();
        order.sort_unstable();
        assert_eq!(order, [1, 2, 3]);
    });
}

/// Leaves a waker behind that wakes nobody.
fn poll_once(done: &mut completion::Completion) {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _: std::task::Poll<_> = std::future::Future::poll(std::pin::Pin::new(done), &mut context);
}

/// Whoever is told that a receipt is journaled finds it journaled or committed,
/// whether or not it is ever signed; whoever waits is answered.
#[test]
fn calls_that_go_on_before_their_receipts_are_signed() {
    model(|| {
        let log = MemoryLog::new();
        let fails_at = thread_rng().gen_range(1..6);
        let signer = FaultySigner::new(Arc::new(QuickSigner::new())).at_signature(fails_at, Fault::Refuse);
        let options = Options {
            durability: Durability::Journaled,
            signers: NonZeroUsize::new(2).unwrap(),
            ..Options::default()
        };
        let (recorder, _) = Recorder::start(Box::new(log.clone()), owner(signer), options).unwrap();
        let callers: Vec<_> = (0..3)
            .map(|caller| {
                let (recorder, log) = (recorder.clone(), log.clone());
                thread::spawn(move || {
                    for mark in [caller * 2, caller * 2 + 1] {
                        let Ok(submitted) = recorder.submit(draft(mark)) else { return };
                        let seq = submitted.seq;
                        if Acknowledged::new(Ok(submitted.done)).wait().is_ok() {
                            // In this order: what is committed leaves the journal.
                            let journaled = log.unsigned().iter().any(|kept| kept.payload.seq == seq);
                            let committed = log.receipts().iter().any(|kept| kept.payload.seq == seq);
                            assert!(journaled || committed, "receipt {seq} is nowhere");
                        }
                    }
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        drop(recorder);
        let (again, start) =
            Recorder::start(Box::new(log.clone()), owner(QuickSigner::new()), options).unwrap();
        assert!(log.unsigned().is_empty());
        assert_eq!(start.head.map_or(0, |head| head.seq), log.receipts().len() as u64);
        assert_whole(&log.receipts());
        drop(again);
    });
}
