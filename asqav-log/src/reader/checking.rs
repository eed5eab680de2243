//! Feeding a verifier, with the signatures on all processors.

use std::num::NonZeroUsize;
use std::thread;

use asqav_receipt::verify::{CheckedSignature, LogInputs, LogVerifier, SignatureJob};

use super::recoveries::Recoveries;
use crate::lines::Piece;

/// So many signatures are gathered before they are checked. Results go back in
/// the log's order, so that a report does not depend on threads.
const BATCH_LEN: usize = 256;

/// A log on its way into a verifier.
pub(super) struct Checking<'a> {
    pub(super) verifier: LogVerifier<'a>,
    pub(super) recoveries: Recoveries,
    jobs: Vec<SignatureJob<'a>>,
}

impl<'a> Checking<'a> {
    pub(super) fn new(inputs: LogInputs<'a>) -> Self {
        Self { verifier: LogVerifier::new(inputs), recoveries: Recoveries::default(), jobs: Vec::new() }
    }

    /// Takes the next piece of the segment.
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        if !piece.complete {
            self.verifier.torn(piece.len);
            return;
        }
        self.recoveries.line(piece.bytes);
        self.jobs.extend(self.verifier.line_deferred(piece.bytes));
        if self.jobs.len() >= BATCH_LEN {
            self.finish_signatures();
        }
    }

    /// Checks the signatures that were gathered.
    pub(super) fn finish_signatures(&mut self) {
        for checked in check_all(std::mem::take(&mut self.jobs)) {
            self.verifier.signature(checked);
        }
    }
}

fn check_all(jobs: Vec<SignatureJob<'_>>) -> Vec<CheckedSignature> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = jobs.len().div_ceil(threads).max(8);
    if jobs.len() <= share {
        return jobs.into_iter().map(SignatureJob::check).collect();
    }
    let mut jobs = jobs.into_iter();
    thread::scope(|scope| {
        let mut running = Vec::new();
        while jobs.len() > 0 {
            let part: Vec<_> = jobs.by_ref().take(share).collect();
            running.push(scope.spawn(|| part.into_iter().map(SignatureJob::check).collect::<Vec<_>>()));
        }
        // A result that a panic took away is missed by the verifier.
        running.into_iter().flat_map(|part| part.join().unwrap_or_default()).collect()
    })
}
