//! The policy as a gate sees it: decisions on tool calls, and charges taken
//! from core's store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::collections::HashMap;
use std::time::Duration;

use asqav_core::call::ToolCall;
use asqav_core::limits::{LimitError, Limits, MemoryLimits};
use asqav_core::policy::{Charge, Decision, Effect, Policy, PolicyInput};
use asqav_policy::{Rule, RulePolicy, arg};
use asqav_receipt::id::AgentId;
use asqav_receipt::time::Timestamp;
use proptest::prelude::*;

const BURST: i64 = 3;
const PERIOD_MICROS: i64 = 10_000_000;

fn policy() -> RulePolicy {
    let period = Duration::from_micros(PERIOD_MICROS.unsigned_abs());
    let post = Rule::allow("post").tools(["post_*"]).rate(3, period);
    let large = Rule::approve("large").tools(["post_a"]).when(arg("/amount").more_than(1_000));
    let closing = Rule::deny("closing").tools(["close_*"]);
    RulePolicy::from_rules("p", [post, large, closing]).unwrap()
}

fn decide(agent: &str, call: &ToolCall) -> Decision {
    let agent = AgentId::parse(agent).unwrap();
    policy().decide(&PolicyInput::new(&agent, call, None, Timestamp::from_unix_micros(0).unwrap()))
}

fn call(tool: &str, amount: i64) -> ToolCall {
    ToolCall::builder(tool, "test:call").argument("amount", &amount).build()
}

fn names(decision: &Decision) -> Vec<&str> {
    decision.rules.iter().map(|rule| rule.as_str()).collect()
}

#[test]
fn decisions_carry_effect_rules_and_code() {
    let allowed = decide("a", &call("post_a", 5));
    assert_eq!((&allowed.effect, names(&allowed)), (&Effect::Allow, vec!["post"]));
    assert_eq!(allowed.charges.len(), 1);

    let code = |decision: &Decision| match &decision.effect {
        Effect::Deny { reason } => format!("deny {reason}"),
        Effect::NeedsApproval { reason } => format!("approval {reason}"),
        _ => "allow".to_owned(),
    };
    let large = decide("a", &call("post_a", 5_000));
    assert_eq!((code(&large).as_str(), names(&large)), ("approval approval_required", vec!["large", "post"]));
    let closing = decide("a", &call("close_a", 5));
    assert_eq!((code(&closing).as_str(), names(&closing)), ("deny denied_by_rule", vec!["closing"]));
    let other = decide("a", &call("other", 5));
    assert_eq!((code(&other).as_str(), names(&other)), ("deny no_rule", vec![]));
}

#[test]
fn an_argument_that_the_policy_does_not_see_restricts() {
    let skipped = ToolCall::builder("post_a", "test:call").skip("amount").build();
    assert!(matches!(decide("a", &skipped).effect, Effect::NeedsApproval { .. }));
    let without = ToolCall::builder("post_a", "test:call").build();
    assert!(matches!(decide("a", &without).effect, Effect::NeedsApproval { .. }));
}

#[test]
fn an_explanation_takes_what_a_gate_has() {
    let agent = AgentId::parse("a").unwrap();
    let call = call("post_a", 5_000);
    let policy = policy();
    let input = PolicyInput::new(&agent, &call, None, Timestamp::from_unix_micros(0).unwrap());
    let text = policy.explain(&input).to_string();
    assert!(text.contains(r#"{"arg":"/amount","gt":1000}: true"#), "{text}");
    assert!(!text.contains("5000"), "{text}");
}

proptest! {
    /// However calls of two agents and two tools come, each pair on its own
    /// gets at most its burst at once plus what flows back since, a refusal
    /// names a time that is neither too early nor too late, and what is taken
    /// here is not missing there.
    #[test]
    fn each_agent_and_tool_keeps_within_its_own_rate(
        calls in prop::collection::vec((0..2_usize, 0..2_usize, 0..PERIOD_MICROS / 2), 1..60),
    ) {
        let limits = MemoryLimits::new();
        let mut admitted: HashMap<(usize, usize), Vec<i64>> = HashMap::new();
        let mut now = 0;
        for (agent, tool, pause) in calls {
            now += pause;
            let decision = decide(["a", "b"][agent], &call(["post_a", "post_b"][tool], 5));
            let mine = admitted.entry((agent, tool)).or_default();
            match take(&limits, &decision.charges, now) {
                Ok(()) => mine.push(now),
                Err(wait) => {
                    prop_assert!(mine.len() >= BURST as usize, "refused before the burst");
                    let then = now + i64::try_from(wait.as_nanos().div_ceil(1_000)).unwrap();
                    prop_assert!(take(&limits, &decision.charges, then - 2).is_err(), "sooner was possible");
                    prop_assert_eq!(take(&limits, &decision.charges, then), Ok(()));
                    mine.push(then);
                    now = then;
                }
            }
        }
        for times in admitted.values() {
            for (first, from) in times.iter().enumerate() {
                for (last, until) in times.iter().enumerate().skip(first) {
                    let count = i64::try_from(last - first + 1).unwrap();
                    prop_assert!(count <= BURST + (until - from) * BURST / PERIOD_MICROS);
                }
            }
        }
    }
}

fn take(limits: &MemoryLimits, charges: &[Charge], micros: i64) -> Result<(), Duration> {
    match limits.take(charges, Timestamp::from_unix_micros(micros).unwrap()) {
        Ok(()) => Ok(()),
        Err(LimitError::Exhausted { rule, retry_after }) => {
            assert_eq!(rule.as_str(), "post");
            Err(retry_after)
        }
        Err(other) => panic!("{other}"),
    }
}
