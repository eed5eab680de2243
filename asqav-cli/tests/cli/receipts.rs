//! Receipts outside their log: `export`, and `verify` on what it wrote.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::{asqav, run};

const KEYS: [&str; 2] = ["--keys", "demo/keys.jwks.json"];

/// A directory with `demo/audit-log`, `demo/keys.jwks.json` and so on.
fn recorded() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["demo", "--dir", "demo"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    dir
}

#[track_caller]
fn done(dir: &Path, args: &[&str]) {
    let output = run(dir, args, b"");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn export(dir: &Path, args: &[&str]) {
    done(dir, &[&["export", "demo/audit-log"], args].concat());
}

/// The exit code and the one object of `verify --json`.
fn verify(dir: &Path, args: &[&str]) -> (Option<i32>, Value) {
    let output = run(dir, &[&["verify", "--json"], &KEYS[..], args].concat(), b"");
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn one_receipt_leaves_its_log_and_verifies() {
    let dir = recorded();
    export(dir.path(), &["--seq", "3", "-o", "receipt.json"]);
    export(dir.path(), &["--seq", "2", "-o", "before.json"]);
    let (code, alone) = verify(dir.path(), &["receipt.json"]);
    assert_eq!((code, &alone["verdict"]), (Some(0), &"verified".into()));
    let with = ["receipt.json", "--predecessor", "before.json"];
    let (_, with) = verify(dir.path(), &with);
    let chain = |report: &Value| {
        let axes = report["axes"].as_array().unwrap();
        axes.iter().find(|axis| axis["name"] == "chain").unwrap()["result"].clone()
    };
    assert_eq!((chain(&alone), chain(&with)), ("SKIPPED".into(), "PASS".into()));
    assert_snapshot!("export_exists", asqav(dir.path(), &["export", "demo/audit-log", "-o", "receipt.json"]));
    assert_snapshot!("export_nothing", asqav(dir.path(), &["export", "demo/audit-log", "--seq", "999"]));
}

#[test]
fn a_whole_log_in_lines_or_in_files_verifies_as_receipts() {
    let dir = recorded();
    export(dir.path(), &["-o", "all.jsonl"]);
    let args = [&["verify", "all.jsonl"], &KEYS[..]].concat();
    assert_snapshot!("all_receipts", asqav(dir.path(), &args));

    let text = fs::read_to_string(dir.path().join("all.jsonl")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    fs::create_dir(dir.path().join("receipts")).unwrap();
    for (at, line) in lines.iter().enumerate().filter(|(at, _)| *at != 4) {
        fs::write(dir.path().join(format!("receipts/{:03}.json", lines.len() - at)), line).unwrap();
    }
    fs::copy(dir.path().join("demo/keys.jwks.json"), dir.path().join("receipts/keys.jwks.json")).unwrap();
    let (code, report) = verify(dir.path(), &["receipts", "--receipts"]);
    assert_eq!((code, &report["receipts"]), (Some(0), &(lines.len() - 1).into()), "{report}");
    let results = report["results"].as_array().unwrap();
    assert_eq!(results[0]["source"], "receipts/001.json", "in the order of their names");
    assert_eq!(results[0]["seq"], lines.len());
    let not_checked = report["not_checked"].to_string();
    assert!(not_checked.contains("receipt 5 of log"), "{not_checked}");

    let changed = lines[6].replacen("protectmcp:", "protectmcp.", 1);
    fs::write(dir.path().join("changed.json"), changed).unwrap();
    let (code, report) = verify(dir.path(), &["receipts", "changed.json", "--receipts"]);
    assert_eq!((code, &report["failure_class"]), (Some(1), &"invalid".into()));
    let bad: Vec<_> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|result| result["verdict"] != "verified")
        .map(|result| result["source"].clone())
        .collect();
    assert_eq!(bad, ["changed.json"], "a forgery takes no other receipt with it");
}

#[test]
fn a_log_cannot_be_exchanged_for_some_of_its_receipts() {
    let dir = recorded();
    export(dir.path(), &["-o", "all.jsonl"]);
    let log = dir.path().join("demo/audit-log");
    fs::remove_dir_all(&log).unwrap();
    fs::create_dir(&log).unwrap();
    // Each of them is true; what was wrong is left out.
    let text = fs::read_to_string(dir.path().join("all.jsonl")).unwrap();
    let kept: Vec<_> = text.lines().take(3).collect();
    fs::write(log.join("receipts.jsonl"), kept.join("\n")).unwrap();
    let output = run(dir.path(), &[&["verify", "demo/audit-log"], &KEYS[..]].concat(), b"");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stdout));
    let (code, _) = verify(dir.path(), &["demo/audit-log", "--receipts"]);
    assert_eq!(code, Some(0), "asked for as receipts, they are judged as such");
}

