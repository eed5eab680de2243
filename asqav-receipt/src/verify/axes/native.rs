//! The part of `structure` that only receipts of ours have to stand up to.

use std::sync::LazyLock;

use crate::digest::Sha256Digest;
use crate::json::{Json, Object};
use crate::payload::{Context, Decision, Payload, Phase, ReceiptType, Tier};
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::Subject;

/// Reads the payload into its types and judges whether its members fit
/// together.
///
/// # Errors
/// The structure finding.
pub(in crate::verify) fn check(subject: &Subject<'_>) -> Result<Payload, Finding> {
    if has_float(subject.signed()) {
        return Err(malformed("a payload holds no numbers with fraction or exponent"));
    }
    let payload = Payload::from_json(subject.signed()).map_err(|error| malformed(error.to_string()))?;
    fits(&payload)?;
    same_members(subject, &payload)?;
    Ok(payload)
}

/// Whether the members fit together.
///
/// # Errors
/// The structure finding.
pub(in crate::verify) fn fits(payload: &Payload) -> Result<(), Finding> {
    post_hoc(payload)?;
    kind(payload)?;
    decision(payload)
}

/// What was only seen afterwards is an observation, whatever it says.
fn post_hoc(payload: &Payload) -> Result<(), Finding> {
    let observed =
        payload.asqav.tier == Tier::Detectable || matches!(payload.context, Context::Observed { .. });
    if observed && payload.receipt_type == ReceiptType::Decision {
        return Err(Finding::fail(ReasonCode::PostHocDecision, "a post-hoc receipt is typed as a decision"));
    }
    Ok(())
}

/// Type, phase and context tell the same story.
fn kind(payload: &Payload) -> Result<(), Finding> {
    let phase = payload.asqav.phase;
    let fits = match payload.receipt_type {
        ReceiptType::Decision => {
            phase == Phase::Decision && matches!(payload.context, Context::Arguments { .. })
        }
        ReceiptType::Outcome => phase == Phase::Outcome && matches!(payload.context, Context::Result(_)),
        ReceiptType::Observation => {
            phase != Phase::Decision && matches!(payload.context, Context::Step(_) | Context::Observed { .. })
        }
        ReceiptType::Lifecycle | ReceiptType::ConfigurationChange => {
            phase == Phase::Event && matches!(payload.context, Context::Event { .. })
        }
        ReceiptType::Acknowledgment => phase != Phase::Decision,
    };
    if !fits {
        return Err(malformed("`type`, `asqav.phase` and `context` do not fit together"));
    }
    let is_outcome = payload.receipt_type == ReceiptType::Outcome;
    if is_outcome != payload.invocation_ref.is_some() {
        return Err(malformed("`invocation_ref` belongs to outcome receipts, and to all of them"));
    }
    if is_outcome && payload.asqav.outcome.is_none() {
        return Err(malformed("`asqav.outcome` is absent on an outcome receipt"));
    }
    Ok(())
}

fn decision(payload: &Payload) -> Result<(), Finding> {
    let refused = matches!(payload.decision, Decision::Deny | Decision::RateLimit);
    if refused && payload.reason.is_none() {
        return Err(malformed("`reason` is absent on a refusal"));
    }
    let decided = payload.decision != Decision::Observation;
    let decides = match payload.receipt_type {
        ReceiptType::Decision | ReceiptType::Acknowledgment => true,
        // A policy that was not activated.
        ReceiptType::ConfigurationChange => payload.decision == Decision::Deny,
        _ => false,
    };
    if decided && !decides {
        return Err(malformed("`decision` on a receipt that decides nothing"));
    }
    let policy = payload.policy_digest != *NO_POLICY;
    if decided && !policy && !refused_by_the_gate(payload) {
        return Err(malformed("a decision without a policy"));
    }
    Ok(())
}

/// The digest that stands for "no policy".
static NO_POLICY: LazyLock<Sha256Digest> = LazyLock::new(|| Sha256Digest::of(br#"{"asqav_policy":"none"}"#));

/// What the gate refuses by itself, whether or not there is a policy: a call
/// that no receipt can hold, a kill switch that is thrown, a frozen session.
const OWN_REASONS: [&str; 7] = [
    "unrepresentable",
    "duplicate_member",
    "too_deep",
    "emergency_halt",
    "session_frozen",
    "delegation_unchecked",
    "delegation_too_many",
];

fn refused_by_the_gate(payload: &Payload) -> bool {
    payload.receipt_type == ReceiptType::Decision
        && payload.decision == Decision::Deny
        && payload.reason.as_ref().is_some_and(|reason| OWN_REASONS.contains(&reason.as_str()))
}

/// Nothing stands in the payload but what was read from it. Digests that
/// disagree are the axis `payload_digest`'s to report.
fn same_members(subject: &Subject<'_>, payload: &Payload) -> Result<(), Finding> {
    let written = payload.to_canonical();
    if written == subject.message {
        return Ok(());
    }
    let Ok(written) = Json::parse(&written) else {
        return Err(malformed("the payload cannot be written as it was read"));
    };
    let Some(written) = written.as_object() else {
        return Err(malformed("the payload cannot be written as it was read"));
    };
    compare("", subject.payload(), written)
}

/// Members that the payload carries over others.
const DERIVED: [&str; 3] = ["payload_digest", "action_ref", "result_digest"];

fn compare(path: &str, given: &Object, written: &Object) -> Result<(), Finding> {
    for (name, value) in given.iter() {
        let path = format!("{path}{name}");
        match (value, written.get(name)) {
            _ if DERIVED.contains(&path.as_str()) => {}
            (_, None) => {
                return Err(Finding::skip(
                    ReasonCode::UnknownMember,
                    format!("`{path}` is not a member known here"),
                ));
            }
            (Json::Object(given), Some(Json::Object(written))) => {
                compare(&format!("{path}."), given, written)?
            }
            (given, Some(written)) if given == written => {}
            _ => return Err(malformed(format!("`{path}` does not have the form that asqav writes"))),
        }
    }
    let absent = written.iter().find(|(name, _)| given.get(name).is_none() && !DERIVED.contains(name));
    match absent {
        Some((name, _)) => Err(malformed(format!("`{path}{name}` is absent"))),
        None => Ok(()),
    }
}

fn has_float(value: &Json) -> bool {
    match value {
        Json::Float(_) => true,
        Json::Array(items) => items.iter().any(has_float),
        Json::Object(object) => object.iter().any(|(_, value)| has_float(value)),
        _ => false,
    }
}

fn malformed(note: impl Into<String>) -> Finding {
    Finding::fail(ReasonCode::MalformedReceipt, note)
}
