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

/// The files beside the cases are read by the macro.
#[test]
fn mistakes_in_an_included_policy() {
    trybuild::TestCases::new().compile_fail("tests/policy_ui/*.rs");
}

#[test]
fn mistakes_the_type_checker_finds() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types");
    let mut expected = BTreeMap::new();
    for path in sources(&cases) {
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

/// The cases; beside them stand policies that one of them includes.
fn sources(cases: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(cases).unwrap().map(|case| case.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// File and line of each `//~ message`.
fn annotations(name: &str, text: &str) -> Vec<((String, u64), String)> {
    let lines = text.lines().zip(1..);
    let annotated = lines.filter_map(|(line, number)| Some((line.split_once("//~ ")?.1, number)));
    annotated.map(|(message, number)| ((name.to_owned(), number), message.to_owned())).collect()
}

/// What the compiler says about the cases, by file and line.
fn errors(cases: &Path) -> BTreeMap<(String, u64), String> {
    let (messages, stderr) = check(&project("types", &sources(cases)));
    let errors: BTreeMap<_, _> = messages.iter().filter_map(|message| error(&message["message"])).collect();
    assert!(!errors.is_empty(), "cargo found nothing: {stderr}");
    errors
}

/// What cargo says about a project, and what it prints besides.
fn check(project: &Path) -> (Vec<Value>, String) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--quiet", "--offline", "--keep-going", "--message-format=json"])
        .current_dir(project)
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("types/target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let messages = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (messages, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A program that includes a policy is compiled again when the file changes,
/// and only then.
#[test]
fn a_change_of_an_included_policy_rebuilds() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rebuilt-sources");
    fs::create_dir_all(&folder).unwrap();
    let policy = fs::read_to_string(cases.join("tool.toml")).unwrap();
    let good = policy.replace("post_transactoin", "query_all");
    fs::write(folder.join("policy.toml"), &good).unwrap();
    let source = "#[asqav::signed]\nfn query_all(limit: u32) -> Result<u32, String> {\n    Ok(limit)\n}\n\
                  const POLICY: asqav::IncludedPolicy = asqav::include_policy!(\"policy.toml\", tools = [query_all]);\n\
                  fn main() {\n    let _ = (POLICY.digest(), query_all(1));\n}\n";
    fs::write(folder.join("main.rs"), source).unwrap();
    let project = project("rebuilt", &[folder.join("main.rs")]);
    // Whether the program was fresh, and the first error.
    let build = || {
        let (messages, stderr) = check(&project);
        let ours = messages
            .iter()
            .find(|message| message["reason"] == "compiler-artifact" && message["target"]["name"] == "main");
        let text = |message: &Value| Some(message["message"]["message"].as_str()?.to_owned());
        let is_error = |message: &&Value| message["message"]["level"] == "error";
        let error = messages.iter().find(is_error).and_then(text);
        (ours.map(|artifact| artifact["fresh"].as_bool().unwrap()), error, stderr)
    };
    let (_, error, stderr) = build();
    assert_eq!(error, None, "{stderr}");
    assert_eq!(build().0, Some(true));
    fs::write(folder.join("policy.toml"), format!("{good}# a comment\n")).unwrap();
    assert_eq!(build().0, Some(false));
    fs::write(folder.join("policy.toml"), &policy).unwrap();
    let error = build().1.unwrap();
    assert!(error.contains("policy.toml:7:21: rule `read`: `post_transactoin` is not among"), "{error}");
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
fn project(name: &str, cases: &[PathBuf]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&project).unwrap();
    let mut manifest = format!(
        "[package]\nname = {name:?}\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         asqav = {{ path = {root:?}, default-features = false, features = [\"include-policy\"] }}\n"
    );
    for path in cases {
        let name = path.file_stem().unwrap();
        manifest.push_str(&format!("[[bin]]\nname = {name:?}\npath = {path:?}\n"));
    }
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    project
}
