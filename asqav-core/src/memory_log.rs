//! A log that keeps receipts in memory, for tests and for trying things out.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asqav_receipt::erasure::erased_by;
use asqav_receipt::id::{AgentId, IssuerId, LogId};
use asqav_receipt::open::OpenSet;
use asqav_receipt::payload::{Link, Payload};
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::time::Timestamp;

use crate::log::{Durability, Head, Log, LogEntry, LogError, LogOwner, LogStart, Unclean, Unsigned};

/// A log in memory; clones are one log, so that a test can look into the log
/// that it gave to a gate, or open it a second time.
#[derive(Clone, Default)]
pub struct MemoryLog(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    identity: Option<(LogId, AgentId, IssuerId)>,
    receipts: Vec<LogEntry>,
    /// What is journaled and not committed.
    unsigned: VecDeque<Unsigned>,
    open: OpenSet,
    groups: usize,
    writer: bool,
    sealed: bool,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The receipts so far, in order.
    #[must_use]
    pub fn receipts(&self) -> Vec<LogEntry> {
        self.kept().receipts.clone()
    }

    /// The receipts that are journaled and not committed, in order.
    #[must_use]
    pub fn unsigned(&self) -> Vec<Unsigned> {
        self.kept().unsigned.iter().cloned().collect()
    }

    /// How many groups were committed.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.kept().groups
    }

    /// Whether a writer has the log open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.kept().writer
    }

    /// Whether the last writer ended cleanly.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.kept().sealed
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryLog({} receipts)", self.kept().receipts.len())
    }
}

impl Log for MemoryLog {
    fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
        self.kept().start(owner)
    }

    fn commit(&mut self, batch: &[LogEntry], _: Durability) -> Result<(), LogError> {
        let mut kept = self.kept();
        for entry in batch {
            kept.append(entry)?;
        }
        kept.groups += 1;
        Ok(())
    }

    fn journal(&mut self, batch: &[Unsigned]) -> Result<(), LogError> {
        let mut kept = self.kept();
        for unsigned in batch {
            let newest = kept.unsigned.back().map(|newest| &newest.payload);
            let newest = newest.or_else(|| kept.receipts.last().map(|newest| &newest.payload));
            let seq = newest.map_or(0, |payload| payload.seq);
            if !kept.writer
                || seq == 0
                || unsigned.payload.seq != seq + 1
                || !Unsigned::may_be(&unsigned.payload)
            {
                return Err(gap(&unsigned.payload, seq));
            }
            kept.unsigned.push_back(unsigned.clone());
        }
        Ok(())
    }

    fn maintain(&mut self, _: Timestamp) -> Result<(), LogError> {
        Ok(())
    }

    fn close(&mut self, clean: bool) -> Result<(), LogError> {
        let mut kept = self.kept();
        kept.writer = false;
        kept.sealed = clean;
        Ok(())
    }
}

impl Kept {
    fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
        if self.writer {
            return Err(LogError::Locked { holder: "another gate of this process".to_owned() });
        }
        let new = || (owner.new_log_id, owner.agent.clone(), owner.issuer.clone());
        let (log_id, agent, issuer) = self.identity.get_or_insert_with(new);
        if *agent != owner.agent {
            let (found, wanted) = (agent.to_string(), owner.agent.to_string());
            return Err(LogError::OtherAgent { found, wanted });
        }
        if *issuer != owner.issuer {
            let (found, wanted) = (issuer.to_string(), owner.issuer.to_string());
            return Err(LogError::OtherIssuer { found, wanted });
        }
        let log_id = *log_id;
        let unclean = (!self.sealed && !self.receipts.is_empty()).then(|| Unclean::new(0, None));
        let unsigned = self.unsigned.front().map(|first| first.payload.seq - 1);
        let unclean = unsigned.map(|after| Unclean::new(0, None).unsigned_after(after)).or(unclean);
        let signed =
            Unsigned::sign_all(&*owner.signer, owner.signing, self.unsigned.iter().cloned().collect())?;
        self.writer = true;
        self.sealed = false;
        signed.iter().try_for_each(|entry| self.append(entry))?;
        Ok(LogStart {
            log_id,
            head: self.head(),
            open: self.open.items(),
            unclean,
            erasing: SeqSet::default(),
        })
    }

    fn head(&self) -> Option<Head> {
        let newest = self.receipts.last()?;
        Some(Head::new(newest.payload.seq, Link::to(&newest.canonical), newest.payload.issued_at))
    }

    fn append(&mut self, entry: &LogEntry) -> Result<(), LogError> {
        let head = self.head();
        let (seq, link) = head.map_or((0, Link::GENESIS), |head| (head.seq, head.link));
        if !self.writer || entry.payload.seq != seq + 1 || entry.payload.link != link {
            return Err(gap(&entry.payload, seq));
        }
        if let Some(erased) = erased_by(&entry.payload) {
            let named = self.receipts.iter_mut().filter(|kept| erased.contains(kept.payload.seq));
            named.for_each(|kept| kept.openings = None);
        }
        self.open.apply(&entry.payload, &entry.canonical);
        let mut entry = entry.clone();
        let journaled = self.unsigned.pop_front_if(|first| first.payload.seq == entry.payload.seq);
        // Openings come with what is journaled.
        entry.openings = entry.openings.or_else(|| journaled?.openings);
        self.receipts.push(entry);
        Ok(())
    }
}

fn gap(payload: &Payload, seq: u64) -> LogError {
    let place = format!("receipt {}", payload.seq);
    LogError::Damaged { place, why: format!("it does not continue receipt {seq}") }
}
