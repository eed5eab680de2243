//! Between which times a log was written, as far as others vouch for it.

use super::inputs::LogInputs;
use super::tally::{Place, Tally};
use crate::json::{Json, Object};
use crate::payload::{Context, Payload};
use crate::time::Timestamp;
use crate::time_mark::{TIME_EVENT, TimeMark};
use crate::verify::reason::ReasonCode;
use crate::verify::report::Axis;

/// Time receipts beyond this number are not compared.
const MAX_MARKS: usize = 10_000;

/// What pinned time-stamp authorities show about the receipts of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeBounds {
    /// The receipts up to this number existed not later than this.
    pub not_later: Option<(u64, Timestamp)>,
    /// The receipts from these numbers on came not earlier than these times;
    /// ascending.
    pub not_earlier: Vec<(u64, Timestamp)>,
    /// Anchors that could not be checked, and why.
    pub unchecked: Vec<String>,
}

impl TimeBounds {
    /// Sets `not_later` (`{seq, at}`) and `not_earlier` (a list of them), where
    /// there are any.
    pub(super) fn to_json(&self, object: &mut Object) {
        let bound = |(seq, at): &(u64, Timestamp)| {
            let mut bound = Object::new();
            bound.set("at", at.to_string());
            bound.set("seq", Json::count(*seq));
            Json::Object(bound)
        };
        if let Some(not_later) = &self.not_later {
            object.set("not_later", bound(not_later));
        }
        if !self.not_earlier.is_empty() {
            object.set("not_earlier", Json::Array(self.not_earlier.iter().map(bound).collect()));
        }
    }
}

/// A time receipt.
#[derive(Debug, Clone, Copy)]
struct Mark {
    seq: u64,
    #[cfg_attr(not(feature = "anchors"), expect(dead_code, reason = "nothing is evaluated"))]
    issued_at: Timestamp,
    #[cfg_attr(not(feature = "anchors"), expect(dead_code, reason = "nothing is evaluated"))]
    mark: TimeMark,
}

/// The time receipts of a log.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks(Vec<Mark>);

impl Marks {
    /// Takes the log's next receipt.
    pub(super) fn apply(&mut self, payload: &Payload, tally: &mut Tally) {
        if !matches!(&payload.context, Context::Event { name: TIME_EVENT, .. }) {
            return;
        }
        match TimeMark::of(payload) {
            Some(mark) if self.0.len() < MAX_MARKS => {
                self.0.push(Mark { seq: payload.seq, issued_at: payload.issued_at, mark });
            }
            Some(_) => {}
            None => {
                let note = "a time receipt without token, message and time";
                let place = Place::of_payload(payload);
                tally.problem(&place, Axis::Structure, ReasonCode::MalformedReceipt, note);
            }
        }
    }

    /// At the log's end: what the anchors at hand show. `met` is whether the
    /// log agrees with its checkpoint.
    #[cfg(not(feature = "anchors"))]
    pub(super) fn finish(&self, _: &LogInputs<'_>, _: bool, _: &mut Tally) -> TimeBounds {
        let unchecked =
            self.0.iter().map(|mark| format!("the token of receipt {}: left out of this build", mark.seq));
        TimeBounds { unchecked: unchecked.collect(), ..TimeBounds::default() }
    }

    /// At the log's end: what the anchors at hand show. `met` is whether the
    /// log agrees with its checkpoint.
    #[cfg(feature = "anchors")]
    pub(super) fn finish(&self, inputs: &LogInputs<'_>, met: bool, tally: &mut Tally) -> TimeBounds {
        let mut bounds = TimeBounds::default();
        if let Some(signed) = inputs.checkpoint.filter(|_| met) {
            evaluate::not_later(signed, inputs, &mut bounds, tally);
        }
        for mark in &self.0 {
            evaluate::not_earlier(mark, inputs, &mut bounds, tally);
        }
        bounds
    }
}

#[cfg(feature = "anchors")]
mod evaluate {
    use super::{Axis, LogInputs, Mark, Place, ReasonCode, Tally, TimeBounds};
    use crate::anchor::Outcome;
    use crate::checkpoint::SignedCheckpoint;
    use crate::digest::Sha256Digest;
    use crate::time::Timestamp;

    /// A time-stamp may differ this much from the clock of a writer.
    const SKEW_SECONDS: f64 = 300.0;

    /// The earliest time that an anchor of the checkpoint shows.
    pub(super) fn not_later(
        signed: &SignedCheckpoint,
        inputs: &LogInputs<'_>,
        bounds: &mut TimeBounds,
        tally: &mut Tally,
    ) {
        let message = signed.anchored_bytes();
        let digest = Sha256Digest::of(&message);
        let size = signed.checkpoint.size;
        let place = Place::seq(size);
        let mut refuted = Vec::new();
        for anchor in inputs.anchors.iter().filter(|anchor| anchor.message == digest) {
            match anchor.evidence.check(&message, inputs.tsa_keys) {
                Outcome::Proven { at, .. } if is_before(at, signed.checkpoint.issued_at) => {
                    let note = format!("checkpoint: stamped {at}, before it says it was issued");
                    tally.problem(&place, Axis::Anchors, ReasonCode::AnchorOutOfBounds, note);
                }
                Outcome::Proven { at, .. } if inputs.at.is_some_and(|now| is_before(now, at)) => {
                    let note = format!("checkpoint: stamped {at}, which is in the future");
                    tally.problem(&place, Axis::Anchors, ReasonCode::AnchorOutOfBounds, note);
                }
                Outcome::Proven { at, .. } => {
                    let earliest = bounds.not_later.map_or(at, |(_, before)| before.min(at));
                    bounds.not_later = Some((size, earliest));
                }
                Outcome::Refuted(why) => refuted.push(why),
                Outcome::Unchecked(why) => bounds.unchecked.push(format!("anchor of the checkpoint: {why}")),
            }
        }
        // Beside one that is proven, another may be of an authority that is not pinned.
        for why in refuted {
            if bounds.not_later.is_some() {
                bounds.unchecked.push(format!("anchor of the checkpoint: {why}"));
            } else {
                let note = format!("checkpoint: {why}");
                tally.problem(&place, Axis::Anchors, ReasonCode::AnchorInvalid, note);
            }
        }
    }

    /// What the token that a time receipt names shows.
    pub(super) fn not_earlier(
        mark: &Mark,
        inputs: &LogInputs<'_>,
        bounds: &mut TimeBounds,
        tally: &mut Tally,
    ) {
        let shown = inputs.tsa_keys.and_then(|keys| {
            let mut anchors = inputs.anchors.iter();
            anchors.find_map(|anchor| anchor.evidence.token_not_before(&mark.mark.token, keys))
        });
        match shown {
            Some(at) if is_before(mark.issued_at, at) => {
                let note = format!("names a token of {at}, and claims to be older: {}", mark.issued_at);
                tally.problem(&Place::seq(mark.seq), Axis::Anchors, ReasonCode::AnchorOutOfBounds, note);
            }
            Some(at) => bounds.not_earlier.push((mark.seq, at)),
            None => bounds.unchecked.push(format!(
                "the token that receipt {} names is not at hand, or not by a pinned authority",
                mark.seq
            )),
        }
    }

    /// Whether `time` is before `other` by more than clocks differ.
    fn is_before(time: Timestamp, other: Timestamp) -> bool {
        other.seconds_since(time) > SKEW_SECONDS
    }
}
