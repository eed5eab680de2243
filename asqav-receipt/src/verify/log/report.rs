//! The verdict on a log.

use super::bounds::TimeBounds;
use super::inputs::LogInputs;
use super::meaning::{Meaning, Recovery};
use super::tally::{Place, Tally};
use crate::digest::Sha3Digest;
use crate::id::{AgentId, LogId};
use crate::json::Json;
use crate::payload::Link;
use crate::seq_set::SeqSet;
use crate::verify::finding;
use crate::verify::reason::ReasonCode;
use crate::verify::report::{Axis, AxisReport, Head, Problem, Verdict, report_json};

/// What verification of a log found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogReport {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is unverified: the first problem of the verdict's class.
    pub reason_code: Option<ReasonCode>,
    /// How many lines were read as receipts.
    pub receipts: u64,
    /// How many segments were read.
    pub segments: u64,
    /// All fifteen axes, each over all receipts.
    pub axes: Vec<AxisReport>,
    /// Every falsehood found, up to 1,000; what could not be checked, and
    /// remarks, once each.
    pub problems: Vec<Problem>,
    /// How many falsehoods are not listed.
    pub problems_omitted: u64,
    /// What a verdict of this report does not cover.
    pub not_checked: Vec<String>,
    /// The log's id, as its first receipt claims it.
    pub log_id: Option<LogId>,
    /// The log's agent, as its first receipt claims it.
    pub agent: Option<AgentId>,
    /// The newest receipt's number and the links to it.
    pub head: Option<(u64, Link)>,
    /// The log's first receipt, as later checkpoints name it.
    pub genesis: Option<Sha3Digest>,
    /// How many lines there are, and the root of the RFC 6962 tree (SHA3-256)
    /// over them.
    pub tree: (u64, Sha3Digest),
    /// Digest of the newest segment header.
    pub last_header: Option<Sha3Digest>,
    /// Outcomes that a recovery wrote without having observed them.
    pub unknown_outcomes: u64,
    /// Decisions without an outcome at the log's end.
    pub open_decisions: u64,
    /// How often the log was stopped uncleanly.
    pub recoveries: u64,
    /// Receipts whose segment was deleted: of them there are leaf hashes only.
    pub deleted: SeqSet,
    /// What pinned time-stamp authorities show.
    pub time: TimeBounds,
}

impl LogReport {
    /// The report as `verify --json` prints it, with the members of
    /// [`Report::to_json`](crate::verify::Report::to_json).
    #[must_use]
    pub fn to_json(&self) -> Json {
        let Self { verdict, reason_code, receipts, segments, .. } = *self;
        let head = Head { verdict, reason_code, receipts, segments };
        let mut json = report_json(&head, &self.axes, &self.problems, &self.not_checked);
        if let Json::Object(object) = &mut json {
            self.time.to_json(object);
        }
        json
    }
}

/// How the log ended.
pub(super) struct End {
    pub(super) receipts: u64,
    pub(super) segments: u64,
    /// Whether the last segment has a header.
    pub(super) sealed: bool,
    /// Whether the mirrored head or the checkpoint is in the log.
    pub(super) head_met: bool,
    /// Whether the mirrored head is.
    pub(super) mirror_met: bool,
    /// Whether the checkpoint is.
    pub(super) checkpoint_met: bool,
    /// Whether the checkpoint's newest receipt was deleted.
    pub(super) checkpoint_head_deleted: bool,
    /// Size and root of the tree over all lines.
    pub(super) tree: (u64, Sha3Digest),
    /// The newest header.
    pub(super) last_header: Option<Sha3Digest>,
    /// Receipts in segments that were deleted.
    pub(super) deleted: SeqSet,
    /// What anchors show.
    pub(super) time: TimeBounds,
}

pub(super) fn finish(end: &End, inputs: &LogInputs<'_>, meaning: &Meaning, mut tally: Tally) -> LogReport {
    ending(end, inputs, meaning, &mut tally);
    let (axes, problems, problems_omitted) = tally.into_parts();
    let (verdict, reason_code) = finding::fold(&problems, false);
    let identity = meaning.identity.as_ref();
    LogReport {
        verdict,
        reason_code,
        receipts: end.receipts,
        segments: end.segments,
        axes,
        problems,
        problems_omitted,
        not_checked: not_checked(end, inputs, meaning),
        log_id: identity.map(|log| log.log_id),
        agent: identity.map(|log| log.agent.clone()),
        head: meaning.newest.map(|newest| (newest.seq, newest.link)),
        genesis: identity.and_then(|log| log.genesis),
        tree: end.tree,
        last_header: end.last_header,
        unknown_outcomes: meaning.unknown_outcomes,
        open_decisions: u64::try_from(meaning.open_decisions()).unwrap_or(u64::MAX),
        recoveries: meaning.recovery_count,
        deleted: end.deleted.clone(),
        time: end.time.clone(),
    }
}

