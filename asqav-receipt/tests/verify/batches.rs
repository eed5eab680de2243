//! Receipts of a batch on their own: each verifies without the others, and
//! nothing of it can be stripped, moved or mixed.

use asqav_receipt::batch::{BATCH_ALG, Batch};
use asqav_receipt::id::LogId;
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt};
use serde_json::{Value, json};

use crate::Verdicts as _;
use crate::support::foreign::canonical_bytes;
use crate::support::log::Writer;
use crate::support::{Key, now};

/// A started gate and `calls` calls, all but the start in one batch.
fn log(calls: usize) -> Writer {
    let mut writer = Writer::started();
    writer.batched(|writer| {
        for _ in 0..calls {
            writer.call();
        }
    });
    writer
}

fn receipt(writer: &Writer, seq: usize) -> Value {
    serde_json::from_slice(&writer.receipts[seq - 1]).unwrap()
}

fn verify(writer: &Writer, receipt: &Value) -> Report {
    let keys = writer.key.pin();
    verify_receipt(&canonical_bytes(receipt), &ReceiptInputs::new().keys(&keys).at(now()))
}

/// Receipt 4 of a log, number 3 of a batch of 6 (receipts 2 to 7), changed.
fn changed(change: impl FnOnce(&mut Value)) -> Report {
    let writer = log(3);
    let mut receipt = receipt(&writer, 4);
    change(&mut receipt);
    verify(&writer, &receipt)
}

fn batch_member(change: impl FnOnce(&mut Value)) -> Report {
    changed(|receipt| change(&mut receipt["signature"]["batch"]))
}

#[test]
fn every_receipt_of_batches_of_any_size_verifies_alone() {
    for calls in [1, 2, 3, 4, 5, 8, 9, 40] {
        let writer = log(calls);
        for seq in 1..=writer.receipts.len() {
            let keys = writer.key.pin();
            let mut inputs = ReceiptInputs::new().keys(&keys).at(now());
            if seq > 1 {
                inputs = inputs.predecessor(&writer.receipts[seq - 2]);
            }
            let report = verify_receipt(&writer.receipts[seq - 1], &inputs);
            report.verified();
            assert_eq!(report.axis(Axis::Chain).unwrap().result, AxisResult::Pass);
        }
    }
    let largest = log(512);
    assert_eq!(receipt(&largest, 1_025)["signature"]["batch"]["path"].as_array().unwrap().len(), 10);
    verify(&largest, &receipt(&largest, 1_025)).verified();
}

#[test]
fn a_receipt_without_its_place_in_the_batch_is_not_verified() {
    changed(|_| {}).verified();
    changed(|receipt| drop(receipt["signature"].as_object_mut().unwrap().remove("batch")))
        .invalid(ReasonCode::BatchMalformed);
    // The line of a log: the signature stands elsewhere.
    batch_member(|batch| drop(batch.as_object_mut().unwrap().remove("path")))
        .unverifiable(ReasonCode::BatchIncomplete);
    for member in ["first_seq", "size"] {
        batch_member(|batch| drop(batch.as_object_mut().unwrap().remove(member)))
            .invalid(ReasonCode::BatchMalformed);
    }
    // Relabelled as a signature of its own: it is not over this payload.
    changed(|receipt| {
        receipt["signature"]["alg"] = json!("ML-DSA-65");
        receipt["signature"].as_object_mut().unwrap().remove("batch");
    })
    .invalid(ReasonCode::SignatureInvalid);
    changed(|receipt| receipt["signature"]["alg"] = json!("ML-DSA-65")).invalid(ReasonCode::BatchMalformed);
}

#[test]
fn a_receipt_does_not_move_within_its_batch() {
    for (first_seq, size, reason) in [
        (1, 6, ReasonCode::SignatureInvalid),
        (3, 6, ReasonCode::SignatureInvalid),
        (2, 5, ReasonCode::SignatureInvalid),
        (2, 7, ReasonCode::SignatureInvalid),
        (2, 4, ReasonCode::BatchMalformed),
        (2, 9, ReasonCode::BatchMalformed),
        (5, 6, ReasonCode::BatchMalformed),
        (2, 2, ReasonCode::BatchMalformed),
        (4, 1, ReasonCode::BatchMalformed),
        (2, 1_025, ReasonCode::BatchMalformed),
        (0, 6, ReasonCode::BatchMalformed),
    ] {
        let report = batch_member(|batch| {
            batch["first_seq"] = json!(first_seq);
            batch["size"] = json!(size);
        });
        assert_eq!(report.reason_code, Some(reason), "{first_seq} {size} {report:#?}");
        assert!(report.verdict.failure_class().is_some());
    }
    for wrong in [json!("2"), json!(2.5), json!(-2), json!(null), json!([2])] {
        batch_member(|batch| batch["first_seq"] = wrong).invalid(ReasonCode::BatchMalformed);
    }
}

