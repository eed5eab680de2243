//! Budgets and rates with keys of their own, and rules in shadow.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::time::Duration;

use asqav_core::call::{ActorKind, ToolCall};
use asqav_core::limits::{LimitError, Limits, MemoryLimits};
use asqav_core::policy::{Charge, Decision, Effect, Policy, PolicyInput};
use asqav_policy::{Facts, Key, Limit, Model, Rule, RuleEffect, RulePolicy, arg};
use asqav_receipt::id::{AgentId, SessionId};
use asqav_receipt::time::Timestamp;

const FILE: &str = r#"
version = 1
id = "p"
[[rule]]
id = "pay"
effect = "allow"
tools = ["pay"]
limits = [
  { amount = 100, per = "1d", cost = "/cents", by = ["agent", "/iban"] },
  { calls = 2, per = "1m", by = ["session"] },
  { amount = 5 },
]
"#;

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-04-06T10:00:00Z").unwrap()
}

fn decide(policy: &RulePolicy, agent: &str, session: Option<&str>, call: &ToolCall) -> Decision {
    let (agent, session) = (AgentId::parse(agent).unwrap(), session.map(|id| SessionId::parse(id).unwrap()));
    policy.decide(&PolicyInput::new(&agent, call, session.as_ref(), now()))
}

fn pay(cents: i64, iban: &str) -> ToolCall {
    ToolCall::builder("pay", "bank:pay").argument("cents", &cents).argument("iban", iban).build()
}

