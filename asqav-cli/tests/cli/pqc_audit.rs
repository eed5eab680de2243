//! Logs of pqc-audit-log-fs on the command line.

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use crate::harness::{asqav, run};

/// A directory with copies of two logs, `ed` and `mldsa`, their keys, `ed.key`
/// and `mldsa.key`, and `mixed`, the first with a file of ours.
fn prepared() -> Option<tempfile::TempDir> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = std::env::var_os("ASQAV_VECTORS").map_or(root, PathBuf::from).join("pqc-audit-log-fs");
    if !folder.is_dir() {
        println!("skipped: there is no {}", folder.display());
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, from) in [("ed", "ed-33x10"), ("mldsa", "mldsa-fancy-7x3"), ("mixed", "ed-1x1")] {
        let to = dir.path().join(name);
        fs::create_dir(&to).unwrap();
        for entry in fs::read_dir(folder.join(from)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
        let header = fs::read(to.join("segment-00001.sig.json")).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        let public_key = header.get("public_key").unwrap().as_str().unwrap();
        fs::write(dir.path().join(format!("{name}.key")), public_key).unwrap();
    }
    fs::write(dir.path().join("mixed/segment-00000001.log"), b"").unwrap();
    Some(dir)
}

#[test]
fn the_verdict_says_what_signed_and_what_that_is_worth() {
    let Some(dir) = prepared() else { return };
    assert_snapshot!("pqc_ed", asqav(dir.path(), &["verify", "ed", "--key", "ed.key"]));
    assert_snapshot!("pqc_mldsa", asqav(dir.path(), &["verify", "mldsa", "--key", "mldsa.key"]));
    assert_snapshot!("pqc_not_pinned", asqav(dir.path(), &["verify", "ed"]));
    assert_snapshot!("pqc_info", asqav(dir.path(), &["info", "ed"]));
    let log = dir.path().join("ed/segment-00002.log");
    fs::write(&log, fs::read_to_string(&log).unwrap().replacen("approve", "appr0ve", 1)).unwrap();
    assert_snapshot!("pqc_changed", asqav(dir.path(), &["verify", "ed", "--key", "ed.key"]));
}

#[test]
fn two_logs_in_one_directory_are_refused_by_every_command() {
    let Some(dir) = prepared() else { return };
    for args in [
        &["verify", "mixed", "--key", "mixed.key"][..],
        &["info", "mixed"],
        &["prove", "mixed", "--event", "urn:1"],
    ] {
        let output = run(dir.path(), args, b"");
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("holds a log of asqav and one of pqc-audit-log-fs"), "{said}");
    }
}

#[test]
fn an_event_is_proven_without_its_log() {
    let Some(dir) = prepared() else { return };
    let text = fs::read_to_string(dir.path().join("mldsa/segment-00002.log")).unwrap();
    let event: serde_json::Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    let id = event["event_id"].as_str().unwrap();
    let made = run(dir.path(), &["prove", "mldsa", "--event", id, "-o", "proof.json"], b"");
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    fs::remove_dir_all(dir.path().join("mldsa")).unwrap();
    assert_snapshot!("pqc_proof", asqav(dir.path(), &["verify", "proof.json", "--key", "mldsa.key"]));
    let other_key = run(dir.path(), &["verify", "proof.json", "--key", "ed.key"], b"");
    assert_eq!(other_key.status.code(), Some(2));
    let proof = fs::read_to_string(dir.path().join("proof.json")).unwrap();
    fs::write(dir.path().join("proof.json"), proof.replacen("tool_call", "tool_c4ll", 1)).unwrap();
    let changed = run(dir.path(), &["--json", "verify", "proof.json", "--key", "mldsa.key"], b"");
    assert_eq!(changed.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&changed.stdout).unwrap();
    assert_eq!(report["reason_code"], "not_included");
    assert_eq!(report["format"], "pqc-audit-log-fs 0.1.0");
}

