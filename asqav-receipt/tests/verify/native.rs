//! Single receipts of ours: what the reference verifiers do not check is
//! checked here.

use asqav_receipt::digest::{Sha3Digest, Sha256Digest};
use asqav_receipt::json::Json;
use asqav_receipt::keys::KeySet;
use asqav_receipt::payload::{Decision, Form, Link, Payload, Phase};
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt};
use serde_json::{Value, json};

use crate::Verdicts as _;
use crate::support::foreign::{canonical_bytes, envelope};
use crate::support::log::Writer;
use crate::support::{Key, now};

/// Verifies the last receipt of a log against the one before it.
fn last(writer: &Writer) -> Report {
    let lines = &writer.files()[0].lines;
    let keys = writer.key.pin();
    let inputs = ReceiptInputs::new().keys(&keys).at(now());
    match lines.split_last().unwrap() {
        (last, [.., before]) => verify_receipt(last, &inputs.predecessor(before)),
        (last, []) => verify_receipt(last, &inputs),
    }
}

/// A log whose last receipt is a decision, changed by `change` before it is signed.
fn changed(change: impl FnOnce(&mut Payload)) -> Report {
    let mut writer = Writer::started();
    let mut draft = writer.decision_draft();
    change(&mut draft);
    writer.write(draft);
    last(&writer)
}

/// The same, changed as JSON text members, which the types would not allow.
fn changed_json(change: impl FnOnce(&mut Value)) -> Report {
    let mut writer = Writer::started();
    let draft = writer.decision_draft();
    let mut payload: Value = serde_json::from_slice(&draft.to_canonical()).unwrap();
    change(&mut payload);
    let receipt = envelope(&writer.key, &payload).to_string();
    let keys = writer.key.pin();
    let before = writer.files()[0].lines[0].clone();
    verify_receipt(receipt.as_bytes(), &ReceiptInputs::new().keys(&keys).at(now()).predecessor(&before))
}

#[test]
fn every_axis_of_a_sound_receipt_passes() {
    let report = changed(|_| {});
    report.verified();
    for axis in &report.axes {
        let wanted = if axis.axis == Axis::Anchors { AxisResult::Skipped } else { AxisResult::Pass };
        assert_eq!(axis.result, wanted, "{axis:?}");
    }
    assert!(report.not_checked.iter().any(|line| line.starts_with("time: claimed, not anchored")));
    changed_json(|_| {}).verified();
}

#[test]
fn every_kind_of_receipt_is_verified() {
    let mut writer = Writer::started();
    last(&writer).verified();
    let decision = writer.allow();
    last(&writer).verified();
    writer.outcome(&decision);
    last(&writer).verified();
    writer.deny();
    last(&writer).verified();
    let session = writer.open_session("s-1");
    writer.step(&session);
    last(&writer).verified();
    writer.close_session(&session);
    last(&writer).verified();
    writer.event("gate:stop", &[]);
    last(&writer).verified();
}

#[test]
fn a_missing_predecessor_is_named_and_tolerated() {
    let mut writer = Writer::started();
    writer.allow();
    let keys = writer.key.pin();
    let receipt = &writer.files()[0].lines[1];
    let report = verify_receipt(receipt, &ReceiptInputs::new().keys(&keys).at(now()));
    report.verified();
    assert_eq!(report.axis(Axis::Chain).unwrap().result, AxisResult::Skipped);
    assert!(report.not_checked.iter().any(|line| line.starts_with("chain: ")), "{:?}", report.not_checked);
    verify_receipt(receipt, &ReceiptInputs::new().keys(&keys).at(now()).predecessor(b"{"))
        .unverifiable(ReasonCode::PredecessorUnreadable);
}

#[test]
fn both_hash_families_link_to_the_predecessor() {
    changed(|draft| draft.link.sha256 = Sha256Digest::of(b"other")).invalid(ReasonCode::ChainBreak);
    changed(|draft| draft.link.sha3 = Some(Sha3Digest::of(b"other"))).invalid(ReasonCode::ChainBreak);
    changed(|draft| draft.link.sha3 = None).invalid(ReasonCode::MalformedLink);
    changed(|draft| draft.link = Link::GENESIS).invalid(ReasonCode::ChainBreak);
}

#[test]
fn the_predecessor_belongs_to_the_same_log() {
    changed(|draft| draft.asqav.log_id = asqav_receipt::id::LogId::from_bytes([1; 16]))
        .invalid(ReasonCode::LogIdChanged);
}

#[test]
fn the_number_follows_the_predecessors() {
    changed(|draft| draft.seq = 5).invalid(ReasonCode::SeqGap);
    changed(|draft| draft.seq = 1).invalid(ReasonCode::SeqNotMonotonic);
}

