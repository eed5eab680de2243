//! Against the reference verifier of the receipt profile, from PyPI.

use std::error::Error;
use std::fs;
use std::time::Instant;

use asqav_core::Refused;
use asqav_log::FileLog;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{Axis, AxisResult, ReceiptInputs, verify_receipt};

use crate::python::Python;
use crate::support::{self, Setup};
use crate::{heading, line};

const CALLS: usize = 50;

pub(crate) fn compare(python: &Python) -> Result<(), Box<dyn Error>> {
    heading("asqav 0.10.14 (Python, the profile's reference verifier)");
    let dir = tempfile::tempdir()?;
    let log = dir.path().join("log");
    let gate = Setup::new(support::ml_dsa()).gate(FileLog::new(&log))?;
    let argument = "a".repeat(500);
    for _ in 0..CALLS {
        gate.run_sync(support::call(&argument), || Ok::<_, Refused>(argument.clone()))?;
    }
    gate.shutdown().wait()?;
    let text = fs::read_to_string(log.join("segment-00000001.log"))?;
    let (receipts, keys) = (dir.path().join("receipts"), dir.path().join("keys.json"));
    fs::write(&receipts, &text)?;
    let pinned = support::pinned();
    fs::write(&keys, pinned.to_json())?;
    let theirs = python.seconds("receipts", &[&receipts, &keys])?[0];
    let inputs = ReceiptInputs::new().keys(&pinned).at(Timestamp::MAX);
    let start = Instant::now();
    let lines = text.lines().count();
    for receipt in text.lines() {
        let report = verify_receipt(receipt.as_bytes(), &inputs);
        let signature = report.axes.iter().find(|axis| axis.axis == Axis::Signature).map(|axis| axis.result);
        assert_eq!(signature, Some(AxisResult::Pass), "{report:#?}");
    }
    line("verifying one receipt", start.elapsed().as_secs_f64() / lines as f64, theirs);
    Ok(())
}
