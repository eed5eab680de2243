//! What a caller waits on until its receipt is durable.
//!
//! A [`Completion`] is a future and has [`wait`](Completion::wait), so that
//! async and sync tools use the same recorder. It belongs to no runtime and
//! never blocks one. Dropping it cancels nothing: the recorder owns the receipt.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use asqav_receipt::payload::Payload;
use asqav_receipt::receipt::ReceiptSignature;

use super::process::Process;
use super::sync::{Condvar, Mutex, lock, wait};
use crate::refused::Closed;

/// A receipt that meets the log's durability, as do all before it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Receipted {
    /// The payload.
    pub payload: Arc<Payload>,
    /// Its canonical bytes.
    pub canonical: Arc<[u8]>,
    /// The signature over them, or that of their batch.
    pub signature: Arc<ReceiptSignature>,
}

impl Receipted {
    pub(crate) const fn new(
        payload: Arc<Payload>,
        canonical: Arc<[u8]>,
        signature: Arc<ReceiptSignature>,
    ) -> Self {
        Self { payload, canonical, signature }
    }
}

impl fmt::Debug for Receipted {
    /// Names the receipt only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipted({}, seq {})", self.payload.action_id, self.payload.seq)
    }
}

/// Resolves exactly once: to what was waited for, or to what closed the gate.
///
/// As a future it gives the same output again when polled after it was ready.
#[must_use = "nothing is known to be recorded before this resolves"]
pub struct Completion<T = Receipted> {
    cell: Arc<Cell<T>>,
    process: Process,
    claim: Option<Claim>,
    early: Early,
}

/// What lets a call go on before its receipt is signed and committed.
enum Early {
    /// Nothing.
    No,
    /// The receipt counts as recorded once it is queued.
    Queued,
    /// It counts as recorded once it is journaled.
    Journaled(Box<Completion<()>>),
}

/// Work that a thread does rather than wait for another one to do it.
pub(crate) trait Help: Send + Sync + 'static {
    /// Does what is to be done for receipt `seq`; false if somebody else does.
    fn help(&self, seq: u64) -> bool;

    /// Has others do what nobody has begun.
    fn tell(&self);
}

/// The right of who waits for a receipt to do what is to be done for it.
///
/// INVARIANT: whether it is used or dropped, somebody does it.
pub(crate) struct Claim {
    help: Weak<dyn Help>,
    seq: u64,
    /// Whether others know of the receipt.
    is_told: bool,
}

impl Claim {
    /// A claim on receipt `seq`.
    pub(crate) fn new(help: Weak<dyn Help>, seq: u64, is_told: bool) -> Self {
        Self { help, seq, is_told }
    }

    fn take_up(mut self) {
        if let Some(help) = self.help.upgrade() {
            self.is_told |= help.help(self.seq);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_told
            && let Some(help) = self.help.upgrade()
        {
            help.tell();
        }
    }
}

impl<T> Completion<T> {
    /// Has a thread that is going to wait do what it waits for.
    pub(crate) fn claimed(self, claim: Option<Claim>) -> Self {
        Self { claim, ..self }
    }

    /// Lets a call go on without waiting for this, or not.
    pub(crate) fn queued(self, queued: bool) -> Self {
        Self { early: if queued { Early::Queued } else { Early::No }, ..self }
    }

    /// Lets a call go on once `journaled` resolves.
    pub(crate) fn journaled(self, journaled: Completion<()>) -> Self {
        Self { early: Early::Journaled(Box::new(journaled)), ..self }
    }
}

/// What a call waits for before it goes on: resolves when its receipt counts as
/// recorded under the gate's [`Durability`](crate::log::Durability), which may
/// be before it is signed.
#[must_use = "nothing is known to be recorded before this resolves"]
#[derive(Debug)]
pub struct Acknowledged(Result<Awaited, Closed>);

#[derive(Debug)]
enum Awaited {
    Nothing,
    Journaled(Box<Completion<()>>),
    Committed(Completion),
}

impl Acknowledged {
    /// Waits for what was submitted as far as its durability asks for it.
    pub(crate) fn new(submitted: Result<Completion, Closed>) -> Self {
        Self(submitted.map(|mut completion| match std::mem::replace(&mut completion.early, Early::No) {
            Early::No => Awaited::Committed(completion),
            Early::Queued => Awaited::Nothing,
            Early::Journaled(journaled) => Awaited::Journaled(journaled),
        }))
    }

