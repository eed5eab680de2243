//! Against pqc-audit-log-fs: durable appends, proofs, verification.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use asqav_core::sign::Signing;
use asqav_log::FileLog;
use asqav_log::pqc_audit_log_fs::AuditDir;
use asqav_log::prove::{Wanted, prove};
use asqav_log::reader::verify_dir;
use asqav_log::sink::FileSink;
use asqav_receipt::canonical;
use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::json::python::Value;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::pqc_audit_log_fs::{Inputs, PinnedKey};
use asqav_receipt::verify::{LogInputs, Verdict};

use crate::python::Python;
use crate::run::{self, Callers, Work};
use crate::support::{self, Setup};
use crate::{heading, line};

/// Events or receipts in the log that is proven from and verified.
const EVENTS: usize = 10_000;
const SECONDS: &str = "3";

/// Durable appends by callers that wait; with a vault ours keep what opens the
/// commitments, of which the peer has none, and sync that first.
pub(crate) fn append(python: &Python) -> Result<(), Box<dyn Error>> {
    heading("pqc-audit-log-fs 0.1.0 (Python)");
    let dir = tempfile::tempdir()?;
    for callers in [64, 256] {
        let theirs =
            python.seconds("append", &[&dir.path().join(callers.to_string()), &callers, &SECONDS])?;
        for (backend, signer) in [("ml-dsa", support::ml_dsa()), ("aws-lc", support::aws_lc()?)] {
            let setup = Setup { signing: Signing::Batched, ..Setup::new(signer) };
            for vault in ["no vault", "vault"] {
                let log = FileLog::new(dir.path().join(format!("{callers}-{backend}-{vault}")));
                let log = if vault == "vault" { log.vault_key(support::vault_key()) } else { log };
                let ours = run::measure(Callers::Tasks(callers), Work::Call, &setup, log)?;
                let what = format!("durable append, {callers} callers, batches by {backend}, {vault}");
                line(&what, 1.0 / ours.rate, theirs[0]);
            }
        }
    }
    Ok(())
}

pub(crate) fn compare(python: &Python) -> Result<(), Box<dyn Error>> {
    append(python)?;
    let dir = tempfile::tempdir()?;
    let segment = dir.path().join("segment");
    let key = python.run("segment", &[&segment, &EVENTS])?;
    let key = PinnedKey::parse(key[0].as_bytes()).ok_or("no key")?;
    let event = event_of(&segment)?;
    let proven = python.seconds("prove", &[&segment, &event.as_str(), &5])?[0];
    let verified = python.seconds("verify", &[&segment])?[0];
    line("proving one of 10,000 records, each from its own log", own_proof(dir.path())?, proven);
    line(
        "proving one of the 10,000 events of the peer's own segment",
        foreign_proof(&segment, &event)?,
        proven,
    );
    line("verifying the peer's own segment of 10,000 events, one core", verify(&segment, &key)?, verified);
    Ok(())
}

/// An event in the middle of the segment.
fn event_of(segment: &Path) -> Result<String, Box<dyn Error>> {
    let text = std::fs::read_to_string(segment.join("segment-00001.log"))?;
    let event = Value::parse(text.lines().nth(EVENTS / 2).ok_or("no event")?.as_bytes())
        .map_err(|e| format!("{e:?}"))?;
    Ok(event.get("event_id").and_then(Value::as_str).ok_or("no id")?.to_owned())
}

/// Proves from a log of as many receipts of our own.
fn own_proof(dir: &Path) -> Result<f64, Box<dyn Error>> {
    let (log, checkpoint) = (dir.join("own"), dir.join("checkpoint.json"));
    let setup = Setup { signing: Signing::Batched, ..Setup::new(support::aws_lc()?) };
    let gate = setup.gate(FileLog::new(&log).checkpoint_sink(FileSink::new(&checkpoint)))?;
    let argument = "a".repeat(500);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                for _ in 0..EVENTS / 2 / 64 + 1 {
                    let ran = gate.run_sync(support::call(&argument), || {
                        Ok::<_, asqav_core::Refused>(argument.clone())
                    });
                    assert!(ran.is_ok(), "a call was refused");
                }
            });
        }
    });
    gate.shutdown().wait()?;
    let report = verify_dir(&log, LogInputs::new().keys(&support::pinned()).at(Timestamp::MAX), &mut |_| {})?;
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.reason_code);
    let checkpoint = SignedCheckpoint::parse(&std::fs::read(checkpoint)?)?;
    mean(100, || {
        let proof = prove(&log, Wanted::Seq(EVENTS as u64 / 2), &checkpoint)?;
        drop(canonical::to_vec(&proof.to_json()));
        Ok(())
    })
}

fn foreign_proof(segment: &Path, event: &str) -> Result<f64, Box<dyn Error>> {
    mean(5, || AuditDir::open(segment)?.prove(event).map(drop).map_err(Into::into))
}

fn verify(segment: &Path, key: &PinnedKey) -> Result<f64, Box<dyn Error>> {
    mean(5, || {
        let inputs = Inputs::new().keys(std::slice::from_ref(key)).at(Timestamp::MAX);
        let report = AuditDir::open(segment)?.verify(inputs, &mut |_| {})?;
        assert_eq!(
            (report.verdict, report.events),
            (Verdict::Verified, EVENTS as u64),
            "{:?}",
            report.problems
        );
        Ok(())
    })
}

/// Mean seconds of `work`.
fn mean(times: u32, mut work: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    for _ in 0..times {
        work()?;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(times))
}
