//! Feeding a verifier, with reading, hashing and signatures on all processors.
//!
//! Only what ties receipts to each other is left to one thread. Results are
//! taken in the log's order and windows are fixed, so that a report does not
//! depend on threads.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use asqav_receipt::verify::{CheckedSignature, LogInputs, LogVerifier, SignatureJob};

use super::part::{Part, Read};
use super::recoveries::Recoveries;
use super::workers::Workers;
use crate::lines::Piece;

/// So many signatures are handed to a thread at once.
const SIGNATURES: usize = 32;
/// So many parts of lines, and as many of signatures, are under way.
const WINDOW: usize = 16;

/// A log on its way into a verifier.
pub(super) struct Checking<'scope, 'env, 'a> {
    pub(super) verifier: LogVerifier<'a>,
    pub(super) recoveries: Recoveries,
    workers: Workers<'scope, 'env, 'a>,
    lines: Part,
    reading: VecDeque<(Arc<Part>, Receiver<Vec<Read>>)>,
    signatures: Vec<SignatureJob<'a>>,
    checking: VecDeque<Receiver<Vec<CheckedSignature>>>,
}

impl<'scope, 'env, 'a: 'scope> Checking<'scope, 'env, 'a> {
    pub(super) fn new(inputs: LogInputs<'a>, workers: Workers<'scope, 'env, 'a>) -> Self {
        Self {
            verifier: LogVerifier::new(inputs),
            recoveries: Recoveries::default(),
            workers,
            lines: Part::default(),
            reading: VecDeque::new(),
            signatures: Vec::new(),
            checking: VecDeque::new(),
        }
    }

    /// Takes the next piece of the segment. Waits when the threads are far
    /// behind.
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        if !piece.complete {
            self.finish();
            self.verifier.torn(piece.len);
            return;
        }
        self.lines.push(piece.bytes);
        if self.lines.is_full() {
            let part = Arc::new(mem::take(&mut self.lines));
            let read = Arc::clone(&part);
            let told = self.workers.run(move || read.read());
            self.reading.push_back((part, told));
        }
        if self.reading.len() > WINDOW {
            self.next_lines();
        }
    }

    /// Waits for all that is under way.
    pub(super) fn finish(&mut self) {
        while !self.reading.is_empty() {
            self.next_lines();
        }
        let rest = mem::take(&mut self.lines);
        self.take(rest.read());
        while !self.checking.is_empty() {
            self.next_signatures();
        }
        for job in mem::take(&mut self.signatures) {
            self.verifier.signature(job.check());
        }
    }

    /// Gives the oldest part to the verifier.
    fn next_lines(&mut self) {
        let Some((part, told)) = self.reading.pop_front() else { return };
        // What a panic took away is read here, where it is not caught.
        let read = told.recv().unwrap_or_else(|_| part.read());
        self.take(read);
    }

    fn take(&mut self, lines: Vec<Read>) {
        for Read { line, torn } in lines {
            self.recoveries.extend(torn);
            if let Some(job) = self.verifier.read_line(line) {
                self.check(job);
            }
        }
    }

    /// Has a signature checked.
    fn check(&mut self, job: SignatureJob<'a>) {
        self.signatures.push(job);
        if self.signatures.len() < SIGNATURES {
            return;
        }
        let jobs = mem::take(&mut self.signatures);
        let told = self.workers.run(move || jobs.into_iter().map(SignatureJob::check).collect());
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
}