/// A log that nothing closes may have been cut anywhere.
fn ending(end: &End, inputs: &LogInputs<'_>, meaning: &Meaning, tally: &mut Tally) {
    let place = meaning.newest.map_or_else(Place::default, |newest| Place::seq(newest.seq));
    if end.receipts == 0 {
        tally.problem(&place, Axis::Structure, ReasonCode::EmptyLog, "the log holds no receipt");
    }
    if let Some(head) = inputs.head
        && !end.mirror_met
        && meaning.newest.is_none_or(|newest| newest.seq < head.seq)
    {
        let note = format!("the log ends before its mirrored head, seq {}", head.seq);
        tally.problem(&place, Axis::Chain, ReasonCode::HeadDiffers, note);
    } else if inputs.head.is_some() && !end.mirror_met {
        tally.problem(&place, Axis::Chain, ReasonCode::HeadDiffers, "the mirrored head is not in the log");
    }
    let closed = end.sealed && meaning.is_stopped();
    if end.receipts > 0 && !closed && !end.head_met && !inputs.allow_open {
        let note = "the log does not end in a sealed segment with gate:stop";
        tally.problem(&place, Axis::Chain, ReasonCode::LogOpen, note);
    }
}

/// What of the receipts' times nobody but the log's writer vouches for.
fn time(bounds: &TimeBounds) -> &'static str {
    match (bounds.not_later, bounds.not_earlier.as_slice()) {
        (None, []) => "time: claimed, not anchored",
        (Some(_), []) => "time: claimed; shown is only not later than when",
        (None, _) => "time: claimed; shown is only not earlier than when",
        (Some(_), _) => "time: claimed; shown is only between which times",
    }
}

/// What stays open whatever the verdict.
fn not_checked(end: &End, inputs: &LogInputs<'_>, meaning: &Meaning) -> Vec<String> {
    let mut lines = vec![time(&end.time).to_owned()];
    lines.extend(end.time.unchecked.iter().cloned());
    let last = meaning.newest.map_or(0, |newest| newest.seq);
    let open = !(end.sealed && meaning.is_stopped());
    let checkpoint = inputs.checkpoint.filter(|_| end.checkpoint_met);
    if let Some(signed) = checkpoint {
        let size = signed.checkpoint.size;
        lines.push(format!("tail: checked to seq {size} by the checkpoint; whether anything after seq {last} was withheld is not"));
    }
    if checkpoint.is_some() && end.checkpoint_head_deleted {
        lines.push("checkpoint: its root was compared; its newest receipt was deleted".to_owned());
    }
    if open && end.receipts > 0 {
        let decisions = meaning.open_decisions();
        lines.push(format!(
            "tail: not checked: the log is open after seq {last} ({decisions} decisions without an outcome)"
        ));
    } else if checkpoint.is_none() {
        lines.push(format!("tail: not checked: whether a later run, after seq {last}, was withheld"));
    }
    for (first, last) in end.deleted.ranges() {
        lines.push(format!("content {first}..{last}: deleted, as the log says"));
    }
    for Recovery { after, unsigned_after } in &meaning.recoveries {
        lines.push(format!("unclean stop after seq {after}"));
        if let Some(first) = unsigned_after.and_then(|seq| seq.checked_add(1)) {
            lines.push(format!("receipts {first}..{after}: signed only when the log was opened again"));
        }
    }
    let more =
        meaning.recovery_count.saturating_sub(u64::try_from(meaning.recoveries.len()).unwrap_or(u64::MAX));
    if more > 0 {
        lines.push(format!("unclean stops: {more} more"));
    }
    if meaning.unknown_outcomes > 0 {
        lines.push(format!("outcomes: {} not observed (unknown)", meaning.unknown_outcomes));
    }
    if meaning.backward_steps > 0 {
        lines.push(format!("clock: went backwards {} times", meaning.backward_steps));
    }
    lines.push("completeness: calls that were never recorded".to_owned());
    lines.push("policy: the documents behind policy_digest".to_owned());
    lines.push("tier: claimed".to_owned());
    lines
}
