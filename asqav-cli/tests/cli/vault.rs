//! `disclose`: opening committed values of a log that `demo` recorded.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::harness::run;

const KEY: &str = "demo/vault.key";

/// Runs `asqav`; exit code, standard output and standard error.
fn asqav(dir: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = run(dir, args, b"");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A recorded log, and the payloads of its receipts.
fn recorded() -> (tempfile::TempDir, Vec<Value>) {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(asqav(dir.path(), &["demo", "--dir", "demo"]).0, Some(0));
    let (_, lines, _) = asqav(dir.path(), &["log", "demo/audit-log", "--format", "jsonl"]);
    let payloads = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (dir, payloads)
}

/// The id of the first receipt of `action` and `phase`.
fn id<'a>(payloads: &'a [Value], action: &str, phase: &str) -> &'a str {
    let text = |payload: &'a Value, pointer: &str| payload.pointer(pointer).unwrap().as_str().unwrap();
    let mut of_action = payloads.iter().filter(|payload| text(payload, "/action_type") == action);
    text(of_action.find(|payload| text(payload, "/asqav/phase") == phase).unwrap(), "/action_id")
}

#[test]
fn a_value_is_disclosed_and_verified_without_the_log() {
    let (dir, payloads) = recorded();
    let (call, outcome) = (id(&payloads, "notes:read", "decision"), id(&payloads, "notes:add", "outcome"));
    let disclose = |id: &str, what: &[&str], file: &str| {
        let args = ["disclose", "demo/audit-log", id, "--vault-key", KEY, "-o", file];
        asqav(dir.path(), &[args.as_slice(), what].concat())
    };
    assert_eq!(disclose(call, &["--argument", "file"], "call.json").0, Some(0));
    assert_eq!(disclose(outcome, &["--result"], "outcome.json").0, Some(0));
    fs::rename(dir.path().join("demo/audit-log"), dir.path().join("elsewhere")).unwrap();
    let verify = |file: &str| asqav(dir.path(), &["verify", file, "--keys", "demo/keys.jwks.json"]);
    let (exit, said, _) = verify("call.json");
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("  opened       /arguments/file = \"notes.txt\"\n"), "{said}");
    let (exit, said, _) = verify("outcome.json");
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains("  opened       /result = \"noted\"\n"), "{said}");

    // Openings of one receipt say nothing about another.
    let json =
        |file: &str| -> Value { serde_json::from_slice(&fs::read(dir.path().join(file)).unwrap()).unwrap() };
    let mut swapped = json("call.json");
    swapped["receipt"] = json("outcome.json")["receipt"].clone();
    fs::write(dir.path().join("swapped.json"), swapped.to_string()).unwrap();
    let (exit, said, _) = verify("swapped.json");
    assert_eq!(exit, Some(1));
    assert!(said.contains("opening_differs") && !said.contains("notes.txt"), "{said}");
}

#[test]
fn what_was_not_committed_or_cannot_be_opened_is_not_disclosed() {
    let (dir, payloads) = recorded();
    let call = id(&payloads, "notes:add", "decision");
    let disclose = |id: &str, key: &str, what: &[&str]| {
        let args = ["disclose", "demo/audit-log", id, "--vault-key", key];
        let (exit, out, said) = asqav(dir.path(), &[args.as_slice(), what].concat());
        assert_eq!((exit, out.as_str()), (Some(3), ""), "{said}");
        said
    };
    // The demo records this argument in plain.
    assert!(disclose(call, KEY, &["--argument", "note"]).contains("no commitment at `/arguments/note`"));
    assert!(disclose(call, KEY, &["--result"]).contains("no commitment at `/result`"));
    assert!(disclose(call, KEY, &[]).contains("names what is disclosed"));
    let start = payloads[0]["action_id"].as_str().unwrap();
    assert!(disclose(start, KEY, &["--result"]).contains("the vault holds no openings of it"));
    let nowhere = "act_00000000-0000-7000-8000-000000000000";
    assert!(disclose(nowhere, KEY, &["--result"]).contains("holds no receipt"));
    let other = dir.path().join("other.key");
    fs::write(&other, format!("asqav-vault-key-v1 {}\n", "1".repeat(64))).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o600)).unwrap();
    let call = id(&payloads, "notes:read", "decision");
    assert!(disclose(call, "other.key", &["--argument", "file"]).contains("written under another vault key"));
}

