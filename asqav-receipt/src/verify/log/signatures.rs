//! Signatures whose arithmetic runs apart from the reading of the log.

use super::line::ReadLine;
use super::tally::Place;
use crate::verify::axes::signature::Check;
use crate::verify::report::{Axis, AxisReport};

/// One signature to check: a receipt's, or that of a batch. May move to another
/// thread. That of a batch keeps its lines in memory: at most 1 MiB of them and
/// a line, with what was read of them.
#[derive(Debug)]
#[must_use = "a signature that is not checked leaves the log unverifiable"]
pub struct SignatureJob<'a> {
    place: Place,
    count: u64,
    check: Check<'a>,
    message: Vec<u8>,
    /// A batch's lines. They are dropped where the signature is checked, so that
    /// this does not hold up the thread that all lines pass through.
    lines: Vec<ReadLine>,
}

/// A signature that was checked; the result is inside.
#[derive(Debug, Clone)]
#[must_use = "give it back to the verifier"]
pub struct CheckedSignature {
    place: Place,
    count: u64,
    axis: AxisReport,
}

impl<'a> SignatureJob<'a> {
    /// The signature that decides about `count` receipts, the last of them in
    /// this place.
    pub(super) const fn new(
        place: Place,
        count: u64,
        check: Check<'a>,
        message: Vec<u8>,
        lines: Vec<ReadLine>,
    ) -> Self {
        Self { place, count, check, message, lines }
    }

    /// Whether it is that of a batch, and keeps the batch's lines.
    #[must_use]
    pub const fn is_of_batch(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Runs the arithmetic: about 0.1 ms for ML-DSA-65 in release builds.
    pub fn check(self) -> CheckedSignature {
        let axis = self.check.run(&self.message).on(Axis::Signature);
        drop(self.lines);
        CheckedSignature { place: self.place, count: self.count, axis }
    }
}

impl CheckedSignature {
    pub(super) fn into_parts(self) -> (Place, AxisReport, u64) {
        (self.place, self.axis, self.count)
    }
}
