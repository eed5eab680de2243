//! `anchor`: checkpoints stamped by an authority of OpenSSL, by hand, renewed,
//! and shown by `verify`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::run;
use crate::tsa::{Tsa, set_down};

const LOG: &str = "demo/audit-log";
const SIGNED: [&str; 4] = ["--key", "demo/signing-key.pem", "--keys", "demo/keys.jwks.json"];

/// Runs `asqav`; exit code, standard output and standard error.
fn asqav(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = run(dir, args, b"");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn done(dir: &Path, args: &[&str]) -> String {
    let (exit, out, said) = asqav(dir, args);
    assert_eq!(exit, Some(0), "{args:?}: {out}{said}");
    out
}

fn checkpoint(dir: &Path, name: &str) {
    done(dir, &[&["checkpoint", LOG, "-o", name], SIGNED.as_slice()].concat());
}

/// A log, a checkpoint of it, and an authority with its key beside them.
fn recorded() -> Option<(tempfile::TempDir, Tsa)> {
    let tsa = Tsa::new()?;
    let dir = tempfile::tempdir().unwrap();
    done(dir.path(), &["demo", "--dir", "demo"]);
    checkpoint(dir.path(), "c.json");
    fs::copy(tsa.path("tsa.pem"), dir.path().join("tsa.pem")).unwrap();
    Some((dir, tsa))
}

/// The options that ask this authority.
fn asking(tsa: &Tsa) -> Vec<String> {
    let script = format!(
        "cd '{}' && cat > query && exec openssl ts -reply -config conf -queryfile query -inkey tsa.key -signer tsa.pem",
        tsa.path("").display()
    );
    ["sh", "-c", &script].iter().flat_map(|part| ["--tsa-command".to_owned(), (*part).to_owned()]).collect()
}

fn with<'a>(args: &[&'a str], more: &'a [String]) -> Vec<&'a str> {
    args.iter().copied().chain(more.iter().map(String::as_str)).collect()
}

fn verify(dir: &Path, checkpoint: &str, more: &[&str]) -> String {
    let args = ["verify", LOG, "--keys", "demo/keys.jwks.json", "--checkpoint", checkpoint];
    done(dir, &[args.as_slice(), &["--tsa-key", "tsa.pem"], more].concat())
}

#[test]
fn a_checkpoint_is_stamped_renewed_and_shown() {
    let Some((dir, tsa)) = recorded() else { return };
    let (dir, ask) = (dir.path(), asking(&tsa));
    assert!(!verify(dir, "c.json", &[]).contains("not later than"));
    assert!(done(dir, &["anchor", "status", "c.json"]).contains("c.json: pending"));
    let chain = tsa.path("ca.pem").display().to_string();
    let stamp = with(&["anchor", "stamp", "c.json", "--keep-certificate", &chain], &ask);
    done(dir, &stamp);
    let shown = verify(dir, "c.json", &[]);
    assert!(shown.contains(": not later than 20"), "{shown}");
    assert!(done(dir, &["anchor", "status", "c.json"]).contains("unchecked: no time-stamp authority"));
    let status = done(dir, &["--json", "anchor", "status", "c.json", "--tsa-key", "tsa.pem"]);
    let first: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(first["anchors"][0]["state"], "proven");
    assert!(first["anchors"][0]["renew_before"].as_str().unwrap().starts_with("2099"), "{first}");
    // Not due yet; due; and with another hash function.
    let due = |days: &str| {
        let args = ["anchor", "renew", "c.json", "--within", days, "--tsa-key", "tsa.pem"];
        done(dir, &with(&args, &ask))
    };
    assert!(due("30").starts_with("renewed 0 of 1"));
    assert!(due("40000").starts_with("renewed 1 of 1"));
    assert!(done(dir, &with(&["anchor", "renew", "c.json", "--hash"], &ask)).starts_with("renewed 1 of 1"));
    let status = done(dir, &["--json", "anchor", "status", "c.json", "--tsa-key", "tsa.pem"]);
    let renewed: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(renewed["anchors"][0]["not_later"], first["anchors"][0]["not_later"]);
    assert_eq!(verify(dir, "c.json", &[]), shown, "it proves what it did");
    // The anchors of one checkpoint are not those of another.
    let held = [&["hold", LOG, "place", "--id", "case-1"], SIGNED.as_slice()].concat();
    done(dir, &held);
    checkpoint(dir, "later.json");
    fs::copy(dir.join("c.json.anchors.jsonl"), dir.join("later.json.anchors.jsonl")).unwrap();
    assert!(!verify(dir, "later.json", &[]).contains("not later than"));
}