#[test]
fn derived_digests_are_those_of_what_they_name() {
    let digest = || json!(format!("sha256:{}", "a".repeat(64)));
    changed_json(|payload| payload["action_ref"] = digest()).invalid(ReasonCode::PayloadDigestMismatch);
    changed_json(|payload| payload["action_type"] = json!("ledger:post"))
        .invalid(ReasonCode::PayloadDigestMismatch);
    changed_json(|payload| payload["payload_digest"]["hash"] = json!("a".repeat(64)))
        .invalid(ReasonCode::PayloadDigestMismatch);
    changed_json(|payload| payload["payload_digest"]["size"] = json!(1))
        .invalid(ReasonCode::PayloadDigestMismatch);
    changed_json(|payload| drop(payload.as_object_mut().unwrap().remove("payload_digest")))
        .invalid(ReasonCode::MalformedDigest);
    changed_json(|payload| payload["result_digest"] = digest()).invalid(ReasonCode::PayloadDigestMismatch);
}

#[test]
fn a_commitment_has_one_form() {
    let commit = |value: Value| {
        changed_json(|payload| {
            payload["context"]["arguments"]["account"] = value;
            let context = canonical_bytes(&payload["context"]);
            payload["payload_digest"] =
                json!({"hash": Sha256Digest::of(&context).to_hex(), "size": context.len()});
            let covered = json!({"action_type": payload["action_type"], "context": payload["context"]});
            payload["action_ref"] = json!(Sha256Digest::of(&canonical_bytes(&covered)).to_tagged());
        })
    };
    commit(json!({"commit": "a".repeat(64)})).verified();
    // An argument that is itself an object with `commit` stands within its own form.
    commit(json!({"value": {"commit": "a".repeat(64)}})).verified();
    for wrong in [
        json!({"commit": "a".repeat(63)}),
        json!({"commit": "A".repeat(64)}),
        json!({"commit": "a".repeat(64), "value": 1}),
        json!({"dropped": false}),
        json!({"value": 1.5}),
        json!("plain"),
    ] {
        commit(wrong).invalid(ReasonCode::MalformedReceipt);
    }
}

