//! A gate on a log in memory, and calls as one line of text.

use std::future::Future;

use asqav::receipt::digest::{Sha3Digest, Sha256Digest};
use asqav::testing::{AllowAll, TestGate};
use asqav::{Decision, Gate, Policy, PolicyId, PolicyInput, ReasonCode};
use asqav_core::log::LogEntry;
use serde_json::Value;

/// A gate, and the log that it writes.
pub(crate) struct Bench {
    pub(crate) gate: Gate,
    test: TestGate,
}

impl Bench {
    /// Every call may run.
    pub(crate) fn allowing() -> Self {
        Self::with(AllowAll::new())
    }

    /// No call may run.
    pub(crate) fn denying() -> Self {
        Self::with(Nothing(PolicyId::parse("nothing").unwrap()))
    }

    fn with(policy: impl Policy) -> Self {
        let test = TestGate::with_policy(policy);
        Self { gate: test.gate().clone(), test }
    }

    /// All receipts so far, which verify.
    fn entries(&self) -> Vec<(Value, LogEntry)> {
        let receipts = self.test.receipts();
        receipts.assert_verified();
        receipts.entries().iter().map(|entry| (parse(entry), entry.clone())).collect()
    }

    /// The calls so far: `action tool argument=form … -> outcome result`,
    /// where a committed value is shown if its opening fits. Sorted by their
    /// decisions.
    pub(crate) fn calls(&self) -> Vec<String> {
        let entries = self.entries();
        let decisions = entries.iter().filter(|(payload, _)| payload["asqav"]["phase"] == "decision");
        decisions.map(|(payload, entry)| call(payload, entry, &entries)).collect()
    }

    /// The payloads of one type.
    pub(crate) fn payloads(&self, receipt_type: &str) -> Vec<Value> {
        let payloads = self.entries().into_iter().map(|(payload, _)| payload);
        payloads.filter(|payload| payload["type"] == receipt_type).collect()
    }
}

/// Runs `future` on a fresh gate: its output, and its one call.
pub(crate) async fn signed<R>(future: impl Future<Output = R>) -> (R, String) {
    let bench = Bench::allowing();
    let output = asqav::scope(bench.gate.clone(), future).await;
    (output, only(bench.calls()))
}

/// Runs `body` on a fresh gate: its output, and its one call.
pub(crate) fn signed_sync<R>(body: impl FnOnce() -> R) -> (R, String) {
    let bench = Bench::allowing();
    let output = asqav::scope_sync(bench.gate.clone(), body);
    (output, only(bench.calls()))
}

/// The one call there is.
pub(crate) fn only(calls: Vec<String>) -> String {
    let [call] = <[String; 1]>::try_from(calls).unwrap();
    call
}

fn call(decision: &Value, entry: &LogEntry, all: &[(Value, LogEntry)]) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let version = decision["asqav"]["tool"]["version"].as_str().map(|version| format!("@{version}"));
    let mut words = vec![text(&decision["action_type"])];
    words.push(text(&decision["tool_name"]) + &version.unwrap_or_default());
    let arguments = decision["context"]["arguments"].as_object().into_iter().flatten();
    words.extend(
        arguments.map(|(name, form)| format!("{name}={}", shown(form, &format!("/arguments/{name}"), entry))),
    );
    words.push("->".to_owned());
    if decision["decision"] != "allow" {
        words.push(text(&decision["decision"]));
    }
    let of_this = |(payload, _): &&(Value, LogEntry)| {
        payload["asqav"]["phase"] == "outcome" && payload["asqav"]["parents"][0] == decision["action_id"]
    };
    if let Some((outcome, entry)) = all.iter().find(of_this) {
        words.push(text(&outcome["asqav"]["outcome"]));
        let form = Some(&outcome["context"]["result"]).filter(|form| !form.is_null());
        words.extend(form.map(|form| shown(form, "/result", entry)));
    }
    words.join(" ")
}

/// A form, with a committed value only if its opening really opens it.
fn shown(form: &Value, pointer: &str, entry: &LogEntry) -> String {
    let members: Vec<_> = form.as_object().unwrap().iter().collect();
    match members[..] {
        [(kind, Value::String(hex))] if kind == "commit" => {
            let opening = entry.openings.as_ref().unwrap().disclose(pointer).unwrap();
            let commitment = Sha3Digest::parse_hex(hex).unwrap();
            assert!(opening.opens(&commitment, entry.payload.asqav.log_id, entry.payload.action_id));
            opening.value
        }
        [(kind, value)] => format!("{kind}({value})"),
        _ => panic!("not a form: {form}"),
    }
}

fn parse(entry: &LogEntry) -> Value {
    serde_json::from_slice(&entry.canonical).unwrap()
}

/// Allows nothing.
struct Nothing(PolicyId);

impl Policy for Nothing {
    fn id(&self) -> &PolicyId {
        &self.0
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(b"nothing")
    }

    fn decide(&self, _: &PolicyInput<'_>) -> Decision {
        Decision::deny(Vec::new(), ReasonCode::parse("no_rule").unwrap())
    }
}
