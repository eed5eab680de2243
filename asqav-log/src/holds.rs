//! The legal holds of a log, for whoever is about to destroy something of it.
//!
//! A hold that cannot be read still holds: what is destroyed does not come
//! back. So every receipt is read, and each has to carry both links to the one
//! before it; a changed, missing or added line breaks a link behind it. The
//! signature is not looked at here: the newest receipts' are checked when the
//! log is opened for writing, and the links lead to them.

use std::ops::ControlFlow;

use asqav_receipt::deletion::Deletion;
use asqav_receipt::hold::Holds;
use asqav_receipt::payload::{Link, Payload};
use asqav_receipt::receipt::parse_line;

use crate::reader::{LogReader, ReadError};

/// The holds in force; the number of a segment if they cannot be told, because
/// it does not go on from what stands before it. Gives every receipt that was
/// read to `visit`.
pub(crate) fn in_force(
    log: &LogReader,
    visit: &mut dyn FnMut(&Payload),
) -> Result<Result<Holds, u64>, ReadError> {
    let mut chain = Chain::default();
    log.visit(|number, piece| {
        // Without a line feed at the end of what is being written: not yet one.
        if !piece.complete {
            return ControlFlow::Continue(());
        }
        let payload = parse_line(piece.bytes).ok().and_then(|(json, _)| Payload::from_json(&json).ok());
        match payload {
            Some(payload) if chain.goes_on(number, &payload) => visit(&payload),
            _ => {
                chain.broken = Some(number);
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(chain.end())
}

#[derive(Default)]
struct Chain {
    holds: Holds,
    /// The segment of the receipt before.
    segment: u64,
    /// The last segment that is not there.
    missing: u64,
    /// The last segment that a deletion receipt names.
    deleted: u64,
    /// The link that the next receipt has to carry.
    next: Option<Link>,
    broken: Option<u64>,
}

impl Chain {
    /// Takes the next receipt, if it is the next.
    fn goes_on(&mut self, segment: u64, payload: &Payload) -> bool {
        if segment > self.segment + 1 {
            // What a deleted segment leads to is in its header; that it was
            // deleted is looked at in the end.
            self.missing = segment - 1;
        } else if payload.link != self.next.unwrap_or(Link::GENESIS) {
            return false;
        }
        self.segment = segment;
        if let Some(deletion) = Deletion::of(payload) {
            self.deleted = self.deleted.max(deletion.last_segment());
        }
        self.holds.apply(payload);
        self.next = Some(Link::to(&payload.to_canonical()));
        true
    }

    fn end(self) -> Result<Holds, u64> {
        // The receipt that placed a hold is covered by it: it is never deleted
        // while the hold is in force, unless somebody else removed it.
        let removed = (self.missing > self.deleted).then_some(self.missing);
        match self.broken.or(removed) {
            Some(segment) => Err(segment),
            None => Ok(self.holds),
        }
    }
}
