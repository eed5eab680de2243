//! The thread that writes: takes all that is signed, commits it as one group,
//! then answers its callers in order. A caller that waits alone commits its
//! receipt in the same way.

use std::sync::Arc;
use std::time::Instant;

use super::super::completion::Receipted;
use super::chain::Slot;
use super::place::Ticket;
use super::shared::Shared;
use super::state::Group;
use super::work::Step;
use super::{Dying, caught};
use crate::log::{Head, Log, LogEntry};
use crate::refused::Closed;

/// Writes until the recorder ends, then closes the log.
pub(super) fn run(shared: &Shared) {
    let dying = Dying::new(|| shared.finish(Err(Closed::Panicked)));
    let mut maintained = Instant::now();
    let mut journaled = false;
    let (mut log, clean) = loop {
        let step = shared.next_step(maintained, journaled);
        journaled = matches!(step, Step::Journal(..));
        match step {
            Step::Journal(mut log, seq, batch) => match caught("the log", || log.journal(&batch)) {
                Ok(()) => shared.journaled(log, seq),
                Err(why) => {
                    shared.fail_writing(log, why);
                }
            },
            Step::Commit(group) => commit(shared, group),
            Step::Maintain(mut log) => {
                maintained = Instant::now();
                let now = shared.clock.now();
                match caught("the log", || log.maintain(now)) {
                    Ok(()) => shared.put_back(log),
                    Err(why) => {
                        shared.fail_writing(log, why);
                    }
                }
            }
            Step::End(last) => match last.drafts() {
                Ok(drafts) => shared.end(drafts),
                Err(why) => shared.fail_ending(why),
            },
            Step::Close { log, clean } => break (log, clean),
        }
    };
    let closing = caught("the log", || log.close(clean));
    drop(log);
    shared.finish(closing.map_err(|why| Closed::Sealing { why }));
    dying.averted();
}

/// Commits one group, puts the log back and answers for the group, on whatever
/// thread.
pub(super) fn commit(shared: &Shared, group: Group) {
    let Group { mut log, slots } = group;
    let Some(head) = slots.last().map(Slot::head) else { return shared.put_back(log) };
    let (entries, tickets): (Vec<_>, Vec<_>) = slots.into_iter().filter_map(take_apart).unzip();
    match caught("the log", || log.commit(&entries, shared.options.durability)) {
        Ok(()) => release(shared, log, head, entries, tickets),
        Err(why) => {
            let cause = shared.fail_writing(log, why);
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
fn release(shared: &Shared, log: Box<dyn Log>, head: Head, entries: Vec<LogEntry>, mut tickets: Vec<Ticket>) {
    // Places first, so that whoever hears an answer finds them free.
    let places = tickets.iter_mut().filter_map(|ticket| ticket.leave().then_some(())).count();
    let flushed = shared.committed(log, head, entries.len(), places);
    for (entry, ticket) in entries.into_iter().zip(tickets) {
        let LogEntry { payload, canonical, signature, .. } = entry;
        tracing::debug!(target: "asqav::recorder", seq = payload.seq, action_id = %payload.action_id, "receipt durable");
        ticket.answer(Ok(Receipted::new(payload, canonical, Arc::new(signature))));
    }
    for done in flushed {
        done.resolve(Ok(()));
    }
}
