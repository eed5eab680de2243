//! What one axis found, and how findings fold into a verdict.

use super::reason::ReasonCode;
use super::report::{Axis, AxisReport, AxisResult, FailureClass, Problem, Verdict};

/// The result of one axis before it knows which axis it is.
///
/// There is no default: an axis that was not judged cannot pass by accident.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    result: AxisResult,
    reason: Option<ReasonCode>,
    note: String,
}

impl Finding {
    pub(super) fn pass(note: impl Into<String>) -> Self {
        Self { result: AxisResult::Pass, reason: None, note: note.into() }
    }

    pub(super) fn fail(reason: ReasonCode, note: impl Into<String>) -> Self {
        Self { result: AxisResult::Fail, reason: Some(reason), note: note.into() }
    }

    pub(super) fn skip(reason: ReasonCode, note: impl Into<String>) -> Self {
        Self { result: AxisResult::Skipped, reason: Some(reason), note: note.into() }
    }

    pub(super) const fn passed(&self) -> bool {
        matches!(self.result, AxisResult::Pass)
    }

    pub(super) fn on(self, axis: Axis) -> AxisReport {
        AxisReport { axis, result: self.result, reason: self.reason, note: self.note }
    }
}

/// `Ok(note)` passes; `Err` carries the finding that ended the check.
impl From<Result<String, Self>> for Finding {
    fn from(outcome: Result<String, Self>) -> Self {
        outcome.map_or_else(|finding| finding, Self::pass)
    }
}

/// Why this axis blocks a verdict of `verified`, if it does.
pub(super) fn blocking(report: &AxisReport, require_anchor: bool) -> Option<(ReasonCode, FailureClass)> {
    let reason = report.reason?;
    let class = reason.class()?;
    let tolerated = match report.result {
        AxisResult::Pass => true,
        AxisResult::Fail => false,
        AxisResult::Skipped => match report.axis {
            Axis::Chain => reason == ReasonCode::PredecessorMissing,
            Axis::Anchors => !require_anchor,
            _ => false,
        },
    };
    // Expiry is reported and never changes the verdict.
    (!tolerated && report.axis != Axis::Expiry).then_some((reason, class))
}

/// The verdict that these problems leave, and the first reason of its class.
pub(super) fn fold(problems: &[Problem], keyed: bool) -> (Verdict, Option<ReasonCode>) {
    let worst = problems.iter().filter_map(|problem| problem.reason_code.class()).max();
    let Some(class) = worst else {
        return (if keyed { Verdict::VerifiedKeyed } else { Verdict::Verified }, None);
    };
    let first = problems.iter().find(|problem| problem.reason_code.class() == Some(class));
    (Verdict::Unverified(class), first.map(|problem| problem.reason_code))
}
