//! `verify`, `info`, `show` and `demo` on a log that `demo` recorded.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use asqav_core::{Gate, Refused, ToolCall};
use asqav_receipt::keys::KeySet;
use insta::assert_snapshot;

use crate::harness::{asqav, run};

/// A directory with `demo/audit-log`, `demo/keys.jwks.json` and so on.
fn recorded() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["demo", "--dir", "demo"], b"");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    dir
}

/// The same log with a second run behind it: 30 receipts in two segments.
fn continued() -> tempfile::TempDir {
    let dir = recorded();
    go_on(dir.path());
    dir
}

/// Another run of the same gate: its first call's result differs each time.
fn go_on(dir: &Path) {
    let demo = dir.join("demo");
    let keys = KeySet::parse(&fs::read(demo.join("keys.jwks.json")).unwrap()).unwrap();
    let entry = keys.entries().first().unwrap();
    let (agent, issuer) = (entry.agent_id.clone().unwrap(), entry.issuer_id.clone().unwrap());
    let key = asqav_log::keyfile::load_signing_key(&demo.join("signing-key.pem")).unwrap();
    let gate = Gate::builder(agent.parse().unwrap(), issuer.parse().unwrap())
        .signer(Arc::new(key))
        .without_policy()
        .log(asqav_log::FileLog::new(demo.join("audit-log")))
        .open()
        .unwrap();
    for n in 0..7 {
        let call = ToolCall::builder("again", "demo:again").record("n", &n).build();
        gate.run_sync(call, || Ok::<_, Refused>(n)).unwrap();
    }
    gate.shutdown().wait().unwrap();
}

const VERIFY: [&str; 4] = ["verify", "demo/audit-log", "--keys", "demo/keys.jwks.json"];

fn verify(dir: &Path) -> String {
    asqav(dir, &VERIFY)
}

fn segment(dir: &Path) -> std::path::PathBuf {
    dir.join("demo/audit-log/segment-00000001.log")
}

fn header(dir: &Path) -> std::path::PathBuf {
    dir.join("demo/audit-log/segment-00000001.sig.json")
}

#[test]
fn demo_shows_what_happens() {
    let dir = tempfile::tempdir().unwrap();
    assert_snapshot!("demo", asqav(dir.path(), &["demo"]));
    assert_snapshot!("demo_tamper", asqav(dir.path(), &["demo", "--tamper", "--dir", "demo"]));
    assert_snapshot!("demo_again", asqav(dir.path(), &["demo", "--dir", "demo"]));
}

#[test]
fn demo_takes_the_keys_of_keygen() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["keygen", "--agent", "agt_finance", "--issuer", "acme", "--out", "demo"], b"");
    run(dir.path(), &["demo", "--dir", "demo"], b"");
    let output = run(dir.path(), &["info", "demo/audit-log", "--json"], b"");
    let info: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&info["agent_id"], &info["issuer_id"]), (&"agt_finance".into(), &"acme".into()));
}

#[test]
fn demo_refuses_keys_that_are_no_secret_or_no_keys() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), &["keygen", "--agent", "agt_finance", "--issuer", "acme", "--out", "demo"], b"");
    let key = dir.path().join("demo/signing-key.pem");
    let chmod = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
    chmod(0o640);
    assert_snapshot!("group_readable_key", asqav(dir.path(), &["demo", "--dir", "demo"]));
    chmod(0o600);
    // RFC 8410 §10.3
    let ed25519 = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    fs::write(&key, ed25519).unwrap();
    assert_snapshot!("key_of_another_suite", asqav(dir.path(), &["demo", "--dir", "demo"]));
    fs::write(&key, "no key").unwrap();
    assert_snapshot!("malformed_key", asqav(dir.path(), &["demo", "--dir", "demo"]));
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    assert_snapshot!("unreadable_key", asqav(dir.path(), &["demo", "--dir", "demo"]));
    assert!(!dir.path().join("demo/audit-log").exists(), "nothing was recorded");
}

