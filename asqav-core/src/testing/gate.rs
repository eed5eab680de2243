//! A gate for tests.

use std::sync::Arc;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{AgentId, IssuerId, PolicyId, RuleId};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::suite::ML_DSA_65;

use super::{MemoryLog, Receipts, StepClock};
use crate::gate::{Gate, GateBuilder, OpenError};
use crate::key::SigningKey;
use crate::policy::{Decision, Policy, PolicyInput};
use crate::sign::Signer as _;

/// A gate of the agent `test-agent`, with a log in memory, a [`StepClock`] and
/// a key of its own.
///
/// The receipts are really signed and can really be verified.
#[derive(Debug)]
pub struct TestGate {
    gate: Gate,
    log: MemoryLog,
    clock: StepClock,
    keys: KeySet,
}

impl TestGate {
    /// A gate without a policy: every call runs.
    ///
    /// # Panics
    /// When the gate cannot be opened.
    #[must_use]
    pub fn new() -> Self {
        Self::with(GateBuilder::without_policy)
    }

    /// A gate with a policy.
    ///
    /// # Panics
    /// When the gate cannot be opened.
    #[must_use]
    pub fn with_policy(policy: impl Policy) -> Self {
        Self::with(|builder| builder.policy(policy))
    }

    /// A gate that `configure` finishes; it has a signer, a log and a clock,
    /// but neither a policy nor `without_policy`.
    ///
    /// # Panics
    /// When the gate cannot be opened.
    #[must_use]
    pub fn with(configure: impl FnOnce(GateBuilder) -> GateBuilder) -> Self {
        Self::on(MemoryLog::new(), configure).expect("the gate opens")
    }

    /// As [`with`](Self::with), on a log that may hold receipts already.
    ///
    /// # Errors
    /// [`OpenError`] when the gate cannot be opened.
    pub fn on(log: MemoryLog, configure: impl FnOnce(GateBuilder) -> GateBuilder) -> Result<Self, OpenError> {
        let clock = StepClock::new();
        let key = SigningKey::from_seed(&[7; 32]);
        let keys = KeySet::new(
            KeyEntry::active(
                &ML_DSA_65,
                key.public_key(),
                key.key_id().as_str(),
                "test-issuer",
                "test-agent",
            )
            .into_iter()
            .collect(),
        );
        let agent = AgentId::parse("test-agent").expect("an agent id");
        let issuer = IssuerId::parse("test-issuer").expect("an issuer id");
        let builder =
            Gate::builder(agent, issuer).signer(Arc::new(key)).log(log.clone()).clock(clock.clone());
        let gate = configure(builder).open()?;
        Ok(Self { gate, log, clock, keys })
    }

    /// The gate.
    #[must_use]
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The log that the gate writes.
    #[must_use]
    pub const fn log(&self) -> &MemoryLog {
        &self.log
    }

    /// The gate's clock.
    #[must_use]
    pub const fn clock(&self) -> &StepClock {
        &self.clock
    }

    /// The gate's public key, as a verifier would pin it.
    #[must_use]
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Waits until everything submitted is in the log, and gives all of it.
    /// Of a gate that closed, what it recorded before.
    #[must_use]
    pub fn receipts(&self) -> Receipts {
        if let Err(cause) = self.gate.flush().wait() {
            tracing::debug!(target: "asqav::testing", %cause, "the gate is closed");
        }
        Receipts::new(self.log.receipts(), self.keys.clone())
    }
}

impl Default for TestGate {
    fn default() -> Self {
        Self::new()
    }
}

/// A policy that allows every call by the rule `all`.
#[derive(Debug)]
pub struct AllowAll {
    id: PolicyId,
    rule: RuleId,
}

impl AllowAll {
    /// The policy `allow-all`.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn new() -> Self {
        let id = PolicyId::parse("allow-all").expect("a policy id");
        Self { id, rule: RuleId::parse("all").expect("a rule id") }
    }
}

impl Default for AllowAll {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy for AllowAll {
    fn id(&self) -> &PolicyId {
        &self.id
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(b"allow-all")
    }

    fn decide(&self, _input: &PolicyInput<'_>) -> Decision {
        Decision::allow(vec![self.rule.clone()], Vec::new())
    }

    fn allows_unknown_calls(&self) -> bool {
        true
    }
}
