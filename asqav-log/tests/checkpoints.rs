//! Checkpoints that the writer makes: when, of what, and where they go.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use asqav_core::key::SigningKey;
use asqav_core::log::Log as _;
use asqav_core::{Gate, Refused, ToolCall};
use asqav_log::keyfile::key_set;
use asqav_log::reader::verify_dir;
use asqav_log::sink::{CheckpointSink, CommandSink, FileSink, GitSink, SinkError};
use asqav_log::{CheckpointSchedule, FileLog};
use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::id::IssuerId;
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _, root};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, Verdict};

use support::chain::{chain, issued_at, lines};
use support::{BY_FIVE, commit, expected, start};

/// After ten receipts, or at once after three when it is asked.
const OFTEN: CheckpointSchedule = CheckpointSchedule { events: 10, interval_secs: u32::MAX, minimum: 3 };

/// A sink that hands checkpoints to the test, or fails as the test says.
struct ToTest {
    tell: Sender<u64>,
    answer: Receiver<Result<(), SinkError>>,
}

impl CheckpointSink for ToTest {
    fn name(&self) -> String {
        "test".to_owned()
    }
    fn deliver(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), SinkError> {
        self.tell.send(checkpoint.checkpoint.size).unwrap();
        self.answer.recv().unwrap_or(Ok(()))
    }
}

fn to_test() -> (ToTest, Receiver<u64>, Sender<Result<(), SinkError>>) {
    let ((tell, told), (answers, answer)) = (channel(), channel());
    (ToTest { tell, answer }, told, answers)
}

fn log_at(dir: &Path) -> FileLog {
    FileLog::new(dir.join("log")).rotation(BY_FIVE).checkpoints(OFTEN)
}

/// The checkpoints in a folder, by size.
fn kept(folder: &Path) -> Vec<SignedCheckpoint> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.iter().map(|path| SignedCheckpoint::parse(&fs::read(path).unwrap()).unwrap()).collect()
}

/// The checkpoint is what the first receipts of the chain give.
fn check(signed: &SignedCheckpoint) {
    let checkpoint = &signed.checkpoint;
    let size = usize::try_from(checkpoint.size).unwrap();
    let leaves: Vec<_> = lines()[..size].iter().map(|line| Sha3Tree::leaf(&line[..line.len() - 1])).collect();
    assert_eq!(*checkpoint.root.as_bytes(), root::<Sha3Tree>(&leaves), "{size}");
    let (head, open) = expected(checkpoint.size);
    assert_eq!(checkpoint.head, head.unwrap().link);
    let open = open.iter().filter(|item| matches!(item, asqav_receipt::open::OpenItem::Decision(_)));
    assert_eq!(checkpoint.open_decisions, open.count() as u64);
}

/// Writes receipts one group of five at a time, with a look at quiet times.
fn write(log: &mut FileLog, from: u64, until: u64) {
    for first in (from..=until).step_by(5) {
        let count = usize::try_from(until - first + 1).unwrap().min(5);
        commit(log, first, count).unwrap();
        log.maintain(issued_at(first)).unwrap();
    }
}

#[test]
fn checkpoints_are_made_at_intervals_and_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("kept")).unwrap();
    let sink = || FileSink::new(dir.path().join("kept"));
    let mut log = log_at(dir.path()).checkpoint_sink(sink());
    start(&mut log).unwrap();
    write(&mut log, 1, 27);
    log.close(true).unwrap();
    let mut log = log_at(dir.path()).checkpoint_sink(sink());
    start(&mut log).unwrap();
    write(&mut log, 28, 40);
    log.close(true).unwrap();
    // Nothing new: no checkpoint.
    let mut log = log_at(dir.path()).checkpoint_sink(sink());
    start(&mut log).unwrap();
    log.close(true).unwrap();

    let kept = kept(&dir.path().join("kept"));
    let sizes: Vec<_> = kept.iter().map(|signed| signed.checkpoint.size).collect();
    assert_eq!(sizes, [10, 20, 27, 37, 40]);
    kept.iter().for_each(check);
    for (before, after) in kept.iter().zip(&kept[1..]) {
        assert_eq!(after.checkpoint.previous_checkpoint, Some(before.digest()));
    }
}

