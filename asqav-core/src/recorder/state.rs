//! What the recorder's lock guards: the chain, the phase, the places.

use std::time::Instant;

use asqav_receipt::time::Timestamp;

use super::super::completion::{Completion, Resolver};
use super::super::process::Process;
use super::chain::{Appended, Chain, Slot};
use super::closing::Closing;
use super::debris::Debris;
use super::draft::Prepared;
use super::place::Ticket;
use super::stop::{Last, Stopped};
use crate::log::{Head, Log};
use crate::refused::{Closed, Refused};

/// Everything behind the recorder's one lock. No method runs foreign code or
/// wakes anybody: what has to be answered comes back as [`Debris`].
pub(super) struct State {
    pub(super) chain: Chain<Ticket>,
    pub(super) phase: Phase,
    /// Why nothing is admitted any more; a failure replaces a shutdown.
    pub(super) closed: Closing,
    /// Places handed out and not returned.
    pub(super) in_flight: usize,
    /// The log, while nobody works with it.
    ///
    /// INVARIANT: taken by one thread, which says what became of its work and
    /// puts it back in one step: receipts are committed in order.
    pub(super) log: Option<Box<dyn Log>>,
    pub(super) writer: Writer,
    /// How many signers wait for something to sign and are not notified yet: a
    /// notification costs a system call, whether or not anybody waits.
    ///
    /// INVARIANT: with the notifications that are under way, no less than wait.
    /// Who wakes by chance and waits again is counted twice, which costs a
    /// notification at most.
    pub(super) idle_signers: usize,
    /// Whom to tell when the log is closed.
    stops: Vec<Resolver<Stopped>>,
    /// Whom to tell when a receipt is committed, with its sequence number.
    flushes: Vec<(u64, Resolver<()>)>,
}

/// What the thread that writes is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// It works, or is notified that it has to.
    Works,
    /// It waits for something to do.
    Idle,
    /// It has something to do and waits for the log.
    WaitsForLog,
}

/// Signed receipts to be committed together, and the log for it.
pub(super) struct Group {
    pub(super) log: Box<dyn Log>,
    pub(super) slots: Vec<Slot<Ticket>>,
}

/// What is to be answered at once.
type Settled = Option<(Resolver<()>, Result<(), Closed>)>;

/// How far the recorder is on its way from start to end.
pub(super) enum Phase {
    /// Admits.
    Open,
    /// Admits no more, waits for the places to come back.
    Stopping {
        /// When it stops waiting.
        deadline: Instant,
        /// Gives the receipts that end the log.
        last: Last,
    },
    /// The writer asks for the receipts that end the log.
    Ending,
    /// Takes no more receipts; the writer drains the queue and closes the log.
    Draining(Stopped),
    /// The log is closed.
    Finished(Result<Stopped, Closed>),
}

impl State {
    /// Continues `log` behind `head`.
    pub(super) fn new(log: Box<dyn Log>, head: Option<Head>) -> Self {
        Self {
            chain: Chain::new(head),
            phase: Phase::Open,
            closed: Closing::default(),
            in_flight: 0,
            log: Some(log),
            writer: Writer::Works,
            idle_signers: 0,
            stops: Vec::new(),
            flushes: Vec::new(),
        }
    }

    /// Counts one more place.
    pub(super) fn reserve(&mut self, max_in_flight: usize) -> Result<(), Refused> {
        if let Some(cause) = self.closed.cause() {
            return Err(Refused::Closed { cause: cause.clone() });
        }
        if self.in_flight >= max_in_flight {
            return Err(Refused::Overloaded { in_flight: self.in_flight });
        }
        self.in_flight += 1;
        Ok(())
    }

    /// Whether a receipt that has a place may still be submitted.
    pub(super) fn accepts(&self) -> Result<(), Refused> {
        match self.phase {
            Phase::Open | Phase::Stopping { .. } => Ok(()),
            Phase::Ending | Phase::Draining(_) | Phase::Finished(_) => {
                Err(Refused::Closed { cause: self.cause() })
            }
        }
    }

    /// Stops admitting, once; `done` is answered when the log is closed.
    pub(super) fn stop(&mut self, deadline: Instant, last: Last, done: Resolver<Stopped>) -> Debris {
        let mut debris = Debris::new(self.cause());
        match &self.phase {
            Phase::Finished(end) => debris.stops.push((done, end.clone())),
            _ => self.stops.push(done),
        }
        if let Phase::Open = self.phase {
            self.phase = Phase::Stopping { deadline, last };
            self.closed.because(Closed::Shutdown);
        } else {
            debris.last = Some(last);
        }
        debris
    }

    /// Takes no more receipts; what is queued is still written.
    pub(super) fn drain(&mut self) -> Debris {
        if self.closed.cause().is_none() {
            self.closed.because(Closed::Shutdown);
        }
        let mut debris = Debris::new(self.cause());
        let end = Stopped::Unclean { open: self.in_flight };
        debris.keep(std::mem::replace(&mut self.phase, Phase::Draining(end)));
        debris
    }

    /// Once every place is back: what gives the receipts that end the log.
    pub(super) fn begin_end(&mut self) -> Option<Last> {
        if self.in_flight > 0 {
            return None;
        }
        match std::mem::replace(&mut self.phase, Phase::Ending) {
            Phase::Stopping { last, .. } => Some(last),
            other => {
                self.phase = other;
                None
            }
        }
    }

    /// Queues the receipts that end the log, unless it failed meanwhile.
    pub(super) fn end(&mut self, last: Vec<(Prepared, Ticket)>, now: Timestamp) -> Vec<Appended> {
        let Phase::Ending = self.phase else { return Vec::new() };
        let appended =
            last.into_iter().map(|(prepared, ticket)| self.chain.append(prepared, now, ticket)).collect();
        self.phase = Phase::Draining(Stopped::Clean);
        appended
    }

