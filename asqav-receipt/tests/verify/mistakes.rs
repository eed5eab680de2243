//! Mistakes that verifiers of others made, on receipts of other issuers.

use asqav_receipt::base64url;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::verify::{
    Axis, AxisResult, NonceIndex, ReasonCode, ReceiptInputs, Report, Verdict, lenient_reading, verify_receipt,
};
use serde_json::{Value, json};

use crate::Verdicts as _;
use crate::support::foreign::{canonical_bytes, envelope, jwk, keys, payload};
use crate::support::{Key, now};

fn key() -> Key {
    Key::new(3, "issuer-key")
}

fn check(receipt: &Value, jwks: &[Value]) -> Report {
    let keys = keys(jwks);
    verify_receipt(receipt.to_string().as_bytes(), &ReceiptInputs::new().keys(&keys).at(now()))
}

/// A payload changed before it is signed.
fn signed(change: impl FnOnce(&mut Value)) -> Report {
    let mut payload = payload();
    change(&mut payload);
    check(&envelope(&key(), &payload), &[jwk(&key())])
}

/// An envelope changed after it was signed.
fn wrapped(change: impl FnOnce(&mut Value)) -> Report {
    let mut receipt = envelope(&key(), &payload());
    change(&mut receipt);
    check(&receipt, &[jwk(&key())])
}

/// A sound receipt judged with a changed key set entry.
fn pinned(change: impl FnOnce(&mut Value)) -> Report {
    let mut entry = jwk(&key());
    change(&mut entry);
    check(&envelope(&key(), &payload()), &[entry])
}

fn raw(text: &str) -> Report {
    let keys = keys(&[jwk(&key())]);
    verify_receipt(text.as_bytes(), &ReceiptInputs::new().keys(&keys).at(now()))
}

#[test]
fn a_sound_receipt_of_another_issuer_is_verified() {
    signed(|_| {}).verified();
    wrapped(|_| {}).verified();
    pinned(|_| {}).verified();
}

#[test]
fn a_revoked_key_is_not_accepted_offline() {
    pinned(|entry| entry["status"] = json!("revoked")).unverifiable(ReasonCode::KeyRevokedUnplaced);
    pinned(|entry| {
        entry["status"] = json!("revoked");
        entry["revoked_at"] = json!("2026-05-01T00:00:00Z");
    })
    .invalid(ReasonCode::KeyRevoked);
    pinned(|entry| entry["status"] = json!("compromised")).invalid(ReasonCode::KeyRevoked);
    for status in ["retired", "decommissioned", "unknown", "Active", ""] {
        let report = pinned(|entry| entry["status"] = json!(status));
        assert_eq!(report.axis(Axis::KeyStatus).unwrap().result, AxisResult::Skipped, "{status}");
    }
    pinned(|entry| drop(entry.as_object_mut().unwrap().remove("status")))
        .unverifiable(ReasonCode::KeyStatusUnknown);
}

#[test]
fn a_backdated_receipt_under_a_revoked_key_is_not_verified() {
    pinned(|entry| {
        entry["status"] = json!("revoked");
        entry["revoked_at"] = json!("2026-05-20T00:00:00Z");
    })
    .unverifiable(ReasonCode::KeyRevokedUnplaced);
    // Compromise reaches further back than the revocation.
    pinned(|entry| {
        entry["status"] = json!("revoked");
        entry["revoked_at"] = json!("2026-05-20T00:00:00Z");
        entry["compromised_since"] = json!("2026-04-01T00:00:00Z");
    })
    .invalid(ReasonCode::KeyRevoked);
}

#[test]
fn the_presence_of_an_anchor_is_no_trusted_time() {
    let anchor = json!([{"type": "rfc3161", "value": "MIIB"}, {"type": "opentimestamps", "value": "AE9w", "status": "pending"}]);
    let report = wrapped(|receipt| receipt["anchors"] = anchor.clone());
    report.verified();
    assert_eq!(report.axis(Axis::Anchors).unwrap().result, AxisResult::Skipped);
    let mut entry = jwk(&key());
    entry["status"] = json!("revoked");
    entry["revoked_at"] = json!("2026-05-20T00:00:00Z");
    let mut receipt = envelope(&key(), &payload());
    receipt["anchors"] = anchor;
    check(&receipt, &[entry]).unverifiable(ReasonCode::KeyRevokedUnplaced);
    let required = keys(&[jwk(&key())]);
    let inputs = ReceiptInputs::new().keys(&required).at(now()).require_anchor(true);
    verify_receipt(receipt.to_string().as_bytes(), &inputs).unverifiable(ReasonCode::AnchorUnchecked);
}

