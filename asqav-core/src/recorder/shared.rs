//! What callers, signers and the writer share: the state behind its lock, and
//! the two conditions that threads wait on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use asqav_receipt::receipt::Signature;

use super::super::completion::{Completion, Resolver};
use super::super::process::Process;
use super::super::sync::{Condvar, Mutex, MutexGuard, lock, wait, wait_timeout};
use super::Counters;
use super::chain::{Job, Slot};
use super::draft::{Draft, Submitted};
use super::options::Options;
use super::place::{Held, Place, Ticket};
use super::state::{Phase, State};
use super::stop::{Last, Stopped};
use crate::clock::Clock;
use crate::log::Head;
use crate::refused::{Closed, Refused};

/// The recorder without its threads.
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to sign, or nothing will ever be.
    unsigned: Condvar,
    /// There is something for the writer to do.
    writable: Condvar,
    clock: Arc<dyn Clock>,
    pub(super) options: Options,
    process: Process,
}

/// What the writer does next.
pub(super) enum Step {
    Commit(Vec<Slot<Ticket>>),
    Maintain,
    /// Ask for the last receipts and hand them to [`Shared::end`].
    End(Last),
    Close {
        clean: bool,
    },
}

impl Shared {
    pub(super) fn new(head: Option<Head>, clock: Arc<dyn Clock>, options: Options) -> Self {
        Self {
            state: Mutex::new(State::new(head)),
            unsigned: Condvar::new(),
            writable: Condvar::new(),
            clock,
            options,
            process: Process::remember(options.process_id),
        }
    }

    pub(super) const fn process(&self) -> Process {
        self.process
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The state, unless this is a forked child, where the lock may be held by
    /// a thread that does not exist.
    fn state(&self) -> Result<MutexGuard<'_, State>, Closed> {
        if self.process.is_current() { Ok(lock(&self.state)) } else { Err(Closed::Forked) }
    }

    // For callers.

    pub(super) fn reserve(self: &Arc<Self>) -> Result<Place, Refused> {
        self.state().map_err(refused)?.reserve(self.options.max_in_flight)?;
        Ok(Place::counted(Arc::clone(self)))
    }

    /// A place came back.
    pub(super) fn give_back(&self) {
        let Ok(mut state) = self.state() else { return };
        state.in_flight -= 1;
        if state.in_flight == 0 && matches!(state.phase, Phase::Stopping { .. }) {
            self.writable.notify_one();
        }
    }

    /// The one atomic step: sequence number, links, time, place in the queue.
    pub(super) fn submit(&self, draft: Draft, place: Arc<Held>) -> Result<Submitted, Refused> {
        let action_id = draft.payload.action_id;
        let (done, completion) = Resolver::pair(self.process);
        let mut state = self.state().map_err(refused)?;
        state.accepts()?;
        let now = self.clock.now();
        let appended = state.chain.append(draft, now, Ticket::new(Some(place), done));
        drop(state);
        self.unsigned.notify_one();
        let seq = appended.head.seq;
        if let Some(before) = appended.clock_was_at {
            tracing::warn!(target: "asqav::recorder", seq, %now, %before, "the clock went backwards");
        }
        tracing::debug!(target: "asqav::recorder", seq, %action_id, "receipt queued");
        Ok(Submitted {
            seq,
            action_id,
            issued_at: now,
            payload_sha256: appended.head.link.sha256,
            canonical: appended.canonical,
            done: completion,
        })
    }

    pub(super) fn flush(&self) -> Result<Completion<()>, Closed> {
        let (flushed, done) = self.state()?.flush(self.process);
        if let Some(done) = done {
            done.resolve(Ok(()));
        }
        Ok(flushed)
    }

