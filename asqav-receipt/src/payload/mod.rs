//! The payload: what is signed.
//!
//! [`Payload`] holds the members in their own types; derived members
//! (`payload_digest`, `action_ref`, `result_digest`) are computed when it is
//! written, so they cannot disagree with what they are derived from.

mod link;
mod read;
mod scan;
#[cfg(test)]
mod tests;
pub(crate) mod write;

pub(crate) use link::Digests;
pub use link::{Link, LinkHasher};
pub use read::{EVENTS, ShapeError};
pub use write::Unplaced;

use crate::digest::{Sha3Digest, Sha256Digest};
use crate::id::{
    ActionId, ActionType, AgentId, ErrorType, IssuerId, LogId, Nonce, PolicyId, ReasonCode, RuleId,
    SessionId, ToolName, ToolVersion,
};
use crate::json::{Json, Object};
use crate::time::Timestamp;

/// A payload never exceeds this many bytes in canonical form: what key
/// services sign raw with ML-DSA.
pub const MAX_PAYLOAD_LEN: usize = 4_096;

/// What is left of it for the canonical `context`, whatever the other members
/// hold.
pub const MAX_CONTEXT_LEN: usize = 640;

/// The greatest sequence number: integers in a payload end at 2^53 − 1.
pub const MAX_SEQ: u64 = (1 << 53) - 1;

/// A receipt names at most this many rules: the first ones.
pub const MAX_RULES: usize = 4;

/// A receipt names at most this many rules in shadow, and this many whose
/// obligations were met: the first ones.
pub const MAX_NOTED: usize = 3;

/// A receipt names at most this many parents: the first ones.
pub const MAX_PARENTS: usize = 4;

/// A recorded value longer than this many bytes of JSON text is committed
/// instead.
pub const MAX_RECORDED_LEN: usize = 256;

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// The text in the payload.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value that the payload's text stands for.
            #[must_use]
            pub fn from_wire(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

wire_enum! {
    /// The member `type`: what kind of receipt this is.
    ReceiptType {
        /// Decision receipt, written before the tool runs.
        Decision = "protectmcp:decision",
        /// Outcome receipt, written after the tool ran.
        Outcome = "protectmcp:observation:result_bound",
        /// Session step, or a post-hoc receipt of the detectable tier.
        Observation = "protectmcp:observation",
        /// Gate and session life cycle.
        Lifecycle = "protectmcp:lifecycle",
        /// A policy was activated.
        ConfigurationChange = "protectmcp:lifecycle:configuration_change",
        /// An approval.
        Acknowledgment = "protectmcp:acknowledgment",
    }
}

wire_enum! {
    /// The member `decision`.
    Decision {
        /// The call may run.
        Allow = "allow",
        /// The call must not run.
        Deny = "deny",
        /// The call must not run now; a limit is exhausted.
        RateLimit = "rate_limit",
        /// Nothing was decided: no policy, or not a decision receipt.
        Observation = "observation",
    }
}

wire_enum! {
    /// The member `asqav.phase`.
    Phase {
        /// Before the tool runs.
        Decision = "decision",
        /// After the tool ran.
        Outcome = "outcome",
        /// A labelled member of a session.
        Step = "step",
        /// A life-cycle event or a post-hoc observation.
        Event = "event",
    }
}

wire_enum! {
    /// The member `asqav.tier`: the enforcement tier that the issuer claims.
    Tier {
        /// Every call passes a proxy that cannot be bypassed.
        Strong = "strong",
        /// Decision before, outcome after, linked.
        Bounded = "bounded",
        /// One post-hoc receipt.
        Detectable = "detectable",
    }
}

wire_enum! {
    /// The member `asqav.outcome` of an outcome receipt.
    Outcome {
        /// The tool returned a result.
        Ok = "ok",
        /// The tool returned an error.
        ToolError = "tool_error",
        /// The call was dropped before it ended.
        Cancelled = "cancelled",
        /// The tool's body panicked.
        Panicked = "panicked",
        /// The gate's own timeout ended the call.
        TimedOut = "timed_out",
        /// Admitted, but the body was never started.
        Abandoned = "abandoned",
        /// Not observed: the process ended in between.
        Unknown = "unknown",
    }
}

/// How an argument or a result stands in a payload.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// `{"commit": hex}`: a salted commitment (the default).
    Commit(Sha3Digest),
    /// `{"value": v}`: recorded on request, integers within ±(2^53−1), no floats.
    Value(Json),
    /// `{"json": text}`: recorded, holding a number outside those rules.
    Text(String),
    /// `{"dropped": true}`: neither recorded nor committed.
    Dropped,
}

