//! Builds and opens a gate.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use asqav_receipt::digest::{Sha256Digest, encode_hex};
use asqav_receipt::id::{AgentId, IssuerId, LogId};
use asqav_receipt::payload::Tier;
use asqav_receipt::suite::{self, VerifyingKey};

use super::active::{Active, InForce};
use super::erase::Placed;
use super::flood::{self, DenialBudget};
use super::halt::{Halt, Switch};
use super::identity::Identity;
use super::watch::ClockWatch;
use super::{Gate, Inner, lifecycle};
use crate::approval::Approvals;
use crate::clock::{Clock, SystemClock};
use crate::limits::{Limits, MemoryLimits};
use crate::log::{Durability, Log, LogError, LogOwner};
use crate::oblige::Notifier;
use crate::permit::timer::Timer;
use crate::policy::{Policy, PolicyFault, Rate};
use crate::recorder::{Options, Recorder};
use crate::refused::Refused;
use crate::session::OpenSessions;
use crate::sign::{SignError, Signer, Signing};

/// Builds a [`Gate`]; see [`Gate::builder`].
///
/// Needs a [`signer`](Self::signer), a [`log`](Self::log) and either a
/// [`policy`](Self::policy) or the explicit
/// [`without_policy`](Self::without_policy): nothing is allowed by leaving
/// something out.
#[must_use = "a builder does nothing until `open` is called"]
#[expect(missing_debug_implementations, reason = "holds a signer and a policy")]
pub struct GateBuilder {
    agent: AgentId,
    issuer: IssuerId,
    signer: Option<Arc<dyn Signer>>,
    policy: Option<Deciding>,
    log: Option<Box<dyn Log>>,
    clock: Arc<dyn Clock>,
    limits: Arc<dyn Limits>,
    tier: Tier,
    timeout: Option<Duration>,
    switches: Vec<Box<dyn Switch>>,
    approvals: Option<Approvals>,
    notifier: Option<Box<dyn Notifier>>,
    freeze_after: Option<NonZeroU32>,
    denials: Rate,
    options: Options,
    system: System,
    boot_id: Option<String>,
}

enum Deciding {
    By(Result<Box<dyn Policy>, PolicyFault>),
    Nobody,
}

/// The AI system that the gate belongs to, as its operator declares it: part
/// of `gate:start`. Each text has 1 to 128 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "operators write it down member by member")]
pub struct System {
    /// The system's id.
    pub id: Option<String>,
    /// The system's version.
    pub version: Option<String>,
    /// Where it runs, e.g. `production`.
    pub environment: Option<String>,
    /// Who operates it (Regulation (EU) 2024/1689, Article 3).
    pub operator_role: Option<OperatorRole>,
}

/// The role of who operates an AI system (Regulation (EU) 2024/1689, Article 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperatorRole {
    /// Develops it, or has it developed, and places it on the market.
    Provider,
    /// Uses it under its authority.
    Deployer,
}

