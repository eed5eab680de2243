//! The results of many receipts, axis by axis, in bounded memory.

use std::collections::HashSet;

use crate::id::ActionId;
use crate::payload::Payload;
use crate::verify::axes::anchors;
use crate::verify::finding;
use crate::verify::reason::ReasonCode;
use crate::verify::report::{Axis, AxisReport, AxisResult, FailureClass, Problem};
use crate::verify::subject::Subject;

/// Problems beyond this number are counted, not listed.
pub(super) const MAX_PROBLEMS: usize = 1_000;

/// Where in the log something was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) seq: Option<u64>,
    action_id: Option<Action>,
}

/// The id of a receipt, in words only when they are asked for.
#[derive(Debug, Clone)]
enum Action {
    Named(String),
    Id(ActionId),
}

impl Place {
    pub(super) fn of_subject(subject: &Subject<'_>) -> Self {
        let action_id = subject.text("action_id").map(|id| Action::Named(id.to_owned()));
        Self { seq: subject.seq(), action_id }
    }

    pub(super) const fn of_payload(payload: &Payload) -> Self {
        Self::of(payload.seq, Some(payload.action_id))
    }

    pub(super) const fn of(seq: u64, action_id: Option<ActionId>) -> Self {
        let action_id = match action_id {
            Some(id) => Some(Action::Id(id)),
            None => None,
        };
        Self { seq: Some(seq), action_id }
    }

    pub(super) const fn seq(seq: u64) -> Self {
        Self { seq: Some(seq), action_id: None }
    }

    fn action_id(&self) -> Option<String> {
        self.action_id.as_ref().map(|action| match action {
            Action::Named(name) => name.clone(),
            Action::Id(id) => id.to_string(),
        })
    }
}

/// How one axis ended over all receipts.
#[derive(Debug, Clone, Default)]
struct Count {
    passed: u64,
    skipped: u64,
    failed: u64,
    skip: Option<(ReasonCode, String)>,
    fail: Option<(ReasonCode, String)>,
    /// Where the failure of `fail` is.
    fail_seq: Option<u64>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    counts: [Count; Axis::ALL.len()],
    problems: Vec<Problem>,
    omitted: u64,
    require_anchor: bool,
    /// What is listed once, however often it occurs.
    listed: HashSet<(Axis, ReasonCode)>,
}

impl Tally {
    /// Nothing counted yet; `require_anchor` makes a missing anchor a problem.
    pub(super) fn new(require_anchor: bool) -> Self {
        Self { require_anchor, ..Self::default() }
    }

    /// Counts the result of one axis for `times` receipts, the last of which
    /// stands in this place.
    pub(super) fn axis(&mut self, place: &Place, report: &AxisReport, times: u64) {
        if let Some((reason, _)) = finding::blocking(report, self.require_anchor) {
            self.list(place, report.axis, reason, &report.note);
        }
        let Some(count) = self.count(report.axis) else { return };
        match report.result {
            AxisResult::Pass => count.passed += times,
            AxisResult::Skipped => count.skip(report.reason, &report.note, times),
            AxisResult::Fail => count.fail(place, report.reason, &report.note, times),
        }
    }

    /// Counts a receipt with which nothing is wrong: it passes every axis but
    /// `anchors`, of which it has none, and `signature`, which is still open.
    pub(super) fn plain(&mut self, place: &Place) {
        let mut noted = !self.require_anchor;
        for (count, axis) in self.counts.iter_mut().zip(Axis::ALL) {
            match axis {
                Axis::Signature => {}
                Axis::Anchors => noted = noted && count.skip_again(),
                _ => count.passed += 1,
            }
        }
        if !noted {
            self.axis(place, &anchors::none().on(Axis::Anchors), 1);
        }
    }

    /// Counts something found beside the axes of one receipt.
    pub(super) fn problem(&mut self, place: &Place, axis: Axis, reason: ReasonCode, note: impl Into<String>) {
        let note = note.into();
        self.list(place, axis, reason, &note);
        let Some(count) = self.count(axis) else { return };
        match reason.class() {
            Some(FailureClass::Invalid) => count.fail(place, Some(reason), &note, 1),
            Some(FailureClass::Unverifiable) => count.skip(Some(reason), &note, 1),
            None => {}
        }
    }

