//! One thread a sink, and what became of its deliveries.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use asqav_receipt::checkpoint::SignedCheckpoint;

use super::CheckpointSink;

/// The first pause after a failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How many checkpoints wait for one sink; then the oldest is given up.
const MAX_WAITING: usize = 64;

/// What became of the checkpoints of a log, sink by sink; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Deliveries {
    boxes: Arc<Mutex<Vec<Arc<Mailbox>>>>,
}

/// What became of the checkpoints for one sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkCounts {
    /// [`CheckpointSink::name`].
    pub name: String,
    /// Checkpoints that it kept.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Checkpoints that were given up: too many waited, or the log was closed.
    pub given_up: u64,
    /// Checkpoints that wait.
    pub waiting: u64,
    /// The size of the newest one that it kept.
    pub newest_size: Option<u64>,
    /// The last error, if it came after the last success.
    pub error: Option<String>,
}

impl Deliveries {
    /// The sinks in the order in which they were added.
    #[must_use]
    pub fn counts(&self) -> Vec<SinkCounts> {
        let boxes = lock(&self.boxes);
        boxes.iter().map(|sink| lock(&sink.state).counts.clone()).collect()
    }
}

/// Brings checkpoints to sinks, each on a thread of its own.
#[derive(Default)]
pub(crate) struct Couriers {
    sinks: Vec<Box<dyn CheckpointSink>>,
    deliveries: Deliveries,
}

#[derive(Debug, Default)]
struct Mailbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<SignedCheckpoint>>,
    counts: SinkCounts,
    /// No checkpoint follows; what waits is tried once more until then.
    closing: Option<Instant>,
    /// The thread has ended.
    ended: bool,
}

impl Couriers {
    pub(crate) fn add(&mut self, sink: Box<dyn CheckpointSink>) {
        self.sinks.push(sink);
    }

    pub(crate) fn deliveries(&self) -> Deliveries {
        self.deliveries.clone()
    }

    /// The couriers, ready to start; [`deliveries`](Self::deliveries) stays.
    pub(crate) fn take(&mut self) -> Self {
        Self { sinks: std::mem::take(&mut self.sinks), deliveries: self.deliveries.clone() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sinks.is_empty() && lock(&self.deliveries.boxes).is_empty()
    }

    /// Starts the threads.
    pub(crate) fn start(&mut self) -> std::io::Result<()> {
        for sink in self.sinks.drain(..) {
            let mailbox = Arc::new(Mailbox::default());
            lock(&mailbox.state).counts.name = sink.name();
            lock(&self.deliveries.boxes).push(mailbox.clone());
            thread::Builder::new().name("asqav-checkpoint".to_owned()).spawn(move || mailbox.serve(sink))?;
        }
        Ok(())
    }

    /// Hands a checkpoint to every sink's thread. Never waits for one.
    pub(crate) fn send(&self, checkpoint: SignedCheckpoint) {
        let checkpoint = Arc::new(checkpoint);
        for sink in lock(&self.deliveries.boxes).iter() {
            let mut state = lock(&sink.state);
            if state.ended {
                state.counts.given_up += 1;
                continue;
            }
            if state.waiting.len() == MAX_WAITING {
                state.waiting.pop_front();
                state.counts.given_up += 1;
            }
            state.waiting.push_back(checkpoint.clone());
            state.count_waiting();
            sink.changed.notify_all();
        }
    }

    /// Gives what waits until `deadline`, then goes on without it.
    pub(crate) fn close(&self, deadline: Instant) {
        let boxes = lock(&self.deliveries.boxes).clone();
        for sink in &boxes {
            lock(&sink.state).closing = Some(deadline);
            sink.changed.notify_all();
        }
        for sink in &boxes {
            let mut state = lock(&sink.state);
            while !state.ended && Instant::now() < deadline {
                state = sink.wait(state, Some(deadline.saturating_duration_since(Instant::now())));
            }
        }
    }
}

impl Mailbox {
    /// Delivers until the log is closed.
    fn serve(&self, mut sink: Box<dyn CheckpointSink>) {
        // Also if the sink panics.
        let _ended = Ended(self);
        let mut pause = FIRST_PAUSE;
        while let Some(checkpoint) = self.next() {
            let size = checkpoint.checkpoint.size;
            let done = sink.deliver(&checkpoint);
            let mut state = lock(&self.state);
            match done {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    state.waiting.retain(|waiting| !Arc::ptr_eq(waiting, &checkpoint));
                    state.counts.delivered += 1;
                    state.counts.newest_size = state.counts.newest_size.max(Some(size));
                    state.counts.error = None;
                    state.count_waiting();
                }
                Err(error) => {
                    tracing::warn!(target: "asqav::log", sink = %state.counts.name, size, %error, "a checkpoint was not kept");
                    state.counts.failed += 1;
                    state.counts.error = Some(error.to_string());
                    if state.closing.is_some() {
                        return;
                    }
                    drop(self.pause(state, pause));
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// The oldest checkpoint that waits; `None` after the last.
    fn next(&self) -> Option<Arc<SignedCheckpoint>> {
        let mut state = lock(&self.state);
        loop {
            let late = state.closing.is_some_and(|deadline| Instant::now() >= deadline);
            match state.waiting.front() {
                Some(first) if !late => return Some(first.clone()),
                _ if state.closing.is_some() => return None,
                _ => state = self.wait(state, None),
            }
        }
    }

    /// Waits `pause` after a failure, or until the log is closed.
    fn pause<'a>(&'a self, mut state: MutexGuard<'a, State>, pause: Duration) -> MutexGuard<'a, State> {
        let until = Instant::now() + pause;
        while state.closing.is_none() && Instant::now() < until {
            state = self.wait(state, Some(until.saturating_duration_since(Instant::now())));
        }
        state
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>, timeout: Option<Duration>) -> MutexGuard<'a, State> {
        match timeout {
            Some(timeout) => {
                let waited = self.changed.wait_timeout(state, timeout);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl State {
    fn count_waiting(&mut self) {
        self.counts.waiting = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
    }
}

/// Says that the thread has ended, however it did.
struct Ended<'a>(&'a Mailbox);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.counts.given_up += u64::try_from(state.waiting.len()).unwrap_or(u64::MAX);
        state.waiting.clear();
        state.count_waiting();
        state.ended = true;
        self.0.changed.notify_all();
    }
}

/// A counter is worth reading after a panic, too.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