#[test]
fn standard_input_takes_lines_too() {
    let dir = recorded();
    let lines = run(dir.path(), &["export", "demo/audit-log"], b"").stdout;
    let output = run(dir.path(), &[&["verify", "--json", "-"], &KEYS[..]].concat(), &lines);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = report["results"].as_array().unwrap();
    assert_eq!((&report["verdict"], &results[1]["source"]), (&"verified".into(), &"-:2".into()));
}

#[test]
fn nonces_of_earlier_runs_are_remembered() {
    let dir = recorded();
    export(dir.path(), &["--seq", "2", "-o", "receipt.json"]);
    let check = || verify(dir.path(), &["receipt.json", "--nonces", "seen.jsonl"]).0;
    assert_eq!((check(), check()), (Some(0), Some(0)), "the same receipt again is no replay");
    let seen = fs::read_to_string(dir.path().join("seen.jsonl")).unwrap();
    assert_eq!(seen.lines().count(), 1, "{seen}");
    // As if another receipt had used the nonce.
    let mut entry: Value = serde_json::from_str(&seen).unwrap();
    entry["payload_sha256"] = "a".repeat(64).into();
    fs::write(dir.path().join("seen.jsonl"), format!("{entry}\n")).unwrap();
    let (code, report) = verify(dir.path(), &["receipt.json", "--nonces", "seen.jsonl"]);
    assert_eq!((code, &report["reason_code"]), (Some(1), &"duplicate_nonce".into()));
    fs::write(dir.path().join("seen.jsonl"), "{}\n").unwrap();
    assert_snapshot!(
        "malformed_nonces",
        asqav(dir.path(), &["verify", "receipt.json", "--nonces", "seen.jsonl"])
    );
}

#[test]
fn the_time_to_judge_by_can_be_given() {
    let dir = recorded();
    export(dir.path(), &["--seq", "2", "-o", "receipt.json"]);
    for what in ["receipt.json", "demo/audit-log"] {
        let (code, report) = verify(dir.path(), &[what, "--at", "2001-01-01T00:00:00Z"]);
        assert_eq!((code, &report["reason_code"]), (Some(1), &"in_the_future".into()), "{what}");
        assert_eq!(verify(dir.path(), &[what, "--at", "2099-01-01T00:00:00Z"]).0, Some(0), "{what}");
    }
    assert_snapshot!("malformed_time", asqav(dir.path(), &["verify", "receipt.json", "--at", "tomorrow"]));
}

#[test]
fn flags_go_with_what_they_say_something_about() {
    let dir = recorded();
    export(dir.path(), &["--seq", "2", "-o", "one.json"]);
    export(dir.path(), &["--seq", "3", "-o", "two.json"]);
    for args in [
        &["one.json", "two.json", "--predecessor", "one.json"][..],
        &["one.json", "two.json", "--originating", "one.json"],
        &["one.json", "demo/audit-log"],
        &["demo/audit-log", "--nonces", "seen.jsonl"],
        &["demo/audit-log", "--originating", "one.json"],
        &["demo/audit-log", "--predecessor", "one.json"],
        &["one.json", "two.json", "--open"],
    ] {
        let output = run(dir.path(), &[&["verify"], args].concat(), b"");
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
    assert!(!dir.path().join("seen.jsonl").exists());
}

#[test]
fn a_statement_is_written_about_verified_receipts_only() {
    let dir = recorded();
    let dsse = [&["--format", "dsse", "--key", "demo/signing-key.pem"], &KEYS[..]].concat();
    export(dir.path(), &[&dsse[..], &["--seq", "3", "-o", "statement.json"]].concat());
    let (code, report) = verify(dir.path(), &["statement.json"]);
    assert_eq!((code, &report["verdict"]), (Some(0), &"verified".into()), "{report}");
    let envelope: Value =
        serde_json::from_slice(&fs::read(dir.path().join("statement.json")).unwrap()).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.in-toto+json");
    export(dir.path(), &[&dsse[..], &["-o", "statements.jsonl"]].concat());
    assert_eq!(verify(dir.path(), &["statements.jsonl"]).0, Some(0));

    let segment = dir.path().join("demo/audit-log/segment-00000001.log");
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("\"decision\":\"allow\"", "\"decision\":\"deny\"", 1)).unwrap();
    let args = [&["export", "demo/audit-log", "-o", "false.jsonl"], &dsse[..]].concat();
    let output = run(dir.path(), &args, b"");
    assert_eq!(output.status.code(), Some(3));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("is not verified ("), "{error}");
    assert!(!dir.path().join("false.jsonl").exists(), "no half a file");
    assert_snapshot!(
        "statement_without_keys",
        asqav(dir.path(), &["export", "demo/audit-log", "--format", "dsse"])
    );
    assert_snapshot!(
        "receipt_with_key",
        asqav(dir.path(), &["export", "demo/audit-log", "--key", "demo/signing-key.pem"])
    );
}

