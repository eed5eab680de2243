//! A call that waits for approvals, from its denial to its next decision.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::ActionId;
use asqav_receipt::json::Object;
use asqav_receipt::payload::ReceiptType;
use asqav_receipt::time::Timestamp;

use super::decide::{Denial, code};
use super::draft::expiry;
use super::identity::Fresh;
use super::install::Entry;
use crate::approval::{Acknowledgment, Answer, ApprovalRequest, Approvals, Awaiting, Fault, News, Vote};
use crate::call::ToolCall;
use crate::recorder::{Place, Submitted};
use crate::refused::Refused;

/// What approvers say about a call that is to be decided.
pub(super) enum Approved {
    /// Nobody was asked yet.
    NotYet,
    /// Enough of them approved.
    By(Grant),
    /// It is not approved, for this reason; the receipt that asked for it.
    Not { why: &'static str, asked: ActionId },
}

/// An approval, as the next decision needs it.
pub(super) struct Grant {
    /// The receipt that asked for it.
    pub(super) asked: ActionId,
    /// The policy that asked for it.
    pub(super) policy_digest: Sha256Digest,
    pub(super) expires_at: Timestamp,
    /// The receipts about the answers.
    pub(super) records: Vec<ActionId>,
    /// SHA-256 of the answers' digests, in the order of their keys.
    pub(super) attestation: Sha256Digest,
}

impl Approved {
    /// The receipts that a decision on the call rests on.
    pub(super) fn parents(&self) -> Vec<ActionId> {
        match self {
            Self::NotYet => Vec::new(),
            Self::By(grant) => std::iter::once(grant.asked).chain(grant.records.iter().copied()).collect(),
            Self::Not { asked, .. } => vec![*asked],
        }
    }

    pub(super) const fn grant(&self) -> Option<&Grant> {
        match self {
            Self::By(grant) => Some(grant),
            _ => None,
        }
    }
}

/// A call whose denial asks for approvals.
pub(super) struct Pending {
    pub(super) entry: Entry,
    pub(super) call: ToolCall,
    request: Arc<ApprovalRequest>,
    approvals: Approvals,
    /// The answers that count, by key.
    votes: BTreeMap<[u8; 32], Vote>,
    /// Why the last answer that does not count does not.
    fault: Option<Fault>,
    /// The call's end of the votes, once somebody was asked.
    awaiting: Option<Awaiting>,
}

/// What is needed to decide again.
pub(super) struct Concluded {
    pub(super) entry: Entry,
    pub(super) call: ToolCall,
    pub(super) place: Place,
    pub(super) approved: Approved,
}

impl Pending {
    pub(super) fn new(
        entry: Entry,
        call: ToolCall,
        approvals: Approvals,
        submitted: &Submitted,
        policy_digest: Sha256Digest,
        now: Timestamp,
        denial: Option<Denial>,
    ) -> Self {
        // A call is kept for approvers only when its denial is this one.
        let reason = match denial {
            Some(Denial::NeedsApproval(reason)) => reason,
            _ => code("approval_required"),
        };
        let request = ApprovalRequest {
            receipt: submitted.action_id,
            payload: submitted.payload_sha256,
            policy_digest,
            expires_at: expiry(now, approvals.within).unwrap_or(Timestamp::MAX),
            agent: entry.gate.agent().clone(),
            tool: call.tool.clone(),
            action: call.action.clone(),
            session: entry.session.as_ref().map(|session| session.state.id.clone()),
            reason,
            arguments: ApprovalRequest::arguments_of(&call.arguments),
        };
        let (votes, fault, awaiting) = (BTreeMap::new(), None, None);
        Self { entry, call, request: Arc::new(request), approvals, votes, fault, awaiting }
    }

    /// Asks; the denial that asks for it is durable.
    pub(super) fn ask(&mut self) {
        let within = self.approvals.within;
        let (awaiting, votes) = Awaiting::new(self.entry.gate.0.timer.alarm(within), within);
        self.awaiting = Some(awaiting);
        let (approver, request) = (&self.approvals.approver, Arc::clone(&self.request));
        // Foreign code: with its panic its handles are dropped, and nobody is left.
        if catch_unwind(AssertUnwindSafe(|| approver.ask(request, votes))).is_err() {
            tracing::error!(target: "asqav::gate", "the approver panicked");
        }
    }