#[test]
fn verify_says_what_it_found() {
    let dir = recorded();
    assert_snapshot!("verified", verify(dir.path()));
    assert_snapshot!("not_pinned", asqav(dir.path(), &["verify", "demo/audit-log"]));
    run(dir.path(), &["keygen", "--agent", "demo-agent", "--issuer", "demo-issuer", "--out", "other"], b"");
    assert_snapshot!(
        "other_key",
        asqav(dir.path(), &["verify", "demo/audit-log", "--keys", "other/keys.jwks.json"])
    );
    assert_snapshot!("anchor_required", asqav(dir.path(), &[&VERIFY[..], &["--require-anchor"]].concat()));
    assert_snapshot!(
        "predecessor_of_a_log",
        asqav(dir.path(), &[&VERIFY[..], &["--predecessor", "x"]].concat())
    );
    assert_snapshot!("missing_head", asqav(dir.path(), &[&VERIFY[..], &["--head", "missing.json"]].concat()));
    assert_snapshot!(
        "malformed_head",
        asqav(dir.path(), &[&VERIFY[..], &["--head", "demo/notes.txt"]].concat())
    );
}

#[test]
fn a_removed_end_is_unverifiable_and_invalid_against_the_head() {
    let dir = recorded();
    let info = run(dir.path(), &["info", "demo/audit-log", "--json"], b"");
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    let head = format!(
        "{{\"log_id\":{},\"seq\":{},\"sha256\":{},\"sha3\":{}}}\n",
        info["log_id"], info["head"]["seq"], info["head"]["sha256"], info["head"]["sha3"]
    );
    fs::write(dir.path().join("head.json"), head).unwrap();
    let with_head = [&VERIFY[..], &["--head", "head.json"]].concat();
    assert_eq!(run(dir.path(), &with_head, b"").status.code(), Some(0));

    let text = fs::read_to_string(segment(dir.path())).unwrap();
    let kept: String = text.split_inclusive('\n').take(10).collect();
    fs::write(segment(dir.path()), &kept).unwrap();
    fs::remove_file(header(dir.path())).unwrap();
    assert_snapshot!("log_open", verify(dir.path()));
    assert_snapshot!("behind_its_head", asqav(dir.path(), &with_head));
    assert_eq!(run(dir.path(), &[&VERIFY[..], &["--open"]].concat(), b"").status.code(), Some(0));
}

#[test]
fn what_is_no_log_is_not_verified() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert_snapshot!("empty_directory", asqav(dir.path(), &["verify", "empty"]));
    assert_snapshot!("info_of_an_empty_directory", asqav(dir.path(), &["info", "empty"]));
    fs::create_dir(dir.path().join("other")).unwrap();
    fs::write(dir.path().join("other/README"), "hello").unwrap();
    assert_snapshot!("not_a_log", asqav(dir.path(), &["verify", "other"]));
    assert_snapshot!("info_of_a_file", asqav(dir.path(), &["info", "other/README"]));
    assert_snapshot!("show_of_nothing", asqav(dir.path(), &["show", "missing"]));
}

#[test]
fn single_receipts_of_the_log_verify() {
    let dir = recorded();
    let text = fs::read_to_string(segment(dir.path())).unwrap();
    let lines: Vec<_> = text.lines().collect();
    fs::write(dir.path().join("before.json"), lines[10]).unwrap();
    fs::write(dir.path().join("receipt.json"), lines[11]).unwrap();
    let keys = ["verify", "receipt.json", "--keys", "demo/keys.jwks.json"];
    assert_snapshot!("receipt", asqav(dir.path(), &[&keys[..], &["--predecessor", "before.json"]].concat()));
    fs::write(dir.path().join("before.json"), lines[9]).unwrap();
    let wrong = run(dir.path(), &[&keys[..], &["--predecessor", "before.json"]].concat(), b"");
    assert_eq!(wrong.status.code(), Some(1));
    assert_snapshot!(
        "segment_as_receipt",
        asqav(dir.path(), &["verify", "demo/audit-log/segment-00000001.log"])
    );
}

