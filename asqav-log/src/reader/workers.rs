//! Threads that work while the log is read on.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, available_parallelism};

type Task<'a> = Box<dyn FnOnce() + Send + 'a>;

/// As many threads as there are processors; none is started before there is
/// work.
pub(super) struct Workers<'scope, 'env, 'a> {
    scope: &'scope Scope<'scope, 'env>,
    tasks: Option<Sender<Task<'a>>>,
}

impl<'scope, 'env, 'a: 'scope> Workers<'scope, 'env, 'a> {
    /// Threads of `scope`, once they are needed.
    pub(super) const fn new(scope: &'scope Scope<'scope, 'env>) -> Self {
        Self { scope, tasks: None }
    }

    /// Has `work` done by a thread, in the order given; its result comes out of
    /// the receiver, and nothing does if it panicked.
    pub(super) fn run<T: Send + 'a>(&mut self, work: impl FnOnce() -> T + Send + 'a) -> Receiver<T> {
        let (tell, told) = channel();
        let task = move || {
            if let Ok(result) = catch_unwind(AssertUnwindSafe(work)) {
                // Nobody listens when the log could not be read to its end.
                drop(tell.send(result));
            }
        };
        // A task that no thread takes any more tells nothing.
        drop(self.tasks().send(Box::new(task)));
        told
    }

    /// Whether there was work so far.
    pub(super) const fn are_started(&self) -> bool {
        self.tasks.is_some()
    }

    fn tasks(&mut self) -> &Sender<Task<'a>> {
        let scope = self.scope;
        self.tasks.get_or_insert_with(|| {
            let (send, receive) = channel();
            let receive = Arc::new(Mutex::new(receive));
            for _ in 0..available_parallelism().map_or(1, NonZeroUsize::get) {
                let receive = Arc::clone(&receive);
                scope.spawn(move || work(&receive));
            }
            send
        })
    }
}

/// Does tasks until there will be none.
fn work(tasks: &Mutex<Receiver<Task<'_>>>) {
    loop {
        let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = task else { return };
        task();
    }
}
