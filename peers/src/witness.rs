//! Against witness-log: two leaves a call in a journal, one caller; it signs
//! no leaf, but the head when somebody asks for it.

use std::error::Error;
use std::time::Instant;

use asqav_core::Refused;
use asqav_core::log::Durability;
use asqav_core::sign::Signing;
use asqav_log::FileLog;

use crate::python::Python;
use crate::support::{self, Setup};
use crate::{heading, line};

const CALLS: usize = 2_000;

pub(crate) fn compare(python: &Python) -> Result<(), Box<dyn Error>> {
    heading("witness-log 0.6.1 (Rust, called from Python)");
    let dir = tempfile::tempdir()?;
    let theirs = python.seconds("witness_log", &[&dir.path().to_owned(), &CALLS])?;
    let [written, synced] = theirs[..] else { return Err("two times were expected".into()) };
    for (what, durability, peer) in [
        (
            "one call, queued and signed behind it in batches, beside an unsynced journal",
            Durability::Queued,
            written,
        ),
        (
            "one call, each receipt signed and synced, beside a journal synced for each call",
            Durability::Durable,
            synced,
        ),
    ] {
        let signing = if durability == Durability::Queued { Signing::Batched } else { Signing::EachReceipt };
        let setup = Setup { signing, durability, ..Setup::new(support::aws_lc()?) };
        let gate = setup.gate(FileLog::new(dir.path().join(format!("{durability:?}"))))?;
        let argument = "a".repeat(500);
        let start = Instant::now();
        for _ in 0..CALLS {
            gate.run_sync(support::call(&argument), || Ok::<_, Refused>(argument.clone()))?;
        }
        line(what, start.elapsed().as_secs_f64() / CALLS as f64, peer);
        gate.shutdown().wait()?;
    }
    Ok(())
}
