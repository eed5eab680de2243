//! `asqav policy`: files are judged with their place, calls with their reason.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use asqav_core::{Gate, Refused, ToolCall};
use asqav_log::keyfile;
use asqav_policy::{Format, Model, RulePolicy};
use insta::assert_snapshot;

use crate::harness::{asqav, run};

const POLICY: &str = r#"version = 1
id = "finance"

[[rule]]
id = "small"
effect = "allow"
tools = ["ledger:post", "ledger:query"]
agents = ["finance-*"]
rate = { calls = 5, per = "1m" }
when.all = [
  { arg = "/amount", ge = 1, le = 1000 },
  { any = [{ arg = "/currency", in = ["CHF", "EUR"] }, { arg = "/test", eq = true }] },
]
[rule.examples]
allow = [{ tool = "ledger:post", agent = "finance-1", args = { amount = 5, currency = "CHF" } }]
deny = [{ tool = "ledger:post", agent = "finance-1", args = { amount = 5 } }]

[[rule]]
id = "office-hours"
effect = "approve"
tools = ["ledger:close"]
window = { days = ["mon", "fri"], from = "08:00", to = "18:00", zone = "Europe/Zurich" }

[[rule]]
id = "kept"
effect = "deny"
tools = ["ledger:delete*"]
"#;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "policy.toml", POLICY);
    files.iter().for_each(|(name, text)| write(dir.path(), name, text));
    dir
}

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).unwrap();
}

#[test]
fn check_tells_what_a_gate_would_take() {
    let wrong = POLICY.replace("agents =", "agent =");
    let fails = POLICY.replace("amount = 5 }", "amount = 5, test = true }");
    let dir = folder(&[
        ("wrong.toml", &wrong),
        ("fails.toml", &fails),
        ("wrong.yaml", "version: 1\nid: NO\n"),
        ("wrong.json", "{\"version\": 1,\n \"id\": \"p\", \"id\": \"p\"}"),
        ("policy.conf", POLICY),
    ]);
    let check = |name: &str| asqav(dir.path(), &["policy", "check", name]);
    assert_snapshot!("check", check("policy.toml"));
    assert_snapshot!("check_json", asqav(dir.path(), &["policy", "check", "policy.toml", "--json"]));
    assert_snapshot!("check_unknown_key", check("wrong.toml"));
    assert_snapshot!(
        "check_unknown_key_json",
        asqav(dir.path(), &["--json", "policy", "check", "wrong.toml"])
    );
    assert_snapshot!("check_failing_example", check("fails.toml"));
    assert_snapshot!("check_yaml", check("wrong.yaml"));
    assert_snapshot!("check_duplicate", check("wrong.json"));
    assert_snapshot!("check_no_format", check("policy.conf"));
    assert_snapshot!("check_missing", check("nothing.toml"));
}

#[test]
fn test_tells_every_call_that_comes_out_otherwise() {
    let fails = POLICY
        .replace("amount = 5 }", "amount = 5, test = true }")
        .replace("amount = 5, currency", "amount = 5000, currency");
    let dir = folder(&[
        ("fails.toml", &fails),
        (
            "good.yaml",
            "deny:\n- tool: ledger:delete_all\n- tool: ledger:post\napprove:\n- {tool: ledger:close, at: 2026-04-06T10:00:00Z}\n",
        ),
        ("bad.json", "{\"allow\": [\n {\"tool\": \"ledger:delete_all\"},\n {\"tool\": \"ledger:close\"}]}"),
        ("wrong.json", "{\"allow\": [\n {\"tol\": \"ledger:delete_all\"}]}"),
        ("nameless.json", "{\"allow\": [\n {}]}"),
    ]);
    let test = |files: &[&str]| asqav(dir.path(), &[&["policy", "test"], files].concat());
    assert_snapshot!("test_own_examples", test(&["policy.toml"]));
    assert_snapshot!("test_call_file", test(&["policy.toml", "good.yaml"]));
    assert_snapshot!("test_failing", test(&["fails.toml"]));
    assert_snapshot!("test_failing_calls", test(&["policy.toml", "good.yaml", "bad.json"]));
    assert_snapshot!("test_failing_json", test(&["policy.toml", "bad.json", "--json"]));
    assert_snapshot!("test_wrong_call_file", test(&["policy.toml", "wrong.json"]));
    assert_snapshot!("test_nameless_call", test(&["policy.toml", "nameless.json"]));
}

