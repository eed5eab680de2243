//! Evidence about a log that encloses no single receipt to be judged: that it
//! grew without a change, or that its owner signed a contradiction.
//!
//! What is signed in it is judged by the pinned keys, as a checkpoint of a log
//! is; both halves have to be of one issuer and agent.

use super::axes::keys::Use;
use super::finding::Finding;
use super::input::ReceiptInputs;
use super::reason::ReasonCode;
use super::report::{Axis, AxisReport, Report, SubjectFacts};
use super::seal::Seal;
use crate::checkpoint::SignedCheckpoint;
use crate::header::SignedHeader;
use crate::json::{Json, Object};
use crate::proof::{CONSISTENCY_MEMBER, ConsistencyProof, FRAUD_MEMBER, FraudProof};

/// The formats' names in reports.
const CONSISTENCY: &str = "asqav (consistency proof)";
const FRAUD: &str = "asqav (fraud proof)";

type Found = Vec<(Axis, ReasonCode, String)>;

impl Report {
    /// Whether this verifies a fraud proof: it is true that somebody cheated.
    #[must_use]
    pub fn proves_fraud(&self) -> bool {
        self.subject.format == FRAUD && self.verdict.failure_class().is_none()
    }
}

/// Judges a consistency or a fraud proof; `None` if it is neither by its form.
pub(super) fn verify(raw: &Object, inputs: &ReceiptInputs<'_>) -> Option<Report> {
    if raw.get(CONSISTENCY_MEMBER.0).is_some() {
        Some(consistency(raw, inputs))
    } else if raw.get(FRAUD_MEMBER.0).is_some() {
        Some(fraud(raw, inputs))
    } else {
        None
    }
}

fn consistency(raw: &Object, inputs: &ReceiptInputs<'_>) -> Report {
    let proof = match ConsistencyProof::from_json(raw) {
        Ok(proof) => proof,
        Err(error) => return malformed(error.to_string(), CONSISTENCY, inputs),
    };
    let (older, newer) = (&proof.older.checkpoint, &proof.newer.checkpoint);
    let mut found = Found::new();
    if older.log_id != newer.log_id || older.genesis != newer.genesis {
        let note = "the checkpoints are of different logs".to_owned();
        found.push((Axis::Chain, ReasonCode::LogIdChanged, note));
    }
    if let Err(error) = proof.check() {
        found.push((Axis::Chain, ReasonCode::NotIncluded, error.to_string()));
    }
    let seals = [&proof.older, &proof.newer].map(of_checkpoint);
    check(&seals, ["the older checkpoint", "the newer checkpoint"], inputs, &mut found);
    let grew = format!("the first {} of {} receipts are those that were", older.size, newer.size);
    let mut report = report(&found, &grew, CONSISTENCY, &proof.newer, inputs);
    report.not_checked = vec![
        format!("receipts: what the {} that are counted say, and whether each is true", newer.size),
        "time: claimed, not anchored (a checkpoint carries no anchor)".to_owned(),
    ];
    report
}

fn fraud(raw: &Object, inputs: &ReceiptInputs<'_>) -> Report {
    let proof = match FraudProof::from_json(raw) {
        Ok(proof) => proof,
        Err(error) => return malformed(error.to_string(), FRAUD, inputs),
    };
    let mut found = Found::new();
    let seq = proof.check();
    if let Err(error) = &seq {
        found.push((Axis::Chain, ReasonCode::NoContradiction, error.to_string()));
    }
    let seq = seq.ok();
    let names = ["the first", "the second"];
    let mut facts = None;
    match &proof {
        FraudProof::Receipts(_) => facts = receipts(raw, names, inputs, &mut found),
        FraudProof::Headers(pair) => check(&pair.each_ref().map(of_header), names, inputs, &mut found),
        FraudProof::Checkpoints(pair) => {
            let [first, _] = &**pair;
            facts = Some(facts_of(first, FRAUD, inputs));
            check(&pair.each_ref().map(of_checkpoint), names, inputs, &mut found);
        }
    }
    let about = seq.map_or_else(String::new, |seq| format!(" about receipt {seq}"));
    let signed = format!("two {} that contradict each other{about}", proof.kind());
    let facts = SubjectFacts { format: FRAUD, seq, ..facts.unwrap_or_default() };
    let mut report = super::fold(axes(&found, &signed), facts, false, inputs);
    report.not_checked = vec![
        "recovery: a recovery receipt of the log that names one of the two explains it".to_owned(),
        "key: whether somebody else had the signing key".to_owned(),
        "time: claimed, not anchored".to_owned(),
    ];
    report
}

