//! The same work done by asqav and by its peers, side by side in one run.
//!
//! `cargo xtask bench-peers` prints seconds and ratios; docs/BENCHMARKS.md says
//! what each line compares and with which settings. Machines are shared and
//! noisy: the ratios are what counts.

#[path = "../../benches/modes/raw.rs"]
mod raw;
#[path = "../../benches/modes/run.rs"]
#[allow(dead_code, reason = "these comparisons take a part of it")]
mod run;
#[path = "../../benches/support/mod.rs"]
mod support;

mod pqc_audit;
mod python;
mod reference;
mod signet;
mod witness;

use std::error::Error;

use python::Python;

fn main() -> Result<(), Box<dyn Error>> {
    let python = Python::from_env()?;
    let raw = raw::Raw::measure()?;
    println!("cores {}, raw write and fdatasync {:.1} µs mean", raw.cores, raw.sync.as_secs_f64() * 1e6);
    println!("raw ML-DSA-65: verify {:.1} µs mean", raw.verify.as_secs_f64() * 1e6);
    for (backend, signer) in [("ml-dsa", support::ml_dsa()), ("aws-lc", support::aws_lc()?)] {
        println!("raw ML-DSA-65: sign by {backend} {}", raw::sign(&*signer, raw::SIGNATURES));
        println!("the same, then write and fdatasync {}", raw::sign_and_sync(&*signer)?);
    }
    if std::env::args().nth(1).is_some_and(|only| only == "append") {
        return pqc_audit::append(&python);
    }
    pqc_audit::compare(&python)?;
    reference::compare(&python)?;
    signet::compare()?;
    witness::compare(&python)
}

/// Prints `ours` beside `theirs`, seconds, and how many times as fast it is.
fn line(what: &str, ours: f64, theirs: f64) {
    println!("{what:<72} {:>11.1} µs {:>11.1} µs {:>8.1} x", ours * 1e6, theirs * 1e6, theirs / ours);
}

fn heading(peer: &str) {
    println!("\n{peer:<72} {:>14} {:>14} {:>10}", "asqav", "peer", "faster");
}
