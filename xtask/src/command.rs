//! Running programs: each is shown before it runs, and failure stops the task.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// Why a task stopped.
pub(crate) type Failure = String;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or(manifest.clone(), PathBuf::from)
}

/// The folder for build products and for what tests install.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs this task.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs `command` to its end.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<(), Failure> {
    println!("\n== {what}");
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("{what}: {error}"))?;
    println!("== {what}: {status}, {:.0} s", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}

/// Whether `command` runs and succeeds, without showing what it prints.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
