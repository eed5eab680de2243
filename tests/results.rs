//! Rules on results: on every way through the gate, a result that a rule
//! denies does not reach the caller, and the outcome receipt says why.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};

use asqav::policy::detector::{Detect, DetectError};
use asqav::policy::{Detector, Replayed, Rule, RulePolicy, all, arg, result};
use asqav::receipt::json::Json;
use asqav::receipt::payload::{Context, Form, Payload, Phase};
use asqav::testing::{Receipts, TestGate};
use asqav::tower::{SignedLayer, ToolOutput};
use asqav::{Capture, JsonText, Outcome, Refused, ToolCall, signed};
use tower::{Layer as _, ServiceExt as _, service_fn};

/// The card must not go on; nor may anything of a call that wants `x`.
const POLICY: &str = r#"
version = 1
id = "p"

[[rule]]
id = "tools"
effect = "allow"
tools = ["read", "read_sync"]

[[rule]]
id = "no-cards"
effect = "deny"
tools = ["read", "read_sync"]
phase = "result"
when = { result = "", contains = ["card"] }

[[rule]]
id = "would-limit-rows"
effect = "deny"
shadow = true
tools = ["read"]
phase = "result"
when = { result = "/rows", gt = 5 }
"#;

const SECRET: &str = "4111 1111 1111 1111";

fn gate() -> TestGate {
    TestGate::with_policy(RulePolicy::from_toml(POLICY).unwrap())
}

fn call() -> ToolCall {
    ToolCall::builder("read", "test:read").record("page", &1).build()
}

fn json(text: &str) -> JsonText {
    JsonText::parse(text).unwrap()
}

fn outcome(receipts: &Receipts) -> Payload {
    let mut outcomes = receipts.payloads().filter(|payload| payload.asqav.phase == Phase::Outcome);
    outcomes.next_back().unwrap().clone()
}

/// The last call's result is withheld, and its receipt says so and quotes
/// nothing.
#[track_caller]
fn assert_withheld(test: &TestGate, refused: &Refused, reason: &str) {
    let receipts = test.receipts();
    receipts.assert_verified();
    let outcome = outcome(&receipts);
    let code = asqav::ReasonCode::parse(reason).unwrap();
    assert_eq!(*refused, Refused::Withheld { reason: code.clone(), receipt: outcome.action_id });
    assert_eq!(outcome.reason, Some(code));
    let policy = outcome.asqav.policy.unwrap();
    assert_eq!(policy.rules.first().unwrap().as_str(), "no-cards");
    assert!(policy.inputs.is_some());
    for entry in receipts.entries() {
        let text = String::from_utf8_lossy(&entry.canonical).into_owned();
        assert!(!text.contains(SECRET), "{text}");
    }
    assert!(!refused.to_string().contains("no-cards"), "{refused}");
}

#[signed(action = "test:read", result = record)]
async fn read(text: &str) -> Result<String, Refused> {
    Ok(text.to_owned())
}

#[signed(action = "test:read")]
fn read_sync(text: &str) -> Result<String, Refused> {
    Ok(text.to_owned())
}

#[signed(tool = "read", action = "test:read", result = skip)]
fn read_unseen(text: &str) -> Result<String, Refused> {
    Ok(text.to_owned())
}

