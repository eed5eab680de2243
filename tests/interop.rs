//! Receipts of every type and decision that asqav writes, accepted by code
//! that others wrote: the reference oracle and standalone verifier of the
//! Python package `asqav`, and `dilithium-py`.
//!
//! `cargo xtask test` installs them and says where in `ASQAV_PYTHON`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]
#![expect(clippy::print_stdout, reason = "a skipped test says so, a run says how much it compared")]

use std::collections::BTreeSet;
use std::error::Error;
use std::future::{Future, pending, ready};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use asqav_core::call::Capture;
use asqav_core::key::SigningKey;
use asqav_core::session::SessionStatus;
use asqav_core::sign::Signer as _;
use asqav_core::{Ending, Gate, Refused, ToolCall};
use asqav_log::{FileLog, Rotation};
use asqav_policy::{Model, RulePolicy};
use asqav_receipt::id::{AgentId, IssuerId};
use asqav_receipt::json::Json;
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::suite::ML_DSA_65;

const POLICY: &str = r#"
version = 1
id = "interop"

[[rule]]
id = "read"
effect = "allow"
tools = ["query_*", "großer_*", "fails", "panics", "hangs"]

[[rule]]
id = "seldom"
effect = "allow"
tools = ["post_once"]
rate = { calls = 1, per = "1h" }

[[rule]]
id = "ask"
effect = "approve"
tools = ["wire"]

[[rule]]
id = "never"
effect = "deny"
tools = ["delete_account"]
"#;

#[test]
fn other_implementations_accept_every_receipt() -> Result<(), Box<dyn Error>> {
    let Some(python) = std::env::var_os("ASQAV_PYTHON") else {
        println!("skipped: ASQAV_PYTHON is not set; `cargo xtask test` sets it");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let key = Arc::new(SigningKey::from_seed(&[11; 32]));
    let crashed = folder.path().join("crashed");
    write_first_run(&folder.path().join("log"), &key, &crashed)?;
    write_second_run(&crashed, &key)?;

    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), ISSUER, AGENT).ok_or("key")?;
    let keys = folder.path().join("keys.jwks.json");
    std::fs::write(&keys, KeySet::new(vec![entry]).to_json())?;
    let lines = folder.path().join("receipts.jsonl");
    std::fs::write(&lines, all_lines(&crashed)?)?;

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/check_receipts.py");
    let output = Command::new(python).arg(script).args([&lines, &keys]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = Json::parse(text.as_bytes())
        .map_err(|error| format!("{error}: {text}\n{}", String::from_utf8_lossy(&output.stderr)))?;
    let report = report.as_object().ok_or("no object")?;
    assert!(output.status.success(), "{text}");
    let receipts = report.get("receipts").and_then(Json::as_count).ok_or("no count")?;
    assert!(receipts >= 40, "{receipts} receipts");
    for peer in ["oracle", "standalone", "dilithium-py"] {
        let accepted = report.get("accepted").and_then(Json::as_object).and_then(|peers| peers.get(peer));
        assert_eq!(accepted.and_then(Json::as_count), Some(receipts), "{peer}");
    }
    let kinds = report.get("kinds").and_then(Json::as_object).ok_or("no kinds")?;
    let kinds: BTreeSet<&str> = kinds.iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, BTreeSet::from(KINDS), "types and decisions");
    println!("{receipts} receipts accepted by the oracle, the standalone verifier and dilithium-py");
    Ok(())
}

const AGENT: &str = "agént 😀";
const ISSUER: &str = "Ministère des Œuvres";

const KINDS: [&str; 8] = [
    "protectmcp:decision allow",
    "protectmcp:decision deny",
    "protectmcp:decision observation",
    "protectmcp:decision rate_limit",
    "protectmcp:lifecycle observation",
    "protectmcp:lifecycle:configuration_change observation",
    "protectmcp:observation observation",
    "protectmcp:observation:result_bound observation",
];

fn log(folder: &Path) -> FileLog {
    FileLog::new(folder).rotation(Rotation { max_count: 16, ..Rotation::default() })
}

/// Every way a call can end, sessions, and the largest payloads. Leaves a copy
/// of the log in `crashed`, as a crash in the middle of a call would.
fn write_first_run(folder: &Path, key: &Arc<SigningKey>, crashed: &Path) -> Result<(), Box<dyn Error>> {
    let gate = Gate::builder(AgentId::parse(AGENT)?, IssuerId::parse(ISSUER)?)
        .signer(Arc::clone(key) as _)
        .policy(RulePolicy::new(Model::from_toml(POLICY)?))
        .log(log(folder))
        .timeout(Duration::from_millis(50))
        .open()?;
    calls(&gate);
    largest(&gate);
    sessions(&gate)?;
    let open = gate.session("cut off").open().wait()?;
    let permit = gate.admit(ToolCall::builder("query_cut", "ledger:query").build()).wait()?;
    gate.flush().wait()?;
    copy(folder, crashed)?;
    permit.complete(Ending::ok()).wait()?;
    open.close(SessionStatus::Completed).wait()?;
    gate.shutdown().wait()?;
    Ok(())
}

