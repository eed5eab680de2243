//! Assertions on receipts.

use std::fmt::Write as _;

use asqav_receipt::keys::KeySet;
use asqav_receipt::payload::{Context, Outcome, Payload, Phase};
use asqav_receipt::receipt;
use asqav_receipt::verify::{LogInputs, LogVerifier, Verdict};

use crate::log::LogEntry;

/// The receipts of a log, in order.
#[derive(Debug)]
pub struct Receipts {
    entries: Vec<LogEntry>,
    keys: KeySet,
}

impl Receipts {
    pub(super) const fn new(entries: Vec<LogEntry>, keys: KeySet) -> Self {
        Self { entries, keys }
    }

    /// The receipts with signatures and openings.
    #[must_use]
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// The payloads.
    pub fn payloads(&self) -> impl DoubleEndedIterator<Item = &Payload> + ExactSizeIterator {
        self.entries.iter().map(|entry| &*entry.payload)
    }

    /// The receipts of `tool` in one phase.
    pub fn of<'a>(&'a self, tool: &str, phase: Phase) -> impl Iterator<Item = &'a Payload> {
        self.payloads().filter(move |payload| {
            payload.asqav.phase == phase
                && payload.tool_name.as_ref().is_some_and(|name| name.as_str() == tool)
        })
    }

    /// The events of this name, e.g. `gate:start`.
    pub fn events<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Payload> {
        self.payloads().filter(
            move |payload| matches!(payload.context, Context::Event { name: found, .. } if found == name),
        )
    }

    /// Asserts how the calls of `tool` ended, in order of their outcome
    /// receipts.
    ///
    /// # Panics
    /// When they did not end so.
    #[track_caller]
    pub fn assert_outcomes(&self, tool: &str, wanted: &[Outcome]) {
        let found: Vec<_> =
            self.of(tool, Phase::Outcome).filter_map(|payload| payload.asqav.outcome).collect();
        assert!(found == wanted, "`{tool}` ended {found:?}, not {wanted:?}:\n{}", self.table());
    }

    /// Asserts that every decision on `tool` is a denial for `reason`, that
    /// there is one at least, and that nothing followed.
    ///
    /// # Panics
    /// When that is not so.
    #[track_caller]
    pub fn assert_denied(&self, tool: &str, reason: &str) {
        let mut decisions = self.of(tool, Phase::Decision).peekable();
        let some = decisions.peek().is_some();
        let all =
            decisions.all(|payload| payload.reason.as_ref().is_some_and(|code| code.as_str() == reason));
        assert!(some && all, "`{tool}` was not denied for `{reason}`:\n{}", self.table());
        self.assert_outcomes(tool, &[]);
    }

    /// Asserts that a verifier who pins the gate's key finds every receipt,
    /// every link and the meaning of the whole in order. The log may be open.
    ///
    /// # Panics
    /// With the verifier's problems when that is not so.
    #[track_caller]
    pub fn assert_verified(&self) {
        let newest = self.payloads().map(|payload| payload.issued_at).max().expect("a receipt");
        let inputs = LogInputs::new().keys(&self.keys).at(newest).allow_open(true);
        let mut verifier = LogVerifier::new(inputs);
        verifier.segment_start(1);
        for entry in &self.entries {
            verifier.line(&receipt::line(&entry.canonical, &entry.signature));
        }
        let report = verifier.finish();
        let (verdict, problems) = (report.verdict, report.problems);
        assert!(verdict == Verdict::Verified, "{verdict:?}: {problems:#?}\n{}", self.table());
    }

    /// One line per receipt, for people.
    #[must_use]
    pub fn table(&self) -> String {
        self.payloads().fold(String::new(), |mut table, payload| {
            let Payload { seq, action_type, decision, reason, session_id, asqav, .. } = payload;
            let outcome = asqav.outcome.map_or("", Outcome::as_str);
            let reason = reason.as_ref().map_or("", |reason| reason.as_str());
            let session = session_id.as_ref().map_or("", |session| session.as_str());
            let line = writeln!(table, "{seq:>4} {action_type} {decision} {reason} {outcome} {session}");
            debug_assert!(line.is_ok(), "writing to a string does not fail");
            table
        })
    }
}
