//! Usage: whatever is typed wrong is exit code 3, never clap's 2.

use insta::assert_snapshot;

use crate::harness::{asqav, run};

#[test]
fn help_lists_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    assert_snapshot!(asqav(dir.path(), &["--help"]));
    assert_snapshot!(asqav(dir.path(), &["verify", "--help"]));
}

#[test]
fn wrong_usage_is_exit_code_3() {
    let dir = tempfile::tempdir().unwrap();
    assert_snapshot!("nothing", asqav(dir.path(), &[]));
    assert_snapshot!("unknown_command", asqav(dir.path(), &["verfy"]));
    assert_snapshot!("unknown_flag", asqav(dir.path(), &["verify", "log", "--opne"]));
    assert_snapshot!("missing_path", asqav(dir.path(), &["verify"]));
    assert_snapshot!("missing_value", asqav(dir.path(), &["verify", "log", "--keys"]));
    assert_snapshot!(
        "seq_and_id",
        asqav(dir.path(), &["show", "log", "--seq", "1", "--id", "act_01890a5d-ac96-774b-bcce-b302099a8057"])
    );
    assert_snapshot!("bad_seq", asqav(dir.path(), &["show", "log", "--seq", "one"]));
    assert_snapshot!("bad_id", asqav(dir.path(), &["show", "log", "--id", "act_1"]));
    assert_snapshot!(
        "bad_agent",
        asqav(dir.path(), &["keygen", "--agent", "", "--issuer", "acme", "--out", "keys"])
    );
}

#[test]
fn version_is_ours() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["--version"], b"");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("asqav {}\n", env!("CARGO_PKG_VERSION")));
}
