//! A receipt with the proof that it is in the log of a checkpoint.
//!
//! The receipt is judged like any other; the checkpoint by the same pinned
//! keys, for the same log, issuer and agent. What fails at it fails the axis
//! that it belongs to.

use super::axes::keys::Use;
use super::axes::time::MAX_SKEW_MICROS;
use super::finding::Finding;
use super::input::ReceiptInputs;
use super::reason::ReasonCode;
use super::report::{Axis, AxisReport, AxisResult, Report};
use super::seal::Seal;
use super::subject::text;
use crate::json::{Json, Object};
use crate::proof::{InclusionProof, PROOF_MEMBER};

/// The format's name in reports.
const NAME: &str = "asqav (inclusion proof)";

/// Whether this is a proof by its form.
pub(super) fn is_proof(raw: &Object) -> bool {
    raw.get(PROOF_MEMBER.0).is_some()
}

/// Judges a proof.
pub(super) fn verify(raw: &Object, inputs: &ReceiptInputs<'_>) -> Report {
    let unreadable =
        |note: String| super::unreadable(Finding::fail(ReasonCode::MalformedMember, note), NAME, inputs);
    let proof = match InclusionProof::from_json(raw) {
        Ok(proof) => proof,
        Err(error) => return unreadable(error.to_string()),
    };
    let Some(receipt) = raw.get("receipt").and_then(Json::as_object) else {
        return unreadable("`receipt` is not an object".to_owned());
    };
    let mut report = super::verify_object(receipt, inputs);
    let payload = receipt.get("payload").and_then(Json::as_object);
    let found = checkpoint(&proof, payload, inputs);
    for axis in &mut report.axes {
        worsen(axis, &found);
        if axis.axis == Axis::Chain && found.is_empty() {
            follow(axis, &proof);
        }
    }
    let keyed = report.verdict == super::Verdict::VerifiedKeyed;
    let mut report = super::fold(report.axes, report.subject, keyed, inputs);
    report.subject.format = NAME;
    let size = proof.checkpoint.checkpoint.size;
    report.not_checked.push(format!("log: the other receipts of the {size} that the checkpoint counts"));
    report
}

type Found = Vec<(Axis, ReasonCode, String)>;

/// What is wrong with the checkpoint, or with the way to it.
fn checkpoint(proof: &InclusionProof, payload: Option<&Object>, inputs: &ReceiptInputs<'_>) -> Found {
    let mut problems = Found::new();
    let mut found = |axis, reason, note: String| problems.push((axis, reason, note));
    let signed = &proof.checkpoint;
    let stated = |name: &str| payload.and_then(|payload| text(payload, name));
    let log_id = signed.checkpoint.log_id.to_string();
    let asqav = payload.and_then(|payload| payload.get("asqav")?.as_object());
    if asqav.and_then(|asqav| text(asqav, "log_id")) != Some(&log_id) {
        found(Axis::Chain, ReasonCode::LogIdChanged, "the checkpoint is of another log".to_owned());
    }
    if let Err(error) = proof.check() {
        found(Axis::Chain, ReasonCode::NotIncluded, error.to_string());
    }
    if let Some(at) = inputs.at
        && signed.checkpoint.issued_at.unix_micros() - at.unix_micros() > MAX_SKEW_MICROS
    {
        let note = format!("the checkpoint claims to be issued at {}", signed.checkpoint.issued_at);
        found(Axis::Skew, ReasonCode::InTheFuture, note);
    }
    let seal = Seal {
        message: signed.checkpoint.signing_bytes(),
        suite: signed.checkpoint.suite,
        key_thumbprint: signed.checkpoint.key_thumbprint,
        signature: &signed.signature,
        claim: Use {
            signed_at: Some(signed.checkpoint.issued_at),
            proven_by: None,
            log_id: Some(&log_id),
            seq: Some(signed.checkpoint.size),
        },
    };
    let owner = stated("issuer_id").zip(stated("agent_id"));
    seal.check(owner, inputs.keys, &mut |axis, reason, note| {
        found(axis, reason, format!("checkpoint: {note}"));
    });
    problems
}

/// The first problem of this axis that weighs more than what it found.
fn worsen(axis: &mut AxisReport, found: &Found) {
    let own = axis.axis;
    for (_, reason, note) in found.iter().filter(|(on, ..)| *on == own) {
        worsen_by(axis, *reason, note);
    }
}

/// Puts this problem in the axis's place if it weighs more.
pub(super) fn worsen_by(axis: &mut AxisReport, reason: ReasonCode, note: &str) {
    let finding = match reason.class() {
        Some(super::FailureClass::Unverifiable) => Finding::skip(reason, note),
        _ => Finding::fail(reason, note),
    };
    let problem = finding.on(axis.axis);
    if problem.result > axis.result {
        *axis = problem;
    }
}

/// The tree stands in for the predecessor that is not at hand.
fn follow(chain: &mut AxisReport, proof: &InclusionProof) {
    if chain.result == AxisResult::Skipped && chain.reason == Some(ReasonCode::PredecessorMissing) {
        let size = proof.checkpoint.checkpoint.size;
        let note = format!("receipt {} of the {size} that the signed checkpoint counts", proof.seq);
        *chain = Finding::pass(note).on(Axis::Chain);
    }
}