    /// Receipt `seq` cannot be signed: sets aside it and what is behind it,
    /// closes.
    pub(super) fn fail_from(&mut self, seq: u64, cause: Closed) -> Debris {
        let slots = self.chain.set_aside_from(seq);
        // Set aside before, by somebody who has closed the gate as well.
        if slots.is_empty() { Debris::new(cause) } else { self.fail(slots, cause) }
    }

    /// What was taken is not in the log: sets aside all the rest, closes.
    pub(super) fn fail_all(&mut self, cause: Closed) -> Debris {
        let slots = self.chain.set_aside_all();
        self.fail(slots, cause)
    }

    /// Nothing in the queue will be signed; what was taken may still be
    /// committed.
    pub(super) fn fail_queued(&mut self, cause: Closed) -> Debris {
        let slots = self.chain.set_aside_queued();
        self.fail(slots, cause)
    }

    fn fail(&mut self, slots: Vec<Slot<Ticket>>, cause: Closed) -> Debris {
        if matches!(self.closed.cause(), None | Some(Closed::Shutdown)) {
            self.closed.because(cause.clone());
        }
        let mut debris = Debris::new(cause.clone());
        debris.slots = slots;
        if !matches!(self.phase, Phase::Finished(_)) {
            let end = Stopped::Unclean { open: self.in_flight };
            debris.keep(std::mem::replace(&mut self.phase, Phase::Draining(end)));
        }
        let head = seq_of(self.chain.head());
        let lost = self.flushes.extract_if(.., |(seq, _)| *seq > head);
        debris.flushes.extend(lost.map(|(_, done)| (done, Err(cause.clone()))));
        debris
    }

    /// The log is closed, or `closing` says why that failed: nobody waits any
    /// more.
    pub(super) fn finish(&mut self, closing: Result<(), Closed>) -> Debris {
        let mut debris = match closing {
            Ok(()) => Debris::new(self.cause()),
            Err(cause) => self.fail_all(cause),
        };
        let end = match (self.closed.cause(), &self.phase) {
            (None | Some(Closed::Shutdown), Phase::Draining(end)) => Ok(*end),
            _ => Err(self.cause()),
        };
        debris.stops.extend(self.stops.drain(..).map(|done| (done, end.clone())));
        let cause = self.cause();
        debris.flushes.extend(self.flushes.drain(..).map(|(_, done)| (done, Err(cause.clone()))));
        debris.keep(std::mem::replace(&mut self.phase, Phase::Finished(end)));
        debris.log = self.log.take();
        debris
    }

    /// A completion that resolves when everything submitted so far is
    /// committed; also its resolver, if that is settled already.
    ///
    /// INVARIANT: it never resolves well once a receipt was lost. A call whose
    /// receipts count when they are queued has nobody else to ask.
    pub(super) fn flush(&mut self, process: Process) -> (Completion<()>, Settled) {
        let (done, flushed) = Resolver::pair(process);
        if self.chain.has_lost() {
            return (flushed, Some((done, Err(self.cause()))));
        }
        let wanted = seq_of(self.chain.head());
        if seq_of(self.chain.durable()) >= wanted {
            return (flushed, Some((done, Ok(()))));
        }
        self.flushes.push((wanted, done));
        (flushed, None)
    }

    /// Whether a signer is to be told that there is something to sign. As many
    /// are told as wait.
    pub(super) fn wakes_signer(&mut self) -> bool {
        let wakes = self.idle_signers > 0 && self.chain.has_unsigned();
        self.idle_signers -= usize::from(wakes);
        wakes
    }

    /// Whether the writer is to be told that there is something for it to do. It
    /// is told once.
    pub(super) fn wakes_writer(&mut self) -> bool {
        // Who has the log looks when it puts that back.
        let wakes = self.writer == Writer::Idle && self.log.is_some();
        if wakes {
            self.writer = Writer::Works;
        }
        wakes
    }

    /// Puts the log back; true when the writer is to be told.
    pub(super) fn put_back(&mut self, log: Box<dyn Log>) -> bool {
        self.log = Some(log);
        let is_awaited = self.writer == Writer::WaitsForLog;
        if is_awaited {
            self.writer = Writer::Idle;
        }
        let is_over = match self.phase {
            Phase::Stopping { .. } => self.in_flight == 0,
            Phase::Draining(_) => self.chain.queued() == 0,
            Phase::Open | Phase::Ending | Phase::Finished(_) => false,
        };
        let is_due = is_awaited || is_over || self.chain.has_signed();
        is_due && self.wakes_writer()
    }

    /// A receipt that is alone in the queue and signed, with the log, if the
    /// writer waits: for who signed it to commit.
    pub(super) fn take_alone(&mut self) -> Option<Group> {
        if self.writer != Writer::Idle || self.chain.queued() != 1 || !self.chain.has_signed() {
            return None;
        }
        self.log.take().map(|log| Group { log, slots: self.chain.take_signed() })
    }

    /// Everything up to `head` is in the log: gives who waits for that.
    pub(super) fn committed(&mut self, head: Head) -> Vec<Resolver<()>> {
        self.chain.committed(head);
        self.flushes.extract_if(.., |(seq, _)| *seq <= head.seq).map(|(_, done)| done).collect()
    }

    fn cause(&self) -> Closed {
        self.closed.cause().cloned().unwrap_or(Closed::Shutdown)
    }
}

fn seq_of(head: Option<Head>) -> u64 {
    head.map_or(0, |head| head.seq)
}
