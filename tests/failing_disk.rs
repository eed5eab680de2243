//! A disk that fails under a real process: `strace` has each of `fdatasync` and
//! `fsync` fail with `EIO` at one call after the other.
//!
//! Each time: the gate closes, nothing is claimed that was not acknowledged, a
//! failed sync is not tried again on the same file, the log holds every receipt
//! that was acknowledged, and the next process goes on with it. Injecting only
//! one of the two calls would leave the other unseen, so each run tells whether
//! its own was hit. Skipped, with a message, where tracing is not permitted.
//! 8 places of each call by default, as many as
//! `ASQAV_DISK_FAULTS` says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where it fails; the child reports"
)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use asqav::log::reader::{LogReader, verify_dir};
use asqav::log::vault::VaultKey;
use asqav::log::{FileLog, Rotation};
use asqav::receipt::json::Json;
use asqav::receipt::keys::{KeyEntry, KeySet};
use asqav::receipt::receipt::parse_line;
use asqav::receipt::seq_set::SeqSet;
use asqav::receipt::suite::ML_DSA_65;
use asqav::receipt::time::Timestamp;
use asqav::receipt::verify::{LogInputs, Verdict};
use asqav::{AgentId, Ending, Gate, IssuerId, Signer as _, SigningKey, ToolCall};

const DIR: &str = "ASQAV_FAULTS_DIR";
const CALLS: &str = "ASQAV_FAULTS_CALLS";
const TASK: &str = "ASQAV_FAULTS_TASK";

/// Who calls: a task leaves all syncs to the writer's thread, a thread makes its
/// own while the writer is idle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Caller {
    Task,
    Thread,
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[31; 32])
}

fn open(dir: &Path) -> Result<Gate, Box<dyn std::error::Error>> {
    let log = FileLog::new(dir.join("log"))
        .rotation(Rotation { max_count: 5, ..Rotation::default() })
        .vault_key(VaultKey::from_bytes([7; 32]))
        .head_mirror(dir.join("head.json"));
    let gate = Gate::builder(AgentId::parse("agent")?, IssuerId::parse("acme")?)
        .signer(Arc::new(key()))
        .without_policy()
        .log(log)
        .open()?;
    Ok(gate)
}

/// Not a test of its own: the process whose disk fails. It makes calls, one
/// after the other, erases openings once, and says what is durable.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let calls: usize = std::env::var(CALLS).unwrap().parse().unwrap();
    let gate = match open(&dir) {
        Ok(gate) => gate,
        Err(error) => return say(&format!("not opened: {error}")),
    };
    for n in 0..calls {
        if let Err(error) = call(&gate, n) {
            assert!(gate.closed().is_some(), "the gate stays open after {error}");
            assert!(call(&gate, n).is_err(), "something was admitted after {error}");
            return say(&format!("closed: {error}"));
        }
    }
    match gate.shutdown().wait() {
        Ok(()) => say("stopped"),
        Err(error) => say(&format!("closed: {error}")),
    }
}

fn call(gate: &Gate, n: usize) -> Result<(), Box<dyn std::error::Error>> {
    let call = ToolCall::builder("work", "disk:work").argument("n", &n).build();
    let is_task = std::env::var_os(TASK).is_some();
    let runtime = is_task.then(|| tokio::runtime::Builder::new_current_thread().build()).transpose()?;
    macro_rules! answer {
        ($done:expr) => {
            match &runtime {
                Some(runtime) => runtime.block_on($done),
                None => $done.wait(),
            }
        };
    }
    let permit = answer!(gate.admit(call))?;
    say(&format!("durable {}", permit.ids().action_id));
    let outcome = answer!(permit.complete(Ending::ok()))?;
    say(&format!("durable {}", outcome.payload.action_id));
    if n == 2 {
        for recorded in gate.erase(&SeqSet::range(2, 3)).unwrap() {
            say(&format!("durable {}", answer!(recorded)?.payload.action_id));
        }
    }
    Ok(())
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What the process said.
struct Said {
    durable: Vec<String>,
    /// How it ended.
    end: String,
}

/// Runs the process in `dir`, under `tracer` if there is one.
fn run(dir: &Path, caller: Caller, calls: usize, tracer: &[String]) -> Said {
    let this = std::env::current_exe().unwrap();
    let mut command = match tracer {
        [] => Command::new(&this),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(&this);
            command
        }
    };
    if caller == Caller::Task {
        command.env(TASK, "1");
    }
    let output = command
        .args(["--exact", "child", "--nocapture"])
        .env(DIR, dir)
        .env(CALLS, calls.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "the process failed: {}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8(output.stdout).unwrap();
    // The harness writes in front of the first line.
    let after = |line: &str, what: &str| line.find(what).and_then(|at| line.get(at..)).map(str::to_owned);
    let durable = text.lines().filter_map(|line| after(line, "durable act_"));
    let ends = ["stopped", "closed: ", "not opened: "];
    let end = text.lines().find_map(|line| ends.iter().find_map(|end| after(line, end)));
    Said {
        durable: durable.map(|line| line.replacen("durable ", "", 1)).collect(),
        end: end.unwrap_or_else(|| panic!("no end: {text}")),
    }
}

/// A trace of all syncs with the files' paths; `when` names the call that fails.
fn traced(to: &Path, inject: Option<(&str, usize)>) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o"]
            .map(str::to_owned)
            .to_vec();
    arguments.push(to.display().to_string());
    if let Some((call, when)) = inject {
        arguments.extend(["-e".to_owned(), format!("inject={call}:error=EIO:when={when}")]);
    }
    arguments
}

