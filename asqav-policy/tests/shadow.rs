//! Rules in shadow: reported, and nothing comes of them.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use asqav_core::ToolCall;
use asqav_core::policy::{Policy as _, PolicyFault};
use asqav_core::testing::TestGate;
use asqav_policy::{Facts, Model, Rule, RuleEffect, RulePolicy, arg};
use asqav_receipt::payload::Phase;
use asqav_receipt::time::Timestamp;

const FILE: &str = r#"
version = 1
id = "p"

[[rule]]
id = "all"
effect = "allow"
tools = ["t"]

[[rule]]
id = "soon"
effect = "deny"
shadow = true
tools = ["t"]
when = { arg = "/amount", gt = 10 }
"#;

fn shadow_of(policy: &RulePolicy, amount: Option<&str>) -> (RuleEffect, usize) {
    let facts = Facts::new("a", "t", Timestamp::from_unix_micros(0).unwrap()).argument("amount", amount);
    let ruling = policy.judge(&facts);
    assert!(!ruling.rules.iter().any(|rule| rule.as_str() == "soon"), "it decides nothing");
    (ruling.effect, ruling.shadow.len())
}

#[test]
fn a_rule_in_shadow_would_have_denied() {
    let policy = RulePolicy::from_toml(FILE).unwrap();
    assert_eq!(shadow_of(&policy, Some("5")), (RuleEffect::Allow, 0));
    assert_eq!(shadow_of(&policy, Some("11")), (RuleEffect::Allow, 1));
    assert_eq!(shadow_of(&policy, None), (RuleEffect::Allow, 1), "what cannot be evaluated would restrict");

    let enforced = RulePolicy::from_toml(FILE.replace("shadow = true", "shadow = false")).unwrap();
    let facts = Facts::new("a", "t", Timestamp::from_unix_micros(0).unwrap()).argument("amount", Some("11"));
    assert_eq!(enforced.judge(&facts).effect, RuleEffect::Deny);
    assert_ne!(enforced.digest(), policy.digest());
    let built = Model::new(
        "p",
        [
            Rule::allow("all").tools(["t"]),
            Rule::deny("soon").tools(["t"]).in_shadow().when(arg("/amount").more_than(10)),
        ],
    );
    assert_eq!(built.unwrap().digest(), policy.model().digest());
}

#[test]
fn only_what_restricts_can_be_in_shadow() {
    let error = RulePolicy::from_rules("p", [Rule::allow("r").tools(["t"]).in_shadow()]).unwrap_err();
    assert_eq!(error.to_string(), "rule `r`: `shadow` goes with the effects `deny` and `approve` only");
}

#[test]
fn the_receipt_names_it() {
    let test = TestGate::with_policy(RulePolicy::from_toml(FILE).unwrap());
    let call = ToolCall::builder("t", "t").argument("amount", &11).build();
    test.gate().run_sync(call, || Ok::<_, asqav_core::Refused>(())).unwrap();
    let receipts = test.receipts();
    let decision = receipts.of("t", Phase::Decision).next().unwrap();
    let policy = decision.asqav.policy.as_ref().unwrap();
    assert_eq!(policy.shadow.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(), ["soon"]);
    receipts.assert_verified();
}

#[test]
fn what_is_wrong_with_a_file_has_its_code() {
    let code = |file: &str| PolicyFault::from(RulePolicy::from_toml(file).unwrap_err()).code();
    assert_eq!(code("no policy"), "policy_unparsable");
    let examples = FILE.replace(
        "tools = [\"t\"]\nwhen",
        "tools = [\"t\"]\nexamples = { allow = [{ tool = \"t\" }], deny = [{ tool = \"u\" }] }\nwhen",
    );
    assert_ne!(examples, FILE);
    let enforced = examples.replace("shadow = true", "");
    assert_eq!(code(&enforced), "policy_example_failed");
}
