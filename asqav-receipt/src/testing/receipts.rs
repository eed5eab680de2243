//! Small receipts to build logs from.

use crate::digest::Sha256Digest;
use crate::id::{ActionId, ActionType, AgentId, IssuerId, LogId, Nonce, ToolName};
use crate::json::Object;
use crate::payload::{
    Context, Controls, Decision, Extension, Form, Link, Outcome, Payload, Phase, ReceiptType, Tier,
};
use crate::time::Timestamp;

/// The decision receipt `n`, an allow.
pub(crate) fn decision(n: u8) -> Payload {
    Payload {
        receipt_type: ReceiptType::Decision,
        action_id: ActionId::from_parts(u64::from(n), [n; 10]),
        agent_id: AgentId::parse("agent").unwrap(),
        issuer_id: IssuerId::parse("issuer").unwrap(),
        issued_at: Timestamp::from_unix_micros(i64::from(n)).unwrap(),
        seq: u64::from(n),
        nonce: Nonce::from_bytes([n; 12]),
        link: Link::GENESIS,
        action_type: ActionType::parse("ledger:query").unwrap(),
        tool_name: Some(ToolName::parse("query").unwrap()),
        context: Context::Arguments { shown: Vec::new(), folded: None },
        decision: Decision::Allow,
        reason: None,
        policy_digest: Sha256Digest::of(b"policy"),
        controls: Controls::default(),
        session_id: None,
        invocation_ref: None,
        key_thumbprint: Sha256Digest::of(b"key"),
        expires_at: None,
        asqav: Extension {
            log_id: LogId::from_bytes([1; 16]),
            tier: Tier::Bounded,
            phase: Phase::Decision,
            outcome: None,
            recovered: false,
            error_type: None,
            started_at: None,
            duration_us: None,
            tool: None,
            policy: None,
            parents: Vec::new(),
            trace: None,
        },
    }
}

/// The outcome receipt of `decision`.
pub(crate) fn outcome(decision: &Payload, result: Option<Form>) -> Payload {
    let canonical = decision.to_canonical();
    let mut payload = decision.clone();
    payload.receipt_type = ReceiptType::Outcome;
    payload.action_id = ActionId::from_parts(1_000, [u8::try_from(decision.seq).unwrap(); 10]);
    payload.seq = decision.seq + 100;
    payload.context = Context::Result(result);
    payload.decision = Decision::Observation;
    payload.invocation_ref = Some(Sha256Digest::of(&canonical));
    payload.asqav.phase = Phase::Outcome;
    payload.asqav.outcome = Some(Outcome::Ok);
    payload.asqav.parents = vec![decision.action_id];
    payload
}

/// The life-cycle receipt `n`.
pub(crate) fn event(name: &'static str, n: u8, body: Object) -> Payload {
    let mut payload = decision(n);
    payload.receipt_type = ReceiptType::Lifecycle;
    payload.action_type = ActionType::parse(name).unwrap();
    payload.tool_name = None;
    payload.context = Context::Event { name, body };
    payload.decision = Decision::Observation;
    payload.asqav.phase = Phase::Event;
    payload
}
