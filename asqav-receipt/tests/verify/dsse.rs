//! DSSE envelopes around statements about receipts, and what one change does
//! to each.

use asqav_receipt::dsse::{Envelope, EnvelopeSignature, IN_TOTO, MAX_SIGNATURES};
use asqav_receipt::keys::KeySet;
use asqav_receipt::statement::Statement;
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt};
use asqav_receipt::{base64url, canonical};
use serde_json::{Value, json};

use crate::Verdicts as _;
use crate::support::foreign::{canonical_bytes, envelope, jwk, keys, payload};
use crate::support::{Key, now};

const AGENT: &str = "agt_demo";

fn key() -> Key {
    Key::new(7, "statement-key")
}

/// The key pinned for the agent, with some members changed.
fn pinned(key: &Key, change: impl FnOnce(&mut Value)) -> KeySet {
    let mut entry = jwk(key);
    entry["agent_id"] = json!(AGENT);
    change(&mut entry);
    keys(&[entry])
}

/// A sound statement about a sound receipt.
fn statement(key: &Key) -> Value {
    let receipt = envelope(key, &payload()).to_string();
    let statement = Statement::about(receipt.as_bytes()).unwrap();
    serde_json::from_slice(&statement.to_canonical()).unwrap()
}

/// The body, signed by the key, in its envelope.
fn signed(key: &Key, body: &Value) -> Value {
    signed_as(key, IN_TOTO, canonical_bytes(body))
}

fn signed_as(key: &Key, payload_type: &str, body: Vec<u8>) -> Value {
    let mut envelope = Envelope { payload_type: payload_type.to_owned(), body, signatures: vec![] };
    let sig = key.sign(&envelope.signed_bytes());
    envelope.signatures.push(EnvelopeSignature { keyid: Some(key.kid.clone()), sig });
    serde_json::from_slice(&canonical::to_vec(&envelope.to_json())).unwrap()
}

fn verify_with(envelope: &Value, keys: &KeySet) -> Report {
    verify_receipt(envelope.to_string().as_bytes(), &ReceiptInputs::new().keys(keys).at(now()))
}

fn verify(envelope: &Value) -> Report {
    verify_with(envelope, &pinned(&key(), |_| {}))
}

/// The statement with a change that its signature covers.
fn stated(change: impl FnOnce(&mut Value)) -> Report {
    let mut body = statement(&key());
    change(&mut body);
    verify(&signed(&key(), &body))
}

/// The sound envelope with a change that no signature covers.
fn tampered(change: impl FnOnce(&mut Value)) -> Report {
    let mut envelope = signed(&key(), &statement(&key()));
    change(&mut envelope);
    verify(&envelope)
}

#[test]
fn a_sound_statement_is_verified_with_its_receipt() {
    let report = stated(|_| {});
    report.verified();
    assert_eq!(report.subject.format, "dsse (in-toto statement)");
    assert_eq!(report.subject.pinned_kid.as_deref(), Some("statement-key"));
    assert_eq!(report.subject.issuer_id.as_deref(), Some(crate::support::ISSUER));
    assert_eq!(report.axes.len(), 15);
    tampered(|_| {}).verified();
}

#[test]
fn a_statement_without_a_receipt_stands_on_its_own_signature() {
    stated(|body| drop(body["predicate"].as_object_mut().unwrap().remove("receipt"))).verified();
}

#[test]
fn a_changed_body_or_signature_or_type_fails() {
    tampered(|envelope| {
        let mut body = statement(&key());
        body["predicate"]["decision"] = json!("deny");
        envelope["payload"] = json!(base64url::encode_standard(&canonical_bytes(&body)));
    })
    .invalid(ReasonCode::SignatureInvalid);
    tampered(|envelope| {
        let text = envelope["signatures"][0]["sig"].as_str().unwrap().to_owned();
        let mut sig = base64url::decode_any(&text).unwrap();
        sig[100] ^= 1;
        envelope["signatures"][0]["sig"] = json!(base64url::encode_standard(&sig));
    })
    .invalid(ReasonCode::SignatureInvalid);
    // Signed as another type: the encoding binds it.
    let other = signed_as(&key(), "application/vnd.other+json", canonical_bytes(&statement(&key())));
    let mut relabelled = other.clone();
    relabelled["payloadType"] = json!(IN_TOTO);
    verify(&relabelled).invalid(ReasonCode::SignatureInvalid);
    verify(&other).unverifiable(ReasonCode::FormatNotSupported);
    // Signed without the encoding: a signature over the bare body is none.
    tampered(|envelope| {
        let sig = key().sign(&canonical_bytes(&statement(&key())));
        envelope["signatures"][0]["sig"] = json!(base64url::encode_standard(&sig));
    })
    .invalid(ReasonCode::SignatureInvalid);
}

#[test]
fn a_statement_says_what_its_receipt_says() {
    for (pointer, value) in [
        ("/subject/0/digest/sha256", json!("a".repeat(64))),
        ("/subject/0/name", json!("act_other")),
        ("/predicate/decision", json!("deny")),
        ("/predicate/action_ref", json!("act_other")),
        ("/predicate/action_type", json!("other:action")),
        ("/predicate/gen_ai.agent.id", json!("agt_other")),
    ] {
        stated(|body| match body.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => {
                let name = pointer.rsplit('/').next().unwrap();
                body["predicate"][name] = value;
            }
        })
        .invalid(ReasonCode::StatementDiffers);
    }
    stated(|body| body["predicate"]["agent_id"] = json!("agt_other")).invalid(ReasonCode::AgentMismatch);
}

