//! Consistency and fraud proofs, checked without a log.

use asqav_receipt::canonical;
use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::header::SignedHeader;
use asqav_receipt::id::LogId;
use asqav_receipt::json::Json;
use asqav_receipt::keys::KeySet;
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _, consistency_path};
use asqav_receipt::proof::{ConsistencyProof, FraudProof};
use asqav_receipt::verify::{
    Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt, verify_run,
};
use serde_json::{Value, json};

use super::checkpoints::{running, signed, signed_by};
use crate::Verdicts as _;
use crate::support::log::Writer;
use crate::support::{AGENT, Key, foreign, now};

fn value(json: &Json) -> Value {
    serde_json::from_slice(&canonical::to_vec(json)).unwrap()
}

fn verify_with(proof: &Value, keys: &KeySet) -> Report {
    verify_receipt(proof.to_string().as_bytes(), &ReceiptInputs::new().keys(keys).at(now()))
}

fn lines(writer: &Writer) -> Vec<Vec<u8>> {
    writer.files().into_iter().flat_map(|segment| segment.lines).collect()
}

/// A log, its checkpoint before and after it grew, and the proof.
fn growth() -> (Writer, Value) {
    let mut writer = running();
    let older = signed(&writer, |_| {});
    writer.call();
    writer.call();
    let newer = signed(&writer, |_| {});
    let leaves: Vec<_> = lines(&writer).iter().map(|line| Sha3Tree::leaf(line)).collect();
    let size = usize::try_from(older.checkpoint.size).unwrap();
    let path = consistency_path::<Sha3Tree>(&leaves, size).unwrap();
    let path = path.into_iter().map(Sha3Digest::from_bytes).collect();
    let proof = ConsistencyProof::new(older, path, newer).unwrap();
    (writer, value(&proof.to_json()))
}

#[test]
fn growth_is_shown_by_two_checkpoints_and_a_path() {
    let (writer, proof) = growth();
    let report = verify_with(&proof, &writer.key.pin());
    report.verified();
    assert_eq!(report.subject.format, "asqav (consistency proof)");
    assert_eq!(report.axis(Axis::Chain).unwrap().note, "the first 6 of 10 receipts are those that were");
    assert!(report.not_checked.iter().any(|line| line.starts_with("receipts: ")), "{report:#?}");
}

#[test]
fn what_a_consistency_proof_does_not_show_is_not_verified() {
    let (writer, sound) = growth();
    let keys = writer.key.pin();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut proof = sound.clone();
        change(&mut proof);
        verify_with(&proof, &keys)
    };
    changed(&|_| {}).verified();
    changed(&|proof| proof["path"][0] = json!("a".repeat(64))).invalid(ReasonCode::NotIncluded);
    changed(&|proof| drop(proof["path"].as_array_mut().unwrap().pop())).invalid(ReasonCode::NotIncluded);
    changed(&|proof| proof["newer"] = proof["older"].clone()).invalid(ReasonCode::NotIncluded);
    changed(&|proof| {
        let older = proof["older"].clone();
        proof["older"] = std::mem::replace(&mut proof["newer"], older);
    })
    .invalid(ReasonCode::NotIncluded);
    changed(&|proof| proof["extra"] = json!(1)).unverifiable(ReasonCode::MalformedMember);
    changed(&|proof| proof["asqav_consistency"] = json!("v2")).unverifiable(ReasonCode::MalformedMember);
    let put = |name: &str, checkpoint: &SignedCheckpoint| {
        let checkpoint: Value = serde_json::from_slice(&checkpoint.to_file()).unwrap();
        changed(&|proof| proof[name] = checkpoint.clone())
    };
    let mut forged = signed(&writer, |_| {});
    forged.signature.sig[9] ^= 1;
    put("newer", &forged).invalid(ReasonCode::SignatureInvalid);
    put("newer", &signed_by(&writer, &Key::new(9, "stranger"), |_| {}))
        .unverifiable(ReasonCode::KeyNotPinned);
    put("newer", &signed(&writer, |checkpoint| checkpoint.log_id = LogId::from_bytes([1; 16])))
        .invalid(ReasonCode::LogIdChanged);
    let none = verify_receipt(sound.to_string().as_bytes(), &ReceiptInputs::new().at(now()));
    none.unverifiable(ReasonCode::KeyNotPinned);
}

#[test]
fn both_checkpoints_are_of_one_issuer_and_agent() {
    let (writer, mut proof) = growth();
    let other = Key::new(2, "other-1");
    let newer = signed_by(&writer, &other, |_| {});
    proof["newer"] = serde_json::from_slice(&newer.to_file()).unwrap();
    let pinned = |issuer: &str, agent: &str| {
        let mut own = foreign::jwk(&writer.key);
        own["agent_id"] = json!(AGENT);
        let mut second = foreign::jwk(&other);
        (second["issuer_id"], second["agent_id"]) = (json!(issuer), json!(agent));
        foreign::keys(&[own, second])
    };
    verify_with(&proof, &pinned(crate::support::ISSUER, AGENT)).verified();
    verify_with(&proof, &pinned("issuer:other", AGENT)).invalid(ReasonCode::IssuerMismatch);
    verify_with(&proof, &pinned(crate::support::ISSUER, "agent:other")).invalid(ReasonCode::AgentMismatch);
}

