//! What changes between two policies, in rules and in decisions.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use asqav_policy::{Diff, Format, Trial};

fn trial(rules: &str) -> Trial {
    Trial::read(format!("version = 1\nid = \"p\"\n{rules}"), Format::Toml).unwrap()
}

fn rule(id: &str, effect: &str, rest: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\neffect = \"{effect}\"\n{rest}\n")
}

/// `call: before -> after` of every change, where both are in one line.
fn decisions(diff: &Diff) -> Vec<String> {
    let shown = diff.decisions.iter().map(|change| {
        let (before, after) = (&change.before, &change.after);
        format!("{}: {} -> {}", change.call, before.effect, after.effect)
    });
    shown.collect()
}

#[track_caller]
fn assert_changes(before: &str, after: &str, expected: &[&str]) -> Diff {
    let diff = Diff::new(&trial(before), &trial(after));
    assert_eq!(decisions(&diff), expected);
    diff
}

#[test]
fn another_order_and_spelling_is_no_difference() {
    let (a, b) = (rule("a", "allow", "tools = [\"x\", \"y\"]"), rule("b", "deny", "tools = [\"z\"]"));
    let spelt = a.replace("[\"x\", \"y\"]", "['y', 'x'] # the same");
    let diff = assert_changes(&format!("{a}{b}"), &format!("{b}{spelt}"), &[]);
    assert!(diff.is_empty());
    assert!(diff.tried >= 3, "{}", diff.tried);
}

#[test]
fn rules_are_added_removed_and_changed() {
    let old = rule("a", "allow", "tools = [\"x\"]") + &rule("b", "deny", "tools = [\"z\"]");
    let new = rule("a", "allow", "tools = [\"x\", \"y\"]") + &rule("c", "approve", "tools = [\"w\"]");
    let diff = Diff::new(&trial(&old), &trial(&new));
    assert!(!diff.is_empty());
    let names = |rules: &[(String, _)]| rules.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(names(&diff.added), ["c"]);
    assert_eq!(names(&diff.removed), ["b"]);
    let [(id, members)] = &*diff.changed else { panic!("{:?}", diff.changed) };
    assert_eq!(id, "a");
    assert_eq!(members.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["tools"]);
}

#[test]
fn the_value_on_the_edge_shows_a_moved_bound() {
    let old = rule("a", "allow", "tools = [\"x\"]\nwhen = { arg = \"/n\", ge = 1, le = 100 }");
    let new = old.replace("100", "101");
    assert_changes(&old, &new, &["{\"tool\":\"x\",\"args\":{\"n\":101}}: deny -> allow"]);
    let stricter = old.replace("le = 100", "lt = 100");
    assert_changes(&old, &stricter, &["{\"tool\":\"x\",\"args\":{\"n\":100}}: allow -> deny"]);
}

#[test]
fn values_stand_where_conditions_look_for_them() {
    let old =
        rule("a", "allow", "tools = [\"x\"]\nwhen = { arg = \"/o/items/0/kind\", in = [\"a\", \"b\"] }");
    let new = old.replace(", \"b\"", "");
    assert_changes(
        &old,
        &new,
        &["{\"tool\":\"x\",\"args\":{\"o\":{\"items\":[{\"kind\":\"b\"}]}}}: allow -> deny"],
    );
}

#[test]
fn instants_on_the_edge_show_a_moved_window() {
    let old = rule(
        "a",
        "allow",
        "tools = [\"x\"]\nwindow = { days = [\"mon\"], from = \"08:00\", to = \"18:00\" }",
    );
    let new = old.replace("18:00", "18:15");
    let diff = Diff::new(&trial(&old), &trial(&new));
    assert_eq!(decisions(&diff), ["{\"tool\":\"x\",\"at\":\"2000-01-03T18:00:00.000000Z\"}: deny -> allow"]);
}

#[test]
fn another_limit_is_another_decision() {
    let old = rule("a", "allow", "tools = [\"x\"]\nrate = { calls = 5, per = \"1m\" }");
    let diff = Diff::new(&trial(&old), &trial(&old.replace("5", "6")));
    let [change] = &*diff.decisions else { panic!("{:?}", diff.decisions) };
    assert_eq!(
        (change.before.limits.as_slice(), change.after.limits.as_slice()),
        (&[(5, 60_000)][..], &[(6, 60_000)][..])
    );
}

#[test]
fn examples_of_both_files_are_tried() {
    let old = rule("a", "allow", "tools = [\"*\"]\n[rule.examples]\nallow = [{ tool = \"quite_another\" }]");
    let new = rule("a", "allow", "tools = [\"*\"]") + &rule("b", "deny", "tools = [\"quite_*\"]");
    let diff = Diff::new(&trial(&old), &trial(&new));
    assert_eq!(
        decisions(&diff),
        ["{\"tool\":\"quite_another\"}: allow -> deny", "{\"tool\":\"quite_x\"}: allow -> deny"]
    );
}

#[test]
fn agents_and_context_are_tried() {
    let old = rule("a", "allow", "tools = [\"x\"]\nagents = [\"f-*\"]\ntenants = [\"t1\"]");
    let new = old.replace("f-*", "g-*");
    assert_changes(
        &old,
        &new,
        &[
            "{\"tool\":\"x\",\"agent\":\"f-x\"}: deny -> deny",
            "{\"tool\":\"x\",\"agent\":\"f-x\",\"tenant\":\"t1\"}: allow -> deny",
            "{\"tool\":\"x\",\"agent\":\"g-x\"}: deny -> deny",
            "{\"tool\":\"x\",\"agent\":\"g-x\",\"tenant\":\"t1\"}: deny -> allow",
        ],
    );
}

/// A file of 40 KB whose conditions ask for gigabytes of values.
#[test]
fn what_a_rule_asks_for_is_bounded() {
    let names = |prefix: &str| (0..8).map(|n| format!("\"{prefix}{n}\"")).collect::<Vec<_>>().join(", ");
    let conditions = |len: usize| {
        let all = (0..1_000).map(|n| format!("  {{ arg = \"/x{n}\", max_len = {len} }},\n"));
        all.collect::<String>()
    };
    let asks = |len| {
        let tools = names("t");
        rule(
            "r",
            "deny",
            &format!("tools = [{tools}]\nagents = [{}]\nwhen.any = [\n{}]", names("a"), conditions(len)),
        )
    };
    let diff = Diff::new(&trial(&asks(4_095)), &trial(&asks(4_094)));
    assert!(!diff.is_empty());
    let len: usize = diff.decisions.iter().map(|change| change.call.to_string().len()).sum();
    assert!(diff.tried <= 1_000 && len < 32 << 20, "{} calls of {len} bytes", diff.tried);
    let small = Diff::new(&trial(&asks(1)), &trial(&asks(2)));
    assert!(small.tried > 10, "{}", small.tried);
}
