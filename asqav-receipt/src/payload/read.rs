//! Reads a payload back into its types: recovery and `asqav show` need it.
//!
//! What this reads is exactly what [`Payload::to_canonical`] writes; receipts
//! of other writers are looked at through [`crate::verify`].

use crate::digest::{Sha3Digest, Sha256Digest, decode_hex};
use crate::id::ActionId;
use crate::json::{Json, Object};
use crate::payload::{
    Context, Controls, Decision, Extension, Folded, Form, Link, Outcome, Payload, Phase, PolicyInfo,
    ReceiptType, Tier, ToolInfo, Trace,
};
use crate::time::Timestamp;

/// A member is missing or does not have the form that asqav writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("member `{member}` {why}")]
#[non_exhaustive]
pub struct ShapeError {
    /// The member, e.g. `asqav.log_id`.
    pub member: &'static str,
    /// What is wrong with it.
    pub why: &'static str,
}

const MISSING: &str = "is missing";
const MALFORMED: &str = "is malformed";

const fn malformed(member: &'static str) -> ShapeError {
    ShapeError { member, why: MALFORMED }
}

impl Payload {
    /// Reads the payload that `json` holds.
    ///
    /// # Errors
    /// [`ShapeError`] with the first member that is not as asqav writes it.
    /// Derived members (`payload_digest`, `action_ref`, `result_digest`) are
    /// not looked at: compare [`Payload::to_canonical`] with the bytes.
    pub fn from_json(json: &Json) -> Result<Self, ShapeError> {
        let object = json.as_object().ok_or_else(|| malformed("payload"))?;
        let asqav = member(object, "asqav", Json::as_object)?;
        let receipt_type = text(object, "type", ReceiptType::from_wire)?;
        Ok(Self {
            receipt_type,
            action_id: text(object, "action_id", |id| ActionId::parse(id).ok())?,
            agent_id: text(object, "agent_id", parsed)?,
            issuer_id: text(object, "issuer_id", parsed)?,
            issued_at: text(object, "issued_at", time)?,
            seq: member(object, "seq", Json::as_count)?,
            nonce: text(object, "nonce", |nonce| crate::id::Nonce::parse(nonce).ok())?,
            link: Link {
                sha256: text(object, "previousReceiptHash", Sha256Digest::parse_hex)?,
                sha3: some_text(asqav, "prev", Sha3Digest::parse_tagged)?,
            },
            action_type: text(object, "action_type", parsed)?,
            tool_name: some_text(object, "tool_name", parsed)?,
            context: context(receipt_type, object)?,
            decision: text(object, "decision", Decision::from_wire)?,
            reason: some_text(object, "reason", parsed)?,
            policy_digest: text(object, "policy_digest", Sha256Digest::parse_tagged)?,
            controls: controls(object)?,
            session_id: some_text(object, "session_id", parsed)?,
            invocation_ref: some_text(object, "invocation_ref", Sha256Digest::parse_tagged)?,
            key_thumbprint: text(object, "key_thumbprint", Sha256Digest::parse_tagged)?,
            expires_at: some_text(object, "expires_at", time)?,
            asqav: extension(asqav)?,
        })
    }
}

pub(super) fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

pub(super) fn time(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).ok()
}

fn member<'a, T>(
    object: &'a Object,
    name: &'static str,
    read: impl FnOnce(&'a Json) -> Option<T>,
) -> Result<T, ShapeError> {
    let value = object.get(name).ok_or(ShapeError { member: name, why: MISSING })?;
    read(value).ok_or_else(|| malformed(name))
}

fn some<'a, T>(
    object: &'a Object,
    name: &'static str,
    read: impl FnOnce(&'a Json) -> Option<T>,
) -> Result<Option<T>, ShapeError> {
    object.get(name).map(|value| read(value).ok_or_else(|| malformed(name))).transpose()
}

fn text<T>(
    object: &Object,
    name: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ShapeError> {
    member(object, name, |value| value.as_str().and_then(read))
}

fn some_text<T>(
    object: &Object,
    name: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, ShapeError> {
    some(object, name, |value| value.as_str().and_then(read))
}

fn context(receipt_type: ReceiptType, payload: &Object) -> Result<Context, ShapeError> {
    let object = member(payload, "context", Json::as_object)?;
    let result = some(object, "result", form)?;
    if receipt_type == ReceiptType::Outcome {
        return Ok(Context::Result(result));
    }
    if let Some(arguments) = object.get("arguments").and_then(Json::as_object) {
        let shown = arguments
            .iter()
            .map(|(name, value)| Some((name.to_owned(), form(value)?)))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| malformed("context.arguments"))?;
        let folded = some(object, "arguments_root", folded)?;
        return Ok(match receipt_type {
            ReceiptType::Observation => Context::Observed { shown, folded, result },
            _ => Context::Arguments { shown, folded },
        });
    }
    if let Some(step) = object.get("step") {
        return form(step).map(Context::Step).ok_or_else(|| malformed("context.step"));
    }
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (Some((name, event @ Json::Object(body))), None) if holds_no_float(event) => {
            let name = EVENTS.into_iter().find(|event| *event == name).ok_or_else(|| malformed("context"))?;
            Ok(Context::Event { name, body: body.clone() })
        }
        _ => Err(malformed("context")),
    }
}

