//! `scope`: tokens are signed, shown and checked.

use std::path::Path;

use serde_json::Value;

use crate::harness::run;

/// Runs `asqav`; exit code, standard output and standard error.
fn asqav(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = run(dir, args, b"");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Keys of the issuer `acme` (agent `boss`), of `planner` and of `worker`.
fn keys() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for agent in ["boss", "planner", "worker"] {
        let made = asqav(dir.path(), &["keygen", "--agent", agent, "--issuer", "acme", "--out", agent]);
        assert_eq!(made.0, Some(0), "{}", made.2);
    }
    dir
}

const UNTIL: [&str; 4] = ["--from", "2026-01-01T00:00:00Z", "--until", "2026-01-02T00:00:00Z"];

fn new(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    asqav(dir, &[&["scope", "new"], args, UNTIL.as_slice()].concat())
}

/// The chain boss → planner → worker in the file `chain`.
fn chain(dir: &Path) {
    let first = [
        "--key",
        "boss/signing-key.pem",
        "--issuer",
        "acme",
        "--agent",
        "planner",
        "--agent-key",
        "planner/keys.jwks.json",
        "--tool",
        "ledger:*",
        "--tool",
        "mail:send",
        "--when",
        r#"{"arg": "/amount", "le": 100}"#,
        "--depth",
        "1",
        "-o",
        "first",
    ];
    let second = [
        "--key",
        "planner/signing-key.pem",
        "--parent",
        "first",
        "--agent",
        "worker",
        "--agent-key",
        "worker/keys.jwks.json",
        "--tool",
        "ledger:post_*",
        "-o",
        "chain",
    ];
    for args in [&first[..], &second] {
        let made = new(dir, args);
        assert_eq!(made, (Some(0), String::new(), String::new()));
    }
}

fn check(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let at = ["--keys", "boss/keys.jwks.json", "--at", "2026-01-01T12:00:00Z"];
    let (exit, out, said) = asqav(dir, &[&["scope", "check", "chain"], &at[..], args].concat());
    (exit, out + &said)
}