    pub(super) fn stop(&self, timeout: Duration, last: Last) -> Result<Completion<Stopped>, Closed> {
        let (done, stopped) = Resolver::pair(self.process);
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_hours(24 * 365));
        let debris = self.state()?.stop(deadline, last, done);
        self.writable.notify_one();
        debris.settle();
        Ok(stopped)
    }

    /// Closes for `cause`: what is queued is still written, the log is left
    /// unclean.
    pub(super) fn close(&self, cause: Closed) {
        let Ok(mut state) = self.state() else { return };
        if matches!(state.phase, Phase::Open | Phase::Stopping { .. }) {
            tracing::error!(target: "asqav::recorder", %cause, "closing");
            state.closed = Some(cause);
            let debris = state.drain();
            drop(state);
            self.wake_all();
            debris.settle();
        }
    }

    /// Nobody can submit any more: what is queued is still written.
    pub(super) fn abandon(&self) {
        let Ok(mut state) = self.state() else { return };
        if let Phase::Open = state.phase {
            let debris = state.drain();
            drop(state);
            self.wake_all();
            debris.settle();
        }
    }

    pub(super) fn counters(&self) -> Result<Counters, Closed> {
        let state = self.state()?;
        Ok(Counters {
            submitted: state.chain.head().map_or(0, |head| head.seq),
            durable: state.chain.durable().map_or(0, |head| head.seq),
            in_flight: state.in_flight,
            closed: state.closed.clone(),
        })
    }

    // For signers.

    /// The next receipt to sign; waits for one, `None` when none will come.
    pub(super) fn next_job(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.chain.next_unsigned() {
                return Some(job);
            }
            if matches!(state.phase, Phase::Draining(_) | Phase::Finished(_)) {
                return None;
            }
            state = wait(&self.unsigned, state);
        }
    }

    pub(super) fn signed(&self, seq: u64, signature: Signature) {
        if lock(&self.state).chain.signed(seq, signature) {
            self.writable.notify_one();
        }
    }

    /// Receipt `seq` will never be signed.
    pub(super) fn fail_signing(&self, seq: u64, why: String) {
        let cause = Closed::Signing { seq, why };
        tracing::error!(target: "asqav::recorder", %cause, "closing");
        let debris = lock(&self.state).fail_from(seq, cause);
        self.wake_all();
        debris.settle();
    }

    // For the writer.

    /// Waits until there is something to do; `maintained` is when the log was
    /// last maintained.
    pub(super) fn next_step(&self, maintained: Instant) -> Step {
        let mut state = lock(&self.state);
        loop {
            // Before any commit, so that a busy log is maintained as well.
            let mut wake_in = self.options.maintenance.saturating_sub(maintained.elapsed());
            if wake_in.is_zero() {
                return Step::Maintain;
            }
            let batch = state.chain.take_signed();
            if !batch.is_empty() {
                return Step::Commit(batch);
            }
            match &state.phase {
                Phase::Draining(end) if state.chain.queued() == 0 => {
                    return Step::Close { clean: *end == Stopped::Clean };
                }
                Phase::Stopping { deadline, .. } => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if state.in_flight == 0 {
                        if let Some(last) = state.begin_end() {
                            return Step::End(last);
                        }
                    } else if left.is_zero() {
                        let debris = state.drain();
                        drop(state);
                        self.wake_all();
                        debris.settle();
                        state = lock(&self.state);
                        continue;
                    }
                    wake_in = wake_in.min(left);
                }
                _ => {}
            }
            state = wait_timeout(&self.writable, state, wake_in);
        }
    }

    /// Everything up to `head` is in the log.
    pub(super) fn committed(&self, head: Head) -> Vec<Resolver<()>> {
        lock(&self.state).committed(head)
    }

    /// Nothing behind the last committed receipt will get into the log.
    pub(super) fn fail_writing(&self, why: String) -> Closed {
        let mut state = lock(&self.state);
        let seq = state.chain.durable().map_or(0, |head| head.seq) + 1;
        let cause = Closed::Writing { seq, why };
        let debris = state.fail_all(cause.clone());
        drop(state);
        self.wake_all();
        tracing::error!(target: "asqav::recorder", %cause, "closing");
        debris.settle();
        cause
    }

    /// Queues the last receipts of the log.
    pub(super) fn end(&self, drafts: Vec<Draft>) {
        let ticket = || Ticket::new(None, Resolver::pair(self.process).0);
        let drafts = drafts.into_iter().map(|draft| (draft, ticket())).collect();
        let mut state = lock(&self.state);
        let now = self.clock.now();
        state.end(drafts, now);
        drop(state);
        self.wake_all();
    }

    /// The log is closed, or `closing` says why not.
    pub(super) fn finish(&self, closing: Result<(), Closed>) {
        let debris = lock(&self.state).finish(closing);
        self.wake_all();
        debris.settle();
    }

    /// A signer's thread died: what it held will never be signed.
    pub(super) fn die(&self) {
        let debris = lock(&self.state).fail_queued(Closed::Panicked);
        self.wake_all();
        debris.settle();
    }

    fn wake_all(&self) {
        self.unsigned.notify_all();
        self.writable.notify_all();
    }
}

const fn refused(cause: Closed) -> Refused {
    Refused::Closed { cause }
}