/// The events that asqav writes.
pub const EVENTS: [&str; 18] = [
    "gate:start",
    "gate:stop",
    "gate:recovery",
    "gate:halt",
    "gate:resume",
    "gate:denials",
    "policy:activate",
    "policy:reject",
    "approval:grant",
    "approval:refuse",
    "approval:record",
    "session:open",
    "session:close",
    crate::erasure::ERASE_EVENT,
    crate::deletion::DELETE_EVENT,
    crate::hold::HOLD_EVENT,
    crate::hold::RELEASE_EVENT,
    crate::time_mark::TIME_EVENT,
];

fn form(value: &Json) -> Option<Form> {
    let mut members = value.as_object()?.iter();
    let form = match members.next()? {
        ("commit", value) => Form::Commit(Sha3Digest::parse_hex(value.as_str()?)?),
        ("value", value) if holds_no_float(value) => Form::Value(value.clone()),
        ("json", value) => Form::Text(value.as_str()?.to_owned()),
        ("dropped", Json::Bool(true)) => Form::Dropped,
        _ => return None,
    };
    members.next().is_none().then_some(form)
}

/// A payload holds no number with fraction or exponent, whatever its value.
pub(super) fn holds_no_float(value: &Json) -> bool {
    match value {
        Json::Float(_) => false,
        Json::Array(values) => values.iter().all(holds_no_float),
        Json::Object(object) => object.iter().all(|(_, value)| holds_no_float(value)),
        Json::Null | Json::Bool(_) | Json::Integer(_) | Json::String(_) => true,
    }
}

fn folded(value: &Json) -> Option<Folded> {
    let object = value.as_object()?;
    let root = Sha3Digest::parse_hex(object.get("root")?.as_str()?)?;
    Some(Folded::new(object.get("count")?.as_count()?, root))
}

fn controls(payload: &Object) -> Result<Controls, ShapeError> {
    let read = some(payload, "controls_evaluated", |value| {
        let controls = value.as_object()?;
        let policy_matched = match controls.get("policy") {
            // Without a rule that matched, no policy was evaluated.
            Some(policy) => {
                Some(policy.as_object()?.get("matched_count")?.as_count().filter(|count| *count > 0)?)
            }
            None => None,
        };
        let halted = match controls.get("emergency_halt") {
            Some(halt) => *halt.as_object()?.get("halted")? == Json::Bool(true),
            None => false,
        };
        let delegation = match controls.get("delegation_scope") {
            Some(scope) => Some(Sha3Digest::parse_hex(scope.as_object()?.get("chain")?.as_str()?)?),
            None => None,
        };
        let quorum = match controls.get("quorum") {
            Some(quorum) => {
                Some(Sha256Digest::parse_hex(quorum.as_object()?.get("attestation_hash")?.as_str()?)?)
            }
            None => None,
        };
        Some(Controls { policy_matched, halted, delegation, quorum })
    })?;
    Ok(read.unwrap_or_default())
}

fn extension(asqav: &Object) -> Result<Extension, ShapeError> {
    Ok(Extension {
        log_id: text(asqav, "log_id", |id| crate::id::LogId::parse(id).ok())?,
        tier: text(asqav, "tier", Tier::from_wire)?,
        phase: text(asqav, "phase", Phase::from_wire)?,
        outcome: some_text(asqav, "outcome", Outcome::from_wire)?,
        recovered: some(asqav, "recovered", |value| (*value == Json::Bool(true)).then_some(()))?.is_some(),
        error_type: some_text(asqav, "error_type", parsed)?,
        started_at: some_text(asqav, "started_at", time)?,
        duration_us: some(asqav, "duration_us", Json::as_count)?,
        tool: some(asqav, "tool", tool)?,
        policy: some(asqav, "policy", policy)?,
        parents: some(asqav, "parents", |value| {
            at_most(super::MAX_PARENTS, value)?.iter().map(|id| ActionId::parse(id.as_str()?).ok()).collect()
        })?
        .unwrap_or_default(),
        trace: some(asqav, "trace", trace)?,
    })
}

fn at_most(max: usize, list: &Json) -> Option<&[Json]> {
    list.as_array().filter(|values| values.len() <= max)
}

fn tool(value: &Json) -> Option<ToolInfo> {
    let object = value.as_object()?;
    let version = match object.get("version") {
        Some(value) => Some(parsed(value.as_str()?)?),
        None => None,
    };
    let definition_digest = match object.get("definition_digest") {
        Some(value) => Some(Sha256Digest::parse_tagged(value.as_str()?)?),
        None => None,
    };
    Some(ToolInfo { version, definition_digest })
}

fn policy(value: &Json) -> Option<PolicyInfo> {
    let object = value.as_object()?;
    let read = |max: usize, rules: &Json| -> Option<Vec<_>> {
        at_most(max, rules)?.iter().map(|rule| parsed(rule.as_str()?)).collect()
    };
    // Absent rather than empty, because that is how they are written.
    let noted = |name: &str| match object.get(name) {
        Some(rules) => read(super::MAX_NOTED, rules).filter(|rules| !rules.is_empty()),
        None => Some(Vec::new()),
    };
    let rules = read(super::MAX_RULES, object.get("rules")?)?;
    let inputs = match object.get("inputs") {
        Some(value) => Some(Sha3Digest::parse_hex(value.as_str()?)?),
        None => None,
    };
    let mut info = PolicyInfo::new(parsed(object.get("id")?.as_str()?)?, rules, inputs);
    info.shadow = noted("shadow")?;
    info.obliged = noted("obliged")?;
    Some(info)
}

fn trace(value: &Json) -> Option<Trace> {
    let object = value.as_object()?;
    Some(Trace::new(
        decode_hex(object.get("trace_id")?.as_str()?)?,
        decode_hex(object.get("span_id")?.as_str()?)?,
    ))
}
