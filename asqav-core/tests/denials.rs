//! A call that must not run does not, and leaves its denial receipt.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::time::Duration;

use asqav_core::argument::JsonText;
use asqav_core::call::CallError;
use asqav_core::limits::{LimitError, Limits};
use asqav_core::policy::{Charge, Decision};
use asqav_core::testing::TestGate;
use asqav_core::{Refused, ToolCall};
use asqav_receipt::payload::{Context, Decision as Wire, MAX_PAYLOAD_LEN, Outcome, Phase};
use asqav_receipt::time::Timestamp;
use common::{Ran, Rules, call, reason, rule};

/// Runs a body that must not run, both ways, and gives both refusals.
async fn refusals(test: &TestGate, call: ToolCall) -> [Refused; 2] {
    let ran = Ran::default();
    let run: Result<(), Refused> = test
        .gate()
        .run(call.clone(), || {
            ran.mark();
            async {
                ran.mark();
                Ok(())
            }
        })
        .await;
    let sync = test.gate().run_sync(call, || {
        ran.mark();
        Ok::<_, Refused>(())
    });
    assert_eq!(ran.times(), 0, "the body ran");
    [run.unwrap_err(), sync.unwrap_err()]
}

fn receipts_of(test: &TestGate, tool: &str) -> Vec<asqav_receipt::id::ActionId> {
    test.receipts().of(tool, Phase::Decision).map(|payload| payload.action_id).collect()
}

#[tokio::test]
async fn a_denied_body_does_not_run() {
    let test =
        TestGate::with_policy(Rules::new(|_| Decision::deny(vec![rule("no")], reason("denied_by_rule"))));
    let refused = refusals(&test, call("t")).await;
    let wanted = receipts_of(&test, "t")
        .into_iter()
        .map(|receipt| Refused::Denied { reason: reason("denied_by_rule"), receipt });
    assert_eq!(Vec::from(refused), Vec::from_iter(wanted));
    let receipts = test.receipts();
    receipts.assert_denied("t", "denied_by_rule");
    let denial = receipts.of("t", Phase::Decision).next().unwrap();
    assert_eq!(denial.decision, Wire::Deny);
    assert_eq!(denial.asqav.policy.as_ref().unwrap().rules, [rule("no")]);
    receipts.assert_verified();
}

#[tokio::test]
async fn waiting_for_approval_is_a_denial() {
    let policy = Rules::new(|_| Decision::needs_approval(vec![rule("big")], reason("amount")));
    let test = TestGate::with_policy(policy);
    for refused in refusals(&test, call("t")).await {
        assert!(matches!(refused, Refused::NeedsApproval { reason, .. } if reason.as_str() == "amount"));
    }
    test.receipts().assert_denied("t", "approval_required");
}

#[test]
fn a_policy_that_panics_denies() {
    let test = TestGate::with_policy(Rules::new(|input| match input.call.tool.as_str() {
        "bad" => panic!("the policy"),
        _ => Decision::allow(vec![rule("ok")], Vec::new()),
    }));
    let refused = test.gate().run_sync(call("bad"), || Ok::<_, Refused>(())).unwrap_err();
    assert!(matches!(refused, Refused::Denied { reason, .. } if reason.as_str() == "policy_error"));
    test.gate().run_sync(call("good"), || Ok::<_, Refused>(())).unwrap();
    let receipts = test.receipts();
    receipts.assert_denied("bad", "policy_error");
    let denial = receipts.of("bad", Phase::Decision).next().unwrap();
    assert_eq!(denial.controls.policy_matched, None, "no rule matched, so none is claimed");
    receipts.assert_verified();
}

#[test]
fn a_limit_says_when_to_come_back_and_keeps_its_word() {
    let test = TestGate::with_policy(Rules::limited(2));
    let run = || test.gate().run_sync(call("t"), || Ok::<_, Refused>(()));
    run().unwrap();
    run().unwrap();
    let Err(Refused::RateLimited { retry_after, receipt }) = run() else { panic!("the third of two") };
    assert_eq!(retry_after.as_secs_f64().round(), 30.0);
    test.clock().advance(retry_after - Duration::from_millis(1));
    run().unwrap_err();
    test.clock().advance(Duration::from_millis(2));
    run().unwrap();
    let receipts = test.receipts();
    let limited: Vec<_> = receipts.payloads().filter(|payload| payload.decision == Wire::RateLimit).collect();
    assert_eq!(limited[0].action_id, receipt);
    assert_eq!(limited.len(), 2);
    assert!(limited.iter().all(|payload| payload.reason == Some(reason("rate_limited"))));
    receipts.assert_outcomes("t", &[Outcome::Ok; 3]);
    receipts.assert_verified();
}

#[test]
fn a_limit_store_that_fails_or_panics_denies() {
    struct Broken;
    impl Limits for Broken {
        fn take(&self, _: &[Charge], now: Timestamp) -> Result<(), LimitError> {
            assert!(now.unix_micros() % 2_000_000 == 0, "the store panics in odd seconds");
            Err(LimitError::Store("disk full".to_owned()))
        }
        fn refund(&self, _: &[Charge], _: Timestamp) {}
        fn settle(&self, _: &Charge, _: u64, _: Timestamp) -> Result<(), LimitError> {
            Err(LimitError::Store("away".to_owned()))
        }
    }
    let test = TestGate::with(|builder| builder.policy(Rules::limited(9)).limits(Broken));
    for _ in 0..2 {
        let refused = test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap_err();
        let Refused::Denied { reason, .. } = refused else { panic!("{refused}") };
        assert_eq!(reason.as_str(), "limit_store_unavailable");
        test.clock().advance(Duration::from_secs(1));
    }
    test.receipts().assert_denied("t", "limit_store_unavailable");
}

