//! Commitments open with what goes to the vault, and with nothing else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use asqav_core::call::Capture;
use asqav_core::policy::{Budget, Charge, Decision};
use asqav_core::testing::TestGate;
use asqav_core::{Ending, Refused, ToolCall};
use asqav_receipt::commitment::{commit, salt};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::payload::{Context, Form, MAX_PAYLOAD_LEN, Payload, Phase};
use common::{Rules, rule};

/// The commitment that the openings of `payload` give for `pointer`.
fn reopened(test: &TestGate, payload: &Payload, pointer: &str) -> (Sha3Digest, String) {
    let receipts = test.receipts();
    let entry = receipts.entries().iter().find(|entry| entry.payload.seq == payload.seq).unwrap();
    let openings = entry.openings.as_ref().unwrap();
    assert_eq!(openings.action_id, payload.action_id);
    let (_, value) = openings.values.iter().find(|(at, _)| at == pointer).unwrap();
    let salt = salt(&openings.secret, pointer);
    let digest = commit(payload.asqav.log_id, payload.action_id, pointer, &salt, value.as_bytes());
    (digest, value.clone())
}

fn shown<'a>(payload: &'a Payload, name: &str) -> Option<&'a Form> {
    match &payload.context {
        Context::Arguments { shown, .. } => {
            shown.iter().find(|(shown, _)| shown == name).map(|(_, form)| form)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_policys_inputs_say_what_a_cost_is_settled_by() {
    let minute = Some(std::time::Duration::from_secs(60));
    let test = TestGate::with_policy(Rules::new(move |_| {
        let tokens = Charge::new("tokens".to_owned(), Budget::new(100, minute), 50, rule("spend"));
        Decision::allow(vec![rule("spend")], vec![tokens.settled_by("/usage/total")])
    }));
    let call = ToolCall::builder("t", "a:b").build();
    test.gate().run_sync(call, || Ok::<_, Refused>(())).unwrap();
    let receipts = test.receipts();
    let (_, inputs) = reopened(&test, receipts.of("t", Phase::Decision).next().unwrap(), "/policy/inputs");
    let read = asqav_receipt::json::Json::parse(inputs.as_bytes()).unwrap();
    assert_eq!(asqav_receipt::canonical::to_vec(&read), inputs.as_bytes(), "canonical");
    let charge = r#""charges":[{"amount":"100","cost":"50","key":"tokens","rule":"spend","settled_by":"/usage/total","window_us":"60000000"}]"#;
    assert!(inputs.contains(charge), "{inputs}");
}

#[test]
fn arguments_results_and_the_policys_inputs_open() {
    let test = TestGate::with_policy(Rules::limited(9));
    let call = ToolCall::builder("t", "a:b")
        .argument("secret", "hunter2")
        .record("plain", &17)
        .redact("card", "4111-hidden", |card| card.split('-').next().unwrap())
        .skip("skipped")
        .tenant("acme")
        .on_behalf_of(asqav_core::call::ActorKind::User, "alice")
        .resource("account:\"1\"")
        .build();
    test.gate().run_sync(call, || Ok::<_, Refused>("the result")).unwrap();
    let receipts = test.receipts();
    let decision = receipts.of("t", Phase::Decision).next().unwrap();
    for (name, value) in [("secret", r#""hunter2""#), ("card", r#""4111""#)] {
        let (digest, opened) = reopened(&test, decision, &format!("/arguments/{name}"));
        assert_eq!((shown(decision, name), opened.as_str()), (Some(&Form::Commit(digest)), value));
    }
    assert_eq!(shown(decision, "plain"), Some(&Form::Value(asqav_receipt::json::Json::Integer(17))));
    assert_eq!(shown(decision, "skipped"), Some(&Form::Dropped));

    let (digest, inputs) = reopened(&test, decision, "/policy/inputs");
    assert_eq!(decision.asqav.policy.as_ref().unwrap().inputs, Some(digest));
    let read = asqav_receipt::json::Json::parse(inputs.as_bytes()).unwrap();
    assert_eq!(asqav_receipt::canonical::to_vec(&read), inputs.as_bytes(), "canonical");
    for part in [
        r#""agent":"test-agent""#,
        r#""charges":[{"burst":9,"cost":"1","key":"all","period_us":"60000000","rule":"limited"}]"#,
        r#""arguments":{"count":2,"root":""#,
        r#""now":"2026-01-01T00:00:00.000000Z""#,
        r#""tool":"t""#,
        r#""actor":{"kind":"user","name":"alice"}"#,
        r#""resource":"account:\"1\"""#,
        r#""tenant":"acme""#,
    ] {
        assert!(inputs.contains(part), "{inputs}");
    }

    let outcome = receipts.of("t", Phase::Outcome).next().unwrap();
    let (digest, opened) = reopened(&test, outcome, "/result");
    assert_eq!(outcome.context, Context::Result(Some(Form::Commit(digest))));
    assert_eq!(opened, r#""the result""#);
    for entry in receipts.entries() {
        let text = String::from_utf8(entry.canonical.to_vec()).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("the result") && !text.contains("hidden"));
    }
}

#[test]
fn equal_values_do_not_show() {
    let test = TestGate::new();
    let call = || ToolCall::builder("t", "a:b").argument("x", &1).argument("y", &1).build();
    test.gate().run_sync(call(), || Ok::<_, Refused>(())).unwrap();
    test.gate().run_sync(call(), || Ok::<_, Refused>(())).unwrap();
    let receipts = test.receipts();
    let mut forms: Vec<_> = receipts
        .of("t", Phase::Decision)
        .flat_map(|decision| ["x", "y"].map(|name| format!("{:?}", shown(decision, name))))
        .collect();
    forms.sort();
    forms.dedup();
    assert_eq!(forms.len(), 4);
}

#[test]
fn the_greatest_receipts_of_every_kind_fit() {
    let quotes = |len: usize| "\"\\".repeat(len / 2);
    let code = |len: usize| "c".repeat(len);
    let test = TestGate::with_policy(Rules::new(move |_| {
        let rules = (0..9).map(|at| common::rule(&format!("{}{at}", "c".repeat(63)))).collect();
        asqav_core::policy::Decision::allow(rules, Vec::new())
    }));
    let session = test.gate().session(&quotes(64)).open().wait().unwrap();
    for size in [0, 1, 10, 40, 400] {
        let call =
            (0..size).fold(ToolCall::builder(&quotes(96), &quotes(96)).version(&code(64)), |builder, at| {
                match at % 3 {
                    0 => builder.record(&format!("{at}{}", quotes(100)), &quotes(120)),
                    1 => builder.argument(&format!("{at}"), &quotes(10_000)),
                    _ => builder.record(&format!("{at}"), &1.5),
                }
            });
        let outer = call.build();
        assert_eq!(outer.fault(), None);
        session.scope_sync(|| {
            let mut permit = test.gate().admit(outer.clone()).wait().unwrap();
            permit.enter(|| test.gate().admit(outer.clone()).wait().unwrap().abandon().wait().unwrap());
            let ending = Ending::error_of_class(&quotes(128));
            let text = asqav_core::argument::to_json_text(&quotes(120)).unwrap();
            permit.complete(ending.with_result(text, Capture::Record)).wait().unwrap();
            test.gate()
                .observe(outer, Ending::returned(&quotes(120), Capture::Record))
                .unwrap()
                .wait()
                .unwrap();
        });
        session.captured_step(&quotes(120), &quotes(120), Capture::Record).wait().unwrap();
    }
    drop(session);
    let receipts = test.receipts();
    let greatest = receipts.entries().iter().map(|entry| entry.canonical.len()).max().unwrap();
    assert!(greatest <= MAX_PAYLOAD_LEN, "{greatest}");
    assert!(greatest > MAX_PAYLOAD_LEN - 1_024, "the test tries hard enough: {greatest}");
    receipts.assert_verified();
}
