//! A DSSE envelope around an in-toto statement about a receipt.
//!
//! The statement's own signature is judged by the pinned keys, and so is the
//! receipt that it encloses, if it does. Each axis then stands at the worse of
//! the two.

use super::axes::keys::{self, Use};
use super::finding::Finding;
use super::input::ReceiptInputs;
use super::reason::ReasonCode;
use super::report::{Axis, AxisReport, Report, SubjectFacts};
use super::subject::text;
use crate::canonical;
use crate::digest::Sha256Digest;
use crate::dsse::{Envelope, EnvelopeSignature, IN_TOTO};
use crate::json::{Json, Object};
use crate::keys::KeyEntry;
use crate::statement::{REPEATED, Statement, StatementError, signed_part};

/// How many pinned keys one signature is tried against.
const MAX_CANDIDATES: usize = 8;

/// Whether this is a DSSE envelope by its form.
pub(super) fn is_dsse(raw: &Object) -> bool {
    ["payloadType", "payload", "signatures"].iter().all(|name| raw.get(name).is_some())
}

/// Judges a DSSE envelope.
pub(super) fn verify(raw: &Object, inputs: &ReceiptInputs<'_>) -> Report {
    let (envelope, statement) = match open(raw) {
        Ok(opened) => opened,
        Err(finding) => return super::unreadable(finding, "dsse", inputs),
    };
    let enclosed = statement.receipt().map(|receipt| super::verify_object(receipt, inputs));
    let signed = Signed::of(&envelope, &statement, inputs);
    let facts = facts(&envelope, &statement, signed.entry, enclosed.as_ref());
    let own = own_axes(raw, &statement, signed);
    let axes = match &enclosed {
        Some(enclosed) => own.into_iter().zip(&enclosed.axes).map(|(own, inner)| worse(own, inner)).collect(),
        None => own,
    };
    let keyed = enclosed.as_ref().is_some_and(|report| report.verdict == super::Verdict::VerifiedKeyed);
    let mut report = super::fold(axes, facts, keyed, inputs);
    if enclosed.is_none() {
        report.not_checked.push("receipt: the statement encloses none; its words stand alone".to_owned());
    }
    report
}

fn open(raw: &Object) -> Result<(Envelope, Statement), Finding> {
    let malformed = |note: String| Finding::fail(ReasonCode::MalformedMember, note);
    let envelope = Envelope::from_json(raw).map_err(|error| malformed(error.to_string()))?;
    if envelope.payload_type != IN_TOTO {
        let note = format!("payload type {:?} is not in-toto's", envelope.payload_type);
        return Err(Finding::skip(ReasonCode::FormatNotSupported, note));
    }
    let statement = Statement::parse(&envelope.body).map_err(|error| match &error {
        StatementError::Json(json) => {
            Finding::fail(super::subject::json_reason(&json.kind), error.to_string())
        }
        StatementError::Predicate(_) => Finding::skip(ReasonCode::PredicateNotSupported, error.to_string()),
        StatementError::Member(_) => malformed(error.to_string()),
    })?;
    let receipt = statement.predicate.get("receipt");
    if receipt.is_some_and(|receipt| receipt.as_object().is_none_or(is_dsse)) {
        return Err(malformed("`receipt` is not a receipt".to_owned()));
    }
    Ok((envelope, statement))
}

fn facts(
    envelope: &Envelope,
    statement: &Statement,
    entry: Option<&KeyEntry>,
    enclosed: Option<&Report>,
) -> SubjectFacts {
    let inner = enclosed.map(|report| report.subject.clone()).unwrap_or_default();
    SubjectFacts {
        format: "dsse (in-toto statement)",
        action_id: Some(statement.name.clone()),
        kid: envelope.signatures.iter().find_map(|signature| signature.keyid.clone()),
        alg: entry.and_then(|entry| entry.key().ok()).map(|key| key.suite().name.to_owned()),
        pinned_kid: entry.and_then(|entry| entry.kid.clone()),
        ..inner
    }
}

/// The axes of the statement alone, in their order.
fn own_axes(raw: &Object, statement: &Statement, signed: Signed<'_>) -> Vec<AxisReport> {
    let absent = |what: &str| Finding::pass(format!("the statement {what}"));
    let findings = [
        Finding::pass("DSSE envelope, in-toto statement, action predicate"),
        absent("declares no nonce"),
        absent("is not part of a counted series"),
        signed.issuer_key,
        signed.issuer_bind,
        signed.key_status,
        signed.signature,
        absent("binds no key_thumbprint"),
        absent("binds no counterparty"),
        repeats(statement),
        outer_copies(raw),
        Finding::skip(ReasonCode::PredecessorMissing, "a statement carries no link"),
        Finding::skip(ReasonCode::NotAnchored, "a statement carries no anchor"),
        absent("claims no time"),
        absent("claims no end of validity"),
    ];
    Axis::ALL.into_iter().zip(findings).map(|(axis, finding)| finding.on(axis)).collect()
}

/// The statement's own finding, or the enclosed receipt's if that is worse;
/// link and anchor are the receipt's alone.
fn worse(own: AxisReport, inner: &AxisReport) -> AxisReport {
    let receipts_alone = matches!(own.axis, Axis::Chain | Axis::Anchors);
    if receipts_alone || inner.result > own.result {
        return AxisReport { note: format!("enclosed receipt: {}", inner.note), ..inner.clone() };
    }
    own
}

