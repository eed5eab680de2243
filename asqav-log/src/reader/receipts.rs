//! Receipts of a log on their own, those of batches put together.

use std::ops::ControlFlow;

use asqav_receipt::batch::{Assembled, Assembler};
use asqav_receipt::id::ActionId;
use asqav_receipt::json::{Json, Object};
use asqav_receipt::receipt::parse_line;

use super::{Found, LogReader, ReadError};

impl LogReader {
    /// Gives every receipt of the log to `visit`, in order, until it breaks;
    /// those of a batch once its last line was read. Nothing is verified, and
    /// of a batch that is not whole each line is given as it stands.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn visit_receipts(
        &self,
        mut visit: impl FnMut(u64, &Assembled) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let mut assembler = Assembler::default();
        let (mut within, mut end) = (None, ControlFlow::Continue(()));
        self.visit(|segment, piece| {
            let mut ready = Vec::new();
            if within.replace(segment).is_some_and(|before| before != segment) {
                ready = assembler.give_up();
            }
            if piece.complete {
                ready.extend(assembler.push(piece.bytes));
            }
            end = ready.iter().try_for_each(|receipt| visit(segment, receipt));
            end
        })?;
        if let (ControlFlow::Continue(()), Some(segment)) = (end, within) {
            let _done = assembler.give_up().iter().try_for_each(|receipt| visit(segment, receipt));
        }
        Ok(())
    }

    /// The receipt that says it is number `seq`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn find_seq(&self, seq: u64) -> Result<Option<Found>, ReadError> {
        self.find(|payload| payload.get("seq").and_then(Json::as_count) == Some(seq))
    }

    /// The receipt that says it has this id.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn find_action(&self, action_id: ActionId) -> Result<Option<Found>, ReadError> {
        let id = action_id.to_string();
        self.find(|payload| payload.get("action_id").and_then(Json::as_str) == Some(&id))
    }

    fn find(&self, is_wanted: impl Fn(&Object) -> bool) -> Result<Option<Found>, ReadError> {
        let (mut before, mut found) = (None, None);
        self.visit_receipts(|segment, Assembled { line, receipt, .. }| {
            let payload = parse_line(line).ok();
            let payload = payload.as_ref().and_then(|(payload, _)| payload.as_object());
            let line = line.clone();
            if payload.is_some_and(&is_wanted) {
                let (receipt, before) = (receipt.clone(), before.take());
                found = Some(Found { segment, line, receipt, before });
                return ControlFlow::Break(());
            }
            before = Some(line);
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }
}
