//! `cargo xtask bench` and `bench-peers`: measurements, built with the release
//! profile.

use std::path::Path;
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
pub(crate) fn peers(sync_ms: Option<u16>) -> Result<(), Failure> {
    let peers = python::environment()?;
    let mut install = Command::new(&peers.python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"]);
    execute("pip install (peers)", install.arg(root().join("xtask/python-bench.txt")))?;
    let folder = target().join("bench-peers");
    let mut build = cargo(&["build", "--release", "--locked", "--manifest-path", "peers/Cargo.toml"]);
    execute("building the peers", build.arg("--target-dir").arg(&folder))?;
    let program = folder.join("release/asqav-peers");
    let mut command = match sync_ms {
        None => Command::new(program),
        Some(sync_ms) => on_a_slow_disk(sync_ms, &program),
    };
    execute("peers", command.env("ASQAV_PYTHON", &peers.python))
}

/// The comparison of appends, each sync `sync_ms` longer than the disk takes.
fn on_a_slow_disk(sync_ms: u16, program: &Path) -> Command {
    let delay = format!("inject=fsync,fdatasync:delay_exit={}", u32::from(sync_ms) * 1_000);
    let mut command = Command::new("strace");
    command.args(["--follow-forks", "--seccomp-bpf", "-qqq", "-e", "signal=none", "-o", "/dev/null"]);
    command.args(["-e", "trace=fsync,fdatasync", "-e", &delay]).arg(program).arg("append");
    command
}
