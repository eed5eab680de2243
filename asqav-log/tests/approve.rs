//! Approvals by files and at a terminal, through a real gate.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends where it fails")]

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

#[cfg(feature = "http-approver")]
mod http {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use asqav_log::HttpApprover;

    use super::*;

    /// Reads a posted request.
    fn posted(stream: &mut TcpStream) -> (String, ApprovalRequest) {
        let (mut bytes, mut part) = (Vec::new(), [0; 4_096]);
        loop {
            let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
            if let Some(head) = head
                && let Ok(request) = ApprovalRequest::from_json(&bytes[head..])
            {
                return (String::from_utf8(bytes[..head].to_vec()).unwrap().to_lowercase(), request);
            }
            let count = stream.read(&mut part).unwrap();
            assert_ne!(count, 0, "the request was cut");
            bytes.extend_from_slice(&part[..count]);
        }
    }

    fn respond(stream: &mut TcpStream, status: &str, body: &[u8]) {
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // Who does not wait any more does not read any more.
        drop(stream.write_all(&[head.as_bytes(), body].concat()));
    }

    /// How the call ends whose server answers the post number `n` (from 0) as
    /// `serve` does.
    fn outcome(
        within: Duration,
        serve: impl Fn(usize, &mut TcpStream, &ApprovalRequest) + Send + 'static,
    ) -> Result<(), String> {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/approvals?secret=1", server.local_addr().unwrap());
        std::thread::spawn(move || {
            for (number, stream) in server.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let (head, request) = posted(&mut stream);
                assert!(head.starts_with("post /approvals?secret=1 http/1.1\r\n"), "{head}");
                assert!(head.contains("authorization: bearer t\r\n"), "{head}");
                serve(number, &mut stream, &request);
            }
        });
        let approver = HttpApprover::authorized(&url, "Bearer t").unwrap().every(Duration::from_millis(10));
        assert!(!format!("{approver:?}").contains("secret"));
        let test = gate(approver, within);
        let result = run(&test).map_err(|refused| code(&refused).to_owned());
        test.receipts().assert_verified();
        result
    }

    fn signed(request: &ApprovalRequest, answer: Answer, key: &SigningKey) -> Vec<u8> {
        let (by, _) = alice();
        let signed = Acknowledgment::sign(request, answer, &by, key, SystemClock::new().now()).unwrap();
        [signed.as_json(), b"\n"].concat()
    }

    #[test]
    fn a_server_answers_when_it_knows() {
        for answer in [Answer::Grant, Answer::Refuse] {
            let result = outcome(Duration::from_secs(60), move |number, stream, request| match number {
                0 => respond(stream, "503 Busy", b""),
                1 => respond(stream, "202 Accepted", b"later"),
                2 => respond(stream, "302 Found\r\nLocation: /elsewhere", b""),
                3 => respond(stream, "200 OK", b""),
                4 => drop(stream.shutdown(std::net::Shutdown::Both)),
                _ => respond(stream, "200 OK", &signed(request, answer, &alice().1)),
            });
            match answer {
                Answer::Grant => result.unwrap(),
                Answer::Refuse => assert_eq!(result.unwrap_err(), "approval_refused"),
            }
        }
    }

    /// Lost, foreign, re-bound, forged or endless: each is denied in time.
    #[test]
    fn what_is_no_good_answer_never_approves() {
        type Serve = fn(usize, &mut TcpStream, &ApprovalRequest);
        let cases: [(&str, Serve, &str); 8] = [
            ("lost", |_, stream, _| respond(stream, "202 Accepted", b""), "approval_expired"),
            (
                "not 200",
                |_, stream, request| {
                    respond(stream, "203 Other", &signed(request, Answer::Grant, &alice().1));
                },
                "approval_expired",
            ),
            (
                "foreign",
                |_, stream, request| {
                    let mallory = SigningKey::from_seed(&[66; 32]);
                    respond(stream, "200 OK", &signed(request, Answer::Grant, &mallory));
                },
                "approval_expired",
            ),
            (
                "other call",
                |_, stream, request| {
                    let mut other = request.clone();
                    other.payload = Sha256Digest::of(b"other");
                    respond(stream, "200 OK", &signed(&other, Answer::Grant, &alice().1));
                },
                "approval_expired",
            ),
            (
                "other expiry",
                |_, stream, request| {
                    let mut other = request.clone();
                    other.expires_at = asqav_receipt::time::Timestamp::MAX;
                    respond(stream, "200 OK", &signed(&other, Answer::Grant, &alice().1));
                },
                "approval_expired",
            ),
            (
                "too long",
                |_, stream, request| {
                    let mut body = signed(request, Answer::Grant, &alice().1);
                    body.resize(300 * 1024, b'\n');
                    respond(stream, "200 OK", &body);
                },
                "approval_expired",
            ),
            (
                "cut",
                |_, stream, request| {
                    let body = signed(request, Answer::Grant, &alice().1);
                    respond(stream, "200 OK", &body[..body.len() / 2]);
                },
                "approval_expired",
            ),
            // After 32 answers nothing more is taken, and nobody is left.
            (
                "flood",
                |number, stream, _| {
                    let junk: String = (0..20).map(|line| format!("{number}-{line}\n")).collect();
                    respond(stream, "200 OK", junk.as_bytes());
                },
                "approval_invalid",
            ),
        ];
        for (what, serve, expected) in cases {
            let within = if what == "flood" { Duration::from_secs(60) } else { Duration::from_millis(400) };
            assert_eq!(outcome(within, serve).unwrap_err(), expected, "{what}");
        }
    }

    #[test]
    fn only_urls_of_servers_are_asked() {
        for url in ["", "approvals", "file:///etc/passwd", "http:///x", "ftp://127.0.0.1/"] {
            assert!(HttpApprover::new(url).is_err(), "{url}");
        }
    }
}
