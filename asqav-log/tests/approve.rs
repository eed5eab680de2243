//! Approvals by files and at a terminal, through a real gate.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asqav_core::approval::{Acknowledgment, Answer, ApprovalRequest, Approvals, Approver, ApproverId};
use asqav_core::clock::{Clock as _, SystemClock};
use asqav_core::key::SigningKey;
use asqav_core::policy::{Decision, Policy, PolicyInput};
use asqav_core::sign::Signer as _;
use asqav_core::testing::TestGate;
use asqav_core::{Refused, ToolCall};
use asqav_log::{FileApprover, TerminalApprover};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, IssuerId, PolicyId, ReasonCode};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::suite::ML_DSA_65;

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

fn alice() -> (ApproverId, SigningKey) {
    let by =
        ApproverId { approver: AgentId::parse("alice").unwrap(), issuer: IssuerId::parse("acme").unwrap() };
    (by, SigningKey::from_seed(&[1; 32]))
}

fn gate(approver: impl Approver, within: Duration) -> TestGate {
    let (_, key) = alice();
    let entry = KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "acme", "alice");
    let approvals = Approvals::new(approver, KeySet::new(vec![entry.unwrap()])).within(within);
    let asks = Asks(PolicyId::parse("asks").unwrap());
    // The approver signs by the system's clock.
    TestGate::with(|builder| builder.policy(asks).approvals(approvals).clock(SystemClock::new()))
}

fn run(test: &TestGate) -> Result<(), Refused> {
    let call = ToolCall::builder("t", "t").argument("note", "a\u{202e}b\u{1b}[2J").build();
    test.gate().run_sync(call, || Ok(()))
}

fn code(refused: &Refused) -> &str {
    match refused {
        Refused::NotApproved { reason, .. } => reason.as_str(),
        other => panic!("{other}"),
    }
}

fn request_in(directory: PathBuf) -> (PathBuf, ApprovalRequest) {
    loop {
        let mut files = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
        if let Some(path) = files.find(|path| path.to_str().unwrap().ends_with(".request.json")) {
            let request = ApprovalRequest::from_json(&std::fs::read(&path).unwrap()).unwrap();
            return (path, request);
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_file_asks_and_a_file_answers() {
    for answer in [Answer::Grant, Answer::Refuse] {
        let directory = tempfile::tempdir().unwrap();
        let test = gate(FileApprover::new(directory.path()), Duration::from_secs(60));
        let at = directory.path().to_owned();
        let approver = std::thread::spawn(move || {
            let (path, request) = request_in(at.clone());
            let (by, key) = alice();
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            // Neither a pipe nor something huge holds it up.
            let name = |what: &str| at.join(format!("{}.{what}.answer.json", request.receipt));
            std::fs::write(name("big"), vec![b' '; 100_000]).unwrap();
            std::os::unix::fs::symlink("/dev/zero", name("endless")).unwrap();
            let signed = Acknowledgment::sign(&request, answer, &by, &key, SystemClock::new().now()).unwrap();
            std::fs::write(at.join("unfinished"), signed.as_json()).unwrap();
            std::fs::rename(at.join("unfinished"), name("alice")).unwrap();
            path
        });
        let result = run(&test);
        let path = approver.join().unwrap();
        match answer {
            Answer::Grant => result.unwrap(),
            Answer::Refuse => assert_eq!(code(&result.unwrap_err()), "approval_refused"),
        }
        while path.exists() {
            std::thread::yield_now();
        }
        test.receipts().assert_verified();
    }
}

#[test]
fn a_directory_that_is_not_there_asks_nobody() {
    let test = gate(FileApprover::new("no/such/directory"), Duration::from_secs(60));
    assert_eq!(code(&run(&test).unwrap_err()), "approval_missing");
}

/// What was written to a terminal.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_terminal_asks_for_yes_or_no() {
    for (typed, wanted) in [
        ("yes\n", Ok(())),
        ("no\n", Err("approval_refused")),
        ("y\n", Err("approval_missing")),
        ("", Err("approval_missing")),
    ] {
        let screen = Screen::default();
        let shown = screen.clone();
        let (by, key) = alice();
        let terminal = TerminalApprover::at(by, Arc::new(key), move || {
            Ok((Box::new(Cursor::new(typed)) as _, Box::new(screen.clone()) as _))
        });
        let test = gate(terminal, Duration::from_secs(60));
        assert_eq!(run(&test).as_ref().map_err(code).copied(), wanted, "{typed:?}");
        let text = String::from_utf8(shown.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("test-agent wants to call t\n"), "{text}");
        assert!(text.contains("note = \\\"a\\u{202e}b"), "{text:?}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'), "{text:?}");
        test.receipts().assert_verified();
    }
}
