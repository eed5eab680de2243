//! TOML, JSON and YAML are three ways to write one model; what one reader
//! could take for something else is an error with its place.
#![cfg(feature = "yaml")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use asqav_policy::{Format, MAX_FILE_LEN, Model, Problem};
use proptest::prelude::*;

const TOML: &str = r#"
version = 1
id = "finance"

[[rule]]
id = "post"
effect = "allow"
tools = ["ledger:post_*"]
agents = ["finance-*"]
rate = { calls = 5, per = "1m" }
window = { days = ["mon"], from = "08:00", to = "18:00", since = 2026-01-01T00:00:00Z }
when.all = [{ arg = "/amount", ge = 1, le = 1000.5 }, { not = { arg = "/iban", prefix = "XX" } }]
[[rule.examples.allow]]
tool = "ledger:post_x"
agent = "finance-1"
at = 2026-04-06T10:00:00Z
args = { amount = 5, iban = "CH93", note = "ü" }

[[rule]]
id = "no-delete"
effect = "deny"
tools = ["**:delete_*"]
"#;

const YAML: &str = r#"
# The same policy.
version: 1
id: finance
rule:
  - id: post
    effect: allow
    tools: ["ledger:post_*"]
    agents: [finance-*]
    rate: {calls: 5, per: 1m}
    window:
      days: [mon]
      from: "08:00"
      to: '18:00'
      since: 2026-01-01T00:00:00Z
    when:
      all:
      - {arg: /amount, ge: 1, le: 1000.5}
      - not: {arg: /iban, prefix: XX}
    examples:
      allow:
        - tool: ledger:post_x
          agent: finance-1
          at: "2026-04-06T10:00:00Z"
          args: {amount: 5, iban: CH93, note: ü}
  - id: no-delete
    effect: deny
    tools:
      - "**:delete_*"
"#;

const JSON: &str = r#"{
 "version": 1, "id": "finance",
 "rule": [
  {"id": "no-delete", "effect": "deny", "tools": ["**:delete_*"]},
  {"id": "post", "effect": "allow", "tools": ["ledger:post_*"], "agents": ["finance-*"],
   "rate": {"calls": 5, "per": "1m"},
   "window": {"days": ["mon"], "from": "08:00", "to": "18:00", "since": "2026-01-01T00:00:00Z"},
   "when": {"all": [{"arg": "/amount", "ge": 1, "le": 1000.5}, {"not": {"arg": "/iban", "prefix": "XX"}}]},
   "examples": {"allow": [{"tool": "ledger:post_x", "agent": "finance-1", "at": "2026-04-06T10:00:00Z",
                           "args": {"amount": 5, "iban": "CH93", "note": "\u00fc"}}]}}
 ]
}"#;

#[track_caller]
fn yaml(text: &str) -> String {
    Model::read(text, Format::Yaml).expect_err(text).to_string()
}

#[track_caller]
fn json(text: &str) -> String {
    Model::read(text, Format::Json).expect_err(text).to_string()
}

#[test]
fn one_policy_in_three_formats_is_one_policy() {
    let toml = Model::read(TOML, Format::Toml).unwrap();
    for (text, format) in [(YAML, Format::Yaml), (JSON, Format::Json)] {
        let other = Model::read(text, format).unwrap();
        let text = |model: &Model| String::from_utf8(model.normalised().to_vec()).unwrap();
        assert_eq!(text(&toml), text(&other));
        assert_eq!(toml.digest(), other.digest());
    }
}

#[test]
fn the_examples_are_checked_in_every_format() {
    let wrong = YAML.replace("amount: 5,", "amount: 0,");
    assert_eq!(yaml(&wrong), "22:11: rule `post`: the example must be allowed, but it is denied (no_rule)");
    let wrong = JSON.replace("\"amount\": 5,", "\"amount\": 0,");
    assert_eq!(json(&wrong), "9:27: rule `post`: the example must be allowed, but it is denied (no_rule)");
}

#[test]
fn mistakes_in_yaml_have_a_place() {
    for (text, expected) in [
        ("", "1:1: the file is empty"),
        ("version: 1\nid: p\nid: q\n", "3:1: duplicate key `id`"),
        ("version: 1\nid: p\nrules: []\n", "3:1: unknown key `rules`, did you mean `rule`?"),
        ("version: 2\nlater: true\n", "1:10: file format version 2 is not known, this is version 1"),
        ("version: \"1\"\nid: p\n", "1:10: `version` must be an integer, not a string"),
        (
            "# ü\nversion: 1\nid: NO\n",
            "3:5: `NO` is a boolean or null to some readers of YAML: put it in quotes, or write `true` or `false`",
        ),
        ("version: 1\nid: &a p\n", "2:5: anchors are not taken"),
        ("version: 1\nid: p\nrule: *a\n", "3:7: while parsing node, found unknown anchor"),
        ("version: 1\nid: !!str p\n", "2:5: tags are not taken"),
        ("version: 1\n<<: {id: p}\n", "2:1: merge keys are not taken: write the values out"),
        ("version: 1\nid: p\n---\nversion: 1\n", "3:1: a second document in one file"),
        ("version: 1\n1: p\n", "2:1: a key must be a text: put it in quotes"),
        ("version: 1\nid:\n", "2:3: a value is missing: write it, or `null`"),
        ("version: 1\nid: 2026-01-31T08:00:00Z\n", "2:5: `id` must be a string, not a date or time"),
        ("version: 1\nid: [\n", "3:1: while parsing a node, did not find expected node content"),
        ("- 1\n", "1:1: `the file` must be a table, not an array"),
    ] {
        assert_eq!(yaml(text), expected, "{text}");
    }
    let window =
        "version: 1\nid: p\nrule:\n- id: r\n  effect: allow\n  tools: [t]\n  window:\n    from: 08:00\n";
    assert_eq!(
        yaml(window),
        "8:11: `08:00` is a number or a time to some readers of YAML: put it in quotes, or write a plain number"
    );
}

