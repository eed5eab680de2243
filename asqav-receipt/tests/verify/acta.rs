//! Receipts of the parent draft, and what one change does to each.

use asqav_receipt::base64url;
use asqav_receipt::digest::{Sha256Digest, encode_hex};
use asqav_receipt::keys::KeySet;
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::Verdicts as _;
use crate::support::foreign::{canonical_bytes, keys};
use crate::support::{Key, now};

const ISSUER: &str = "sb:issuer:example";

fn key() -> SigningKey {
    SigningKey::from_bytes(&[5; 32])
}

fn jwk(key: &SigningKey) -> Value {
    let x = base64url::encode(key.verifying_key().as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "kid": ISSUER, "x": x})
}

fn payload() -> Value {
    json!({
        "type": "protectmcp:decision",
        "issued_at": "2026-05-04T12:00:00Z",
        "issuer_id": ISSUER,
        "agent_id": "agt_1",
        "decision": "allow",
    })
}

fn envelope(payload: &Value) -> Value {
    let sig = encode_hex(&key().sign(&canonical_bytes(payload)).to_bytes());
    json!({"payload": payload, "signature": {"alg": "EdDSA", "kid": ISSUER, "sig": sig}})
}

fn verify_with(receipt: &Value, keys: &KeySet, predecessor: Option<&Value>) -> Report {
    let predecessor = predecessor.map(Value::to_string);
    let mut inputs = ReceiptInputs::new().keys(keys).at(now());
    inputs.predecessor = predecessor.as_deref().map(str::as_bytes);
    verify_receipt(receipt.to_string().as_bytes(), &inputs)
}

/// With a change that the signature covers.
fn signed(change: impl FnOnce(&mut Value)) -> Report {
    let mut payload = payload();
    change(&mut payload);
    verify_with(&envelope(&payload), &keys(&[jwk(&key())]), None)
}

/// With a change that no signature covers.
fn tampered(change: impl FnOnce(&mut Value)) -> Report {
    let mut receipt = envelope(&payload());
    change(&mut receipt);
    verify_with(&receipt, &keys(&[jwk(&key())]), None)
}

#[test]
fn a_sound_receipt_is_verified_on_every_axis() {
    let report = signed(|_| {});
    report.verified();
    assert_eq!((report.subject.format, report.axes.len()), ("acta", 15));
    tampered(|_| {}).verified();
}

#[test]
fn a_change_of_anything_signed_fails() {
    tampered(|receipt| receipt["payload"]["decision"] = json!("deny")).invalid(ReasonCode::SignatureInvalid);
    tampered(|receipt| receipt["payload"]["note"] = json!("")).invalid(ReasonCode::SignatureInvalid);
    for (sig, reason) in [
        ("", ReasonCode::SignatureEncoding),
        ("zz", ReasonCode::SignatureEncoding),
        (&"0".repeat(128), ReasonCode::SignatureInvalid),
        (&"0".repeat(130), ReasonCode::SignatureEncoding),
    ] {
        tampered(|receipt| receipt["signature"]["sig"] = json!(sig)).invalid(reason);
    }
    tampered(|receipt| {
        let sig = receipt["signature"]["sig"].as_str().unwrap().to_uppercase();
        receipt["signature"]["sig"] = json!(sig);
    })
    .invalid(ReasonCode::SignatureEncoding);
    // Commitment mode signs a digest of the payload: another format.
    tampered(|receipt| {
        let digest = Sha256Digest::of(&canonical_bytes(&payload()));
        receipt["signature"]["sig"] = json!(encode_hex(&key().sign(digest.as_bytes()).to_bytes()));
    })
    .invalid(ReasonCode::SignatureInvalid);
}

