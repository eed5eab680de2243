//! One thread that wakes futures when their time is over: no runtime's timer,
//! so that a timeout works in each of them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// Wakes futures. The thread starts with the first alarm and ends when the
/// timer is dropped.
#[derive(Default)]
pub(crate) struct Timer {
    shared: OnceLock<Option<Arc<Shared>>>,
}

#[derive(Default)]
struct Shared {
    alarms: Mutex<Alarms>,
    changed: Condvar,
}

#[derive(Default)]
struct Alarms {
    pending: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    ended: bool,
}

/// One future's time limit; dropped, it wakes nobody.
pub(crate) struct Alarm {
    shared: Option<Arc<Shared>>,
    key: (Instant, u64),
}

impl Timer {
    /// An alarm that is due `after` from now.
    ///
    /// Where no thread can be started, nobody is woken; the alarm is still due
    /// whenever it is asked.
    pub(crate) fn alarm(&self, after: Duration) -> Alarm {
        let now = Instant::now();
        let due = now.checked_add(after).unwrap_or_else(|| now + Duration::from_secs(1 << 32));
        let shared = self.shared.get_or_init(start).clone();
        let number = shared.as_ref().map_or(0, |shared| {
            let mut alarms = shared.lock();
            alarms.next += 1;
            alarms.next
        });
        Alarm { shared, key: (due, number) }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(Some(shared)) = self.shared.get() {
            shared.lock().ended = true;
            shared.changed.notify_one();
        }
    }
}

impl Alarm {
    /// Whether the time is over; if not, `context`'s task is woken then.
    pub(crate) fn is_due(&self, context: &Context<'_>) -> bool {
        if Instant::now() >= self.key.0 {
            return true;
        }
        if let Some(shared) = &self.shared {
            // Wakers are foreign code: cloned and dropped outside the lock.
            let waker = context.waker().clone();
            let replaced = shared.lock().pending.insert(self.key, waker);
            if replaced.is_none() {
                shared.changed.notify_one();
            }
        }
        false
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            let waker = shared.lock().pending.remove(&self.key);
            drop(waker);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes what is due until the timer ends.
    fn run(&self) {
        let mut alarms = self.lock();
        while !alarms.ended {
            let now = Instant::now();
            let Some((&(due, _), _)) = alarms.pending.first_key_value() else {
                alarms = self.changed.wait(alarms).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if due > now {
                let waited = self.changed.wait_timeout(alarms, due - now);
                alarms = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let due = alarms.pending.pop_first();
            drop(alarms);
            if let Some((_, waker)) = due {
                wake(waker);
            }
            alarms = self.lock();
        }
    }
}

/// Wakes a task; a panic in foreign code does not end the timer.
fn wake(waker: Waker) {
    if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
        tracing::error!(target: "asqav::gate", "a waker panicked");
    }
}

fn start() -> Option<Arc<Shared>> {
    let shared = Arc::new(Shared::default());
    let timer = Arc::clone(&shared);
    match std::thread::Builder::new().name("asqav-timer".to_owned()).spawn(move || timer.run()) {
        Ok(_) => Some(shared),
        Err(error) => {
            tracing::error!(target: "asqav::gate", %error, "no thread for timeouts");
            None
        }
    }
}
