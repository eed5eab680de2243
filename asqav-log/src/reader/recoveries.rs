//! What recovery receipts say of torn bytes.

use std::collections::BTreeMap;

use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::receipt::parse_line;

/// In a log line, `action_type` ends before this byte.
const LABEL_WITHIN: usize = 512;
const LABEL: &str = r#""action_type":"gate:recovery""#;

/// Length and digest of torn bytes, by the receipt before them.
pub(super) type Torn = (u64, (u64, Sha3Digest));

/// The recoveries of a log, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Recoveries {
    /// Length and digest of the torn bytes, by the receipt before them.
    torn: BTreeMap<u64, (u64, Sha3Digest)>,
}

impl Recoveries {
    /// Takes what the next line names.
    pub(super) fn extend(&mut self, torn: Option<Torn>) {
        self.torn.extend(torn);
    }

    /// Whether a recovery names these torn bytes after receipt `seq`.
    pub(super) fn name(&self, seq: u64, content: &[u8]) -> bool {
        let len = u64::try_from(content.len()).unwrap_or(u64::MAX);
        self.torn.get(&seq).is_some_and(|named| *named == (len, Sha3Digest::of(content)))
    }

    /// After which receipts recoveries name torn bytes.
    pub(super) fn torn_after(&self) -> impl Iterator<Item = u64> {
        self.torn.keys().copied()
    }
}

/// The torn bytes that a line names, if it is that of a recovery.
pub(super) fn torn_by(line: &[u8]) -> Option<Torn> {
    let start = line.get(..LABEL_WITHIN).unwrap_or(line).utf8_chunks().next()?;
    if start.valid().contains(LABEL) { torn(line) } else { None }
}

fn torn(line: &[u8]) -> Option<Torn> {
    let (payload, _) = parse_line(line).ok()?;
    let object = |object: &Object, name: &str| object.get(name).and_then(Json::as_object).cloned();
    let body = object(&object(payload.as_object()?, "context")?, "gate:recovery")?;
    let digest = Sha3Digest::parse_hex(body.get("torn_sha3")?.as_str()?)?;
    Some((body.get("resumed_after_seq")?.as_count()?, (body.get("torn_bytes")?.as_count()?, digest)))
}
