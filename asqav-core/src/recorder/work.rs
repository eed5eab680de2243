//! What signers and the writer, and callers that do their work, ask the shared
//! state for, and what they tell it.

use std::time::Instant;

use asqav_receipt::receipt::ReceiptSignature;

use super::super::completion::Resolver;
use super::super::sync::{MutexGuard, lock_soon, wait, wait_timeout};
use super::chain::Job;
use super::draft::Draft;
use super::place::Ticket;
use super::shared::Shared;
use super::state::{Group, Phase, State, Writer};
use super::stop::{Last, Stopped};
use crate::log::{Head, Log, Unsigned};
use crate::refused::Closed;

/// What the writer does next, with the log, which it puts back.
pub(super) enum Step {
    /// Journal these, the newest of which has that number.
    Journal(Box<dyn Log>, u64, Vec<Unsigned>),
    Commit(Group),
    Maintain(Box<dyn Log>),
    /// Ask for the last receipts and hand them to [`Shared::end`].
    End(Last),
    /// For good.
    Close {
        log: Box<dyn Log>,
        clean: bool,
    },
}

impl Shared {
    /// The next receipts to sign; waits for one, `None` when none will come.
    pub(super) fn next_job(&self) -> Option<Job> {
        let most = self.options.signing.most();
        let mut state = lock_soon(&self.state);
        loop {
            if let Some(job) = state.chain.next_unsigned(most) {
                return Some(job);
            }
            if matches!(state.phase, Phase::Draining(_) | Phase::Finished(_)) {
                return None;
            }
            state.idle_signers += 1;
            state = wait(&self.unsigned, state);
        }
    }

    /// The receipts from number `first_seq` on are signed.
    pub(super) fn signed(&self, first_seq: u64, signatures: Vec<ReceiptSignature>) {
        let mut state = lock_soon(&self.state);
        let wakes = state.chain.signed(first_seq, signatures) && state.wakes_writer();
        self.unlock(state, wakes);
    }

    /// The receipt `seq` is signed by who waits for it: gives it with the log, if
    /// it is still alone and nobody else is at work, for the same to commit.
    pub(super) fn signed_alone(&self, seq: u64, signatures: Vec<ReceiptSignature>) -> Option<Group> {
        let mut state = lock_soon(&self.state);
        let is_due = state.chain.signed(seq, signatures);
        let alone = state.take_alone();
        let wakes = alone.is_none() && is_due && state.wakes_writer();
        self.unlock(state, wakes);
        alone
    }

    fn unlock(&self, state: MutexGuard<'_, State>, wakes_writer: bool) {
        drop(state);
        if wakes_writer {
            self.writable.notify_one();
        }
    }

    /// Receipt `seq` will never be signed.
    pub(super) fn fail_signing(&self, seq: u64, why: String) {
        let cause = Closed::Signing { seq, why };
        let debris = lock_soon(&self.state).fail_from(seq, cause.clone());
        self.wake_all();
        tracing::error!(target: "asqav::recorder", %cause, "closing");
        debris.settle();
    }

