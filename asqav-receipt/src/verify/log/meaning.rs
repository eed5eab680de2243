//! What the receipts of a log say together: calls, sessions, runs of the gate.

use super::repeats::{Fate, Repeats};
use super::tally::{Place, Tally};
use crate::digest::Sha3Digest;
use crate::erasure::{ERASE_EVENT, erased_of};
use crate::header::SegmentHeader;
use crate::id::{AgentId, IssuerId, LogId};
use crate::json::{Json, Object};
use crate::open::{Change, Contradiction, OpenDecision, OpenItem, OpenSession, OpenSet};
use crate::payload::{Context, Decision, Digests, Link, Outcome, Payload, ReceiptType};
use crate::time::Timestamp;
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;
use crate::verify::scratch::Scratch;

/// Unclean stops beyond this number are counted, not listed.
const MAX_RECOVERIES: usize = 100;

/// What the first receipt fixes for the whole log.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) log_id: LogId,
    pub(super) agent: AgentId,
    pub(super) issuer: IssuerId,
    /// The SHA3 link to receipt 1.
    pub(super) genesis: Option<Sha3Digest>,
}

/// Where in the life of a gate the log stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Run {
    /// Nothing was written yet.
    #[default]
    Before,
    /// After `gate:recovery`, sealing what an unclean stop left open.
    Recovering,
    /// After `gate:start`.
    Running,
    /// After `gate:stop`.
    Stopped,
    /// After a segment that was deleted: any of them.
    Unseen,
}

/// The newest receipt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newest {
    pub(super) seq: u64,
    pub(super) link: Link,
    /// Unknown where its segment was deleted.
    pub(super) issued_at: Option<Timestamp>,
}

/// A log that was opened again after an unclean stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recovery {
    /// The newest receipt before.
    pub(super) after: u64,
    /// Receipts behind this number were signed only then.
    pub(super) unsigned_after: Option<u64>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Meaning<'a> {
    pub(super) identity: Option<Identity>,
    /// What the headers of deleted segments say before any receipt is there.
    stepped_over: Option<(LogId, Sha3Digest)>,
    pub(super) newest: Option<Newest>,
    open: OpenSet,
    run: Run,
    repeats: Repeats<'a>,
    /// After which receipts the log was stopped uncleanly.
    pub(super) recoveries: Vec<Recovery>,
    pub(super) recovery_count: u64,
    pub(super) unknown_outcomes: u64,
    pub(super) backward_steps: u64,
}

impl<'a> Meaning<'a> {
    /// Of a log of which nothing was read yet.
    pub(super) fn new(scratch: Option<&'a dyn Scratch>) -> Self {
        Self { repeats: Repeats::new(scratch), ..Self::default() }
    }

    /// Takes the log's next receipt, given in its types, and the digests of its
    /// canonical form.
    pub(super) fn apply(&mut self, payload: &Payload, digests: &Digests, tally: &mut Tally) {
        let mut at = At { place: Place::of_payload(payload), tally };
        self.same_log(payload, digests, &mut at);
        self.repeats.receipt(payload);
        self.clock(payload, &mut at);
        self.run(payload, &mut at);
        self.open(payload, digests, &mut at);
        self.newest =
            Some(Newest { seq: payload.seq, link: digests.link, issued_at: Some(payload.issued_at) });
    }

    /// Goes on after a segment that was deleted, by what its header says.
    pub(super) fn step_over(&mut self, header: &SegmentHeader) {
        self.stepped_over.get_or_insert((header.log_id, header.genesis));
        self.newest = Some(Newest { seq: header.last_seq, link: header.last, issued_at: None });
        self.open = OpenSet::from_items(&header.open).unwrap_or_default();
        self.run = Run::Unseen;
    }

    /// Says what stood in the log more than once, which only its end shows.
    pub(super) fn finish(&mut self, tally: &mut Tally) {
        std::mem::take(&mut self.repeats).finish(tally);
    }

    /// The log's id and the SHA3 link to its first receipt, as far as known.
    pub(super) fn log(&self) -> Option<(LogId, Option<Sha3Digest>)> {
        let stepped = self.stepped_over.map(|(log_id, genesis)| (log_id, Some(genesis)));
        self.identity.as_ref().map(|log| (log.log_id, log.genesis)).or(stepped)
    }