#[test]
fn what_other_software_may_have_read_is_shown() {
    let dir = recorded();
    export(dir.path(), &["--seq", "2", "-o", "receipt.json"]);
    let text = fs::read_to_string(dir.path().join("receipt.json")).unwrap();
    fs::write(
        dir.path().join("twice.json"),
        text.replacen("\"decision\":", "\"decision\":\"deny\",\"decision\":", 1),
    )
    .unwrap();
    let (code, report) = verify(dir.path(), &["twice.json"]);
    assert_eq!((code, &report["reason_code"]), (Some(2), &"duplicate_member".into()));
    let lenient = report["lenient_axes"].as_array().unwrap();
    assert!(
        lenient.iter().any(|axis| axis["name"] == "signature" && axis["result"] == "PASS"),
        "{lenient:?}"
    );
    let shown = asqav(dir.path(), &["verify", "twice.json"]);
    assert!(shown.contains("as read by software that keeps the last"), "{shown}");
}

/// With an authority that OpenSSL runs.
#[test]
fn time_stamps_are_proven_by_pinned_authorities() {
    let dir = recorded();
    let openssl = |args: &[&str]| {
        let output =
            std::process::Command::new("openssl").args(args).current_dir(dir.path()).output().ok()?;
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Some(())
    };
    let key = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.pem"];
    let purpose =
        ["-subj", "/CN=authority", "-days", "9", "-addext", "extendedKeyUsage=critical,timeStamping"];
    if openssl(&[&key[..], &purpose].concat()).is_none() {
        println!("skipped: there is no openssl");
        return;
    }
    export(dir.path(), &["--seq", "2", "-o", "receipt.json"]);
    let mut receipt: Value =
        serde_json::from_slice(&fs::read(dir.path().join("receipt.json")).unwrap()).unwrap();
    let line = fs::read_to_string(dir.path().join("receipt.json")).unwrap();
    // The receipt is canonical JSON of payload and signature: what an anchor is about.
    fs::write(dir.path().join("anchored"), line.trim_end()).unwrap();
    fs::write(
        dir.path().join("conf"),
        "[tsa]\ndefault_tsa=a\n[a]\nserial=tsa-serial\nsigner_digest=sha256\ndefault_policy=1.2.3\ndigests=sha256\ness_cert_id_alg=sha256\n",
    )
    .unwrap();
    fs::write(dir.path().join("tsa-serial"), "01").unwrap();
    openssl(&["ts", "-query", "-data", "anchored", "-sha256", "-cert", "-out", "request"]);
    let reply = ["ts", "-reply", "-config", "conf", "-queryfile", "request", "-inkey", "tsa.key"];
    openssl(&[&reply[..], &["-signer", "tsa.pem", "-out", "response"]].concat());
    let token = asqav_receipt::base64url::encode_standard(&fs::read(dir.path().join("response")).unwrap());
    receipt["anchors"] = serde_json::json!([{"type": "rfc3161", "value": token}]);
    fs::write(dir.path().join("receipt.json"), receipt.to_string()).unwrap();

    let (code, report) = verify(dir.path(), &["receipt.json", "--require-anchor", "--tsa-key", "tsa.pem"]);
    assert_eq!((code, &report["verdict"]), (Some(0), &"verified".into()), "{report}");
    let (code, report) = verify(dir.path(), &["receipt.json", "--require-anchor"]);
    assert_eq!((code, &report["reason_code"]), (Some(2), &"anchor_unchecked".into()));
    let shown = asqav(dir.path(), &["verify", "receipt.json", "--tsa-key", "tsa.pem"]);
    assert!(shown.contains("by pinned authority CN=authority"), "{shown}");
    assert_snapshot!("tsa_key", asqav(dir.path(), &["verify", "receipt.json", "--tsa-key", "receipt.json"]));
    assert_snapshot!(
        "bitcoin_headers",
        asqav(dir.path(), &["verify", "receipt.json", "--bitcoin-headers", "receipt.json"])
    );
}
