//! Receipts that are presented together.
//!
//! Each is judged as by [`verify_receipt`](super::verify_receipt), with the
//! others as context: its predecessor is looked for among them, a nonce is used
//! once in the run, and of one log no number has two receipts. That something
//! was left out shows as a gap, which is named and changes no verdict: whoever
//! presents receipts need not present all.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use super::finding::{self, Finding};
use super::input::{NonceIndex, ReceiptInputs};
use super::reason::ReasonCode;
use super::report::{
    Axis, AxisReport, AxisResult, FailureClass, Head, Problem, Report, Verdict, axes_json, count,
    problems_json, report_members, texts_json,
};
use super::subject::{Subject, text};
use super::{MAX_ENVELOPE_LEN, unreadable_text};
use crate::digest::Sha256Digest;
use crate::json::{Json, JsonError, Object};

/// A report names at most this many gaps; it counts the rest.
const MAX_GAPS: usize = 16;

/// What verification of receipts that were presented together found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// The worst verdict of them all; without any receipt, `unverifiable`.
    pub verdict: Verdict,
    /// Why it is unverified: the first problem of the verdict's class.
    pub reason_code: Option<ReasonCode>,
    /// One report for each receipt, in the order given.
    pub reports: Vec<Report>,
    /// All fifteen axes, each as in the receipt where it ended worst.
    pub axes: Vec<AxisReport>,
    /// What is wrong between receipts.
    pub problems: Vec<Problem>,
    /// What no verdict here covers, each once.
    pub not_checked: Vec<String>,
}

/// Verifies receipts that are presented together, each given as its JSON
/// envelope. `inputs.predecessor` and `inputs.originating` stay out of it: they
/// belong to one receipt.
#[must_use]
pub fn verify_run<T: AsRef<[u8]>>(envelopes: &[T], inputs: &ReceiptInputs<'_>) -> RunReport {
    let presented: Vec<_> = envelopes.iter().map(|envelope| Presented::read(envelope.as_ref())).collect();
    let mut by_payload = HashMap::new();
    for (at, receipt) in presented.iter().enumerate() {
        if let Some(payload) = receipt.payload {
            by_payload.entry(payload).or_insert(at);
        }
    }
    let mut nonces = inputs.nonces.cloned().unwrap_or_default();
    let mut reports = Vec::with_capacity(presented.len());
    for receipt in &presented {
        let before = receipt.previous.and_then(|previous| by_payload.get(&previous));
        let before = before.and_then(|at| envelopes.get(*at)).map(AsRef::as_ref);
        let report = receipt.verify(before, &nonces, inputs);
        nonces.record(&report);
        reports.push(report);
    }
    conclude(&presented, reports)
}

/// A receipt before it is judged.
struct Presented {
    json: Result<Json, JsonError>,
    /// SHA-256 of its canonical payload.
    payload: Option<Sha256Digest>,
    /// The payload that it links to.
    previous: Option<Sha256Digest>,
    /// `asqav.log_id`.
    log_id: Option<String>,
}

impl Presented {
    fn read(envelope: &[u8]) -> Self {
        let json = Json::parse_within(envelope, MAX_ENVELOPE_LEN);
        let subject = json.as_ref().ok().and_then(Json::as_object).and_then(|raw| Subject::find(raw).ok());
        let subject = subject.as_ref();
        let payload = subject.map(|subject| Sha256Digest::of(&subject.message));
        let previous = subject.and_then(|subject| subject.text("previousReceiptHash"));
        let previous = previous.and_then(Sha256Digest::parse_hex);
        let log_id = subject.and_then(|subject| text(subject.asqav()?, "log_id")).map(str::to_owned);
        Self { json, payload, previous, log_id }
    }

    fn verify(&self, before: Option<&[u8]>, nonces: &NonceIndex, inputs: &ReceiptInputs<'_>) -> Report {
        let mut own = inputs.nonces(nonces);
        (own.predecessor, own.originating) = (before, None);
        match &self.json {
            Ok(json) => super::verify_json(json, &own),
            Err(error) => unreadable_text(error, &own),
        }
    }
}

fn conclude(presented: &[Presented], reports: Vec<Report>) -> RunReport {
    let (problems, gaps) = between(presented, &reports);
    let mut not_checked: Vec<String> = Vec::new();
    for line in reports.iter().flat_map(|report| &report.not_checked) {
        if !not_checked.contains(line) {
            not_checked.push(line.clone());
        }
    }
    not_checked.extend(gaps);
    not_checked.push("log: what only a whole log shows (outcomes, sessions, sealed segments)".to_owned());
    let all: Vec<_> = reports.iter().flat_map(|report| &report.problems).chain(&problems).cloned().collect();
    let keyed = reports.iter().any(|report| report.verdict == Verdict::VerifiedKeyed);
    let (verdict, reason_code) = if reports.is_empty() {
        (Verdict::Unverified(FailureClass::Unverifiable), Some(ReasonCode::NoPayload))
    } else {
        finding::fold(&all, keyed)
    };
    let axes = Axis::ALL.into_iter().map(|axis| worst(axis, &reports)).collect();
    RunReport { verdict, reason_code, reports, axes, problems, not_checked }
}

