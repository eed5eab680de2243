//! The way to `allow` allocates nothing, whatever the number of rules.

#![expect(clippy::unwrap_used, reason = "the texts are constants")]

use allocation_counter::measure;
use asqav_policy::{Facts, Rule, RuleEffect, RulePolicy, Window, all, any, arg};
use asqav_receipt::time::Timestamp;

/// What one judgement allocates, in bytes; the policy must give `effect`.
fn bytes(policy: &RulePolicy, effect: RuleEffect, facts: impl Fn() -> Facts<'static>) -> u64 {
    let mut found = None;
    let measured = measure(|| found = Some(policy.judge(&facts()).effect));
    assert_eq!(found, Some(effect));
    measured.bytes_total
}

fn call() -> Facts<'static> {
    Facts::new("finance-7", "ledger:post_entry", Timestamp::parse_rfc3339("2026-04-06T10:00:00Z").unwrap())
        .argument("amount", Some("250"))
        .argument("currency", Some(r#""CHF""#))
        .argument("url", Some(r#""HTTPS://Bank.Example/pay""#))
        .argument("path", Some(r#""/srv/data/x""#))
        .argument("memo", Some(r#""rent""#))
        .argument("test", Some("true"))
}

fn conditions() -> asqav_policy::Condition {
    all([
        arg("/amount").at_most(1_000),
        arg("/currency").one_of(["CHF", "EUR"]),
        any([arg("/missing").equals(1), arg("/test").equals(true)]),
        arg("/url").host_in(["bank.example"]),
        arg("/path").under(["/srv/data"]),
        !arg("/memo").starts_with(["secret"]),
        arg("/memo").len_at_most(100),
        arg("/missing").absent(),
    ])
}

#[test]
fn the_way_to_allow_allocates_nothing() {
    let window = Window::new().hours("08:00", "18:00").unwrap().zone("Europe/Zurich").unwrap();
    for others in [0, 10, 1_000] {
        let other = |at| {
            let tools = [format!("service{at}:post_*"), format!("tool{at}")];
            Rule::allow(format!("r{at}")).tools(tools.iter().map(String::as_str))
        };
        let rules = [
            Rule::allow("a")
                .tools(["ledger:*"])
                .agents(["finance-*"])
                .when(conditions())
                .window(window.clone()),
            Rule::deny("b").tools(["**:delete_*"]),
            Rule::deny("c").tools(["ledger:post_entry"]).when(arg("/amount").more_than(500)),
            Rule::allow("d").tools(["ledger:post_*"]).rate(5, std::time::Duration::from_secs(60)),
        ];
        let policy = RulePolicy::from_rules("p", rules.into_iter().chain((0..others).map(other))).unwrap();
        assert_eq!(bytes(&policy, RuleEffect::Allow, call), 0, "{others} other rules");
    }
}

/// The count is real: what needs a tree of values is seen.
#[test]
fn what_has_to_be_read_into_a_tree_is_counted() {
    let rule = Rule::allow("a").tools(["t"]).when(arg("/order/amount").at_most(5));
    let policy = RulePolicy::from_rules("p", [rule]).unwrap();
    let facts = || Facts::new("a", "t", Timestamp::MAX).argument("order", Some(r#"{"amount":5}"#));
    assert!(bytes(&policy, RuleEffect::Allow, facts) > 0);
}