#[test]
fn explain_goes_rule_by_rule() {
    let call = r#"{"tool": "ledger:post", "agent": "finance-1", "args": {"amount": 5, "currency": "USD"}}"#;
    let dir = folder(&[
        ("call.json", call),
        ("close.json", r#"{"tool": "ledger:close", "at": "2026-04-07T10:00:00Z"}"#),
        ("hostile.json", r#"{"tool": "ledger:post\u001b[2J"}"#),
        ("wrong.json", r#"{"agent": "x"}"#),
    ]);
    let explain = |call: &str| asqav(dir.path(), &["policy", "explain", "policy.toml", call]);
    assert_snapshot!("explain", explain("call.json"));
    assert_snapshot!(
        "explain_json",
        asqav(dir.path(), &["policy", "explain", "policy.toml", "call.json", "--json"])
    );
    assert_snapshot!("explain_window", explain("close.json"));
    assert_snapshot!("explain_no_rule", explain("hostile.json"));
    assert_snapshot!("explain_no_tool", explain("wrong.json"));
}

/// What `explain` says is what a gate decides: its first word for each call is
/// the expectation that `test` finds met.
#[test]
fn explain_and_test_agree() {
    let dir = folder(&[]);
    for (tool, amount, list, word) in [
        ("ledger:post", 5, "allow", "allowed"),
        ("ledger:post", 0, "deny", "denied"),
        ("ledger:delete", 5, "deny", "denied"),
    ] {
        let call = format!(
            r#"{{"tool": "{tool}", "agent": "finance-1", "args": {{"amount": {amount}, "currency": "EUR"}}}}"#
        );
        write(dir.path(), "call.json", &call);
        write(dir.path(), "calls.json", &format!("{{\"{list}\": [{call}]}}"));
        let tested = run(dir.path(), &["policy", "test", "policy.toml", "calls.json"], b"");
        assert_eq!(tested.status.code(), Some(0), "{call}");
        let explained = run(dir.path(), &["policy", "explain", "policy.toml", "call.json"], b"");
        assert!(explained.stdout.starts_with(word.as_bytes()), "{call}");
    }
}

const UNTIDY: &str = r#"version: 1
id: untidy
rule:
- id: all
  effect: allow
  tools: ["**"]
  every_tool_unsafely: true
- id: never
  effect: allow
  tools: [post]
  when: {arg: /amount, ge: 5, le: 4}
  rate: {calls: 1, per: 1m}
- id: kept
  effect: deny
  tools: ["*:delete_*"]
  examples: {deny: [{tool: "a:delete_x"}]}
- id: shadowed
  effect: approve
  tools: ["ledger:delete_all"]
- id: over
  effect: deny
  tools: [other]
  window: {until: "1999-01-01T00:00:00Z"}
  examples:
    allow: [{tool: other}, {tool: other}]
"#;

#[test]
fn lint_tells_what_is_hardly_meant() {
    let dir = folder(&[("untidy.yaml", UNTIDY), ("broken.toml", "version = ")]);
    assert_snapshot!("lint", asqav(dir.path(), &["policy", "lint", "untidy.yaml"]));
    assert_snapshot!("lint_json", asqav(dir.path(), &["policy", "lint", "untidy.yaml", "--json"]));
    assert_snapshot!("lint_notes", asqav(dir.path(), &["policy", "lint", "policy.toml"]));
    assert_snapshot!("lint_refused", asqav(dir.path(), &["policy", "lint", "broken.toml"]));
    assert_snapshot!("check_with_lint", asqav(dir.path(), &["policy", "check", "untidy.yaml"]));
}

#[test]
fn diff_tells_what_changes() {
    let new = POLICY
        .replace("le = 1000", "lt = 1000")
        .replace("calls = 5", "calls = 6")
        .replace("id = \"kept\"", "id = \"kept-for-good\"")
        .replace("18:00", "17:00");
    let comment = POLICY.replace("version = 1", "# The same.\nversion = 1");
    let dir = folder(&[
        ("new.toml", &new),
        ("same.toml", &comment),
        ("other.json", "{\"version\":1,\"id\":\"other\"}"),
    ]);
    let diff = |after: &str| asqav(dir.path(), &["policy", "diff", "policy.toml", after]);
    assert_snapshot!("diff", diff("new.toml"));
    assert_snapshot!(
        "diff_json",
        asqav(dir.path(), &["policy", "diff", "other.json", "same.toml", "--json"])
    );
    assert_snapshot!("diff_same", diff("same.toml"));
    assert_snapshot!("diff_missing", diff("nothing.toml"));
}

const RECORDED: &str = r#"version = 1
id = "recorded"

[[rule]]
id = "post"
effect = "allow"
tools = ["post"]
when = { arg = "/amount", ge = 1, le = 100 }

[[rule]]
id = "query"
effect = "allow"
tools = ["query"]
rate = { calls = 2, per = "1h" }

[[rule]]
id = "mail"
effect = "allow"
tools = ["mail"]
when = { arg = "/to", prefix = "ops@" }

[[rule]]
id = "kept"
effect = "deny"
tools = ["delete_*"]
"#;

/// A folder with `log`, `keys` and `recorded.toml`, the policy of the log.
fn recorded() -> tempfile::TempDir {
    let dir = folder(&[("recorded.toml", RECORDED)]);
    let keys = dir.path().join("keys");
    let (agent, issuer) = ("agent-1".parse().unwrap(), "acme".parse().unwrap());
    let key = keyfile::create(&keys, &agent, &issuer).unwrap();
    let vault = keyfile::load_vault_key(&keys.join(keyfile::VAULT_KEY)).unwrap();
    let gate = Gate::builder(agent, issuer)
        .signer(Arc::new(key))
        .policy(RulePolicy::from_toml(RECORDED).unwrap())
        .log(asqav_log::FileLog::new(dir.path().join("log")).vault_key(vault))
        .open()
        .unwrap();
    let call = |tool: &str| ToolCall::builder(tool, "test:call");
    let calls = [
        call("post").record("amount", &5).record("currency", "CHF").argument("note", "private"),
        call("post").record("amount", &90).record("currency", "EUR").argument("note", "private"),
        call("post").record("amount", &500).record("currency", "CHF"),
        call("query").record("account", "DE-1"),
        call("query"),
        call("query"),
        call("mail").argument("to", "ops@example.org"),
        call("mail").argument("to", "eve@example.org"),
        call("delete_all"),
    ];
    for call in calls {
        drop(gate.run_sync(call.build(), || Ok::<_, Refused>(())));
    }
    gate.shutdown().wait().unwrap();
    dir
}

const KEYS: [&str; 2] = ["--keys", "keys/keys.jwks.json"];

#[test]
fn replay_recomputes_what_is_disclosed() {
    let dir = recorded();
    write(dir.path(), "stricter.toml", &RECORDED.replace("le = 100", "le = 50"));
    write(dir.path(), "renamed.toml", &RECORDED.replace("id = \"post\"", "id = \"renamed\""));
    let replay = |rest: &[&str]| asqav(dir.path(), &[&["policy", "replay", "log"], rest, &KEYS].concat());
    assert_snapshot!("replay", replay(&["recorded.toml"]));
    assert_snapshot!("replay_vault", replay(&["recorded.toml", "--vault-key", "keys/vault.key"]));
    assert_snapshot!("replay_stricter", replay(&["stricter.toml", "--vault-key", "keys/vault.key"]));
    assert_snapshot!("replay_renamed", replay(&["renamed.toml"]));
    assert_snapshot!("replay_json", replay(&["stricter.toml", "--json"]));
    assert_snapshot!(
        "replay_wrong_vault_key",
        replay(&["recorded.toml", "--vault-key", "keys/signing-key.pem"])
    );
}

#[test]
fn nothing_is_said_about_a_log_that_is_not_verified() {
    let dir = recorded();
    let segment = dir.path().join("log/segment-00000001.log");
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("\"value\":500", "\"value\":600", 1)).unwrap();
    for command in [&["policy", "replay", "log", "recorded.toml"][..], &["policy", "suggest", "log"]] {
        let output = run(dir.path(), &[command, &KEYS].concat(), b"");
        assert_eq!(output.status.code(), Some(3), "{command:?}");
        assert!(output.stdout.is_empty(), "{command:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("not verified"), "{command:?}");
    }
}

#[test]
fn suggest_drafts_what_was_seen_and_no_more() {
    let dir = recorded();
    assert_snapshot!("suggest", asqav(dir.path(), &[&["policy", "suggest", "log"], &KEYS[..]].concat()));
    let draft = [&["policy", "suggest", "log", "--output", "draft.toml"], &KEYS[..]].concat();
    assert_eq!(run(dir.path(), &draft, b"").status.code(), Some(0));
    assert_eq!(run(dir.path(), &["policy", "check", "draft.toml"], b"").status.code(), Some(0));
    let text = fs::read_to_string(dir.path().join("draft.toml")).unwrap();
    assert!(!text.contains("ops@") && !text.contains("private"), "what is only committed is not known");
    // Whatever was allowed with recorded arguments is allowed by the draft.
    assert_snapshot!(
        "suggest_replayed",
        asqav(dir.path(), &[&["policy", "replay", "log", "draft.toml"], &KEYS[..]].concat())
    );
}

#[test]
fn schema_prints_the_schema() {
    let dir = folder(&[]);
    let output = run(dir.path(), &["policy", "schema"], b"");
    assert_eq!(output.stdout, asqav_policy::JSON_SCHEMA.as_bytes());
    assert!(Model::read(POLICY, Format::Toml).is_ok());
}
