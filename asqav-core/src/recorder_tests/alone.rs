//! A receipt that is alone: who waits for it signs and commits it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use std::{fmt, io};

use asqav_receipt::time::Timestamp;

use super::*;
use crate::faults::{Fault, FaultyLog, FaultySigner, Latch};
use crate::fixture::assert_whole;
use crate::log::{Durability, LogEntry, LogError, LogOwner, LogStart};
use crate::memory_log::MemoryLog;
use crate::recorder::{Stopped, Submitted};
use crate::refused::Closed;

/// A log in memory that remembers by which threads it was worked with.
#[derive(Clone, Default)]
struct Watched {
    kept: MemoryLog,
    committed_by: Arc<Mutex<Vec<ThreadId>>>,
    maintained_by: Arc<Mutex<Vec<ThreadId>>>,
    /// Holds who commits, but for the writer, and lets it fail or not.
    callers: Option<(Latch, Result<(), ()>)>,
}

impl Log for Watched {
    fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
        self.kept.start(owner)
    }

    fn commit(&mut self, batch: &[LogEntry], durability: Durability) -> Result<(), LogError> {
        self.committed_by.lock().unwrap().push(thread::current().id());
        let callers = self.callers.as_ref().filter(|_| thread::current().name() != Some("asqav-writer"));
        if let Some((latch, result)) = callers {
            latch.hold();
            let refused = || io::ErrorKind::StorageFull.into();
            result.map_err(|()| LogError::Io { what: "the log".to_owned(), source: refused() })?;
        }
        self.kept.commit(batch, durability)
    }

    fn maintain(&mut self, now: Timestamp) -> Result<(), LogError> {
        self.maintained_by.lock().unwrap().push(thread::current().id());
        self.kept.maintain(now)
    }

    fn close(&mut self, clean: bool) -> Result<(), LogError> {
        self.kept.close(clean)
    }
}

/// A recorder whose log is never due for maintenance, with one signer, and who
/// worked for it.
struct Workers {
    recorder: Recorder,
    log: Watched,
    signed_by: Arc<Mutex<Vec<ThreadId>>>,
}

impl Workers {
    /// All threads have begun, and wait.
    fn start() -> Self {
        Self::start_with(Durability::Durable)
    }

    fn start_with(durability: Durability) -> Self {
        let log = Watched::default();
        let signed_by = Arc::new(Mutex::new(Vec::new()));
        let signing = Arc::clone(&signed_by);
        let signer = FaultySigner::new(quick()).before_each(move || {
            signing.lock().unwrap().push(thread::current().id());
            None
        });
        let (maintenance, signers) = (Duration::from_hours(1), NonZeroUsize::MIN);
        let options = Options { durability, maintenance, signers, ..options() };
        let (recorder, _) = Recorder::start(Box::new(log.clone()), owner(signer), options).unwrap();
        drop(recorder.submit(draft(0)).unwrap());
        recorder.flush().unwrap().wait().unwrap();
        thread::sleep(Duration::from_millis(50));
        Self { recorder, log, signed_by }
    }

    fn submit(&self, draft: Draft) -> Submitted {
        self.recorder.submit(draft).unwrap()
    }

