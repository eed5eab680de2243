//! What a receipt does not disclose is never guessed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;

use asqav_policy::{Replayed, RulePolicy};
use asqav_receipt::json::Json;
use serde_json::{Value, json};

fn policy(rule: &str) -> RulePolicy {
    let text =
        format!("version = 1\nid = \"p\"\n[[rule]]\nid = \"r\"\neffect = \"allow\"\ntools = [\"t\"]\n{rule}");
    RulePolicy::from_toml(text).unwrap()
}

/// A decision receipt of tool `t` with these members besides.
fn replay(policy: &RulePolicy, members: Value, opened: &[(&str, &str)]) -> Option<Replayed> {
    let mut payload = json!({
        "type": "protectmcp:decision", "decision": "allow", "tool_name": "t", "agent_id": "a",
        "issued_at": "2026-04-06T10:00:00.000000Z", "context": {"arguments": {}},
    });
    payload.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let payload = Json::parse(payload.to_string().as_bytes()).unwrap();
    let opened: BTreeMap<String, String> =
        opened.iter().map(|(pointer, text)| ((*pointer).to_owned(), (*text).to_owned())).collect();
    policy.replay(payload.as_object().unwrap(), &opened)
}

fn left(why: &str) -> Option<Replayed> {
    Some(Replayed::NotRecomputed(why.to_owned()))
}

#[test]
fn arguments_are_known_when_recorded_or_opened() {
    let policy = policy("when = { arg = \"/n\", le = 5 }");
    let with = |form: Value| json!({"context": {"arguments": {"n": form, "other": {"commit": "00"}}}});
    assert_eq!(replay(&policy, with(json!({"value": 5})), &[]), Some(Replayed::Same));
    assert_eq!(replay(&policy, with(json!({"json": "4.5"})), &[]), Some(Replayed::Same));
    let committed = with(json!({"commit": "00"}));
    assert_eq!(replay(&policy, committed.clone(), &[]), left("argument `n` is only committed"));
    assert_eq!(replay(&policy, committed.clone(), &[("/arguments/n", "5")]), Some(Replayed::Same));
    let differs = Replayed::Differs { recorded: "allow".to_owned(), recomputed: "deny (no_rule)".to_owned() };
    assert_eq!(replay(&policy, committed, &[("/arguments/n", "6")]), Some(differs.clone()));
    assert_eq!(replay(&policy, with(json!({"value": 6})), &[]), Some(differs));
    // The policy was not given a dropped argument either, and allowed nothing.
    let dropped = replay(&policy, with(json!({"dropped": true})), &[]);
    let recomputed = "deny (input_unusable)".to_owned();
    assert_eq!(dropped, Some(Replayed::Differs { recorded: "allow".to_owned(), recomputed }));
}

#[test]
fn folded_arguments_are_known_when_all_are_opened() {
    let policy = policy("when = { arg = \"/n\", le = 5 }");
    let folded = json!({"context": {"arguments": {}, "arguments_root": {"count": 2, "root": "00"}}});
    let why = "argument `n` is folded with others, if it is there at all";
    assert_eq!(replay(&policy, folded.clone(), &[]), left(why));
    assert_eq!(replay(&policy, folded.clone(), &[("/arguments/m", "1")]), left(why));
    let both = [("/arguments/m", "1"), ("/arguments/n", "1")];
    assert_eq!(replay(&policy, folded, &both), Some(Replayed::Same));
}

#[test]
fn tenants_are_known_when_the_inputs_are_opened() {
    let policy = policy("tenants = [\"acme\"]\nactors = [\"user:alice\"]");
    assert_eq!(replay(&policy, json!({}), &[]), left("its tenant, actor and resource are only committed"));
    let inputs = |tenant: &str| {
        let actor = r#""actor":{"kind":"user","name":"alice"}"#;
        format!(r#"{{{actor},"now":"2026-04-06T10:00:00.000000Z","tenant":"{tenant}"}}"#)
    };
    let opened = |tenant: &str| replay(&policy, json!({}), &[("/policy/inputs", &inputs(tenant))]);
    assert_eq!(opened("acme"), Some(Replayed::Same));
    assert!(matches!(opened("other"), Some(Replayed::Differs { .. })), "{:?}", opened("other"));
}

#[test]
fn the_time_that_was_decided_at_counts() {
    let policy = policy("window = { until = 2026-04-06T10:00:00Z }");
    assert!(matches!(replay(&policy, json!({}), &[]), Some(Replayed::Differs { .. })));
    let inputs = r#"{"now":"2026-04-06T09:59:59.999999Z"}"#;
    assert_eq!(replay(&policy, json!({}), &[("/policy/inputs", inputs)]), Some(Replayed::Same));
}

#[test]
fn the_same_policy_must_name_the_same_rules() {
    let policy = policy("");
    let named = |rule: &str, digest: String| json!({"asqav": {"policy": {"id": "p", "rules": [rule]}}, "policy_digest": digest});
    let digest = policy.model().digest().to_tagged();
    assert_eq!(replay(&policy, named("r", digest.clone()), &[]), Some(Replayed::Same));
    let other = replay(&policy, named("s", digest), &[]);
    assert!(matches!(other, Some(Replayed::Differs { .. })), "{other:?}");
    assert_eq!(replay(&policy, named("s", "sha256:00".to_owned()), &[]), Some(Replayed::Same));
}

#[test]
fn what_the_rules_did_not_decide_is_left() {
    let policy = policy("rate = { calls = 1, per = \"1m\" }");
    let deny = |reason: &str| replay(&policy, json!({"decision": "deny", "reason": reason}), &[]);
    assert_eq!(deny("policy_error"), left("the gate decided, not its rules (policy_error)"));
    assert!(matches!(deny("no_rule"), Some(Replayed::Differs { .. })));
    let limited = replay(&policy, json!({"decision": "rate_limit", "reason": "rate_limited"}), &[]);
    assert_eq!(limited, left("its rules allow it; what its limits had left is not in a receipt"));
    assert_eq!(
        replay(&policy, json!({"decision": "observation"}), &[]),
        left("it was recorded without a policy")
    );
    assert_eq!(replay(&policy, json!({"type": "protectmcp:lifecycle"}), &[]), None);
}