    /// The log's issuer and agent, as its first receipt claims them.
    pub(super) fn owner(&self) -> Option<(&str, &str)> {
        self.identity.as_ref().map(|log| (log.issuer.as_str(), log.agent.as_str()))
    }

    /// Whether the log ends in a clean stop.
    pub(super) fn is_stopped(&self) -> bool {
        self.run == Run::Stopped
    }

    /// What is open now, as a header lists it.
    pub(super) fn open_items(&self) -> Vec<OpenItem> {
        self.open.items()
    }

    /// How many decisions are open now.
    pub(super) fn open_decisions(&self) -> usize {
        self.open.decisions().len()
    }

    fn same_log(&mut self, payload: &Payload, digests: &Digests, at: &mut At<'_>) {
        let stepped = self.stepped_over;
        let first = || Identity {
            log_id: stepped.map_or(payload.asqav.log_id, |(log_id, _)| log_id),
            agent: payload.agent_id.clone(),
            issuer: payload.issuer_id.clone(),
            genesis: match stepped {
                Some((_, genesis)) => Some(genesis),
                None => digests.link.sha3.filter(|_| payload.seq == 1),
            },
        };
        let log = self.identity.get_or_insert_with(first);
        if log.log_id != payload.asqav.log_id {
            at.found(Axis::Chain, ReasonCode::LogIdChanged, "`asqav.log_id` is not the log's");
        }
        if log.agent != payload.agent_id {
            at.found(Axis::IssuerBind, ReasonCode::AgentMismatch, "`agent_id` is not the log's");
        }
        if log.issuer != payload.issuer_id {
            at.found(Axis::IssuerBind, ReasonCode::IssuerMismatch, "`issuer_id` is not the log's");
        }
    }

    /// A clock may be set back; that is worth a remark, and proves nothing.
    fn clock(&mut self, payload: &Payload, at: &mut At<'_>) {
        let Some(before) = self.newest.and_then(|newest| newest.issued_at) else { return };
        if payload.issued_at < before {
            self.backward_steps += 1;
            let note = format!("claims {}, after a receipt that claims {before}", payload.issued_at);
            at.found(Axis::Skew, ReasonCode::ClockBackwards, note);
        }
    }

    /// Holds the receipt to the order of a gate's life.
    fn run(&mut self, payload: &Payload, at: &mut At<'_>) {
        match event(payload) {
            Some(("gate:recovery", body)) => self.recovery(payload, body, at),
            Some(("gate:start", _)) => {
                if self.run == Run::Running {
                    at.found(
                        Axis::Structure,
                        ReasonCode::LifecycleOrder,
                        "`gate:start` without a stop or a recovery before",
                    );
                }
                self.none_open(at);
                self.run = Run::Running;
            }
            Some(("gate:stop", _)) => {
                if !matches!(self.run, Run::Running | Run::Unseen) {
                    at.found(
                        Axis::Structure,
                        ReasonCode::LifecycleOrder,
                        "`gate:stop` without a start before",
                    );
                }
                self.none_open(at);
                self.run = Run::Stopped;
            }
            Some((ERASE_EVENT, body)) if erased_of(body, payload.seq).is_none() => {
                let note = "it does not name receipts before it, with their number";
                at.found(Axis::Structure, ReasonCode::ErasureDiffers, note);
            }
            other => self.within_run(payload, other.map(|(name, _)| name), at),
        }
    }

    fn recovery(&mut self, payload: &Payload, body: &Object, at: &mut At<'_>) {
        let before = payload.seq.saturating_sub(1);
        if body.get("resumed_after_seq").and_then(Json::as_count) != Some(before) {
            let note = format!("`resumed_after_seq` is not {before}, which the receipt follows");
            at.found(Axis::Structure, ReasonCode::RecoveryDiffers, note);
        }
        let unsigned_after = body.get("unsigned_after_seq").map(|seq| seq.as_count().unwrap_or(before));
        if unsigned_after.is_some_and(|seq| seq >= before) {
            let note =
                format!("`unsigned_after_seq` is not before {before}, the newest receipt that it is about");
            at.found(Axis::Structure, ReasonCode::RecoveryDiffers, note);
        }
        self.recovery_count += 1;
        if self.recoveries.len() < MAX_RECOVERIES {
            self.recoveries.push(Recovery { after: before, unsigned_after });
        }
        self.run = Run::Recovering;
    }