#[tokio::test]
async fn a_denied_result_reaches_nobody_on_any_way() {
    let test = gate();
    let body = || ready(Ok::<_, Refused>(SECRET));
    let refused = test.gate().run(call(), body).await.unwrap_err();
    assert_withheld(&test, &refused, "denied_by_rule");
    let refused = test.gate().run_sync(call(), || Ok::<_, Refused>(SECRET)).unwrap_err();
    assert_withheld(&test, &refused, "denied_by_rule");
    let secret = || Ok::<_, Refused>(json(&format!("\"{SECRET}\"")));
    let refused = test.gate().run_enforced(call(), |_| ready(secret())).await.unwrap_err();
    assert_withheld(&test, &refused, "denied_by_rule");
    let refused = test.gate().run_enforced_sync(call(), |_| secret()).unwrap_err();
    assert_withheld(&test, &refused, "denied_by_rule");

    let permit = test.gate().admit(call().releasing()).await.unwrap();
    let (released, complete) = permit.release(secret().unwrap(), Capture::Record);
    complete.await.unwrap();
    assert_withheld(&test, &released.unwrap_err(), "denied_by_rule");

    let refused = asqav::scope(test.gate().clone(), read(SECRET)).await.unwrap_err();
    assert_withheld(&test, &refused, "denied_by_rule");
    let refused = asqav::scope_sync(test.gate().clone(), || read_sync(SECRET)).unwrap_err();
    assert_withheld(&test, &refused, "denied_by_rule");

    let output = move |_: ToolCall| ready(Ok::<_, Refused>(ToolOutput::new(secret().unwrap())));
    let service = SignedLayer::new(test.gate()).layer(service_fn(output));
    assert_withheld(&test, &service.oneshot(call()).await.unwrap_err(), "denied_by_rule");
    let described =
        |_: ToolCall| ready(Ok::<_, Refused>(ToolOutput::error("e", json(&format!("\"{SECRET}\"")))));
    let service = SignedLayer::new(test.gate()).layer(service_fn(described));
    assert_withheld(&test, &service.oneshot(call()).await.unwrap_err(), "denied_by_rule");
    let ended: Vec<_> = test.receipts().of("read", Phase::Outcome).filter_map(|p| p.asqav.outcome).collect();
    assert_eq!(ended.iter().filter(|outcome| **outcome == Outcome::Ok).count(), 7);
    assert_eq!(ended.last(), Some(&Outcome::ToolError));
}

#[tokio::test]
async fn what_the_gate_cannot_see_is_withheld() {
    let test = gate();
    let refused = asqav::scope_sync(test.gate().clone(), || read_unseen(SECRET)).unwrap_err();
    assert_withheld(&test, &refused, "input_unusable");
    let failed = || ready(Err::<(), _>(Refused::NoGate));
    assert_withheld(&test, &test.gate().run(call(), failed).await.unwrap_err(), "input_unusable");
    let refused = test.gate().run_enforced(call(), |_| ready(Err::<JsonText, _>(Refused::NoGate))).await;
    assert_withheld(&test, &refused.unwrap_err(), "input_unusable");
    assert_eq!(outcome(&test.receipts()).asqav.outcome, Some(Outcome::ToolError));
}

#[tokio::test]
async fn a_good_result_goes_on_and_its_receipt_says_that_it_was_judged() {
    let test = gate();
    let text = asqav::scope(test.gate().clone(), read("nothing to see")).await.unwrap();
    assert_eq!(text, "nothing to see");
    let receipts = test.receipts();
    let outcome = outcome(&receipts);
    assert_eq!(outcome.reason, None);
    let policy = outcome.asqav.policy.unwrap();
    assert!(policy.rules.is_empty() && policy.inputs.is_some());
    assert_eq!(policy.shadow.first().unwrap().as_str(), "would-limit-rows", "its rows are unknown");
    receipts.assert_verified();
}

/// Whoever keeps the result cannot be made to give it up.
#[tokio::test]
async fn a_caller_who_keeps_the_result_is_denied() {
    let test = gate();
    let refused = test.gate().admit(call()).await.unwrap_err();
    assert!(matches!(refused, Refused::Denied { reason, .. } if reason.as_str() == "result_unchecked"));
    test.receipts().assert_denied("read", "result_unchecked");
    // Who promises and does not is on record, and quotes nothing.
    let permit = test.gate().admit(call().releasing()).await.unwrap();
    let ending = asqav::Ending::returned(SECRET, Capture::Record);
    permit.complete(ending).await.unwrap();
    let receipts = test.receipts();
    let outcome = outcome(&receipts);
    assert_eq!(outcome.reason.unwrap().as_str(), "result_unchecked");
    assert!(matches!(outcome.context, Context::Result(Some(Form::Commit(_)))));
    receipts.assert_verified();
}

struct Fails;

impl Detect for Fails {
    fn name(&self) -> &'static str {
        "fails"
    }
    fn version(&self) -> u32 {
        1
    }
    fn finds(&self, _: &str) -> Result<bool, DetectError> {
        Err(DetectError::new("no answer"))
    }
}

