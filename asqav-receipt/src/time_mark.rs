//! Time receipts: a log names a time-stamp token that exists already.
//!
//! A token over a checkpoint shows that what the checkpoint counts existed *not
//! later than* its time. The event `time:anchor` names such a token by its
//! digest, which nobody can know before the authority signed it: the receipt
//! and everything after it came *not earlier than* the token.

use crate::digest::Sha256Digest;
use crate::json::Object;
use crate::payload::{Context, Payload};
use crate::time::Timestamp;

/// The event's name.
pub const TIME_EVENT: &str = "time:anchor";

/// What a time receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "writers must not forget a member")]
pub struct TimeMark {
    /// SHA-256 of the token, a CMS `ContentInfo` in DER.
    pub token: Sha256Digest,
    /// SHA-256 of what the token stamps.
    pub message: Sha256Digest,
    /// The time in the token, as the writer read it.
    pub at: Timestamp,
}

impl TimeMark {
    /// The body of `time:anchor`: `{at, message, token}`.
    #[must_use]
    pub fn to_body(&self) -> Object {
        let mut body = Object::new();
        body.set("at", self.at.to_string());
        body.set("message", self.message.to_tagged());
        body.set("token", self.token.to_tagged());
        body
    }

    /// What `payload` says; `None` if it is no time receipt, or malformed.
    #[must_use]
    pub fn of(payload: &Payload) -> Option<Self> {
        let Context::Event { name: TIME_EVENT, body } = &payload.context else { return None };
        let text = |name: &str| body.get(name)?.as_str();
        let mark = Self {
            token: Sha256Digest::parse_tagged(text("token")?)?,
            message: Sha256Digest::parse_tagged(text("message")?)?,
            at: Timestamp::parse_rfc3339(text("at")?).ok()?,
        };
        (mark.to_body() == *body).then_some(mark)
    }
}
