//! Proofs that a receipt is in a log, checked without the log.

use asqav_receipt::canonical;
use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::id::LogId;
use asqav_receipt::keys::KeySet;
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _};
use asqav_receipt::proof::{InclusionProof, ProofError};
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt};
use serde_json::{Value, json};

use super::checkpoints::{running, signed, signed_by};
use crate::Verdicts as _;
use crate::support::log::Writer;
use crate::support::{Key, foreign, now};

fn lines(writer: &Writer) -> Vec<Vec<u8>> {
    writer.files().into_iter().flat_map(|segment| segment.lines).collect()
}

fn prove(writer: &Writer, seq: usize, checkpoint: SignedCheckpoint) -> Result<InclusionProof, ProofError> {
    let lines = lines(writer);
    let leaves: Vec<_> = lines.iter().map(|line| Sha3Tree::leaf(line)).collect();
    InclusionProof::new(lines[seq - 1].clone(), &leaves, checkpoint)
}

/// A sound proof of receipt `seq` as JSON.
fn proof(writer: &Writer, seq: usize) -> Value {
    let proof = prove(writer, seq, signed(writer, |_| {})).unwrap();
    serde_json::from_slice(&canonical::to_vec(&proof.to_json())).unwrap()
}

fn verify_with(proof: &Value, keys: &KeySet) -> Report {
    verify_receipt(proof.to_string().as_bytes(), &ReceiptInputs::new().keys(keys).at(now()))
}

/// The proof of receipt 3 with a change that no signature covers.
fn tampered(change: impl FnOnce(&mut Value)) -> Report {
    let writer = running();
    let mut proof = proof(&writer, 3);
    change(&mut proof);
    verify_with(&proof, &writer.key.pin())
}

#[test]
fn every_receipt_of_a_log_is_proven_without_it() {
    let writer = running();
    for seq in 1..=6 {
        let report = verify_with(&proof(&writer, seq), &writer.key.pin());
        report.verified();
        assert_eq!(report.axis(Axis::Chain).unwrap().result, AxisResult::Pass, "{report:#?}");
        assert_eq!(report.subject.format, "asqav (inclusion proof)");
        assert!(!report.not_checked.iter().any(|line| line.starts_with("chain: ")), "{report:#?}");
    }
    tampered(|_| {}).verified();
}

#[test]
fn a_proof_is_of_one_receipt_at_one_place() {
    let writer = running();
    let other: Value = serde_json::from_slice(&lines(&writer)[3]).unwrap();
    tampered(|proof| proof["receipt"] = other).invalid(ReasonCode::NotIncluded);
    let pop = |proof: &mut Value| drop(proof["path"].as_array_mut().unwrap().pop());
    tampered(pop).invalid(ReasonCode::NotIncluded);
    tampered(|proof| proof["path"].as_array_mut().unwrap().push(json!("a".repeat(64))))
        .invalid(ReasonCode::NotIncluded);
    tampered(|proof| proof["path"].as_array_mut().unwrap().reverse()).invalid(ReasonCode::NotIncluded);
    tampered(|proof| proof["path"][0] = json!("a".repeat(64))).invalid(ReasonCode::NotIncluded);
    // Another signature over the same payload is another leaf.
    tampered(|proof| {
        let payload = proof["receipt"]["payload"].clone();
        let mut receipt = foreign::envelope(&Key::new(1, "finance-1"), &payload);
        let sig = receipt["signature"]["sig"].as_str().unwrap().to_owned();
        let first = if sig.starts_with('A') { "B" } else { "A" };
        receipt["signature"]["sig"] = json!(format!("{first}{}", &sig[1..]));
        proof["receipt"] = receipt;
    })
    .invalid(ReasonCode::SignatureInvalid);
}

