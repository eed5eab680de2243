//! `approve`: a gate asks in a folder, and is answered there.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use asqav_core::approval::{ApprovalRequest, Approvals};
use asqav_core::clock::SystemClock;
use asqav_core::policy::{Decision, Policy, PolicyInput};
use asqav_core::testing::TestGate;
use asqav_core::{Refused, ToolCall};
use asqav_log::FileApprover;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, ReasonCode};
use asqav_receipt::keys::KeySet;
use serde_json::Value;

use crate::harness::run;

struct Asks(PolicyId);

impl Policy for Asks {
    fn id(&self) -> &PolicyId {
        &self.0
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(b"asks")
    }

    fn decide(&self, _: &PolicyInput<'_>) -> Decision {
        Decision::needs_approval(Vec::new(), ReasonCode::parse("amount").unwrap())
    }
}

/// Runs `asqav approve` in the folder `asked`.
fn approve(dir: &Path, args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = run(dir, &[&["approve", "asked"], args].concat(), input.as_bytes());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const ALICE: [&str; 4] = ["--key", "alice/signing-key.pem", "--keys", "alice/keys.jwks.json"];
const MALLORY: [&str; 4] = ["--key", "mallory/signing-key.pem", "--keys", "mallory/keys.jwks.json"];

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("asked")).unwrap();
    for person in ["alice", "mallory"] {
        let made = ["keygen", "--agent", person, "--issuer", "acme", "--out", person];
        assert!(run(dir.path(), &made, b"").status.success());
    }
    dir
}

/// How a call ends that waits for one approval by alice, while `answer` is
/// given the id of its request.
fn outcome(dir: &Path, within: Duration, answer: impl FnOnce(&str)) -> Result<(), Refused> {
    let keys = KeySet::parse(&std::fs::read(dir.join("alice/keys.jwks.json")).unwrap()).unwrap();
    let approvals = Approvals::new(FileApprover::new(dir.join("asked")), keys).within(within);
    let asks = Asks(PolicyId::parse("asks").unwrap());
    let test = TestGate::with(|builder| builder.policy(asks).approvals(approvals).clock(SystemClock::new()));
    let gate = Arc::new(test);
    let calling = {
        let gate = Arc::clone(&gate);
        let call = ToolCall::builder("t", "t").argument("note", "a\u{202e}b\u{1b}[2J").build();
        std::thread::spawn(move || gate.gate().run_sync(call, || Ok(())))
    };
    let id = loop {
        let (exit, listed, said) = approve(dir, &["--json"], "");
        assert_eq!(exit, Some(0), "{said}");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        if let Some(id) = listed.pointer("/requests/0/receipt").and_then(Value::as_str) {
            break id.to_owned();
        }
    };
    answer(&id);
    let result = calling.join().unwrap();
    // The approver's thread takes the request away once it sees that.
    while dir.join("asked").join(format!("{id}.request.json")).symlink_metadata().is_ok() {
        std::thread::yield_now();
    }
    gate.receipts().assert_verified();
    result
}

fn code(result: Result<(), Refused>) -> String {
    match result.unwrap_err() {
        Refused::NotApproved { reason, .. } => reason.to_string(),
        other => other.to_string(),
    }
}

#[test]
fn yes_lets_the_call_run_and_no_does_not() {
    let dir = folder();
    let dir = dir.path();
    let minute = Duration::from_secs(60);
    outcome(dir, minute, |id| {
        let (exit, shown, said) = approve(dir, &[&[id], &ALICE[..]].concat(), "yes\n");
        assert_eq!(exit, Some(0), "{said}");
        assert!(
            shown.contains("test-agent wants to call t\n") && shown.contains("because  amount"),
            "{shown}"
        );
        assert!(shown.contains("note = \"a\\u{202e}b"), "{shown:?}");
        assert!(!shown.contains(['\u{202e}', '\u{1b}']), "{shown:?}");
        // Once is enough, and is all.
        let again = approve(dir, &[&[id], &ALICE[..], &["--answer", "no"]].concat(), "");
        assert_eq!(again.0, Some(3));
    })
    .unwrap();
    let refused = outcome(dir, minute, |id| {
        let args = [&["--json", id], &ALICE[..], &["--answer", "no"]].concat();
        let (exit, told, said) = approve(dir, &args, "");
        assert_eq!(exit, Some(0), "{said}");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["answer"], "refuse");
    });
    assert_eq!(code(refused), "approval_refused");
}

#[test]
fn only_a_pinned_key_that_says_yes_approves() {
    let dir = folder();
    let dir = dir.path();
    let short = Duration::from_secs(2);
    let lost = outcome(dir, short, |id| {
        for said in ["y\n", "YES\n", "", "yes please\n"] {
            assert_eq!(approve(dir, &[&[id], &ALICE[..]].concat(), said).0, Some(3), "{said}");
        }
        let (exit, ..) = approve(dir, &[&[id], &MALLORY[..], &["--answer", "yes"]].concat(), "");
        assert_eq!(exit, Some(0), "mallory may say what she likes");
        // A key that is not in the set, and no key at all.
        let mixed = [id, "--key", "alice/signing-key.pem", "--keys", "mallory/keys.jwks.json"];
        assert_eq!(approve(dir, &mixed, "yes\n").0, Some(3));
        assert_eq!(approve(dir, &[id, "--answer", "yes"], "").0, Some(3));
        assert_eq!(approve(dir, &[id], "yes\n").0, Some(0), "it is shown");
    });
    assert_eq!(code(lost), "approval_expired");
    assert!(approve(dir, &[], "").1.contains("Nothing waits"));
}

/// A request that somebody put there, or changed, is not signed, or its answer
/// does not count for the call.
#[test]
fn a_changed_request_is_not_approved() {
    let dir = folder();
    let dir = dir.path();
    let path = |id: &str| dir.join("asked").join(format!("{id}.request.json"));
    let signs = |id: &str| approve(dir, &[&[id], &ALICE[..], &["--answer", "yes"]].concat(), "").0;
    let result = outcome(dir, Duration::from_secs(2), |id| {
        let whole = std::fs::read(path(id)).unwrap();
        let request = ApprovalRequest::from_json(&whole).unwrap();
        let text = String::from_utf8(whole.clone()).unwrap();
        // Under another name.
        let other = "act_01900000-0000-7000-8000-000000000000";
        std::fs::write(path(other), &whole).unwrap();
        assert_eq!(signs(other), Some(3));
        for changed in [
            text.replacen('{', "{\"also\":1,", 1),
            text.replacen('{', "{ ", 1),
            text.replacen("\"tool\":\"t\"", "\"tool\":\"t\",\"tool\":\"x\"", 1),
            text.replacen(&request.expires_at.to_string(), "2020-01-01T00:00:00.000000Z", 1),
            String::new(),
        ] {
            assert_ne!(changed, text);
            std::fs::write(path(id), changed).unwrap();
            assert_eq!(signs(id), Some(3));
        }
        std::fs::remove_file(path(id)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path(id)).unwrap();
        assert_eq!(signs(id), Some(3));
        std::fs::remove_file(path(id)).unwrap();
        // Bound to another call, the answer is signed and does not count.
        std::fs::write(path(id), text.replace(&request.payload.to_hex(), &"0".repeat(64))).unwrap();
        assert_eq!(signs(id), Some(0));
        assert!(!approve(dir, &[], "").1.contains(other), "what is no request is not listed");
    });
    assert_eq!(code(result), "approval_expired");
}