    /// Blocks the calling thread until the receipt counts as recorded.
    ///
    /// # Errors
    /// [`Closed`] when the gate closed first.
    pub fn wait(self) -> Result<(), Closed> {
        match self.0? {
            Awaited::Nothing => Ok(()),
            Awaited::Journaled(journaled) => journaled.wait(),
            Awaited::Committed(completion) => completion.wait().map(drop),
        }
    }
}

impl Future for Acknowledged {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(Awaited::Nothing) => Poll::Ready(Ok(())),
            Ok(Awaited::Journaled(journaled)) => Pin::new(&mut **journaled).poll(context),
            Ok(Awaited::Committed(completion)) => Pin::new(completion).poll(context).map_ok(drop),
            Err(cause) => Poll::Ready(Err(cause.clone())),
        }
    }
}

impl<T: Clone> Completion<T> {
    /// Blocks the calling thread until the output is there.
    ///
    /// # Errors
    /// [`Closed`] when the gate closed first. In a forked child that is always
    /// so, because the recorder's threads live in the parent.
    pub fn wait(self) -> Result<T, Closed> {
        if !self.process.is_current() {
            return Err(Closed::Forked);
        }
        if let Some(claim) = self.claim {
            claim.take_up();
        }
        let mut state = lock(&self.cell.state);
        loop {
            match &mut *state {
                State::Ready(output) => return output.clone(),
                State::Pending(waiting) => {
                    // A waker of an earlier poll is dropped outside the lock.
                    let before = std::mem::replace(waiting, Waiting::Thread);
                    if let Waiting::Task(_) = before {
                        drop(state);
                        drop(before);
                        state = lock(&self.cell.state);
                    } else {
                        state = wait(&self.cell.ready, state);
                    }
                }
            }
        }
    }
}

impl<T: Clone> Future for Completion<T> {
    type Output = Result<T, Closed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.process.is_current() {
            return Poll::Ready(Err(Closed::Forked));
        }
        // A task's thread is not to be held up: others do what is to be done.
        drop(self.claim.take());
        // A waker is foreign code: it is cloned and dropped outside the lock.
        let waker = context.waker().clone();
        let mut state = lock(&self.cell.state);
        let replaced = match &mut *state {
            State::Ready(output) => return Poll::Ready(output.clone()),
            State::Pending(waiting) => std::mem::replace(waiting, Waiting::Task(waker)),
        };
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<T> fmt::Debug for Completion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ready = matches!(*lock(&self.cell.state), State::Ready(_));
        f.write_str(if ready { "Completion(ready)" } else { "Completion(pending)" })
    }
}

/// The other end of a [`Completion`].
///
/// INVARIANT: dropped without an output, it resolves to [`Closed::Panicked`];
/// no waiter outlives the thread that should have answered it.
pub(crate) struct Resolver<T = Receipted>(Option<Arc<Cell<T>>>);

impl<T> Resolver<T> {
    /// A completion and what resolves it.
    pub(crate) fn pair(process: Process) -> (Self, Completion<T>) {
        let cell =
            Arc::new(Cell { state: Mutex::new(State::Pending(Waiting::Nobody)), ready: Condvar::new() });
        (Self(Some(Arc::clone(&cell))), Completion { cell, process, claim: None, early: Early::No })
    }

    /// Gives the output and wakes who waits for it. Must not be called under
    /// the recorder's lock, because waking runs foreign code.
    pub(crate) fn resolve(mut self, output: Result<T, Closed>) {
        self.finish(output);
    }

    fn finish(&mut self, output: Result<T, Closed>) {
        let Some(cell) = self.0.take() else { return };
        let before = std::mem::replace(&mut *lock(&cell.state), State::Ready(output));
        match before {
            State::Pending(Waiting::Task(waker)) => wake(waker),
            State::Pending(Waiting::Thread) => cell.ready.notify_one(),
            State::Pending(Waiting::Nobody) | State::Ready(_) => {}
        }
    }
}

/// Wakes a task; a panic in foreign code does not reach the recorder.
fn wake(waker: Waker) {
    if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
        tracing::error!(target: "asqav::recorder", "a waker panicked");
    }
}

impl<T> Drop for Resolver<T> {
    fn drop(&mut self) {
        self.finish(Err(Closed::Panicked));
    }
}

struct Cell<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

enum State<T> {
    Pending(Waiting),
    Ready(Result<T, Closed>),
}

/// Who is to be woken: a notification that nobody waits for costs as much as
/// one that somebody does.
enum Waiting {
    Nobody,
    Task(Waker),
    Thread,
}
