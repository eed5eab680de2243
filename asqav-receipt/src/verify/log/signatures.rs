//! Signatures whose arithmetic runs apart from the reading of the log.

use super::tally::Place;
use crate::verify::axes::signature::Check;
use crate::verify::report::{Axis, AxisReport};

/// One signature to check: a receipt's, or that of a batch. May move to another
/// thread.
#[derive(Debug)]
#[must_use = "a signature that is not checked leaves the log unverifiable"]
pub struct SignatureJob<'a> {
    place: Place,
    count: u64,
    check: Check<'a>,
    message: Vec<u8>,
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
    pub(super) const fn new(place: Place, count: u64, check: Check<'a>, message: Vec<u8>) -> Self {
        Self { place, count, check, message }
    }

    /// Runs the arithmetic: about 0.1 ms for ML-DSA-65 in release builds.
    pub fn check(self) -> CheckedSignature {
        let axis = self.check.run(&self.message).on(Axis::Signature);
        CheckedSignature { place: self.place, count: self.count, axis }
    }
}

impl CheckedSignature {
    pub(super) fn into_parts(self) -> (Place, AxisReport, u64) {
        (self.place, self.axis, self.count)
    }
}