    fn until_committed(&self, receipts: usize) {
        let started = Instant::now();
        while self.log.kept.receipts().len() < receipts {
            assert!(started.elapsed() < Duration::from_secs(60), "nobody signs or commits");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Who signed and who committed the newest receipt.
    fn newest(&self) -> [ThreadId; 2] {
        [&self.signed_by, &self.log.committed_by].map(|by| *by.lock().unwrap().last().unwrap())
    }

    /// How many receipts `thread` signed, and how many groups it committed.
    fn work_of(&self, thread: ThreadId) -> [usize; 2] {
        [&self.signed_by, &self.log.committed_by]
            .map(|by| by.lock().unwrap().iter().filter(|other| **other == thread).count())
    }
}

#[test]
fn whoever_waits_at_once_signs_and_commits() {
    let workers = Workers::start();
    let this = thread::current().id();
    // The writer may still be busy for a while.
    let mut mark = 1;
    while mark == 1 || workers.newest() != [this; 2] {
        workers.submit(awaited(mark)).done.wait().unwrap();
        mark += 1;
        assert!(mark < 100_000, "others sign and commit");
    }
    let before = workers.work_of(this);
    for mark in mark..mark + 100 {
        let receipted = workers.submit(awaited(mark)).done.wait().unwrap();
        assert_eq!(receipted.payload.seq, mark + 1);
    }
    let [signed, committed] = [0, 1].map(|work| workers.work_of(this)[work] - before[work]);
    assert!(signed > 90 && committed > 90, "{signed} signed and {committed} committed");
    assert_whole(&workers.log.kept.receipts());
    let counters = workers.recorder.counters().unwrap();
    assert_eq!((counters.submitted, counters.durable, counters.in_flight), (mark + 100, mark + 100, 0));
}

/// A woken signer may be faster now and then, but not each of 500 times.
#[test]
fn whoever_waits_later_helps_if_nobody_has_begun() {
    let workers = Workers::start();
    for mark in 1..=500 {
        workers.submit(draft(mark)).done.wait().unwrap();
    }
    let [signed, committed] = workers.work_of(thread::current().id());
    assert!(signed > 0 && committed > 0, "{signed} signed and {committed} committed");
}

#[test]
fn nobody_is_told_of_a_receipt_that_is_waited_for_at_once() {
    let workers = Workers::start();
    let submitted = workers.submit(awaited(1));
    thread::sleep(Duration::from_millis(100));
    assert_eq!(workers.signed_by.lock().unwrap().len(), 1, "the first receipt alone is signed");
    // Another one is not alone, so that both are taken.
    workers.submit(awaited(2)).done.wait().unwrap();
    submitted.done.wait().unwrap();
    assert_eq!(workers.work_of(thread::current().id()), [0, 0]);
}

#[test]
fn the_thread_of_a_task_neither_signs_nor_commits() {
    let workers = Workers::start();
    for mark in 1..=100 {
        let mut done = workers.submit(awaited(mark)).done;
        let _: Poll<_> = poll_once(&mut done);
        done.wait().unwrap();
    }
    assert_eq!(workers.work_of(thread::current().id()), [0, 0]);
}

#[test]
fn a_receipt_that_nobody_waits_for_after_all_is_recorded() {
    let workers = Workers::start();
    drop(workers.submit(awaited(1)));
    workers.until_committed(2);
    assert!(!workers.newest().contains(&thread::current().id()));
}

/// The thread that is to sign waits for something else first.
#[test]
fn a_flush_and_a_stop_find_a_receipt_that_nobody_was_told_of() {
    let workers = Workers::start();
    let place = workers.recorder.reserve().unwrap();
    let first = place.submit(awaited(1)).unwrap();
    workers.recorder.flush().unwrap().wait().unwrap();
    let second = place.submit(awaited(2)).unwrap();
    drop(place);
    let stopped = workers.recorder.shutdown(Duration::from_hours(1), last(99)).unwrap().wait();
    assert_eq!(stopped, Ok(Stopped::Clean));
    assert_eq!([first, second].map(|submitted| submitted.done.wait().unwrap().payload.seq), [2, 3]);
    assert!(workers.log.kept.is_sealed());
}

#[test]
fn all_are_told_of_a_receipt_that_is_submitted_while_the_recorder_stops() {
    let workers = Workers::start();
    let place = workers.recorder.reserve().unwrap();
    let stopping = workers.recorder.shutdown(Duration::from_hours(1), last(99)).unwrap();
    let submitted = place.submit(awaited(1)).unwrap();
    drop((place, workers.recorder));
    assert_eq!(stopping.wait(), Ok(Stopped::Clean));
    assert_eq!(submitted.done.wait().unwrap().payload.seq, 2);
}

#[test]
fn all_are_told_of_a_receipt_that_counts_as_recorded_once_it_is_queued() {
    let workers = Workers::start_with(Durability::Queued);
    let submitted = workers.submit(awaited(1));
    workers.until_committed(2);
    drop(submitted);
}

/// Foreign code fails, as a rule in the hands of the caller: that is told as it
/// is by other threads, and the recorder is closed.
#[test]
fn what_fails_while_a_caller_works_closes_the_recorder() {
    for fault in [Fault::Refuse, Fault::Unsynced, Fault::Panic] {
        let log = MemoryLog::new();
        let faulty = FaultyLog::new(log.clone()).at_receipt(5, fault.clone());
        let (recorder, _) = Recorder::start(Box::new(faulty), owner(QuickSigner::new()), options()).unwrap();
        assert!(matches!(until_it_fails(&recorder), (5, Closed::Writing { seq: 5, .. })), "{fault:?}");
        assert!(!log.is_sealed() && !log.is_open(), "it is closed for {fault:?}");
        let signer = FaultySigner::new(quick()).at_signature(5, fault);
        let log = MemoryLog::new();
        let (recorder, _) = Recorder::start(Box::new(log.clone()), owner(signer), options()).unwrap();
        assert!(matches!(until_it_fails(&recorder), (5, Closed::Signing { seq: 5, .. })));
        assert_eq!(log.receipts().len(), 4);
        assert!(!log.is_sealed() && !log.is_open());
    }
}

/// Submits receipts and waits for each at once: gives the first that fails and
/// why, once the recorder has ended.
fn until_it_fails(recorder: &Recorder) -> (u64, Closed) {
    let mut mark = 1;
    let cause = loop {
        match recorder.submit(awaited(mark)).unwrap().done.wait() {
            Ok(receipted) => assert_eq!(receipted.payload.seq, mark),
            Err(cause) => break cause,
        }
        mark += 1;
    };
    let stopped = recorder.shutdown(Duration::from_hours(1), last(99)).unwrap().wait();
    assert_eq!(stopped, Err(cause.clone()));
    (mark, cause)
}

/// What is wrong with the log cannot even be said.
#[test]
fn an_error_that_panics_when_it_is_shown_closes_the_recorder() {
    struct Unspeakable(MemoryLog);

    #[derive(Debug)]
    struct Silent;

    impl fmt::Display for Silent {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("shown")
        }
    }

    impl std::error::Error for Silent {}

    impl Log for Unspeakable {
        fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
            self.0.start(owner)
        }

        fn commit(&mut self, _: &[LogEntry], _: Durability) -> Result<(), LogError> {
            Err(LogError::Io { what: "the log".to_owned(), source: io::Error::other(Silent) })
        }

        fn maintain(&mut self, _: Timestamp) -> Result<(), LogError> {
            Ok(())
        }

        fn close(&mut self, clean: bool) -> Result<(), LogError> {
            self.0.close(clean)
        }
    }

