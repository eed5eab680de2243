//! Where answers arrive, and how a call waits for them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::Acknowledgment;
use crate::permit::timer::Alarm;

/// So many answers wait to be counted at most; others are lost.
const MAX_WAITING: usize = 64;

/// Takes the answers to one request. Clones are handles on the same place;
/// when the last one is dropped, nobody is left to answer.
#[derive(Clone)]
pub struct Votes(Arc<Handle>);

struct Handle(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Acknowledgment>,
    /// Every handle is dropped.
    ended: bool,
    /// Nobody waits any more.
    closed: bool,
    waker: Option<Waker>,
}

impl Votes {
    /// Hands in an answer. Whether it is good is seen when it is counted.
    pub fn cast(&self, answer: Acknowledgment) {
        self.0.0.change(|state| {
            if !state.closed && state.waiting.len() < MAX_WAITING {
                state.waiting.push_back(answer);
            }
        });
    }

    /// Whether the call still waits.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.0.0.lock().closed
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.change(|state| state.ended = true);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        self.changed.notify_all();
        // Foreign code: woken outside the lock.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// What a waiting call hears.
#[derive(Debug)]
pub(crate) enum News {
    Answer(Acknowledgment),
    /// Nobody is left to answer.
    Ended,
    /// The time is over.
    Expired,
}

/// A call's end of the votes; dropped, they are closed.
pub(crate) struct Awaiting {
    shared: Arc<Shared>,
    alarm: Alarm,
    until: Instant,
}

impl Awaiting {
    /// The call's end and what the approver gets.
    pub(crate) fn new(alarm: Alarm, within: Duration) -> (Self, Votes) {
        let shared = Arc::new(Shared::default());
        let now = Instant::now();
        let until = now.checked_add(within).unwrap_or_else(|| now + Duration::from_secs(1 << 32));
        (Self { shared: Arc::clone(&shared), alarm, until }, Votes(Arc::new(Handle(shared))))
    }

    pub(crate) fn poll(&self, context: &Context<'_>) -> Poll<News> {
        let waker = context.waker().clone();
        let mut state = self.shared.lock();
        if let Some(news) = state.news() {
            return Poll::Ready(news);
        }
        let replaced = state.waker.replace(waker);
        drop(state);
        drop(replaced);
        if self.alarm.is_due(context) { Poll::Ready(News::Expired) } else { Poll::Pending }
    }

    /// Blocks the calling thread.
    pub(crate) fn wait(&self) -> News {
        let mut state = self.shared.lock();
        loop {
            if let Some(news) = state.news() {
                return news;
            }
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return News::Expired;
            }
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl State {
    fn news(&mut self) -> Option<News> {
        let answer = self.waiting.pop_front().map(News::Answer);
        answer.or_else(|| self.ended.then_some(News::Ended))
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let waker = state.waker.take();
        drop(state);
        drop(waker);
    }
}

impl fmt::Debug for Votes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Votes").field("open", &self.is_open()).finish()
    }
}
