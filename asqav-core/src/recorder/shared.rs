//! What callers, signers and the writer share: the state behind its lock and
//! the two conditions that threads wait on. Here is what callers do with it;
//! `work.rs` has the steps of the threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::completion::{Claim, Completion, Help, Resolver};
use super::super::process::Process;
use super::super::sync::{Condvar, Mutex, MutexGuard, lock_soon};
use super::Counters;
use super::closing::IsClosed;
use super::draft::{Draft, Submitted};
use super::options::Options;
use super::place::{Held, Place, Ticket};
use super::state::{Phase, State};
use super::stop::{Last, Stopped};
use super::{Dying, signing, writing};
use crate::clock::Clock;
use crate::log::{Head, Log};
use crate::refused::{Closed, Refused};
use crate::sign::Signer;

/// The recorder without its threads.
pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Whether the state says that it is closed.
    pub(super) is_closed: Arc<IsClosed>,
    /// There is something to sign, or nothing will ever be.
    pub(super) unsigned: Condvar,
    /// There is something for the writer to do.
    pub(super) writable: Condvar,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) signer: Arc<dyn Signer>,
    pub(super) options: Options,
    pub(super) process: Process,
}

impl Shared {
    pub(super) fn new(
        log: Box<dyn Log>,
        head: Option<Head>,
        clock: Arc<dyn Clock>,
        signer: Arc<dyn Signer>,
        options: Options,
    ) -> Self {
        let state = State::new(log, head);
        Self {
            is_closed: state.closed.flag(),
            state: Mutex::new(state),
            unsigned: Condvar::new(),
            writable: Condvar::new(),
            clock,
            signer,
            options,
            process: Process::remember(options.process_id),
        }
    }

    /// The state, unless this is a forked child, where the lock may be held by
    /// a thread that does not exist.
    fn state(&self) -> Result<MutexGuard<'_, State>, Closed> {
        if self.process.is_current() { Ok(lock_soon(&self.state)) } else { Err(Closed::Forked) }
    }

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
    pub(super) fn submit(self: &Arc<Self>, draft: Draft, place: Arc<Held>) -> Result<Submitted, Refused> {
        let action_id = draft.payload.action_id;
        let (done, completion) = Resolver::pair(self.process);
        let (journaled, early) = match self.options.journals() {
            true => Some(Resolver::pair(self.process)).unzip(),
            false => (None, None),
        };
        let is_awaited = draft.is_awaited;
        let prepared = draft.prepared();
        let mut state = self.state().map_err(refused)?;
        state.accepts()?;
        let now = self.clock.now();
        let appended = state.chain.append(prepared, now, Ticket::new(Some(place), done, journaled));
        let queued = state.chain.queued() <= self.options.queue_len();
        let seq = appended.head.seq;
        let is_claimed = !self.options.journals() && state.chain.is_alone(seq);
        let waits = is_awaited && !queued && matches!(state.phase, Phase::Open);
        let is_told = !(is_claimed && waits);
        let wakes = is_told && state.wakes_signer();
        let wakes_writer = self.options.journals() && state.wakes_writer();
        drop(state);
        // From here on the receipt is seen to, whatever panics.
        let claim = is_claimed.then(|| Claim::new(Arc::<Self>::downgrade(self), seq, is_told));
        let completion = completion.claimed(claim);
        drop(appended.spent);
        if wakes {
            self.unsigned.notify_one();
        }
        if wakes_writer {
            self.writable.notify_one();
        }
        if let Some(before) = appended.clock_was_at {
            tracing::warn!(target: "asqav::recorder", seq, %now, %before, "the clock went backwards");
        }
        tracing::debug!(target: "asqav::recorder", seq, %action_id, "receipt queued");
        Ok(Submitted {
            seq,
            action_id,
            payload_sha256: appended.head.link.sha256,
            canonical: appended.canonical,
            done: match (queued, early) {
                (true, Some(journaled)) => completion.journaled(journaled),
                (_, Some(_)) => completion,
                (queued, None) => completion.queued(queued),
            },
        })
    }

    pub(super) fn flush(&self) -> Result<Completion<()>, Closed> {
        let mut state = self.state()?;
        let (flushed, settled) = state.flush(self.process);
        self.tell_signer(state);
        if let Some((done, output)) = settled {
            done.resolve(output);
        }
        Ok(flushed)
    }

    pub(super) fn stop(&self, timeout: Duration, last: Last) -> Result<Completion<Stopped>, Closed> {
        let (done, stopped) = Resolver::pair(self.process);
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_hours(24 * 365));
        let mut state = self.state()?;
        let debris = state.stop(deadline, last, done);
        self.tell_signer(state);
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
            state.closed.because(cause);
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

    /// What closed the recorder, if anything did; without the lock while nothing
    /// did.
    pub(super) fn closed(&self) -> Option<Closed> {
        if self.process.is_current() && !self.is_closed.get() {
            return None;
        }
        self.state().map_or_else(Some, |state| state.closed.cause().cloned())
    }

    pub(super) fn counters(&self) -> Result<Counters, Closed> {
        let state = self.state()?;
        Ok(Counters {
            submitted: state.chain.head().map_or(0, |head| head.seq),
            durable: state.chain.durable().map_or(0, |head| head.seq),
            in_flight: state.in_flight,
            closed: state.closed.cause().cloned(),
        })
    }

    /// Tells a signer of what nobody was told of: who is going to wait for it may
    /// be the thread that was to sign it.
    fn tell_signer(&self, mut state: MutexGuard<'_, State>) {
        let wakes = state.wakes_signer();
        drop(state);
        if wakes {
            self.unsigned.notify_one();
        }
    }

    /// Something changed that every thread has to look at.
    pub(super) fn wake_all(&self) {
        self.unsigned.notify_all();
        self.writable.notify_all();
    }
}

impl Help for Shared {
    /// A receipt that is alone in the queue is signed by whoever waits for it,
    /// and committed if it is still alone and the writer idle: handing it over
    /// from thread to thread would cost a wake-up each time.
    fn help(&self, seq: u64) -> bool {
        let Ok(mut state) = self.state() else { return false };
        let job = state.chain.next_alone(seq);
        drop(state);
        let Some(job) = job else { return false };
        let dying = Dying::new(|| self.die());
        if let Some(signatures) = signing::sign(self, &job)
            && let Some(group) = self.signed_alone(seq, signatures)
        {
            writing::commit(self, group);
        }
        dying.averted();
        true
    }

    fn tell(&self) {
        if let Ok(state) = self.state() {
            self.tell_signer(state);
        }
    }
}

const fn refused(cause: Closed) -> Refused {
    Refused::Closed { cause }
}
