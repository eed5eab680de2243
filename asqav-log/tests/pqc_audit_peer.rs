//! Against pqc-audit-log-fs itself, where `ASQAV_PYTHON` has it: logs that it
//! writes here and now are verified, and it verifies our proofs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may end here, and says what it skipped"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use asqav_log::pqc_audit_log_fs::AuditDir;
use asqav_receipt::json::python::Value;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::Verdict;
use asqav_receipt::verify::pqc_audit_log_fs::{Inputs, PinnedKey, Report, verify_proof};

/// Events of random metadata: numbers, text and nesting that JSON writers
/// disagree about.
const WRITE: &str = r"
import random, struct, sys, warnings
warnings.simplefilter('ignore')
from pqc_audit_log_fs import InferenceEvent, LogAppender, RotationPolicy
from quantumshield.identity.agent import AgentIdentity

r = random.Random(7)
odd = ['', 'a', 'ä', '\u2028', '\x00\x1f\x7f\x85', '😀', '\uffff', '\U0010ffff', '\ue000', '/\\\'', '日本', '\r\n\t\b\f']

def text():
    return ''.join(r.choice(odd) for _ in range(r.randrange(4)))

def number():
    kind = r.randrange(5)
    if kind == 0:
        return r.randrange(-2**80, 2**80)
    if kind == 1:
        return r.choice([0, -0.0, 1e16, 1e15, 9007199254740993, 1e-4, 1e-5, 123456789012345680.0, 5e-324])
    if kind == 2:
        return round(r.uniform(-1e6, 1e6), r.randrange(6))
    while True:
        value = struct.unpack('>d', r.randbytes(8))[0]
        if value == value and abs(value) != float('inf'):
            return value

def value(depth):
    kind = r.randrange(7 if depth < 4 else 4)
    if kind == 0:
        return r.choice([None, True, False])
    if kind == 1:
        return text()
    if kind in (2, 3):
        return number()
    if kind == 4:
        return [value(depth + 1) for _ in range(r.randrange(4))]
    return {text() + str(r.randrange(9)): value(depth + 1) for _ in range(r.randrange(5))}

signer = AgentIdentity.create('peer')
log = LogAppender(sys.argv[1], signer, rotation=RotationPolicy(max_events_per_segment=7))
for at in range(int(sys.argv[2])):
    log.append(InferenceEvent.create(
        model_did='did:pqaid:' + text(), model_version=text(), input_bytes=text().encode(),
        output_bytes=b'out', reasoning_bytes=None, decision_type=text(), decision_label=text(),
        actor_did=text(), session_id=text(), metadata={text() + str(k): value(0) for k in range(r.randrange(5))}))
log.close()
print(signer.signing_keypair.public_key.hex())
";

/// Verifies our proofs with the package's own code.
const CHECK: &str = r"
import json, sys
from pqc_audit_log_fs import InclusionProver, InferenceEvent
from pqc_audit_log_fs.merkle import InclusionProof
for line in open(sys.argv[1], encoding='utf-8'):
    document = json.loads(line)
    event = InferenceEvent.from_dict(document['event'])
    proof = InclusionProof.from_dict(document['proof'])
    assert proof.root == document['header']['merkle_root']
    assert InclusionProver.verify_proof(event, proof), document
    print('proven')
";

/// Leaves a log as a crash does: two events on disk, unsealed; then a restart,
/// a third event and a clean close.
const CRASH: &str = r"
import sys
from pqc_audit_log_fs import InferenceEvent, LogAppender, LogReader
from quantumshield.identity.agent import AgentIdentity
signer = AgentIdentity.create('peer')
event = lambda: InferenceEvent.create('did:pqaid:m', '1', b'in', b'out')
crashed = LogAppender(sys.argv[1], signer)
crashed.append(event())
crashed.append(event())
restarted = LogAppender(sys.argv[1], signer, log_id=crashed.log_id)
restarted.append(event())
restarted.close()
print(LogReader(sys.argv[1]).verify_chain()[0])
print(signer.signing_keypair.public_key.hex())
";

/// What the interpreter printed; `None` where the package is missing.
fn python(code: &str, arguments: &[&Path]) -> Option<String> {
    let Some(python) = std::env::var_os("ASQAV_PYTHON") else {
        println!("skipped: ASQAV_PYTHON names no interpreter");
        return None;
    };
    let installed = Command::new(&python).args(["-W", "ignore", "-c", "import pqc_audit_log_fs"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("skipped: pqc-audit-log-fs is not installed");
        return None;
    }
    let output = Command::new(python).args(["-W", "ignore", "-c", code]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn verify(log: &Path, key: &PinnedKey) -> Report {
    let inputs = Inputs::new().keys(std::slice::from_ref(key)).at(Timestamp::MAX);
    AuditDir::open(log).unwrap().verify(inputs, &mut |_| {}).unwrap()
}

#[test]
fn what_the_package_writes_is_verified_and_it_takes_our_proofs() {
    const EVENTS: usize = 1_000;
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let Some(printed) = python(WRITE, &[&log, Path::new(&EVENTS.to_string())]) else { return };
    let key = PinnedKey::parse(printed.trim().as_bytes()).unwrap();
    let report = verify(&log, &key);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    assert_eq!(report.events, EVENTS as u64);
    // Every line was spelled as we think that the package spells it.
    assert!(!report.not_checked.iter().any(|line| line.starts_with("spelling")), "{:?}", report.not_checked);

    let reader = AuditDir::open(&log).unwrap();
    let mut proofs = Vec::new();
    for number in reader.segments().keys().step_by(29) {
        let text = fs::read_to_string(log.join(format!("segment-{number:05}.log"))).unwrap();
        for line in text.lines() {
            let event = Value::parse(line.as_bytes()).unwrap();
            let proof = reader.prove(event.get("event_id").unwrap().as_str().unwrap()).unwrap();
            let inputs = Inputs::new().keys(std::slice::from_ref(&key)).at(Timestamp::MAX);
            assert_eq!(verify_proof(&proof, &inputs).verdict, Verdict::Verified);
            // One document a line: a header's own line feeds are white space.
            proofs.push(String::from_utf8(proof).unwrap().replace('\n', " "));
        }
    }
    let file = dir.path().join("proofs.jsonl");
    fs::write(&file, proofs.join("\n")).unwrap();
    let proven = python(CHECK, &[&file]).unwrap();
    assert_eq!(proven.lines().count(), proofs.len());
    println!("{} events, {} proofs", EVENTS, proofs.len());
}

/// The flaw that our own log is tested not to have (`seven_flaws.rs`) is there.
#[test]
fn its_crash_leaves_a_segment_that_no_verifier_passes() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let Some(printed) = python(CRASH, &[&log]) else { return };
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some("False"), "its own verdict");
    let report = verify(&log, &PinnedKey::parse(lines.next().unwrap().as_bytes()).unwrap());
    assert_eq!(report.verdict.failure_class().map(|class| class.as_str()), Some("invalid"));
    assert_eq!(report.reason_code.map(|reason| reason.as_str()), Some("header_differs"));
}
