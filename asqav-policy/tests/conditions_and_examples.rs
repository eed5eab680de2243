//! Conditions and examples in a file: what they decide, how they fail, and
//! how a decision is explained.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use asqav_policy::{
    Condition, Example, Facts, Model, PolicyError, Rule, RuleEffect, RulePolicy, all, any, arg,
};
use asqav_receipt::time::Timestamp;
use proptest::prelude::*;

const FILE: &str = r#"
version = 1
id = "finance"

[[rule]]
id = "post"
effect = "allow"
tools = ["post"]
rate = { calls = 5, per = "1m" }
[rule.when]
all = [
  { arg = "/amount", ge = 1, le = 1000 },
  { any = [{ arg = "/currency", in = ["CHF", "EUR"] }, { arg = "/test", eq = true }] },
]
[rule.examples]
allow = [
  { args = { amount = 1000, currency = "CHF" } },
  { args = { amount = 1.5, test = true }, at = 2026-04-06T10:00:00+02:00, agent = "a" },
]
deny = [{ args = { amount = 1001, currency = "CHF" } }, { args = { amount = 5 } }, {}]

[[rule]]
id = "no-transit"
effect = "deny"
tools = ["post"]
when = { arg = "/iban", prefix = ["XX", "YY"] }
examples.deny = [{ args = { amount = 5, currency = "CHF", iban = "XX12" } }]
examples.allow = [{ args = { amount = 5, currency = "CHF", iban = "CH12" } }]
"#;

fn policy(text: &str) -> Result<RulePolicy, PolicyError> {
    RulePolicy::from_toml(text)
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-04-06T18:10:05Z").unwrap()
}

