//! Cedar's own integration tests through our engine: the same decision, with
//! the same policies named, except that an error denies.
//!
//! The corpus is not part of this repository. `cargo xtask cedar-corpus DIR`
//! takes a checkout of cedar-policy/cedar-integration-tests in which
//! `corpus-tests.tar.gz` is unpacked. `small/` holds a few tests in the same
//! format, and `sample.rs` makes more with Cedar as the oracle.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests")]

mod runner;
mod sample;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use runner::run;

fn small() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/small")
}

#[test]
fn the_small_corpus() {
    let report = run(&small());
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!((report.tests, report.requests, report.denied_for_errors), (2, 7, 1));
}

#[test]
fn the_integration_corpus() {
    let Some(folder) = env::var_os("ASQAV_CEDAR_CORPUS") else {
        println!("skipped: ASQAV_CEDAR_CORPUS names no folder");
        return;
    };
    let report = run(Path::new(&folder));
    println!(
        "{} requests in {} tests: {} differ; {} that Cedar allows are denied for an error",
        report.requests,
        report.tests,
        report.failures.len(),
        report.denied_for_errors,
    );
    let first: Vec<_> = report.failures.iter().take(20).collect();
    assert!(report.failures.is_empty(), "{first:#?}");
    assert!(report.requests > 0, "no tests in the folder");
}

/// The runner finds what is wrong, or its silence would mean nothing.
#[test]
fn a_wrong_expectation_is_a_failure() {
    let text = fs::read_to_string(small().join("corpus-tests/photos.json")).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("altered-corpus");
    fs::create_dir_all(folder.join("corpus-tests")).unwrap();
    for file in fs::read_dir(small().join("corpus-tests")).unwrap() {
        let path = file.unwrap().path();
        fs::copy(&path, folder.join("corpus-tests").join(path.file_name().unwrap())).unwrap();
    }
    for (from, to) in [
        (r#""reason": ["policy0"]"#, r#""reason": ["policy1"]"#),
        (
            r#""decision": "deny",
      "reason": ["policy2"]"#,
            r#""decision": "allow",
      "reason": ["policy2"]"#,
        ),
        (r#""errors": ["policy3"]"#, r#""errors": []"#),
        (r#""id": "view""#, r#""id": "viewed""#),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(folder.join("corpus-tests/photos.json"), text.replacen(from, to, 1)).unwrap();
        let report = run(&folder);
        assert_eq!(report.failures.len(), 1, "{to}: {:?}", report.failures);
        assert_eq!(report.requests, 7);
    }
}
