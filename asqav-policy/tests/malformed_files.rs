//! A policy file that is wrong is an error that says where, never a panic and
//! never a policy.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use asqav_policy::{MAX_FILE_LEN, Model, Problem};
use proptest::prelude::*;

#[track_caller]
fn error(text: &str) -> String {
    Model::from_toml(text).expect_err(text).to_string()
}

/// A file with one rule, whose fourth line is the first of the rule.
fn with_rule(rule: &str) -> String {
    format!("version = 1\nid = \"p\"\n[[rule]]\n{rule}")
}

#[test]
fn mistakes_around_the_rules() {
    for (text, expected) in [
        ("", "1:1: the key `version` is missing"),
        ("version = 1", "1:1: the key `id` is missing"),
        ("id = \"p\"\nversion = 2", "2:11: file format version 2 is not known, this is version 1"),
        ("version = 2\nlater = true", "1:11: file format version 2 is not known, this is version 1"),
        ("version = \"1\"", "1:11: `version` must be an integer, not a string"),
        ("version = 1.0", "1:11: `version` must be an integer, not a float"),
        (
            "version = 99999999999999999999",
            "1:11: `version` must be an integer of at most 64 bits, not an integer",
        ),
        ("version = 1\nid = \"\"", "2:6: policy id is empty"),
        ("version = 1\nid = \"p\"\nrules = []", "3:1: unknown key `rules`, did you mean `rule`?"),
        ("version = 1\nid = \"p\"\nz = 1\n\"ä\" = 2", "3:1: unknown key `z`"),
        ("version = 1\nid = \"p\"\nrule = {}", "3:8: `rule` must be an array, not a table"),
        ("version = 1\nid = \"p\"\nrule = [1]", "3:9: `rule` must be a table, not an integer"),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn malformed_toml_has_a_place() {
    for (text, place) in [
        ("version = 1\nid = \"p\"\nid = \"q\"", "3:1: "),
        ("version = 1\nid = \"p", "2:8: "),
        ("version = 1\n[[rule]", "2:8: "),
        ("version = 1\nid = \"\\q\"", "2:8: "),
        ("version = 1\nid = p", "2:6: "),
        ("version = 1\n= 2", "2:1: "),
        ("version = 01", "1:11: "),
    ] {
        let error = Model::from_toml(text).unwrap_err();
        assert!(matches!(error.problem(), Problem::Syntax(_)), "{error}");
        assert!(error.to_string().starts_with(place), "{text}: {error}");
    }
}

#[test]
fn mistakes_in_a_rule() {
    let good = "id = \"r\"\neffect = \"allow\"\n";
    for (rule, expected) in [
        ("effect = \"allow\"", "3:1: the key `id` is missing".to_owned()),
        ("id = 1", "4:6: `id` must be a string, not an integer".to_owned()),
        ("id = \"r\"\ntools = []", "3:1: rule `r`: the key `effect` is missing".to_owned()),
        (
            "id = \"r\"\neffect = \"Allow\"\ntools = [\"t\"]",
            "5:10: rule `r`: `Allow` is not `allow`, `approve` or `deny`".to_owned(),
        ),
        ("id = \"\"\neffect = \"deny\"\ntools = [\"t\"]", "3:1: rule ``: rule id is empty".to_owned()),
    ] {
        assert_eq!(error(&with_rule(rule)), expected, "{rule}");
    }
    for (rest, expected) in [
        ("", "3:1: rule `r`: the key `tools` is missing"),
        ("tolls = [\"t\"]", "6:1: rule `r`: unknown key `tolls`, did you mean `tools`?"),
        ("tools = \"t\"", "6:9: rule `r`: `tools` must be an array, not a string"),
        ("tools = []", "6:9: rule `r`: `tools` is empty"),
        ("tools = [\"t\", 1]", "6:15: rule `r`: `tools` must be a string, not an integer"),
        ("tools = [\"t\", \"\"]", "6:15: rule `r`: the pattern is empty"),
        ("tools = [\"tü\", \"[a]\"]", "6:16: rule `r`: the pattern holds '[', which is reserved"),
        ("tools = [\"t\"]\nagents = []", "7:10: rule `r`: `agents` is empty"),
        (
            "tools = [\"**\"]",
            "3:1: rule `r`: the pattern `**` allows every tool: list the tools, or write \
             `every_tool_unsafely = true`",
        ),
        (
            "tools = [\"t\"]\nevery_tool_unsafely = true",
            "3:1: rule `r`: `every_tool_unsafely` goes with the effect `allow` and the pattern `**` only",
        ),
        ("tools = [\"t\"]\nrate = 5", "7:8: rule `r`: `rate` must be a table, not an integer"),
        ("tools = [\"t\"]\nrate = { calls = 5 }", "7:8: rule `r`: the key `per` is missing"),
        (
            "tools = [\"t\"]\nrate = { calls = 0, per = \"1m\" }",
            "7:18: rule `r`: `calls` must be 1 to 1000000",
        ),
        (
            "tools = [\"t\"]\nrate = { calls = -1, per = \"1m\" }",
            "7:18: rule `r`: `calls` must be 1 to 1000000",
        ),
        (
            "tools = [\"t\"]\nrate = { calls = 5, per = \"0s\" }",
            "7:27: rule `r`: `per` must be 1 second to 366 days, in whole milliseconds",
        ),
        (
            "tools = [\"t\"]\nrate = { calls = 5, per = \"1 m\" }",
            "7:27: rule `r`: `1 m` is not a whole number of seconds, minutes, hours or days, like `30s`, \
             `5m`, `1h`, `7d`",
        ),
        (
            "tools = [\"t\"]\nrate = { calls = 5, per = \"1m\", burst = 2 }",
            "7:33: rule `r`: unknown key `burst`",
        ),
        ("tools = [\"t\"]\nwindow = {}", "7:10: rule `r`: `window` is empty"),
        ("tools = [\"t\"]\nwindow = { from = \"08:00\" }", "7:10: rule `r`: `from` and `to` go together"),
        (
            "tools = [\"t\"]\nwindow = { from = \"8:00\", to = \"9:00\" }",
            "7:10: rule `r`: `8:00` is not a time of day as `HH:MM`",
        ),
        (
            "tools = [\"t\"]\nwindow = { days = [\"monday\"] }",
            "7:20: rule `r`: `monday` is not a day from `mon` to `sun`",
        ),
        (
            "tools = [\"t\"]\nwindow = { since = 2026-01-01 }",
            "7:20: rule `r`: `since` must be a date and time with an offset, like `2026-01-31T08:00:00Z`, \
             not a date or time",
        ),
        (
            "tools = [\"t\"]\nwindow = { zone = \"Mars/Base\" }",
            "7:19: rule `r`: `Mars/Base` is not a time zone: write `UTC`, an offset like `+02:00` or a name \
             like `Europe/Zurich`",
        ),
    ] {
        assert_eq!(error(&with_rule(&format!("{good}{rest}"))), expected, "{rest}");
    }
    let denied_rate = "id = \"r\"\neffect = \"deny\"\ntools = [\"t\"]\nrate = { calls = 5, per = \"1m\" }";
    assert_eq!(error(&with_rule(denied_rate)), "3:1: rule `r`: `rate` goes with the effect `allow` only");
}

#[test]
fn the_second_of_two_rules_with_one_id_is_named() {
    let rule = "[[rule]]\nid = \"r\"\neffect = \"deny\"\ntools = [\"t\"]\n";
    let text = format!("version = 1\nid = \"p\"\n{rule}\n{rule}");
    assert_eq!(error(&text), "8:1: rule `r`: the rule id is used twice");
}

#[test]
fn size_and_depth_are_bounded() {
    let mut text = with_rule("id = \"r\"\neffect = \"deny\"\ntools = [\"t\"]\n#");
    text.extend(std::iter::repeat_n('x', MAX_FILE_LEN - text.len()));
    assert!(Model::from_toml(&text).is_ok(), "exactly the limit");
    text.push('x');
    assert_eq!(*Model::from_toml(&text).unwrap_err().problem(), Problem::TooLarge { len: MAX_FILE_LEN + 1 });
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let deep = format!("version = 1\nid = {}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(error(&deep).starts_with("2:"), "{}", error(&deep));
    }
    let dotted = format!("version = 1\n{}x = 1\nid = \"a.b\"", "a.".repeat(100_000));
    assert_eq!(error(&dotted), "2:1: recursion limit");
}

#[test]
fn bytes_that_are_not_text_have_a_place_too() {
    let error = Model::from_toml(b"version = 1\n# \xff").unwrap_err();
    assert_eq!(error.to_string(), "2:3: not UTF-8");
}

proptest! {
    /// Whatever is done to a good file, reading ends with a policy or an error
    /// with a place.
    #[test]
    fn a_damaged_file_is_read_or_refused(at in 0_usize..400, with in prop::collection::vec(any::<u8>(), 0..4)) {
        let mut bytes = with_rule(
            "id = \"r\"\neffect = \"allow\"\ntools = [\"a:*\"]\nrate = { calls = 5, per = \"1m\" }\n\
             window = { days = [\"mon\"], from = \"08:00\", to = \"18:00\", zone = \"Europe/Zurich\", \
             since = 2026-01-01T00:00:00Z }\n",
        ).into_bytes();
        let at = at.min(bytes.len());
        let end = (at + 1).min(bytes.len());
        bytes.splice(at..end, with);
        if let Err(error) = Model::from_toml(&bytes) {
            prop_assert!(error.position().is_some(), "{error}");
        }
    }
}