    let log = MemoryLog::new();
    let recorder = start(Unspeakable(log.clone()), QuickSigner::new());
    thread::sleep(Duration::from_millis(50));
    assert!(matches!(until_it_fails(&recorder), (1, Closed::Writing { seq: 1, .. })));
    assert!(!log.is_open());
}

/// Whoever commits by itself is held; the writer is due to maintain the log then.
/// It gets it next, although callers go on as before.
#[test]
fn maintenance_waits_for_a_caller_that_commits_and_for_no_more() {
    let latch = Latch::new();
    let log = Watched { callers: Some((latch.clone(), Ok(()))), ..Watched::default() };
    let maintained_by = Arc::clone(&log.maintained_by);
    let options = Options { maintenance: Duration::from_millis(20), ..options() };
    let (recorder, _) = Recorder::start(Box::new(log), owner(QuickSigner::new()), options).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut mark = 0;
            while !done.load(Ordering::SeqCst) {
                recorder.submit(awaited(mark)).unwrap().done.wait().unwrap();
                mark += 1;
            }
        });
        latch.wait_for_arrival();
        thread::sleep(Duration::from_millis(200));
        let held = maintained_by.lock().unwrap().len();
        latch.open();
        let started = Instant::now();
        while maintained_by.lock().unwrap().len() < held + 3 && started.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(1));
        }
        done.store(true, Ordering::SeqCst);
        assert!(maintained_by.lock().unwrap().len() >= held + 3, "the log is not maintained any more");
    });
}

/// The log is due for maintenance when a caller finds that it fails.
#[test]
fn a_log_that_failed_is_closed_and_not_maintained() {
    let latch = Latch::new();
    let log = Watched { callers: Some((latch.clone(), Err(()))), ..Watched::default() };
    let (kept, maintained_by) = (log.kept.clone(), Arc::clone(&log.maintained_by));
    let options = Options { maintenance: Duration::from_millis(20), ..options() };
    let (recorder, _) = Recorder::start(Box::new(log), owner(QuickSigner::new()), options).unwrap();
    thread::scope(|scope| {
        let caller = scope.spawn(|| until_it_fails(&recorder));
        latch.wait_for_arrival();
        thread::sleep(Duration::from_millis(200));
        let held = maintained_by.lock().unwrap().len();
        latch.open();
        assert!(matches!(caller.join().unwrap(), (_, Closed::Writing { .. })));
        assert_eq!(maintained_by.lock().unwrap().len(), held);
        assert!(!kept.is_open());
    });
}

/// Whether `work` panics where whatever it tells panics.
fn panics<T>(work: impl FnOnce() -> T) -> bool {
    let panics =
        || tracing::subscriber::with_default(Listener(|_: &tracing::Event<'_>| panic!("told")), work);
    catch_unwind(AssertUnwindSafe(panics)).is_err()
}

#[test]
fn a_receipt_is_seen_to_although_its_submission_panics() {
    let workers = Workers::start();
    assert!(panics(|| workers.recorder.submit(awaited(1))));
    workers.until_committed(2);
}

/// Its receipt is in the log, and others hear that the recorder is closed.
#[test]
fn a_caller_that_panics_while_it_commits_closes_the_recorder() {
    let workers = Workers::start();
    let mut mark = 1;
    loop {
        let submitted = workers.submit(awaited(mark));
        if panics(|| submitted.done.wait()) {
            break;
        }
        mark += 1;
        assert!(mark < 100_000, "others commit");
    }
    assert_eq!(workers.recorder.closed(), Some(Closed::Panicked));
    let stopped = workers.recorder.shutdown(Duration::from_hours(1), last(99)).unwrap().wait();
    assert_eq!(stopped, Err(Closed::Panicked));
    assert_eq!(workers.log.kept.receipts().len() as u64, mark + 1);
    assert!(!workers.log.kept.is_open());
}
