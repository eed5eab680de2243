//! `cargo xtask fuzz`: libFuzzer on the stable compiler.
//!
//! The compiler's coverage pass needs no unstable flag; only the targets are
//! built with it, not what runs while building (hence `--target`).

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{Failure, cargo, root, run, succeeds, target};
use crate::python::Peers;

/// The targets, each named after what it reads.
const TARGETS: [&str; 10] =
    ["json", "receipt", "key_set", "statement", "token", "proof", "header", "delegation", "log", "pqc_audit"];

/// Coverage of edges and comparisons, as libFuzzer reads it.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Inputs are at most this long, bytes; memory stays below this, MB; no input
/// takes longer than this, seconds.
const LIMITS: [&str; 3] = ["-max_len=65536", "-rss_limit_mb=256", "-timeout=20"];

/// Fuzzes each target, or the one named, for so many seconds.
pub(crate) fn run_targets(seconds: u32, only: Option<&str>, peers: &Peers) -> Result<(), Failure> {
    let wanted: Vec<_> = TARGETS.into_iter().filter(|name| only.is_none_or(|only| only == *name)).collect();
    if wanted.is_empty() {
        return Err(format!("there is no such target; there are {}", TARGETS.join(", ")));
    }
    let programs = build()?;
    let folder = target().join("fuzz");
    let seeds = folder.join("seeds");
    let mut command = Command::new(programs.join("seeds"));
    command.env("ASQAV_FUZZ_SEEDS", &seeds).env("ASQAV_CORPUS", &peers.corpus);
    run("fuzz: seeds", command.args(["-runs=0", "-verbosity=0"]))?;
    // A target has one thread.
    let at_once = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    wanted.chunks(at_once).try_for_each(|group| {
        std::thread::scope(|scope| {
            let (programs, folder) = (&programs, &folder);
            let start = |name| scope.spawn(move || fuzz(name, seconds, programs, folder));
            let runs: Vec<_> = group.iter().copied().map(start).collect();
            let mut ends = runs.into_iter().map(|run| run.join());
            ends.try_for_each(|end| end.unwrap_or_else(|_| Err("fuzz: a thread panicked".to_owned())))
        })
    })
}

fn fuzz(name: &str, seconds: u32, programs: &Path, folder: &Path) -> Result<(), Failure> {
    let corpus = folder.join("corpus").join(name);
    let found = folder.join("found");
    for folder in [&corpus, &found] {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut command = Command::new(programs.join(name));
    command.arg(&corpus).arg(folder.join("seeds").join(name)).args(LIMITS);
    command.arg(format!("-max_total_time={seconds}")).args(["-verbosity=0", "-print_final_stats=1"]);
    command.arg(format!("-artifact_prefix={}/{name}-", found.display()));
    run(&format!("fuzz: {name}"), &mut command)
        .map_err(|failure| format!("{failure}; the input is in {}", found.display()))
}

/// Builds the targets; where their programs are.
fn build() -> Result<PathBuf, Failure> {
    if !succeeds(Command::new("c++").arg("--version")) {
        println!("libFuzzer needs a C++ compiler; installing g++ with apt-get");
        run("apt-get update", Command::new("apt-get").arg("update"))?;
        run("apt-get install", Command::new("apt-get").args(["install", "-y", "g++"]))?;
    }
    let host = host()?;
    let manifest = root().join("fuzz/Cargo.toml");
    let mut command = cargo(&["build", "--release", "--locked", "--target", &host, "--manifest-path"]);
    command.arg(manifest).arg("--target-dir").arg(target()).env("RUSTFLAGS", FLAGS.join(" "));
    run("fuzz: build", &mut command)?;
    Ok(target().join(host).join("release"))
}

/// The machine's target triple.
fn host() -> Result<String, Failure> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not name its host".to_owned())
}
