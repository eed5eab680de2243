//! `cargo xtask instructions`: how many instructions single steps take,
//! beside the counts on record. A step that takes over 5 % more fails.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::command::{Failure, cargo, root, run, succeeds, target};

/// How much more than on record is let pass, in hundredths.
const TOLERANCE: u64 = 5;

/// Counts each step; with `record` writes the counts down instead of
/// comparing.
pub(crate) fn check(record: bool) -> Result<(), Failure> {
    if !succeeds(Command::new("valgrind").arg("--version")) {
        println!("there is no valgrind; installing it with apt-get");
        run("apt-get update", Command::new("apt-get").arg("update"))?;
        run("apt-get install", Command::new("apt-get").args(["install", "-y", "valgrind"]))?;
    }
    let program = build()?;
    let path = root().join("benches/steps/counts.txt");
    let on_record = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (mut counts, mut slower) = (String::new(), Vec::new());
    for line in on_record.lines() {
        let (step, known) = line.split_once(' ').ok_or("counts.txt: a step and its count on each line")?;
        let known: u64 = known.parse().map_err(|error| format!("counts.txt: {error}"))?;
        let count = count(&program, step)?;
        println!("{step:<10} {count:>12} instructions, {known} on record");
        writeln!(counts, "{step} {count}").map_err(|error| error.to_string())?;
        if count > known + known * TOLERANCE / 100 {
            slower.push(step);
        }
    }
    if record {
        return std::fs::write(&path, counts).map_err(|error| format!("{}: {error}", path.display()));
    }
    if slower.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more than {TOLERANCE} % over the count on record: {}; if that is meant, `cargo xtask instructions --record`",
        slower.join(", ")
    ))
}

/// The program with the steps, as the tests build it.
fn build() -> Result<PathBuf, Failure> {
    run("steps", &mut cargo(&["build", "--workspace", "--all-features", "--locked", "--bench", "steps"]))?;
    let deps = target().join("debug/deps");
    let built = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let is_program =
            path.extension().is_none() && entry.file_name().to_string_lossy().starts_with("steps-");
        is_program.then(|| Some((entry.metadata().ok()?.modified().ok()?, path))).flatten()
    };
    let entries = std::fs::read_dir(&deps).map_err(|error| format!("{}: {error}", deps.display()))?;
    let newest = entries.filter_map(|entry| built(entry.ok()?)).max();
    newest.map(|(_, path)| path).ok_or_else(|| "the steps were built, but not found".to_owned())
}

/// Instructions of a step, as callgrind counts them.
fn count(program: &PathBuf, step: &str) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg("--toggle-collect=*measured_*")
        .arg(program)
        .arg(step)
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stderr);
    let collected = printed.lines().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.trim().parse().ok()) {
        Some(count) if output.status.success() && count > 0 => Ok(count),
        _ => Err(format!("{step} was not counted: {printed}")),
    }
}