    /// Waits until there is something to do; `maintained` is when the log was
    /// last maintained, `journaled` whether the last step was to journal: what
    /// is signed is committed then, so that neither waits for ever.
    pub(super) fn next_step(&self, maintained: Instant, journaled: bool) -> Step {
        let mut state = lock_soon(&self.state);
        loop {
            let Some(log) = state.log.take() else {
                state.writer = Writer::WaitsForLog;
                state = wait(&self.writable, state);
                state.writer = Writer::Works;
                continue;
            };
            // First of all: a log that has failed is not worked with again.
            if let Phase::Draining(end) = state.phase
                && state.chain.queued() == 0
            {
                return Step::Close { log, clean: end == Stopped::Clean };
            }
            // Before any commit, so that a busy log is maintained as well.
            let mut wake_in = self.options.maintenance.saturating_sub(maintained.elapsed());
            if wake_in.is_zero() {
                return Step::Maintain(log);
            }
            if !journaled && let Some((seq, batch)) = self.next_to_journal(&mut state) {
                return Step::Journal(log, seq, batch);
            }
            let slots = state.chain.take_signed();
            if !slots.is_empty() {
                return Step::Commit(Group { log, slots });
            }
            if let Some((seq, batch)) = self.next_to_journal(&mut state) {
                return Step::Journal(log, seq, batch);
            }
            state.log = Some(log);
            if let Some(last) = state.begin_end() {
                return Step::End(last);
            }
            if let Phase::Stopping { deadline, .. } = &state.phase {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    state = self.give_up(state);
                    continue;
                }
                wake_in = wake_in.min(left);
            }
            state.writer = Writer::Idle;
            state = wait_timeout(&self.writable, state, wake_in);
            state.writer = Writer::Works;
        }
    }

    fn next_to_journal(&self, state: &mut State) -> Option<(u64, Vec<Unsigned>)> {
        let admits = matches!(state.phase, Phase::Open | Phase::Stopping { .. });
        (self.options.journals() && admits).then(|| state.chain.next_unjournaled()).flatten()
    }

    /// There is nothing to be said of the work with the log.
    pub(super) fn put_back(&self, log: Box<dyn Log>) {
        let mut state = lock_soon(&self.state);
        let wakes = state.put_back(log);
        self.unlock(state, wakes);
    }

    /// Everything up to number `seq` is journaled.
    pub(super) fn journaled(&self, log: Box<dyn Log>, seq: u64) {
        let mut state = lock_soon(&self.state);
        state.put_back(log);
        let answered: Vec<_> = state.chain.journaled(seq).filter_map(Ticket::take_journaled).collect();
        drop(state);
        tracing::debug!(target: "asqav::recorder", seq, count = answered.len(), "group journaled");
        answered.into_iter().for_each(|done| done.resolve(Ok(())));
    }

    /// The deadline of a stop has passed with places still out.
    fn give_up<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let mut debris = state.drain();
        // The next start signs what is journaled.
        debris.slots = state.chain.set_aside_journaled();
        drop(state);
        self.wake_all();
        debris.settle();
        lock_soon(&self.state)
    }

    /// Everything up to `head`, the last of `count` receipts, is in the log;
    /// `places` of them come back with it.
    pub(super) fn committed(
        &self,
        log: Box<dyn Log>,
        head: Head,
        count: usize,
        places: usize,
    ) -> Vec<Resolver<()>> {
        let mut state = lock_soon(&self.state);
        let flushed = state.committed(head);
        state.in_flight -= places;
        let wakes = state.put_back(log);
        let (queued, in_flight) = (state.chain.queued(), state.in_flight);
        self.unlock(state, wakes);
        tracing::debug!(target: "asqav::recorder", head = head.seq, count, queued, in_flight, "group committed");
        flushed
    }

    /// Nothing behind the last committed receipt will get into the log.
    pub(super) fn fail_writing(&self, log: Box<dyn Log>, why: String) -> Closed {
        let mut state = lock_soon(&self.state);
        state.put_back(log);
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
        let ticket = || Ticket::new(None, Resolver::pair(self.process).0, None);
        let last = drafts.into_iter().map(|draft| (draft.prepared(), ticket())).collect();
        let mut state = lock_soon(&self.state);
        let now = self.clock.now();
        let appended = state.end(last, now);
        drop(state);
        drop(appended);
        self.wake_all();
    }

    /// There are no last receipts.
    pub(super) fn fail_ending(&self, why: String) {
        let cause = Closed::Sealing { why };
        let debris = lock_soon(&self.state).fail_queued(cause.clone());
        self.wake_all();
        tracing::error!(target: "asqav::recorder", %cause, "closing");
        debris.settle();
    }

    /// The log is closed, or `closing` says why not.
    pub(super) fn finish(&self, closing: Result<(), Closed>) {
        let debris = lock_soon(&self.state).finish(closing);
        self.wake_all();
        debris.settle();
    }

    /// Who signs died: what it held will never be signed.
    pub(super) fn die(&self) {
        let debris = lock_soon(&self.state).fail_queued(Closed::Panicked);
        self.wake_all();
        debris.settle();
    }
}