    fn none_open(&self, at: &mut At<'_>) {
        for decision in self.open.decisions().take(10) {
            let note = format!("the decision of seq {} is still open", decision.seq);
            at.found(Axis::Structure, ReasonCode::DecisionLeftOpen, note);
        }
    }

    /// Only a recovery seals what it did not observe, and it does nothing else.
    fn within_run(&mut self, payload: &Payload, event: Option<&str>, at: &mut At<'_>) {
        let unknown = payload.asqav.outcome == Some(Outcome::Unknown);
        self.unknown_outcomes += u64::from(unknown);
        if unknown && !payload.asqav.recovered {
            at.found(
                Axis::Structure,
                ReasonCode::NotARecovery,
                "an `unknown` outcome that no recovery wrote",
            );
        }
        if payload.asqav.recovered && payload.receipt_type == ReceiptType::Outcome && !unknown {
            at.found(Axis::Structure, ReasonCode::NotARecovery, "a recovery claims to know an outcome");
        }
        let acts = event.is_none() || matches!(event, Some("session:open" | "session:close"));
        // A session that outlived a clean stop is closed at the next start.
        let late_close =
            event == Some("session:close") && payload.asqav.recovered && self.run == Run::Stopped;
        if !acts || late_close || self.run == Run::Unseen {
            return;
        }
        if payload.asqav.recovered != (self.run == Run::Recovering) {
            let note = "a recovered receipt belongs between `gate:recovery` and `gate:start`, and only such receipts";
            at.found(Axis::Structure, ReasonCode::NotARecovery, note);
        } else if matches!(self.run, Run::Before | Run::Stopped) {
            at.found(Axis::Structure, ReasonCode::LifecycleOrder, "the gate was not started");
        }
    }

    fn open(&mut self, payload: &Payload, digests: &Digests, at: &mut At<'_>) {
        if matches!(payload.decision, Decision::Deny | Decision::RateLimit)
            && payload.receipt_type == ReceiptType::Decision
        {
            self.repeats.ended(&digests.link.sha256, Fate::Denied, payload.seq);
        }
        match self.open.apply_digests(payload, digests) {
            Change::None | Change::Opened => {}
            Change::Completed(decision) => {
                self.repeats.ended(&decision.payload_sha256, Fate::Completed, payload.seq);
                same_call(payload, &decision, at);
            }
            Change::Closed(session) => same_session(payload, &session, at),
            Change::Contradiction(Contradiction::NoOpenDecision) => self.repeats.orphan(payload),
            Change::Contradiction(contradiction) => {
                let note = match contradiction {
                    Contradiction::SessionReopened => "the session is open already",
                    _ => "the session is not open",
                };
                at.found(Axis::Structure, ReasonCode::SessionNotOpen, note);
            }
        }
    }
}

/// A place and where to report what is found there.
struct At<'t> {
    place: Place,
    tally: &'t mut Tally,
}

impl At<'_> {
    fn found(&mut self, axis: Axis, reason: ReasonCode, note: impl Into<String>) {
        self.tally.problem(&self.place, axis, reason, note);
    }
}

fn event(payload: &Payload) -> Option<(&str, &Object)> {
    match &payload.context {
        Context::Event { name, body } => Some((name, body)),
        _ => None,
    }
}

/// An outcome repeats what its decision says.
fn same_call(payload: &Payload, decision: &OpenDecision, at: &mut At<'_>) {
    let same = [
        ("action_type", payload.action_type == decision.action_type),
        ("tool_name", payload.tool_name == decision.tool_name),
        ("session_id", payload.session_id == decision.session_id),
        ("asqav.parents", payload.asqav.parents == [decision.action_id]),
    ];
    for (member, _) in same.iter().filter(|(_, same)| !same) {
        let note = format!("`{member}` is not that of the decision of seq {}", decision.seq);
        at.found(Axis::Structure, ReasonCode::OutcomeDiffers, note);
    }
}

/// `session:close` counts the session's receipts and commits to them.
fn same_session(payload: &Payload, session: &OpenSession, at: &mut At<'_>) {
    let Some((_, body)) = event(payload) else { return };
    let root = body.get("root").and_then(Json::as_str).and_then(Sha3Digest::parse_hex);
    let count = body.get("count").and_then(Json::as_count);
    if count != Some(session.count) || root.is_none() || root != session.root() {
        at.found(
            Axis::Structure,
            ReasonCode::SessionDiffers,
            "`session:close` has another count or root than its receipts",
        );
    }
}