#[test]
fn an_enclosed_receipt_is_judged_like_any_other() {
    // The statement's signer vouches for a receipt that somebody changed.
    let change = |body: &mut Value, receipt: Value| {
        let statement = Statement::about(receipt.to_string().as_bytes()).unwrap();
        *body = serde_json::from_slice(&statement.to_canonical()).unwrap();
    };
    let mut forged = envelope(&key(), &payload());
    forged["payload"]["decision"] = json!("deny");
    stated(|body| change(body, forged)).invalid(ReasonCode::SignatureInvalid);
    let stranger = Key::new(8, "stranger");
    let mut named = payload();
    named["key_thumbprint"] = json!(stranger.thumbprint().to_tagged());
    let stranger = envelope(&stranger, &named);
    let report = stated(|body| change(body, stranger));
    report.unverifiable(ReasonCode::KeyNotPinned);
    assert_eq!(report.axis(Axis::Signature).unwrap().result, AxisResult::Skipped);
    stated(|body| body["predicate"]["receipt"] = json!(3)).unverifiable(ReasonCode::MalformedMember);
    let nested = signed(&key(), &statement(&key()));
    stated(|body| body["predicate"]["receipt"] = nested).unverifiable(ReasonCode::MalformedMember);
}

#[test]
fn what_is_not_known_is_not_verified() {
    stated(|body| body["predicateType"] = json!("https://slsa.dev/provenance/v1"))
        .unverifiable(ReasonCode::PredicateNotSupported);
    for (pointer, value) in [
        ("/_type", json!("https://in-toto.io/Statement/v0.1")),
        ("/subject", json!([])),
        ("/subject/0/digest/sha256", json!("A".repeat(64))),
        ("/predicate", json!("none")),
    ] {
        stated(|body| *body.pointer_mut(pointer).unwrap() = value).unverifiable(ReasonCode::MalformedMember);
    }
    let twice = br#"{"_type":"a","_type":"b"}"#.to_vec();
    verify(&signed_as(&key(), IN_TOTO, twice)).unverifiable(ReasonCode::DuplicateMember);
}

#[test]
fn only_a_pinned_key_counts_and_every_pinned_one_must_hold() {
    let sound = signed(&key(), &statement(&key()));
    let none = verify_receipt(sound.to_string().as_bytes(), &ReceiptInputs::new().at(now()));
    none.unverifiable(ReasonCode::KeyNotPinned);
    let strangers = pinned(&Key::new(9, "other"), |entry| {
        entry["agent_id"] = json!("agt_other");
        entry["issuer_id"] = json!("Other Ltd");
    });
    verify_with(&sound, &strangers).unverifiable(ReasonCode::KeyNotPinned);
    // The same name, another key.
    verify_with(&sound, &pinned(&Key::new(9, "statement-key"), |_| {})).invalid(ReasonCode::SignatureInvalid);
    verify_with(&sound, &pinned(&key(), |entry| entry["agent_id"] = json!("agt_other")))
        .invalid(ReasonCode::AgentMismatch);
    // A hint that names nobody pinned leaves the statement unjudged.
    tampered(|envelope| envelope["signatures"][0]["keyid"] = json!("nobody"))
        .unverifiable(ReasonCode::KeyNotPinned);
    // Without a hint, the keys of the stated agent are tried.
    tampered(|envelope| drop(envelope["signatures"][0].as_object_mut().unwrap().remove("keyid"))).verified();

    let mut more = sound.clone();
    let other = json!({"keyid": "unknown", "sig": "AAAA"});
    more["signatures"].as_array_mut().unwrap().push(other);
    let report = verify(&more);
    report.verified();
    let note = &report.axis(Axis::IssuerKey).unwrap().note;
    assert!(note.contains("1 more signature"), "{note}");
    let false_one = json!({"keyid": "statement-key", "sig": "AAAA"});
    more["signatures"].as_array_mut().unwrap().push(false_one);
    verify(&more).invalid(ReasonCode::SignatureInvalid);
}

#[test]
fn a_revoked_key_vouches_for_nothing() {
    let sound = signed(&key(), &statement(&key()));
    let revoked = pinned(&key(), |entry| {
        entry["status"] = json!("revoked");
        entry["revoked_at"] = json!("2026-05-01T00:00:00Z");
    });
    verify_with(&sound, &revoked).invalid(ReasonCode::KeyRevoked);
}

#[test]
fn unsigned_members_beside_the_signed_ones_are_named() {
    let report = tampered(|envelope| envelope["decision"] = json!("deny"));
    let note = &report.axis(Axis::OuterCopies).unwrap().note;
    assert!(note.contains("not signed: decision"), "{note}");
    tampered(|envelope| {
        let signature = envelope["signatures"][0].clone();
        envelope["signatures"] = json!(vec![signature; MAX_SIGNATURES + 1]);
    })
    .unverifiable(ReasonCode::MalformedMember);
}
