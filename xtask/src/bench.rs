//! `cargo xtask bench` and `bench-peers`: measurements, built with the release
//! profile.

use std::process::Command;

use crate::command::{Failure, cargo, root, run as execute, target};
use crate::python;

/// Runs the benchmark programs of the workspace.
pub(crate) fn run(rest: &[String]) -> Result<(), Failure> {
    let mut command = cargo(&["bench", "--workspace", "--all-features", "--locked", "--"]);
    execute("benchmarks", command.args(rest))
}

/// Runs what `cargo xtask bench` does not: opening, appending to, proving from
/// and verifying a log as it grows.
pub(crate) fn growth(receipts: u64) -> Result<(), Failure> {
    let mut command = cargo(&["bench", "--bench", "growth", "--all-features", "--locked", "--"]);
    execute("growth of a log", command.env("ASQAV_RECEIPTS", receipts.to_string()))
}

/// Runs the same work by us and by our peers. The peers' crates are built for
/// this alone; the Python packages join those that the tests compare with.
pub(crate) fn peers() -> Result<(), Failure> {
    let peers = python::environment()?;
    let mut install = Command::new(&peers.python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"]);
    execute("pip install (peers)", install.arg(root().join("xtask/python-bench.txt")))?;
    let mut command = cargo(&["run", "--release", "--locked", "--manifest-path", "peers/Cargo.toml"]);
    command.arg("--target-dir").arg(target().join("bench-peers"));
    execute("peers", command.env("ASQAV_PYTHON", &peers.python))
}
