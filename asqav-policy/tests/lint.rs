//! What is hardly meant is found, and its twin that is meant is not.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use asqav_policy::{Format, LintKind, Trial};
use asqav_receipt::time::Timestamp;

/// The warnings about rules, without the remarks about examples.
#[track_caller]
fn warnings(rules: &str) -> Vec<(String, &'static str)> {
    let trial = Trial::read(format!("version = 1\nid = \"p\"\n{rules}"), Format::Toml).unwrap();
    let lints = trial.lint(Some(Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").unwrap()));
    let about_rules = |kind| !matches!(kind, LintKind::NoExample | LintKind::SameExample);
    lints
        .into_iter()
        .filter(|lint| about_rules(lint.kind))
        .map(|lint| (lint.rule, lint.kind.as_str()))
        .collect()
}

fn rule(id: &str, effect: &str, tools: &str, rest: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\neffect = \"{effect}\"\ntools = {tools}\n{rest}\n")
}

#[track_caller]
fn assert_found(rules: &[String], expected: &[(&str, &str)]) {
    let found = warnings(&rules.concat());
    let found: Vec<(&str, &str)> = found.iter().map(|(rule, kind)| (rule.as_str(), *kind)).collect();
    assert_eq!(found, expected, "{}", rules.concat());
}

#[test]
fn an_unconditional_deny_shadows() {
    let deny = |tools, rest| rule("deny", "deny", tools, rest);
    let allow = |tools, rest| rule("allow", "allow", tools, rest);
    let shadowed = &[("allow", "shadowed")][..];
    for (rules, expected) in [
        ([deny(r#"["a:*"]"#, ""), allow(r#"["a:x"]"#, "")], shadowed),
        (
            [deny(r#"["a:**"]"#, ""), allow(r#"["a:x", "a:y*"]"#, "rate = { calls = 1, per = \"1m\" }")],
            shadowed,
        ),
        ([deny(r#"["a:*"]"#, ""), allow(r#"["a:x:y"]"#, "")], &[]),
        ([deny(r#"["a:x"]"#, ""), allow(r#"["a:*"]"#, "")], &[]),
        ([deny(r#"["a:*"]"#, "when = { arg = \"/x\", eq = 1 }"), allow(r#"["a:x"]"#, "")], &[]),
        ([deny(r#"["a:*"]"#, "window = { days = [\"mon\"] }"), allow(r#"["a:x"]"#, "")], &[]),
        ([deny(r#"["a:*"]"#, "tenants = [\"t\"]"), allow(r#"["a:x"]"#, "")], &[]),
        ([deny(r#"["a:*"]"#, "agents = [\"a*\"]"), allow(r#"["a:x"]"#, "agents = [\"ab\"]")], shadowed),
        ([deny(r#"["a:*"]"#, "agents = [\"a*\"]"), allow(r#"["a:x"]"#, "")], &[]),
    ] {
        assert_found(&rules, expected);
    }
}

#[test]
fn what_another_rule_does_as_well_is_redundant() {
    let wide = rule("wide", "allow", r#"["a:*"]"#, "");
    assert_found(&[wide.clone(), rule("x", "allow", r#"["a:x"]"#, "")], &[("x", "redundant")]);
    let conditional = rule("x", "allow", r#"["a:x"]"#, "when = { arg = \"/x\", eq = 1 }");
    assert_found(&[wide.clone(), conditional], &[("x", "redundant")]);
    let limited = rule("x", "allow", r#"["a:x"]"#, "rate = { calls = 1, per = \"1m\" }");
    assert_found(&[wide.clone(), limited], &[]);
    assert_found(&[wide.clone(), rule("x", "approve", r#"["a:x"]"#, "")], &[]);
    assert_found(&[wide.clone(), rule("x", "allow", r#"["a:*"]"#, "")], &[("x", "redundant")]);
}

#[test]
fn contradictions_are_found() {
    let when = |condition: &str| [rule("r", "allow", r#"["t"]"#, &format!("when = {condition}"))];
    let never = &[("r", "never_true")][..];
    for (condition, expected) in [
        (r#"{ arg = "/x", ge = 5, le = 4 }"#, never),
        (r#"{ arg = "/x", ge = 5, lt = 5 }"#, never),
        (r#"{ arg = "/x", ge = 5, le = 5 }"#, &[]),
        (r#"{ arg = "/x", eq = "a", ge = 5 }"#, never),
        (r#"{ arg = "/x", in = [1, 2], ge = 3 }"#, never),
        (r#"{ arg = "/x", in = [1, 3], ge = 3 }"#, &[]),
        (r#"{ all = [{ arg = "/x", eq = "a" }, { arg = "/x", eq = "b" }] }"#, never),
        (r#"{ all = [{ arg = "/x", eq = "a" }, { arg = "/y", eq = "b" }] }"#, &[]),
        (r#"{ any = [{ arg = "/x", eq = "a" }, { arg = "/x", eq = "b" }] }"#, &[]),
        (r#"{ any = [{ arg = "/x", ge = 2, le = 1 }, { arg = "/y", ge = 2, le = 1 }] }"#, never),
        (r#"{ any = [{ arg = "/x", ge = 2, le = 1 }, { arg = "/y", ge = 1, le = 1 }] }"#, &[]),
        (r#"{ arg = "/x", present = false, eq = 1 }"#, never),
        (r#"{ arg = "/x", present = true, eq = 1 }"#, &[]),
        (r#"{ arg = "/x", min_len = 3, max_len = 2 }"#, never),
        (r#"{ all = [{ arg = "/x", prefix = "ab" }, { arg = "/x", prefix = "ac" }] }"#, never),
        (r#"{ all = [{ arg = "/x", prefix = "ab" }, { arg = "/x", prefix = "abc" }] }"#, &[]),
        (r#"{ arg = "/x", eq = "abc", prefix = "x" }"#, never),
        (r#"{ not = { arg = "/x", ge = 2, le = 1 } }"#, &[]),
    ] {
        assert_found(&when(condition), expected);
    }
}

#[test]
fn windows_that_never_open_or_are_over_are_found() {
    let window = |window: &str| [rule("r", "allow", r#"["t"]"#, &format!("window = {window}"))];
    for (text, expected) in [
        // 2026-07-05 is a Sunday.
        (
            r#"{ days = ["mon"], since = 2026-07-05T00:00:00Z, until = 2026-07-06T00:00:00Z }"#,
            &[("r", "never_open")][..],
        ),
        (r#"{ days = ["mon"], since = 2026-07-05T00:00:00Z, until = 2026-07-06T00:00:01Z }"#, &[]),
        (r#"{ days = ["sun"], since = 2026-07-05T00:00:00Z, until = 2026-07-06T00:00:00Z }"#, &[]),
        (
            r#"{ from = "22:00", to = "23:00", since = 2026-07-05T08:00:30Z, until = 2026-07-05T22:00:00Z }"#,
            &[("r", "never_open")],
        ),
        (r#"{ until = 2026-05-31T00:00:00Z }"#, &[("r", "window_over")]),
        (r#"{ until = 2026-06-02T00:00:00Z }"#, &[]),
    ] {
        assert_found(&window(text), expected);
    }
}

#[test]
fn every_tool_is_named() {
    let all = rule("all", "allow", r#"["**"]"#, "every_tool_unsafely = true");
    assert_found(&[all], &[("all", "every_tool")]);
    assert_found(&[rule("none", "deny", r#"["**"]"#, "")], &[]);
}

#[test]
fn examples_are_looked_at_over_all_rules() {
    let text = format!(
        "version = 1\nid = \"p\"\n{}{}",
        rule("a", "allow", r#"["a", "b"]"#, "[rule.examples]\nallow = [{ tool = \"a\" }]"),
        rule(
            "c",
            "deny",
            r#"["c", "d"]"#,
            "[rule.examples]\ndeny = [{ tool = \"c\" }, { tool = \"d\" }]\nallow = [{ tool = \"a\" }]"
        ),
    );
    let lints = Trial::read(text, Format::Toml).unwrap().lint(None);
    let shown: Vec<String> = lints
        .iter()
        .map(|lint| format!("{}: {lint}", lint.position.map(|at| at.line).unwrap_or_default()))
        .collect();
    assert_eq!(
        shown,
        [
            "3: rule `a`: no example calls `b` (no_example)",
            "15: rule `c`: the example is that of rule `a`, 8:10 (same_example)",
        ]
    );
    assert!(lints.iter().all(|lint| !lint.kind.is_warning()));
}
