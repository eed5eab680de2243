//! Labels: what was admitted in a session decides on what comes after it.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Barrier;
use std::thread;

use asqav::policy::{Call, Replayed, RuleEffect, RulePolicy, Trial};
use asqav::receipt::json::Json;
use asqav::receipt::payload::{Decision as Wire, Phase};
use asqav::testing::TestGate;
use asqav::{Refused, Session, ToolCall};
use proptest::prelude::*;

const POLICY: &str = r#"
version = 1
id = "p"

[[rule]]
id = "read"
effect = "allow"
tools = ["vault:read"]
raises = ["secret-read"]

[[rule]]
id = "mail"
effect = "allow"
tools = ["mail:send"]

[[rule]]
id = "secrets-stay"
effect = "deny"
tools = ["mail:send"]
when = { label = "secret-read" }

[rule.examples]
deny = [{ labels = ["secret-read"] }, { session = false }]

[[rule]]
id = "approve"
effect = "allow"
tools = ["payout:approve"]
raises = [{ label = "approved", of = ["/payee", "/cents"] }]

[[rule]]
id = "pay"
effect = "allow"
tools = ["payout:pay"]
when = { label = "approved", of = ["/to", "/cents"], within = "1h" }

[rule.examples]
allow = [{ args = { to = "ada", cents = 5 }, labels = [{ label = "approved", of = ["ada", 5], ago = "1h" }] }]
deny = [
  { args = { to = "ada", cents = 6 }, labels = [{ label = "approved", of = ["ada", 5] }] },
  { args = { to = "ada", cents = 5 }, labels = [{ label = "approved", of = ["ada", 5], ago = "61m" }] },
  { args = { to = "ada" }, labels = ["approved"] },
]
"#;

fn gate() -> TestGate {
    TestGate::with_policy(RulePolicy::from_toml(POLICY).unwrap())
}

fn open(test: &TestGate, name: &str) -> Session {
    test.gate().session(name).open().wait().unwrap()
}

/// The code that the caller of `tool` gets, or `ok`.
fn run(test: &TestGate, session: Option<&Session>, call: ToolCall) -> String {
    let body = || test.gate().run_sync(call, || Ok::<_, Refused>(()));
    let output = match session {
        Some(session) => session.scope_sync(body),
        None => body(),
    };
    match output {
        Ok(()) => "ok".to_owned(),
        Err(Refused::Denied { reason, .. }) => reason.to_string(),
        Err(refused) => refused.code().to_owned(),
    }
}

fn tool(name: &str) -> ToolCall {
    ToolCall::builder(name, "test:label").build()
}

fn approve(payee: &str, cents: i64) -> ToolCall {
    ToolCall::builder("payout:approve", "a").record("payee", payee).record("cents", &cents).build()
}

fn pay(to: &str, cents: i64) -> ToolCall {
    ToolCall::builder("payout:pay", "p").record("to", to).record("cents", &cents).build()
}

#[test]
fn nothing_is_sent_once_a_secret_was_read_in_the_session() {
    let test = gate();
    let (one, other) = (open(&test, "one"), open(&test, "other"));
    assert_eq!(run(&test, Some(&one), tool("mail:send")), "ok");
    assert_eq!(run(&test, Some(&one), tool("vault:read")), "ok");
    assert_eq!(run(&test, Some(&one), tool("mail:send")), "denied_by_rule");
    assert_eq!(run(&test, Some(&other), tool("mail:send")), "ok", "another session read nothing");
    // A secret that was read further in was read.
    let inner = other.session("inner").open().wait().unwrap();
    assert_eq!(run(&test, Some(&inner), tool("vault:read")), "ok");
    assert_eq!(run(&test, Some(&other), tool("mail:send")), "denied_by_rule");
    // Outside of a session nobody would know of it.
    assert_eq!(run(&test, None, tool("vault:read")), "session_required");
    assert_eq!(run(&test, None, tool("mail:send")), "input_unusable");
    drop((inner, other, one));
    test.receipts().assert_verified();
}

#[test]
fn a_payout_needs_an_approval_of_the_same_payee_and_amount_within_an_hour() {
    let test = gate();
    let session = open(&test, "pay");
    let run = |call| run(&test, Some(&session), call);
    assert_eq!(run(pay("ada", 500)), "no_rule");
    assert_eq!(run(approve("ada", 500)), "ok");
    assert_eq!(run(pay("ada", 501)), "no_rule");
    assert_eq!(run(pay("eve", 500)), "no_rule");
    assert_eq!(run(pay("ada", 500)), "ok");
    test.clock().advance(std::time::Duration::from_secs(3_600));
    assert_eq!(run(pay("ada", 500)), "ok");
    test.clock().advance(std::time::Duration::from_micros(1));
    assert_eq!(run(pay("ada", 500)), "no_rule");
    // What an approval is bound to has to be there.
    let nameless = ToolCall::builder("payout:approve", "a").record("cents", &1).build();
    assert_eq!(run(nameless), "input_unusable");
}

