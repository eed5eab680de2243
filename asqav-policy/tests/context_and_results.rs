//! Rules about tenants, actors, resources, risk classes, personal data and
//! results: what holds, what does not, and what a call does not say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use asqav_policy::detector::{Detect, DetectError};
use asqav_policy::{
    Actor, Detector, Example, Facts, Finding, Model, Risk, Rule, RuleEffect, RulePolicy, arg, result,
};
use asqav_receipt::time::Timestamp;

fn call(tool: &str) -> Facts<'_> {
    Facts::new("agent", tool, Timestamp::parse_rfc3339("2026-04-06T10:00:00Z").unwrap())
}

fn policy(rules: impl IntoIterator<Item = Rule>) -> RulePolicy {
    let model = Model::builder("p")
        .risk(Risk::Read, ["db:query_*", "db:report"])
        .risk(Risk::Write, ["db:**"])
        .risk(Risk::Destructive, ["**:drop_*"])
        .rules(rules);
    RulePolicy::new(model.build().unwrap())
}

/// The code for what the rule makes of the call, as an allow and as a deny
/// rule beside one that allows everything.
fn both(restrict: impl Fn(Rule) -> Rule, facts: &Facts<'_>) -> (&'static str, &'static str) {
    let code = |policy: &RulePolicy| policy.judge(facts).reason.map_or("allow", |reason| reason.code());
    let rule = |rule: Rule| restrict(rule.tools(["**"]));
    let allows = policy([rule(Rule::allow("a").every_tool_unsafely())]);
    let everything = Rule::allow("all").tools(["**"]).every_tool_unsafely();
    let denies = policy([everything, rule(Rule::deny("d"))]);
    (code(&allows), code(&denies))
}

const HOLDS: (&str, &str) = ("allow", "denied_by_rule");
const NOT: (&str, &str) = ("no_rule", "allow");
const UNKNOWN: (&str, &str) = ("input_unusable", "input_unusable");

#[test]
fn tenants_actors_and_resources_have_three_values() {
    let tenants = |rule: Rule| rule.tenants(["acme", "eu-*"]);
    for (facts, expected) in [
        (call("t").tenant("acme"), HOLDS),
        (call("t").tenant("eu-1"), HOLDS),
        (call("t").tenant("Acme"), NOT),
        (call("t"), UNKNOWN),
    ] {
        assert_eq!(both(tenants, &facts), expected, "{facts:?}");
    }
    let actors = |rule: Rule| rule.actors(["user:alice", "service", "workload:prod/*"]);
    for (facts, expected) in [
        (call("t").actor(Actor::User, "alice"), HOLDS),
        (call("t").actor(Actor::User, "bob"), NOT),
        (call("t").actor(Actor::Service, "anything"), HOLDS),
        (call("t").actor(Actor::Workload, "prod/x"), HOLDS),
        (call("t").actor(Actor::Workload, "test/x"), NOT),
        (call("t").actor(Actor::System, "alice"), NOT),
        (call("t"), UNKNOWN),
    ] {
        assert_eq!(both(actors, &facts), expected, "{facts:?}");
    }
    let resources = |rule: Rule| rule.resources(["account:DE-*"]);
    for (facts, expected) in [
        (call("t").resource("account:DE-1"), HOLDS),
        (call("t").resource("account:CH-1"), NOT),
        (call("t"), UNKNOWN),
    ] {
        assert_eq!(both(resources, &facts), expected, "{facts:?}");
    }
}

#[test]
fn a_tool_has_the_greatest_of_its_risk_classes() {
    for (tool, risk) in [
        ("db:query_x", Some(Risk::Write)),
        ("db:drop_x", Some(Risk::Destructive)),
        ("db:report", Some(Risk::Write)),
        ("mail:drop_x", Some(Risk::Destructive)),
        ("mail:send", None),
    ] {
        for class in [Risk::Read, Risk::Write, Risk::Destructive] {
            let expected = match risk {
                None => UNKNOWN,
                Some(risk) if risk == class => HOLDS,
                Some(_) => NOT,
            };
            assert_eq!(both(|rule| rule.risk([class]), &call(tool)), expected, "{tool} {class:?}");
        }
    }
}

/// What is false outweighs what a call does not say.
#[test]
fn parts_of_a_rule_follow_the_logic_of_conditions() {
    let rule = |rule: Rule| rule.tenants(["acme"]).when(arg("/x").equals(1));
    assert_eq!(both(rule, &call("t").argument("x", Some("1"))), UNKNOWN);
    assert_eq!(both(rule, &call("t").argument("x", Some("2"))), NOT);
    assert_eq!(both(rule, &call("t").tenant("acme").argument("x", Some("1"))), HOLDS);
    assert_eq!(both(rule, &call("t").tenant("acme")), UNKNOWN);
    assert_eq!(both(rule, &call("t").tenant("other")), NOT);
}