/// Why a gate was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The builder has no `policy` and no `without_policy`.
    #[error("no policy: name one, or say `without_policy`")]
    NoPolicy,
    /// The builder has no `signer`.
    #[error("no signer")]
    NoSigner,
    /// The builder has no `log`.
    #[error("no log")]
    NoLog,
    /// The detectable tier decides nothing, so a policy would not be asked.
    #[error("a gate of the detectable tier cannot have a policy")]
    PolicyUnused,
    /// In the strong tier a decision is signed and recorded before its tool runs.
    #[error("a gate of the strong tier cannot have its decisions queued or journaled")]
    Unawaited,
    /// The policy would allow a call that nobody has named, or it panicked.
    #[error(transparent)]
    Policy(#[from] PolicyFault),
    /// A text that is to stand in `gate:start` is empty, longer than 128
    /// bytes, or holds a control character.
    #[error("{what} must have 1 to 128 bytes without control characters")]
    Text {
        /// Which text.
        what: &'static str,
    },
    /// The signer's algorithm is not one of ours.
    #[error("unknown signature algorithm `{0}`")]
    Algorithm(String),
    /// Batches are signed with ML-DSA-65 only.
    #[error("batches are not signed with `{0}`")]
    Unbatched(String),
    /// What the signer signs does not verify under its own public key.
    #[error("the signer's self-test failed: {why}")]
    SelfTest {
        /// What did not fit.
        why: &'static str,
    },
    /// The signer did not sign.
    #[error("the signer's self-test failed")]
    Sign(#[from] SignError),
    /// The log could not be opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The first receipts could not be recorded.
    #[error("the start could not be recorded")]
    Start(#[from] Refused),
}

impl GateBuilder {
    pub(super) fn new(agent: AgentId, issuer: IssuerId) -> Self {
        Self {
            agent,
            issuer,
            signer: None,
            policy: None,
            log: None,
            clock: Arc::new(SystemClock::new()),
            limits: Arc::new(MemoryLimits::new()),
            tier: Tier::Bounded,
            timeout: None,
            switches: Vec::new(),
            approvals: None,
            notifier: None,
            freeze_after: None,
            denials: flood::DEFAULT,
            options: Options::default(),
            system: System::default(),
            boot_id: None,
        }
    }

    /// Signs receipts and segment headers.
    pub fn signer(self, signer: Arc<dyn Signer>) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// Decides which calls may run.
    pub fn policy(self, policy: impl Policy) -> Self {
        Self { policy: Some(Deciding::By(Ok(Box::new(policy)))), ..self }
    }

    /// Decides which calls may run, if it could be loaded. If not, the gate
    /// opens all the same and denies every call, with the fault's code as the
    /// reason, until [`Gate::replace_policy`] puts a good one in force.
    pub fn policy_or_deny<P: Policy>(self, loaded: Result<P, PolicyFault>) -> Self {
        let loaded = loaded.map(|policy| Box::new(policy) as Box<dyn Policy>);
        Self { policy: Some(Deciding::By(loaded)), ..self }
    }

    /// Nothing is decided: every call runs, and receipts say `observation`.
    pub fn without_policy(self) -> Self {
        Self { policy: Some(Deciding::Nobody), ..self }
    }

    /// Keeps the receipts.
    pub fn log(self, log: impl Log) -> Self {
        Self { log: Some(Box::new(log)), ..self }
    }

    /// Tells the time; the operating system's clocks by default.
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Keeps the counters that policies charge; in memory by default.
    pub fn limits(self, limits: impl Limits) -> Self {
        Self { limits: Arc::new(limits), ..self }
    }

    /// The tier that receipts claim; [`Tier::Bounded`] by default.
    pub fn tier(self, tier: Tier) -> Self {
        Self { tier, ..self }
    }

    /// When a receipt counts as recorded; [`Durability::Durable`] by default.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options.durability = durability;
        self
    }

    /// What one signature covers; [`Signing::EachReceipt`] by default.
    /// [`Signing::Batched`] takes a signer of ML-DSA-65.
    pub fn signing(mut self, signing: Signing) -> Self {
        self.options.signing = signing;
        self
    }

    /// How many calls and sessions may be in flight; 65,536 by default. Calls
    /// beyond that are refused, never queued.
    pub fn max_in_flight(mut self, places: NonZeroUsize) -> Self {
        self.options.max_in_flight = places.get();
        self
    }

    /// How long an async body may run; without limit by default. Measured in
    /// real time, by no runtime's timer. A sync body cannot be interrupted.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Has calls approved that the policy wants approved; without this they
    /// are denied with the reason `approval_required`.
    pub fn approvals(self, approvals: Approvals) -> Self {
        Self { approvals: Some(approvals), ..self }
    }

    /// Tells somebody where a rule obliges the gate to; without it such calls
    /// are denied with the reason `obligation_unmet`.
    pub fn notifier(self, notifier: impl Notifier) -> Self {
        Self { notifier: Some(Box::new(notifier)), ..self }
    }

    /// Stops every call while `switch` is thrown, besides
    /// [`Gate::halt`]; any number of them.
    pub fn kill_switch(mut self, switch: impl Switch) -> Self {
        self.switches.push(Box::new(switch));
        self
    }

    /// Freezes a session for good after so many denials in it; never by
    /// default. Its calls are denied with the reason `session_frozen`.
    pub fn freeze_sessions_after(self, denials: NonZeroU32) -> Self {
        Self { freeze_after: Some(denials), ..self }
    }

    /// How many denial receipts may be written; 10,000 at once and per hour by
    /// default, about 55 MB. Calls beyond that are refused all the same, with
    /// [`Refused::TooManyDenials`], and the receipt `gate:denials` tells how
    /// many they were.
    pub fn denial_receipts(self, at_most: Rate) -> Self {
        Self { denials: at_most, ..self }
    }

    /// The AI system that the gate belongs to.
    pub fn system(self, system: System) -> Self {
        Self { system, ..self }
    }

    /// Identifies this start of the machine or container, e.g. the content of
    /// `/proc/sys/kernel/random/boot_id`; random for each gate by default.
    pub fn boot_id(self, boot_id: impl Into<String>) -> Self {
        Self { boot_id: Some(boot_id.into()), ..self }
    }

    /// Opens the log, tests the signer, seals what an unclean stop left open,
    /// and records `gate:start` and `policy:activate`. Blocks until these are
    /// durable.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is written if the builder, the policy or the
    /// signer is at fault.
    pub fn open(self) -> Result<Gate, OpenError> {
        let signer = self.signer.ok_or(OpenError::NoSigner)?;
        if self.tier == Tier::Strong && is_early(self.options.durability) {
            return Err(OpenError::Unawaited);
        }
        let policy = match self.policy.ok_or(OpenError::NoPolicy)? {
            Deciding::By(_) if self.tier == Tier::Detectable => return Err(OpenError::PolicyUnused),
            Deciding::By(Ok(policy)) => Some(Active::tested(policy, &self.agent, self.clock.now())?),
            Deciding::By(Err(fault)) => Some(Active::unarmed(&fault)),
            Deciding::Nobody => None,
        };
        let log = self.log.ok_or(OpenError::NoLog)?;
        self_test(&*signer)?;
        if self.options.signing == Signing::Batched && signer.algorithm() != suite::ML_DSA_65.name {
            return Err(OpenError::Unbatched(signer.algorithm().to_owned()));
        }
        let [new_log_id, boot] = random_ids()?;
        let boot_id = self.boot_id.unwrap_or_else(|| encode_hex(&boot));
        let body = lifecycle::start_body(&self.system, &boot_id, &*self.clock, self.options)?;
        let thumbprint = *signer.thumbprint();
        let (agent, issuer, clock) = (self.agent, self.issuer, self.clock);
        let owner = LogOwner {
            agent: agent.clone(),
            issuer: issuer.clone(),
            signer,
            clock: Arc::clone(&clock),
            new_log_id: LogId::from_bytes(new_log_id),
            durability: self.options.durability,
            signing: self.options.signing,
        };
        let (recorder, start) = Recorder::start(log, owner, self.options)?;
        let policy_digest = policy.as_ref().map_or_else(no_policy_digest, |active| active.digest);
        let policy_digest = RwLock::new(policy_digest);
        let log_id = start.log_id;
        let identity =
            Arc::new(Identity { agent, issuer, log_id, thumbprint, policy_digest, tier: self.tier, clock });
        let inner = Inner {
            identity,
            policy: InForce::new(policy),
            limits: self.limits,
            timeout: self.timeout,
            halt: Halt::new(self.switches),
            approvals: self.approvals,
            notifier: self.notifier,
            freeze_after: self.freeze_after,
            holds: Placed::default(),
            denials: Arc::new(DenialBudget::new(self.denials)),
            watch: ClockWatch::default(),
            timer: Timer::default(),
            sessions: Arc::new(OpenSessions::default()),
            recorder,
        };
        let gate = Gate(Arc::new(inner));
        match lifecycle::record_start(&gate, &start, &boot_id, body) {
            Ok(()) => Ok(gate),
            Err(refused) => {
                // No clean end for a gate that never started.
                gate.recorder().close(crate::refused::Closed::Shutdown);
                Err(refused.into())
            }
        }
    }
}

/// Whether calls go on before their receipts are signed.
const fn is_early(durability: Durability) -> bool {
    matches!(durability, Durability::Queued | Durability::Journaled)
}

/// SHA-256 of `{"asqav_policy":"none"}`.
fn no_policy_digest() -> Sha256Digest {
    Sha256Digest::of(br#"{"asqav_policy":"none"}"#)
}

fn random_ids() -> Result<[[u8; 16]; 2], Refused> {
    let mut ids = [[0; 16]; 2];
    getrandom::fill(ids.as_flattened_mut())
        .map_err(|error| Refused::NoRandomness { why: error.to_string() })?;
    Ok(ids)
}

/// Signs once and verifies it under the signer's public key, so that a wrong
/// key is found before it has written anything.
fn self_test(signer: &dyn Signer) -> Result<(), OpenError> {
    // A registered tag, and behind it nothing that could be a segment header.
    const MESSAGE: &[u8] = b"asqav/segment/v1\0self-test";
    let name = signer.algorithm();
    let suite = suite::by_name(name).ok_or_else(|| OpenError::Algorithm(name.to_owned()))?;
    let key = VerifyingKey::new(suite, signer.public_key());
    let key = key.ok_or(OpenError::SelfTest { why: "the public key cannot be decoded" })?;
    if key.thumbprint() != signer.thumbprint() {
        return Err(OpenError::SelfTest { why: "the thumbprint is not the public key's" });
    }
    if !key.verifies(MESSAGE, &signer.sign(MESSAGE)?) {
        return Err(OpenError::SelfTest { why: "the signature does not verify under the public key" });
    }
    Ok(())
}