#[test]
fn a_full_session_lets_nothing_in_that_would_raise_another_label() {
    let test = gate();
    let session = open(&test, "full");
    for cents in 0..1_024 {
        assert_eq!(run(&test, Some(&session), approve("ada", cents)), "ok");
    }
    assert_eq!(run(&test, Some(&session), tool("vault:read")), "labels_full");
    assert_eq!(run(&test, Some(&session), approve("ada", 7)), "ok", "it is there already");
    assert_eq!(run(&test, Some(&session), pay("ada", 1_023)), "ok");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    /// Whatever the threads do at once: in the order of the log, no mail is
    /// allowed behind an allowed read, and none is denied before the first.
    #[test]
    fn of_two_calls_at_once_one_sees_what_the_other_raised(
        threads in prop::collection::vec(prop::collection::vec(any::<bool>(), 1..6), 2..5),
    ) {
        let test = gate();
        let session = open(&test, "s");
        let barrier = Barrier::new(threads.len());
        thread::scope(|scope| {
            for calls in &threads {
                let (test, session, barrier) = (&test, &session, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for reads in calls {
                        run(test, Some(session), tool(if *reads { "vault:read" } else { "mail:send" }));
                    }
                });
            }
        });
        let receipts = test.receipts();
        let mut read = false;
        for payload in receipts.payloads().filter(|payload| payload.asqav.phase == Phase::Decision) {
            match payload.tool_name.as_ref().unwrap().as_str() {
                "vault:read" => read |= payload.decision == Wire::Allow,
                _ => prop_assert_eq!(payload.decision == Wire::Allow, !read, "{}", receipts.table()),
            }
        }
    }
}

/// `asqav policy replay` recomputes decisions on labels from the opened inputs.
#[test]
fn decisions_on_labels_are_recomputed() {
    let test = gate();
    let session = open(&test, "s");
    for call in [tool("mail:send"), approve("ada", 5), pay("ada", 5), pay("ada", 6), tool("vault:read")] {
        run(&test, Some(&session), call);
    }
    run(&test, Some(&session), tool("mail:send"));
    run(&test, None, tool("vault:read"));
    run(&test, None, tool("mail:send"));
    let policy = RulePolicy::from_toml(POLICY).unwrap();
    let (mut replayed, mut closed, mut raises) = (Vec::new(), BTreeSet::new(), String::new());
    for entry in test.receipts().entries() {
        let json = Json::parse(&entry.canonical).unwrap();
        let payload = json.as_object().unwrap();
        let values = entry.openings.iter().flat_map(|openings| openings.values.iter().cloned());
        let values: BTreeMap<_, _> = values.collect();
        replayed.extend(policy.replay(payload, &values));
        if let Some(Replayed::NotRecomputed(why)) = policy.replay(payload, &BTreeMap::new()) {
            closed.insert(why);
        }
        raises.extend(values.get("/policy/inputs").filter(|inputs| inputs.contains("\"raises\"")).cloned());
    }
    assert_eq!(replayed, vec![Replayed::Same; 8]);
    assert_eq!(closed.into_iter().collect::<Vec<_>>(), ["the labels of its session are only committed"]);
    assert!(raises.contains(r#""raises":[{"label":"secret-read","policy":"p","rule":"read"}]"#), "{raises}");
}

#[test]
fn a_file_that_asks_for_a_label_that_nobody_raises_is_refused() {
    let error =
        |from: &str, to: &str| RulePolicy::from_toml(POLICY.replace(from, to)).unwrap_err().to_string();
    assert_eq!(
        error("when = { label = \"secret-read\" }", "when = { label = \"secret\" }"),
        "16:1: rule `secrets-stay`: no rule raises the label `secret` of 0 values"
    );
    assert_eq!(
        error("of = [\"/to\", \"/cents\"]", "of = [\"/to\"]"),
        "31:1: rule `pay`: no rule raises the label `approved` of 1 values"
    );
    let late = error("within = \"1h\"", "within = \"1 h\"");
    assert!(late.starts_with("35:63: rule `pay`: `1 h` is not a whole number"), "{late}");
    let denies =
        error("id = \"secrets-stay\"\neffect = \"deny\"", "id = \"x\"\neffect = \"deny\"\nraises = [\"y\"]");
    assert!(denies.ends_with("`raises` goes with the effects `allow` and `approve` only"), "{denies}");
    let lost = POLICY.replace("when = { label = \"secret-read\" }", "").replace("{ session = false }", "");
    let lint = Trial::read(lost, asqav::policy::Format::Toml).unwrap().lint(None);
    let lint: Vec<String> = lint.iter().map(ToString::to_string).collect();
    assert!(
        lint.contains(
            &"rule `read`: no condition asks for the label `secret-read` that it raises (never_asked)"
                .to_owned()
        ),
        "{lint:#?}"
    );
}

#[test]
fn an_explanation_shows_labels() {
    let policy = RulePolicy::from_toml(POLICY).unwrap();
    let read = policy.explain_call(&Call::new("vault:read")).to_string();
    assert!(read.contains("rule `read` raises the label `secret-read` in the session"), "{read}");
    let send = policy.explain_call(&Call::new("mail:send").outside_of_sessions()).to_string();
    assert!(send.contains("unknown, the call is in no session"), "{send}");
    assert_eq!(policy.explain_call(&Call::new("mail:send")).ruling.effect, RuleEffect::Allow);
}
