//! What the compiler says about a mistake in the use of `#[signed]`.
//!
//! `tests/ui` holds the macro's own messages, as snapshots. `tests/types`
//! holds mistakes that the type checker finds: there the compiler's words
//! around our message change from version to version, so each line says in a
//! comment which message of ours it expects, and nothing else may be an error.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
fn mistakes_the_macro_finds() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn mistakes_the_type_checker_finds() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types");
    let mut expected = BTreeMap::new();
    for case in fs::read_dir(&cases).unwrap() {
        let path = case.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        expected.extend(annotations(&name, &fs::read_to_string(&path).unwrap()));
    }
    assert!(expected.len() >= 12, "cases are missing: {expected:?}");
    let found = errors(&cases);
    for ((file, line), message) in &expected {
        let said = found.get(&(file.clone(), *line));
        assert!(
            said.is_some_and(|said| said.contains(message)),
            "{file}:{line} should say `{message}`, not {said:?}"
        );
    }
    let surplus: Vec<_> = found.iter().filter(|(place, _)| !expected.contains_key(*place)).collect();
    assert!(surplus.is_empty(), "one mistake, one error, but also: {surplus:?}");
}

/// File and line of each `//~ message`.
fn annotations(name: &str, text: &str) -> Vec<((String, u64), String)> {
    let lines = text.lines().zip(1..);
    let annotated = lines.filter_map(|(line, number)| Some((line.split_once("//~ ")?.1, number)));
    annotated.map(|(message, number)| ((name.to_owned(), number), message.to_owned())).collect()
}

/// What the compiler says about the cases, by file and line.
fn errors(cases: &Path) -> BTreeMap<(String, u64), String> {
    let project = project(cases);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--quiet", "--offline", "--keep-going", "--message-format=json"])
        .current_dir(&project)
        .env("CARGO_TARGET_DIR", project.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let messages = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let errors: BTreeMap<_, _> = messages.filter_map(|message| error(&message["message"])).collect();
    assert!(!errors.is_empty(), "cargo found nothing: {}", String::from_utf8_lossy(&output.stderr));
    errors
}

/// Place and text of an error.
fn error(message: &Value) -> Option<((String, u64), String)> {
    if message["level"] != "error" {
        return None;
    }
    let span = message["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?;
    let place = in_case(span);
    let file = Path::new(place["file_name"].as_str()?).file_name()?.to_str()?.to_owned();
    Some(((file, place["line_start"].as_u64()?), message["message"].as_str()?.to_owned()))
}

/// The span itself, or the place in the case that it was made from.
fn in_case(span: &Value) -> &Value {
    let is_case = span["file_name"].as_str().is_some_and(|file| file.contains("tests/types"));
    match &span["expansion"]["span"] {
        Value::Null => span,
        _ if is_case => span,
        outer => in_case(outer),
    }
}

/// A crate with one binary for each case, so that one run checks all of them.
fn project(cases: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("types");
    fs::create_dir_all(&project).unwrap();
    let mut manifest = format!(
        "[package]\nname = \"types\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         asqav = {{ path = {root:?}, default-features = false }}\n"
    );
    for case in fs::read_dir(cases).unwrap() {
        let path = case.unwrap().path();
        let name = path.file_stem().unwrap();
        manifest.push_str(&format!("[[bin]]\nname = {name:?}\npath = {path:?}\n"));
    }
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    project
}