#[test]
fn show_and_info_tell_what_is_there() {
    let dir = recorded();
    assert_snapshot!("info", asqav(dir.path(), &["info", "demo/audit-log"]));
    assert_snapshot!("show_list", asqav(dir.path(), &["show", "demo/audit-log"]));
    let keys = ["--keys", "demo/keys.jwks.json"];
    assert_snapshot!(
        "show_one",
        asqav(dir.path(), &[&["show", "demo/audit-log", "--seq", "12"], &keys[..]].concat())
    );
    assert_snapshot!(
        "show_first",
        asqav(dir.path(), &[&["show", "demo/audit-log", "--seq", "1"], &keys[..]].concat())
    );
    assert_snapshot!("show_missing", asqav(dir.path(), &["show", "demo/audit-log", "--seq", "16"]));

    let one = run(dir.path(), &["show", "demo/audit-log", "--seq", "12", "--json"], b"");
    let one: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    let next = run(dir.path(), &["show", "demo/audit-log", "--seq", "13", "--json"], b"");
    let next: serde_json::Value = serde_json::from_slice(&next.stdout).unwrap();
    assert_eq!(one["links"]["chain_hash"], next["links"]["previousReceiptHash"]);
    let id = one["payload"]["action_id"].as_str().unwrap();
    let by_id = run(dir.path(), &["show", "demo/audit-log", "--id", id, "--json"], b"");
    let by_id: serde_json::Value = serde_json::from_slice(&by_id.stdout).unwrap();
    assert_eq!(by_id["payload"], one["payload"]);
}

/// A reader that leaves early (`asqav show … | head -1`) is no failure.
#[test]
fn a_broken_pipe_keeps_the_exit_code() {
    let dir = recorded();
    for (args, code) in
        [(&["show", "demo/audit-log"][..], 0), (&["verify", "demo/audit-log"], 2), (&["--help"], 0)]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_asqav"))
            .args(args)
            .current_dir(dir.path())
            .stdout(writer)
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panic"), "{args:?}");
    }
}