/// How often the busiest thread made `call`: `strace` counts by thread.
fn count(trace: &str, call: &str) -> usize {
    let mut threads: HashMap<&str, usize> = HashMap::new();
    for line in trace.lines().filter(|line| line.contains(&format!(" {call}("))) {
        *threads.entry(line.split(' ').next().unwrap_or_default()).or_default() += 1;
    }
    threads.into_values().max().unwrap_or_default()
}

/// The path of the file that a traced line syncs.
fn path_of(line: &str) -> &str {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(path, _)| path)
}

/// The ids of all complete receipts in the log.
fn recorded(dir: &Path) -> HashSet<String> {
    let mut ids = HashSet::new();
    let Ok(log) = LogReader::open(&dir.join("log")) else { return ids };
    log.visit(|_, piece| {
        if piece.complete {
            let (payload, _) = parse_line(piece.bytes).unwrap();
            let id = payload.as_object().unwrap().get("action_id").and_then(Json::as_str).unwrap();
            ids.insert(id.to_owned());
        }
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    ids
}

/// Every acknowledged receipt is there; the next process goes on, and then the
/// log verifies to its end.
fn recovers(dir: &Path, said: &Said, context: &str) {
    let there = recorded(dir);
    for id in &said.durable {
        assert!(there.contains(id), "{context}: {id} was acknowledged and is lost");
    }
    let again = run(dir, Caller::Thread, 4, &[]);
    assert_eq!(again.end, "stopped", "{context}: the log does not open again");
    let there = recorded(dir);
    assert!(said.durable.iter().chain(&again.durable).all(|id| there.contains(id)), "{context}");
    let key = key();
    let entry = KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "acme", "agent");
    let keys = KeySet::new(vec![entry.unwrap()]);
    let inputs = LogInputs::new().keys(&keys).at(Timestamp::MAX);
    let report = verify_dir(&dir.join("log"), inputs, &mut |_| {}).unwrap();
    assert_eq!(report.verdict, Verdict::Verified, "{context}: {:?}", report.problems);
}

#[test]
fn a_failed_sync_closes_the_gate_and_is_not_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let probe = traced(&trace, None);
    let permitted =
        Command::new("strace").args(probe.iter().skip(1)).arg("true").stderr(Stdio::null()).status();
    if !permitted.is_ok_and(|status| status.success()) {
        println!("skipped: `strace` is not installed, or tracing is not permitted");
        return;
    }
    for caller in [Caller::Task, Caller::Thread] {
        let clean = dir.path().join(format!("clean-{caller:?}"));
        fs::create_dir(&clean).unwrap();
        assert_eq!(run(&clean, caller, 6, &traced(&trace, None)).end, "stopped");
        let calm = fs::read_to_string(&trace).unwrap();
        let places: usize = std::env::var("ASQAV_DISK_FAULTS").map_or(8, |places| places.parse().unwrap());
        for call in ["fdatasync", "fsync"] {
            let calls = count(&calm, call);
            assert!(calls >= 5, "{call} is called {calls} times only: {calm}");
            let places = (1..=calls).step_by(calls.div_ceil(places));
            let is_hit = |when: &usize| {
                let to = |run| dir.path().join(format!("{caller:?}-{call}-{when}-{run}"));
                // A thread may not come to its sync of that number each time.
                let runs = if caller == Caller::Task { 1 } else { 8 };
                (1..=runs).any(|run| one_failed_sync(&to(run), caller, &trace, call, *when))
            };
            let (tried, hit) = (places.clone().count(), places.filter(is_hit).count());
            let least = if caller == Caller::Task { tried } else { tried * 3 / 4 };
            assert!(hit >= least, "{call} of a {caller:?}: {hit} of {tried} places were hit");
        }
    }
}

/// True if a sync failed; otherwise the process went on to its end.
fn one_failed_sync(dir: &Path, caller: Caller, trace: &Path, call: &str, when: usize) -> bool {
    let context = format!("{call} number {when} of a {caller:?}");
    fs::create_dir(dir).unwrap();
    let said = run(dir, caller, 6, &traced(trace, Some((call, when))));
    let text = fs::read_to_string(trace).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let Some(at) = lines.iter().position(|line| line.contains("(INJECTED)")) else {
        assert_eq!(said.end, "stopped", "{context} was not hit: {text}");
        return false;
    };
    let (hit, later) = (lines.get(at).unwrap(), lines.get(at + 1..).unwrap());
    assert!(hit.contains(&format!(" {call}(")), "{context}: {hit}");
    assert_ne!(said.end, "stopped", "{context}: the process went on as if nothing had been");
    assert!(path_of(hit).starts_with('/'), "{hit}");
    let again = later.iter().find(|line| path_of(line) == path_of(hit));
    assert_eq!(again, None, "{context}: synced again after it failed");
    recovers(dir, &said, &context);
    true
}
