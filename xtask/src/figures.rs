//! Figures that the README states and that are cheap to count again.

use std::collections::BTreeSet;

use crate::command::{Failure, cargo, root};

/// Compares the README with the dependency tree of `asqav-receipt`, and looks
/// that nobody pays for Cedar who does not ask for it.
pub(crate) fn check() -> Result<(), Failure> {
    let claim = format!("{} crates in its dependency tree", tree("asqav-receipt")?.len());
    let readme =
        std::fs::read_to_string(root().join("README.md")).map_err(|error| format!("README.md: {error}"))?;
    println!("\n== figures: asqav-receipt has {claim}");
    if !readme.contains(&claim) {
        return Err(format!("the README does not say `{claim}`"));
    }
    match tree("asqav")?.iter().find(|name| name.starts_with("cedar-policy")) {
        Some(name) => Err(format!("{name} is a dependency of asqav without its feature `cedar`")),
        None => Ok(()),
    }
}

/// The crates that a crate with its default features is built from.
fn tree(name: &str) -> Result<BTreeSet<String>, Failure> {
    let arguments = ["tree", "-p", name, "-e", "normal", "--prefix", "none", "--locked"];
    let output = cargo(&arguments).output().map_err(|error| format!("cargo tree: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter_map(|line| line.split(" (").next()).filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}
