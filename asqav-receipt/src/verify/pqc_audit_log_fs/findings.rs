//! What was found, axis by axis, in bounded memory.

use std::collections::HashSet;

use crate::verify::reason::ReasonCode;
use crate::verify::report::{Axis, AxisReport, AxisResult, FailureClass, Problem};

/// Problems beyond this number are counted, not listed.
const MAX_PROBLEMS: usize = 1_000;

#[derive(Debug, Clone, Default)]
struct Count {
    passed: u64,
    /// The first finding of the worse class so far.
    worst: Option<(ReasonCode, String)>,
    others: u64,
}

/// The results of one log.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    counts: [Count; Axis::ALL.len()],
    problems: Vec<Problem>,
    omitted: u64,
    listed: HashSet<(Axis, ReasonCode)>,
}

impl Findings {
    /// Something was checked and found right.
    pub(super) fn pass(&mut self, axis: Axis) {
        if let Some(count) = self.count(axis) {
            count.passed += 1;
        }
    }

    /// Something was found wrong or left unchecked. Falsehoods are listed one
    /// by one, the rest once for each axis and reason.
    pub(super) fn problem(&mut self, axis: Axis, reason_code: ReasonCode, note: impl Into<String>) {
        let note = note.into();
        self.note(axis, reason_code, &note);
        let once = reason_code.class() != Some(FailureClass::Invalid);
        if once && !self.listed.insert((axis, reason_code)) {
            return;
        }
        if self.problems.len() >= MAX_PROBLEMS {
            self.omitted += 1;
            return;
        }
        self.problems.push(Problem { seq: None, action_id: None, axis, reason_code, note });
    }

    /// An axis was not judged, which by itself blocks nothing.
    pub(super) fn note(&mut self, axis: Axis, reason: ReasonCode, note: &str) {
        let Some(class) = reason.class() else { return };
        let Some(count) = self.count(axis) else { return };
        count.others += 1;
        if count.worst.as_ref().and_then(|(worst, _)| worst.class()).is_none_or(|worst| class > worst) {
            count.worst = Some((reason, note.to_owned()));
        }
    }

    /// Whether nothing false was found.
    pub(super) fn falsehoods(&self) -> usize {
        let is_false = |problem: &&Problem| problem.reason_code.class() == Some(FailureClass::Invalid);
        self.problems.iter().filter(is_false).count() + usize::try_from(self.omitted).unwrap_or(usize::MAX)
    }

    /// All fifteen axes, the problems, and how many are not listed.
    pub(super) fn into_parts(self) -> (Vec<AxisReport>, Vec<Problem>, u64) {
        let axes = Axis::ALL.into_iter().zip(self.counts).map(|(axis, count)| count.report(axis)).collect();
        (axes, self.problems, self.omitted)
    }

    fn count(&mut self, axis: Axis) -> Option<&mut Count> {
        self.counts.iter_mut().zip(Axis::ALL).find(|(_, of)| *of == axis).map(|(count, _)| count)
    }
}

impl Count {
    fn report(self, axis: Axis) -> AxisReport {
        if let Some((reason, note)) = self.worst {
            let result = match reason.class() {
                Some(FailureClass::Invalid) => AxisResult::Fail,
                _ => AxisResult::Skipped,
            };
            let note = format!("{note} ({} of {})", self.others, self.others + self.passed);
            return AxisReport { axis, result, reason: Some(reason), note };
        }
        if self.passed > 0 {
            let note = format!("{} checked", self.passed);
            return AxisReport { axis, result: AxisResult::Pass, reason: None, note };
        }
        let (result, reason, note) = match axis {
            Axis::Anchors => {
                (AxisResult::Skipped, Some(ReasonCode::NotAnchored), "the format has no proof of time")
            }
            Axis::Counterparty | Axis::OuterCopies | Axis::Expiry => {
                (AxisResult::Pass, None, "nothing of this kind in the format")
            }
            _ => (AxisResult::Skipped, Some(ReasonCode::EmptyLog), "nothing to check"),
        };
        AxisReport { axis, result, reason, note: note.to_owned() }
    }
}