#[test]
fn flags_of_one_format_are_refused_on_the_other() {
    let Some(dir) = prepared() else { return };
    for (args, why) in [
        (&["verify", "ed", "--keys", "ed.key"][..], "pin its signer's key with --key"),
        (&["verify", "ed", "--head", "x"], "--head is not for a log of pqc-audit-log-fs"),
        (&["verify", "ed.key", "--key", "ed.key"], "--key is not for"),
        (&["verify", "ed", "--root", "00"], "not 64 lower-case hexadecimal digits"),
        (&["verify", "ed", "--key", "ed"], "cannot read"),
        (&["prove", "ed", "--seq", "1", "--checkpoint", "x"], "named by --event"),
        (&["prove", "ed", "--event", "urn:none"], "no sealed segment holds the event"),
    ] {
        let output = run(dir.path(), args, b"");
        assert_eq!(output.status.code(), Some(3), "{args:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(why), "{args:?}: {said}");
    }
}

#[test]
fn a_root_kept_elsewhere_is_asked_for() {
    let Some(dir) = prepared() else { return };
    let report = run(dir.path(), &["--json", "verify", "ed", "--key", "ed.key"], b"");
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let root = report["signed"][3]["merkle_root"].as_str().unwrap();
    let arguments = ["verify", "ed", "--key", "ed.key", "--root", root];
    assert_eq!(run(dir.path(), &arguments, b"").status.code(), Some(0));
    for name in ["segment-00004.log", "segment-00004.sig.json"] {
        fs::remove_file(dir.path().join("ed").join(name)).unwrap();
    }
    assert_eq!(run(dir.path(), &arguments[..4], b"").status.code(), Some(0));
    assert_eq!(run(dir.path(), &arguments, b"").status.code(), Some(1));
}

/// What the receipts of an import say, in order: the log, then its segments.
fn imported(dir: &Path, log: &str) -> Vec<serde_json::Value> {
    let listed = run(dir, &["log", log, "--action", "log:import", "--format", "jsonl"], b"");
    let payloads = std::str::from_utf8(&listed.stdout).unwrap().lines().map(serde_json::from_str);
    let payloads: Vec<serde_json::Value> = payloads.map(Result::unwrap).collect();
    payloads.iter().map(|payload| payload.pointer("/context/arguments").unwrap().clone()).collect()
}

fn keygen(dir: &Path) {
    let made = run(dir, &["keygen", "--agent", "auditor", "--issuer", "Example Ltd", "--out", "keys"], b"");
    assert_eq!(made.status.code(), Some(0), "{made:?}");
}

const IMPORT: [&str; 6] = ["--into", "new", "--key", "keys/signing-key.pem", "--keys", "keys/keys.jwks.json"];

#[test]
fn an_old_log_is_bound_by_receipts_that_say_what_signed_it() {
    let Some(dir) = prepared() else { return };
    let dir = dir.path();
    keygen(dir);
    let arguments = |old: &'static str| [&["import", old][..], &IMPORT, &["--old-key", "ed.key"]].concat();
    assert_snapshot!("pqc_import", asqav(dir, &arguments("ed")));
    let verified = run(dir, &["verify", "new", "--keys", "keys/keys.jwks.json"], b"");
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");

    let receipts = imported(dir, "new");
    assert_eq!(receipts.len(), 5);
    assert_eq!(receipts[0]["verdict"]["value"]["verdict"], "verified");
    assert_eq!(receipts[0]["post_quantum_segments"]["value"], 0);
    for (receipt, number) in receipts[1..].iter().zip(1..) {
        assert_eq!(receipt["segment"]["value"], number);
        let signature = &receipt["signature"]["value"];
        assert_eq!(
            (&signature["algorithm"], &signature["labelled"]),
            (&"Ed25519".into(), &"ML-DSA-65".into())
        );
        assert_eq!((&signature["valid"], &signature["pinned"]), (&true.into(), &true.into()));
        assert_eq!(signature["post_quantum"], false);
        for (member, end) in [("events_file", "log"), ("header_file", "sig.json")] {
            let bytes = fs::read(dir.join(format!("ed/segment-{number:05}.{end}"))).unwrap();
            let bound = &receipt[member]["value"];
            assert_eq!(bound["bytes"], bytes.len());
            assert_eq!(bound["sha256"], asqav_receipt::digest::Sha256Digest::of(&bytes).to_hex());
            assert_eq!(bound["sha3"], asqav_receipt::digest::Sha3Digest::of(&bytes).to_hex());
        }
    }

    // A second log goes into the same one, under keys that it was not signed with.
    let again = run(dir, &arguments("mldsa"), b"");
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    let receipts = imported(dir, "new");
    assert_eq!(receipts.len(), 9);
    assert_eq!(receipts[5]["verdict"]["value"]["reason_code"], "key_not_pinned");
    assert_eq!(receipts[6]["signature"]["value"]["post_quantum"], true);
    assert_eq!(receipts[6]["signature"]["value"]["pinned"], false);
    let verified = run(dir, &["verify", "new", "--keys", "keys/keys.jwks.json"], b"");
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

#[test]
fn a_falsified_log_is_taken_over_as_one() {
    let Some(dir) = prepared() else { return };
    let dir = dir.path();
    keygen(dir);
    let log = dir.join("ed/segment-00002.log");
    fs::write(&log, fs::read_to_string(&log).unwrap().replacen("approve", "appr0ve", 1)).unwrap();
    fs::write(dir.join("ed/segment-00003.sig.json"), b"{\"segment").unwrap();
    fs::remove_file(dir.join("ed/segment-00004.sig.json")).unwrap();
    let made = run(dir, &[&["import", "ed"][..], &IMPORT, &["--old-key", "ed.key"]].concat(), b"");
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let receipts = imported(dir, "new");
    assert_eq!(receipts[0]["verdict"]["value"]["failure_class"], "invalid");
    assert_eq!(receipts[1]["root_matches"]["value"], true);
    assert_eq!(receipts[2]["root_matches"]["value"], false);
    assert_eq!(receipts[2]["signature"]["value"]["valid"], true);
    assert_eq!(receipts[3]["signature"]["value"], "header unreadable");
    assert_eq!(receipts[4]["signature"]["value"], "not sealed");
    assert!(receipts[4]["header_file"]["value"].is_null());
}

#[test]
fn an_import_neither_writes_to_an_old_log_nor_takes_ours_for_one() {
    let Some(dir) = prepared() else { return };
    let dir = dir.path();
    keygen(dir);
    let rest = &IMPORT[2..];
    for (old, into, why) in [
        ("ed", "ed", "needs a directory of its own"),
        ("ed", "mldsa", "needs a directory of its own"),
        ("mixed", "new", "besides the old one"),
        ("keys", "new", "holds no log of pqc-audit-log-fs"),
        ("none", "new", "reading `none`"),
    ] {
        let refused = run(dir, &[&["import", old, "--into", into][..], rest].concat(), b"");
        assert_eq!(refused.status.code(), Some(3), "{old} into {into}");
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(said.contains(why), "{said}");
        assert!(!dir.join("new").exists(), "nothing was begun");
    }
}