/// By a gate, and judged by the verifier.
#[test]
fn a_gates_checkpoints_are_met_by_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("kept");
    fs::create_dir(&folder).unwrap();
    let signer = Arc::new(SigningKey::from_seed(&[11; 32]));
    let (agent, issuer) = ("agent:test".parse().unwrap(), IssuerId::parse("issuer:test").unwrap());
    let keys = key_set(&*signer, &agent, &issuer).unwrap();
    let gate = Gate::builder(agent, issuer)
        .signer(signer)
        .without_policy()
        .log(log_at(dir.path()).checkpoint_sink(FileSink::new(&folder)))
        .open()
        .unwrap();
    for n in 0..13 {
        let call = ToolCall::builder("query", "ledger:query").argument("n", &n).build();
        gate.run_sync(call, || Ok::<_, Refused>(n)).unwrap();
    }
    gate.shutdown().wait().unwrap();
    let kept = kept(&folder);
    let sizes: Vec<_> = kept.iter().map(|signed| signed.checkpoint.size).collect();
    assert!(sizes.len() == 3 && sizes.ends_with(&[28]), "{sizes:?}");
    for signed in &kept {
        let inputs = LogInputs::new().keys(&keys).at(Timestamp::MAX).checkpoint(signed);
        let report = verify_dir(&dir.path().join("log"), inputs, &mut |_| {}).unwrap();
        assert_eq!(report.verdict, Verdict::Verified, "{report:#?}");
        let tail = format!("tail: checked to seq {} by", signed.checkpoint.size);
        assert!(report.not_checked.iter().any(|line| line.contains(&tail)), "{report:#?}");
    }
}

/// A log that an older copy was put in place of goes on otherwise: what its
/// writer signed of the other branch is no beginning, even with that one's tree.
#[test]
fn a_checkpoint_of_another_branch_is_no_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("kept");
    fs::create_dir(&folder).unwrap();
    let signer = Arc::new(SigningKey::from_seed(&[11; 32]));
    let (agent, issuer) = ("agent:test".parse().unwrap(), IssuerId::parse("issuer:test").unwrap());
    let keys = key_set(&*signer, &agent, &issuer).unwrap();
    let run = |log: FileLog, calls: u32| {
        let builder = Gate::builder(agent.clone(), issuer.clone()).signer(signer.clone());
        let gate = builder.without_policy().log(log).open().unwrap();
        for n in 0..calls {
            let call = ToolCall::builder("query", "ledger:query").argument("n", &n).build();
            gate.run_sync(call, || Ok::<_, Refused>(n)).unwrap();
        }
        gate.shutdown().wait().unwrap();
    };
    let (own, other) = (dir.path().join("own"), dir.path().join("other"));
    let log = |dir: &Path| FileLog::new(dir).rotation(BY_FIVE).checkpoints(OFTEN);
    run(log(&own), 2);
    assert!(Command::new("cp").arg("-r").args([&own, &other]).status().unwrap().success());
    run(log(&other).checkpoint_sink(FileSink::new(&folder)), 3);
    run(log(&own), 9);
    let newest = kept(&folder).pop().unwrap();
    let hashes = |dir: &Path| fs::read(dir.join("tree/hashes-0")).unwrap();
    let mut mixed = hashes(&other);
    mixed.extend_from_slice(&hashes(&own)[mixed.len()..]);
    assert_ne!(mixed, hashes(&own));
    fs::write(own.join("tree/hashes-0"), mixed).unwrap();
    fs::copy(other.join("tree/checkpoint.json"), own.join("tree/checkpoint.json")).unwrap();
    run(log(&own).checkpoint_sink(FileSink::new(&folder)), 1);
    let mut made = kept(&folder);
    made.retain(|signed| signed.checkpoint.size > newest.checkpoint.size);
    assert!(!made.is_empty());
    for signed in &made {
        assert_ne!(signed.checkpoint.previous_checkpoint, Some(newest.digest()));
        let inputs = LogInputs::new().keys(&keys).at(Timestamp::MAX).checkpoint(signed);
        let report = verify_dir(&own, inputs, &mut |_| {}).unwrap();
        assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    }
}

#[test]
fn a_quiet_log_is_checkpointed_after_a_while_if_it_has_news() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("head.json");
    let schedule = CheckpointSchedule { events: 1_000, interval_secs: 0, minimum: 3 };
    let mut log = log_at(dir.path()).checkpoints(schedule).checkpoint_sink(FileSink::new(&path));
    start(&mut log).unwrap();
    commit(&mut log, 1, 2).unwrap();
    log.maintain(issued_at(2)).unwrap();
    commit(&mut log, 3, 1).unwrap();
    log.maintain(issued_at(3)).unwrap();
    let deliveries = log.deliveries();
    log.close(true).unwrap();
    let counts = &deliveries.counts()[0];
    assert_eq!((counts.delivered, counts.newest_size, counts.waiting), (1, Some(3), 0), "{counts:?}");
    check(&SignedCheckpoint::parse(&fs::read(&path).unwrap()).unwrap());
}