/// Every 64th byte of the log's segments and headers, flipped: never verified,
/// never a crash.
#[test]
fn no_flipped_byte_is_verified() {
    let dir = continued();
    let files = ["00000001.log", "00000001.sig.json", "00000002.log", "00000002.sig.json"];
    let files = files.map(|name| format!("demo/audit-log/segment-{name}"));
    let workers: Vec<_> = (0..2)
        .map(|worker| {
            let copy = tempfile::tempdir().unwrap();
            fs::create_dir_all(copy.path().join("demo/audit-log")).unwrap();
            for name in files.iter().map(String::as_str).chain(["demo/keys.jwks.json"]) {
                fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
            }
            let files = files.clone();
            std::thread::spawn(move || {
                for file in files.iter().map(|name| copy.path().join(name)) {
                    let bytes = fs::read(&file).unwrap();
                    for at in (worker * 64..bytes.len()).step_by(128) {
                        let mut flipped = bytes.clone();
                        flipped[at] ^= 1;
                        fs::write(&file, flipped).unwrap();
                        let code = run(copy.path(), &VERIFY, b"").status.code();
                        assert!(matches!(code, Some(1 | 2)), "byte {at} of {}: {code:?}", file.display());
                    }
                    fs::write(&file, bytes).unwrap();
                }
                let unchanged = asqav(copy.path(), &VERIFY);
                assert!(unchanged.contains("VERIFIED") && unchanged.contains("31 receipts"), "{unchanged}");
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
}

/// A checkpoint is kept outside; cutting off the end shows against it alone.
#[test]
fn a_checkpoint_shows_a_cut_off_end() {
    let dir = continued();
    let keys = ["--keys", "demo/keys.jwks.json"];
    let checkpoint = |args: &[&str]| {
        let base = ["checkpoint", "demo/audit-log", "--key", "demo/signing-key.pem"];
        asqav(dir.path(), &[&base[..], &keys, args].concat())
    };
    let verify = |args: &[&str]| asqav(dir.path(), &[&VERIFY[..], args].concat());
    let done = checkpoint(&["-o", "one.json"]);
    assert!(done.starts_with("exit code: 0"), "{done}");
    assert_snapshot!("checkpoint_exists", checkpoint(&["-o", "one.json"]));
    assert_snapshot!("checkpoint_met", verify(&["--checkpoint", "one.json"]));
    let done = checkpoint(&["--previous", "one.json", "-o", "two.json"]);
    assert!(done.starts_with("exit code: 0"), "{done}");
    let second = fs::read_to_string(dir.path().join("two.json")).unwrap();
    assert!(second.contains("\"previous_checkpoint\":"), "{second}");

    for name in ["segment-00000002.log", "segment-00000002.sig.json"] {
        fs::remove_file(dir.path().join("demo/audit-log").join(name)).unwrap();
    }
    assert!(verify(&[]).starts_with("exit code: 0"), "the first run ended cleanly");
    let cut = verify(&["--checkpoint", "two.json", "--json"]);
    assert!(cut.starts_with("exit code: 1"), "{cut}");
    assert!(cut.contains("\"reason_code\":\"tail_cut\""), "{cut}");
    let refused = checkpoint(&["--previous", "one.json", "-o", "three.json"]);
    assert!(refused.contains("the log is not verified (tail_cut): nothing is signed about it"), "{refused}");
    assert!(!dir.path().join("three.json").exists());
    fs::write(dir.path().join("no.json"), "{}").unwrap();
    assert_snapshot!("checkpoint_malformed", verify(&["--checkpoint", "no.json"]));
    let other = run(dir.path(), &["keygen", "--agent", "a", "--issuer", "b", "--out", "other"], b"");
    assert_eq!(other.status.code(), Some(0));
    let args = ["checkpoint", "demo/audit-log", "--key", "other/signing-key.pem"];
    assert_snapshot!("checkpoint_other_key", asqav(dir.path(), &[&args[..], &keys].concat()));
}

/// A proof is checked where there is no log.
#[test]
fn a_receipt_is_proven_without_its_log() {
    let dir = recorded();
    let keys = ["--keys", "demo/keys.jwks.json"];
    let run_in = |args: &[&str]| asqav(dir.path(), args);
    let checkpoint = ["checkpoint", "demo/audit-log", "--key", "demo/signing-key.pem", "-o", "one.json"];
    let done = run_in(&[&checkpoint[..], &keys].concat());
    assert!(done.starts_with("exit code: 0"), "{done}");
    let prove = ["prove", "demo/audit-log", "--checkpoint", "one.json"];
    let done = run_in(&[&prove[..], &["--seq", "3", "-o", "proof.json"]].concat());
    assert!(done.starts_with("exit code: 0"), "{done}");
    assert_snapshot!("prove_which", run_in(&prove));
    assert_snapshot!("prove_nothing", run_in(&[&prove[..], &["--seq", "999"]].concat()));

    fs::rename(dir.path().join("demo/audit-log"), dir.path().join("demo/away")).unwrap();
    assert_snapshot!("proof_verified", run_in(&[&["verify", "proof.json"], &keys[..]].concat()));
    let text = fs::read_to_string(dir.path().join("proof.json")).unwrap();
    let changed = text.replacen("\"open_decisions\":0", "\"open_decisions\":1", 1);
    assert_ne!(changed, text);
    fs::write(dir.path().join("changed.json"), changed).unwrap();
    let refused = run_in(&[&["verify", "--json", "changed.json"], &keys[..]].concat());
    assert!(refused.starts_with("exit code: 1") && refused.contains("issuer_signature"), "{refused}");

    // A log that lost its end since has no proof for that checkpoint, once the
    // stored tree does not remember it any more.
    fs::rename(dir.path().join("demo/away"), dir.path().join("demo/audit-log")).unwrap();
    let log = fs::read_to_string(segment(dir.path())).unwrap();
    let shorter: Vec<_> = log.lines().take(5).collect();
    fs::write(segment(dir.path()), format!("{}\n", shorter.join("\n"))).unwrap();
    fs::remove_dir_all(dir.path().join("demo/audit-log/tree")).unwrap();
    assert_snapshot!("prove_shorter", run_in(&[&prove[..], &["--seq", "3"]].concat()));
}

#[test]
fn a_tree_shows_sessions_and_their_calls() {
    let dir = recorded();
    assert_snapshot!("tree", asqav(dir.path(), &["tree", "demo/audit-log"]));
    let all = run(dir.path(), &["tree", "demo/audit-log", "--json"], b"");
    let all: serde_json::Value = serde_json::from_slice(&all.stdout).unwrap();
    let children = all["tree"][0]["children"].as_array().unwrap();
    let session = children.iter().find(|node| node["kind"] == "session").unwrap();
    // A decision and its outcome are one call.
    let calls = session["children"].as_array().unwrap();
    assert!(calls.iter().any(|node| node["kind"] == "call" && node["end_seq"].is_u64()), "{session}");
    let name = session["name"].as_str().unwrap();
    let id = name.rsplit(' ').next().unwrap();
    let one = run(dir.path(), &["tree", "demo/audit-log", "--json", "--session", id], b"");
    let one: serde_json::Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(one["tree"][0]["children"].as_array().unwrap().len(), 1, "{one}");
    assert_eq!(one["tree"][0]["children"][0], *session);
}

/// What is recorded while the command runs is shown by it.
#[test]
fn a_log_is_followed_while_it_is_written() {
    use std::io::BufRead as _;
    let dir = recorded();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_asqav"))
        .args(["log", "demo/audit-log", "--follow", "--format", "jsonl", "--action", "demo:again"])
        .current_dir(dir.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    go_on(dir.path());
    let lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    // Seven decisions and seven outcomes; a reader that leaves ends the command.
    let seen: Vec<_> = lines.take(14).map(|line| line.unwrap()).collect();
    assert!(seen.iter().all(|line| line.contains("\"action_type\":\"demo:again\"")), "{seen:#?}");
    go_on(dir.path());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let refused = asqav(dir.path(), &["log", "demo/audit-log", "--follow", "--json"]);
    assert!(refused.starts_with("exit code: 3"), "{refused}");
}

#[test]
fn a_log_is_proven_to_have_only_grown() {
    let dir = recorded();
    let keys = ["--keys", "demo/keys.jwks.json"];
    let checkpoint = |to: &str| {
        let args = ["checkpoint", "demo/audit-log", "--key", "demo/signing-key.pem", "-o", to];
        let done = asqav(dir.path(), &[&args[..], &keys].concat());
        assert!(done.starts_with("exit code: 0"), "{done}");
    };
    checkpoint("one.json");
    go_on(dir.path());
    checkpoint("two.json");
    let prove = |older: &str, newer: &str| {
        let args = ["prove", "demo/audit-log", "--grown-from", older, "--checkpoint", newer];
        asqav(dir.path(), &[&args[..], &["-o", "grown.json"]].concat())
    };
    let refused = prove("two.json", "one.json");
    assert!(refused.starts_with("exit code: 3") && refused.contains("there is no such proof"), "{refused}");
    let done = prove("one.json", "two.json");
    assert!(done.starts_with("exit code: 0"), "{done}");
    assert_snapshot!("growth_verified", asqav(dir.path(), &[&["verify", "grown.json"], &keys[..]].concat()));
}

/// Two gates with one key and one beginning: the copies part, and the proof
/// needs neither.
#[test]
fn a_fork_is_found_and_proven() {
    let dir = recorded();
    let keys = ["--keys", "demo/keys.jwks.json"];
    copy(&dir.path().join("demo/audit-log"), &dir.path().join("short"));
    go_on(dir.path());
    copy(&dir.path().join("demo/audit-log"), &dir.path().join("one"));
    let diff = |args: &[&str]| asqav(dir.path(), &[&["diff"], args].concat());
    assert_snapshot!("diff_same", diff(&["demo/audit-log", "one"]));
    assert_snapshot!("diff_longer", diff(&["short", "one"]));
    fs::remove_dir_all(dir.path().join("demo/audit-log")).unwrap();
    copy(&dir.path().join("short"), &dir.path().join("demo/audit-log"));
    go_on(dir.path());
    let two = "demo/audit-log";
    assert_snapshot!("diff_fork", diff(&["one", two]));
    assert_snapshot!("diff_fraud", diff(&["one", two, keys[0], keys[1], "-o", "fraud.json"]));
    fs::remove_dir_all(dir.path().join("one")).unwrap();
    assert_snapshot!("fraud_verified", asqav(dir.path(), &[&["verify", "fraud.json"], &keys[..]].concat()));

    // A copy that somebody changed parts as well, and proves nothing.
    copy(&dir.path().join(two), &dir.path().join("changed"));
    let path = dir.path().join("changed/segment-00000001.log");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"decision\":\"deny\"", "\"decision\":\"allow\"", 1)).unwrap();
    let changed = diff(&["changed", two, keys[0], keys[1]]);
    assert!(changed.contains("no proof of fraud"), "{changed}");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn receipts_are_found_by_what_they_say() {
    let dir = recorded();
    let log = |args: &[&str]| {
        let output = run(dir.path(), &[&["log", "demo/audit-log", "--format", "jsonl"], args].concat(), b"");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    let all = log(&[]);
    assert_eq!(all.len(), 15);
    let counted = |wanted: &dyn Fn(&serde_json::Value) -> bool| all.iter().filter(|one| wanted(one)).count();
    for (args, wanted) in [
        (["--decision", "deny"], counted(&|one| one["decision"] == "deny")),
        (["--outcome", "ok"], counted(&|one| one["asqav"]["outcome"] == "ok")),
        (["--agent", "demo-agent"], 15),
        (["--agent", "somebody"], 0),
        (["--action", "notes:*"], counted(&|one| one["action_type"].as_str().unwrap().starts_with("notes:"))),
        (["--since", "2000-01-01T00:00:00Z"], 15),
        (["--until", "2000-01-01T00:00:00Z"], 0),
    ] {
        assert_eq!(log(&args).len(), wanted, "{args:?}");
        assert!(
            wanted > 0 || ["somebody", "2000-01-01T00:00:00Z"].contains(&args[1]),
            "{args:?} finds something"
        );
    }
    let session = all.iter().find_map(|one| one["session_id"].as_str()).unwrap();
    let of_session = counted(&|one| one["session_id"] == session);
    assert_eq!(log(&["--session", session]).len(), of_session);
    let time = all[5]["issued_at"].as_str().unwrap();
    assert_eq!(log(&["--since", time]).len() + log(&["--until", time]).len(), 15);

    let csv = run(dir.path(), &["log", "demo/audit-log", "--format", "csv"], b"").stdout;
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(csv.lines().count(), 16);
    assert!(csv.starts_with("seq,issued_at,type,action_type,"), "{csv}");
    assert_snapshot!("log_denials", asqav(dir.path(), &["log", "demo/audit-log", "--decision", "deny"]));
    assert_snapshot!("log_wrong_glob", asqav(dir.path(), &["log", "demo/audit-log", "--tool", "a***"]));
    assert_snapshot!(
        "log_json_csv",
        asqav(dir.path(), &["log", "demo/audit-log", "--json", "--format", "csv"])
    );
    let one = run(dir.path(), &["log", "demo/audit-log", "--json", "--decision", "deny"], b"").stdout;
    let one: serde_json::Value = serde_json::from_slice(&one).unwrap();
    assert_eq!(one["receipts"].as_array().unwrap().len(), counted(&|one| one["decision"] == "deny"));
}