/// A renewal that does not hold would refute for good what was proven.
#[test]
fn a_renewal_that_would_not_hold_is_not_kept() {
    let Some((dir, tsa)) = recorded() else { return };
    let (dir, ask) = (dir.path(), asking(&tsa));
    done(dir, &with(&["anchor", "stamp", "c.json"], &ask));
    let before = fs::read(dir.join("c.json.anchors.jsonl")).unwrap();
    let second = Tsa::new().unwrap();
    let other = asking(&second);
    let renew = with(&["anchor", "renew", "c.json", "--tsa-key", "tsa.pem"], &other);
    let (exit, out, said) = asqav(dir, &renew);
    assert_eq!(exit, Some(3), "{out}");
    assert!(said.contains("would not hold"), "{said}");
    assert_eq!(fs::read(dir.join("c.json.anchors.jsonl")).unwrap(), before);
}

#[test]
fn a_request_and_its_answer_are_carried_by_hand() {
    let Some((dir, tsa)) = recorded() else { return };
    let dir = dir.path();
    done(dir, &["anchor", "request", "c.json", "-o", "request.tsq"]);
    let answer = asqav_log::anchoring::Authority::answer(
        &mut tsa.authority(),
        &fs::read(dir.join("request.tsq")).unwrap(),
    );
    fs::write(dir.join("answer.tsr"), answer.unwrap()).unwrap();
    checkpoint(dir, "other.json");
    let (exit, _, said) = asqav(dir, &["anchor", "attach", "other.json", "answer.tsr"]);
    assert_eq!(exit, Some(3));
    assert!(said.contains("stamps another message"), "{said}");
    done(dir, &["anchor", "attach", "c.json", "answer.tsr"]);
    assert!(verify(dir, "c.json", &[]).contains("not later than"));
}

#[test]
fn a_single_receipt_is_stamped() {
    let Some((dir, tsa)) = recorded() else { return };
    let (dir, ask) = (dir.path(), asking(&tsa));
    done(dir, &["export", LOG, "--seq", "1", "-o", "r.json"]);
    done(dir, &with(&["anchor", "receipt", "r.json", "-o", "stamped.json"], &ask));
    let verify = ["verify", "stamped.json", "--keys", "demo/keys.jwks.json", "--require-anchor"];
    assert_eq!(asqav(dir, &verify).0, Some(2), "no authority is pinned");
    let shown = done(dir, &[verify.as_slice(), &["--tsa-key", "tsa.pem"]].concat());
    assert!(shown.contains("by pinned authority CN=authority"), "{shown}");
    // Nothing but the receipt that was stamped.
    let text = fs::read_to_string(dir.join("stamped.json")).unwrap();
    let mut stamped: Value = serde_json::from_str(&text).unwrap();
    done(dir, &["export", LOG, "--seq", "2", "-o", "other.json"]);
    let other: Value = serde_json::from_slice(&fs::read(dir.join("other.json")).unwrap()).unwrap();
    stamped["payload"] = other["payload"].clone();
    stamped["signature"] = other["signature"].clone();
    fs::write(dir.join("moved.json"), stamped.to_string()).unwrap();
    let moved = ["verify", "moved.json", "--keys", "demo/keys.jwks.json", "--tsa-key", "tsa.pem"];
    assert_eq!(asqav(dir, &moved).0, Some(1));
}

#[test]
fn what_an_authority_did_not_answer_stays_pending() {
    let Some((dir, tsa)) = recorded() else { return };
    let (dir, ask) = (dir.path(), asking(&tsa));
    fs::create_dir(dir.join("folder")).unwrap();
    fs::copy(dir.join("c.json"), dir.join("folder/checkpoint-1.json")).unwrap();
    set_down(&tsa, true);
    let (exit, _, said) = asqav(dir, &with(&["anchor", "stamp", "folder"], &ask));
    assert_eq!(exit, Some(3));
    assert!(said.contains("nothing was anchored"), "{said}");
    assert!(done(dir, &["anchor", "status", "folder"]).contains("pending"));
    set_down(&tsa, false);
    assert!(done(dir, &with(&["anchor", "stamp", "folder"], &ask)).contains("stamped: folder"));
    assert!(done(dir, &with(&["anchor", "stamp", "folder"], &ask)).contains("nothing is pending"));
}

#[test]
fn a_time_receipt_bounds_what_follows() {
    let Some((dir, tsa)) = recorded() else { return };
    let (dir, ask) = (dir.path(), asking(&tsa));
    done(dir, &with(&["anchor", "stamp", "c.json"], &ask));
    let recorded = done(dir, &[&["anchor", "time", LOG, "c.json"], SIGNED.as_slice()].concat());
    let seq = recorded.trim_end().rsplit(' ').next().unwrap();
    checkpoint(dir, "later.json");
    done(dir, &with(&["anchor", "stamp", "later.json"], &ask));
    let shown = verify(dir, "later.json", &["--anchored", "c.json"]);
    assert!(shown.contains(&format!("receipts from {seq} on: not earlier than 20")), "{shown}");
    assert!(shown.contains(": not later than 20"), "{shown}");
    let without = verify(dir, "later.json", &[]);
    assert!(without.contains(&format!("the token that receipt {seq} names is not at hand")), "{without}");
}
