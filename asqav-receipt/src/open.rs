//! What is still open at some point of a log: decisions without an outcome
//! and sessions without a close.
//!
//! Writers keep an [`OpenSet`] up to date, segment headers list it, recovery
//! starts from the list, and verification compares it.

use std::collections::BTreeMap;

use crate::digest::{Sha3Digest, Sha256Digest};
use crate::id::{ActionId, ActionType, SessionId, ToolName};
use crate::merkle::{Frontier, Sha3Tree, TreeHash as _};
use crate::payload::{Context, Decision, Digests, Payload, ReceiptType};

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

/// Everything that is open, kept up to date receipt by receipt.
///
/// Writers, recovery and verification use this one set, so that they cannot
/// disagree on what is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenSet {
    decisions: BTreeMap<u64, OpenDecision>,
    by_ref: BTreeMap<Sha256Digest, u64>,
    sessions: BTreeMap<u64, OpenSession>,
    by_session: BTreeMap<SessionId, u64>,
}

/// What a receipt did to the set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Nothing, or a session grew.
    None,
    /// A decision or a session was opened.
    Opened,
    /// This decision got its outcome.
    Completed(OpenDecision),
    /// This session was closed.
    Closed(OpenSession),
    /// The receipt contradicts the set.
    Contradiction(Contradiction),
}

/// How a receipt contradicts the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contradiction {
    /// An outcome whose decision is not open here: there was none, it was a
    /// denial, or it has its outcome already.
    NoOpenDecision,
    /// A session's id that is not open.
    NoOpenSession,
    /// A session that is open already is opened again.
    SessionReopened,
}

impl OpenSet {
    /// The set that holds `items`; `None` if two of them are the same.
    #[must_use]
    pub fn from_items(items: &[OpenItem]) -> Option<Self> {
        let mut set = Self::default();
        for item in items {
            match item {
                OpenItem::Decision(decision) => set.insert_decision(decision.clone())?,
                OpenItem::Session(session) => set.insert_session(session.clone())?,
            }
        }
        Some(set)
    }

    fn insert_decision(&mut self, decision: OpenDecision) -> Option<()> {
        let fresh = self.by_ref.insert(decision.payload_sha256, decision.seq).is_none();
        (self.decisions.insert(decision.seq, decision).is_none() && fresh).then_some(())
    }

    fn insert_session(&mut self, session: OpenSession) -> Option<()> {
        let fresh = self.by_session.insert(session.session_id.clone(), session.seq).is_none();
        (self.sessions.insert(session.seq, session).is_none() && fresh).then_some(())
    }

    /// Takes the next receipt of the log: `payload` and its canonical bytes.
    ///
    /// A receipt that contradicts the set is taken all the same, as far as it
    /// can be: whoever only keeps the set up to date may ignore the answer.
    pub fn apply(&mut self, payload: &Payload, canonical: &[u8]) -> Change {
        self.apply_hashed(payload, canonical, || Sha256Digest::of(canonical))
    }

    /// The same, of a payload whose SHA-256 may be known.
    pub fn apply_hashed(
        &mut self,
        payload: &Payload,
        canonical: &[u8],
        sha256: impl FnOnce() -> Sha256Digest,
    ) -> Change {
        self.take(payload, sha256, || Sha3Tree::leaf(canonical))
    }

    /// The same, of a payload that is hashed already.
    pub(crate) fn apply_digests(&mut self, payload: &Payload, digests: &Digests) -> Change {
        let Digests { link, session_leaf } = digests;
        self.take(payload, || link.sha256, || session_leaf.unwrap_or_default())
    }

    /// Takes a receipt; `sha256` and `leaf` hash its canonical bytes where that
    /// is needed, `leaf` of receipts with a session.
    fn take(
        &mut self,
        payload: &Payload,
        sha256: impl FnOnce() -> Sha256Digest,
        leaf: impl FnOnce() -> [u8; 32],
    ) -> Change {
        let event = match &payload.context {
            Context::Event { name, .. } => *name,
            _ => "",
        };
        if event == "session:close" {
            return self.close(payload);
        }
        let contradiction = self.grow(payload, leaf, event == "session:open");
        let change = match payload.receipt_type {
            ReceiptType::Decision if matches!(payload.decision, Decision::Allow | Decision::Observation) => {
                self.open_decision(payload, sha256())
            }
            ReceiptType::Outcome => self.complete(payload),
            _ if event == "session:open" => Change::Opened,
            _ => Change::None,
        };
        contradiction.map_or(change, Change::Contradiction)
    }

