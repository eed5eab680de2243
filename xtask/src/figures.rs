//! Figures that the README states and that are cheap to count again.

use std::collections::BTreeSet;

use crate::command::{Failure, cargo, root};

/// Compares the README with the dependency tree of `asqav-receipt`.
pub(crate) fn check() -> Result<(), Failure> {
    let arguments = ["tree", "-p", "asqav-receipt", "-e", "normal", "--prefix", "none", "--locked"];
    let output = cargo(&arguments).output().map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let crates: BTreeSet<_> =
        text.lines().filter_map(|line| line.split(" (").next()).filter(|name| !name.is_empty()).collect();
    let claim = format!("{} crates in its dependency tree", crates.len());
    let readme =
        std::fs::read_to_string(root().join("README.md")).map_err(|error| format!("README.md: {error}"))?;
    println!("\n== figures: asqav-receipt has {claim}");
    if readme.contains(&claim) { Ok(()) } else { Err(format!("the README does not say `{claim}`")) }
}
