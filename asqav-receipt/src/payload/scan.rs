//! Reads a payload from its canonical bytes in one pass, without a tree.
//!
//! The members are looked for in the order in which [`Payload::to_canonical`]
//! writes them. INVARIANT: what is read here is written again and compared with
//! the bytes, so that a member read too leniently, left out or read twice can
//! only make the scan give up, never make it believe other bytes. Whoever needs
//! to know what is wrong reads the bytes with [`Json::parse`] and
//! [`Payload::from_json`].

mod members;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use super::read::{EVENTS, holds_no_float, parsed, time};
use super::{
    Context, Controls, Extension, Folded, Form, Link, MAX_PAYLOAD_LEN, Payload, PolicyInfo, ReceiptType,
    ToolInfo, Trace,
};
use crate::canonical::member_order;
use crate::digest::{Sha3Digest, Sha256Digest, decode_hex};
use crate::id::ActionId;
use crate::json::{Json, Lexer, Object, next_value};
use members::{Members, count, flag};

impl Payload {
    /// Reads the payload that comes next in `text`, and the bytes that stand
    /// there, which are its canonical ones. `None` if these are not exactly what
    /// [`to_canonical`](Self::to_canonical) writes of some payload of at most
    /// [`MAX_PAYLOAD_LEN`] bytes.
    pub(crate) fn scan<'l>(text: &mut Lexer<'l>) -> Option<(Self, &'l [u8])> {
        let start = text.offset();
        let payload = payload(text)?;
        let given = text.since(start).as_bytes();
        if given.len() > MAX_PAYLOAD_LEN {
            return None;
        }
        (payload.to_canonical() == given).then_some((payload, given))
    }
}

fn payload(text: &mut Lexer<'_>) -> Option<Payload> {
    let mut members = Members::open(text)?;
    let action_id = members.text("action_id", |id| ActionId::parse(id).ok())?;
    members.text("action_ref", derived)?;
    let action_type = members.text("action_type", parsed)?;
    let agent_id = members.text("agent_id", parsed)?;
    let (asqav, sha3) = extension(members.value("asqav")?)?;
    members.some_text("capture_topology", derived)?;
    let context = Found::read(members.value("context")?)?;
    let controls = members.some("controls_evaluated", controls)?.unwrap_or_default();
    let decision = members.text("decision", super::Decision::from_wire)?;
    let expires_at = members.some_text("expires_at", time)?;
    let invocation_ref = members.some_text("invocation_ref", Sha256Digest::parse_tagged)?;
    let issued_at = members.text("issued_at", time)?;
    let issuer_id = members.text("issuer_id", parsed)?;
    let key_thumbprint = members.text("key_thumbprint", Sha256Digest::parse_tagged)?;
    members.text("mode", derived)?;
    let nonce = members.text("nonce", |nonce| crate::id::Nonce::parse(nonce).ok())?;
    payload_digest(members.value("payload_digest")?)?;
    let policy_digest = members.text("policy_digest", Sha256Digest::parse_tagged)?;
    let sha256 = members.text("previousReceiptHash", Sha256Digest::parse_hex)?;
    let reason = members.some_text("reason", parsed)?;
    members.some_text("result_digest", derived)?;
    let seq = count(members.value("seq")?)?;
    let session_id = members.some_text("session_id", parsed)?;
    let tool_name = members.some_text("tool_name", parsed)?;
    let receipt_type = members.text("type", ReceiptType::from_wire)?;
    count(members.value("v")?)?;
    members.close()?;
    Some(Payload {
        receipt_type,
        action_id,
        agent_id,
        issuer_id,
        issued_at,
        seq,
        nonce,
        link: Link { sha256, sha3 },
        action_type,
        tool_name,
        context: context.of(receipt_type)?,
        decision,
        reason,
        policy_digest,
        controls,
        session_id,
        invocation_ref,
        key_thumbprint,
        expires_at,
        asqav,
    })
}

/// A member that follows from others: written again, it must come out the same.
#[expect(clippy::unnecessary_wraps, reason = "it stands where members are read that can be malformed")]
const fn derived(_: &str) -> Option<()> {
    Some(())
}

fn payload_digest(text: &mut Lexer<'_>) -> Option<()> {
    let mut members = Members::open(text)?;
    members.text("hash", derived)?;
    count(members.value("size")?)?;
    members.close()
}

/// The members of a context, before the receipt's type says which belong there.
#[derive(Default)]
struct Found {
    arguments: Option<Vec<(String, Form)>>,
    folded: Option<Folded>,
    result: Option<Form>,
    step: Option<Form>,
    event: Option<(&'static str, Object)>,
}

impl Found {
    fn read(text: &mut Lexer<'_>) -> Option<Self> {
        let mut members = Members::open(text)?;
        let arguments = members.some("arguments", arguments)?;
        let folded = members.some("arguments_root", folded)?;
        let result = members.some("result", form)?;
        let step = members.some("step", form)?;
        let mut event = None;
        if let Some(name) = members.name()? {
            let name = EVENTS.into_iter().find(|event| *event == name)?;
            match next_value(members.text)? {
                Json::Object(body) if body.iter().all(|(_, value)| holds_no_float(value)) => {
                    event = Some((name, body));
                }
                _ => return None,
            }
        }
        members.close()?;
        Some(Self { arguments, folded, result, step, event })
    }