/// The member `context`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Context {
    /// `{"arguments": {name: form}}` of a decision receipt, optionally with
    /// `"arguments_root"` for the arguments that were folded.
    Arguments {
        /// Arguments shown by name, each name once.
        shown: Vec<(String, Form)>,
        /// The folded rest.
        folded: Option<Folded>,
    },
    /// `{"result": form}` of an outcome receipt; `{}` where no result exists
    /// (cancelled, panicked, unknown …).
    Result(Option<Form>),
    /// `{"<event>": {…}}` of life-cycle receipts.
    Event {
        /// The event's name, e.g. `gate:start`.
        name: &'static str,
        /// What happened: integers and text only.
        body: Object,
    },
    /// `{"step": form}` of a session step; `{"arguments": …, "result": …}` of
    /// a post-hoc observation is [`Context::Observed`].
    Step(Form),
    /// A post-hoc observation: arguments and result together.
    Observed {
        /// Arguments shown by name.
        shown: Vec<(String, Form)>,
        /// The folded rest.
        folded: Option<Folded>,
        /// The result.
        result: Option<Form>,
    },
}

/// `"arguments_root": {"count", "root"}`: RFC 6962 tree (SHA3-256) over the
/// commitments, ordered by pointer in UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Folded {
    /// How many commitments.
    pub count: u64,
    /// The tree's root.
    pub root: Sha3Digest,
}

impl Folded {
    /// A folded set of `count` commitments under `root`.
    #[must_use]
    pub const fn new(count: u64, root: Sha3Digest) -> Self {
        Self { count, root }
    }
}

/// The member `controls_evaluated`: only controls that really ran.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Controls {
    /// `policy: {evaluated: true, matched_count}`: how many rules matched, at
    /// least 1; `None` when no rule did (the control is then not claimed).
    pub policy_matched: Option<u64>,
    /// `emergency_halt: {checked: true, halted: true}`: the kill switch
    /// stopped the call; not claimed otherwise.
    pub halted: bool,
    /// `delegation_scope: {checked: true, chain}`: the delegation tokens that
    /// the call came with allow it; SHA3-256 over the tokens' digests.
    pub delegation: Option<Sha3Digest>,
    /// `quorum: {fired: true, attestation_hash}`: enough approvers approved;
    /// SHA-256 over the SHA-256 digests of their answers.
    pub quorum: Option<Sha256Digest>,
}

/// `asqav.tool`: the tool as its author describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolInfo {
    /// The tool's version.
    pub version: Option<ToolVersion>,
    /// SHA-256 of the tool's definition.
    pub definition_digest: Option<Sha256Digest>,
}

/// `asqav.policy`: which policy decided, by which rules, on what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyInfo {
    /// The policy's id.
    pub id: PolicyId,
    /// The rules that decided, at most [`MAX_RULES`]; beside
    /// [`Controls::delegation`] one less.
    pub rules: Vec<RuleId>,
    /// One commitment over everything the decision used.
    pub inputs: Option<Sha3Digest>,
    /// Rules that would have denied the call had they been in force, at most
    /// [`MAX_NOTED`].
    pub shadow: Vec<RuleId>,
    /// Rules whose obligations the call was let through with, at most
    /// [`MAX_NOTED`].
    pub obliged: Vec<RuleId>,
}

impl Controls {
    /// The policy control ran and `matched` rules matched; not claimed if none did.
    #[must_use]
    pub const fn policy(matched: u64) -> Self {
        let policy_matched = if matched == 0 { None } else { Some(matched) };
        Self { policy_matched, halted: false, delegation: None, quorum: None }
    }

