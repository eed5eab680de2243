//! `cargo xtask test`: what CI calls, and nothing more.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::command::{Failure, cargo, root, run, succeeds, target};
use crate::figures;
use crate::fuzz;
use crate::instructions;
use crate::python::{self, Peers};

/// How many schedules of faults a log is put through.
const SCHEDULES: &str = "ASQAV_SCHEDULES";

/// How long each fuzz target runs here.
const FUZZ_SECONDS: u32 = 20;

/// Everything that has to hold, the quick checks first.
pub(crate) fn run_all() -> Result<(), Failure> {
    run("format", &mut cargo(&["fmt", "--all", "--", "--check"]))?;
    run(
        "format of the fuzz targets",
        &mut cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--", "--check"]),
    )?;
    figures::check()?;
    // They are not in the workspace: only this notices that they fell behind.
    for manifest in ["fuzz/Cargo.toml", "peers/Cargo.toml"] {
        let arguments = ["metadata", "--format-version", "1", "--locked", "--manifest-path", manifest];
        run(&format!("lock file beside {manifest}"), cargo(&arguments).stdout(Stdio::null()))?;
    }
    let peers = python::environment()?;
    run(
        "lints",
        &mut cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    // All features at once hide what one of them needs of another.
    for package in ["asqav-receipt", "asqav-policy", "asqav-log", "asqav"] {
        let arguments =
            ["clippy", "-p", package, "--no-default-features", "--locked", "--", "-D", "warnings"];
        run(&format!("lints of {package} without features"), &mut cargo(&arguments))?;
    }
    // Nothing else in here builds them.
    run(
        "lints of the comparisons with peers",
        cargo(&["clippy", "--manifest-path", "peers/Cargo.toml", "--all-targets", "--locked"])
            .arg("--target-dir")
            .arg(target())
            .args(["--", "-D", "warnings"]),
    )?;
    tests(&peers)?;
    instructions::check(false)?;
    run(
        "documentation tests",
        with_peers(&mut cargo(&["test", "--doc", "--workspace", "--all-features", "--locked"]), &peers),
    )?;
    fuzz::run_targets(FUZZ_SECONDS, None, &peers)?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--all-features", "--locked"]);
    run("documentation", docs.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The test suite, with nextest where it is installed.
fn tests(peers: &Peers) -> Result<(), Failure> {
    if succeeds(&mut cargo(&["nextest", "--version"])) {
        let arguments = ["nextest", "run", "--workspace", "--all-features", "--locked", "--no-fail-fast"];
        run("tests", with_peers(&mut cargo(&arguments), peers))
    } else {
        let arguments =
            ["test", "--workspace", "--all-targets", "--all-features", "--locked", "--no-fail-fast"];
        run("tests", with_peers(&mut cargo(&arguments), peers))
    }
}

/// The schedules of faults on a simulated disk, as many as asked for; of those
/// that erase and delete there is a share.
pub(crate) fn simulate(count: u64, seed: u64) -> Result<(), Failure> {
    let mut command = cargo(&["test", "--profile", "simulate", "-p", "asqav-log"]);
    command.args([
        "--all-features",
        "--locked",
        "--test",
        "crash",
        "--test",
        "erasing",
        "random_schedules_of_faults",
        "--",
        "--nocapture",
    ]);
    command.env(SCHEDULES, count.to_string()).env("ASQAV_SEED", seed.to_string());
    run("simulated faults", &mut command)
}

/// What a gate holds in memory over `calls` calls.
pub(crate) fn memory(calls: u64) -> Result<(), Failure> {
    let mut command =
        cargo(&["test", "--profile", "simulate", "-p", "asqav-log", "--all-features", "--locked"]);
    command.args(["--test", "memory", "--", "--nocapture"]);
    run("memory over many calls", command.env("ASQAV_CALLS", calls.to_string()))
}

/// Cedar's integration tests in `folder`.
pub(crate) fn cedar_corpus(folder: &Path) -> Result<(), Failure> {
    let mut command = cargo(&["test", "-p", "asqav-cedar", "--locked"]);
    command.args(["--test", "corpus", "the_integration_corpus", "--", "--nocapture"]);
    // The tests run in another folder than this program.
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    run("Cedar's integration tests", command.env("ASQAV_CEDAR_CORPUS", folder))
}

/// The differential test, as long as asked for.
pub(crate) fn differential(count: u64, seed: u64) -> Result<(), Failure> {
    let peers = python::environment()?;
    let mut command = cargo(&["test", "-p", "asqav-receipt", "--all-features", "--locked"]);
    command.args(["--test", "differential", "--", "--nocapture"]);
    command.env("ASQAV_DIFFERENTIAL", count.to_string()).env("ASQAV_SEED", seed.to_string());
    run("differential run", with_peers(&mut command, &peers))
}

/// Tells tests where the peers and the external vectors are.
fn with_peers<'a>(command: &'a mut Command, peers: &Peers) -> &'a mut Command {
    if std::env::var_os("ASQAV_VECTORS").is_none() {
        let beside = root().join("../shared/vectors");
        if let Ok(folder) = beside.canonicalize() {
            command.env("ASQAV_VECTORS", folder);
        }
    }
    if std::env::var_os(SCHEDULES).is_none() {
        command.env(SCHEDULES, "20000");
    }
    command.env("ASQAV_PYTHON", &peers.python).env("ASQAV_CORPUS", &peers.corpus)
}
