//! `retain`: what is over its time is told, then deleted, and the log verifies.

use std::path::Path;

use serde_json::Value;

use crate::harness::run;

const LOG: &str = "demo/audit-log";
const SIGNED: [&str; 4] = ["--key", "demo/signing-key.pem", "--keys", "demo/keys.jwks.json"];

/// Runs `asqav`; exit code, standard output and standard error.
fn asqav(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = run(dir, args, b"");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn retain(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    asqav(dir, &[&["retain", LOG], args].concat())
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let (exit, out, said) = retain(dir, &[&["--json"], args].concat());
    assert_eq!(exit, Some(0), "{said}");
    serde_json::from_str(&out).unwrap()
}

fn hold(dir: &Path, what: &str, id: &str) {
    let args = ["hold", LOG, what, "--id", id];
    assert_eq!(asqav(dir, &[&args, SIGNED.as_slice()].concat()).0, Some(0));
}

/// A log with more than two sealed segments: each command that writes seals one.
fn recorded() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(asqav(dir.path(), &["demo", "--dir", "demo"]).0, Some(0));
    hold(dir.path(), "place", "case-1");
    hold(dir.path(), "release", "case-1");
    dir
}

#[test]
fn a_dry_run_tells_and_applying_deletes() {
    let dir = recorded();
    let dir = dir.path();
    let files = || {
        let listed = std::fs::read_dir(dir.join(LOG)).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = listed.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = files();
    let now = ["--days", "0", "--short"];
    let plan = json(dir, &now);
    let due = plan["segments"].as_array().unwrap().len();
    assert!(due >= 2 && plan["applied"] == false && plan["stop"] == "newest", "{plan}");
    assert_eq!(before, files(), "nothing was changed");
    let (exit, said, hint) = retain(dir, &now);
    assert_eq!(exit, Some(0));
    assert!(said.contains(&format!("{due} segments would be deleted")), "{said}");
    assert!(hint.contains("--apply") && hint.contains("warning: 0 days are less"), "{hint}");

    let (exit, _, said) = retain(dir, &["--days", "0", "--short", "--apply"]);
    assert_eq!(exit, Some(3));
    assert!(said.contains("--key and --keys"), "{said}");
    let done = json(dir, &[now.as_slice(), &["--apply"], &SIGNED].concat());
    assert_eq!((&done["applied"], &done["receipts"]), (&Value::Bool(true), &plan["receipts"]));
    assert_eq!(done["recorded_in"].as_array().unwrap().len(), 1);
    let (exit, said, _) = asqav(dir, &["verify", LOG, "--keys", "demo/keys.jwks.json"]);
    assert_eq!(exit, Some(0), "{said}");
    let range = done["receipts"].as_str().unwrap().replace('-', "..");
    assert!(said.contains(&format!("content {range}")), "{said}");
    // Every command that reads goes on.
    for args in [
        ["info", LOG].as_slice(),
        &["log", LOG],
        &["tree", LOG],
        &["export", LOG, "-o", "bundle"],
        &[
            "checkpoint",
            LOG,
            "--key",
            "demo/signing-key.pem",
            "--keys",
            "demo/keys.jwks.json",
            "-o",
            "c.json",
        ],
        &["diff", LOG, LOG],
        &["guard", LOG, "status"],
    ] {
        let (exit, out, said) = asqav(dir, args);
        assert_eq!(exit, Some(0), "{args:?}: {out}{said}");
    }
    let (_, shown, _) = asqav(dir, &["info", LOG]);
    assert!(shown.contains("deleted"), "{shown}");
    let (exit, said, _) =
        asqav(dir, &["verify", LOG, "--keys", "demo/keys.jwks.json", "--checkpoint", "c.json"]);
    assert_eq!(exit, Some(0), "{said}");
}

#[test]
fn a_short_period_has_to_be_meant_and_the_default_is_seven_years() {
    let dir = recorded();
    let (exit, _, said) = retain(dir.path(), &["--days", "183"]);
    assert_eq!(exit, Some(3));
    assert!(said.contains("less than six months") && said.contains("--short"), "{said}");
    let (exit, said, hint) = retain(dir.path(), &["--days", "184"]);
    assert_eq!((exit, hint.as_str()), (Some(0), ""));
    assert!(said.contains("0 segments would be deleted"), "{said}");
    let plan = json(dir.path(), &[]);
    assert_eq!((&plan["days"], &plan["stop"]), (&2_555.into(), &"young".into()));
}

#[test]
fn a_legal_hold_is_named_and_nothing_is_deleted() {
    let dir = recorded();
    hold(dir.path(), "place", "case-2");
    let args = [&["--days", "0", "--short", "--apply"], SIGNED.as_slice()].concat();
    let done = json(dir.path(), &args);
    assert_eq!((&done["stop"], &done["held_by"]), (&"held".into(), &"case-2".into()));
    assert_eq!(done["applied"], false);
    assert!(dir.path().join(LOG).join("segment-00000001.log").exists());
}
