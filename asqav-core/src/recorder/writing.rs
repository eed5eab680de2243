//! The thread that writes: takes all that is signed, commits it as one group,
//! then answers its callers in order.

use std::sync::Arc;
use std::time::Instant;

use super::super::completion::Receipted;
use super::chain::Slot;
use super::place::Ticket;
use super::shared::Shared;
use super::work::Step;
use super::{Dying, caught};
use crate::log::{Head, Log, LogEntry};
use crate::refused::Closed;

/// Writes until the recorder ends, then closes the log.
pub(super) fn run(shared: &Arc<Shared>, mut log: Box<dyn Log>) {
    let dying = Dying::new(|| shared.finish(Err(Closed::Panicked)));
    let mut maintained = Instant::now();
    let mut journaled = false;
    let clean = loop {
        let step = shared.next_step(maintained, journaled);
        journaled = matches!(step, Step::Journal(..));
        match step {
            Step::Journal(seq, batch) => match caught("the log", || log.journal(&batch)) {
                Ok(()) => shared.journaled(seq),
                Err(why) => {
                    shared.fail_writing(why);
                }
            },
            Step::Commit(batch) => commit(shared, &mut *log, batch),
            Step::Maintain => {
                maintained = Instant::now();
                let now = shared.clock.now();
                if let Err(why) = caught("the log", || log.maintain(now)) {
                    shared.fail_writing(why);
                }
            }
            Step::End(last) => match last.drafts() {
                Ok(drafts) => shared.end(drafts),
                Err(why) => shared.fail_ending(why),
            },
            Step::Close { clean } => break clean,
        }
    };
    let closing = caught("the log", || log.close(clean));
    drop(log);
    shared.finish(closing.map_err(|why| Closed::Sealing { why }));
    dying.averted();
}

/// Commits one group and answers for it.
fn commit(shared: &Shared, log: &mut dyn Log, batch: Vec<Slot<Ticket>>) {
    let Some(head) = batch.last().map(Slot::head) else { return };
    let (entries, tickets): (Vec<_>, Vec<_>) = batch.into_iter().filter_map(take_apart).unzip();
    match caught("the log", || log.commit(&entries, shared.options.durability)) {
        Ok(()) => release(shared, head, entries, tickets),
        Err(why) => {
            let cause = shared.fail_writing(why);
            for ticket in tickets {
                ticket.answer(Err(cause.clone()));
            }
        }
    }
}

/// A slot as the log takes it, and who waits for it.
fn take_apart(slot: Slot<Ticket>) -> Option<(LogEntry, Ticket)> {
    let Slot { payload, canonical, openings, signature, ticket, .. } = slot;
    let entry = LogEntry { payload, canonical, signature: signature?, openings };
    Some((entry, ticket))
}

/// Answers in order. INVARIANT: called for what is in the log and nothing else.
fn release(shared: &Shared, head: Head, entries: Vec<LogEntry>, mut tickets: Vec<Ticket>) {
    // Places first, so that whoever hears an answer finds them free.
    let places = tickets.iter_mut().filter_map(|ticket| ticket.leave().then_some(())).count();
    let flushed = shared.committed(head, entries.len(), places);
    for (entry, ticket) in entries.into_iter().zip(tickets) {
        let LogEntry { payload, canonical, signature, .. } = entry;
        tracing::debug!(target: "asqav::recorder", seq = payload.seq, action_id = %payload.action_id, "receipt durable");
        ticket.answer(Ok(Receipted::new(payload, canonical, Arc::new(signature))));
    }
    for done in flushed {
        done.resolve(Ok(()));
    }
}
