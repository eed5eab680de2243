//! `asqav keygen`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use crate::harness::{asqav, run};

const KEYGEN: [&str; 7] = ["keygen", "--agent", "agt_finance", "--issuer", "acme-bank", "--out", "keys"];

#[test]
fn makes_three_files() {
    let dir = tempfile::tempdir().unwrap();
    assert_snapshot!(asqav(dir.path(), &KEYGEN));
    let mut names: Vec<_> = fs::read_dir(dir.path().join("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["keys.jwks.json", "signing-key.pem", "vault.key"]);
}

#[test]
fn json_is_one_object() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &[&KEYGEN[..], &["--json"]].concat(), b"");
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["algorithm"], "ML-DSA-65");
    assert_eq!(object["keys"], "keys/keys.jwks.json");
    let pinned: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.path().join("keys/keys.jwks.json")).unwrap()).unwrap();
    assert_eq!(pinned["keys"][0]["kid"], object["kid"]);
    assert_eq!(pinned["keys"][0]["agent_id"], "agt_finance");
}

#[test]
fn never_overwrites() {
    let dir = tempfile::tempdir().unwrap();
    asqav(dir.path(), &KEYGEN);
    let before = fs::read(dir.path().join("keys/signing-key.pem")).unwrap();
    assert_snapshot!(asqav(dir.path(), &KEYGEN));
    assert_eq!(fs::read(dir.path().join("keys/signing-key.pem")).unwrap(), before);
}

#[test]
fn says_where_it_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("keys"), "a file").unwrap();
    assert_snapshot!("a_file_in_the_way", asqav(dir.path(), &KEYGEN));
    fs::remove_file(dir.path().join("keys")).unwrap();
    fs::create_dir(dir.path().join("keys")).unwrap();
    fs::set_permissions(dir.path().join("keys"), fs::Permissions::from_mode(0o500)).unwrap();
    if fs::write(dir.path().join("keys/probe"), "").is_ok() {
        println!("skipped: the system administrator may write into a read-only directory");
        return;
    }
    assert_snapshot!("a_read_only_directory", asqav(dir.path(), &KEYGEN));
}
