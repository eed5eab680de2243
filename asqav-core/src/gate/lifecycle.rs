//! What a gate records when it starts: the recovery of what an unclean stop
//! left open, `gate:start`, `policy:activate`.

use std::collections::HashMap;

use asqav_receipt::erasure::{ERASE_EVENT, MAX_ERASED_LEN, erase_body};
use asqav_receipt::id::SessionId;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::open::{OpenDecision, OpenItem};
use asqav_receipt::payload::{Context, Outcome, Phase, ReceiptType};

use super::Gate;
use super::active::activation;
use super::builder::{OpenError, OperatorRole, System};
use super::identity::{Fresh, Identity, Kind};
use crate::clock::Clock;
use crate::log::{Durability, LogStart, Unclean};
use crate::recorder::{Draft, Options, Place, Submitted};
use crate::refused::Refused;
use crate::session::{SessionState, SessionStatus};
use crate::sign::Signing;

/// Texts in `gate:start` have at most this many bytes.
const MAX_TEXT_LEN: usize = 128;

/// The body of `gate:start`.
pub(super) fn start_body(
    system: &System,
    boot_id: &str,
    clock: &dyn Clock,
    options: Options,
) -> Result<Object, OpenError> {
    let System { id, version, environment, operator_role } = system;
    let mut body = Object::new();
    body.set("software", concat!("asqav-rs ", env!("CARGO_PKG_VERSION")));
    body.set("build", if cfg!(debug_assertions) { "debug" } else { "release" });
    body.set(
        "durability",
        match options.durability {
            Durability::Durable => "durable",
            Durability::Written => "written",
            Durability::Journaled => "journaled",
            Durability::Queued => "queued",
        },
    );
    body.set(
        "signing",
        match options.signing {
            Signing::EachReceipt => "each",
            Signing::Batched => "batched",
        },
    );
    set_text(&mut body, "clock", Some(clock.source()))?;
    body.set("clock_synchronised", "unknown");
    set_text(&mut body, "boot_id", Some(boot_id))?;
    set_text(&mut body, "system_id", id.as_deref())?;
    set_text(&mut body, "system_version", version.as_deref())?;
    set_text(&mut body, "environment", environment.as_deref())?;
    if let Some(role) = operator_role {
        body.set(
            "operator_role",
            match role {
                OperatorRole::Provider => "provider",
                OperatorRole::Deployer => "deployer",
            },
        );
    }
    body.set("max_in_flight", count(options.max_in_flight));
    Ok(body)
}

fn set_text(body: &mut Object, what: &'static str, text: Option<&str>) -> Result<(), OpenError> {
    let Some(text) = text else { return Ok(()) };
    if text.is_empty() || text.len() > MAX_TEXT_LEN || text.contains(char::is_control) {
        return Err(OpenError::Text { what });
    }
    body.set(what, text);
    Ok(())
}

fn count(value: usize) -> Json {
    Json::count(u64::try_from(value).unwrap_or(u64::MAX))
}

/// Submits the first receipts of a gate and waits until they are durable.
pub(super) fn record_start(
    gate: &Gate,
    start: &LogStart,
    boot_id: &str,
    body: Object,
) -> Result<(), Refused> {
    let identity = gate.identity();
    // One place for all of them, however many calls may be in flight.
    let place = gate.recorder().reserve()?;
    if let Some(unclean) = &start.unclean {
        let body = recovery_body(start, unclean, boot_id);
        place.submit(identity.event(&draw(identity)?, "gate:recovery", body))?;
    }
    seal(identity, &place, &start.open)?;
    let mut last = place.submit(identity.event(&draw(identity)?, "gate:start", body))?;
    for part in start.erasing.split(MAX_ERASED_LEN) {
        last = place.submit(identity.event(&draw(identity)?, ERASE_EVENT, erase_body(&part)))?;
    }
    if let Some(active) = gate.0.policy.get() {
        last = place.submit(activation(identity, &draw(identity)?, &active, None))?;
    }
    // Released in order: with the last one, all are durable.
    last.done.wait().map(drop).map_err(|cause| Refused::Closed { cause })
}

fn draw(identity: &Identity) -> Result<Fresh, Refused> {
    Fresh::draw(&*identity.clock)
}

fn recovery_body(start: &LogStart, unclean: &Unclean, boot_id: &str) -> Object {
    let mut body = Object::new();
    body.set("resumed_after_seq", Json::count(start.head.map_or(0, |head| head.seq)));
    body.set("torn_bytes", Json::count(unclean.torn_bytes));
    if let Some(sha3) = &unclean.torn_sha3 {
        body.set("torn_sha3", sha3.to_hex());
    }
    if let Some(seq) = unclean.unsigned_after {
        body.set("unsigned_after_seq", Json::count(seq));
    }
    body.set("boot_id", boot_id);
    body
}

/// Seals open decisions as `unknown`, then open sessions as aborted.
fn seal(identity: &Identity, place: &Place, open: &[OpenItem]) -> Result<(), Refused> {
    let mut sessions: Vec<SessionState> = Vec::new();
    for item in open {
        if let OpenItem::Session(session) = item {
            sessions.extend(SessionState::left_open(session));
        }
    }
    let by_id: HashMap<&SessionId, &SessionState> =
        sessions.iter().map(|session| (&session.id, session)).collect();
    for item in open {
        if let OpenItem::Decision(decision) = item {
            let Submitted { canonical, .. } = place.submit(unknown_outcome(identity, decision)?)?;
            let session = decision.session_id.as_ref().and_then(|id| by_id.get(id));
            session.iter().for_each(|session| session.push(&canonical));
        }
    }
    for session in &sessions {
        let mut draft = session.close_draft(identity, &draw(identity)?, SessionStatus::Aborted);
        draft.payload.asqav.recovered = true;
        if let Some(draft) = session.final_draft(draft) {
            place.submit(draft)?;
        }
    }
    Ok(())
}

fn unknown_outcome(identity: &Identity, decision: &OpenDecision) -> Result<Draft, Refused> {
    let OpenDecision { action_id, action_type, tool_name, session_id, payload_sha256, .. } = decision;
    let context = Context::Result(None);
    let kind = Kind { receipt_type: ReceiptType::Outcome, phase: Phase::Outcome, context };
    let mut payload = identity.payload(&draw(identity)?, action_type.clone(), kind);
    payload.tool_name.clone_from(tool_name);
    payload.session_id.clone_from(session_id);
    payload.invocation_ref = Some(*payload_sha256);
    payload.asqav.outcome = Some(Outcome::Unknown);
    payload.asqav.recovered = true;
    payload.asqav.parents = vec![*action_id];
    Ok(Draft::new(payload, None))
}