#[test]
fn type_phase_and_decision_fit_together() {
    changed(|draft| draft.asqav.phase = Phase::Outcome).invalid(ReasonCode::MalformedReceipt);
    changed(|draft| draft.decision = Decision::Deny).invalid(ReasonCode::MalformedReceipt);
    changed(|draft| draft.invocation_ref = Some(Sha256Digest::of(b"x")))
        .invalid(ReasonCode::MalformedReceipt);
    let none = Sha256Digest::of(br#"{"asqav_policy":"none"}"#);
    changed(|draft| draft.policy_digest = none).invalid(ReasonCode::MalformedReceipt);
    changed(|draft| {
        draft.policy_digest = none;
        draft.decision = Decision::Observation;
    })
    .verified();
    let refused = |reason: &str| {
        changed(|draft| {
            draft.policy_digest = none;
            draft.decision = Decision::Deny;
            draft.reason = Some(reason.parse().unwrap());
        })
    };
    // What no receipt can hold is refused by the gate itself; all else is a policy's.
    for own in ["unrepresentable", "duplicate_member", "too_deep", "emergency_halt", "session_frozen"] {
        refused(own).verified();
    }
    refused("denied_by_rule").invalid(ReasonCode::MalformedReceipt);
}

#[test]
fn unknown_members_are_not_verified() {
    changed_json(|payload| payload["later"] = json!(1)).unverifiable(ReasonCode::UnknownMember);
    changed_json(|payload| payload["asqav"]["later"] = json!(1)).unverifiable(ReasonCode::UnknownMember);
}

#[test]
fn kid_is_that_of_the_key_which_the_thumbprint_names() {
    let mut writer = Writer::started();
    writer.key.kid = "other".to_owned();
    writer.allow();
    let keys = Key::new(1, "finance-1").pin();
    let line = &writer.files()[0].lines[1];
    verify_receipt(line, &ReceiptInputs::new().keys(&keys).at(now())).invalid(ReasonCode::KidMismatch);
}

/// A label is compared with the key, never believed.
#[test]
fn alg_is_that_of_the_key() {
    let mut writer = Writer::started();
    writer.allow();
    let line = String::from_utf8(writer.files()[0].lines[1].clone()).unwrap();
    let keys = writer.key.pin();
    let with = |alg: &str| {
        let line = line.replace("\"alg\":\"ML-DSA-65\"", &format!("\"alg\":\"{alg}\""));
        verify_receipt(line.as_bytes(), &ReceiptInputs::new().keys(&keys).at(now()))
    };
    with("ML-DSA-65").verified();
    with("Ed25519").invalid(ReasonCode::AlgorithmMismatch);
    for unknown in ["ml-dsa-65", "none", "asqav-batch-v2+ML-DSA-65", ""] {
        with(unknown).unverifiable(ReasonCode::AlgorithmUnsupported);
    }
    with("asqav-batch-v1+ML-DSA-65").invalid(ReasonCode::BatchMalformed);
    let unlabelled = line.replace("\"alg\":\"ML-DSA-65\",", "");
    verify_receipt(unlabelled.as_bytes(), &ReceiptInputs::new().keys(&keys).at(now()))
        .unverifiable(ReasonCode::AlgorithmUnsupported);
}

#[test]
fn the_signature_has_one_spelling() {
    let mut writer = Writer::started();
    writer.allow();
    let line = String::from_utf8(writer.files()[0].lines[1].clone()).unwrap();
    let keys = writer.key.pin();
    let with = |change: &dyn Fn(&str) -> String| {
        let start = line.find("\"sig\":\"").unwrap() + 7;
        let end = start + line[start..].find('"').unwrap();
        let line = format!("{}{}{}", &line[..start], change(&line[start..end]), &line[end..]);
        verify_receipt(line.as_bytes(), &ReceiptInputs::new().keys(&keys).at(now()))
    };
    with(&str::to_owned).verified();
    with(&|sig| format!("{sig}=")).invalid(ReasonCode::SignatureEncoding);
    with(&|sig| format!("{sig}\\n")).invalid(ReasonCode::SignatureEncoding);
    with(&|_| "!!!!".to_owned()).invalid(ReasonCode::SignatureEncoding);
    with(&|_| String::new()).invalid(ReasonCode::SignatureEncoding);
    with(&|sig| sig.replace('-', "+").replace('_', "/")).invalid(ReasonCode::SignatureEncoding);
    with(&|sig| sig[4..].to_owned()).invalid(ReasonCode::SignatureInvalid);
}

#[test]
fn no_byte_of_a_receipt_can_be_flipped() {
    let mut writer = Writer::started();
    writer.allow();
    let line = writer.files()[0].lines[1].clone();
    let keys = writer.key.pin();
    for at in (0..line.len()).step_by(7) {
        let mut changed = line.clone();
        changed[at] ^= 1 << (at % 7);
        let report = verify_receipt(&changed, &ReceiptInputs::new().keys(&keys).at(now()));
        assert!(report.verdict.failure_class().is_some(), "byte {at}: {report:#?}");
    }
}

#[test]
fn a_payload_is_at_most_4096_bytes_long() {
    let long = |count: usize| {
        changed(|draft| {
            let shown = (0..count).map(|at| (format!("a{at:03}"), Form::Commit(Sha3Digest::of(b"x"))));
            draft.context =
                asqav_receipt::payload::Context::Arguments { shown: shown.collect(), folded: None };
        })
    };
    long(10).verified();
    long(60).invalid(ReasonCode::PayloadTooLong);
}

/// Trust, time and evidence come from the caller only.
#[test]
fn what_was_not_given_was_not_checked() {
    let mut writer = Writer::started();
    writer.allow();
    let line = &writer.files()[0].lines[1];
    let keys = writer.key.pin();
    verify_receipt(line, &ReceiptInputs::new().at(now())).unverifiable(ReasonCode::KeyNotPinned);
    verify_receipt(line, &ReceiptInputs::new().keys(&KeySet::default()).at(now()))
        .unverifiable(ReasonCode::KeyNotPinned);
    verify_receipt(line, &ReceiptInputs::new().keys(&keys)).unverifiable(ReasonCode::NoEvaluationTime);
    verify_receipt(line, &ReceiptInputs::new().keys(&keys).at(now()).require_anchor(true))
        .unverifiable(ReasonCode::NotAnchored);
}

#[test]
fn the_report_prints_as_one_object() {
    let report = changed(|draft| draft.seq = 5);
    let json = asqav_receipt::canonical::to_vec(&report.to_json());
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["verdict"], &json["failure_class"]), (&json!("unverified"), &json!("invalid")));
    assert_eq!((&json["receipts"], &json["segments"]), (&json!(1), &json!(0)));
    let names: Vec<_> =
        json["axes"].as_array().unwrap().iter().map(|axis| axis["name"].as_str().unwrap()).collect();
    assert_eq!(names, Axis::ALL.map(Axis::as_str));
    let problem = &json["problems"][0];
    assert_eq!(
        (&problem["seq"], &problem["axis"], &problem["reason_code"]),
        (&json!(5), &json!("seq"), &json!("seq_gap"))
    );
    assert!(problem["action_id"].as_str().unwrap().starts_with("act_"));
    assert_eq!(
        report.to_json().as_object().and_then(|report| report.get("reason_code")),
        Some(&Json::from("seq_gap"))
    );
}