    /// As [`Payload::from_json`] tells contexts apart.
    fn of(self, receipt_type: ReceiptType) -> Option<Context> {
        let Self { arguments, folded, result, step, event } = self;
        Some(match (receipt_type, arguments) {
            (ReceiptType::Outcome, _) => Context::Result(result),
            (ReceiptType::Observation, Some(shown)) => Context::Observed { shown, folded, result },
            (_, Some(shown)) => Context::Arguments { shown, folded },
            (_, None) => match (step, event) {
                (Some(step), _) => Context::Step(step),
                (None, event) => {
                    let (name, body) = event?;
                    Context::Event { name, body }
                }
            },
        })
    }
}

fn arguments(text: &mut Lexer<'_>) -> Option<Vec<(String, Form)>> {
    let mut members = Members::open(text)?;
    let mut shown: Vec<(String, Form)> = Vec::new();
    while let Some(name) = members.name()? {
        // Written in order, a name that stands there twice would come out the same.
        if shown.last().is_some_and(|(before, _)| member_order(before, &name) != Ordering::Less) {
            return None;
        }
        let form = form(members.text)?;
        shown.push((name.into_owned(), form));
    }
    members.close()?;
    Some(shown)
}

fn form(text: &mut Lexer<'_>) -> Option<Form> {
    let mut members = Members::open(text)?;
    let form = if let Some(digest) = members.some_text("commit", Sha3Digest::parse_hex)? {
        Form::Commit(digest)
    } else if members.some("dropped", flag)?.is_some() {
        Form::Dropped
    } else if let Some(text) = members.some_text("json", |text| Some(text.to_owned()))? {
        Form::Text(text)
    } else {
        Form::Value(next_value(members.value("value")?).filter(holds_no_float)?)
    };
    members.close()?;
    Some(form)
}

fn folded(text: &mut Lexer<'_>) -> Option<Folded> {
    let mut members = Members::open(text)?;
    let folded = Folded::new(count(members.value("count")?)?, members.text("root", Sha3Digest::parse_hex)?);
    members.close()?;
    Some(folded)
}

fn controls(text: &mut Lexer<'_>) -> Option<Controls> {
    let mut controls = Controls::default();
    let mut members = Members::open(text)?;
    if let Some(mut scope) = members.some_object("delegation_scope")? {
        controls.delegation = Some(scope.text("chain", Sha3Digest::parse_hex)?);
        flag(scope.value("checked")?)?;
        scope.close()?;
    }
    if let Some(mut halt) = members.some_object("emergency_halt")? {
        flag(halt.value("checked")?)?;
        flag(halt.value("halted")?)?;
        halt.close()?;
        controls.halted = true;
    }
    if let Some(mut policy) = members.some_object("policy")? {
        flag(policy.value("evaluated")?)?;
        controls.policy_matched = Some(count(policy.value("matched_count")?).filter(|count| *count > 0)?);
        policy.close()?;
    }
    if let Some(mut quorum) = members.some_object("quorum")? {
        controls.quorum = Some(quorum.text("attestation_hash", Sha256Digest::parse_hex)?);
        flag(quorum.value("fired")?)?;
        quorum.close()?;
    }
    members.close()?;
    Some(controls)
}

/// The member `asqav`, and `prev` in it.
fn extension(text: &mut Lexer<'_>) -> Option<(Extension, Option<Sha3Digest>)> {
    let mut members = Members::open(text)?;
    let duration_us = members.some("duration_us", count)?;
    let error_type = members.some_text("error_type", parsed)?;
    let log_id = members.text("log_id", |id| crate::id::LogId::parse(id).ok())?;
    let outcome = members.some_text("outcome", super::Outcome::from_wire)?;
    let parents = members.texts("parents", |id| ActionId::parse(id).ok())?;
    let phase = members.text("phase", super::Phase::from_wire)?;
    let policy = members.some("policy", policy)?;
    let prev = members.some_text("prev", Sha3Digest::parse_tagged)?;
    let recovered = members.some("recovered", flag)?.is_some();
    let started_at = members.some_text("started_at", time)?;
    let tier = members.text("tier", super::Tier::from_wire)?;
    let tool = members.some("tool", tool)?;
    let trace = members.some("trace", trace)?;
    members.close()?;
    let extension = Extension {
        log_id,
        tier,
        phase,
        outcome,
        recovered,
        error_type,
        started_at,
        duration_us,
        tool,
        policy,
        parents,
        trace,
    };
    Some((extension, prev))
}

fn policy(text: &mut Lexer<'_>) -> Option<PolicyInfo> {
    let mut members = Members::open(text)?;
    let id = members.text("id", parsed)?;
    let inputs = members.some_text("inputs", Sha3Digest::parse_hex)?;
    let obliged = members.texts("obliged", parsed)?;
    let rules = members.texts("rules", parsed)?;
    let shadow = members.texts("shadow", parsed)?;
    members.close()?;
    let mut info = PolicyInfo::new(id, rules, inputs);
    (info.obliged, info.shadow) = (obliged, shadow);
    Some(info)
}

fn tool(text: &mut Lexer<'_>) -> Option<ToolInfo> {
    let mut members = Members::open(text)?;
    let definition_digest = members.some_text("definition_digest", Sha256Digest::parse_tagged)?;
    let version = members.some_text("version", parsed)?;
    members.close()?;
    Some(ToolInfo { version, definition_digest })
}

fn trace(text: &mut Lexer<'_>) -> Option<Trace> {
    let mut members = Members::open(text)?;
    let (span_id, trace_id) = (members.text("span_id", decode_hex)?, members.text("trace_id", decode_hex)?);
    members.close()?;
    Some(Trace::new(trace_id, span_id))
}
