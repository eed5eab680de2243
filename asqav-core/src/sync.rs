//! The locks and threads that the recorder is built on, in one place so that
//! the model tests can build the same sources on shuttle's.

use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

pub(crate) use std::sync::atomic;
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use std::thread;

/// Takes the lock, also after a panic.
///
/// INVARIANT: whoever changes what a lock guards does everything that can
/// panic before the first change, so that a poisoned lock guards a whole value.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the lock as [`lock`] does, and rather tries again than sleeps: a sleep
/// and a wake-up take longer than this is held, and the standard library's lock
/// tries no more while anybody sleeps for it.
pub(crate) fn lock_soon<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    for pauses in (0..TRIES).map(|tried| 1 << tried) {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => (0..pauses).for_each(|_| std::hint::spin_loop()),
        }
    }
    lock(mutex)
}

/// Each after twice as long a time, so that many threads do not keep who holds
/// the lock from it: some ten microseconds in all.
const TRIES: u32 = 8;

/// Waits for a notification.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a notification, at most for `timeout`.
pub(crate) fn wait_timeout<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
) -> MutexGuard<'a, T> {
    condvar.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lock_that_is_held_for_long_is_waited_for() {
        let mutex = Arc::new(Mutex::new(1));
        let mut held = lock(&mutex);
        let waiting = thread::spawn({
            let mutex = Arc::clone(&mutex);
            move || *lock_soon(&mutex)
        });
        thread::sleep(Duration::from_millis(50));
        *held = 2;
        drop(held);
        assert_eq!(waiting.join().unwrap(), 2);
    }

    #[test]
    fn a_lock_is_taken_after_a_panic() {
        let mutex = Arc::new(Mutex::new(1));
        let poisons = Arc::clone(&mutex);
        let panicked = thread::spawn(move || {
            let _guard = poisons.lock();
            panic!("while it is held");
        });
        panicked.join().unwrap_err();
        assert!(mutex.is_poisoned());
        assert_eq!(*lock_soon(&mutex), 1);
    }
}
