//! What all receipts of one gate have in common, and what makes each unique.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use asqav_receipt::commitment;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{ActionId, ActionType, AgentId, IssuerId, LogId, Nonce};
use asqav_receipt::json::Object;
use asqav_receipt::payload::{
    Context, Controls, Decision, Extension, Link, Payload, Phase, ReceiptType, Tier,
};
use asqav_receipt::time::Timestamp;

use crate::clock::Clock;
use crate::commit::{Committer, Foreseen};
use crate::recorder::Draft;
use crate::refused::Refused;

/// What all receipts of one gate have in common.
pub(crate) struct Identity {
    pub(crate) agent: AgentId,
    pub(crate) issuer: IssuerId,
    pub(crate) log_id: LogId,
    pub(crate) thumbprint: Sha256Digest,
    /// That of the policy in force. A lock of its own, because events are
    /// drafted while the policy itself is locked.
    pub(super) policy_digest: RwLock<Sha256Digest>,
    pub(crate) tier: Tier,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Identity {
    /// A payload with what every receipt has; sequence number, link and time
    /// are the recorder's.
    pub(crate) fn payload(&self, fresh: &Fresh, action_type: ActionType, kind: Kind) -> Payload {
        let Kind { receipt_type, phase, context } = kind;
        Payload {
            receipt_type,
            action_id: fresh.action_id,
            agent_id: self.agent.clone(),
            issuer_id: self.issuer.clone(),
            issued_at: Timestamp::MAX,
            seq: 0,
            nonce: fresh.nonce,
            link: Link::GENESIS,
            action_type,
            tool_name: None,
            context,
            decision: Decision::Observation,
            reason: None,
            policy_digest: self.policy_digest(),
            controls: Controls::default(),
            session_id: None,
            invocation_ref: None,
            key_thumbprint: self.thumbprint,
            expires_at: None,
            asqav: Extension {
                log_id: self.log_id,
                tier: self.tier,
                phase,
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

    /// A draft of the event `name`, e.g. `gate:start`.
    pub(crate) fn event(&self, fresh: &Fresh, name: &'static str, body: Object) -> Draft {
        let receipt_type = match name {
            "policy:activate" | "policy:reject" => ReceiptType::ConfigurationChange,
            _ => ReceiptType::Lifecycle,
        };
        let kind = Kind { receipt_type, phase: Phase::Event, context: Context::Event { name, body } };
        Draft::new(self.payload(fresh, action_type(name), kind), None)
    }

    pub(crate) fn policy_digest(&self) -> Sha256Digest {
        *self.policy_digest.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_policy_digest(&self, digest: Sha256Digest) {
        *self.policy_digest.write().unwrap_or_else(PoisonError::into_inner) = digest;
    }

    /// Commits to the values of the receipt that `fresh` is for.
    pub(crate) fn committer<'a>(&self, fresh: &'a Fresh) -> Committer<'a> {
        Committer::new(self.log_id, fresh.action_id, fresh.secret, &fresh.foreseen)
    }
}

/// Which kind of receipt, and what it is about.
pub(crate) struct Kind {
    pub(crate) receipt_type: ReceiptType,
    pub(crate) phase: Phase,
    pub(crate) context: Context,
}

/// An event's name as the receipt's action.
fn action_type(event: &'static str) -> ActionType {
    #[expect(clippy::expect_used, reason = "the names of events are actions")]
    ActionType::parse(event).expect("an event's name is an action")
}

/// What makes one receipt unique: drawn before anything happens that must
/// not fail for want of randomness.
pub(crate) struct Fresh {
    pub(crate) action_id: ActionId,
    nonce: Nonce,
    secret: [u8; 32],
    foreseen: Vec<Foreseen>,
}

impl Fresh {
    /// Draws for one receipt.
    pub(crate) fn draw(clock: &dyn Clock) -> Result<Self, Refused> {
        let [fresh] = Self::draw_some(clock)?;
        Ok(fresh)
    }

    /// Draws for `N` receipts at once.
    pub(crate) fn draw_some<const N: usize>(clock: &dyn Clock) -> Result<[Self; N], Refused> {
        let mut random = [[0; 54]; N];
        getrandom::fill(random.as_flattened_mut())
            .map_err(|error| Refused::NoRandomness { why: error.to_string() })?;
        let millis = clock.now().unix_millis();
        Ok(random.map(|random| Self::from_random(millis, &random)))
    }

    /// Makes the salts of what is probably going to be committed in these
    /// receipts, in that order: by their pointers.
    pub(crate) fn foresee<const N: usize>(receipts: [(&mut Self, Vec<Cow<'static, str>>); N]) {
        let wanted: Vec<_> = receipts
            .iter()
            .flat_map(|(fresh, pointers)| pointers.iter().map(|pointer| (&fresh.secret, &**pointer)))
            .collect();
        let mut salts = commitment::salts(&wanted).into_iter();
        for (fresh, pointers) in receipts {
            let foreseen = pointers.into_iter().zip(&mut salts);
            fresh.foreseen = foreseen.map(|(pointer, salt)| Foreseen { pointer, salt }).collect();
        }
    }

    fn from_random(millis: u64, random: &[u8; 54]) -> Self {
        let (mut id, mut nonce, mut secret) = ([0; 10], [0; 12], [0; 32]);
        let parts = [&mut id[..], &mut nonce[..], &mut secret[..]];
        let bytes = parts.into_iter().flatten();
        bytes.zip(random).for_each(|(byte, random)| *byte = *random);
        let (action_id, nonce) = (ActionId::from_parts(millis, id), Nonce::from_bytes(nonce));
        Self { action_id, nonce, secret, foreseen: Vec::new() }
    }
}
