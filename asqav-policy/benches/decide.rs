//! What one decision costs with 10, 100 and 1,000 rules: time and allocations.
//!
//! `cargo bench -p asqav-policy`. Machines are shared and noisy: compare the
//! columns of one run, not the nanoseconds of two.

#![expect(clippy::expect_used, reason = "the policies are constants")]

use asqav_policy::{Facts, Rule, RuleEffect, RulePolicy, arg};
use asqav_receipt::time::Timestamp;
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const RULES: [usize; 3] = [10, 100, 1_000];

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-04-06T10:00:00Z").expect("a timestamp")
}

/// Ten rules about each service: patterns, names, agents, conditions.
fn services(rules: usize) -> RulePolicy {
    let rule = |at: usize| {
        let (service, kind) = (at / 10, at % 10);
        let (id, tool) = (format!("r{at}"), format!("service{service}:post_{kind}"));
        match kind {
            0 => Rule::allow(id).tools([format!("service{service}:query_*").as_str()]),
            1 => Rule::deny(id).tools([format!("service{service}:delete_**").as_str()]),
            2 => Rule::deny(id)
                .tools([format!("service{service}:post_*").as_str()])
                .when(arg("/amount").more_than(1_000)),
            3 => Rule::deny(id).tools([format!("service{service}:post_*").as_str()]).agents(["intern-*"]),
            _ => Rule::allow(id).tools([tool.as_str()]).agents(["finance-*"]),
        }
    };
    RulePolicy::from_rules("services", (0..rules).map(rule)).expect("a policy")
}

/// One rule about each of many agents, all for the same tools.
fn agents(rules: usize) -> RulePolicy {
    let rule = |at: usize| {
        Rule::allow(format!("r{at}")).tools(["service0:post_*"]).agents([format!("agent-{at}").as_str()])
    };
    RulePolicy::from_rules("agents", (0..rules).map(rule)).expect("a policy")
}

#[divan::bench(args = RULES, sample_count = 200, sample_size = 1_000)]
fn rules_about_many_tools(bencher: Bencher<'_, '_>, rules: usize) {
    let policy = services(rules);
    let facts = || Facts::new("finance-7", "service0:post_4", now()).argument("amount", Some("250"));
    assert_eq!(policy.judge(&facts()).effect, RuleEffect::Allow);
    bencher.bench_local(|| policy.judge(black_box(&facts())).effect);
}

#[divan::bench(args = RULES, sample_count = 200, sample_size = 1_000)]
fn rules_about_many_agents(bencher: Bencher<'_, '_>, rules: usize) {
    let policy = agents(rules);
    let facts = || Facts::new("agent-5", "service0:post_4", now());
    assert_eq!(policy.judge(&facts()).effect, RuleEffect::Allow);
    bencher.bench_local(|| policy.judge(black_box(&facts())).effect);
}

/// Nothing can be left out: every rule is about the call and is evaluated.
#[divan::bench(args = RULES, sample_count = 100, sample_size = 100)]
fn rules_that_all_apply(bencher: Bencher<'_, '_>, rules: usize) {
    let rule = |at: usize| Rule::allow(format!("r{at}")).tools(["service0:*"]);
    let policy = RulePolicy::from_rules("all", (0..rules).map(rule)).expect("a policy");
    let facts = || Facts::new("agent-5", "service0:post_4", now());
    bencher.bench_local(|| policy.judge(black_box(&facts())).effect);
}