fn take(limits: &MemoryLimits, charges: &[Charge]) -> String {
    match limits.take(charges, now()) {
        Ok(()) => "taken".to_owned(),
        Err(LimitError::Exhausted { retry_after: Duration::MAX, .. }) => "never".to_owned(),
        Err(LimitError::Exhausted { retry_after, .. }) => format!("{retry_after:?}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_file_and_the_builder_write_the_same_limits() {
    let keys = [Key::Agent, Key::argument("/iban").unwrap()];
    let rule = Rule::allow("pay")
        .tools(["pay"])
        .limit(
            Limit::budget(100)
                .unwrap()
                .per(Duration::from_secs(86_400))
                .unwrap()
                .cost_of("/cents")
                .unwrap()
                .by(keys),
        )
        .limit(Limit::rate(2, Duration::from_secs(60)).unwrap().by([Key::Session]))
        .limit(Limit::budget(5).unwrap());
    assert_eq!(Model::new("p", [rule]).unwrap().digest(), Model::from_toml(FILE).unwrap().digest());
}

#[test]
fn a_call_is_charged_by_its_keys_and_its_cost() {
    let policy = RulePolicy::from_toml(FILE).unwrap();
    let decision = decide(&policy, "a", Some("s1"), &pay(60, "CH1"));
    let charges: Vec<_> = decision.charges.iter().map(|charge| (charge.key.as_str(), charge.cost)).collect();
    assert_eq!(
        charges,
        [
            ("budget/policy/1:p/rule/3:pay/limit/1:0/window/8:86400000/agent/1:a//iban/5:\"CH1\"", 60),
            ("rate/policy/1:p/rule/3:pay/limit/1:1/session/2:s1", 1),
            ("budget/policy/1:p/rule/3:pay/limit/1:2/window/1:0", 1),
        ]
    );
}

#[test]
fn all_limits_are_taken_or_none() {
    let policy = RulePolicy::from_toml(FILE).unwrap();
    let limits = MemoryLimits::new();
    let take = |agent: &str, session: &str, cents, iban: &str| {
        take(&limits, &decide(&policy, agent, Some(session), &pay(cents, iban)).charges)
    };
    assert_eq!(take("a", "s1", 60, "CH1"), "taken");
    assert_eq!(take("a", "s1", 60, "CH1"), "50400s", "the account's day");
    assert_eq!(
        take("a", "s1", 60, "CH2"),
        "taken",
        "another account, and the session was not charged before"
    );
    assert_eq!(take("a", "s1", 1, "CH3"), "29.999999998s", "the session's rate");
    assert_eq!(take("a", "s2", 40, "CH1"), "taken", "to the last cent");
    assert_eq!(take("b", "s3", 101, "CH1"), "never", "more than there is in a day");
    assert_eq!(take("b", "s3", 100, "CH1"), "taken", "another agent");
    assert_eq!(take("c", "s4", 0, "CH1"), "taken");
    assert_eq!(take("d", "s5", 1, "CH1"), "never", "five calls in all");
}

#[test]
fn what_cannot_be_charged_is_denied() {
    let policy = RulePolicy::from_toml(FILE).unwrap();
    let builder = || ToolCall::builder("pay", "bank:pay");
    let unusable = |session: Option<&str>, call: &ToolCall| {
        let decision = decide(&policy, "a", session, call);
        assert!(decision.charges.is_empty());
        assert_eq!(decision.rules[0].as_str(), "pay");
        match decision.effect {
            Effect::Deny { reason } => assert_eq!(reason.as_str(), "input_unusable"),
            effect => panic!("{effect:?}"),
        }
    };
    unusable(None, &pay(1, "CH1"));
    for call in [
        builder().argument("cents", &1).build(),
        builder().argument("iban", "CH1").build(),
        builder().argument("cents", &-1).argument("iban", "CH1").build(),
        builder().argument("cents", &0.5).argument("iban", "CH1").build(),
        builder().argument("cents", "1").argument("iban", "CH1").build(),
        builder().argument("cents", &None::<i64>).argument("iban", "CH1").build(),
        builder().argument("cents", &1).argument("iban", &None::<&str>).build(),
    ] {
        unusable(Some("s"), &call);
    }
    let whole = builder().argument("cents", &1.0).argument("iban", "CH1").build();
    assert_eq!(decide(&policy, "a", Some("s"), &whole).charges[0].cost, 1);
}

/// No two values share a counter, and a long one does not make a long key.
#[test]
fn each_value_has_a_counter_of_its_own() {
    let limit = Limit::budget(5).unwrap().by([Key::argument("/x").unwrap()]);
    let policy = RulePolicy::from_rules("p", [Rule::allow("r").tools(["t"]).limit(limit)]).unwrap();
    let key = |json: &str| {
        let value = asqav_core::call::JsonText::parse(json.to_owned()).unwrap();
        let call =
            ToolCall::builder("t", "test:call").text("x", value, asqav_core::call::Capture::Commit).build();
        decide(&policy, "a", None, &call).charges.remove(0).key
    };
    let long = format!("{:?}", "x".repeat(100));
    let values =
        ["1", "\"1\"", "true", "\"true\"", "[1]", "\"a/b\"", "{\"a\":1}", "1.5", &long, &format!("[{long}]")];
    let keys: Vec<String> = values.iter().map(|value| key(value)).collect();
    for (at, one) in keys.iter().enumerate() {
        assert_eq!(keys.iter().filter(|other| *other == one).count(), 1, "{}", values[at]);
        assert!(one.len() < 200, "{one}");
    }
    assert_eq!(key("1.0"), key("1"));
    assert_eq!(key("{ \"b\": 1, \"a\": 2 }"), key("{\"a\":2,\"b\":1}"));
}

#[test]
fn limits_of_rules_that_cannot_be_evaluated_restrict_too() {
    let free = Rule::allow("free").tools(["t"]);
    let limited = Rule::allow("limited")
        .tools(["t"])
        .when(arg("/x").equals(1))
        .limit(Limit::budget(5).unwrap().by([Key::Tenant]));
    let policy = RulePolicy::from_rules("p", [free, limited]).unwrap();
    let call = || Facts::new("a", "t", now());
    assert_eq!(policy.judge(&call().argument("x", Some("2"))).keyed.len(), 0);
    assert_eq!(policy.judge(&call().argument("x", Some("1")).tenant("a")).keyed.len(), 1);
    assert_eq!(policy.judge(&call().tenant("a")).keyed.len(), 1);
    for facts in [call(), call().argument("x", Some("1"))] {
        assert_eq!(policy.judge(&facts).reason.map(|reason| reason.code()), Some("input_unusable"));
    }
}

#[test]
fn a_rule_in_shadow_decides_nothing_and_is_named() {
    let rules = |shadow: bool| {
        let rule = Rule::deny("d").tools(["t"]).when(arg("/x").more_than(5));
        let hold = Rule::approve("h").tools(["t"]).when(arg("/x").more_than(3));
        let all = Rule::allow("a").tools(["t"]);
        if shadow { [rule.in_shadow(), hold.in_shadow(), all] } else { [rule, hold, all] }
    };
    let judge = |shadow, x: &'static str| {
        let policy = RulePolicy::from_rules("p", rules(shadow)).unwrap();
        let facts = Facts::new("a", "t", now()).argument("x", Some(x));
        let ruling = policy.judge(&facts);
        let shadow: Vec<String> = ruling.shadow.iter().map(ToString::to_string).collect();
        (ruling.effect, shadow.join(","), policy.explain(facts).to_string())
    };
    for (x, effect, named) in [
        ("1", RuleEffect::Allow, ""),
        ("4", RuleEffect::Approve, "h"),
        ("6", RuleEffect::Deny, "d,h"),
        ("true", RuleEffect::Deny, "d,h"),
    ] {
        assert_eq!(judge(false, x).0, effect, "{x}");
        assert_eq!(judge(false, x).1, "", "{x}");
        assert_eq!((judge(true, x).0, judge(true, x).1.as_str()), (RuleEffect::Allow, named), "{x}");
    }
    assert!(judge(true, "6").2.contains("rule `d` is in shadow: it would not have let the call pass"));
    // An approve rule in shadow grants nothing either.
    let alone = RulePolicy::from_rules("p", [Rule::approve("h").tools(["t"]).in_shadow()]).unwrap();
    assert_eq!(alone.judge(&Facts::new("a", "t", now())).effect, RuleEffect::Deny);
    let file =
        "version = 1\nid = \"p\"\n[[rule]]\nid = \"h\"\neffect = \"approve\"\ntools = [\"t\"]\nshadow = true";
    assert_eq!(Model::from_toml(file).unwrap().digest(), alone.model().digest());
}

#[test]
fn mistakes_have_a_place() {
    for (from, to, expected) in [
        ("amount = 100", "amount = 0", "9:14: rule `pay`: `amount` must be 1 to 9007199254740991"),
        ("amount = 100", "amount = -1", "9:14: rule `pay`: `amount` must be 1 to 9007199254740991"),
        (
            "amount = 100",
            "calls = 1, amount = 100",
            "9:3: rule `pay`: a limit has one of the keys `calls` and `amount`",
        ),
        (
            "{ amount = 5 }",
            "{ by = [] }",
            "11:3: rule `pay`: a limit has one of the keys `calls` and `amount`",
        ),
        ("calls = 2, ", "calls = 2, cost = \"/x\", ", "10:16: rule `pay`: unknown key `cost`"),
        (
            "\"/cents\"",
            "\"cents\"",
            "9:38: rule `pay`: `cents` is not a JSON pointer (RFC 6901) like `/amount` or `/order/items/0`",
        ),
        ("\"/cents\"", "\"\"", "9:38: rule `pay`: a limit reads one argument, not all together"),
        (
            "\"session\"",
            "\"user\"",
            "10:34: rule `pay`: `user` is not `agent`, `tool`, `session`, `tenant` or a JSON pointer like `/account`",
        ),
        (
            "\"1d\"",
            "\"1ms\"",
            "9:25: rule `pay`: `1ms` is not a whole number of seconds, minutes, hours or days, like `30s`, `5m`, `1h`, `7d`",
        ),
        (
            "effect = \"allow\"",
            "effect = \"deny\"",
            "4:1: rule `pay`: `limits` go with the effect `allow` only",
        ),
        (
            "tools = [\"pay\"]",
            "tools = [\"pay\"]\nshadow = true",
            "4:1: rule `pay`: `shadow` goes with the effects `deny` and `approve` only",
        ),
    ] {
        let changed = FILE.replacen(from, to, 1);
        assert_ne!(changed, FILE, "{from}");
        assert_eq!(Model::from_toml(changed).unwrap_err().to_string(), expected, "{from} -> {to}");
    }
    let many = (0..9).fold(Rule::allow("r").tools(["t"]), |rule, _| rule.limit(Limit::budget(5).unwrap()));
    assert!(Model::new("p", [many]).is_err());
    let keys = Limit::budget(5).unwrap().by((0..9).map(|_| Key::Agent));
    assert!(Model::new("p", [Rule::allow("r").tools(["t"]).limit(keys)]).is_err());
    assert!(Limit::budget(1 << 53).is_err());
    assert!(Limit::rate(5, Duration::from_secs(60)).unwrap().per(Duration::from_secs(60)).is_err());
    assert!(Limit::rate(5, Duration::from_secs(60)).unwrap().cost_of("/x").is_err());
    assert!(Limit::budget(5).unwrap().per(Duration::from_millis(5)).is_err());
}

/// What the call says of its origin reaches the rules and the keys.
#[test]
fn a_call_says_its_tenant_actor_and_resource() {
    let rule = Rule::allow("r")
        .tools(["t"])
        .tenants(["acme"])
        .actors(["service:ci"])
        .resources(["repo/*"])
        .limit(Limit::budget(5).unwrap().by([Key::Tenant]));
    let policy = RulePolicy::from_rules("p", [rule]).unwrap();
    let builder = || ToolCall::builder("t", "test:call").tenant("acme").resource("repo/1");
    let call = builder().on_behalf_of(ActorKind::Service, "ci").build();
    let decision = decide(&policy, "a", None, &call);
    assert_eq!(decision.effect, Effect::Allow);
    assert!(decision.charges[0].key.ends_with("/tenant/4:acme"), "{}", decision.charges[0].key);
    for (call, code) in [
        (builder().build(), "input_unusable"),
        (builder().on_behalf_of(ActorKind::User, "ci").build(), "no_rule"),
        (builder().on_behalf_of(ActorKind::Service, "ci").tenant("other").build(), "no_rule"),
        (builder().on_behalf_of(ActorKind::Service, "ci").resource("x").build(), "no_rule"),
    ] {
        match decide(&policy, "a", None, &call).effect {
            Effect::Deny { reason } => assert_eq!(reason.as_str(), code),
            effect => panic!("{effect:?}"),
        }
    }
    assert!(ToolCall::builder("t", "test:call").tenant("").build().fault().is_some());
    assert!(ToolCall::builder("t", "test:call").resource(&"x".repeat(97)).build().fault().is_some());
}

#[test]
fn the_result_may_say_what_a_call_cost() {
    let file = |limit: &str| {
        format!(
            "version = 1\nid = \"p\"\n[[rule]]\nid = \"ask\"\neffect = \"allow\"\ntools = [\"llm\"]\nlimits = [{limit}]\n"
        )
    };
    let settled = file(r#"{ amount = 100, cost = "/max", settle = "/usage/total" }"#);
    let policy = RulePolicy::from_toml(&settled).unwrap();
    let call = ToolCall::builder("llm", "llm:ask").argument("max", &40).build();
    let charges = decide(&policy, "a", None, &call).charges;
    let [charge] = charges.as_slice() else { panic!("{charges:?}") };
    assert_eq!((charge.cost, charge.settled_by.as_deref()), (40, Some("/usage/total")));
    let limit = Limit::budget(100).unwrap().cost_of("/max").unwrap().settled_by("/usage/total").unwrap();
    let built = Model::new("p", [Rule::allow("ask").tools(["llm"]).limit(limit)]).unwrap();
    assert_eq!(built.digest(), Model::from_toml(&settled).unwrap().digest());
    let unsettled = Model::from_toml(file(r#"{ amount = 100, cost = "/max" }"#)).unwrap();
    assert_ne!(built.digest(), unsettled.digest(), "it is part of the policy");
    Model::from_toml(file(r#"{ amount = 100, settle = "usage" }"#)).unwrap_err();
    Model::from_toml(file(r#"{ calls = 100, per = "1m", settle = "/usage" }"#)).unwrap_err();
}
