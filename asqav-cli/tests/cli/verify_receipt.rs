//! `asqav verify` on a single receipt.

use std::fs;

use insta::assert_snapshot;

use crate::harness::{asqav, asqav_with_input, run};

#[test]
fn what_cannot_be_read_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    assert_snapshot!("missing_file", asqav(dir.path(), &["verify", "missing.json"]));
    fs::write(path("receipt.json"), "{}").unwrap();
    assert_snapshot!(
        "missing_keys",
        asqav(dir.path(), &["verify", "receipt.json", "--keys", "missing.json"])
    );
    for (name, text) in
        [("not_json", "keys?"), ("no_key_set", "{\"keys\": 1}"), ("no_keys", "{\"keys\": []}")]
    {
        fs::write(path("keys.json"), text).unwrap();
        assert_snapshot!(
            format!("malformed_jwks_{name}"),
            asqav(dir.path(), &["verify", "receipt.json", "--keys", "keys.json"])
        );
    }
    fs::write(path("keys.json"), "{\"keys\":[],\"keys\":[{}]}").unwrap();
    assert_snapshot!(
        "malformed_jwks_duplicate",
        asqav(dir.path(), &["verify", "receipt.json", "--keys", "keys.json"])
    );
}

#[test]
fn flags_for_logs_are_refused_on_a_receipt() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("receipt.json"), "{}").unwrap();
    assert_snapshot!(asqav(dir.path(), &["verify", "receipt.json", "--open"]));
    assert_snapshot!(asqav(dir.path(), &["verify", "receipt.json", "--head", "head.json"]));
}

#[test]
fn what_is_no_receipt_of_ours_is_unverifiable() {
    let dir = tempfile::tempdir().unwrap();
    let verify = |text: &str| asqav_with_input(dir.path(), &["verify", "-"], text.as_bytes());
    assert_snapshot!("nothing", verify(""));
    assert_snapshot!("not_json", verify("not json"));
    assert_snapshot!("duplicate_member", verify("{\"payload\": {}, \"payload\": {}}"));
    assert_snapshot!(
        "another_format",
        verify(
            "{\"payloadType\": \"application/vnd.in-toto+json\", \"payload\": \"e30=\", \"signatures\": []}"
        )
    );
    assert_snapshot!(
        "hostile_text",
        verify(
            "{\"payload\": {\"issuer_id\": \"\\u001b[2J\\u202egro\", \"v\": 1}, \"signature\": {\"kid\": \"a\\nb\"}}"
        )
    );
}

#[test]
fn what_is_longer_than_any_receipt_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (len, code, why) in [(10_000_000, 2, "too_long"), (20_000_000, 3, "longer than 16777216 bytes")] {
        let text = format!("{{\"payload\":{{\"agent_id\":\"{}\"}}}}", "a".repeat(len));
        fs::write(dir.path().join("receipt.json"), text).unwrap();
        let output = run(dir.path(), &["verify", "receipt.json"], b"");
        assert_eq!(output.status.code(), Some(code));
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8(said).unwrap().contains(why), "{len}");
    }
}

#[test]
fn json_is_exactly_one_object_with_every_axis() {
    let dir = tempfile::tempdir().unwrap();
    let output =
        run(dir.path(), &["verify", "--json", "-"], b"{\"payload\": {\"issuer_id\": \"\\u009b\\u202e\"}}");
    assert_eq!(output.status.code(), Some(1), "no type");
    assert!(output.stderr.is_empty(), "a hint would be noise");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.is_ascii(), "{text}");
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let members: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "axes",
        "failure_class",
        "not_checked",
        "problems",
        "reason_code",
        "receipts",
        "segments",
        "verdict",
    ];
    assert_eq!(members, expected);
    assert_eq!(object["axes"].as_array().unwrap().len(), 15);
    assert_eq!((&object["verdict"], &object["failure_class"]), (&"unverified".into(), &"invalid".into()));
}
