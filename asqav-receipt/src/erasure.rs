//! Erasure receipts: whose openings were destroyed.
//!
//! The event `vault:erase` names receipts of its log and nothing else: neither
//! whom they are about nor who asked.

use crate::json::{Json, Object};
use crate::payload::{Context, Payload};
use crate::seq_set::SeqSet;

/// The event's name.
pub const ERASE_EVENT: &str = "vault:erase";

/// The text of a receipt's set has at most this many bytes; more receipts need
/// more erasure receipts.
pub const MAX_ERASED_LEN: usize = 512;

/// The body of `vault:erase`: `{count, receipts}`.
#[must_use]
pub fn erase_body(receipts: &SeqSet) -> Object {
    let mut body = Object::new();
    body.set("count", Json::count(receipts.count()));
    body.set("receipts", receipts.to_string().as_str());
    body
}

/// Whose openings `payload` says were erased; `None` if it is no erasure
/// receipt or not one that holds: it names receipts before it, and their
/// number.
#[must_use]
pub fn erased_by(payload: &Payload) -> Option<SeqSet> {
    match &payload.context {
        Context::Event { name: ERASE_EVENT, body } => erased_of(body, payload.seq),
        _ => None,
    }
}

/// The receipts in the body of the erasure receipt `seq`, if it holds.
pub(crate) fn erased_of(body: &Object, seq: u64) -> Option<SeqSet> {
    let receipts = SeqSet::parse(body.get("receipts")?.as_str()?)?;
    let counted = body.get("count")?.as_count()? == receipts.count();
    (body.len() == 2 && counted && receipts.last()? < seq).then_some(receipts)
}