    /// As [`problem`](Self::problem), for a falsehood that shows only at the
    /// end: it is listed where it stands in the log.
    pub(super) fn late(&mut self, place: &Place, axis: Axis, reason: ReasonCode, note: &str) {
        let after = |problem: &Problem| problem.seq > place.seq;
        let at = self.problems.iter().position(after).unwrap_or(self.problems.len());
        if at < self.problems.len() && self.problems.len() >= MAX_PROBLEMS {
            self.problems.pop();
            self.omitted += 1;
        }
        let listed = self.problems.len();
        self.problem(place, axis, reason, note);
        if self.problems.len() > listed
            && let Some(newer) = self.problems.get_mut(at..)
        {
            newer.rotate_right(1);
        }
    }

    /// Counts falsehoods that are not listed.
    pub(super) fn more(&mut self, axis: Axis, count: u64) {
        self.omitted += count;
        if let Some(of) = self.count(axis) {
            of.failed += count;
        }
    }

    /// Every axis over the whole log, and the problems, listed and not.
    pub(super) fn into_parts(self) -> (Vec<AxisReport>, Vec<Problem>, u64) {
        let axes = Axis::ALL.into_iter().zip(self.counts).map(|(axis, count)| count.report(axis)).collect();
        (axes, self.problems, self.omitted)
    }

    /// Falsehoods are listed one by one; what could not be checked, and
    /// remarks, once for all receipts.
    fn list(&mut self, place: &Place, axis: Axis, reason_code: ReasonCode, note: &str) {
        let once = reason_code.class() != Some(FailureClass::Invalid);
        if once && !self.listed.insert((axis, reason_code)) {
            return;
        }
        if self.problems.len() >= MAX_PROBLEMS {
            self.omitted += 1;
            return;
        }
        let (seq, action_id) = (place.seq, place.action_id());
        self.problems.push(Problem { seq, action_id, axis, reason_code, note: note.to_owned() });
    }

    fn count(&mut self, axis: Axis) -> Option<&mut Count> {
        self.counts.iter_mut().zip(Axis::ALL).find(|(_, of)| *of == axis).map(|(count, _)| count)
    }
}

impl Count {
    fn skip(&mut self, reason: Option<ReasonCode>, note: &str, times: u64) {
        self.skipped += times;
        if self.skip.is_none() {
            self.skip = reason.map(|reason| (reason, note.to_owned()));
        }
    }

    /// Counts one more, if the first was noted.
    const fn skip_again(&mut self) -> bool {
        let noted = self.skip.is_some();
        self.skipped += noted as u64;
        noted
    }

    fn fail(&mut self, place: &Place, reason: Option<ReasonCode>, note: &str, times: u64) {
        self.failed += times;
        let sooner = self.fail_seq.zip(place.seq).is_some_and(|(before, seq)| seq < before);
        if self.fail.is_none() || sooner {
            self.fail_seq = place.seq;
            let note = place.seq.map_or_else(|| note.to_owned(), |seq| format!("seq {seq}: {note}"));
            self.fail = reason.map(|reason| (reason, note));
        }
    }

    fn report(self, axis: Axis) -> AxisReport {
        let Self { passed, skipped, failed, skip, fail, .. } = self;
        let (result, first, count) = match (failed, skipped, passed) {
            (1.., _, _) => (AxisResult::Fail, fail, failed),
            (0, 1.., _) => (AxisResult::Skipped, skip, skipped),
            (0, 0, 1..) => (AxisResult::Pass, None, passed),
            (0, 0, 0) => (AxisResult::Skipped, Some((ReasonCode::EmptyLog, "no receipts".to_owned())), 0),
        };
        let (reason, note) = first.map_or((None, None), |(reason, note)| (Some(reason), Some(note)));
        let note = note.map_or_else(
            || format!("{count} receipts"),
            |note| format!("{note} ({count} of {})", passed + skipped + failed),
        );
        AxisReport { axis, result, reason, note }
    }
}
