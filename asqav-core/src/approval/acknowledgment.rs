//! An approver's answer: a receipt of its own, signed by the approver's key.

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{ActionId, ActionType, AgentId, IssuerId, LogId, Nonce, ReasonCode};
use asqav_receipt::json::{Json, Object};
use asqav_receipt::keys::KeySet;
use asqav_receipt::payload::{
    Context, Controls, Decision, Extension, Link, Payload, Phase, ReceiptType, Tier,
};
use asqav_receipt::receipt;
use asqav_receipt::suite;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{ReceiptInputs, Verdict, verify_receipt};

use super::ApprovalRequest;
use crate::sign::{SignError, Signer};

/// Who approves: what the receipt gives as agent and issuer, and what the
/// pinned key has to name, too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an approver has a name, and somebody vouches for it")]
pub struct ApproverId {
    /// The approver.
    pub approver: AgentId,
    /// Who vouches for the approver.
    pub issuer: IssuerId,
}

/// What an approver says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "yes or no")]
pub enum Answer {
    /// The call may run.
    Grant,
    /// The call must not run.
    Refuse,
}

/// An approver's answer: a receipt of the type `protectmcp:acknowledgment`,
/// the first and only one of a log of its own, as canonical JSON of payload
/// and signature. Anybody can verify it who has the approver's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgment(Vec<u8>);

/// A good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vote {
    /// The thumbprint of the key that signed it.
    pub(crate) by: Sha256Digest,
    pub(crate) answer: Answer,
    pub(crate) envelope: Acknowledgment,
}

/// Why an answer does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Invalid,
    Expired,
    OtherArguments,
    OtherPolicy,
}

impl Fault {
    /// The receipt's `reason`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "approval_invalid",
            Self::Expired => "approval_expired",
            Self::OtherArguments => "approval_for_other_arguments",
            Self::OtherPolicy => "approval_for_other_policy",
        }
    }
}

impl Answer {
    const fn event(self) -> &'static str {
        match self {
            Self::Grant => "approval:grant",
            Self::Refuse => "approval:refuse",
        }
    }
}

impl Acknowledgment {
    /// Answers `request` in the name of `by`, signed with the approver's own
    /// key at `now`.
    ///
    /// # Errors
    /// [`SignError`] when nothing was signed.
    pub fn sign(
        request: &ApprovalRequest,
        answer: Answer,
        by: &ApproverId,
        signer: &dyn Signer,
        now: Timestamp,
    ) -> Result<Self, SignError> {
        let suite = suite::by_name(signer.algorithm())
            .ok_or_else(|| SignError::Backend(format!("`{}` is no suite", signer.algorithm())))?;
        let canonical = payload(request, answer, by, *signer.thumbprint(), now)?.to_canonical();
        let sig = signer.sign(&canonical)?;
        let signature = receipt::Signature { alg: suite.name, kid: signer.key_id().clone(), sig };
        Ok(Self(receipt::portable(&canonical, &signature.into())))
    }

    /// An answer that was given elsewhere; whether it is good is seen when it
    /// is counted.
    #[must_use]
    pub const fn from_json(envelope: Vec<u8>) -> Self {
        Self(envelope)
    }

    /// The envelope: canonical JSON, about 5.5 KB.
    #[must_use]
    pub fn as_json(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is an answer to `request` under one of `keys`.
    pub(crate) fn check(
        self,
        request: &ApprovalRequest,
        keys: &KeySet,
        now: Timestamp,
    ) -> Result<Vote, Fault> {
        let inputs = ReceiptInputs::new().keys(keys).at(now);
        if verify_receipt(&self.0, &inputs).verdict != Verdict::Verified {
            return Err(Fault::Invalid);
        }
        let (json, _) = receipt::parse_receipt(&self.0).map_err(|_| Fault::Invalid)?;
        let payload = Payload::from_json(&json).map_err(|_| Fault::Invalid)?;
        let Context::Event { name, body } = &payload.context else { return Err(Fault::Invalid) };
        let answer = match (*name, payload.decision) {
            ("approval:grant", Decision::Allow) => Answer::Grant,
            ("approval:refuse", Decision::Deny) => Answer::Refuse,
            _ => return Err(Fault::Invalid),
        };
        if payload.receipt_type != ReceiptType::Acknowledgment {
            return Err(Fault::Invalid);
        }
        let said = |name: &str| body.get(name).and_then(Json::as_str);
        if said("receipt") != Some(&*request.receipt.to_string())
            || said("payload") != Some(&*request.payload.to_tagged())
        {
            return Err(Fault::OtherArguments);
        }
        if payload.policy_digest != request.policy_digest {
            return Err(Fault::OtherPolicy);
        }
        if payload.expires_at != Some(request.expires_at) || now > request.expires_at {
            return Err(Fault::Expired);
        }
        Ok(Vote { by: payload.key_thumbprint, answer, envelope: self })
    }
}

/// The acknowledgment's payload: receipt 1 of a log of its own.
fn payload(
    request: &ApprovalRequest,
    answer: Answer,
    by: &ApproverId,
    key_thumbprint: Sha256Digest,
    now: Timestamp,
) -> Result<Payload, SignError> {
    let (mut id, mut nonce, mut log_id) = ([0; 10], [0; 12], [0; 16]);
    for random in [&mut id[..], &mut nonce, &mut log_id] {
        getrandom::fill(random).map_err(|error| SignError::Randomness(error.to_string()))?;
    }
    let mut body = Object::new();
    body.set("receipt", request.receipt.to_string().as_str());
    body.set("payload", request.payload.to_tagged().as_str());
    let (decision, reason) = match answer {
        Answer::Grant => (Decision::Allow, None),
        Answer::Refuse => (Decision::Deny, ReasonCode::parse("approval_refused").ok()),
    };
    let name = answer.event();
    let action_type = ActionType::parse(name);
    Ok(Payload {
        receipt_type: ReceiptType::Acknowledgment,
        action_id: ActionId::from_parts(now.unix_millis(), id),
        agent_id: by.approver.clone(),
        issuer_id: by.issuer.clone(),
        issued_at: now,
        seq: 1,
        nonce: Nonce::from_bytes(nonce),
        link: Link::GENESIS,
        action_type: action_type.map_err(|error| SignError::Backend(error.to_string()))?,
        tool_name: Some(request.tool.clone()),
        context: Context::Event { name, body },
        decision,
        reason,
        policy_digest: request.policy_digest,
        controls: Controls::default(),
        session_id: request.session.clone(),
        invocation_ref: None,
        key_thumbprint,
        expires_at: Some(request.expires_at),
        asqav: Extension {
            log_id: LogId::from_bytes(log_id),
            tier: Tier::Bounded,
            phase: Phase::Event,
            outcome: None,
            recovered: false,
            error_type: None,
            started_at: None,
            duration_us: None,
            tool: None,
            policy: None,
            parents: vec![request.receipt],
            trace: None,
        },
    })
}
