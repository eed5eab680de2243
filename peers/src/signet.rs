//! Against signet-core: Ed25519 receipts in a hash chain on disk, without a
//! sync, by one caller.

use std::error::Error;
use std::time::Instant;

use asqav_core::Refused;
use asqav_core::log::Durability;
use asqav_core::sign::Signing;
use asqav_log::FileLog;
use asqav_log::reader::verify_dir;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, Verdict};
use serde_json::json;
use signet_core::audit::{self, AuditFilter};
use signet_core::receipt::Action;

use crate::support::{self, Setup};
use crate::{heading, line};

const SIZES: [usize; 2] = [100, 2_000];

pub(crate) fn compare() -> Result<(), Box<dyn Error>> {
    heading("signet-core 0.11.0 (Rust)");
    for size in SIZES {
        let dir = tempfile::tempdir()?;
        let theirs = Theirs::measure(dir.path(), size)?;
        let ours = |setup: &Setup, name: &str| written(setup, &dir.path().join(name), size);
        let setup = |signer| Setup { durability: Durability::Written, ..Setup::new(signer) };
        let unsigned = ours(&setup(support::unsigned()), "unsigned")?;
        line(&format!("one of {size} records written, signatures apart"), unsigned, theirs.append);
        let whole = theirs.append + theirs.sign;
        for (backend, signer) in [("ml-dsa", support::ml_dsa()), ("aws-lc", support::aws_lc()?)] {
            let what = format!("one of {size} records written, signed by {backend} and by Ed25519");
            line(&what, ours(&setup(signer), backend)?, whole);
        }
        let queued = Setup {
            durability: Durability::Queued,
            signing: Signing::Batched,
            ..Setup::new(support::aws_lc()?)
        };
        let what = format!("one of {size} records, queued and signed in batches by aws-lc");
        line(&what, ours(&queued, "queued")?, whole);
        line(
            &format!("verifying one of {size} records, ours one by one"),
            verified(&dir.path().join("aws-lc"), size)?,
            theirs.verify,
        );
        line(
            &format!("verifying one of {size} records, ours in batches"),
            verified(&dir.path().join("queued"), size)?,
            theirs.verify,
        );
    }
    Ok(())
}

/// Seconds a record.
struct Theirs {
    sign: f64,
    append: f64,
    verify: f64,
}

impl Theirs {
    fn measure(dir: &std::path::Path, size: usize) -> Result<Self, Box<dyn Error>> {
        let (key, _) = signet_core::generate_keypair();
        let action = Action {
            tool: "query_account".to_owned(),
            params: json!({ "q": "a".repeat(500) }),
            params_hash: String::new(),
            target: "ledger".to_owned(),
            transport: "local".to_owned(),
            session: None,
            call_id: None,
            response_hash: None,
            trace_id: None,
            parent_receipt_id: None,
        };
        let start = Instant::now();
        let receipts: Vec<_> = (0..size)
            .map(|_| signet_core::sign(&key, &action, "agent", "issuer"))
            .collect::<Result<_, _>>()?;
        let sign = per(start, size);
        let values: Vec<_> = receipts.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
        let start = Instant::now();
        for receipt in &values {
            audit::append(dir, receipt)?;
        }
        let append = per(start, size);
        let start = Instant::now();
        assert!(audit::verify_chain(dir)?.valid);
        let signatures = audit::verify_signatures(dir, &AuditFilter::default())?;
        assert_eq!((signatures.valid, signatures.failures.len()), (size, 0));
        Ok(Self { sign, append, verify: per(start, size) })
    }
}

/// Two receipts a call, one caller.
fn written(setup: &Setup, dir: &std::path::Path, size: usize) -> Result<f64, Box<dyn Error>> {
    let gate = setup.gate(FileLog::new(dir))?;
    let argument = "a".repeat(500);
    let start = Instant::now();
    for _ in 0..size / 2 {
        gate.run_sync(support::call(&argument), || Ok::<_, Refused>(argument.clone()))?;
    }
    let took = per(start, size);
    gate.shutdown().wait()?;
    Ok(took)
}

fn verified(dir: &std::path::Path, size: usize) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let report = verify_dir(dir, LogInputs::new().keys(&support::pinned()).at(Timestamp::MAX), &mut |_| {})?;
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.reason_code);
    Ok(per(start, size))
}

fn per(start: Instant, count: usize) -> f64 {
    start.elapsed().as_secs_f64() / count as f64
}