#[test]
fn a_malformed_anchor_is_invalid() {
    wrapped(|receipt| receipt["anchors"] = json!([])).verified();
    for wrong in [
        json!({}),
        json!(""),
        json!([1]),
        json!([{"type": "rfc3161"}]),
        json!([{"value": "!!!!"}]),
        json!([{"value": ""}]),
    ] {
        wrapped(|receipt| receipt["anchors"] = wrong).invalid(ReasonCode::MalformedAnchor);
    }
    wrapped(|receipt| receipt["anchors"] = Value::Null).unverifiable(ReasonCode::MalformedMember);
}

/// Key, status and issuer come from one entry: no status of a sibling row
/// stands in for that of the key which verifies.
#[test]
fn every_axis_reads_the_same_entry() {
    let mut revoked = jwk(&key());
    revoked["status"] = json!("revoked");
    revoked["revoked_at"] = json!("2026-05-01T00:00:00Z");
    let mut sibling = jwk(&Key::new(4, "sibling"));
    sibling["status"] = json!("active");
    let receipt = envelope(&key(), &payload());
    check(&receipt, &[sibling.clone(), revoked.clone()]).invalid(ReasonCode::KeyRevoked);
    check(&receipt, &[revoked, sibling]).invalid(ReasonCode::KeyRevoked);
}

#[test]
fn a_published_key_does_not_speak_for_any_issuer() {
    pinned(|entry| entry["issuer_id"] = json!("Somebody Else")).invalid(ReasonCode::IssuerMismatch);
    pinned(|entry| drop(entry.as_object_mut().unwrap().remove("issuer_id")))
        .invalid(ReasonCode::IssuerMismatch);
    pinned(|entry| entry["agent_id"] = json!("agt_demo")).verified();
    pinned(|entry| entry["agent_id"] = json!("agt_other")).invalid(ReasonCode::AgentMismatch);
}

#[test]
fn a_key_swapped_under_the_same_kid_is_found_out() {
    let original = key();
    let mut bound = payload();
    bound["key_thumbprint"] = json!(original.thumbprint().to_tagged());
    check(&envelope(&original, &bound), &[jwk(&original)]).verified();
    // The directory now holds another key under that `kid`, and signs with it.
    let swapped = Key::new(5, &original.kid);
    check(&envelope(&swapped, &bound), &[jwk(&swapped)]).invalid(ReasonCode::KeySubstituted);
    signed(|payload| payload["key_thumbprint"] = json!("sha256:xyz"))
        .invalid(ReasonCode::MalformedThumbprint);
}

#[test]
fn a_key_inside_the_receipt_is_not_trusted() {
    let stranger = Key::new(6, "stranger");
    let mut receipt = envelope(&stranger, &payload());
    receipt["signature"]["jwk"] = jwk(&stranger);
    receipt["public_key_b64"] = json!(base64url::encode(&stranger.public_key));
    check(&receipt, &[jwk(&key())]).unverifiable(ReasonCode::KeyNotPinned);
    receipt["signature"]["kid"] = json!(key().kid);
    check(&receipt, &[jwk(&key())]).invalid(ReasonCode::SignatureInvalid);
}

/// An absent label means ML-DSA-65 and nothing else; any other label is
/// compared with the key.
#[test]
fn an_algorithm_label_is_not_believed() {
    wrapped(|receipt| drop(receipt["signature"].as_object_mut().unwrap().remove("alg"))).verified();
    wrapped(|receipt| receipt["signature"]["alg"] = json!("Ed25519")).invalid(ReasonCode::AlgorithmMismatch);
    for wrong in [json!("none"), json!("ML-DSA-87"), json!(""), json!(true), Value::Null] {
        wrapped(|receipt| receipt["signature"]["alg"] = wrong).unverifiable(ReasonCode::AlgorithmUnsupported);
    }
}

#[test]
fn the_payload_digest_is_recomputed() {
    signed(|payload| payload["context"]["amount"] = json!(4)).invalid(ReasonCode::PayloadDigestMismatch);
    signed(|payload| payload["payload_digest"]["size"] = json!(1)).invalid(ReasonCode::PayloadDigestMismatch);
    signed(|payload| payload["payload_digest"]["hash"] = json!("A".repeat(64)))
        .invalid(ReasonCode::MalformedDigest);
    signed(|payload| payload["payload_digest"]["size"] = Value::Null).invalid(ReasonCode::MalformedDigest);
    signed(|payload| drop(payload.as_object_mut().unwrap().remove("context"))).verified();
}

