//! Legal holds, as a log records them.
//!
//! | event | body |
//! |---|---|
//! | `hold:place` | `{id, receipts?}`: nothing of these receipts, or of the whole log, may be erased or deleted |
//! | `hold:release` | `{id}` |
//!
//! What a hold covers is decided by the receipts themselves: [`Holds`] takes
//! them in order.

use std::collections::BTreeMap;

use crate::id::HoldId;
use crate::json::Object;
use crate::payload::{Context, Payload};
use crate::seq_set::SeqSet;

/// A hold begins.
pub const HOLD_EVENT: &str = "hold:place";
/// A hold ends.
pub const RELEASE_EVENT: &str = "hold:release";

/// The text of a hold's receipts has at most this many bytes.
pub const MAX_SET_LEN: usize = 384;

/// A legal hold that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hold {
    /// Its name, e.g. a case's number.
    pub id: HoldId,
    /// The receipt that placed it.
    pub seq: u64,
    /// What it covers; `None`: the whole log, also what comes later.
    pub receipts: Option<SeqSet>,
}

impl Hold {
    /// Whether it forbids erasing or deleting any of `receipts`. The receipt
    /// that placed the hold is covered as well.
    #[must_use]
    pub fn forbids(&self, receipts: &SeqSet) -> bool {
        let covered = self.receipts.as_ref().is_none_or(|covered| covered.meets(receipts));
        !receipts.is_empty() && (covered || receipts.contains(self.seq))
    }
}

/// The holds in force after the receipts taken so far.
#[derive(Debug, Clone, Default)]
pub struct Holds(BTreeMap<String, Hold>);

impl Holds {
    /// Takes the log's next receipt.
    pub fn apply(&mut self, payload: &Payload) {
        let Context::Event { name, body } = &payload.context else { return };
        match *name {
            HOLD_EVENT => {
                if let Some(hold) = hold_of(body, payload.seq) {
                    self.add(hold);
                }
            }
            RELEASE_EVENT => {
                body.get("id").and_then(|id| self.0.remove(id.as_str()?));
            }
            _ => {}
        }
    }

    /// Takes the log's next receipt, number `seq`, which places a hold on
    /// `receipts`; `None`: on the whole log.
    pub fn place(&mut self, id: &HoldId, seq: u64, receipts: Option<&SeqSet>) {
        self.add(Hold { id: id.clone(), seq, receipts: receipts.cloned() });
    }

    /// Takes the log's next receipt, which releases a hold.
    pub fn release(&mut self, id: &HoldId) {
        self.0.remove(id.as_str());
    }

    fn add(&mut self, hold: Hold) {
        // Placed again, a hold keeps covering what it covered.
        let wider = self.0.remove(hold.id.as_str());
        self.0.insert(hold.id.to_string(), united(wider, hold));
    }

    /// The holds in force, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.0.values()
    }

    /// A hold that forbids erasing or deleting any of `receipts`.
    #[must_use]
    pub fn forbidding(&self, receipts: &SeqSet) -> Option<&Hold> {
        self.0.values().find(|hold| hold.forbids(receipts))
    }
}

fn united(before: Option<Hold>, hold: Hold) -> Hold {
    let Some(before) = before else { return hold };
    let receipts = before.receipts.zip(hold.receipts).map(|(mut one, other)| {
        one.unite(&other);
        one
    });
    Hold { id: hold.id, seq: before.seq, receipts }
}

fn hold_of(body: &Object, seq: u64) -> Option<Hold> {
    let id = HoldId::parse(body.get("id")?.as_str()?).ok()?;
    // A hold whose reach cannot be read reaches everything.
    let receipts = body.get("receipts").and_then(|text| SeqSet::parse(text.as_str()?));
    Some(Hold { id, seq, receipts })
}

/// The body of `hold:place`.
#[must_use]
pub fn hold_body(id: &HoldId, receipts: Option<&SeqSet>) -> Object {
    let mut body = release_body(id);
    if let Some(receipts) = receipts {
        body.set("receipts", receipts.to_string().as_str());
    }
    body
}

/// The body of `hold:release`.
#[must_use]
pub fn release_body(id: &HoldId) -> Object {
    let mut body = Object::new();
    body.set("id", id.as_str());
    body
}