#[test]
fn a_sink_that_waits_or_fails_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let (sink, told, answers) = to_test();
    fs::create_dir(dir.path().join("kept")).unwrap();
    let mut log = log_at(dir.path())
        .checkpoint_sink(sink)
        .checkpoint_sink(FileSink::new(dir.path().join("no such folder/head.json")))
        .checkpoint_sink(FileSink::new(dir.path().join("kept")));
    start(&mut log).unwrap();
    // The first sink has the first checkpoint and says nothing.
    write(&mut log, 1, 30);
    assert_eq!(told.recv(), Ok(10));
    let deliveries = log.deliveries();
    let counts = deliveries.counts();
    assert_eq!((counts[0].delivered, counts[0].waiting), (0, 3), "{counts:?}");
    assert_eq!(counts[0].name, "test");
    // It fails once, then takes everything.
    answers.send(Err(SinkError::Refused("not now".to_owned()))).unwrap();
    assert_eq!(told.recv(), Ok(10), "tried again");
    assert_eq!(deliveries.counts()[0].error.as_deref(), Some("it was not taken: not now"));
    drop(answers);
    log.close(true).unwrap();
    let counts = deliveries.counts();
    assert_eq!((counts[0].delivered, counts[0].failed, counts[0].given_up), (3, 1, 0), "{counts:?}");
    assert!(counts[1].failed >= 1 && counts[1].delivered == 0 && counts[1].given_up == 3, "{counts:?}");
    assert!(counts[1].error.as_ref().unwrap().contains("no such folder"), "{counts:?}");
    assert_eq!((counts[2].delivered, counts[2].failed), (3, 0), "{counts:?}");
}

/// What is signed comes from the segments, whatever lies in `tree`.
#[test]
fn a_wrong_tree_makes_no_wrong_checkpoint() {
    for (harm, number) in [("hashes-0", 1), ("checkpoint.json", 2), ("all", 3)] {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("kept");
        fs::create_dir(&folder).unwrap();
        let mut log = log_at(dir.path()).checkpoint_sink(FileSink::new(&folder));
        start(&mut log).unwrap();
        write(&mut log, 1, 32);
        log.close(false).unwrap();
        let tree = dir.path().join("log/tree");
        match harm {
            "all" => fs::remove_dir_all(&tree).unwrap(),
            name => {
                let mut bytes = fs::read(tree.join(name)).unwrap();
                let at = if name == "hashes-0" { 70 } else { bytes.len() - 40 };
                bytes[at] ^= 1;
                fs::write(tree.join(name), bytes).unwrap();
            }
        }
        let mut log = log_at(dir.path()).checkpoint_sink(FileSink::new(&folder));
        start(&mut log).unwrap();
        write(&mut log, 33, 45);
        log.close(true).unwrap();
        let kept = kept(&folder);
        assert_eq!(kept.last().unwrap().checkpoint.size, 45, "{number}");
        kept.iter().for_each(check);
    }
}

#[test]
fn nothing_is_signed_about_a_log_that_was_changed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("kept");
    fs::create_dir(&folder).unwrap();
    let mut log = log_at(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 32).unwrap();
    log.close(false).unwrap();
    let path = dir.path().join("log/segment-00000002.log");
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::remove_dir_all(dir.path().join("log/tree")).unwrap();
    let mut log = log_at(dir.path()).checkpoint_sink(FileSink::new(&folder));
    start(&mut log).unwrap();
    write(&mut log, 33, 45);
    log.close(true).unwrap();
    assert!(kept(&folder).is_empty());
}