#[test]
fn a_checkpoint_of_another_log_or_signer_proves_nothing() {
    let writer = running();
    let with = |checkpoint: SignedCheckpoint, keys: &KeySet| {
        let mut proof = proof(&writer, 3);
        proof["checkpoint"] = serde_json::from_slice(&checkpoint.to_file()).unwrap();
        verify_with(&proof, keys)
    };
    let keys = writer.key.pin();
    with(signed(&writer, |_| {}), &keys).verified();
    with(signed(&writer, |checkpoint| checkpoint.log_id = LogId::from_bytes([1; 16])), &keys)
        .invalid(ReasonCode::LogIdChanged);
    with(signed(&writer, |checkpoint| checkpoint.root = Sha3Digest::of(b"other")), &keys)
        .invalid(ReasonCode::NotIncluded);
    with(signed(&writer, |checkpoint| checkpoint.size = 2), &keys).invalid(ReasonCode::NotIncluded);
    let late = Timestamp::parse_rfc3339("2026-06-01T00:06:00Z").unwrap();
    with(signed(&writer, |checkpoint| checkpoint.issued_at = late), &keys).invalid(ReasonCode::InTheFuture);
    let stranger = Key::new(9, "stranger");
    with(signed_by(&writer, &stranger, |_| {}), &keys).unverifiable(ReasonCode::KeyNotPinned);
    let mut changed = signed(&writer, |_| {});
    changed.signature.sig[3] ^= 1;
    with(changed, &keys).invalid(ReasonCode::SignatureInvalid);
    let mut revoked = foreign::jwk(&writer.key);
    revoked["agent_id"] = json!(crate::support::AGENT);
    revoked["status"] = json!("compromised");
    with(signed(&writer, |_| {}), &foreign::keys(&[revoked])).invalid(ReasonCode::KeyRevoked);
    let none = verify_receipt(proof(&writer, 3).to_string().as_bytes(), &ReceiptInputs::new().at(now()));
    none.unverifiable(ReasonCode::KeyNotPinned);
}

#[test]
fn a_proof_has_its_four_members_and_no_more() {
    for change in [
        |proof: &mut Value| proof["extra"] = json!(1),
        |proof: &mut Value| proof["asqav_proof"] = json!("v2"),
        |proof: &mut Value| proof["path"] = json!("a"),
        |proof: &mut Value| proof["path"] = json!(vec!["a".repeat(64); 65]),
        |proof: &mut Value| proof["path"][0] = json!("A".repeat(64)),
        |proof: &mut Value| proof["receipt"]["anchors"] = json!([]),
        |proof: &mut Value| proof["checkpoint"]["checkpoint"]["v"] = json!(2),
        |proof: &mut Value| proof["checkpoint"] = json!({}),
        |proof: &mut Value| proof["receipt"] = json!(null),
        |proof: &mut Value| drop(proof.as_object_mut().unwrap().remove("checkpoint")),
    ] {
        tampered(change).unverifiable(ReasonCode::MalformedMember);
    }
}

#[test]
fn no_proof_is_made_of_what_is_not_there() {
    let writer = running();
    let sound = || signed(&writer, |_| {});
    assert!(prove(&writer, 6, sound()).is_ok());
    let lines = lines(&writer);
    let leaves: Vec<_> = lines.iter().map(|line| Sha3Tree::leaf(line)).collect();
    let made = |line: &[u8], leaves: &[[u8; 32]]| InclusionProof::new(line.to_vec(), leaves, sound());
    assert_eq!(made(&lines[2], &leaves[..5]), Err(ProofError::Leaves));
    assert_eq!(made(b"{}", &leaves), Err(ProofError::Member("receipt")));
    let mut other = leaves.clone();
    other[5] = Sha3Tree::leaf(b"other");
    assert!(matches!(made(&lines[2], &other), Err(ProofError::Path(_))));
    let small = signed(&writer, |checkpoint| checkpoint.size = 2);
    assert!(matches!(InclusionProof::new(lines[2].clone(), &leaves, small), Err(ProofError::Path(_))));
}
