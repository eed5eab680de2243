//! The tool gets exactly what was checked and recorded, and the caller exactly
//! what the policy lets go on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

mod common;

use std::sync::{Arc, Mutex};

use asqav_core::argument::JsonText;
use asqav_core::call::{Argument, Capture};
use asqav_core::gate::Notifier;
use asqav_core::policy::{Decision, Duty, Obligation, Target};
use asqav_core::testing::TestGate;
use asqav_core::{Refused, ToolCall};
use asqav_receipt::id::{ActionId, ReasonCode};
use asqav_receipt::payload::{Context, Form, Outcome, Phase};
use common::{Ran, Rules, reason, rule};

fn oblige(on: Target, duty: Duty) -> Obligation {
    Obligation::new(on, duty, rule("obliges"))
}

/// Allows everything with these obligations.
fn obliging(obligations: Vec<Obligation>) -> Rules {
    Rules::new(move |_| {
        let mut decision = Decision::allow(vec![rule("yes")], Vec::new());
        decision.obligations.clone_from(&obligations);
        decision
    })
}

fn on_argument(pointer: &str) -> Target {
    Target::Argument(pointer.to_owned())
}

fn on_result(pointer: &str) -> Target {
    Target::Result(pointer.to_owned())
}

fn pay(amount: i64) -> ToolCall {
    let account = serde_json::json!({"iban": "CH9300762011", "owner": "Ada"});
    ToolCall::builder("pay", "pay").record("amount", &amount).argument("account", &account).build()
}

fn text(arguments: &[Argument], name: &str) -> String {
    let argument = arguments.iter().find(|argument| argument.name == name).unwrap();
    argument.value.as_ref().unwrap().as_str().to_owned()
}

fn json(text: &str) -> JsonText {
    JsonText::parse(text).unwrap()
}

#[tokio::test]
async fn the_tool_gets_the_arguments_that_the_receipt_commits_to() {
    let test = TestGate::with_policy(obliging(vec![
        oblige(on_argument("/amount"), Duty::Cap(500)),
        oblige(on_argument("/account/iban"), Duty::Mask { keep_last: 4 }),
        oblige(on_argument("/account/owner"), Duty::Redact),
        oblige(on_argument("/account"), Duty::Label(reason("personal"))),
    ]));
    let seen: Arc<Mutex<Vec<Argument>>> = Arc::default();
    let tool = Arc::clone(&seen);
    let result: Result<JsonText, Refused> = test
        .gate()
        .run_enforced(pay(900), |arguments| async move {
            *tool.lock().unwrap() = arguments;
            Ok(json("\"paid\""))
        })
        .await;
    assert_eq!(result.unwrap().as_str(), "\"paid\"");
    let seen = seen.lock().unwrap();
    assert_eq!(text(&seen, "amount"), "500");
    let account = r#"{"iban":"********2011","owner":null}"#;
    assert_eq!(text(&seen, "account"), account);

    let receipts = test.receipts();
    let decision = receipts.of("pay", Phase::Decision).next().unwrap();
    let Context::Arguments { shown, .. } = &decision.context else { panic!() };
    assert_eq!(shown[0].1, Form::Value(asqav_receipt::json::Json::Integer(500)));
    let opened = receipts.entries().iter().find(|entry| entry.payload.seq == decision.seq).unwrap();
    let values = &opened.openings.as_ref().unwrap().values;
    assert!(values.contains(&("/arguments/account".to_owned(), account.to_owned())));
    let inputs = &values.iter().find(|(pointer, _)| pointer == "/policy/inputs").unwrap().1;
    assert!(inputs.contains(
        r#"{"duty":"label","of":"personal","on":"argument","pointer":"/account","rule":"obliges"}"#
    ));
    assert_eq!(decision.asqav.policy.as_ref().unwrap().obliged, [rule("obliges")]);
    receipts.assert_outcomes("pay", &[Outcome::Ok]);
    receipts.assert_verified();
}