#[test]
fn a_chain_is_signed_and_allows_what_it_says() {
    let dir = keys();
    let dir = dir.path();
    chain(dir);
    assert_eq!(check(dir, &[]), (Some(0), "holds: until 2026-01-02T00:00:00.000000Z\n".to_owned()));
    let call = |text: &str| std::fs::write(dir.join("call.json"), text).unwrap();
    let of_call = ["--call", "call.json"];
    call(r#"{"tool": "ledger:post_one", "args": {"amount": 100}}"#);
    let allowed = "allows the call: until 2026-01-02T00:00:00.000000Z\n".to_owned();
    assert_eq!(check(dir, &of_call), (Some(0), allowed));
    for (text, code) in [
        (r#"{"tool": "ledger:post_one", "args": {"amount": 101}}"#, "delegation_argument"),
        (r#"{"tool": "ledger:post_one"}"#, "delegation_argument"),
        (r#"{"tool": "mail:send", "args": {"amount": 1}}"#, "delegation_tool"),
    ] {
        call(text);
        assert_eq!(check(dir, &of_call), (Some(1), format!("does not allow the call: {code}\n")));
    }
}

#[test]
fn what_does_not_hold_is_told_with_its_code() {
    let dir = keys();
    let dir = dir.path();
    chain(dir);
    let shown: Value = serde_json::from_str(&asqav(dir, &["--json", "scope", "show", "chain"]).1).unwrap();
    let first = shown["tokens"][0]["digest"].as_str().unwrap().to_owned();
    let planner = shown["tokens"][0]["delegation"]["delegate"]["key_thumbprint"].as_str().unwrap().to_owned();
    for (args, code) in [
        (&["--at", "2026-01-03T00:00:00Z"][..], "delegation_expired"),
        (&["--at", "2025-12-31T00:00:00Z"], "delegation_not_yet_valid"),
        (&["--keys", "planner/keys.jwks.json"], "delegation_unknown_issuer"),
        (&["--agent", "planner"], "delegation_wrong_delegate"),
        (&["--agent-key", "boss/keys.jwks.json"], "delegation_wrong_delegate"),
        (&["--revoked-token", &first], "delegation_revoked"),
        (&["--revoked-key", &planner], "delegation_revoked"),
    ] {
        let base = ["scope", "check", "chain"];
        let keys = ["--keys", "boss/keys.jwks.json"];
        let at = ["--at", "2026-01-01T12:00:00Z"];
        let keys = if args[0] == "--keys" { &[][..] } else { &keys };
        let at = if args[0] == "--at" { &[][..] } else { &at };
        let (exit, out, said) = asqav(dir, &[&base[..], keys, at, args].concat());
        assert_eq!((exit, out), (Some(1), format!("does not hold: {code}\n")), "{said}");
    }
    std::fs::write(dir.join("chain"), "{}\n").unwrap();
    assert_eq!(check(dir, &["--json"]).0, Some(1));
    assert!(check(dir, &["--json"]).1.contains(r#""reason":"delegation_malformed""#));
}

#[test]
fn nobody_signs_what_would_not_hold() {
    let dir = keys();
    let dir = dir.path();
    chain(dir);
    let behind = |key: &str, args: &[&str]| {
        let key = format!("{key}/signing-key.pem");
        let base = ["--key", &key, "--parent", "first", "--agent", "worker", "-o", "none"];
        new(dir, &[&base[..], args].concat())
    };
    for (key, args, why) in [
        ("planner", &["--tool", "**"][..], "narrow"),
        ("boss", &["--tool", "mail:send"], "follow"),
        (
            "planner",
            &["--tool", "mail:send", "--depth", "1", "--agent-key", "worker/keys.jwks.json"],
            "deeper",
        ),
        ("planner", &["--tool", "mail:send", "--when", r#"{"arg": "/x", "matches": "."}"#], "when"),
        ("planner", &["--tool", "a***"], "***"),
        ("planner", &["--tool", "mail:send", "--depth", "9"], "9"),
    ] {
        let (exit, out, said) = behind(key, args);
        assert!(exit == Some(3) && out.is_empty() && said.contains(why), "{said}");
        assert!(!dir.join("none").exists());
    }
    // The depth needs a key, and a chain has one beginning.
    let nobody = ["--key", "boss/signing-key.pem", "--agent", "worker", "--tool", "t"];
    assert_eq!(new(dir, &nobody).0, Some(3));
    assert_eq!(new(dir, &[&nobody[..], &["--issuer", "acme", "--depth", "1"]].concat()).0, Some(3));
    assert_eq!(new(dir, &[&nobody[..], &["--issuer", "acme", "--parent", "first"]].concat()).0, Some(3));
}

#[test]
fn what_a_token_says_does_not_mislead_the_terminal() {
    let dir = keys();
    let dir = dir.path();
    let made = new(
        dir,
        &[
            "--key",
            "boss/signing-key.pem",
            "--issuer",
            "ac\u{202e}me",
            "--agent",
            "wo\u{200b}rker",
            "--tool",
            "a\u{202e}b",
            "--when",
            "{\"arg\": \"/x\\u001b\", \"in\": [\"\\u001b[2J\u{202e}\"]}",
            "-o",
            "chain",
        ],
    );
    assert_eq!(made.0, Some(0), "{}", made.2);
    for args in [&["scope", "show", "chain"][..], &["--json", "scope", "show", "chain"]] {
        let (exit, out, _) = asqav(dir, args);
        assert_eq!(exit, Some(0));
        assert!(!out.contains(['\u{202e}', '\u{200b}', '\u{1b}']), "{out:?}");
    }
    let (_, out, _) = asqav(dir, &["scope", "show", "chain"]);
    assert!(out.contains("Nothing is checked") && out.contains("wo\\u{200b}rker"), "{out}");
}