#[test]
fn an_explanation_tells_what_the_call_does_not_say() {
    let policy = policy([Rule::deny("d").tools(["t"]).tenants(["acme"])]);
    let finding = |facts: &Facts<'_>| policy.explain(facts.clone()).rules[0].finding;
    assert_eq!(finding(&call("t")), Finding::ContextUnknown);
    assert_eq!(finding(&call("t").tenant("other")), Finding::OtherContext);
    assert_eq!(finding(&call("t").tenant("acme")), Finding::Holds);
}

#[test]
fn detectors_look_at_one_argument_or_at_all() {
    let one = |rule: Rule| rule.when(arg("/text").contains([Detector::card(), Detector::iban()]));
    let card = r#""pay 4111 1111 1111 1111""#;
    assert_eq!(both(one, &call("t").argument("text", Some(card))), HOLDS);
    assert_eq!(both(one, &call("t").argument("text", Some("4111111111111111"))), HOLDS);
    assert_eq!(both(one, &call("t").argument("text", Some(r#""hello""#)).argument("x", Some(card))), NOT);
    assert_eq!(both(one, &call("t").argument("text", None)), UNKNOWN);
    assert_eq!(both(one, &call("t").argument("text", Some("{"))), UNKNOWN);
    assert_eq!(both(one, &call("t")), UNKNOWN);

    let all = |rule: Rule| rule.when(arg("").contains([Detector::card()]));
    let nested = r#"{"a":[["4111111111111111"]]}"#;
    assert_eq!(both(all, &call("t").argument("x", Some("1")).argument("y", Some(nested))), HOLDS);
    assert_eq!(both(all, &call("t").argument("x", None).argument("y", Some(nested))), HOLDS);
    assert_eq!(both(all, &call("t").argument("x", None).argument("y", Some("1"))), UNKNOWN);
    assert_eq!(both(all, &call("t").argument("x", Some("{")).argument("y", Some("1"))), UNKNOWN);
    assert_eq!(both(all, &call("t").argument("x", Some("null"))), NOT);
    assert_eq!(both(all, &call("t")), NOT);
    let names: Vec<String> = (0..20).map(|at| format!("a{at}")).collect();
    let many = names.iter().fold(call("t"), |facts, name| facts.argument(name, Some("1")));
    assert_eq!(both(all, &many), NOT);
    assert_eq!(both(all, &many.clone().argument("z", Some(nested))), HOLDS);
    assert_eq!(both(all, &many.argument("z", None)), UNKNOWN);
}

struct Away;

impl Detect for Away {
    fn name(&self) -> &'static str {
        "away"
    }

    fn version(&self) -> u32 {
        1
    }

    fn finds(&self, _: &str) -> Result<bool, DetectError> {
        Err(DetectError::new("timed out"))
    }
}

#[test]
fn a_detector_that_fails_has_a_code_of_its_own() {
    let failing = |rule: Rule| rule.when(arg("/x").contains([Detector::new(Away)]));
    let facts = call("t").argument("x", Some(r#""text""#));
    assert_eq!(both(failing, &facts), ("detector_error", "detector_error"));
    assert_eq!(both(failing, &call("t")), UNKNOWN);
    let policy =
        policy([Rule::deny("d").tools(["t"]).on_result().when(result("").contains([Detector::new(Away)]))]);
    let ruling = policy.judge_result(&call("t").result(Some(r#""x""#)));
    assert_eq!(ruling.reason.map(|reason| reason.code()), Some("detector_error"));
}

#[test]
fn a_result_passes_unless_a_rule_withholds_it() {
    let policy = policy([
        Rule::deny("card").tools(["mail:*"]).on_result().when(result("/body").contains([Detector::card()])),
        Rule::deny("rows")
            .tools(["db:*"])
            .agents(["intern-*"])
            .on_result()
            .when(result("/rows").more_than(10)),
        Rule::deny("calls").tools(["mail:*"]),
    ]);
    let on = |facts: Facts<'_>| {
        let ruling = policy.judge_result(&facts);
        let rules: Vec<String> = ruling.rules.iter().map(ToString::to_string).collect();
        (ruling.effect, ruling.reason.map_or("", |reason| reason.code()), rules.join(","))
    };
    let released = (RuleEffect::Allow, "", String::new());
    let withheld = |code, rule: &str| (RuleEffect::Deny, code, rule.to_owned());
    let clean = r#"{"body":"hello"}"#;
    assert_eq!(on(call("mail:read").result(Some(clean))), released);
    assert_eq!(
        on(call("mail:read").result(Some(r#"{"body":["4111111111111111"]}"#))),
        withheld("denied_by_rule", "card")
    );
    for unusable in [None, Some("{"), Some("1"), Some(r#"{"text":""}"#), Some("null")] {
        assert_eq!(
            on(call("mail:read").result(unusable)),
            withheld("input_unusable", "card"),
            "{unusable:?}"
        );
    }
    assert_eq!(on(call("mail:read")), withheld("input_unusable", "card"));
    assert_eq!(on(call("other").result(None)), released);
    assert_eq!(on(call("db:x").result(Some(r#"{"rows":11}"#))), released, "another agent");
    assert!(policy.reads_results());
    assert_eq!(policy.judge(&call("mail:read")).rules.len(), 1, "rules on results are not asked of calls");
}

const FILE: &str = r#"
version = 1
id = "p"
[data_classes]
personal = ["email", "iban"]
[[rule]]
id = "stays"
effect = "deny"
tools = ["mail:read"]
phase = "result"
tenants = ["acme"]
when = { result = "/body", contains = ["@personal", "card"] }
[rule.examples]
allow = [{ tenant = "acme", result = { body = "hello" } }, { tenant = "other", result = "a@b.example" }]
deny = [{ tenant = "acme", result = { body = "a@b.example" } }, { tenant = "acme", result = 1 }]
[[rule]]
id = "act"
effect = "allow"
tools = ["mail:send"]
actors = ["user:alice"]
resources = ["mailbox/*"]
[rule.examples]
allow = [{ actor = "user:alice", resource = "mailbox/1" }]
deny = [{ actor = "user:bob", resource = "mailbox/1" }, { actor = "user:alice" }, {}]
"#;

#[test]
fn examples_say_context_and_results() {
    Model::from_toml(FILE).unwrap();
    for (from, to) in [
        ("{ body = \"hello\" }", "{ body = \"CH93 0076 2011 6238 5295 7\" }"),
        ("result = 1", "result = { body = 1 }"),
        ("actor = \"user:bob\"", "actor = \"user:alice\""),
        (", { actor = \"user:alice\" }", ", { actor = \"user:alice\", resource = \"mailbox/2\" }"),
    ] {
        let error = Model::from_toml(FILE.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains("the example must be"), "{error}");
    }
    let example = Example::denied().tenant("acme").result(r#"{"body":"a@b.example"}"#);
    let rule = Rule::deny("r")
        .tools(["t"])
        .on_result()
        .tenants(["acme"])
        .when(result("/body").contains([Detector::email()]));
    assert!(Model::new("p", [rule.example(example)]).is_ok());
}

#[test]
fn mistakes_have_a_place() {
    for (from, to, expected) in [
        ("personal =", "personal = []\nx =", "5:12: `personal` is empty"),
        ("\"email\", ", "\"mail\", ", "5:13: `mail` is not a detector that is known"),
        ("@personal", "@private", "12:40: rule `stays`: `private` is not a class in `[data_classes]`"),
        ("\"mail:send\"", "\"@mail\"", "19:10: rule `act`: `mail` is not a class in `[tool_classes]`"),
        (
            "phase = \"result\"",
            "phase = \"answer\"",
            "10:9: rule `stays`: `answer` is not `call` or `result`",
        ),
        (
            "phase = \"result\"\n",
            "",
            "6:1: rule `stays`: conditions on `result` go with `phase = \"result\"` only",
        ),
        (
            "[\"mailbox/*\"]",
            "[\"mailbox/*\"]\nphase = \"result\"",
            "16:1: rule `act`: `phase = \"result\"` goes with the effect `deny` only",
        ),
        ("[\"user:alice\"]", "[]", "20:10: rule `act`: `actors` is empty"),
        (
            "[\"user:alice\"]",
            "[\"human\"]",
            "20:11: rule `act`: `human` is not `user`, `service`, `system` or `workload`, alone or with a pattern like `user:alice`",
        ),
        (
            "result = \"/body\", ",
            "result = \"/body\", arg = \"/x\", ",
            "12:34: rule `stays`: `arg` and `result` do not go together",
        ),
        (
            "result = \"/body\", contains = [\"@personal\", \"card\"]",
            "arg = \"\", eq = 1",
            "12:25: rule `stays`: of all arguments together only `contains` can be asked",
        ),
        (
            "[data_classes]",
            "[risk]\nreads = []\n[data_classes]",
            "5:1: unknown key `reads`, did you mean `read`?",
        ),
        (
            "tenants = [\"acme\"]",
            "risk = [\"high\"]",
            "11:9: rule `stays`: `high` is not `read`, `write` or `destructive`",
        ),
    ] {
        let changed = FILE.replacen(from, to, 1);
        assert_ne!(changed, FILE, "{from}");
        assert_eq!(Model::from_toml(changed).unwrap_err().to_string(), expected, "{from} -> {to}");
    }
    assert!(Model::builder("p").risk(Risk::Read, ["***"]).build().is_err());
    for wrong in [
        Rule::allow("r").tools(["t"]).on_result(),
        Rule::deny("r").tools(["t"]).when(result("").len_at_least(1)),
        Rule::deny("r").tools(["t"]).risk([]),
        Rule::deny("r").tools(["t"]).tenants([]),
        Rule::deny("r").tools(["t"]).actors(["user:"]),
        Rule::deny("r").tools(["t"]).when(arg("").present()),
        Rule::deny("r").tools(["t"]).when(arg("/x").contains([])),
    ] {
        assert!(Model::new("p", [wrong.clone()]).is_err(), "{wrong:?}");
    }
}
