//! Threads that work while the log is read on.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Scope, available_parallelism};

type Task<'a> = Box<dyn FnOnce() + Send + 'a>;

/// As many threads as there are processors; none is started before there is
/// work.
pub(super) struct Workers<'scope, 'env, 'a> {
    scope: &'scope Scope<'scope, 'env>,
    tasks: Option<Feed<'a>>,
}

impl<'scope, 'env, 'a: 'scope> Workers<'scope, 'env, 'a> {
    /// Threads of `scope`, once they are needed.
    pub(super) const fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Self { scope, tasks: None }
    }

    /// Has `work` done by a thread, in the order given; its result comes out of
    /// the receiver, and nothing does if it panicked.
    pub(super) fn run<T: Send + 'a>(&mut self, work: impl FnOnce() -> T + Send + 'a) -> Receiver<T> {
        let (task, told) = task(work);
        self.tasks().lock().waiting.push_back(task);
        self.tasks().0.changed.notify_one();
        told
    }

    /// The same, before all that no thread has begun: somebody will wait for it.
    pub(super) fn run_first<T: Send + 'a>(&mut self, work: impl FnOnce() -> T + Send + 'a) -> Receiver<T> {
        let (task, told) = task(work);
        self.tasks().lock().waiting.push_front(task);
        self.tasks().0.changed.notify_one();
        told
    }

    /// Whether there was work so far.
    pub(super) const fn are_started(&self) -> bool {
        self.tasks.is_some()
    }

    fn tasks(&mut self) -> &Feed<'a> {
        let scope = self.scope;
        self.tasks.get_or_insert_with(|| {
            let feed = Feed::default();
            for _ in 0..available_parallelism().map_or(1, NonZeroUsize::get) {
                let queue = Arc::clone(&feed.0);
                scope.spawn(move || queue.work());
            }
            feed
        })
    }
}

/// `work` for a thread, and what it gives.
fn task<'a, T: Send + 'a>(work: impl FnOnce() -> T + Send + 'a) -> (Task<'a>, Receiver<T>) {
    let (tell, told) = channel();
    let task = move || {
        if let Ok(result) = catch_unwind(AssertUnwindSafe(work)) {
            // Nobody listens when the log could not be read to its end.
            drop(tell.send(result));
        }
    };
    (Box::new(task), told)
}

/// Where tasks are put; the threads end when this is dropped, once they have
/// done them.
#[derive(Default)]
struct Feed<'a>(Arc<Queue<'a>>);

#[derive(Default)]
struct Queue<'a> {
    tasks: Mutex<Tasks<'a>>,
    changed: Condvar,
}

#[derive(Default)]
struct Tasks<'a> {
    waiting: VecDeque<Task<'a>>,
    /// There will be no more.
    ended: bool,
}

impl<'a> Feed<'a> {
    fn lock(&self) -> MutexGuard<'_, Tasks<'a>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        self.lock().ended = true;
        self.0.changed.notify_all();
    }
}

impl Queue<'_> {
    /// Does tasks until there will be none.
    fn work(&self) {
        loop {
            let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            let idle = |tasks: &mut Tasks<'_>| tasks.waiting.is_empty() && !tasks.ended;
            let mut tasks = self.changed.wait_while(tasks, idle).unwrap_or_else(PoisonError::into_inner);
            let Some(task) = tasks.waiting.pop_front() else { return };
            drop(tasks);
            task();
        }
    }
}
