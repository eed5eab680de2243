//! Feeding a verifier, with the signatures on all processors.

use asqav_receipt::verify::{LogInputs, LogVerifier};

use super::recoveries::Recoveries;
use super::workers::Workers;
use crate::lines::Piece;

/// A log on its way into a verifier.
pub(super) struct Checking<'scope, 'env, 'a> {
    pub(super) verifier: LogVerifier<'a>,
    pub(super) recoveries: Recoveries,
    workers: Workers<'scope, 'env, 'a>,
}

impl<'scope, 'env, 'a: 'scope> Checking<'scope, 'env, 'a> {
    pub(super) fn new(inputs: LogInputs<'a>, workers: Workers<'scope, 'env, 'a>) -> Self {
        Self { verifier: LogVerifier::new(inputs), recoveries: Recoveries::default(), workers }
    }

    /// Takes the next piece of the segment.
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        if !piece.complete {
            self.verifier.torn(piece.len);
            return;
        }
        self.recoveries.line(piece.bytes);
        if let Some(job) = self.verifier.line_deferred(piece.bytes) {
            for checked in self.workers.check(job) {
                self.verifier.signature(checked);
            }
        }
    }

    /// Waits for the signatures that are still being checked.
    pub(super) fn finish_signatures(&mut self) {
        for checked in self.workers.finish() {
            self.verifier.signature(checked);
        }
    }
}
