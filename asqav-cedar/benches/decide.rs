//! What one decision costs: asqav's own engine beside Cedar, in one run.
//!
//! `cargo bench -p asqav-cedar`. Both are asked through the trait that a gate
//! uses, about the same call by the same rules: for each ledger one that
//! denies amounts over 1,000 and one that allows a group of tools. Machines are
//! shared and noisy: compare the rows of one run.

#![expect(clippy::unwrap_used, reason = "the policies are constants")]

use asqav_cedar::{CedarPolicy, Tool, Type};
use asqav_core::call::ToolCall;
use asqav_core::policy::{Effect, Policy, PolicyInput};
use asqav_policy::{Rule, RulePolicy, arg};
use asqav_receipt::id::AgentId;
use asqav_receipt::time::Timestamp;
use divan::{Bencher, black_box};

const RULES: [usize; 2] = [10, 1_000];

fn main() {
    divan::main();
}

/// Two rules for each ledger.
fn native(rules: usize) -> RulePolicy {
    let rule = |at: usize| {
        let tool = format!("ledger{}:post", at / 2);
        match at % 2 {
            0 => {
                Rule::deny(format!("large{at}")).tools([tool.as_str()]).when(arg("/amount").more_than(1_000))
            }
            _ => Rule::allow(format!("post{at}")).tools([tool.as_str()]).agents(["agent-7"]),
        }
    };
    RulePolicy::from_rules("native", (0..rules).map(rule)).unwrap()
}

/// The same in Cedar. Where the scope names the action, policies are sliced.
fn cedar(rules: usize) -> CedarPolicy {
    cedar_with(rules, |at| {
        let action = format!("ledger{}:post", at / 2);
        match at % 2 {
            0 => format!(
                "@id(\"large{at}\") forbid (principal, action == Action::\"{action}\", resource)
                 when {{ context.args.amount > 1000 }};"
            ),
            _ => format!(
                "@id(\"post{at}\") permit (principal == Agent::\"agent-7\", action == Action::\"{action}\", resource);"
            ),
        }
    })
}

/// The same without slices: the action stands in the condition.
fn unsliced(rules: usize) -> CedarPolicy {
    cedar_with(rules, |at| {
        let action = format!("ledger{}:post", at / 2);
        match at % 2 {
            0 => format!(
                "forbid (principal, action, resource)
                 when {{ action == Action::\"{action}\" && context.args.amount > 1000 }};"
            ),
            _ => format!(
                "permit (principal == Agent::\"agent-7\", action, resource)
                 when {{ action == Action::\"{action}\" }};"
            ),
        }
    })
}

fn cedar_with(rules: usize, policy: impl Fn(usize) -> String) -> CedarPolicy {
    let text: String = (0..rules).map(policy).collect();
    let tool = |at| Tool::new(format!("ledger{at}:post")).required("amount", Type::Long);
    (0..rules / 2)
        .map(tool)
        .fold(CedarPolicy::builder("cedar"), asqav_cedar::Builder::tool)
        .policies(&text)
        .build()
        .unwrap()
}

fn decide(bencher: Bencher<'_, '_>, policy: &dyn Policy) {
    let agent = AgentId::parse("agent-7").unwrap();
    let now = Timestamp::parse_rfc3339("2026-04-06T10:00:00Z").unwrap();
    let call = ToolCall::builder("ledger3:post", "ledger:post").argument("amount", &250).build();
    let input = PolicyInput::new(&agent, &call, None, now);
    assert_eq!(policy.decide(&input).effect, Effect::Allow);
    bencher.bench_local(|| policy.decide(black_box(&input)));
}

#[divan::bench(args = RULES, sample_count = 200, sample_size = 1_000)]
fn a_native(bencher: Bencher<'_, '_>, rules: usize) {
    decide(bencher, &native(rules));
}

#[divan::bench(args = RULES, sample_count = 100, sample_size = 100)]
fn b_cedar(bencher: Bencher<'_, '_>, rules: usize) {
    decide(bencher, &cedar(rules));
}

#[divan::bench(args = RULES, sample_count = 20, sample_size = 10)]
fn c_cedar_without_slices(bencher: Bencher<'_, '_>, rules: usize) {
    decide(bencher, &unsliced(rules));
}
