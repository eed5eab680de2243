//! Which commitments of a log can still be opened, and why the others cannot.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

use asqav_receipt::erasure::erased_by;
use asqav_receipt::id::ActionId;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::payload::Payload;
use asqav_receipt::receipt::parse_line;
use asqav_receipt::seq_set::SeqSet;

use super::read::Vault;
use crate::error::ReadOrVault;
use crate::reader::LogReader;

/// How many receipts with commitments are in which state. Judges no receipt:
/// what a log says is for its verification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Census {
    /// Whether the directory has a vault at all.
    pub present: bool,
    /// The vault has a key for the receipt's openings.
    pub openable: u64,
    /// Erased, as an erasure receipt says.
    pub erased: SeqSet,
    /// Erased, and no erasure receipt says so.
    pub erased_unrecorded: SeqSet,
    /// Neither opened nor erased, and no erasure receipt says why.
    pub missing: SeqSet,
    /// An erasure receipt names it, and its key is still there.
    pub not_destroyed: SeqSet,
}

/// Compares a log with its vault. Reads every receipt and the head of every
/// entry; takes about 30 bytes of memory for each entry.
///
/// # Errors
/// [`ReadOrVault`].
pub fn census(log_dir: &Path, log: &LogReader) -> Result<Census, ReadOrVault> {
    let mut states: HashMap<ActionId, bool> = HashMap::new();
    for entry in Vault::entries(log_dir)? {
        // A key that is there anywhere is there.
        states.entry(entry.action_id).and_modify(|erased| *erased &= entry.erased).or_insert(entry.erased);
    }
    let mut census = Census { present: !states.is_empty(), ..Census::default() };
    let mut recorded = SeqSet::default();
    let (mut present, mut erased, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    visit_payloads(log, &mut |payload| {
        if let Some(named) = erased_by(payload) {
            recorded.unite(&named);
        }
        if has_commitments(payload) {
            match states.get(&payload.action_id) {
                Some(false) => present.push(payload.seq),
                Some(true) => erased.push(payload.seq),
                None => missing.push(payload.seq),
            }
        }
    })?;
    for seq in present {
        if recorded.contains(seq) { census.not_destroyed.insert(seq) } else { census.openable += 1 }
    }
    let (with, without): (Vec<_>, Vec<_>) = erased.into_iter().partition(|seq| recorded.contains(*seq));
    (census.erased, census.erased_unrecorded) = (with.into_iter().collect(), without.into_iter().collect());
    // Named by an erasure receipt, an entry that is gone altogether is erased.
    let (gone, missing): (Vec<_>, Vec<_>) = missing.into_iter().partition(|seq| recorded.contains(*seq));
    census.erased.unite(&gone.into_iter().collect());
    census.missing = missing.into_iter().collect();
    Ok(census)
}

/// Gives every payload that asqav wrote to `visit`.
pub(crate) fn visit_payloads(
    log: &LogReader,
    visit: &mut dyn FnMut(&Payload),
) -> Result<(), crate::reader::ReadError> {
    log.visit(|_, piece| {
        let payload = parse_line(piece.bytes).ok().and_then(|(json, _)| Payload::from_json(&json).ok());
        if let Some(payload) = payload.filter(|_| piece.complete) {
            visit(&payload);
        }
        ControlFlow::Continue(())
    })
}

/// Whether something in the receipt needs an opening.
pub(super) fn has_commitments(payload: &Payload) -> bool {
    use asqav_receipt::payload::{Context, Form};
    let is_commit = |form: &Form| matches!(form, Form::Commit(_));
    let any = |shown: &[(String, Form)]| shown.iter().any(|(_, form)| is_commit(form));
    let inputs = payload.asqav.policy.as_ref().is_some_and(|policy| policy.inputs.is_some());
    inputs
        || match &payload.context {
            Context::Arguments { shown, folded } => folded.is_some() || any(shown),
            Context::Observed { shown, folded, result } => {
                folded.is_some() || any(shown) || result.as_ref().is_some_and(is_commit)
            }
            Context::Result(result) => result.as_ref().is_some_and(is_commit),
            Context::Step(form) => is_commit(form),
            Context::Event { body, .. } => body.get("commit").is_some(),
            _ => false,
        }
}

impl Census {
    /// The counts as JSON: `erased`, `erased_unrecorded`, `missing`,
    /// `not_destroyed`, `openable`, `present`; sets as ranges.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        for (name, set) in [
            ("erased", &self.erased),
            ("erased_unrecorded", &self.erased_unrecorded),
            ("missing", &self.missing),
            ("not_destroyed", &self.not_destroyed),
        ] {
            object.set(name, set.to_string().as_str());
        }
        object.set("openable", Json::count(self.openable));
        object.set("present", self.present);
        Json::Object(object)
    }
}
