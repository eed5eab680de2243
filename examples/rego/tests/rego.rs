//! What a gate does with the policy, and that the README shows it.

#![expect(clippy::string_slice, reason = "these are tests")]

use asqav::receipt::payload::Phase;
use asqav::testing::TestGate;
use asqav::{Outcome, Policy as _, ToolCall, ToolCallBuilder};
use rego_policy::Rego;

const MODULE: &str = r#"
package tools

allow if {
    input.tool == "query"
    input.agent != "nobody"
    startswith(input.args.account, "DE")
}

allow if input.args.steps[0].amount < 0.5
"#;

fn query() -> ToolCallBuilder {
    ToolCall::builder("query", "ledger:query")
}

#[test]
fn rego_decides_and_whatever_fails_is_denied() {
    let test = TestGate::with_policy(Rego::new("rego", MODULE).unwrap());
    let run = |call: ToolCallBuilder| test.gate().run_sync(call.build(), || Ok::<_, String>(1)).is_ok();
    assert!(run(query().argument("account", "DE-1")));
    assert!(run(query()
        .argument("steps", &[[("amount", 0.25)].into_iter().collect::<std::collections::BTreeMap<_, _>>()])));
    assert!(!run(query().argument("account", "FR-1")), "not so");
    assert!(!run(query()), "undefined");
    assert!(!run(query().argument("account", &5)), "not a text");
    assert!(!run(query().skip("account")), "not given");
    assert!(!run(ToolCall::builder("close", "ledger:close").argument("account", "DE-1")));
    let receipts = test.receipts();
    let decisions = receipts.of("query", Phase::Decision);
    let reasons: Vec<_> =
        decisions.filter_map(|payload| payload.reason.as_ref()).map(|code| code.as_str()).collect();
    assert_eq!(reasons, ["no_rule", "no_rule", "evaluation_error", "evaluation_error"]);
    receipts.assert_denied("close", "no_rule");
    receipts.assert_outcomes("query", &[Outcome::Ok, Outcome::Ok]);
}

#[test]
fn the_digest_is_the_modules() {
    let digest = |module: &str| Rego::new("rego", module).unwrap().digest();
    assert_eq!(digest(MODULE), digest(MODULE));
    assert_ne!(digest(MODULE), digest(&MODULE.replace("DE", "FR")));
    assert!(Rego::new("rego", "package tools\nallow if {").is_err());
    assert!(Rego::new("rego", "package others\nallow := true").is_err());
}

#[test]
fn the_readme_shows_the_policy() {
    let source = include_str!("../src/lib.rs");
    let code = &source[source.find("use std").unwrap()..];
    assert!(include_str!("../../../README.md").contains(code), "the README shows another one");
}