#[test]
fn a_keyed_digest_is_not_labelled_plain() {
    let keyed = signed(|payload| {
        payload["hash_algo"] = json!("hmac-sha256");
        payload.as_object_mut().unwrap().remove("context");
    });
    assert_eq!(keyed.verdict, Verdict::VerifiedKeyed, "{keyed:#?}");
    signed(|payload| payload["hash_algo"] = json!("hmac-sha256"))
        .unverifiable(ReasonCode::PayloadDigestUnchecked);
    signed(|payload| payload["hash_algo"] = json!("sha-256"))
        .unverifiable(ReasonCode::PayloadDigestUnchecked);
    signed(|payload| payload["hash_algo"] = json!("sha256")).verified();
}

#[test]
fn unsigned_outer_copies_are_compared() {
    let copies = |change: &dyn Fn(&mut Value)| {
        wrapped(|receipt| {
            receipt["agent_id"] = json!("agt_demo");
            receipt["signed_at"] = json!("2026-05-04T12:00:00");
            receipt["algorithm"] = json!("ML-DSA-65");
            receipt["message_b64"] = json!(base64url::encode(&canonical_bytes(&receipt["payload"])));
            receipt["public_key_b64"] = json!(base64url::encode(&key().public_key));
            change(receipt);
        })
    };
    copies(&|_| {}).verified();
    let edits: [&dyn Fn(&mut Value); 8] = [
        &|receipt| receipt["agent_id"] = json!("agt_other"),
        &|receipt| receipt["signed_at"] = json!("2026-05-04T13:00:00"),
        &|receipt| receipt["algorithm"] = json!("Ed25519"),
        &|receipt| receipt["message_b64"] = json!("e30"),
        &|receipt| receipt["public_key_b64"] = json!("AAAA"),
        &|receipt| receipt["decision"] = json!("deny"),
        &|receipt| receipt["signature"]["decision"] = json!("deny"),
        &|receipt| receipt["compliance_mode"] = json!(false),
    ];
    for (at, edit) in edits.iter().enumerate() {
        let report = copies(edit);
        assert_eq!(report.reason_code, Some(ReasonCode::OuterCopyMismatch), "{at}: {report:#?}");
    }
    let stray = copies(&|receipt| receipt["risk"] = json!("none"));
    stray.verified();
    assert!(stray.axis(Axis::OuterCopies).unwrap().note.contains("not signed: risk"));
}

