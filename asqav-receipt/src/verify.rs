//! Whether a receipt, or a whole log, is true.
//!
//! [`verify_receipt`] judges one receipt, ours or another issuer's,
//! [`verify_run`] receipts that are presented together, and [`LogVerifier`] a
//! log, line by line. All report all fifteen [`Axis`], a
//! [`Verdict`], and what was *not* checked. Nothing is verified by default:
//! every axis has to earn its PASS.
//!
//! Trust, time and context are inputs. No clock is read, nothing is fetched,
//! and no key inside a receipt or beside a log is believed.
//!
//! ```
//! use asqav_receipt::verify::{FailureClass, ReceiptInputs, Verdict, verify_receipt};
//!
//! let report = verify_receipt(br#"{"payload": {}, "payload": {}}"#, &ReceiptInputs::new());
//! assert_eq!(report.verdict, Verdict::Unverified(FailureClass::Unverifiable));
//! assert_eq!(report.reason_code.unwrap().as_str(), "duplicate_member");
//! assert_eq!(report.axes.len(), 15);
//! ```

#[cfg(feature = "foreign-formats")]
mod acta;
mod axes;
mod disclosure;
mod evidence;
mod finding;
mod input;
mod judge;
mod log;
#[cfg(feature = "foreign-formats")]
pub mod pqc_audit_log_fs;
mod proof;
mod reason;
mod report;
mod resolve;
mod run;
mod scratch;
mod seal;
mod stamp;
mod statement;
mod subject;

pub use input::{NonceIndex, ReceiptInputs};
pub use log::{CheckedSignature, LogInputs, LogReport, LogVerifier, ReadLine, SignatureJob, TimeBounds};
pub use reason::ReasonCode;
pub use report::{
    Axis, AxisReport, AxisResult, DisclosedText, FailureClass, Problem, Report, SubjectFacts, Verdict,
};
pub use run::{RunReport, verify_run};
pub use scratch::{Scratch, ScratchError};

use axes::chain::Predecessor;
use finding::Finding;
use judge::{Judged, Signatures};
use subject::{Layout, Subject};

use crate::digest::Sha256Digest;
use crate::json::{Json, JsonError, Object};

/// A receipt is judged if its JSON has at most this many bytes; so are the
/// predecessor and the originating envelope. An ML-DSA-65 receipt of the
/// greatest payload has about 8,700, anchors apart.
pub const MAX_ENVELOPE_LEN: usize = 1024 * 1024;

/// Verifies one receipt, given as its JSON envelope of at most
/// [`MAX_ENVELOPE_LEN`] bytes.
///
/// Takes receipts of ours and others' native receipts, in payload mode and in
/// flat hash mode, versions 1 and 2, signed with ML-DSA-65 or Ed25519, and
/// DSSE envelopes around an in-toto statement about a receipt, inclusion
/// proofs ([`InclusionProof`](crate::proof::InclusionProof)), consistency and
/// fraud proofs, and disclosures
/// ([`Disclosure`](crate::disclosure::Disclosure)); with the feature
/// `foreign-formats` receipts of the parent draft (ACTA), too. Other formats
/// are recognised by name and reported as `format_not_supported`.
#[must_use]
pub fn verify_receipt(envelope: &[u8], inputs: &ReceiptInputs<'_>) -> Report {
    match Json::parse_within(envelope, MAX_ENVELOPE_LEN) {
        Ok(json) => verify_json(&json, inputs),
        Err(error) => unreadable_text(&error, inputs),
    }
}

/// What a reader that keeps the last of two members of one name would have
/// found in a receipt; `None` if no member is repeated, or the text cannot be
/// read for another reason.
///
/// Such a text has no one meaning: its verdict is `unverifiable`
/// (`duplicate_member`) whatever the axes say, here as from
/// [`verify_receipt`]. The axes show what other software may have believed.
#[must_use]
pub fn lenient_reading(envelope: &[u8], inputs: &ReceiptInputs<'_>) -> Option<Report> {
    if envelope.len() > MAX_ENVELOPE_LEN {
        return None;
    }
    let mut report = verify_json(&Json::parse_last_wins(envelope)?, inputs);
    let reason_code = ReasonCode::DuplicateMember;
    report.verdict = Verdict::Unverified(FailureClass::Unverifiable);
    report.reason_code = Some(reason_code);
    report.problems = vec![Problem {
        seq: report.subject.seq,
        action_id: report.subject.action_id.clone(),
        axis: Axis::Structure,
        reason_code,
        note: "of two members of one name the last was read; other readers take the first".to_owned(),
    }];
    report.not_checked = vec!["everything: the text has no one meaning".to_owned()];
    Some(report)
}

