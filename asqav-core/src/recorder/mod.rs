//! The recorder: gives receipts their order, has them signed, hands them to
//! the log, and answers for them.
//!
//! ```text
//! submit ─ one lock ─> chain ──> signer threads ──> writer thread ──> Completion
//!          seq, links,     │     off the lock,      one group,
//!          time, queue     │     in parallel        in order
//!                          └ if journaled ────────> writer thread ──> Acknowledged
//! ```
//!
//! A receipt that is *alone* in the queue takes a shorter way. Who submits it
//! gets a *claim* on it with its completion: a thread that blocks signs the
//! receipt, and commits it while the writer is idle. If that thread waits at once
//! (`Draft::awaited_if`), signers are not even *told* of the receipt, until the
//! claim is dropped or somebody else waits for what is queued. The log stands
//! behind the lock while nobody works with it.
//!
//! Read `chain.rs` for the order, `state.rs` and `closing.rs` for start and end,
//! `shared.rs` and `work.rs` for who waits on what. From `submit` on, the
//! recorder owns the receipt; no cancelled caller takes it back. A receipt that
//! cannot be signed or written is set aside with everything behind it, and the
//! recorder closes: the log never has a hole. What of that is in the log's
//! journal is signed at the next start.

mod chain;
mod closing;
mod debris;
mod draft;
mod options;
mod place;
mod shared;
mod signing;
mod state;
mod stop;
mod work;
mod writing;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::completion::Completion;
use super::sync::thread::{self, JoinHandle};
use super::sync::{Mutex, lock};
use crate::log::{Log, LogError, LogOwner, LogStart};
use crate::refused::{Closed, Refused};

pub(crate) use draft::{Draft, Submitted};
pub(crate) use options::Options;
pub(crate) use place::Place;
use shared::Shared;
pub(crate) use stop::{Last, Stopped};

/// A handle on a running recorder; cheap to clone.
///
/// When the last handle is dropped, what was submitted is written, the log is
/// closed without a clean stop, and the threads end.
#[derive(Clone)]
pub(crate) struct Recorder {
    shared: Arc<Shared>,
    threads: Arc<Threads>,
}

impl Recorder {
    /// Opens `log` for `owner` and starts the threads.
    ///
    /// # Errors
    /// What [`Log::start`] says; [`LogError::Io`] when no thread can be started.
    pub(crate) fn start(
        mut log: Box<dyn Log>,
        owner: LogOwner,
        options: Options,
    ) -> Result<(Self, LogStart), LogError> {
        let start = log.start(&owner)?;
        let LogOwner { signer, clock, .. } = owner;
        let shared = Arc::new(Shared::new(log, start.head, clock, signer, options));
        let threads = Arc::new(Threads { shared: Arc::clone(&shared), running: Mutex::new(Vec::new()) });
        let recorder = Self { shared, threads };
        // Whatever fails from here on, dropping `recorder` ends what runs.
        let shared = Arc::clone(&recorder.shared);
        recorder.spawn("asqav-writer", move || writing::run(&shared))?;
        for _ in 0..options.signer_threads() {
            let shared = Arc::clone(&recorder.shared);
            recorder.spawn("asqav-signer", move || signing::run(&shared))?;
        }
        Ok((recorder, start))
    }

    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), LogError> {
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|source| LogError::Io { what: format!("starting the thread {name}"), source })?;
        lock(&self.threads.running).push(thread);
        Ok(())
    }

    /// One in-flight place, for a call or for receipts outside a call. Never
    /// waits.
    ///
    /// # Errors
    /// [`Refused::Overloaded`] when all places are out, [`Refused::Closed`].
    pub(crate) fn reserve(&self) -> Result<Place, Refused> {
        self.shared.reserve()
    }

    /// Submits a receipt that occupies a place until it is released.
    #[cfg(test)]
    pub(crate) fn submit(&self, draft: Draft) -> Result<Submitted, Refused> {
        self.reserve()?.submit(draft)
    }

    /// Resolves when everything submitted so far is durable; fails if something
    /// of it was lost.
    ///
    /// # Errors
    /// [`Closed::Forked`] in a forked child.
    pub(crate) fn flush(&self) -> Result<Completion<()>, Closed> {
        self.shared.flush()
    }

    /// Stops admitting, waits up to `timeout` until every place is back, then
    /// writes what `last` gives and seals the log. With places still out at
    /// the deadline nothing of that is written and the log is left unclean.
    ///
    /// Called again, it waits for the same end; the later `timeout` and `last`
    /// are not used.
    ///
    /// # Errors
    /// [`Closed::Forked`] in a forked child. The completion fails with what
    /// closed the recorder, if that was not a shutdown.
    pub(crate) fn shutdown(&self, timeout: Duration, last: Last) -> Result<Completion<Stopped>, Closed> {
        self.shared.stop(timeout, last)
    }

    /// Closes for `cause`: admits nothing more, writes what was submitted, and
    /// leaves the log unclean.
    pub(crate) fn close(&self, cause: Closed) {
        self.shared.close(cause);
    }

    /// What closed the recorder, if anything did.
    pub(crate) fn closed(&self) -> Option<Closed> {
        self.shared.closed()
    }

    /// Figures for operators.
    ///
    /// # Errors
    /// [`Closed::Forked`] in a forked child.
    pub(crate) fn counters(&self) -> Result<Counters, Closed> {
        self.shared.counters()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

/// What a recorder has done and is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The sequence number of the newest receipt.
    pub(crate) submitted: u64,
    /// The sequence number of the newest durable receipt; the difference is
    /// the depth of the queue.
    pub(crate) durable: u64,
    /// Places that are out.
    pub(crate) in_flight: usize,
    /// What closed the recorder.
    pub(crate) closed: Option<Closed>,
}

/// The threads of a recorder; they end when this is dropped.
struct Threads {
    shared: Arc<Shared>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        if !self.shared.process.is_current() {
            return;
        }
        self.shared.abandon();
        let running = std::mem::take(&mut *lock(&self.running));
        // A waker may drop the last handle on the writer's own thread.
        let this = thread::current().id();
        if running.iter().any(|thread| thread.thread().id() == this) {
            return;
        }
        for thread in running {
            // Its panic was caught and closed the recorder; there is no more to say.
            if thread.join().is_err() {
                tracing::error!(target: "asqav::recorder", "a thread of the recorder panicked");
            }
        }
    }
}

/// Runs foreign code; its panic becomes its error, and so does that of its error.
fn caught<T, E: fmt::Display>(who: &str, body: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(|| body().map_err(|error| error.to_string()))).unwrap_or_else(|panic| {
        // Foreign code as well, whose drop may panic in its turn.
        std::mem::forget(panic);
        Err(format!("{who} panicked"))
    })
}

/// Runs `last_words` if the thread unwinds before it ended well.
struct Dying<F: FnMut()>(F, bool);

impl<F: FnMut()> Dying<F> {
    const fn new(last_words: F) -> Self {
        Self(last_words, true)
    }

    fn averted(mut self) {
        self.1 = false;
    }
}

impl<F: FnMut()> Drop for Dying<F> {
    fn drop(&mut self) {
        if self.1 {
            (self.0)();
        }
    }
}