/// Whether subject and predicate say what the enclosed receipt says.
fn repeats(statement: &Statement) -> Finding {
    let Some(receipt) = statement.receipt() else {
        return Finding::pass("the statement encloses no receipt to compare with");
    };
    let differs = |what: &str| {
        Finding::fail(ReasonCode::StatementDiffers, format!("`{what}` is not the enclosed receipt's"))
    };
    let Some(signed) = signed_part(receipt) else { return differs("receipt") };
    if Sha256Digest::of(&canonical::to_vec(&signed)) != statement.sha256 {
        return differs("subject.digest.sha256");
    }
    let payload = receipt.get("payload").and_then(Json::as_object);
    let signed = |name: &str| payload.and_then(|payload| payload.get(name));
    if signed("action_id").and_then(Json::as_str) != Some(&statement.name) {
        return differs("subject.name");
    }
    for (name, member) in REPEATED {
        if let Some(stated) = statement.predicate.get(name)
            && signed(member) != Some(stated)
        {
            return differs(name);
        }
    }
    Finding::pass("subject and predicate say what the enclosed receipt says")
}

fn outer_copies(raw: &Object) -> Finding {
    let unsigned: Vec<_> = raw
        .iter()
        .map(|(name, _)| name)
        .filter(|name| !["payloadType", "payload", "signatures"].contains(name))
        .collect();
    if unsigned.is_empty() {
        return Finding::pass("no outer copies");
    }
    Finding::pass(format!("not signed: {}", unsigned.join(", ")))
}

/// The axes that need a pinned key.
struct Signed<'a> {
    issuer_key: Finding,
    issuer_bind: Finding,
    key_status: Finding,
    signature: Finding,
    entry: Option<&'a KeyEntry>,
}

impl<'a> Signed<'a> {
    /// Every signature whose key is pinned has to verify, and one has to be.
    fn of(envelope: &Envelope, statement: &Statement, inputs: &ReceiptInputs<'a>) -> Self {
        let message = envelope.signed_bytes();
        let agent = text(&statement.predicate, "agent_id");
        let mut judged: Option<(&KeyEntry, Finding)> = None;
        let mut others = 0;
        for signature in &envelope.signatures {
            let Some((entry, finding)) = check(signature, &message, agent, inputs) else {
                others += 1;
                continue;
            };
            let failed = !finding.passed();
            if judged.is_none() || failed {
                judged = Some((entry, finding));
            }
            if failed {
                break;
            }
        }
        let Some((entry, signature)) = judged else { return Self::without(inputs) };
        let note = match others {
            0 => format!("pinned key {:?}", entry.kid.as_deref().unwrap_or_default()),
            more => format!(
                "pinned key {:?}; {more} more signatures by keys that are not pinned",
                entry.kid.as_deref().unwrap_or_default()
            ),
        };
        Self {
            issuer_key: Finding::pass(note),
            issuer_bind: bind(agent, entry),
            key_status: keys::key_status(used(statement), entry),
            signature,
            entry: Some(entry),
        }
    }

    fn without(inputs: &ReceiptInputs<'_>) -> Self {
        let [issuer_bind, key_status, signature] = keys::unjudged();
        let issuer_key = keys::unpinned(inputs.keys, "the statement's");
        Self { issuer_key, issuer_bind, key_status, signature, entry: None }
    }
}

/// The pinned key of one signature, and whether it verifies. `keyid` is only a
/// hint: without one the keys of the stated agent are tried.
fn check<'a>(
    signature: &EnvelopeSignature,
    message: &[u8],
    agent: Option<&str>,
    inputs: &ReceiptInputs<'a>,
) -> Option<(&'a KeyEntry, Finding)> {
    let named = |entry: &&KeyEntry| match &signature.keyid {
        Some(keyid) => entry.kid.as_ref() == Some(keyid),
        None => agent.is_some() && entry.agent_id.as_deref() == agent,
    };
    let entries = inputs.keys?.entries().iter().filter(named).take(MAX_CANDIDATES);
    let mut first = None;
    for entry in entries {
        let Ok(key) = entry.key() else { continue };
        if key.verifies(message, &signature.sig) {
            let note = format!("{} signature over the statement's encoding", key.suite().name);
            return Some((entry, Finding::pass(note)));
        }
        first.get_or_insert(entry);
    }
    let note = "the signature is not this key's over the statement's encoding";
    first.map(|entry| (entry, Finding::fail(ReasonCode::SignatureInvalid, note)))
}

fn bind(agent: Option<&str>, entry: &KeyEntry) -> Finding {
    match (agent, entry.agent_id.as_deref()) {
        (Some(stated), Some(pinned)) if stated == pinned => {
            Finding::pass(format!("the key is pinned for the stated agent {stated:?}"))
        }
        (stated, pinned) => Finding::fail(
            ReasonCode::AgentMismatch,
            format!("the key is pinned for agent {pinned:?}, the statement names {stated:?}"),
        ),
    }
}

/// A statement claims no time of its own; log and number are the receipt's.
fn used(statement: &Statement) -> Use<'_> {
    let payload = statement.receipt().and_then(|receipt| receipt.get("payload")?.as_object());
    let asqav = payload.and_then(|payload| payload.get("asqav")?.as_object());
    Use {
        signed_at: None,
        proven_by: None,
        log_id: asqav.and_then(|asqav| text(asqav, "log_id")),
        seq: payload.and_then(|payload| payload.get("seq")?.as_count()),
    }
}
