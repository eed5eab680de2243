//! `cargo xtask bench`: benchmarks, built with the release profile.

use crate::command::{Failure, cargo};

/// Runs the benchmark programs of the workspace.
pub(crate) fn run(rest: &[String]) -> Result<(), Failure> {
    let mut command = cargo(&["bench", "--workspace", "--locked", "--"]);
    crate::command::run("benchmarks", command.args(rest))
}