#[test]
fn mistakes_in_json_have_a_place() {
    for (text, expected) in [
        ("", "1:1: unexpected end"),
        ("{\"version\": 1,\n \"id\": \"p\", \"id\": \"q\"}", "2:13: duplicate member `id`"),
        (
            "{\"version\": 1,\n \"id\": \"p\", \"rules\": []}",
            "2:13: unknown key `rules`, did you mean `rule`?",
        ),
        ("{\"version\": 1.0, \"id\": \"p\"}", "1:13: `version` must be an integer, not a float"),
        ("{\"version\": 1, \"id\": null}", "1:22: `id` must be a string, not null"),
        ("{\"version\": 1, \"id\": \"p\",}", "1:26: unexpected byte 0x7d"),
        ("{\"version\": 1, /* no */ \"id\": \"p\"}", "1:16: unexpected byte 0x2f"),
        ("[]", "1:1: `the file` must be a table, not an array"),
        (
            "{\"version\": 1, \"id\": \"ä\\\"\\u00e4\", \"rule\": [\n {\"id\": \"r\", \"effect\": 1}]}",
            "1:22: policy id holds the character 'ä' at byte 0",
        ),
        (
            "{\"version\": 1, \"rule\": [\n {\"id\": \"ä\\\"\\u00e4\", \"efect\": 1}]}",
            "1:1: the key `id` is missing",
        ),
        (
            "{\"version\": 1, \"id\": \"p\", \"rule\": [\n {\"id\": \"ä\\\"\\u00e4\", \"efect\": 1}]}",
            "2:22: rule `ä\"ä`: unknown key `efect`, did you mean `effect`?",
        ),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn size_and_depth_are_bounded_in_every_format() {
    let large = " ".repeat(MAX_FILE_LEN + 1);
    for format in [Format::Toml, Format::Json, Format::Yaml] {
        let error = Model::read(&large, format).unwrap_err();
        assert_eq!(*error.problem(), Problem::TooLarge { len: MAX_FILE_LEN + 1 });
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for levels in [100, 190, 100_000] {
            let deep =
                format!("{{\"version\": 1, \"id\": {}1{}}}", open.repeat(levels), close.repeat(levels));
            for format in [Format::Json, Format::Yaml] {
                let error = Model::read(&deep, format).unwrap_err();
                assert_eq!(error.position().unwrap().line, 1, "{error}");
            }
        }
    }
    let blocks = format!("version: 1\nid: {}", "- ".repeat(100_000));
    assert!(yaml(&blocks).starts_with("2:"), "{}", yaml(&blocks));
    let stairs: String = (0..200).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(yaml(&stairs).contains("more than 80 levels in a file"), "{}", yaml(&stairs));
}

#[test]
fn a_format_is_told_by_the_end_of_the_name() {
    let of = |name: &str| Format::of(std::path::Path::new(name));
    assert_eq!(of("a/policy.toml"), Some(Format::Toml));
    assert_eq!(of("policy.yml"), of("policy.yaml"));
    assert_eq!(of("policy.yml"), Some(Format::Yaml));
    assert_eq!(of("policy.json"), Some(Format::Json));
    assert_eq!(of("policy"), None);
    assert_eq!(of("policy.TOML"), None);
}

proptest! {
    /// Whatever is done to a good file, reading ends with a policy or an error
    /// with a place.
    #[test]
    fn a_damaged_file_is_read_or_refused(
        at in 0_usize..900,
        with in prop::collection::vec(any::<u8>(), 0..4),
        json in any::<bool>(),
    ) {
        let (text, format) = if json { (JSON, Format::Json) } else { (YAML, Format::Yaml) };
        let mut bytes = text.as_bytes().to_vec();
        let at = at.min(bytes.len());
        let end = (at + 1).min(bytes.len());
        bytes.splice(at..end, with);
        if let Err(error) = Model::read(&bytes, format) {
            prop_assert!(error.position().is_some(), "{error}");
        }
    }
}