    /// Why the call is approved or not, as soon as that is known.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<(), &'static str>> {
        loop {
            let Some(awaiting) = &self.awaiting else { return Poll::Ready(Err("approval_missing")) };
            let news = ready!(awaiting.poll(context));
            if let Some(known) = self.hear(news) {
                return Poll::Ready(known);
            }
        }
    }

    /// Blocks the calling thread until it is known.
    pub(super) fn wait(&mut self) -> Result<(), &'static str> {
        loop {
            let Some(awaiting) = &self.awaiting else { return Err("approval_missing") };
            let news = awaiting.wait();
            if let Some(known) = self.hear(news) {
                return known;
            }
        }
    }

    fn hear(&mut self, news: News) -> Option<Result<(), &'static str>> {
        match news {
            News::Answer(answer) => self.count(answer),
            News::Ended => Some(Err(self.fault.map_or("approval_missing", Fault::code))),
            News::Expired => Some(Err("approval_expired")),
        }
    }

    /// Counts an answer that is good; each key has one.
    fn count(&mut self, answer: Acknowledgment) -> Option<Result<(), &'static str>> {
        let now = self.entry.gate.identity().clock.now();
        let vote = match answer.check(&self.request, &self.approvals.keys, now) {
            // The gate does not approve what it asks for.
            Ok(vote) if vote.by == *self.entry.gate.key_thumbprint() => {
                self.fault = Some(Fault::Invalid);
                return None;
            }
            Ok(vote) => vote,
            Err(fault) => {
                tracing::warn!(target: "asqav::gate", code = fault.code(), "an answer does not count");
                self.fault = Some(fault);
                return None;
            }
        };
        let refused = vote.answer == Answer::Refuse;
        self.votes.insert(*vote.by.as_bytes(), vote);
        match refused {
            true => Some(Err("approval_refused")),
            false => (self.votes.len() >= self.approvals.quorum.get()).then_some(Ok(())),
        }
    }

    /// Records the answers, and gives what the next decision needs.
    pub(super) fn conclude(self, known: Result<(), &'static str>) -> Result<Concluded, Refused> {
        let asked = self.request.receipt;
        let place = self.entry.gate.recorder().reserve()?;
        let mut records = Vec::with_capacity(self.votes.len());
        let mut attested = Vec::with_capacity(self.votes.len() * 32);
        for vote in self.votes.values() {
            let digest = Sha256Digest::of(vote.envelope.as_json());
            attested.extend_from_slice(digest.as_bytes());
            records.push(self.record(&place, vote, &digest)?);
        }
        let approved = match known {
            Ok(()) => Approved::By(Grant {
                asked,
                policy_digest: self.request.policy_digest,
                expires_at: self.request.expires_at,
                records,
                attestation: Sha256Digest::of(&attested),
            }),
            Err(why) => Approved::Not { why, asked },
        };
        let Self { entry, call, .. } = self;
        Ok(Concluded { entry, call, place, approved })
    }

    /// `approval:record`: that this answer was given; the answer itself is
    /// committed to and goes to the vault.
    fn record(&self, place: &Place, vote: &Vote, digest: &Sha256Digest) -> Result<ActionId, Refused> {
        let identity = self.entry.gate.identity();
        let fresh = Fresh::draw(&*identity.clock)?;
        let mut committer = identity.committer(&fresh);
        // Canonical JSON, as `check` has found.
        let text = String::from_utf8_lossy(vote.envelope.as_json()).into_owned();
        let commitment = committer.commit("/approval".to_owned(), text);
        let mut body = Object::new();
        body.set("answer", if vote.answer == Answer::Grant { "grant" } else { "refuse" });
        body.set("by", vote.by.to_tagged().as_str());
        body.set("receipt", self.request.receipt.to_string().as_str());
        body.set("envelope", digest.to_tagged().as_str());
        body.set("commit", commitment.to_hex().as_str());
        let mut draft = identity.event(&fresh, "approval:record", body);
        draft.payload.receipt_type = ReceiptType::Acknowledgment;
        draft.payload.asqav.parents = vec![self.request.receipt];
        draft.openings = committer.into_openings();
        place.submit(draft).map(|submitted| submitted.action_id)
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pending").field(&self.request.receipt).finish()
    }
}