#[test]
fn duplicate_members_are_refused() {
    let text = envelope(&key(), &payload()).to_string();
    raw(&text).verified();
    let twice = text.replacen("{", r#"{"payload":{"decision":"deny"},"#, 1);
    raw(&twice).unverifiable(ReasonCode::DuplicateMember);
    raw(&text.replacen(r#""amount":3"#, r#""amount":3,"amount":3"#, 1))
        .unverifiable(ReasonCode::DuplicateMember);
}

/// What a reader that keeps the last of two members would have believed can be
/// shown, and is never a verdict.
#[test]
fn a_lenient_reading_is_shown_and_not_believed() {
    let text = envelope(&key(), &payload()).to_string();
    let keys = key().pin();
    let inputs = ReceiptInputs::new().keys(&keys).at(now());
    let read = |text: &str| lenient_reading(text.as_bytes(), &inputs);
    assert!(read(&text).is_none(), "nothing is repeated");
    // Sound for whoever keeps the last, a denial for whoever keeps the first.
    let twice = text.replacen('{', r#"{"payload":{"decision":"deny"},"#, 1);
    let report = read(&twice).unwrap();
    assert_eq!(report.axis(Axis::Signature).unwrap().result, AxisResult::Pass, "{report:#?}");
    report.unverifiable(ReasonCode::DuplicateMember);
    let nested = text.replacen(r#""amount":3"#, r#""amount":4,"amount":3"#, 1);
    let report = read(&nested).unwrap();
    assert_eq!(report.axis(Axis::PayloadDigest).unwrap().result, AxisResult::Pass, "{report:#?}");
    report.unverifiable(ReasonCode::DuplicateMember);
    assert!(read(&twice.replacen("amount", "am\\ud800ount", 1)).is_none(), "what else is wrong stays wrong");
}

#[test]
fn numbers_have_one_reading() {
    let text = envelope(&key(), &payload()).to_string();
    for wrong in ["9007199254740993", "-9007199254740992", "1e400", "1e999999999"] {
        raw(&text.replacen(r#""amount":3"#, &format!(r#""amount":{wrong}"#), 1))
            .unverifiable(ReasonCode::NumberRange);
    }
    for wrong in ["3.0", "-0.0", "3e0", "1e300"] {
        let report = raw(&text.replacen(r#""amount":3"#, &format!(r#""amount":{wrong}"#), 1));
        assert_eq!(report.axis(Axis::Structure).unwrap().reason, Some(ReasonCode::NumberRange), "{wrong}");
    }
    raw(&text.replacen(r#""amount":3"#, r#""amount":NaN"#, 1)).unverifiable(ReasonCode::MalformedJson);
}

/// U+1F600 sorts before U+FB33 by UTF-16 code units, after it by code points.
#[test]
fn members_are_ordered_by_utf16() {
    let names = ["\u{1f600}", "\u{fb33}"];
    let mut wide = payload();
    for name in names {
        wide["extra"][name] = json!(1);
    }
    check(&envelope(&key(), &wide), &[jwk(&key())]).verified();
    let canonical = String::from_utf8(canonical_bytes(&wide)).unwrap();
    let pair = format!(r#"{{"{}":1,"{}":1}}"#, names[0], names[1]);
    let by_code_point = canonical.replace(&pair, &format!(r#"{{"{}":1,"{}":1}}"#, names[1], names[0]));
    assert_ne!(canonical, by_code_point);
    let sig = base64url::encode(&key().sign(by_code_point.as_bytes()));
    let mut receipt = envelope(&key(), &wide);
    receipt["signature"]["sig"] = json!(sig);
    check(&receipt, &[jwk(&key())]).invalid(ReasonCode::SignatureInvalid);
}

#[test]
fn base64_is_read_strictly() {
    let sig = envelope(&key(), &payload())["signature"]["sig"].as_str().unwrap().to_owned();
    for wrong in
        ["!!!!".to_owned(), format!("{sig}\n"), format!("{sig}===="), format!(" {sig}"), String::new()]
    {
        wrapped(|receipt| receipt["signature"]["sig"] = json!(wrong)).invalid(ReasonCode::SignatureEncoding);
    }
    wrapped(|receipt| receipt["signature"]["sig"] = json!(sig.replace('-', "+").replace('_', "/")))
        .verified();
}

#[test]
fn times_are_read_strictly() {
    for wrong in [
        "2026-05-04T12:00:00+0260",
        "2026-05-04T24:00:00Z",
        "2026-05-04T12:00:00Z\n",
        "٢٠٢٦-05-04T12:00:00Z",
        "yesterday",
        "",
    ] {
        signed(|payload| payload["issued_at"] = json!(wrong)).unverifiable(ReasonCode::MalformedTime);
        let expiry = signed(|payload| payload["expires_at"] = json!(wrong));
        assert_eq!(expiry.axis(Axis::Expiry).unwrap().result, AxisResult::Fail, "{wrong:?}");
    }
    signed(|payload| payload["issued_at"] = json!("2026-06-01T00:05:00Z")).verified();
    signed(|payload| payload["issued_at"] = json!("2026-06-01T00:05:01Z")).invalid(ReasonCode::InTheFuture);
    pinned(|entry| {
        entry["status"] = json!("revoked");
        entry["revoked_at"] = json!("soon");
    })
    .invalid(ReasonCode::KeyRevoked);
}

/// Expiry is shown, and leaves the verdict alone.
#[test]
fn expiry_is_reported_and_changes_no_verdict() {
    let expired = signed(|payload| payload["expires_at"] = json!("2026-05-05T00:00:00Z"));
    expired.verified();
    assert_eq!(expired.axis(Axis::Expiry).unwrap().reason, Some(ReasonCode::Expired));
    let ahead = signed(|payload| payload["expires_at"] = json!("2026-07-01T00:00:00Z"));
    assert_eq!(ahead.axis(Axis::Expiry).unwrap().result, AxisResult::Pass);
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!(r#"{{"payload":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    raw(&deep).unverifiable(ReasonCode::TooDeep);
    raw(&"[".repeat(1_000_000)).unverifiable(ReasonCode::TooDeep);
}

#[test]
fn an_unknown_type_is_not_a_failure_and_a_false_one_is() {
    signed(|payload| payload["type"] = json!("acme:decision")).unverifiable(ReasonCode::ForeignNamespace);
    signed(|payload| payload["type"] = json!("protectmcp:lifecycle:oversight_ruling"))
        .unverifiable(ReasonCode::UnimplementedType);
    signed(|payload| payload["type"] = json!("protectmcp:anything")).invalid(ReasonCode::UnregisteredType);
    signed(|payload| payload["type"] = json!(42)).invalid(ReasonCode::MalformedType);
}

#[test]
fn a_missing_version_is_not_version_1() {
    signed(|payload| payload["v"] = json!(2)).verified();
    signed(|payload| drop(payload.as_object_mut().unwrap().remove("v")))
        .unverifiable(ReasonCode::UnknownVersion);
    for wrong in [json!(0), json!(3), json!("1"), json!(true), Value::Null] {
        signed(|payload| payload["v"] = wrong).unverifiable(ReasonCode::UnknownVersion);
    }
    signed(|payload| payload["mode"] = json!("other")).unverifiable(ReasonCode::UnknownVersion);
    signed(|payload| drop(payload.as_object_mut().unwrap().remove("decision")))
        .unverifiable(ReasonCode::MalformedMember);
}

#[test]
fn controls_that_never_ran_are_not_claimed() {
    let claim = |controls: Value| signed(|payload| payload["controls_evaluated"] = controls);
    claim(json!({"policy": {"evaluated": true, "matched_count": 1}, "result": "allowed"})).verified();
    claim(json!({"quorum": {"fired": true, "attestation_hash": "a".repeat(64)}})).verified();
    for wrong in [
        json!({"policy": {"evaluated": true, "matched_count": 0}}),
        json!({"policy": {"evaluated": true, "matched_count": true}}),
        json!({"policy": {"evaluated": false, "matched_count": 1}}),
        json!({"quorum": {"fired": true}}),
        json!({"quorum": {"fired": true, "attestation_hash": format!("{}\n", "a".repeat(64))}}),
        json!({"telepathy": true}),
        json!([]),
    ] {
        claim(wrong).unverifiable(ReasonCode::FalseControl);
    }
}

#[test]
fn a_nonce_is_used_once() {
    let receipt = envelope(&key(), &payload());
    let keys = keys(&[jwk(&key())]);
    let mut index = NonceIndex::new();
    let check = |receipt: &Value, index: &NonceIndex| {
        verify_receipt(
            receipt.to_string().as_bytes(),
            &ReceiptInputs::new().keys(&keys).at(now()).nonces(index),
        )
    };
    let first = check(&receipt, &index);
    first.verified();
    index.record(&first);
    check(&receipt, &index).verified();
    let mut other = payload();
    other["decision"] = json!("deny");
    check(&envelope(&key(), &other), &index).invalid(ReasonCode::DuplicateNonce);
    other["nonce"] = json!("another");
    check(&envelope(&key(), &other), &index).verified();
}

#[test]
fn numbers_missing_from_a_series_are_seen() {
    let check = |before: Option<Value>, after: Option<Value>| {
        let mut predecessor = payload();
        let mut successor = payload();
        for (payload, seq) in [(&mut predecessor, before), (&mut successor, after)] {
            if let Some(seq) = seq {
                payload["seq"] = seq;
            }
        }
        successor["previousReceiptHash"] = json!(Sha256Digest::of(&canonical_bytes(&predecessor)).to_hex());
        let keys = keys(&[jwk(&key())]);
        let before = predecessor.to_string();
        let receipt = envelope(&key(), &successor).to_string();
        verify_receipt(
            receipt.as_bytes(),
            &ReceiptInputs::new().keys(&keys).at(now()).predecessor(before.as_bytes()),
        )
    };
    check(Some(json!(7)), Some(json!(8))).verified();
    check(None, None).verified();
    check(Some(json!(7)), Some(json!(9))).invalid(ReasonCode::SeqGap);
    check(Some(json!(7)), Some(json!(7))).invalid(ReasonCode::SeqNotMonotonic);
    check(Some(json!(7)), None).invalid(ReasonCode::SeqNotMonotonic);
    check(None, Some(json!("8"))).invalid(ReasonCode::MalformedSeq);
    check(None, Some(json!(0))).invalid(ReasonCode::MalformedSeq);
}

#[test]
fn what_is_no_receipt_is_unverifiable() {
    for (text, reason) in [
        ("", ReasonCode::MalformedJson),
        ("null", ReasonCode::NoPayload),
        ("[]", ReasonCode::NoPayload),
        ("{}", ReasonCode::NoPayload),
        (r#"{"payload":null}"#, ReasonCode::NoPayload),
        (r#"{"mode":"hash"}"#, ReasonCode::NoPayload),
        (r#"{"payload":{},"signature":[]}"#, ReasonCode::MalformedMember),
    ] {
        let report = raw(text);
        assert_eq!(report.axes.len(), 15);
        assert_eq!(report.axis(Axis::Structure).unwrap().reason, Some(reason), "{text}");
        assert!(report.verdict.failure_class().is_some(), "{text}");
    }
}