const WRITER: [&str; 4] = ["--key", "demo/signing-key.pem", "--keys", "demo/keys.jwks.json"];

#[test]
fn somebody_is_forgotten_and_the_log_still_verifies() {
    let (dir, payloads) = recorded();
    let call = id(&payloads, "notes:read", "decision");
    let forget = |more: &[&str]| {
        let args = ["forget", "demo/audit-log", "--subject", "notes.txt", "--vault-key", KEY];
        asqav(dir.path(), &[args.as_slice(), more].concat())
    };
    let (exit, planned, _) = forget(&["--dry-run"]);
    assert_eq!(exit, Some(0), "{planned}");
    assert!(planned.contains("would be erased"), "{planned}");
    let info = |dir: &Path| asqav(dir, &["info", "demo/audit-log"]).1;
    assert!(!info(dir.path()).contains("erased"), "a dry run erases nothing");

    let hold = |what: &str| {
        let args = ["hold", "demo/audit-log", what, "--id", "case-17"];
        asqav(dir.path(), &[args.as_slice(), &WRITER].concat())
    };
    assert_eq!(hold("place").0, Some(0));
    let (exit, _, said) = forget(&WRITER);
    assert_eq!(exit, Some(3));
    assert!(said.contains("the legal hold `case-17` forbids it"), "{said}");
    assert_eq!(hold("release").0, Some(0));

    let (exit, done, said) = forget(&WRITER);
    assert_eq!(exit, Some(0), "{said}");
    let numbers = planned.trim_end().rsplit(' ').next().unwrap();
    assert!(done.contains(&format!("erased: {numbers}\n")), "{planned}{done}");
    let after = info(dir.path());
    assert!(after.contains(&format!("erased, as erasure receipts say: receipts {numbers}\n")), "{after}");
    let disclose = ["disclose", "demo/audit-log", call, "--vault-key", KEY, "--argument", "file"];
    let (exit, _, said) = asqav(dir.path(), &disclose);
    assert_eq!(exit, Some(3));
    assert!(said.contains("its openings were erased"), "{said}");
    let (exit, said, _) = asqav(dir.path(), &["verify", "demo/audit-log", "--keys", "demo/keys.jwks.json"]);
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains(&format!("erased, as erasure receipts say: receipts {numbers}\n")), "{said}");
}

#[test]
fn nothing_is_forgotten_while_another_process_writes() {
    let (dir, payloads) = recorded();
    let call = id(&payloads, "notes:read", "decision");
    let lock = fs::File::open(dir.path().join("demo/audit-log/LOCK")).unwrap();
    lock.try_lock().unwrap();
    let args = ["forget", "demo/audit-log", "--id", call];
    let (exit, _, said) = asqav(dir.path(), &[args.as_slice(), &WRITER].concat());
    assert_eq!(exit, Some(3));
    assert!(said.contains("in use"), "{said}");
    drop(lock);
    let (exit, out, said) = asqav(dir.path(), &[args.as_slice(), &WRITER].concat());
    assert_eq!(exit, Some(0), "{out}{said}");
}

