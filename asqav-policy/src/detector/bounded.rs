//! Runs a detector that is not the engine's for so long and no longer.
//!
//! Nothing can stop a thread of foreign code. So such a detector runs on a
//! thread of its own, and who waits for it gives up when its time is over; the
//! thread is then left behind. With too many left behind, the detector is not
//! asked again until one of them has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU8, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use super::{Detect, DetectError};
use crate::facts::Why;

/// How long a detector may take over one value, if nothing else is said.
pub(super) const DEFAULT_LIMIT: Duration = Duration::from_secs(1);

/// Threads of one detector that are left behind at most.
const MAX_LEFT_BEHIND: isize = 16;

/// Of one run: at work, done, given up.
const AT_WORK: u8 = 0;
const DONE: u8 = 1;
const GIVEN_UP: u8 = 2;

/// How many threads of one detector were left behind and have not ended.
#[derive(Debug, Clone, Default)]
pub(super) struct LeftBehind(Arc<AtomicIsize>);

/// Whether `detect` finds something in one of `texts`, if it says so in time.
pub(super) fn finds(
    detect: &Arc<dyn Detect>,
    texts: &Arc<[String]>,
    limit: Duration,
    left_behind: &LeftBehind,
) -> Result<bool, Why> {
    if left_behind.0.load(Ordering::SeqCst) >= MAX_LEFT_BEHIND {
        return Err(Why::DetectorTimeout);
    }
    let (sender, receiver) = sync_channel(1);
    let run = Arc::new(AtomicU8::new(AT_WORK));
    let (detect, texts, its_run) = (Arc::clone(detect), Arc::clone(texts), Arc::clone(&run));
    let its_count = left_behind.clone();
    let work = move || {
        let _ended = Ended { run: its_run, left_behind: its_count };
        // Nobody may wait any more.
        drop(sender.send(find(&*detect, &texts)));
    };
    let started = thread::Builder::new().name("asqav-detector".to_owned()).spawn(work);
    if started.is_err() {
        return Err(Why::Detector);
    }
    match receiver.recv_timeout(limit) {
        Ok(found) => found.map_err(|_| Why::Detector),
        // It panicked.
        Err(RecvTimeoutError::Disconnected) => Err(Why::Detector),
        Err(RecvTimeoutError::Timeout) => {
            let given_up = run.compare_exchange(AT_WORK, GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst);
            if given_up.is_ok() {
                left_behind.0.fetch_add(1, Ordering::SeqCst);
            }
            Err(Why::DetectorTimeout)
        }
    }
}

/// What is found outweighs what cannot be said.
fn find(detect: &dyn Detect, texts: &[String]) -> Result<bool, DetectError> {
    let mut failed = None;
    for text in texts {
        match detect.finds(text) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(false), Err)
}

/// Says that a run is over, however it ends.
struct Ended {
    run: Arc<AtomicU8>,
    left_behind: LeftBehind,
}

impl Drop for Ended {
    fn drop(&mut self) {
        if self.run.swap(DONE, Ordering::SeqCst) == GIVEN_UP {
            self.left_behind.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