    /// Adds the receipt to its session. A call may outlive the session that it
    /// began in, so an outcome after `session:close` is no contradiction; it
    /// belongs to no count.
    fn grow(
        &mut self,
        payload: &Payload,
        leaf: impl FnOnce() -> [u8; 32],
        opens: bool,
    ) -> Option<Contradiction> {
        let id = payload.session_id.as_ref()?;
        if opens {
            let session = OpenSession {
                seq: payload.seq,
                action_id: payload.action_id,
                session_id: id.clone(),
                count: 0,
                frontier: Vec::new(),
            };
            if self.by_session.contains_key(id) || self.insert_session(session).is_none() {
                return Some(Contradiction::SessionReopened);
            }
        }
        match self.by_session.get(id).and_then(|seq| self.sessions.get_mut(seq)) {
            Some(session) => {
                session.push(leaf());
                None
            }
            None if payload.receipt_type == ReceiptType::Outcome => None,
            None => Some(Contradiction::NoOpenSession),
        }
    }

    fn open_decision(&mut self, payload: &Payload, payload_sha256: Sha256Digest) -> Change {
        let decision = OpenDecision {
            seq: payload.seq,
            action_id: payload.action_id,
            action_type: payload.action_type.clone(),
            tool_name: payload.tool_name.clone(),
            session_id: payload.session_id.clone(),
            payload_sha256,
        };
        // Sequence numbers and payloads are unique in a chain, so it is fresh.
        self.insert_decision(decision);
        Change::Opened
    }

    fn complete(&mut self, payload: &Payload) -> Change {
        let seq = payload.invocation_ref.and_then(|digest| self.by_ref.remove(&digest));
        match seq.and_then(|seq| self.decisions.remove(&seq)) {
            Some(decision) => Change::Completed(decision),
            None => Change::Contradiction(Contradiction::NoOpenDecision),
        }
    }

    fn close(&mut self, payload: &Payload) -> Change {
        let seq = payload.session_id.as_ref().and_then(|id| self.by_session.remove(id));
        match seq.and_then(|seq| self.sessions.remove(&seq)) {
            Some(session) => Change::Closed(session),
            None => Change::Contradiction(Contradiction::NoOpenSession),
        }
    }

    /// The open session `id`.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> Option<&OpenSession> {
        self.sessions.get(self.by_session.get(id)?)
    }

    /// The open decisions in order of their sequence numbers.
    pub fn decisions(&self) -> impl ExactSizeIterator<Item = &OpenDecision> {
        self.decisions.values()
    }

    /// The open sessions in order of their sequence numbers.
    pub fn sessions(&self) -> impl ExactSizeIterator<Item = &OpenSession> {
        self.sessions.values()
    }

    /// Whether nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.sessions.is_empty()
    }

    /// Everything that is open: decisions, then sessions, each in order.
    #[must_use]
    pub fn items(&self) -> Vec<OpenItem> {
        let decisions = self.decisions.values().cloned().map(OpenItem::Decision);
        decisions.chain(self.sessions.values().cloned().map(OpenItem::Session)).collect()
    }
}

impl OpenSession {
    /// Adds a receipt of the session by the leaf of its canonical payload.
    fn push(&mut self, leaf: [u8; 32]) {
        if let Some(mut tree) = self.tree() {
            tree.push_leaf(leaf);
            self.count = tree.size();
            self.frontier = tree.roots().iter().copied().map(Sha3Digest::from_bytes).collect();
        }
    }

    fn tree(&self) -> Option<Frontier<Sha3Tree>> {
        Frontier::from_parts(self.count, self.frontier.iter().map(|root| *root.as_bytes()).collect())
    }

    /// The root that `session:close` carries; `None` if the number of subtrees
    /// does not fit the count (a forged header).
    #[must_use]
    pub fn root(&self) -> Option<Sha3Digest> {
        self.tree().map(|tree| Sha3Digest::from_bytes(tree.root()))
    }
}

#[cfg(test)]
mod tests;
