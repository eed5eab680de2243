//! What is still open at some point of a log: decisions without an outcome
//! and sessions without a close.
//!
//! Writers keep an [`OpenSet`] up to date, segment headers list it, recovery
//! starts from the list, and verification compares it.

use crate::digest::{Sha3Digest, Sha256Digest};
use crate::id::{ActionId, ActionType, SessionId, ToolName};

/// A decision without an outcome, or a session without a close.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenItem {
    /// An `allow` decision (or an `observation`, without a policy) whose
    /// outcome is not recorded yet.
    Decision(OpenDecision),
    /// A session that is not closed yet.
    Session(OpenSession),
}

/// A decision without an outcome: what its outcome receipt has to repeat.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct OpenDecision {
    /// Its sequence number.
    pub seq: u64,
    /// Its receipt's id.
    pub action_id: ActionId,
    /// The action's label.
    pub action_type: ActionType,
    /// The tool.
    pub tool_name: Option<ToolName>,
    /// The session.
    pub session_id: Option<SessionId>,
    /// SHA-256 of its canonical payload: the outcome's `invocation_ref`.
    pub payload_sha256: Sha256Digest,
}

/// A session without a close.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct OpenSession {
    /// The sequence number of its `session:open` receipt.
    pub seq: u64,
    /// The id of its `session:open` receipt.
    pub action_id: ActionId,
    /// The session.
    pub session_id: SessionId,
    /// How many receipts carry its id so far, `session:open` included.
    pub count: u64,
    /// Roots of the perfect subtrees over those receipts' canonical payloads,
    /// largest first: enough to go on to the root that `session:close` carries.
    pub frontier: Vec<Sha3Digest>,
}