#[test]
fn the_key_is_the_pinned_one_of_the_claimed_issuer() {
    let sound = envelope(&payload());
    verify_with(&sound, &keys(&[]), None).unverifiable(ReasonCode::KeyNotPinned);
    let other = SigningKey::from_bytes(&[6; 32]);
    verify_with(&sound, &keys(&[jwk(&other)]), None).invalid(ReasonCode::SignatureInvalid);
    signed(|payload| payload["issuer_id"] = json!("sb:issuer:other")).invalid(ReasonCode::IssuerMismatch);
    signed(|payload| payload["issuer"] = json!("sb:issuer:other")).invalid(ReasonCode::IssuerMismatch);
    let with = |member: &str, value: &str| {
        let mut entry = jwk(&key());
        entry[member] = json!(value);
        verify_with(&sound, &keys(&[entry]), None)
    };
    with("status", "active").verified();
    with("status", "retired").unverifiable(ReasonCode::KeyRetired);
    with("status", "compromised").invalid(ReasonCode::KeyRevoked);
    with("agent_id", "agt_1").verified();
    with("agent_id", "agt_2").invalid(ReasonCode::AgentMismatch);
    with("issuer_id", "someone").invalid(ReasonCode::IssuerMismatch);
    with("alg", "EdDSA").verified();
    with("crv", "X25519").unverifiable(ReasonCode::KeyNotPinned);
    let mut post_quantum = crate::support::foreign::jwk(&Key::new(1, ISSUER));
    post_quantum["issuer_id"] = json!(ISSUER);
    verify_with(&sound, &keys(&[post_quantum]), None).invalid(ReasonCode::AlgorithmMismatch);
}

#[test]
fn a_key_beside_the_signature_is_compared_and_never_used() {
    let own = encode_hex(key().verifying_key().as_bytes());
    tampered(|receipt| receipt["signature"]["pubkey"] = json!(own)).verified();
    let thief = SigningKey::from_bytes(&[6; 32]);
    let theirs = encode_hex(thief.verifying_key().as_bytes());
    tampered(|receipt| receipt["signature"]["pubkey"] = json!(theirs)).invalid(ReasonCode::KeySubstituted);
    tampered(|receipt| {
        let sig = thief.sign(&canonical_bytes(&receipt["payload"]));
        receipt["signature"]["sig"] = json!(encode_hex(&sig.to_bytes()));
        receipt["signature"]["pubkey"] = json!(theirs);
    })
    .invalid(ReasonCode::SignatureInvalid);
}

#[test]
fn the_link_covers_the_whole_predecessor() {
    let mut before = envelope(&payload());
    before["payload"]["agent_id"] = json!("agt_0");
    let digest = Sha256Digest::of(&canonical_bytes(&before)).to_hex();
    let keys = keys(&[jwk(&key())]);
    let linked = |link: &str, predecessor: Option<&Value>| {
        let mut payload = payload();
        payload["previousReceiptHash"] = json!(link);
        verify_with(&envelope(&payload), &keys, predecessor)
    };
    linked(&digest, Some(&before)).verified();
    linked(&format!("sha256:{digest}"), Some(&before)).verified();
    let alone = linked(&digest, None);
    alone.verified();
    assert_eq!(alone.axis(Axis::Chain).unwrap().result, AxisResult::Skipped);
    // The link over the payload alone is the native format's, not this one's.
    let payload_only = Sha256Digest::of(&canonical_bytes(&before["payload"])).to_hex();
    linked(&payload_only, Some(&before)).invalid(ReasonCode::ChainBreak);
    let mut resigned = before.clone();
    resigned["signature"]["sig"] = json!("0".repeat(128));
    linked(&digest, Some(&resigned)).invalid(ReasonCode::ChainBreak);
    linked("sha512:00", Some(&before)).invalid(ReasonCode::MalformedLink);
    verify_with(&envelope(&payload()), &keys, Some(&before)).invalid(ReasonCode::ChainBreak);
}

#[test]
fn what_is_not_known_is_not_verified() {
    tampered(|receipt| receipt["signature"]["canonicalization"] = json!("RFC8785-JCS")).verified();
    tampered(|receipt| receipt["signature"]["canonicalization"] = json!("other"))
        .unverifiable(ReasonCode::FormatNotSupported);
    signed(|payload| payload["amount"] = json!(1.5)).verified();
    signed(|payload| payload["amount"] = json!(1250.0)).unverifiable(ReasonCode::NumberRange);
    signed(|payload| drop(payload.as_object_mut().unwrap().remove("issued_at")))
        .unverifiable(ReasonCode::MalformedMember);
    signed(|payload| payload["issued_at"] = json!("2030-01-01T00:00:00Z")).invalid(ReasonCode::InTheFuture);
    // With members of the native format it is no receipt of the parent draft.
    for member in ["v", "mode", "asqav"] {
        let report = signed(|payload| payload[member] = json!(1));
        assert_ne!(report.subject.format, "acta", "{member}");
        assert!(report.verdict.failure_class().is_some(), "{member}");
    }
}
