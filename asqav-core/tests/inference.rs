//! Inference events leave one observation receipt through the one spine.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

use asqav_core::testing::TestGate;
use asqav_core::{Inference, Refused};
use asqav_receipt::commitment::{commit, salt};
use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::json::Json;
use asqav_receipt::payload::{Context, Decision, Form, MAX_PAYLOAD_LEN, Payload, Phase, ReceiptType, Tier};

fn fields(payload: &Payload) -> &[(String, Form)] {
    match &payload.context {
        Context::Observed { shown, .. } => shown,
        other => panic!("{other:?}"),
    }
}

fn field<'a>(payload: &'a Payload, name: &str) -> Option<&'a Form> {
    fields(payload).iter().find(|(shown, _)| shown == name).map(|(_, form)| form)
}

fn text(text: &str) -> Form {
    Form::Value(Json::from(text))
}

fn credit() -> Inference {
    Inference::new("did:pqaid:credit-model-v3", "3.2.1").decision("tool_call", "approve")
}

/// The receipt that the gate recorded last, and the text of its log line.
fn newest(test: &TestGate) -> (Payload, String) {
    let receipts = test.receipts();
    receipts.assert_verified();
    let entry = receipts.entries().last().unwrap();
    (Payload::clone(&entry.payload), String::from_utf8(entry.canonical.to_vec()).unwrap())
}

#[test]
fn one_receipt_says_that_nothing_was_decided() {
    let test = TestGate::new();
    let recorded = test.gate().record_inference(credit().input("in").output("out")).wait().unwrap();
    let (payload, _) = newest(&test);
    assert_eq!(payload.seq, recorded.payload.seq);
    assert_eq!((payload.receipt_type, payload.decision), (ReceiptType::Observation, Decision::Observation));
    assert_eq!((payload.asqav.tier, payload.asqav.phase), (Tier::Detectable, Phase::Event));
    assert_eq!(
        (payload.action_type.as_str(), payload.tool_name.unwrap().as_str()),
        ("model:inference", "model")
    );
}

#[test]
fn labels_are_shown_and_content_is_committed() {
    let test = TestGate::new();
    let inference = credit()
        .input(&serde_json::json!({"order": 17}))
        .output("refund granted")
        .reasoning(&["read", "think"])
        .actor("did:pqaid:agent-7")
        .session("sess-0");
    test.gate().record_inference(inference).wait().unwrap();
    let (payload, line) = newest(&test);
    for (name, value) in [
        ("model", "did:pqaid:credit-model-v3"),
        ("model_version", "3.2.1"),
        ("decision_type", "tool_call"),
        ("decision_label", "approve"),
    ] {
        assert_eq!(field(&payload, name), Some(&text(value)), "{name}");
    }
    let receipts = test.receipts();
    let openings = receipts.entries().last().unwrap().openings.clone().unwrap();
    for (name, value) in [
        ("input", r#"{"order":17}"#),
        ("output", r#""refund granted""#),
        ("reasoning", r#"["read","think"]"#),
        ("actor", r#""did:pqaid:agent-7""#),
        ("session", r#""sess-0""#),
    ] {
        let pointer = format!("/arguments/{name}");
        let (_, opened) = openings.values.iter().find(|(at, _)| *at == pointer).unwrap();
        assert_eq!(opened, value);
        let salt = salt(&openings.secret, &pointer);
        let digest = commit(payload.asqav.log_id, payload.action_id, &pointer, &salt, value.as_bytes());
        assert_eq!(field(&payload, name), Some(&Form::Commit(digest)), "{name}");
        // Nothing in the receipt tells whoever guesses the value that it is right.
        for unsalted in
            [Sha3Digest::of(value.as_bytes()).to_hex(), Sha256Digest::of(value.as_bytes()).to_hex()]
        {
            assert!(!line.contains(&unsalted), "{name}");
        }
        assert!(!line.contains(value.trim_matches('"')), "{name}");
    }
}

#[test]
fn a_digest_stands_in_the_receipt_only_if_the_caller_gave_one() {
    let test = TestGate::new();
    let digests = [b"in".as_slice(), b"out", b"why"].map(Sha3Digest::of);
    let [input, output, reasoning] = digests;
    let inference = credit().input_digest(input).output_digest(output).reasoning_digest(reasoning);
    test.gate().record_inference(inference).wait().unwrap();
    let (payload, _) = newest(&test);
    for (name, digest) in
        [("input_digest", input), ("output_digest", output), ("reasoning_digest", reasoning)]
    {
        assert_eq!(field(&payload, name), Some(&text(&digest.to_tagged())), "{name}");
    }
    assert!(test.receipts().entries().last().unwrap().openings.is_none(), "nothing was committed");
}

#[test]
fn an_inference_joins_the_session_it_is_made_in() {
    let test = TestGate::new();
    let session = test.gate().session("refund").open().wait().unwrap();
    let inside = session.scope_sync(|| test.gate().record_inference(credit())).wait().unwrap();
    let outside = test.gate().record_inference(credit()).wait().unwrap();
    let receipts = test.receipts();
    let session_of = |seq| {
        let entry = receipts.entries().iter().find(|entry| entry.payload.seq == seq).unwrap();
        entry.payload.session_id.clone()
    };
    assert_eq!(session_of(inside.payload.seq).as_ref(), Some(session.id()));
    assert_eq!(session_of(outside.payload.seq), None);
}

#[test]
fn what_cannot_be_represented_is_dropped_and_said() {
    let test = TestGate::new();
    let refused = test.gate().record_inference(credit().metadata(&[f64::NAN])).wait().unwrap_err();
    let (payload, _) = newest(&test);
    assert!(matches!(refused, Refused::Unrepresentable { receipt, .. } if receipt == payload.action_id));
    assert_eq!(field(&payload, "metadata"), Some(&Form::Dropped));

    let twice = test.gate().record_inference(credit().input("1").input("2")).wait().unwrap_err();
    assert!(matches!(twice, Refused::Unrepresentable { .. }));
    let (payload, _) = newest(&test);
    assert_eq!(fields(&payload).iter().filter(|(name, _)| name == "input").count(), 1);
}

#[test]
fn no_field_is_too_long_for_a_receipt() {
    let test = TestGate::new();
    let long = "x".repeat(100_000);
    let inference = Inference::new(&long, &long).decision(&long, &long).input(&long).actor(&long);
    test.gate().record_inference(inference).wait().unwrap();
    let (payload, line) = newest(&test);
    assert!(line.len() <= MAX_PAYLOAD_LEN);
    assert!(!fields(&payload).iter().any(|(_, form)| matches!(form, Form::Value(_))));
}

#[test]
fn a_closed_gate_records_nothing() {
    let test = TestGate::new();
    test.gate().shutdown().wait().unwrap();
    let before = test.receipts().entries().len();
    assert!(matches!(test.gate().record_inference(credit()).wait(), Err(Refused::Closed { .. })));
    assert_eq!(test.receipts().entries().len(), before);
}
