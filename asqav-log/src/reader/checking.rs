//! Feeding a verifier, with reading, hashing and signatures on all processors.
//!
//! Only what ties receipts to each other is left to one thread. Threads read
//! ahead, over the ends of segments too. Results are taken in the log's order
//! and windows are fixed, so that a report does not depend on threads.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use asqav_receipt::verify::{CheckedSignature, LogInputs, LogVerifier, SignatureJob};

use super::part::{Part, Read};
use super::recoveries::Recoveries;
use super::workers::Workers;
use crate::lines::Piece;

/// So many signatures of single receipts are handed to a thread at once; that of
/// a batch is handed over alone, with all that was read for it.
const SIGNATURES: usize = 8;
/// So often signatures are under way.
const WINDOW: usize = 32;
/// So many steps are under way: twice as many as a full batch has parts, which
/// the verifier takes at once.
const STEPS: usize = 32;

/// A log on its way into a verifier.
pub(super) struct Checking<'scope, 'env, 'a> {
    pub(super) verifier: LogVerifier<'a>,
    pub(super) recoveries: Recoveries,
    workers: Workers<'scope, 'env, 'a>,
    lines: Part,
    /// What the verifier is given next, in the log's order. INVARIANT: lines
    /// that a thread reads come first, so that none wait without threads.
    steps: VecDeque<Step<'a>>,
    signatures: Vec<SignatureJob<'a>>,
    checking: VecDeque<Receiver<Vec<CheckedSignature>>>,
}

/// What a verifier is given.
enum Step<'a> {
    /// Lines that a thread reads.
    Reading(Arc<Part>, Receiver<Vec<Read>>),
    /// What stands between lines.
    Between(Between<'a>),
    /// The same after which nothing before it is open.
    End(Between<'a>),
}

type Between<'a> = Box<dyn FnOnce(&mut LogVerifier<'a>) + 'a>;

impl<'scope, 'env, 'a: 'scope> Checking<'scope, 'env, 'a> {
    pub(super) fn new(inputs: LogInputs<'a>, workers: Workers<'scope, 'env, 'a>) -> Self {
        Self {
            verifier: LogVerifier::new(inputs),
            recoveries: Recoveries::default(),
            workers,
            lines: Part::default(),
            steps: VecDeque::new(),
            signatures: Vec::new(),
            checking: VecDeque::new(),
        }
    }

    /// Takes the next piece of the segment. Waits when the threads are far
    /// behind.
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        if !piece.complete {
            let len = piece.len;
            self.end(move |verifier| verifier.torn(len));
            return;
        }
        self.lines.push(piece.bytes);
        if self.lines.is_full() {
            self.hand_over();
        }
    }

    /// Has the verifier told what comes after the lines so far.
    pub(super) fn then(&mut self, tell: impl FnOnce(&mut LogVerifier<'a>) + 'a) {
        self.add(Step::Between(Box::new(tell)));
    }

    /// The same, of what the verifier is told when all signatures so far were
    /// checked: a segment ends.
    pub(super) fn end(&mut self, tell: impl FnOnce(&mut LogVerifier<'a>) + 'a) {
        self.add(Step::End(Box::new(tell)));
    }

    fn add(&mut self, step: Step<'a>) {
        self.flush();
        self.steps.push_back(step);
        self.go_on();
    }

    /// Leaves no lines at hand.
    fn flush(&mut self) {
        if self.workers.are_started() && !self.lines.is_empty() {
            self.hand_over();
        }
        // So few lines need no thread.
        let rest = mem::take(&mut self.lines);
        self.take(rest.read());
    }

    /// Takes the steps that wait for no thread, and others if they are too many.
    fn go_on(&mut self) {
        while self.steps.len() > STEPS || matches!(self.steps.front(), Some(Step::Between(_) | Step::End(_)))
        {
            self.next();
        }
    }

    /// Waits for all that is under way.
    pub(super) fn finish(&mut self) {
        self.flush();
        while !self.steps.is_empty() {
            self.next();
        }
        self.finish_signatures();
    }

    /// Has a thread read the lines at hand.
    fn hand_over(&mut self) {
        let part = Arc::new(mem::take(&mut self.lines));
        let read = Arc::clone(&part);
        let told = self.workers.run(move || read.read());
        self.steps.push_back(Step::Reading(part, told));
        self.go_on();
    }

    /// Takes the oldest step.
    fn next(&mut self) {
        match self.steps.pop_front() {
            Some(Step::Reading(part, told)) => {
                // What a panic took away is read here, where it is not caught.
                let read = told.recv().unwrap_or_else(|_| part.read());
                self.take(read);
            }
            Some(Step::Between(tell)) => tell(&mut self.verifier),
            Some(Step::End(tell)) => {
                self.finish_signatures();
                tell(&mut self.verifier);
            }
            None => {}
        }
    }

    fn take(&mut self, lines: Vec<Read>) {
        for Read { line, torn } in lines {
            self.recoveries.extend(torn);
            if let Some(job) = self.verifier.read_line(line) {
                let of_batch = job.is_of_batch();
                self.signatures.push(job);
                if of_batch || self.signatures.len() == SIGNATURES {
                    self.check();
                }
            }
        }
    }

    /// Has a thread check the signatures at hand.
    fn check(&mut self) {
        let jobs = mem::take(&mut self.signatures);
        let told = self.workers.run_first(move || jobs.into_iter().map(SignatureJob::check).collect());
        self.checking.push_back(told);
        if self.checking.len() > WINDOW {
            self.next_signatures();
        }
    }

    /// Gives the oldest signatures to the verifier.
    fn next_signatures(&mut self) {
        let oldest = self.checking.pop_front();
        // What a panic took away is missed by the verifier.
        for checked in oldest.and_then(|told| told.recv().ok()).unwrap_or_default() {
            self.verifier.signature(checked);
        }
    }

    /// Waits for all signatures so far.
    fn finish_signatures(&mut self) {
        // While the threads check the others.
        let rest: Vec<_> = mem::take(&mut self.signatures).into_iter().map(SignatureJob::check).collect();
        while !self.checking.is_empty() {
            self.next_signatures();
        }
        for checked in rest {
            self.verifier.signature(checked);
        }
    }
}