#[test]
fn a_program_gets_the_checkpoint_and_answers_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("given.json");
    let shell = |script: &str| CommandSink::new("sh").arg("-c").arg(script).arg("sh").arg(&to);
    let mut log = log_at(dir.path())
        .checkpoint_sink(shell("cat > \"$1\""))
        .checkpoint_sink(shell("echo no room >&2; exit 3"))
        .checkpoint_sink(shell("sleep 100").timeout(Duration::from_millis(50)))
        .checkpoint_sink(CommandSink::new("/no/such/program"));
    start(&mut log).unwrap();
    write(&mut log, 1, 12);
    let deliveries = log.deliveries();
    log.close(true).unwrap();
    let counts = deliveries.counts();
    assert_eq!((counts[0].newest_size, counts[0].failed), (Some(12), 0), "{counts:?}");
    check(&SignedCheckpoint::parse(&fs::read(&to).unwrap()).unwrap());
    let error = |at: usize| counts[at].error.clone().unwrap();
    assert!(error(1).contains("exit status: 3: no room"), "{counts:?}");
    assert!(error(2).contains("took longer than 50ms"), "{counts:?}");
    assert!(error(3).contains("running `/no/such/program`"), "{counts:?}");
}

#[test]
fn a_git_repository_keeps_every_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let git = |folder: &str, arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(dir.path().join(folder)).args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for name in ["remote", "work"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    git("remote", &["init", "--quiet", "--bare"]);
    git("work", &["init", "--quiet"]);
    git("work", &["config", "user.name", "log"]);
    git("work", &["config", "user.email", "log@example.org"]);
    let remote = dir.path().join("remote").display().to_string();
    let mut log = log_at(dir.path()).checkpoint_sink(GitSink::new(dir.path().join("work")).push_to(remote));
    start(&mut log).unwrap();
    write(&mut log, 1, 22);
    let deliveries = log.deliveries();
    log.close(true).unwrap();
    let counts = &deliveries.counts()[0];
    assert_eq!((counts.delivered, counts.failed), (3, 0), "{counts:?}");
    let log_id = support::chain::log_id();
    let pushed = git("remote", &["log", "--all", "--format=%s", "--reverse"]);
    let expected = [10, 20, 22].map(|size| format!("Checkpoint of log {log_id}: {size} receipts\n"));
    assert_eq!(pushed, expected.concat());
    let path = dir.path().join(format!("work/{log_id}/checkpoint-0000000000000020.json"));
    check(&SignedCheckpoint::parse(&fs::read(path).unwrap()).unwrap());
}

#[cfg(feature = "http-sink")]
#[test]
fn a_server_answers_for_the_checkpoint() {
    use std::io::{Read as _, Write as _};
    let dir = tempfile::tempdir().unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/checkpoints?secret=1", server.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for status in ["503 Busy", "302 Found\r\nLocation: /elsewhere", "201 Created"] {
            let (mut stream, _) = server.accept().unwrap();
            let (mut request, mut part) = (Vec::new(), [0; 4_096]);
            while !request.ends_with(b"}\n") {
                let count = stream.read(&mut part).unwrap();
                request.extend_from_slice(&part[..count]);
            }
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            asked.push(String::from_utf8(request).unwrap());
        }
        asked
    });
    let mut sink = asqav_log::sink::HttpSink::new(&url).unwrap().authorization("Bearer t");
    assert!(!sink.name().contains("secret"), "{}", sink.name());
    let mut log = log_at(dir.path()).checkpoint_sink(FileSink::new(dir.path().join("one.json")));
    start(&mut log).unwrap();
    write(&mut log, 1, 12);
    log.close(true).unwrap();
    let file = fs::read(dir.path().join("one.json")).unwrap();
    let signed = SignedCheckpoint::parse(&file).unwrap();
    assert!(sink.deliver(&signed).is_err(), "503");
    assert!(sink.deliver(&signed).is_err(), "a redirect is not followed");
    sink.deliver(&signed).unwrap();
    let asked = serving.join().unwrap();
    let last = asked.last().unwrap();
    let head = last.to_lowercase();
    assert!(head.starts_with("post /checkpoints?secret=1 http/1.1\r\n"), "{last}");
    assert!(head.contains("content-type: application/json\r\n"), "{last}");
    assert!(head.contains("authorization: bearer t\r\n"), "{last}");
    assert!(last.as_bytes().ends_with(&file));
    assert!(asqav_log::sink::HttpSink::new("file:///etc/passwd").is_err());
}

/// The chain is long enough for the sizes above.
const _: () = assert!(support::chain::LEN >= 45);

#[test]
fn without_sinks_nothing_is_signed_but_headers() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_at(dir.path());
    start(&mut log).unwrap();
    write(&mut log, 1, 30);
    log.close(true).unwrap();
    assert!(!dir.path().join("log/tree/checkpoint.json").exists());
    assert_eq!(chain().len(), 72);
}