/// Two logs of one key and id that part after a common beginning.
fn fork() -> [Writer; 2] {
    let (mut one, mut other) = (running(), running());
    one.call();
    other.allow();
    other.allow();
    [one, other]
}

fn receipts_at(writers: &[Writer; 2], seqs: [usize; 2]) -> FraudProof {
    let [one, other] = writers;
    FraudProof::Receipts(Box::new([lines(one)[seqs[0] - 1].clone(), lines(other)[seqs[1] - 1].clone()]))
}

#[test]
fn two_receipts_with_one_number_are_fraud() {
    let writers = fork();
    let keys = writers[0].key.pin();
    let proof = receipts_at(&writers, [8, 8]);
    assert_eq!(proof.check(), Ok(8));
    let report = verify_with(&value(&proof.to_json()), &keys);
    report.verified();
    assert_eq!(report.subject.format, "asqav (fraud proof)");
    assert_eq!(report.subject.seq, Some(8));
    assert!(report.proves_fraud());
    assert!(report.not_checked.iter().any(|line| line.starts_with("recovery: ")), "{report:#?}");
    // Among receipts, each of which is true, it is what counts.
    let presented = [canonical::to_vec(&proof.to_json()), lines(&writers[0])[2].clone()];
    let inputs = ReceiptInputs::new().keys(&keys).at(now());
    let run = verify_run(&presented, &inputs);
    assert_eq!(run.reason_code, Some(ReasonCode::SeqReused), "{run:#?}");
    assert_eq!(verify_run(&presented[1..], &inputs).reason_code, None);
    // The twins: one receipt twice, two numbers, two logs.
    let judge = |proof: &FraudProof| verify_with(&value(&proof.to_json()), &keys);
    judge(&receipts_at(&writers, [6, 6])).invalid(ReasonCode::NoContradiction);
    judge(&receipts_at(&writers, [7, 8])).invalid(ReasonCode::NoContradiction);
    let mut elsewhere = Writer::new();
    elsewhere.log_id = LogId::from_bytes([8; 16]);
    elsewhere.event("gate:start", &[]);
    let [one, _] = fork();
    judge(&receipts_at(&[one, elsewhere], [1, 1])).invalid(ReasonCode::NoContradiction);
}

#[test]
fn a_fraud_proof_rests_on_two_signatures() {
    let writers = fork();
    let keys = writers[0].key.pin();
    let sound = value(&receipts_at(&writers, [8, 8]).to_json());
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut proof = sound.clone();
        change(&mut proof);
        verify_with(&proof, &keys)
    };
    // Whoever changes a receipt makes a contradiction, but not its signature.
    changed(&|proof| proof["second"]["payload"]["agent_id"] = json!("agent:other"))
        .invalid(ReasonCode::AgentMismatch);
    changed(&|proof| proof["second"]["payload"]["nonce"] = json!("000000000000000000000099"))
        .invalid(ReasonCode::SignatureInvalid);
    changed(&|proof| proof["kind"] = json!("other")).unverifiable(ReasonCode::MalformedMember);
    changed(&|proof| proof["kind"] = json!("headers")).unverifiable(ReasonCode::MalformedMember);
    changed(&|proof| drop(proof.as_object_mut().unwrap().remove("first")))
        .unverifiable(ReasonCode::MalformedMember);
    let none = verify_receipt(sound.to_string().as_bytes(), &ReceiptInputs::new().at(now()));
    none.unverifiable(ReasonCode::KeyNotPinned);
}

#[test]
fn two_heads_of_one_size_are_fraud() {
    let [mut one, mut other] = fork();
    let keys = one.key.pin();
    let judge = |proof: &FraudProof| verify_with(&value(&proof.to_json()), &keys);
    let pair = |one: &SignedCheckpoint, other: &SignedCheckpoint| {
        FraudProof::Checkpoints(Box::new([one.clone(), other.clone()]))
    };
    let (first, second) = (signed(&one, |_| {}), signed(&other, |_| {}));
    assert_eq!(first.checkpoint.size, second.checkpoint.size);
    let report = judge(&pair(&first, &second));
    report.verified();
    assert_eq!(report.axis(Axis::Anchors).unwrap().result, AxisResult::Skipped);
    judge(&pair(&first, &first)).invalid(ReasonCode::NoContradiction);
    let later = signed(&one, |checkpoint| checkpoint.open_decisions = 9);
    judge(&pair(&first, &later)).invalid(ReasonCode::NoContradiction);
    let [older, _] = [signed(&running(), |_| {}), first.clone()];
    judge(&pair(&older, &second)).invalid(ReasonCode::NoContradiction);
    let mut forged = second;
    forged.signature.sig[9] ^= 1;
    judge(&pair(&first, &forged)).invalid(ReasonCode::SignatureInvalid);

    one.seal();
    other.seal();
    let headers = [&one, &other].map(|writer| {
        let file = writer.files().into_iter().filter_map(|segment| segment.header).next_back().unwrap();
        SignedHeader::parse(&file).unwrap()
    });
    judge(&FraudProof::Headers(Box::new(headers.clone()))).verified();
    let [first, _] = headers;
    judge(&FraudProof::Headers(Box::new([first.clone(), first]))).invalid(ReasonCode::NoContradiction);
}