#[test]
fn without_a_policy_everything_runs_and_is_an_observation() {
    let test = TestGate::new();
    test.gate().run_sync(call("t"), || Ok::<_, Refused>(())).unwrap();
    let receipts = test.receipts();
    let decision = receipts.of("t", Phase::Decision).next().unwrap();
    assert_eq!(decision.decision, Wire::Observation);
    assert_eq!(decision.asqav.policy, None);
    // SHA-256 of {"asqav_policy":"none"}.
    let digest = "sha256:8fcd5004905b0ceb65db4c828ea650019b63ac4a05ddeecf3117bef3b3d388bf";
    assert_eq!(decision.policy_digest.to_tagged(), digest);
    receipts.assert_verified();
}

#[tokio::test]
async fn a_tool_name_from_outside_gets_its_denial_whatever_its_length() {
    let test = TestGate::with_policy(Rules::limited(9));
    let call = ToolCall::builder(&"x".repeat(5_000), "mcp:tool").build();
    let shown = call.tool.as_str().to_owned();
    assert_eq!(shown.len(), 40 + 24);
    for refused in refusals(&test, call).await {
        assert!(matches!(refused, Refused::Unrepresentable { fault: CallError::Id(_), .. }), "{refused}");
    }
    let receipts = test.receipts();
    receipts.assert_denied(&shown, "unrepresentable");
    receipts.assert_verified();
}

#[tokio::test]
async fn values_that_are_no_json_are_refused_with_a_receipt() {
    let test = TestGate::with_policy(Rules::limited(9));
    let nan = ToolCall::builder("nan", "t").argument("rate", &f64::NAN).argument("ok", &1).build();
    for refused in refusals(&test, nan).await {
        let Refused::Unrepresentable { fault, .. } = refused else { panic!("{refused}") };
        assert_eq!(
            fault.to_string(),
            "argument `rate` cannot be represented: it holds a number that is not finite"
        );
    }
    let mut twice = call("twice");
    let again = twice.arguments[0].clone();
    twice.arguments.push(again);
    for refused in refusals(&test, twice).await {
        assert!(matches!(refused, Refused::Unrepresentable { fault: CallError::Duplicate(_), .. }));
    }
    let receipts = test.receipts();
    receipts.assert_denied("nan", "unrepresentable");
    receipts.assert_denied("twice", "duplicate_member");
    receipts.assert_verified();
}

#[tokio::test]
async fn a_fault_is_refused_without_a_policy_too_and_the_log_stays_true() {
    let test = TestGate::new();
    let nan = ToolCall::builder("nan", "t").argument("rate", &f64::NAN).build();
    for refused in refusals(&test, nan).await {
        assert!(matches!(refused, Refused::Unrepresentable { .. }), "{refused}");
    }
    let receipts = test.receipts();
    receipts.assert_denied("nan", "unrepresentable");
    receipts.assert_verified();
}

#[test]
fn ten_thousand_arguments_get_their_denial() {
    let policy = Rules::new(|_| Decision::deny(vec![rule("no")], reason("denied_by_rule")));
    let test = TestGate::with_policy(policy);
    let text = |value: usize| JsonText::parse(value.to_string()).unwrap();
    let builder = (0..10_000).fold(ToolCall::builder("t", "a"), |builder, at| match at % 4 {
        0 => builder.argument(&format!("committed-{at}"), &at),
        1 => builder.record(&format!("recorded-{at}"), &at),
        2 => builder.skip(&format!("skipped-{at}")),
        _ => builder.undeclared(&format!("undeclared-{at}"), text(at)),
    });
    test.gate().run_sync(builder.build(), || Ok::<_, Refused>(())).unwrap_err();
    let receipts = test.receipts();
    let entry = &receipts.entries()[2];
    assert!(entry.canonical.len() <= MAX_PAYLOAD_LEN);
    let Context::Arguments { shown, folded } = &entry.payload.context else { panic!("no arguments") };
    assert_eq!((shown.len(), folded.unwrap().count), (0, 10_000));
    assert_eq!(entry.openings.as_ref().unwrap().values.len(), 10_001, "arguments and the policy's inputs");
    receipts.assert_denied("t", "denied_by_rule");
    receipts.assert_verified();
}

#[test]
fn over_the_limit_admission_is_refused_and_never_waits() {
    let test = TestGate::with(|builder| builder.without_policy().max_in_flight(2.try_into().unwrap()));
    let one = test.gate().admit(call("t")).wait().unwrap();
    let two = test.gate().admit(call("t")).wait().unwrap();
    let refused = test.gate().admit(call("t")).wait().unwrap_err();
    assert_eq!(refused, Refused::Overloaded { in_flight: 2 });
    one.abandon().wait().unwrap();
    drop(test.gate().admit(call("t")).wait().unwrap());
    drop(two);
    test.receipts().assert_outcomes("t", &[Outcome::Abandoned, Outcome::Cancelled, Outcome::Cancelled]);
}

/// A text that the tool's own side made, too.
#[tokio::test]
async fn duplicate_members_and_deep_values_have_codes_of_their_own() {
    let deep = (0..201).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let twice = JsonText::parse(r#"{"a":1,"a":2}"#).unwrap_err().of_argument("x");
    for test in [TestGate::new(), TestGate::with_policy(Rules::limited(9))] {
        let deep = ToolCall::builder("deep", "t").argument("x", &deep).build();
        let twice = ToolCall::builder("twice", "t").unrepresentable(twice.clone()).build();
        refusals(&test, deep).await;
        refusals(&test, twice).await;
        let receipts = test.receipts();
        receipts.assert_denied("deep", "too_deep");
        receipts.assert_denied("twice", "duplicate_member");
        receipts.assert_verified();
    }
}
