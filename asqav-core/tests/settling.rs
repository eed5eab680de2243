//! What a call really cost, as its result says it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use asqav_core::argument::JsonText;
use asqav_core::call::Capture;
use asqav_core::limits::{LimitError, Limits};
use asqav_core::permit::Ending;
use asqav_core::policy::{Budget, Charge, Decision, Duty, Obligation, Target};
use asqav_core::testing::{MemoryLog, TestGate};
use asqav_core::{Refused, ToolCall};
use asqav_receipt::time::Timestamp;
use common::{Rules, call, reason, rule};
use serde_json::{Value, json};

/// What a store was asked to do, by the charge's key.
#[derive(Debug, Clone, Default)]
struct Asked(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

impl Asked {
    fn note(&self, charge: &Charge, what: String) {
        self.0.lock().unwrap().entry(charge.key.clone()).or_default().push(what);
    }
    fn of(&self, key: &str) -> Vec<String> {
        self.0.lock().unwrap().get(key).cloned().unwrap_or_default()
    }
}

impl Limits for Asked {
    fn take(&self, charges: &[Charge], _: Timestamp) -> Result<(), LimitError> {
        charges.iter().for_each(|charge| self.note(charge, format!("take {}", charge.cost)));
        Ok(())
    }
    fn refund(&self, charges: &[Charge], _: Timestamp) {
        charges.iter().for_each(|charge| self.note(charge, format!("refund {}", charge.cost)));
    }
    fn settle(&self, charge: &Charge, actual: u64, _: Timestamp) -> Result<(), LimitError> {
        self.note(charge, format!("settle {actual}"));
        Err(LimitError::Store("what a store says does not matter to the caller".to_owned()))
    }
}

fn charge(key: &str, cost: u64) -> Charge {
    Charge::new(key.to_owned(), Budget::new(100, None), cost, rule("spend"))
}

fn gate() -> (TestGate, Asked) {
    let asked = Asked::default();
    let rules = Rules::new(|_| {
        let tokens = charge("tokens", 50).settled_by("/usage/total");
        Decision::allow(vec![rule("spend")], vec![tokens, charge("calls", 1)])
    });
    let test = TestGate::on(MemoryLog::new(), |builder| builder.policy(rules).limits(asked.clone())).unwrap();
    (test, asked)
}

/// What the stores were asked once a tool gave back `result`.
fn after(result: &Value) -> Vec<String> {
    let (test, asked) = gate();
    let given = test.gate().run_sync(call("t"), || Ok::<_, Refused>(result.clone())).unwrap();
    assert_eq!(&given, result);
    test.receipts().assert_verified();
    assert_eq!(asked.of("calls"), ["take 1"], "a cost that is known is not settled");
    asked.of("tokens")
}

#[test]
fn the_result_says_what_a_call_cost() {
    assert_eq!(after(&json!({"usage": {"total": 7}})), ["take 50", "settle 7"]);
    assert_eq!(after(&json!({"usage": {"total": 900}})), ["take 50", "settle 900"]);
}

#[test]
fn without_a_whole_number_there_the_reservation_stays() {
    for result in [json!({}), json!({"usage": {"total": -1}}), json!({"usage": {"total": "7"}}), json!(7)] {
        assert_eq!(after(&result), ["take 50"], "{result}");
    }
}

#[test]
fn whatever_way_a_call_ends_it_is_settled_at_most_once() {
    let text = || JsonText::parse(r#"{"usage":{"total":7}}"#).unwrap();
    let admit = |test: &TestGate| test.gate().admit(call("t")).wait().unwrap();
    let (test, asked) = gate();
    admit(&test).complete(Ending::ok().with_result(text(), Capture::Commit)).wait().unwrap();
    assert_eq!(asked.of("tokens"), ["take 50", "settle 7"]);

    let (test, asked) = gate();
    let permit = test.gate().admit(ToolCall::builder("t", "a:b").build().releasing()).wait().unwrap();
    let (released, done) = permit.release(text(), Capture::Drop);
    released.unwrap();
    done.wait().unwrap();
    assert_eq!(asked.of("tokens"), ["take 50", "settle 7"], "a result that is not captured");

    let (test, asked) = gate();
    admit(&test).complete(Ending::error_of_class("Timeout")).wait().unwrap();
    assert_eq!(asked.of("tokens"), ["take 50"], "nobody knows what a failed call cost");

    let (test, asked) = gate();
    admit(&test).abandon().wait().unwrap();
    assert_eq!(asked.of("tokens"), ["take 50", "refund 50"], "the body did not run");
}

/// What nobody may see of a result still counts.
#[test]
fn a_result_that_is_changed_or_withheld_is_settled_as_the_tool_gave_it() {
    for (duty, goes_on) in [(Duty::Redact, true), (Duty::Mask { keep_last: 1 }, false)] {
        let asked = Asked::default();
        let rules = Rules::new(move |_| {
            let tokens = charge("tokens", 50).settled_by("/usage/total");
            let mut decision = Decision::allow(vec![rule("spend")], vec![tokens]);
            let on = Target::Result("/usage".to_owned());
            decision.obligations = vec![Obligation::new(on, duty.clone(), rule("spend"))];
            decision
        });
        let test =
            TestGate::on(MemoryLog::new(), |builder| builder.policy(rules).limits(asked.clone())).unwrap();
        let call = call("t").adapting().releasing();
        let permit = test.gate().admit(call).wait().unwrap();
        let result = JsonText::parse(r#"{"usage":{"total":7}}"#).unwrap();
        let (released, done) = permit.release(result, Capture::Commit);
        done.wait().unwrap();
        assert_eq!(released.is_ok(), goes_on);
        assert_eq!(asked.of("tokens"), ["take 50", "settle 7"]);
    }
}

#[test]
fn a_denied_call_costs_nothing() {
    let asked = Asked::default();
    let rules = Rules::new(|_| Decision::deny(Vec::new(), reason("no_rule")));
    let test = TestGate::on(MemoryLog::new(), |builder| builder.policy(rules).limits(asked.clone())).unwrap();
    test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap_err();
    assert!(asked.0.lock().unwrap().is_empty());
}