#[test]
fn a_deny_rule_matches_what_it_cannot_see() {
    // `no-transit` asks for `iban`, and the examples of `post` give none.
    let error = policy(FILE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "17:3: rule `post`: the example must be allowed, but it is denied (input_unusable: no-transit)"
    );
    let fixed = FILE.replace("{ arg = \"/iban\", prefix", "{ arg = \"/iban\", present = true, prefix");
    let policy = policy(&fixed).unwrap();
    let post = |arguments: &[(&'static str, &'static str)]| {
        let facts = arguments
            .iter()
            .fold(Facts::new("a", "post", now()), |facts, (name, text)| facts.argument(name, Some(text)));
        let ruling = policy.judge(&facts);
        (ruling.effect, ruling.reason.map(|reason| reason.code()))
    };
    let good = [("amount", "5"), ("currency", r#""CHF""#)];
    assert_eq!(post(&good), (RuleEffect::Allow, None));
    assert_eq!(post(&[good[0]]), (RuleEffect::Deny, Some("input_unusable")));
    assert_eq!(post(&[("amount", "5000"), good[1]]), (RuleEffect::Deny, Some("no_rule")));
    assert_eq!(post(&[("amount", r#""5""#), good[1]]), (RuleEffect::Deny, Some("input_unusable")));
    let iban = |text| post(&[good[0], good[1], ("iban", text)]);
    assert_eq!(iban(r#""XX12""#), (RuleEffect::Deny, Some("denied_by_rule")));
    assert_eq!(iban(r#""CH12""#), (RuleEffect::Allow, None));
    assert_eq!(iban("12"), (RuleEffect::Deny, Some("input_unusable")));
    assert_eq!(iban(r#"{"a":1,"a":1}"#), (RuleEffect::Deny, Some("input_unusable")));
}

#[test]
fn an_explanation_goes_rule_by_rule_and_quotes_no_argument() {
    let text = FILE.replace("{ arg = \"/iban\", prefix", "{ arg = \"/iban\", present = true, prefix");
    let policy =
        policy(&format!("{text}\n[[rule]]\nid = \"other\"\neffect = \"deny\"\ntools = [\"x\"]\n")).unwrap();
    let facts = Facts::new("a", "post", now())
        .argument("amount", Some("777"))
        .argument("currency", Some(r#""SECRET""#))
        .argument("iban", Some("12"));
    assert_eq!(
        policy.explain(facts).to_string(),
        r#"denied (input_unusable)
  rule `no-transit` (deny) cannot be evaluated: it grants nothing and restricts
    all: unknown, the value has another type
      {"arg":"/iban","present":true}: true
      {"arg":"/iban","prefix":["XX","YY"]}: unknown, the value has another type
  rule `post` (allow) cannot be evaluated: it grants nothing and restricts
    all: unknown, the value is missing
      all: true
        {"arg":"/amount","ge":1}: true
        {"arg":"/amount","le":1000}: true
      any: unknown, the value is missing
        {"arg":"/currency","in":["CHF","EUR"]}: false
        {"arg":"/test","in":[true]}: unknown, the value is missing
  1 rules are about something else
"#
    );
}

/// The error for a rule whose `when` is this; the rule begins in line 3.
fn when_error(when: &str) -> String {
    let text = format!(
        "version = 1\nid = \"p\"\n[[rule]]\nid = \"r\"\neffect = \"deny\"\ntools = [\"t\"]\nwhen = {when}"
    );
    Model::from_toml(&text).expect_err(when).to_string()
}

#[test]
fn mistakes_in_conditions_have_a_place() {
    for (when, expected) in [
        ("1", "7:8: rule `r`: `when` must be a table, not an integer"),
        (
            "{}",
            "7:8: rule `r`: a condition has one of the keys `all`, `any`, `not`, `arg`, `result` or `label`",
        ),
        ("{ eq = 1 }", "7:8: rule `r`: the key `arg` is missing"),
        (
            "{ arg = \"/x\" }",
            "7:16: rule `r`: `arg` and `result` need a question beside them, like `eq` or `le`",
        ),
        (
            "{ arg = \"x\", eq = 1 }",
            "7:16: rule `r`: `x` is not a JSON pointer (RFC 6901) like `/amount` or `/order/items/0`",
        ),
        ("{ arg = \"/x\", eqq = 1 }", "7:22: rule `r`: unknown key `eqq`, did you mean `eq`?"),
        ("{ arg = \"/x\", le = \"1\" }", "7:27: rule `r`: only numbers have bounds"),
        (
            "{ arg = \"/x\", le = 9007199254740992 }",
            "7:27: rule `r`: `number` must be -9007199254740991 to 9007199254740991",
        ),
        (
            "{ arg = \"/x\", le = inf }",
            "7:27: rule `r`: `number` must be -9007199254740991 to 9007199254740991",
        ),
        (
            "{ arg = \"/x\", eq = 2026-01-01 }",
            "7:27: rule `r`: `eq` must be a string, a boolean or a number, not a date or time",
        ),
        ("{ arg = \"/x\", in = [] }", "7:27: rule `r`: `in` is empty"),
        ("{ arg = \"/x\", in = [1, \"a\"] }", "7:27: rule `r`: the values of `in` must all be of one type"),
        ("{ arg = \"/x\", under = \"a/b\" }", "7:30: rule `r`: `a/b` is not a plain absolute path"),
        (
            "{ arg = \"/x\", host_in = [\"A.example\"] }",
            "7:32: rule `r`: `A.example` is not a host name in lower case or an IPv4 address, with `*.` in \
             front for its subdomains",
        ),
        ("{ arg = \"/x\", min_len = -1 }", "7:32: rule `r`: `length` must be 0 to 4294967295"),
        ("{ all = [] }", "7:16: rule `r`: `all` is empty"),
        ("{ all = [{ not = { any = [] } }] }", "7:33: rule `r`: `any` is empty"),
        (
            "{ all = [{ arg = \"/x\", eq = 1 }], arg = \"/y\" }",
            "7:16: rule `r`: `all`, `any`, `not`, `arg` and `result` do not go together",
        ),
    ] {
        assert_eq!(when_error(when), expected, "{when}");
    }
    assert!(
        when_error("{ arg = \"/x\", matches = \"(\" }").starts_with("7:32: rule `r`: the regular expression")
    );
    let deep = format!("{}{{ arg = \"/x\", eq = 1 }}{}", "{ not = ".repeat(16), " }".repeat(16));
    assert!(when_error(&deep).ends_with("more than 16 levels of conditions"), "{}", when_error(&deep));
}

#[test]
fn an_example_must_come_out_as_it_says() {
    let rule = || Rule::allow("r").tools(["t"]).agents(["a"]).when(arg("/x").at_most(5));
    let error = |example| RulePolicy::from_rules("p", [rule().example(example)]).unwrap_err().to_string();
    let allowed = Example::allowed().agent("a").argument("x", "5");
    assert!(RulePolicy::from_rules("p", [rule().example(allowed.clone())]).is_ok());
    assert_eq!(
        error(allowed.clone().argument("x", "5")),
        "rule `r`: the example must be allowed, but it is denied (input_unusable: r)"
    );
    assert_eq!(
        error(allowed.agent("b")),
        "rule `r`: the example must be allowed, but it is denied (no_rule)"
    );
    assert_eq!(
        error(Example::denied().agent("a").argument("x", "5")),
        "rule `r`: the example must be denied, but it is allowed (r)"
    );
    assert_eq!(
        error(Example::denied().argument("x", "{")),
        "rule `r`: a value of an example is not JSON within the limits"
    );
    let other = Rule::allow("other").tools(["u"]);
    let strange = rule().example(Example::allowed().tool("u"));
    assert_eq!(
        RulePolicy::from_rules("p", [other, strange]).unwrap_err().to_string(),
        "rule `r`: the example must be allowed, but it is allowed (this rule did not lead to it)"
    );
}

#[test]
fn conditions_change_the_digest_and_examples_do_not() {
    let digest =
        |when: Condition| Model::new("p", [Rule::deny("r").tools(["t"]).when(when)]).unwrap().digest();
    let x = || arg("/x");
    let different = [
        digest(x().equals(1)),
        digest(x().equals("1")),
        digest(x().equals(true)),
        digest(x().at_most(1)),
        digest(x().at_least(1)),
        digest(x().less_than(1)),
        digest(x().more_than(1)),
        digest(x().len_at_least(1)),
        digest(x().len_at_most(1)),
        digest(x().present()),
        digest(x().absent()),
        digest(x().starts_with(["/a"])),
        digest(x().under(["/a"])),
        digest(x().host_in(["a"])),
        digest(x().matches("a")),
        digest(arg("/y").equals(1)),
        digest(!x().equals(1)),
        digest(all([x().equals(1)])),
        digest(any([x().equals(1)])),
    ];
    for (at, one) in different.iter().enumerate() {
        assert_eq!(different.iter().filter(|other| *other == one).count(), 1, "{at}");
    }
    assert_eq!(digest(x().equals(1)), digest(x().equals(1.0)));
    assert_eq!(digest(x().one_of([2, 1, 2])), digest(x().one_of([1, 2])));
    let rule = Rule::deny("r").tools(["t"]).when(x().equals(1)).example(Example::denied());
    assert_eq!(Model::new("p", [rule]).unwrap().digest(), different[0]);
}

/// A file's text for a rule with a condition over the arguments `a` and `b`.
fn any_rule() -> impl Strategy<Value = (RuleEffect, Condition)> {
    let effect = prop::sample::select(vec![RuleEffect::Allow, RuleEffect::Approve, RuleEffect::Deny]);
    let place = || prop::sample::select(vec!["/a", "/b", "/a/k"]);
    let leaf = (place(), 0..4_u8).prop_map(|(place, kind)| match kind {
        0 => arg(place).at_most(5),
        1 => arg(place).equals("s"),
        2 => arg(place).under(["/srv"]),
        _ => arg(place).equals(true),
    });
    let condition = leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(all),
            prop::collection::vec(inner.clone(), 1..3).prop_map(any),
            inner.prop_map(|condition| !condition),
        ]
    });
    (effect, condition)
}

fn rank(effect: RuleEffect) -> u8 {
    match effect {
        RuleEffect::Allow => 2,
        RuleEffect::Approve => 1,
        _ => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Taking an input away, or breaking it, never lets a call through that
    /// did not pass, nor frees one of a limit.
    #[test]
    fn losing_an_input_never_helps(
        rules in prop::collection::vec(any_rule(), 1..5),
        a in prop::sample::select(vec!["1", "9", r#""s""#, r#""/srv/x""#, "true", r#"{"k":3}"#, r#"{"k":"s"}"#]),
        b in prop::sample::select(vec!["1", "9", r#""s""#, r#""/etc""#, "false"]),
        broken in prop::sample::select(vec![None, Some("null"), Some("{"), Some("9007199254740993"), Some("[]")]),
        which in proptest::bool::ANY,
    ) {
        let rules = rules.into_iter().enumerate().map(|(at, (effect, when))| {
            let name = format!("r{at}");
            match effect {
                RuleEffect::Allow => Rule::allow(name).rate(5, std::time::Duration::from_secs(60)),
                RuleEffect::Approve => Rule::approve(name),
                _ => Rule::deny(name),
            }
            .tools(["t"])
            .when(when)
        });
        let policy = RulePolicy::from_rules("p", rules).unwrap();
        let facts = |a: Option<&'static str>, b: Option<&'static str>| {
            let facts = Facts::new("agent", "t", now());
            let facts = if let Some(a) = a { facts.argument("a", Some(a)) } else { facts };
            if let Some(b) = b { facts.argument("b", Some(b)) } else { facts }
        };
        let before = policy.judge(&facts(Some(a), Some(b)));
        let lost = if which { facts(broken, Some(b)) } else { facts(Some(a), broken) };
        let after = policy.judge(&lost);
        prop_assert!(rank(after.effect) <= rank(before.effect), "{:?} became {:?}", before, after);
        if after.effect == RuleEffect::Allow {
            for limit in &before.limits {
                prop_assert!(after.limits.contains(limit), "{:?} became {:?}", before, after);
            }
        }
    }
}