fn verify_json(json: &Json, inputs: &ReceiptInputs<'_>) -> Report {
    let Some(raw) = json.as_object() else {
        return unreadable(Finding::fail(ReasonCode::NoPayload, "not a JSON object"), "unknown", inputs);
    };
    if proof::is_proof(raw) {
        return proof::verify(raw, inputs);
    }
    if disclosure::is_disclosure(raw) {
        return disclosure::verify(raw, inputs);
    }
    if statement::is_dsse(raw) {
        return statement::verify(raw, inputs);
    }
    evidence::verify(raw, inputs).unwrap_or_else(|| verify_object(raw, inputs))
}

fn verify_object(raw: &Object, inputs: &ReceiptInputs<'_>) -> Report {
    #[cfg(feature = "foreign-formats")]
    if subject::is_acta(raw) {
        return acta::verify(raw, inputs);
    }
    match Subject::find(raw) {
        Ok(subject) => {
            let predecessor = Predecessor::read(inputs.predecessor);
            let judged = judge::judge(&subject, &predecessor, inputs, Signatures::Now);
            report(&subject, judged, inputs)
        }
        Err((finding, format)) => unreadable(finding, format, inputs),
    }
}

fn unreadable_text(error: &JsonError, inputs: &ReceiptInputs<'_>) -> Report {
    let finding = Finding::fail(subject::json_reason(&error.kind), error.to_string());
    unreadable(finding, "unknown", inputs)
}

fn unreadable(structure: Finding, format: &'static str, inputs: &ReceiptInputs<'_>) -> Report {
    let facts = SubjectFacts { format, ..SubjectFacts::default() };
    fold(judge::unreadable(structure), facts, false, inputs)
}

fn report(subject: &Subject<'_>, judged: Judged<'_>, inputs: &ReceiptInputs<'_>) -> Report {
    let owned = |name| subject.text(name).map(str::to_owned);
    let facts = SubjectFacts {
        format: match subject.layout {
            _ if subject.is_ours() => "asqav",
            Layout::Envelope => "asqav-native",
            Layout::Flat => "asqav-native (flat hash mode)",
        },
        seq: subject.seq(),
        action_id: owned("action_id"),
        issuer_id: owned("issuer_id"),
        nonce: owned("nonce"),
        kid: subject.kid.map(str::to_owned),
        alg: subject.alg.map(str::to_owned),
        payload_sha256: Some(Sha256Digest::of(&subject.message)),
        pinned_kid: judged.entry.and_then(|entry| entry.kid.clone()),
    };
    fold(judged.axes, facts, subject.is_keyed(), inputs)
}

fn fold(axes: Vec<AxisReport>, subject: SubjectFacts, keyed: bool, inputs: &ReceiptInputs<'_>) -> Report {
    let mut problems = Vec::new();
    for report in &axes {
        if let Some((reason_code, _)) = finding::blocking(report, inputs.require_anchor) {
            problems.push(Problem {
                seq: subject.seq,
                action_id: subject.action_id.clone(),
                axis: report.axis,
                reason_code,
                note: report.note.clone(),
            });
        }
    }
    let (verdict, reason_code) = finding::fold(&problems, keyed);
    let not_checked = not_checked(&axes);
    Report { verdict, reason_code, axes, problems, not_checked, subject, disclosed: Vec::new() }
}

/// What stays open whatever the verdict.
fn not_checked(axes: &[AxisReport]) -> Vec<String> {
    let skipped =
        |axis| axes.iter().find(|report| report.axis == axis && report.result == AxisResult::Skipped);
    let mut lines = Vec::new();
    if let Some(report) = skipped(Axis::Chain) {
        lines.push(format!("chain: {}", report.note));
    }
    if let Some(report) = skipped(Axis::Anchors) {
        lines.push(format!("time: claimed, not anchored ({})", report.note));
    }
    lines.push("completeness: whether other receipts were withheld".to_owned());
    lines.push("policy: the document behind policy_digest".to_owned());
    lines
}