/// Recovery, then calls without a policy.
fn write_second_run(folder: &Path, key: &Arc<SigningKey>) -> Result<(), Box<dyn Error>> {
    let gate = Gate::builder(AgentId::parse(AGENT)?, IssuerId::parse(ISSUER)?)
        .signer(Arc::clone(key) as _)
        .without_policy()
        .log(log(folder))
        .open()?;
    for n in 0..3 {
        let call = ToolCall::builder("observed", "any:call").record("n", &n).build();
        gate.run_sync(call, || Ok::<_, Refused>("done"))?;
    }
    let call = ToolCall::builder("seen", "post:hoc").argument("α", &"β").build();
    gate.observe(call, Ending::returned(&vec![1, 2], Capture::Record))?.wait()?;
    gate.shutdown().wait()?;
    Ok(())
}

fn calls(gate: &Gate) {
    let call = |tool: &str| {
        ToolCall::builder(tool, "ledger:query")
            .argument("konto", &"DE-1")
            .record("名前", &"\u{1F600}\u{FB33}é\n")
            .build()
    };
    let run = |tool: &str| {
        gate.run_sync(call(tool), || Ok::<_, Refused>(serde_json::json!({"saldo": 12, "ok": [true]})))
    };
    run("query_account").unwrap();
    run("großer_寿司_😀").unwrap();
    run("post_once").unwrap();
    assert!(matches!(run("post_once"), Err(Refused::RateLimited { .. })));
    assert!(matches!(run("wire"), Err(Refused::NeedsApproval { .. })));
    assert!(matches!(run("delete_account"), Err(Refused::Denied { .. })));
    assert!(matches!(run("unknown_tool"), Err(Refused::Denied { .. })));
    assert!(matches!(run(&"long".repeat(1_250)), Err(Refused::Unrepresentable { .. })));
    gate.run_sync(call("fails"), || Err::<(), _>(std::io::Error::other("away"))).unwrap_err();
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| {
        gate.run_sync(call("panics"), || -> Result<(), Refused> { panic!("own") })
    }));
    assert!(panicked.is_err());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let hung = runtime.block_on(gate.run(call("hangs"), pending::<Result<(), Refused>>));
    assert!(matches!(hung, Err(Refused::TimedOut { .. })));
    let permit = gate.admit(call("query_cancelled")).wait().unwrap();
    drop(permit);
    // Unless the writer was faster.
    let is_abandoned = || {
        let abandoned = pin!(gate.run(call("query_abandoned"), || ready(Ok::<_, Refused>(1))));
        abandoned.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    };
    assert!((0..100).any(|_| is_abandoned()));
}

/// Recorded values and commitments up to the bound of a payload.
fn largest(gate: &Gate) {
    for count in [1, 10, 20, 25, 30, 10_000] {
        let builder = ToolCall::builder("query_much", "ledger:query");
        let call =
            (0..count).fold(builder, |builder, n| builder.argument(&format!("argument_{n}"), &n)).build();
        gate.run_sync(call, || Ok::<_, Refused>("x".repeat(10_000))).unwrap();
    }
    let builder = ToolCall::builder("query_recorded", "ledger:query");
    let worst = "\"\\\u{1}".repeat(21);
    let call = (0..12).fold(builder, |builder, n| builder.record(&format!("r{n}"), &worst)).build();
    gate.run_sync(call, || Ok::<_, Refused>(1.5e300)).unwrap();
}

fn sessions(gate: &Gate) -> Result<(), Box<dyn Error>> {
    let session = gate.session("refund").open().wait()?;
    session.step("fetch", &serde_json::json!({"source": "kund:innen"})).wait()?;
    session.scope_sync(|| {
        gate.run_sync(ToolCall::builder("query_inside", "ledger:query").build(), || Ok::<_, Refused>(1))
    })?;
    let child = session.session("child").open().wait()?;
    child.step("only", &1).wait()?;
    child.close(SessionStatus::Failed).wait()?;
    session.close(SessionStatus::Completed).wait()?;
    drop(gate.session("aborted").open().wait()?);
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn all_lines(folder: &Path) -> std::io::Result<Vec<u8>> {
    let mut names: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    names.sort();
    names.iter().try_fold(Vec::new(), |mut all, path| {
        all.extend(std::fs::read(path)?);
        Ok(all)
    })
}
