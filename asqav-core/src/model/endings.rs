//! How a recorder ends, whatever its callers are doing.

use super::*;

/// Nobody waits, handles are dropped at any moment: what was submitted is in
/// the log all the same.
#[test]
fn cancelled_callers_take_nothing_back() {
    model(|| {
        let log = MemoryLog::new();
        let recorder = start(log.clone(), QuickSigner::new(), 8);
        let callers: Vec<_> = (0..3)
            .map(|caller| {
                let recorder = recorder.clone();
                thread::spawn(move || {
                    let place = recorder.reserve().unwrap();
                    let one = place.submit(draft(caller * 2)).unwrap();
                    drop(one.done);
                    let two = place.submit(draft(caller * 2 + 1)).unwrap();
                    drop(recorder);
                    drop((place, two.done));
                })
            })
            .collect();
        drop(recorder);
        for caller in callers {
            caller.join().unwrap();
        }
        assert_eq!(log.receipts().len(), 6);
        assert_whole(&log.receipts());
        assert!(!log.is_sealed() && !log.is_open(), "closed, but not cleanly");
    });
}

/// At the deadline a call is still open: no last receipt, no seal, and its
/// outcome is refused.
#[test]
fn a_stop_that_finds_calls_open() {
    model(|| {
        let log = MemoryLog::new();
        let recorder = start(log.clone(), QuickSigner::new(), 8);
        let place = recorder.reserve().unwrap();
        let queued = place.submit(draft(1)).unwrap();
        let stopped = recorder.shutdown(Duration::ZERO, last(99)).unwrap().wait();
        assert_eq!(stopped, Ok(Stopped::Unclean { open: 1 }));
        queued.done.wait().unwrap();
        assert_eq!(place.submit(draft(2)).unwrap_err(), Refused::Closed { cause: Closed::Shutdown });
        assert_eq!(log.receipts().len(), 1);
        assert!(!log.is_sealed() && !log.is_open());
    });
}

/// Two stops at once and a flush: one end, and everybody hears of it.
#[test]
fn stops_and_flushes_race() {
    model(|| {
        let log = MemoryLog::new();
        let recorder = start(log.clone(), QuickSigner::new(), 8);
        recorder.submit(draft(1)).unwrap();
        let others: Vec<_> = (0..2)
            .map(|other| {
                let recorder = recorder.clone();
                thread::spawn(move || {
                    recorder.flush().unwrap().wait().unwrap();
                    recorder.shutdown(Duration::from_secs(3_600), last(90 + other)).unwrap().wait()
                })
            })
            .collect();
        for other in others {
            assert_eq!(other.join().unwrap(), Ok(Stopped::Clean));
        }
        assert_eq!(recorder.shutdown(Duration::ZERO, last(99)).unwrap().wait(), Ok(Stopped::Clean));
        assert_eq!(log.receipts().len(), 2, "one last receipt");
    });
}

/// The last handle is dropped while callers wait, sign and commit by themselves:
/// who submitted is answered, and the log is let go.
#[test]
fn the_last_handle_is_dropped_while_callers_wait() {
    model(|| {
        let log = MemoryLog::new();
        let recorder = start(log.clone(), QuickSigner::new(), 8);
        let places: Vec<_> = (0..2).map(|_| recorder.reserve().unwrap()).collect();
        let callers: Vec<_> = (0..)
            .zip(places)
            .map(|(caller, place)| {
                thread::spawn(move || match place.submit(draft(caller)) {
                    Ok(submitted) => {
                        submitted.done.wait().unwrap();
                        1
                    }
                    Err(refused) => {
                        assert_eq!(refused, Refused::Closed { cause: Closed::Shutdown });
                        0
                    }
                })
            })
            .collect();
        drop(recorder);
        assert!(!log.is_open() && !log.is_sealed(), "its threads have ended");
        let submitted: usize = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
        assert_eq!(log.receipts().len(), submitted);
        assert_whole(&log.receipts());
    });
}

/// Places come back with the receipts of callers that wait: a stop hears of the
/// last one, whoever commits it.
#[test]
fn a_stop_waits_for_callers_that_gave_their_places_back() {
    model(|| {
        let log = MemoryLog::new();
        let recorder = start(log.clone(), QuickSigner::new(), 8);
        let callers: Vec<_> = (0..2)
            .map(|caller| {
                let place = recorder.reserve().unwrap();
                thread::spawn(move || {
                    let submitted = place.submit(draft(caller)).unwrap();
                    drop(place);
                    submitted.done.wait().unwrap();
                })
            })
            .collect();
        let stopped = recorder.shutdown(Duration::from_secs(3_600), last(99)).unwrap().wait();
        assert_eq!(stopped, Ok(Stopped::Clean));
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        assert_eq!(log.receipts().len(), 3);
        assert!(log.is_sealed());
    });
}

/// The thread that was to sign a receipt stops the recorder first, and drops its
/// last handle.
#[test]
fn who_waits_for_a_receipt_ends_the_recorder_before() {
    model(|| {
        let log = MemoryLog::new();
        let recorder = start(log.clone(), QuickSigner::new(), 8);
        let other = thread_rng().gen_bool(0.5).then(|| {
            let place = recorder.reserve().unwrap();
            thread::spawn(move || drop(place.submit(draft(2)).map(|submitted| submitted.done.wait())))
        });
        let place = recorder.reserve().unwrap();
        let submitted = place.submit(draft(1)).unwrap();
        drop(place);
        if thread_rng().gen_bool(0.5) {
            drop(recorder.shutdown(Duration::from_secs(3_600), last(99)).unwrap());
        }
        drop(recorder);
        assert!(!log.is_open());
        submitted.done.wait().unwrap();
        if let Some(other) = other {
            other.join().unwrap();
        }
        assert_whole(&log.receipts());
    });
}