    /// How many rules stand beside these controls.
    #[must_use]
    pub const fn max_rules(&self) -> usize {
        if self.delegation.is_some() { MAX_RULES - 1 } else { MAX_RULES }
    }

    /// The kill switch stopped the call.
    #[must_use]
    pub const fn emergency_halt() -> Self {
        Self { policy_matched: None, halted: true, delegation: None, quorum: None }
    }
}

impl PolicyInfo {
    /// The policy `id` deciding by `rules` on the committed `inputs`.
    #[must_use]
    pub const fn new(id: PolicyId, rules: Vec<RuleId>, inputs: Option<Sha3Digest>) -> Self {
        Self { id, rules, inputs, shadow: Vec::new(), obliged: Vec::new() }
    }
}

/// `asqav.trace`: W3C Trace Context ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace {
    /// 16 bytes, not all zero.
    pub trace_id: [u8; 16],
    /// 8 bytes, not all zero.
    pub span_id: [u8; 8],
}

impl Trace {
    /// The ids of a trace and the span within it.
    #[must_use]
    pub const fn new(trace_id: [u8; 16], span_id: [u8; 8]) -> Self {
        Self { trace_id, span_id }
    }
}

/// The member `asqav`, except `prev`, which is in [`Link`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Extension {
    /// The log.
    pub log_id: LogId,
    /// The claimed tier.
    pub tier: Tier,
    /// The phase.
    pub phase: Phase,
    /// On outcome receipts and post-hoc observations.
    pub outcome: Option<Outcome>,
    /// True on receipts that a recovery wrote for the call or session.
    pub recovered: bool,
    /// The class of the tool's error.
    pub error_type: Option<ErrorType>,
    /// When the body was started.
    pub started_at: Option<Timestamp>,
    /// How long the body ran, microseconds, by a monotonic clock.
    pub duration_us: Option<u64>,
    /// The tool's version and definition.
    pub tool: Option<ToolInfo>,
    /// The policy's part.
    pub policy: Option<PolicyInfo>,
    /// The calls or sessions this one belongs to, at most [`MAX_PARENTS`].
    pub parents: Vec<ActionId>,
    /// Trace ids.
    pub trace: Option<Trace>,
}

/// Everything that is signed, version 1, payload mode.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Payload {
    /// `type`.
    pub receipt_type: ReceiptType,
    /// `action_id`: this receipt's id.
    pub action_id: ActionId,
    /// `agent_id`: who acted.
    pub agent_id: AgentId,
    /// `issuer_id`: who vouches.
    pub issuer_id: IssuerId,
    /// `issued_at`: the claimed time.
    pub issued_at: Timestamp,
    /// `seq`: 1, 2, 3 … in this log.
    pub seq: u64,
    /// `nonce`.
    pub nonce: Nonce,
    /// `previousReceiptHash` and `asqav.prev`.
    pub link: Link,
    /// `action_type`: the action's label.
    pub action_type: ActionType,
    /// `tool_name`.
    pub tool_name: Option<ToolName>,
    /// `context`, and with it `payload_digest`, `action_ref`, `result_digest`.
    pub context: Context,
    /// `decision`.
    pub decision: Decision,
    /// `reason`: mandatory on `deny` and `rate_limit`; on an `abandoned`
    /// outcome, why the gate did not let the body start.
    pub reason: Option<ReasonCode>,
    /// `policy_digest`.
    pub policy_digest: Sha256Digest,
    /// `controls_evaluated`.
    pub controls: Controls,
    /// `session_id`.
    pub session_id: Option<SessionId>,
    /// `invocation_ref`: on outcomes, SHA-256 of the decision's canonical payload.
    pub invocation_ref: Option<Sha256Digest>,
    /// `key_thumbprint`: RFC 7638 thumbprint of the signing key.
    pub key_thumbprint: Sha256Digest,
    /// `expires_at`: on decisions that may be completed elsewhere.
    pub expires_at: Option<Timestamp>,
    /// `asqav`.
    pub asqav: Extension,
}
