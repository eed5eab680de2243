//! One event: a line of `segment-NNNNN.log`.

use crate::digest::Sha3Digest;
use crate::json::JsonErrorKind;
use crate::json::python::Value;
use crate::verify::reason::ReasonCode;

/// The members of an event, in the order in which the package writes them. All
/// are strings except the last.
pub(super) const MEMBERS: [&str; 12] = [
    "event_id",
    "timestamp",
    "model_did",
    "model_version",
    "input_hash",
    "output_hash",
    "reasoning_chain_hash",
    "decision_type",
    "decision_label",
    "actor_did",
    "session_id",
    "metadata",
];

/// A line is taken for an event if it has at most this many bytes; one without
/// metadata has about 500.
pub const MAX_EVENT_LEN: usize = 1024 * 1024;

mod plain;
#[cfg(test)]
mod tests;

use plain::Plain;

/// Why a line is no event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) reason: ReasonCode,
    pub(super) note: String,
}

/// An event as far as its log's evidence goes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) id: String,
    /// SHA3-256 of the canonical JSON: the package's `leaf_hash`.
    pub(super) sha3: [u8; 32],
    /// Whether the line is spelled as the package spells it; of an event in
    /// another document, whether its members stand in the package's order.
    pub(super) spelled: bool,
}

impl Event {
    /// Reads the line of an event, without its line feed.
    pub(super) fn read(line: &[u8]) -> Result<Self, Unreadable> {
        match Plain::scan(line) {
            Some(plain) => Ok(plain.event()),
            None => Self::read_thoroughly(line),
        }
    }

    /// The same of any line, by way of a tree.
    fn read_thoroughly(line: &[u8]) -> Result<Self, Unreadable> {
        if line.len() > MAX_EVENT_LEN {
            let note = format!("longer than {MAX_EVENT_LEN} bytes");
            return Err(Unreadable { reason: ReasonCode::TooLong, note });
        }
        let value = Value::parse(line).map_err(|error| {
            let reason = json_reason(&error.kind);
            Unreadable { reason, note: error.to_string() }
        })?;
        let mut event = Self::of(&value)?;
        event.spelled &= value.ascii() == line;
        Ok(event)
    }

    /// Reads an event that stands in another document.
    pub(super) fn of(value: &Value) -> Result<Self, Unreadable> {
        let malformed = |note: String| Unreadable { reason: ReasonCode::MalformedMember, note };
        let Value::Object(members) = value else { return Err(malformed("not a JSON object".to_owned())) };
        if let Some((name, _)) = members.iter().find(|(name, _)| !MEMBERS.contains(&name.as_str())) {
            let note = format!("an event has no member `{}`", name.chars().take(64).collect::<String>());
            return Err(Unreadable { reason: ReasonCode::EventUnreadable, note });
        }
        for name in MEMBERS {
            let fits = match value.get(name) {
                None => return Err(malformed(format!("`{name}` is missing"))),
                Some(Value::Object(_)) => name == "metadata",
                Some(Value::String(_)) => name != "metadata",
                Some(_) => false,
            };
            if !fits {
                return Err(malformed(format!("`{name}` is of another type than documented")));
            }
        }
        let id = value.get("event_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let sha3 = *Sha3Digest::of(&value.sorted()).as_bytes();
        let in_order = members.iter().map(|(name, _)| name.as_str()).eq(MEMBERS);
        Ok(Self { id, sha3, spelled: in_order })
    }
}

/// What is no JSON to anybody cannot be the event that was signed; what Python
/// alone reads (`NaN`, half a surrogate pair) can be, and is not judged.
const fn json_reason(kind: &JsonErrorKind) -> ReasonCode {
    match kind {
        JsonErrorKind::Duplicate(_) => ReasonCode::DuplicateMember,
        JsonErrorKind::Depth => ReasonCode::TooDeep,
        JsonErrorKind::TooMany | JsonErrorKind::TooLong(_) => ReasonCode::TooLong,
        JsonErrorKind::NotFinite
        | JsonErrorKind::Number
        | JsonErrorKind::Surrogate
        | JsonErrorKind::Unexpected(b'N' | b'I') => ReasonCode::MalformedJson,
        _ => ReasonCode::EventUnreadable,
    }
}