#[tokio::test]
async fn the_caller_gets_the_result_that_the_receipt_commits_to() {
    let obligations = vec![oblige(on_result("/card"), Duty::Mask { keep_last: 4 })];
    let test = TestGate::with_policy(obliging(obligations));
    let body = |_| Ok::<_, Refused>(json(r#"{"card":"4111111111111111","ok":true}"#));
    let wanted = r#"{"card":"************1111","ok":true}"#;
    let sync = test.gate().run_enforced_sync(pay(1), body).unwrap();
    let run = test.gate().run_enforced(pay(1), |arguments| async move { body(arguments) }).await.unwrap();
    assert_eq!([sync.as_str(), run.as_str()], [wanted; 2]);
    let receipts = test.receipts();
    receipts.assert_outcomes("pay", &[Outcome::Ok; 2]);
    for outcome in receipts.of("pay", Phase::Outcome) {
        let opened = receipts.entries().iter().find(|entry| entry.payload.seq == outcome.seq).unwrap();
        assert_eq!(opened.openings.as_ref().unwrap().values, [("/result".to_owned(), wanted.to_owned())]);
    }
    receipts.assert_verified();
}

#[tokio::test]
async fn a_result_that_cannot_be_changed_is_withheld() {
    let obligations = vec![oblige(on_result("/card"), Duty::Redact)];
    let test = TestGate::with_policy(obliging(obligations));
    let body = |_| Ok::<_, Refused>(json(r#"{"pan":"4111111111111111"}"#));
    let sync = test.gate().run_enforced_sync(pay(1), body).unwrap_err();
    let run = test.gate().run_enforced(pay(1), |arguments| async move { body(arguments) }).await;
    let receipts = test.receipts();
    receipts.assert_outcomes("pay", &[Outcome::Ok; 2]);
    let outcomes: Vec<_> = receipts.of("pay", Phase::Outcome).collect();
    for (outcome, refused) in outcomes.iter().zip([sync, run.unwrap_err()]) {
        assert_eq!(outcome.reason, Some(reason("obligation_unmet")));
        assert_eq!(outcome.context, Context::Result(None));
        let receipt = outcome.action_id;
        assert_eq!(refused, Refused::Withheld { reason: reason("obligation_unmet"), receipt });
    }
    receipts.assert_verified();
}

/// The call as it is changed needs an approval, and as it came none: nobody
/// would be asked.
#[test]
fn an_obligation_is_no_way_around_an_approval() {
    let test = TestGate::with_policy(Rules::new(|input| {
        if text(&input.call.arguments, "amount") == "500" {
            return Decision::needs_approval(vec![rule("big")], reason("amount"));
        }
        let mut decision = Decision::allow(vec![rule("yes")], Vec::new());
        decision.obligations = vec![oblige(on_argument("/amount"), Duty::Cap(500))];
        decision
    }));
    let ran = Ran::default();
    let refused = test.gate().run_enforced_sync(pay(900), |_| {
        ran.mark();
        Ok::<_, Refused>(json("1"))
    });
    assert!(
        matches!(&refused, Err(Refused::Denied { reason, .. }) if reason.as_str() == "obligation_unmet"),
        "{refused:?}"
    );
    assert_eq!(ran.times(), 0);
}

/// What the body closes over cannot be changed, so such a call does not run.
#[tokio::test]
async fn a_call_that_cannot_be_changed_is_denied() {
    for on in [on_argument("/amount"), on_result("")] {
        let test = TestGate::with_policy(obliging(vec![oblige(on, Duty::Redact)]));
        let ran = Ran::default();
        // Saying that it adapts does not make a closure over the values adapt.
        for call in [pay(1), pay(1).adapting()] {
            let refused = test.gate().run_sync(call, || {
                ran.mark();
                Ok::<_, Refused>(())
            });
            assert!(
                matches!(refused, Err(Refused::Denied { reason, .. }) if reason.as_str() == "obligation_unmet")
            );
        }
        assert_eq!(ran.times(), 0);
        let receipts = test.receipts();
        receipts.assert_denied("pay", "obligation_unmet");
        receipts.assert_verified();
    }
    let unmet = [
        (on_argument("/nothing"), Duty::Redact),
        (on_argument(""), Duty::Redact),
        (on_argument("/account/bic"), Duty::Redact),
        (on_argument("/account"), Duty::Cap(1)),
    ];
    for (on, duty) in unmet {
        let test = TestGate::with_policy(obliging(vec![oblige(on, duty)]));
        let refused = test.gate().run_enforced_sync(pay(1), |_| -> Result<_, Refused> { panic!("it ran") });
        assert!(matches!(refused, Err(Refused::Denied { .. })));
        test.receipts().assert_denied("pay", "obligation_unmet");
    }
}

/// The policy judges the call as the tool will get it.
#[test]
fn a_changed_call_has_to_be_allowed_too() {
    let test = TestGate::with_policy(Rules::new(|input| {
        let amount = input.call.arguments[0].value.as_ref().unwrap().as_str().parse::<i64>().unwrap();
        if amount == 500 {
            return Decision::deny(vec![rule("no")], reason("denied_by_rule"));
        }
        let mut decision = Decision::allow(vec![rule("yes")], Vec::new());
        decision.obligations = vec![oblige(on_argument("/amount"), Duty::Cap(500))];
        decision
    }));
    let run = |amount| test.gate().run_enforced_sync(pay(amount), |_| Ok::<_, Refused>(json("1")));
    run(400).unwrap();
    run(900).unwrap_err();
    assert_eq!(test.receipts().of("pay", Phase::Outcome).count(), 1);
    let last = test.receipts();
    assert_eq!(last.of("pay", Phase::Decision).last().unwrap().reason, Some(reason("obligation_unmet")));
}

type Told = Arc<Mutex<Vec<(String, ActionId)>>>;

/// Remembers what it was told, and fails for the code `fail`.
struct Remembers(Told);

impl Notifier for Remembers {
    fn notify(&self, code: &ReasonCode, receipt: ActionId) -> Result<(), String> {
        match code.as_str() {
            "fail" => return Err("nobody is there".to_owned()),
            "panic" => panic!("the notifier"),
            _ => {}
        }
        self.0.lock().unwrap().push((code.to_string(), receipt));
        Ok(())
    }
}

#[test]
fn somebody_is_told_before_the_body_starts_or_it_does_not() {
    let told: Told = Arc::default();
    let with = |code: &str| {
        let rules = obliging(vec![oblige(on_argument(""), Duty::Notify(reason(code)))]);
        let remembers = Remembers(Arc::clone(&told));
        TestGate::with(|builder| builder.policy(rules).notifier(remembers))
    };
    let test = with("big");
    // No value is changed, so any caller will do.
    let run = test.gate().run_sync(pay(1), || {
        assert_eq!(told.lock().unwrap().len(), 1);
        Ok::<_, Refused>(())
    });
    run.unwrap();
    let decision = test.receipts().of("pay", Phase::Decision).next().unwrap().action_id;
    assert_eq!(*told.lock().unwrap(), [("big".to_owned(), decision)]);

    for code in ["fail", "panic"] {
        let test = with(code);
        let refused = test.gate().run_sync(pay(1), || -> Result<(), Refused> { panic!("it ran") });
        let receipts = test.receipts();
        receipts.assert_outcomes("pay", &[Outcome::Abandoned]);
        let outcome = receipts.of("pay", Phase::Outcome).next().unwrap();
        assert_eq!(outcome.reason, Some(reason("obligation_unmet")));
        let receipt = outcome.action_id;
        assert_eq!(refused, Err(Refused::Denied { reason: reason("obligation_unmet"), receipt }));
        receipts.assert_verified();
    }
    let nobody = TestGate::with_policy(obliging(vec![oblige(on_argument(""), Duty::Notify(reason("big")))]));
    nobody.gate().run_sync(pay(1), || Ok::<_, Refused>(())).unwrap_err();
    nobody.receipts().assert_denied("pay", "obligation_unmet");
}

#[tokio::test]
async fn errors_and_timeouts_end_enforced_calls_as_others() {
    let timeout = std::time::Duration::from_millis(10);
    let test = TestGate::with(|builder| builder.policy(obliging(Vec::new())).timeout(timeout));
    let failed: Result<_, String> =
        test.gate().run_enforced(pay(1), |_| async { Err("no".to_owned()) }).await;
    assert_eq!(failed.unwrap_err(), "no");
    let forever = test.gate().run_enforced(pay(1), |_| std::future::pending::<Result<_, Refused>>()).await;
    assert!(matches!(forever, Err(Refused::TimedOut { after, .. }) if after == timeout));
    let permit = test.gate().admit(pay(7).adapting()).await.unwrap();
    assert_eq!(text(permit.arguments(), "amount"), "7");
    let (result, complete) = permit.release(json("1"), Capture::Record);
    assert_eq!(result.unwrap().as_str(), "1");
    complete.await.unwrap();
    let receipts = test.receipts();
    receipts.assert_outcomes("pay", &[Outcome::ToolError, Outcome::TimedOut, Outcome::Ok]);
    receipts.assert_verified();
}