/// The axis as it ended worst, and in how many of the receipts.
fn worst(axis: Axis, reports: &[Report]) -> AxisReport {
    let mut found = reports.iter().filter_map(|report| report.axis(axis));
    let Some(mut worst) = found.next() else {
        return Finding::skip(ReasonCode::NoPayload, "there is no receipt").on(axis);
    };
    let mut times = 1_usize;
    for report in found {
        match report.result.cmp(&worst.result) {
            Ordering::Greater => (worst, times) = (report, 1),
            Ordering::Equal => times += 1,
            Ordering::Less => {}
        }
    }
    let note = match reports.len() {
        1 => worst.note.clone(),
        all if worst.result == AxisResult::Pass => format!("in all {all} receipts"),
        all => format!("in {times} of {all} receipts; first: {}", worst.note),
    };
    AxisReport { note, ..worst.clone() }
}

/// Two receipts with one number, and the numbers that are missing: by the
/// receipts whose signature holds, since anyone can make up others.
fn between(presented: &[Presented], reports: &[Report]) -> (Vec<Problem>, Vec<String>) {
    let mut logs: BTreeMap<(&str, &str), BTreeMap<u64, &Report>> = BTreeMap::new();
    let mut problems = Vec::new();
    for (receipt, report) in presented.iter().zip(reports) {
        if report.proves_fraud() {
            problems.push(Problem {
                seq: report.subject.seq,
                action_id: None,
                axis: Axis::Seq,
                reason_code: ReasonCode::SeqReused,
                note: "a fraud proof among them holds: their signer wrote two histories".to_owned(),
            });
            continue;
        }
        let (Some(log), Some(seq)) = (receipt.log_id.as_deref(), report.subject.seq) else { continue };
        if !is_signed(report) {
            continue;
        }
        let issuer = report.subject.issuer_id.as_deref().unwrap_or_default();
        let first = *logs.entry((issuer, log)).or_default().entry(seq).or_insert(report);
        if first.subject.payload_sha256 != report.subject.payload_sha256 {
            let other = first.subject.action_id.as_deref().unwrap_or_default();
            problems.push(Problem {
                seq: Some(seq),
                action_id: report.subject.action_id.clone(),
                axis: Axis::Seq,
                reason_code: ReasonCode::SeqReused,
                note: format!("{other} has the same number in the same log: its signer wrote two histories"),
            });
        }
    }
    (problems, gaps(&logs))
}

fn is_signed(report: &Report) -> bool {
    report.axis(Axis::Signature).is_some_and(|axis| axis.result == AxisResult::Pass)
}

fn gaps(logs: &BTreeMap<(&str, &str), BTreeMap<u64, &Report>>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut more = 0_usize;
    for ((_, log), receipts) in logs {
        for (before, after) in receipts.keys().zip(receipts.keys().skip(1)) {
            let (first, last) = (before.saturating_add(1), after.saturating_sub(1));
            if first > last {
                continue;
            }
            if lines.len() == MAX_GAPS {
                more += 1;
                continue;
            }
            lines.push(match last - first {
                0 => format!("completeness: receipt {first} of log {log} was not presented"),
                _ => format!("completeness: receipts {first} to {last} of log {log} were not presented"),
            });
        }
    }
    if more > 0 {
        lines.push(format!("completeness: {more} more gaps"));
    }
    lines
}

impl RunReport {
    /// The report as `verify --json` prints it for more than one receipt:
    /// `verdict`, `failure_class`, `reason_code`, `receipts`, `segments` (0),
    /// `results` (each with `source` from `sources`, `seq`, `action_id` and the
    /// members of [`Report::to_json`]), `axes`, `problems` between receipts,
    /// `not_checked`.
    #[must_use]
    pub fn to_json(&self, sources: &[String]) -> Json {
        let receipts = u64::try_from(self.reports.len()).unwrap_or(u64::MAX);
        let head = Head { verdict: self.verdict, reason_code: self.reason_code, receipts, segments: 0 };
        let mut object = report_members(&head);
        let results = self.reports.iter().enumerate().map(|(at, report)| {
            let mut result = match report.to_json() {
                Json::Object(object) => object,
                _ => Object::new(),
            };
            result.set("source", sources.get(at).map_or(Json::Null, |source| Json::from(source.as_str())));
            result.set("seq", report.subject.seq.map_or(Json::Null, count));
            result.set("action_id", report.subject.action_id.as_deref().map_or(Json::Null, Json::from));
            Json::Object(result)
        });
        object.set("results", Json::Array(results.collect()));
        object.set("axes", axes_json(&self.axes));
        object.set("problems", problems_json(&self.problems));
        object.set("not_checked", texts_json(&self.not_checked));
        Json::Object(object)
    }
}
