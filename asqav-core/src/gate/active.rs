//! The policy in force, and how another one takes its place.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, PolicyId};
use asqav_receipt::json::Object;
use asqav_receipt::payload::Decision as Wire;
use asqav_receipt::time::Timestamp;

use super::Gate;
use super::decide::code;
use super::identity::{Fresh, Identity};
use crate::call::ToolCall;
use crate::policy::{Decision, Effect, Policy, PolicyFault, PolicyInput};
use crate::recorded::Recorded;
use crate::recorder::Draft;
use crate::refused::Refused;

/// A tool that no policy has a reason to allow.
///
/// The separators keep patterns like `*:*` from matching it.
const FORBIDDEN: &str = "asqav:self-test/refuse.this";

/// A policy and its digest, computed once.
pub(super) struct Active {
    pub(super) policy: Box<dyn Policy>,
    pub(super) digest: Sha256Digest,
}

impl Active {
    /// The policy, if it refuses a call that it has no reason to allow.
    ///
    /// # Errors
    /// [`PolicyFault::SelfTest`].
    pub(super) fn tested(
        policy: Box<dyn Policy>,
        agent: &AgentId,
        now: Timestamp,
    ) -> Result<Self, PolicyFault> {
        let call = ToolCall::builder(FORBIDDEN, FORBIDDEN).build();
        let input = PolicyInput::new(agent, &call, None, now);
        let tested = catch_unwind(AssertUnwindSafe(|| {
            let refuses = policy.allows_unknown_calls() || policy.decide(&input).effect != Effect::Allow;
            (refuses, policy.digest())
        }));
        match tested {
            Ok((true, digest)) => Ok(Self { policy, digest }),
            Ok((false, _)) => Err(PolicyFault::SelfTest("it allows a call that nobody has named".to_owned())),
            Err(_) => Err(PolicyFault::SelfTest("it panicked".to_owned())),
        }
    }

    /// Stands in for a policy that could not be loaded: denies every call for
    /// that reason.
    pub(super) fn unarmed(fault: &PolicyFault) -> Self {
        let policy = Unarmed::new(fault);
        Self { digest: policy.digest(), policy: Box::new(policy) }
    }
}

/// Which policy is in force.
///
/// INVARIANT: a decision is submitted under the read lock, and only if the
/// policy that made it is still in force; `policy:activate` is submitted under
/// the write lock. So every decision behind that receipt is the new policy's.
pub(super) struct InForce {
    active: RwLock<Option<Arc<Active>>>,
}

impl InForce {
    pub(super) fn new(active: Option<Active>) -> Self {
        Self { active: RwLock::new(active.map(Arc::new)) }
    }

    pub(super) fn get(&self) -> Option<Arc<Active>> {
        self.read().clone()
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Option<Arc<Active>>> {
        self.active.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether both are one policy, or both none.
pub(super) fn is_same(one: Option<&Arc<Active>>, other: Option<&Arc<Active>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

/// Why a policy was not replaced; the one before stays in force.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplaceError {
    /// The new one cannot be used; the receipt `policy:reject` says so.
    #[error("the policy before stays in force")]
    Fault(#[from] PolicyFault),
    /// The gate was opened without a policy and decides nothing.
    #[error("the gate has no policy to be replaced")]
    NoPolicy,
    /// The change could not be recorded.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Gate {
    /// Puts `policy` in force, in place of the one before. Takes what loading
    /// gave, so that a policy that could not be loaded is recorded, too:
    ///
    /// - A good one is in force when this returns, and every decision behind
    ///   the receipt `policy:activate`, which names the old and the new digest,
    ///   is its. The result resolves when that receipt is durable.
    /// - A bad one (it could not be loaded, or it would allow the self-test
    ///   call) changes nothing: the one before stays in force, and the receipt
    ///   `policy:reject`, a denial, gives the reason code.
    ///
    /// # Errors
    /// [`ReplaceError`]; the policy before stays in force.
    pub fn replace_policy<P: Policy>(
        &self,
        loaded: Result<P, PolicyFault>,
    ) -> Result<Recorded, ReplaceError> {
        let identity = self.identity();
        let place = self.recorder().reserve()?;
        let fresh = Fresh::draw(&*identity.clock)?;
        let tested =
            loaded.and_then(|policy| Active::tested(Box::new(policy), &identity.agent, identity.clock.now()));
        let mut active = self.0.policy.active.write().unwrap_or_else(PoisonError::into_inner);
        let Some(before) = &*active else { return Err(ReplaceError::NoPolicy) };
        match tested {
            Ok(new) => {
                let submitted = place.submit(activation(identity, &fresh, &new, Some(before.digest)))?;
                identity.set_policy_digest(new.digest);
                *active = Some(Arc::new(new));
                Ok(Recorded::of(Ok(submitted)))
            }
            Err(fault) => {
                drop(active);
                tracing::error!(target: "asqav::gate", %fault, "the policy before stays in force");
                // Waited for: whoever hears the error can rely on the receipt.
                let submitted = place.submit(rejection(identity, &fresh, &fault))?;
                submitted.done.wait().map_err(|cause| Refused::Closed { cause })?;
                Err(fault.into())
            }
        }
    }

    /// The digest of the policy in force; of a gate without a policy, that of
    /// `{"asqav_policy":"none"}`.
    #[must_use]
    pub fn policy_digest(&self) -> Sha256Digest {
        self.identity().policy_digest()
    }
}

/// `policy:activate`.
pub(super) fn activation(
    identity: &Identity,
    fresh: &Fresh,
    new: &Active,
    old: Option<Sha256Digest>,
) -> Draft {
    let mut body = Object::new();
    body.set("new", new.digest.to_tagged());
    if let Some(old) = old {
        body.set("old", old.to_tagged());
    }
    body.set("self_test", if new.policy.allows_unknown_calls() { "skipped" } else { "refused" });
    let mut draft = identity.event(fresh, "policy:activate", body);
    draft.payload.policy_digest = new.digest;
    draft
}

/// `policy:reject`: the denial of a policy.
pub(super) fn rejection(identity: &Identity, fresh: &Fresh, fault: &PolicyFault) -> Draft {
    let mut body = Object::new();
    body.set("kept", identity.policy_digest().to_tagged());
    let mut draft = identity.event(fresh, "policy:reject", body);
    draft.payload.decision = Wire::Deny;
    draft.payload.reason = Some(code(fault.code()));
    draft
}

/// Denies every call, because there is no policy that could allow one.
struct Unarmed {
    id: PolicyId,
    reason: &'static str,
}

impl Unarmed {
    #[expect(clippy::expect_used, reason = "a constant id")]
    fn new(fault: &PolicyFault) -> Self {
        Self { id: PolicyId::parse("unarmed").expect("a policy id"), reason: fault.code() }
    }
}

impl Policy for Unarmed {
    fn id(&self) -> &PolicyId {
        &self.id
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(format!(r#"{{"asqav_policy":"unarmed","reason":"{}"}}"#, self.reason).as_bytes())
    }

    fn decide(&self, _: &PolicyInput<'_>) -> Decision {
        Decision::deny(Vec::new(), code(self.reason))
    }
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InForce").field(&self.get().map(|active| active.digest)).finish()
    }
}
