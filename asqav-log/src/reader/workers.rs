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
        self.tasks().put(task, |tasks, task| tasks.waiting.push_back(task));
        told
    }

    /// The same, before what [`run`](Self::run) was asked for: of what is read
    /// ahead none is awaited at the end of a segment, these all are.
    pub(super) fn run_first<T: Send + 'a>(&mut self, work: impl FnOnce() -> T + Send + 'a) -> Receiver<T> {
        let (task, told) = task(work);
        self.tasks().put(task, |tasks, task| tasks.first.push_back(task));
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
    /// What is done before all that waits.
    first: VecDeque<Task<'a>>,
    waiting: VecDeque<Task<'a>>,
    /// There will be no more.
    ended: bool,
}

impl<'a> Tasks<'a> {
    fn next(&mut self) -> Option<Task<'a>> {
        self.first.pop_front().or_else(|| self.waiting.pop_front())
    }

    fn is_empty(&self) -> bool {
        self.first.is_empty() && self.waiting.is_empty()
    }
}

impl<'a> Feed<'a> {
    fn put(&self, task: Task<'a>, put: fn(&mut Tasks<'a>, Task<'a>)) {
        put(&mut self.0.lock(), task);
        self.0.changed.notify_one();
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.changed.notify_all();
    }
}

impl<'a> Queue<'a> {
    fn lock(&self) -> MutexGuard<'_, Tasks<'a>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does tasks until there will be none.
    fn work(&self) {
        loop {
            let idle = |tasks: &mut Tasks<'_>| tasks.is_empty() && !tasks.ended;
            let mut tasks =
                self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            let Some(task) = tasks.next() else { return };
            drop(tasks);
            task();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn what_is_awaited_comes_before_what_is_read_ahead() {
        let order = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let mut workers = Workers::new(scope);
            let threads = available_parallelism().map_or(1, NonZeroUsize::get);
            let (busy, begun) = sync_channel(threads);
            let held: Vec<_> = (0..threads)
                .map(|_| {
                    let (let_go, held) = channel::<()>();
                    let busy = busy.clone();
                    let told = workers.run(move || {
                        busy.send(()).unwrap();
                        held.recv().unwrap_err();
                    });
                    (let_go, told)
                })
                .collect();
            held.iter().for_each(|_| begun.recv().unwrap());
            // Every thread is held; then one of them does all of this.
            let note = |name| {
                let order = &order;
                move || order.lock().unwrap().push(name)
            };
            let read = [workers.run(note("read 1")), workers.run(note("read 2"))];
            let checked = [workers.run_first(note("check 1")), workers.run_first(note("check 2"))];
            let mut held = held.into_iter();
            drop(held.next());
            for told in read.into_iter().chain(checked) {
                told.recv().unwrap();
            }
            // The threads end with the scope, once this is dropped.
            drop((held, workers));
        });
        assert_eq!(order.into_inner().unwrap(), ["check 1", "check 2", "read 1", "read 2"]);
    }
}