#[test]
fn a_path_has_its_length_and_leads_to_the_root() {
    batch_member(|batch| drop(batch["path"].as_array_mut().unwrap().pop()))
        .invalid(ReasonCode::BatchMalformed);
    batch_member(|batch| {
        let path = batch["path"].as_array_mut().unwrap();
        path.push(path[0].clone());
    })
    .invalid(ReasonCode::BatchMalformed);
    batch_member(|batch| batch["path"].as_array_mut().unwrap().reverse())
        .invalid(ReasonCode::SignatureInvalid);
    batch_member(|batch| batch["path"] = json!([])).invalid(ReasonCode::BatchMalformed);
    for at in 0..3 {
        batch_member(|batch| batch["path"][at] = json!("00".repeat(32)))
            .invalid(ReasonCode::SignatureInvalid);
        batch_member(|batch| {
            let upper = batch["path"][at].as_str().unwrap().to_uppercase();
            batch["path"][at] = json!(upper);
        })
        .invalid(ReasonCode::BatchMalformed);
    }
}

#[test]
fn batches_do_not_mix() {
    let mut writer = log(3);
    writer.batched(|writer| {
        for _ in 0..3 {
            writer.call();
        }
    });
    let (fourth, other) = (receipt(&writer, 4), receipt(&writer, 10));
    verify(&writer, &other).verified();
    for member in ["sig", "batch"] {
        let mut mixed = fourth.clone();
        mixed["signature"][member] = other["signature"][member].clone();
        let report = verify(&writer, &mixed);
        assert!(report.verdict.failure_class().is_some(), "{member}: {report:#?}");
        assert_ne!(report.reason_code, Some(ReasonCode::BatchIncomplete));
    }
    let mut mixed = fourth;
    mixed["signature"] = other["signature"].clone();
    verify(&writer, &mixed).invalid(ReasonCode::BatchMalformed);
}

#[test]
fn nothing_unknown_stands_beside_the_members() {
    batch_member(|batch| batch["index"] = json!(2)).invalid(ReasonCode::BatchMalformed);
    changed(|receipt| receipt["signature"]["note"] = json!("x")).invalid(ReasonCode::BatchMalformed);
    // Nor `batch` beside a signature of the receipt's own.
    let writer = Writer::started();
    let mut own = receipt(&writer, 1);
    verify(&writer, &own).verified();
    own["signature"]["batch"] = json!({"first_seq": 1, "size": 2, "path": ["00".repeat(32)]});
    verify(&writer, &own).invalid(ReasonCode::BatchMalformed);
}

#[test]
fn a_changed_payload_fails_and_so_does_another_key() {
    changed(|receipt| receipt["payload"]["decision"] = json!("deny")).not_verified();
    changed(|receipt| receipt["payload"]["nonce"] = json!("0".repeat(24))).not_verified();
    changed(|receipt| receipt["signature"]["kid"] = json!("finance-2")).invalid(ReasonCode::KidMismatch);
    let writer = log(3);
    let stranger = Key::new(9, "finance-1").pin();
    let report = verify_receipt(&writer.receipts[3], &ReceiptInputs::new().keys(&stranger).at(now()));
    report.not_verified();
}

/// The root is of one log and one key: one made for another does not count.
#[test]
fn a_root_is_of_the_log_and_key_that_the_payload_names() {
    let writer = log(3);
    let payloads = || writer.payloads[1..].iter().map(Vec::as_slice);
    let log_id = LogId::from_bytes([8; 16]);
    let thumbprint = writer.key.thumbprint();
    let other_key = Key::new(5, "other").thumbprint();
    for (batch, sound) in [
        (Batch::new(writer.log_id, thumbprint, 2, payloads()), true),
        (Batch::new(log_id, thumbprint, 2, payloads()), false),
        (Batch::new(writer.log_id, other_key, 2, payloads()), false),
    ] {
        let sig = writer.key.signature(&batch.unwrap().root().signing_bytes());
        let mut receipt = receipt(&writer, 4);
        receipt["signature"]["sig"] = json!(asqav_receipt::base64url::encode(&sig.sig));
        let report = verify(&writer, &receipt);
        if sound { report.verified() } else { report.invalid(ReasonCode::SignatureInvalid) }
    }
}

/// A root's bytes are not a payload, a payload's are not a root.
#[test]
fn neither_kind_of_signature_passes_for_the_other() {
    let writer = log(3);
    let mut own = receipt(&writer, 4);
    let over_payload = writer.key.signature(&writer.payloads[3]);
    own["signature"]["sig"] = json!(asqav_receipt::base64url::encode(&over_payload.sig));
    verify(&writer, &own).invalid(ReasonCode::SignatureInvalid);
}

/// Others' receipts know no such algorithm.
#[test]
fn the_algorithm_is_for_receipts_of_ours_only() {
    let report = changed(|receipt| drop(receipt["payload"].as_object_mut().unwrap().remove("asqav")));
    report.not_verified();
    assert_eq!(report.axis(Axis::Signature).unwrap().reason, Some(ReasonCode::AlgorithmUnsupported));
    assert!(report.axis(Axis::Signature).unwrap().note.contains(BATCH_ALG));
}
