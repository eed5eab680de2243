//! A log that keeps receipts in memory, for tests and for trying things out.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asqav_receipt::erasure::erased_by;
use asqav_receipt::id::{AgentId, IssuerId, LogId};
use asqav_receipt::open::OpenSet;
use asqav_receipt::payload::Link;
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::time::Timestamp;

use crate::log::{Durability, Head, Log, LogEntry, LogError, LogOwner, LogStart, Unclean};

/// A log in memory; clones are one log, so that a test can look into the log
/// that it gave to a gate, or open it a second time.
#[derive(Clone, Default)]
pub struct MemoryLog(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    identity: Option<(LogId, AgentId, IssuerId)>,
    receipts: Vec<LogEntry>,
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
        self.writer = true;
        self.sealed = false;
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
            let place = format!("receipt {}", entry.payload.seq);
            return Err(LogError::Damaged { place, why: format!("it does not continue receipt {seq}") });
        }
        if let Some(erased) = erased_by(&entry.payload) {
            let named = self.receipts.iter_mut().filter(|kept| erased.contains(kept.payload.seq));
            named.for_each(|kept| kept.openings = None);
        }
        self.open.apply(&entry.payload, &entry.canonical);
        self.receipts.push(entry.clone());
        Ok(())
    }
}