/// Judges both receipts; only what shows who signed them counts here.
fn receipts(
    raw: &Object,
    names: [&str; 2],
    inputs: &ReceiptInputs<'_>,
    found: &mut Found,
) -> Option<SubjectFacts> {
    const WHO: [Axis; 7] = [
        Axis::Structure,
        Axis::Seq,
        Axis::IssuerKey,
        Axis::IssuerBind,
        Axis::KeyStatus,
        Axis::Signature,
        Axis::KeyBinding,
    ];
    let judged = ["first", "second"].map(|name| {
        let receipt = raw.get(name).and_then(Json::as_object)?;
        Some((super::verify_object(receipt, inputs), receipt.get("payload")?.as_object()?))
    });
    for (half, name) in judged.iter().zip(names) {
        let Some((report, _)) = half else { continue };
        for problem in report.problems.iter().filter(|problem| WHO.contains(&problem.axis)) {
            found.push((problem.axis, problem.reason_code, format!("{name}: {}", problem.note)));
        }
    }
    let [Some((first, payload)), Some((_, other))] = judged else { return None };
    if ["issuer_id", "agent_id"].iter().any(|name| payload.get(name) != other.get(name)) {
        let note = "the receipts are of different issuers or agents".to_owned();
        found.push((Axis::IssuerBind, ReasonCode::IssuerMismatch, note));
    }
    Some(first.subject)
}

fn of_checkpoint(signed: &SignedCheckpoint) -> (Seal<'_>, String) {
    let checkpoint = &signed.checkpoint;
    let claim = Use {
        signed_at: Some(checkpoint.issued_at),
        proven_by: None,
        log_id: None,
        seq: Some(checkpoint.size),
    };
    let seal = Seal {
        message: checkpoint.signing_bytes(),
        suite: checkpoint.suite,
        key_thumbprint: checkpoint.key_thumbprint,
        signature: &signed.signature,
        claim,
    };
    (seal, checkpoint.log_id.to_string())
}

fn of_header(signed: &SignedHeader) -> (Seal<'_>, String) {
    let header = &signed.header;
    let claim =
        Use { signed_at: Some(header.sealed_at), proven_by: None, log_id: None, seq: Some(header.last_seq) };
    let seal = Seal {
        message: header.signing_bytes(),
        suite: header.suite,
        key_thumbprint: header.key_thumbprint,
        signature: &signed.signature,
        claim,
    };
    (seal, header.log_id.to_string())
}

/// Judges both signatures. Neither names an issuer: the first one's pinned key
/// does, and the second's has to be of the same.
fn check(seals: &[(Seal<'_>, String); 2], names: [&str; 2], inputs: &ReceiptInputs<'_>, found: &mut Found) {
    let owner = seals.first().and_then(|(seal, _)| seal.pinned_owner(inputs.keys));
    for ((seal, log_id), name) in seals.iter().zip(names) {
        let seal = Seal { claim: Use { log_id: Some(log_id), ..seal.claim }, ..seal.clone() };
        seal.check(owner, inputs.keys, &mut |axis, reason, note| {
            found.push((axis, reason, format!("{name}: {note}")));
        });
        if let Some((at, claimed)) = inputs.at.zip(seal.claim.signed_at)
            && claimed.unix_micros() - at.unix_micros() > super::axes::time::MAX_SKEW_MICROS
        {
            let note = format!("{name} claims to be issued at {claimed}");
            found.push((Axis::Skew, ReasonCode::InTheFuture, note));
        }
    }
}

fn malformed(note: String, name: &'static str, inputs: &ReceiptInputs<'_>) -> Report {
    super::unreadable(Finding::fail(ReasonCode::MalformedMember, note), name, inputs)
}

fn report(
    found: &Found,
    chain: &str,
    format: &'static str,
    signed: &SignedCheckpoint,
    inputs: &ReceiptInputs<'_>,
) -> Report {
    super::fold(axes(found, chain), facts_of(signed, format, inputs), false, inputs)
}

fn facts_of(signed: &SignedCheckpoint, format: &'static str, inputs: &ReceiptInputs<'_>) -> SubjectFacts {
    let (seal, _) = of_checkpoint(signed);
    SubjectFacts {
        format,
        seq: Some(signed.checkpoint.size),
        kid: Some(signed.signature.kid.to_string()),
        alg: Some(signed.signature.alg.to_owned()),
        pinned_kid: seal.pinned(inputs.keys).and_then(|entry| entry.kid.clone()),
        ..SubjectFacts::default()
    }
}

/// Every axis: the worst that was found on it, or why it passes.
fn axes(found: &Found, chain: &str) -> Vec<AxisReport> {
    Axis::ALL
        .into_iter()
        .map(|axis| {
            let fine = match axis {
                Axis::Chain => Finding::pass(chain),
                Axis::Anchors => Finding::skip(ReasonCode::NotAnchored, "it carries no anchor"),
                Axis::IssuerKey | Axis::IssuerBind | Axis::KeyStatus | Axis::Signature | Axis::KeyBinding => {
                    Finding::pass("of both halves")
                }
                Axis::Structure | Axis::Skew => Finding::pass("of both halves"),
                _ => Finding::pass("no such thing in it"),
            };
            let mut report = fine.on(axis);
            for (_, reason, note) in found.iter().filter(|(on, ..)| *on == axis) {
                super::proof::worsen_by(&mut report, *reason, note);
            }
            report
        })
        .collect()
}
