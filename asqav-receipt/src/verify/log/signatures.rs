//! Signatures whose arithmetic runs apart from the reading of the log.

use super::tally::Place;
use crate::verify::axes::signature::Check;
use crate::verify::report::{Axis, AxisReport};

/// One signature to check. May move to another thread.
#[derive(Debug)]
#[must_use = "a signature that is not checked leaves the log unverifiable"]
pub struct SignatureJob<'a> {
    place: Place,
    check: Check<'a>,
    message: Vec<u8>,
}

/// A signature that was checked; the result is inside.
#[derive(Debug, Clone)]
#[must_use = "give it back to the verifier"]
pub struct CheckedSignature {
    place: Place,
    axis: AxisReport,
}

impl<'a> SignatureJob<'a> {
    pub(super) const fn new(place: Place, check: Check<'a>, message: Vec<u8>) -> Self {
        Self { place, check, message }
    }

    /// Runs the arithmetic: about 0.1 ms for ML-DSA-65 in release builds.
    pub fn check(self) -> CheckedSignature {
        let axis = self.check.run(&self.message).on(Axis::Signature);
        CheckedSignature { place: self.place, axis }
    }
}

impl CheckedSignature {
    pub(super) fn into_parts(self) -> (Place, AxisReport) {
        (self.place, self.axis)
    }
}
