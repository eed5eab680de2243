//! When a segment is full.

use asqav_receipt::header::CloseReason;
use asqav_receipt::time::Timestamp;

use crate::segment::Content;

/// The limits of a segment; whichever is reached first seals it. An empty
/// segment is never sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers set single limits")]
pub struct Rotation {
    /// Receipts, at least 1.
    pub max_count: u64,
    /// Bytes; exceeded only by a single receipt that is longer.
    pub max_bytes: u64,
    /// Seconds by the claimed time of the first receipt.
    pub max_age_secs: u32,
}

impl Default for Rotation {
    /// 10,000 receipts, 10 MiB, 3,600 seconds.
    fn default() -> Self {
        Self { max_count: 10_000, max_bytes: 10 * 1024 * 1024, max_age_secs: 3_600 }
    }
}

impl Rotation {
    /// Why a segment of this `content` has to be sealed before `next_len` more bytes are added
    /// at `now`; `None` if it has not.
    pub(crate) fn due(&self, content: &Content, next_len: u64, now: Timestamp) -> Option<CloseReason> {
        if content.count == 0 {
            None
        } else if content.count >= self.max_count {
            Some(CloseReason::Count)
        } else if content.bytes + next_len > self.max_bytes {
            Some(CloseReason::Bytes)
        } else if now.seconds_since(content.first_issued_at) >= f64::from(self.max_age_secs) {
            Some(CloseReason::Age)
        } else {
            None
        }
    }
}