#[test]
fn the_guard_tells_what_the_system_applies() {
    let (dir, _) = recorded();
    let guard = |what: &str| asqav(dir.path(), &["--json", "guard", "demo/audit-log", what]);
    let file = |said: &str, at: usize| -> Value {
        serde_json::from_str::<Value>(said).unwrap().pointer(&format!("/files/{at}")).unwrap().clone()
    };
    let (exit, before, _) = guard("status");
    assert_eq!((exit, file(&before, 1).get("mode_holds").unwrap()), (Some(0), &Value::Bool(false)));
    let (exit, after, _) = guard("on");
    let segment = file(&after, 1);
    assert_eq!(segment.get("file").unwrap(), "segment-00000001.log");
    assert_eq!(segment.get("mode").unwrap(), "0400");
    // Where the system refuses the attribute, it is said and the exit code tells.
    let refused = !segment.get("refused").unwrap().is_null();
    assert_eq!((exit, refused), (Some(if refused { 3 } else { 0 }), refused));
    assert_eq!(file(&guard("status").1, 1).get("mode").unwrap(), "0400");
    assert_eq!(file(&guard("off").1, 1).get("mode").unwrap(), "0600");
}

/// `--subject "$NAME"` with nothing in it would be every call with an empty text.
#[test]
fn nobody_is_not_forgotten() {
    let (dir, _) = recorded();
    for whom in ["--subject", "--containing"] {
        let args = ["forget", "demo/audit-log", whom, "", "--vault-key", KEY, "--dry-run"];
        let (exit, out, said) = asqav(dir.path(), &args);
        assert_eq!(exit, Some(3), "{out}");
        assert!(said.contains("a value is required"), "{said}");
    }
}

/// A vault that is gone as a whole is not passed over.
#[test]
fn an_emptied_vault_is_told() {
    let (dir, _) = recorded();
    let verify = || asqav(dir.path(), &["verify", "demo/audit-log", "--keys", "demo/keys.jwks.json"]).1;
    assert!(!verify().contains("none are here"), "{}", verify());
    let vault = dir.path().join("demo/audit-log/vault");
    for entry in fs::read_dir(&vault).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert!(verify().contains("none are here: nothing opens"), "{}", verify());
    // A copy without the folder is an auditor's.
    fs::remove_dir(&vault).unwrap();
    assert!(!verify().contains("openings"), "{}", verify());
}

/// Commands that write have no journal key: what waits for a signature is not
/// theirs to pass over.
#[test]
fn a_log_in_which_receipts_wait_for_a_signature_is_not_written_to() {
    let (dir, payloads) = recorded();
    let (_, lines, _) = asqav(dir.path(), &["log", "demo/audit-log", "--format", "jsonl"]);
    let (last, seq) = (lines.lines().last().unwrap(), payloads.len());
    let waiting = last.replacen(&format!("\"seq\":{seq}"), &format!("\"seq\":{}", seq + 1), 1);
    let line = format!("{{\"mac\":\"{}\",\"payload\":{waiting}}}\n", "0".repeat(64));
    fs::write(dir.path().join("demo/audit-log/unsigned.jsonl"), line).unwrap();
    let before = fs::read(dir.path().join("demo/audit-log/segment-00000001.log")).unwrap();
    let call = id(&payloads, "notes:add", "decision");
    for command in [
        &["forget", "demo/audit-log", "--id", call][..],
        &["hold", "demo/audit-log", "place", "--id", "case-17"],
    ] {
        let (exit, _, said) = asqav(dir.path(), &[command, &WRITER].concat());
        assert_eq!(exit, Some(3), "{command:?}: {said}");
        assert!(said.contains("there is no journal key"), "{command:?}: {said}");
    }
    assert_eq!(fs::read(dir.path().join("demo/audit-log/segment-00000001.log")).unwrap(), before);
    let (exit, said, _) = asqav(dir.path(), &["verify", "demo/audit-log", "--keys", "demo/keys.jwks.json"]);
    assert_eq!(exit, Some(0), "{said}");
    let note = format!("unsigned: unsigned.jsonl lists receipts {0}..{0}, which no segment had", seq + 1);
    assert!(said.contains(&note), "{said}");
}
