//! Deletion receipts: which sealed segments were deleted when their time was
//! over.
//!
//! The event `log:delete` names the segments, the receipts that they held and
//! the digest of each header; it stands in the log *before* a byte is removed.
//! The headers stay, and with them the leaf hashes of the receipts: a
//! tombstone ([`crate::verify::LogVerifier::deleted`]).
//!
//! Segments are deleted oldest first and without a gap, so that the newest
//! deletion receipt speaks for all that went before: each header names the one
//! before it. An older deletion receipt can therefore be deleted in its turn.

use crate::digest::Sha3Digest;
use crate::json::{Json, Object};
use crate::payload::{Context, Payload};
use crate::seq_set::SeqSet;
use crate::time::Timestamp;

/// The event's name.
pub const DELETE_EVENT: &str = "log:delete";

/// A deletion receipt names at most so many segments; more need more receipts.
pub const MAX_DELETED: usize = 16;

/// What a deletion receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct Deletion {
    /// Number of the first segment.
    pub first_segment: u64,
    /// The receipts that the segments held, as first and last number.
    pub receipts: (u64, u64),
    /// [`SignedHeader::digest`](crate::header::SignedHeader::digest) of each
    /// segment, in order; 1 to [`MAX_DELETED`].
    pub headers: Vec<Sha3Digest>,
    /// How long receipts are kept by the policy in force, days.
    pub days: u32,
    /// No receipt of the segments claims to be younger.
    pub before: Timestamp,
}

impl Deletion {
    /// Number of the last segment.
    #[must_use]
    pub fn last_segment(&self) -> u64 {
        let more = u64::try_from(self.headers.len().saturating_sub(1)).unwrap_or(u64::MAX);
        self.first_segment.saturating_add(more)
    }

    /// The numbers of the receipts that the segments held.
    #[must_use]
    pub fn receipt_set(&self) -> SeqSet {
        SeqSet::range(self.receipts.0, self.receipts.1)
    }

    /// The segments' numbers with the digests of their headers.
    pub fn segments(&self) -> impl Iterator<Item = (u64, Sha3Digest)> + '_ {
        (self.first_segment..).zip(self.headers.iter().copied())
    }

    /// The body of `log:delete`: `{before, count, days, headers, receipts,
    /// segments}`.
    #[must_use]
    pub fn to_body(&self) -> Object {
        let receipts = self.receipt_set();
        let mut body = Object::new();
        body.set("before", self.before.to_string());
        body.set("count", Json::count(receipts.count()));
        body.set("days", Json::count(u64::from(self.days)));
        body.set("headers", Json::Array(self.headers.iter().map(|digest| digest.to_hex().into()).collect()));
        body.set("receipts", receipts.to_string().as_str());
        body.set("segments", SeqSet::range(self.first_segment, self.last_segment()).to_string().as_str());
        body
    }

    /// What `payload` says was deleted; `None` if it is no deletion receipt or
    /// not one that holds: it names whole segments before it, and counts right.
    #[must_use]
    pub fn of(payload: &Payload) -> Option<Self> {
        match &payload.context {
            Context::Event { name: DELETE_EVENT, body } => Self::from_body(body, payload.seq),
            _ => None,
        }
    }

    /// Reads the body of the deletion receipt `seq`.
    pub(crate) fn from_body(body: &Object, seq: u64) -> Option<Self> {
        let text = |name: &str| body.get(name)?.as_str();
        let (first_segment, last_segment) = range(text("segments")?)?;
        let digest = |json: &Json| Sha3Digest::parse_hex(json.as_str()?);
        let deletion = Self {
            first_segment,
            receipts: range(text("receipts")?)?,
            headers: body.get("headers")?.as_array()?.iter().map(digest).collect::<Option<_>>()?,
            days: u32::try_from(body.get("days")?.as_count()?).ok()?,
            before: Timestamp::parse_rfc3339(text("before")?).ok()?,
        };
        let holds = (1..=MAX_DELETED).contains(&deletion.headers.len())
            && deletion.last_segment() == last_segment
            && deletion.receipts.1 < seq
            && deletion.to_body() == *body;
        holds.then_some(deletion)
    }
}

/// A set that is one range.
fn range(text: &str) -> Option<(u64, u64)> {
    match SeqSet::parse(text)?.ranges() {
        [range] => Some(*range),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deletion() -> Deletion {
        Deletion {
            first_segment: 3,
            receipts: (11, 20),
            headers: vec![Sha3Digest::of(b"3"), Sha3Digest::of(b"4")],
            days: 2_555,
            before: Timestamp::parse_rfc3339("2019-01-02T03:04:05.000000Z").unwrap(),
        }
    }

    #[test]
    fn a_body_says_what_was_deleted() {
        let body = deletion().to_body();
        assert_eq!(body.get("segments").unwrap().as_str(), Some("3-4"));
        assert_eq!(body.get("receipts").unwrap().as_str(), Some("11-20"));
        assert_eq!(Deletion::from_body(&body, 21), Some(deletion()));
        assert_eq!(Deletion::from_body(&body, 20), None, "it would delete itself");
    }

    #[test]
    fn what_does_not_hold_is_no_deletion() {
        type Change = (&'static str, fn(&mut Object));
        let changes: [Change; 7] = [
            ("count", |body| body.set("count", Json::count(9))),
            ("segments of another number", |body| body.set("segments", "3-5")),
            ("a gap", |body| body.set("receipts", "11-14,16-20")),
            ("no header", |body| body.set("headers", Json::Array(Vec::new()))),
            ("upper case", |body| {
                let upper = Sha3Digest::of(b"3").to_hex().to_uppercase();
                body.set("headers", Json::Array(vec![upper.as_str().into(), upper.as_str().into()]));
            }),
            ("a time zone", |body| body.set("before", "2019-01-02T03:04:05+00:00")),
            ("a member more", |body| body.set("why", "x")),
        ];
        for (what, change) in changes {
            let mut body = deletion().to_body();
            change(&mut body);
            assert_eq!(Deletion::from_body(&body, 21), None, "{what}");
        }
    }
}