#[test]
fn missing_mistyped_and_failing_inputs_withhold() {
    let rule = |id: &str| Rule::deny(id).tools(["read"]).on_result();
    for (deny, reason) in [
        (rule("no-cards").when(result("/rows").more_than(5)), "input_unusable"),
        (rule("no-cards").when(result("/text").more_than(5)), "input_unusable"),
        (rule("no-cards").when(result("").contains([Detector::new(Fails)])), "detector_error"),
        (
            rule("no-cards").when(all([arg("/nothing").equals(1), result("/text").equals("x")])),
            "input_unusable",
        ),
    ] {
        let policy = RulePolicy::from_rules("p", [Rule::allow("a").tools(["read"]), deny]).unwrap();
        let test = TestGate::with_policy(policy);
        let body = || Ok::<_, Refused>(BTreeMap::from([("text", "x")]));
        let refused = test.gate().run_sync(call(), body).unwrap_err();
        assert_withheld(&test, &refused, reason);
    }
}

/// The policy that let the call through judges it, though another is in force.
#[test]
fn the_policy_that_decided_judges() {
    let test = gate();
    let allow = || RulePolicy::from_rules("q", [Rule::allow("a").tools(["read"])]).unwrap();
    let runs = AtomicUsize::new(0);
    let refused = test.gate().run_sync(call(), || {
        test.gate().replace_policy(Ok(allow())).unwrap().wait().unwrap();
        runs.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Refused>(SECRET)
    });
    assert_withheld(&test, &refused.unwrap_err(), "denied_by_rule");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(test.gate().run_sync(call(), || Ok::<_, Refused>(SECRET)).unwrap(), SECRET);
}

/// `asqav policy replay` recomputes what the receipts and the vault disclose.
#[test]
fn a_review_is_recomputed_from_its_receipts() {
    let test = gate();
    test.gate().run_sync(call(), || Ok::<_, Refused>(SECRET)).unwrap_err();
    let receipts = test.receipts();
    let parts: Vec<_> = ["protectmcp:decision", "protectmcp:observation:result_bound"]
        .into_iter()
        .map(|wanted| {
            let payload = |entry: &asqav_core::log::LogEntry| Json::parse(&entry.canonical).unwrap();
            let of_type =
                |json: &Json| json.as_object().unwrap().get("type").unwrap().as_str() == Some(wanted);
            let entry = receipts.entries().iter().find(|entry| of_type(&payload(entry))).unwrap();
            let values = &entry.openings.as_ref().unwrap().values;
            (payload(entry), values.iter().cloned().collect::<BTreeMap<_, _>>())
        })
        .collect();
    let [(decision, of_decision), (outcome, of_outcome)] = &parts[..] else { panic!("two receipts") };
    let replay = |text: &str, opened: &BTreeMap<String, String>| {
        let policy = RulePolicy::from_toml(text).unwrap();
        let decision = (decision.as_object().unwrap(), of_decision);
        policy.replay_result((outcome.as_object().unwrap(), opened), decision).unwrap()
    };
    assert_eq!(replay(POLICY, of_outcome), Replayed::Same);
    assert!(of_outcome.get("/policy/inputs").unwrap().contains(r#""withheld":"denied_by_rule""#));
    let mut closed = of_outcome.clone();
    closed.remove("/result");
    let why = Replayed::NotRecomputed("its result is only committed".to_owned());
    assert_eq!(replay(POLICY, &closed), why);
    let differs = replay(&POLICY.replace("\"card\"", "\"iban\""), of_outcome);
    let (recorded, recomputed) =
        ("withheld (denied_by_rule), rules: no-cards".to_owned(), "given back".to_owned());
    assert_eq!(differs, Replayed::Differs { recorded, recomputed });
}

#[test]
fn an_explanation_says_that_the_result_will_be_judged() {
    let policy = RulePolicy::from_toml(POLICY).unwrap();
    let call = asqav::policy::Call::new("read");
    assert!(policy.explain_call(&call).to_string().contains("the result is judged before it goes on"));
}
