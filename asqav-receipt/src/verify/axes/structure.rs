//! `structure`: the members that version, mode and type ask for.

use crate::json::{Json, Object};
use crate::verify::finding::Finding;
use crate::verify::reason::ReasonCode;
use crate::verify::subject::{Layout, Subject, ambiguous_number, text};

const REQUIRED: [&str; 8] = [
    "type",
    "issued_at",
    "issuer_id",
    "action_ref",
    "payload_digest",
    "policy_digest",
    "previousReceiptHash",
    "decision",
];

const FLAT_REQUIRED: [&str; 6] = ["hash", "hash_algo", "server_timestamp", "action_id", "agent_id", "org_id"];

const TYPES: [&str; 9] = [
    "protectmcp:decision",
    "protectmcp:restraint",
    "protectmcp:lifecycle",
    "protectmcp:lifecycle:configuration_change",
    "protectmcp:lifecycle:risk_acceptance",
    "protectmcp:lifecycle:code_authorship",
    "protectmcp:acknowledgment",
    "protectmcp:observation",
    "protectmcp:observation:result_bound",
];

/// Registered by the profile, with rules of their own that are not checked here.
const UNIMPLEMENTED_TYPES: [&str; 1] = ["protectmcp:lifecycle:oversight_ruling"];

const CONTROLS: [&str; 7] =
    ["emergency_halt", "delegation_scope", "quorum", "mandate", "policy", "content_scan", "result"];

/// Judges the receipt's form, as far as it does not depend on who wrote it.
pub(in crate::verify) fn check(subject: &Subject<'_>) -> Finding {
    judge(subject).into()
}

fn judge(subject: &Subject<'_>) -> Result<String, Finding> {
    anchors_not_null(subject.raw)?;
    let kind = match subject.layout {
        Layout::Envelope => envelope(subject.payload())?,
        Layout::Flat => flat(subject.payload())?,
    };
    numbers(subject)?;
    controls(subject.payload())?;
    Ok(kind)
}

fn envelope(payload: &Object) -> Result<String, Finding> {
    required(payload, &REQUIRED)?;
    let kind = receipt_type(payload)?;
    version(payload)?;
    match text(payload, "mode") {
        Some("payload" | "hash") => Ok(format!("required members present; type {kind}")),
        _ => Err(Finding::skip(ReasonCode::UnknownVersion, "`mode` is absent or unknown; none is assumed")),
    }
}

fn flat(payload: &Object) -> Result<String, Finding> {
    required(payload, &FLAT_REQUIRED)?;
    version(payload)?;
    Ok("flat hash-mode receipt; signed members present".to_owned())
}

fn required(payload: &Object, names: &[&str]) -> Result<(), Finding> {
    let missing: Vec<_> = names.iter().filter(|name| payload.get(name).is_none()).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Finding::fail(ReasonCode::MalformedMember, format!("missing: {}", missing.join(", "))))
}

fn receipt_type(payload: &Object) -> Result<&str, Finding> {
    let Some(kind) = text(payload, "type") else {
        return Err(Finding::fail(ReasonCode::MalformedType, "`type` is not a string"));
    };
    if TYPES.contains(&kind) {
        return Ok(kind);
    }
    Err(if UNIMPLEMENTED_TYPES.contains(&kind) {
        Finding::skip(
            ReasonCode::UnimplementedType,
            format!("type {kind} is registered and not implemented here"),
        )
    } else if kind.starts_with("protectmcp:") {
        Finding::fail(
            ReasonCode::UnregisteredType,
            format!("type {kind:?} is not registered in the reserved namespace"),
        )
    } else {
        Finding::skip(
            ReasonCode::ForeignNamespace,
            format!("type {kind:?} is outside the registered namespaces"),
        )
    })
}

/// An absent version is not version 1, and `1.0` is not `1`.
fn version(payload: &Object) -> Result<(), Finding> {
    match payload.get("v") {
        Some(Json::Integer(1 | 2)) => Ok(()),
        Some(_) => Err(Finding::skip(ReasonCode::UnknownVersion, "`v` is not a version known here")),
        None => Err(Finding::skip(ReasonCode::UnknownVersion, "`v` is absent; absence is not version 1")),
    }
}

/// Absent and `[]` say "no anchors"; `null` is a third spelling that nobody defined.
fn anchors_not_null(raw: &Object) -> Result<(), Finding> {
    match raw.get("anchors") {
        Some(Json::Null) if raw.get("payload").is_some_and(|payload| *payload != Json::Null) => {
            Err(Finding::fail(ReasonCode::MalformedMember, "`anchors` is null"))
        }
        _ => Ok(()),
    }
}

fn numbers(subject: &Subject<'_>) -> Result<(), Finding> {
    match ambiguous_number(subject.signed()) {
        Some(number) => Err(Finding::fail(
            ReasonCode::NumberRange,
            format!("{number:?} has more than one spelling as a number"),
        )),
        None => Ok(()),
    }
}

/// Controls may be claimed only if they really ran.
fn controls(payload: &Object) -> Result<(), Finding> {
    let false_claim = |note: &str| Err(Finding::fail(ReasonCode::FalseControl, note));
    let controls = match payload.get("controls_evaluated") {
        None | Some(Json::Null) => return Ok(()),
        Some(Json::Object(controls)) => controls,
        Some(_) => return false_claim("`controls_evaluated` is not an object"),
    };
    if controls.iter().any(|(name, _)| !CONTROLS.contains(&name)) {
        return false_claim("`controls_evaluated` names a control outside the closed set");
    }
    let claimed = |name| controls.get(name).filter(|value| **value != Json::Null);
    if claimed("quorum").is_some_and(|quorum| !is_quorum(quorum)) {
        return false_claim("`quorum` needs fired = true and an attestation hash");
    }
    if claimed("policy").is_some_and(|policy| !is_evaluated_policy(policy)) {
        return false_claim("`policy` needs evaluated = true and at least one matched rule");
    }
    Ok(())
}

fn is_quorum(quorum: &Json) -> bool {
    quorum.as_object().is_some_and(|quorum| {
        quorum.get("fired") == Some(&Json::Bool(true))
            && text(quorum, "attestation_hash")
                .is_some_and(|hash| crate::digest::decode_hex::<32>(hash).is_some())
    })
}

fn is_evaluated_policy(policy: &Json) -> bool {
    policy.as_object().is_some_and(|policy| {
        policy.get("evaluated") == Some(&Json::Bool(true))
            && policy.get("matched_count").and_then(Json::as_integer).is_some_and(|count| count >= 1)
    })
}
