//! Logs and signers that fail on purpose, to see that nothing is lost or
//! claimed when the real ones do.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::KeyId;
use asqav_receipt::time::Timestamp;

use crate::log::{Durability, Log, LogEntry, LogError, LogOwner, LogStart, Unsigned};
use crate::sign::{SignError, Signer};

/// What goes wrong.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is done, an error comes back.
    Refuse,
    /// The first so many receipts of the group are kept, then an error comes
    /// back: a write that the disk cut short.
    Partial(usize),
    /// Everything is done, an error comes back all the same: a sync that failed.
    Unsynced,
    /// A panic.
    Panic,
    /// Waits until the latch is opened, then works.
    Hold(Latch),
}

/// Holds whoever arrives until it is opened; clones are one latch.
#[derive(Clone, Default)]
pub struct Latch(Arc<(Mutex<Held>, Condvar)>);

#[derive(Default)]
struct Held {
    open: bool,
    arrived: usize,
}

impl Latch {
    /// A closed latch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).open = true;
        self.0.1.notify_all();
    }

    /// Blocks until somebody is held or was.
    pub fn wait_for_arrival(&self) {
        let held = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_while(held, |held| held.arrived == 0).unwrap_or_else(PoisonError::into_inner));
    }

    /// Blocks until the latch is opened.
    pub fn hold(&self) {
        let mut held = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.arrived += 1;
        self.0.1.notify_all();
        drop(self.0.1.wait_while(held, |held| !held.open).unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Latch")
    }
}

/// A log that passes everything on to another and fails where it is told.
///
/// ```
/// use asqav_core::testing::{Fault, FaultyLog, MemoryLog};
///
/// let kept = MemoryLog::new();
/// let log = FaultyLog::new(kept.clone()).at_receipt(7, Fault::Refuse);
/// # drop(log);
/// ```
pub struct FaultyLog {
    inner: Box<dyn Log>,
    at_receipt: Vec<(u64, Fault)>,
    at_journaled: Vec<(u64, Fault)>,
    at_maintenance: Option<Fault>,
    at_close: Option<Fault>,
}

impl FaultyLog {
    /// Fails nowhere yet.
    #[must_use]
    pub fn new(inner: impl Log) -> Self {
        Self {
            inner: Box::new(inner),
            at_receipt: Vec::new(),
            at_journaled: Vec::new(),
            at_maintenance: None,
            at_close: None,
        }
    }

    /// Fails at the group with receipt `seq`, whenever it comes.
    #[must_use]
    pub fn at_receipt(mut self, seq: u64, fault: Fault) -> Self {
        self.at_receipt.push((seq, fault));
        self
    }

    /// Fails when receipt `seq` is journaled.
    #[must_use]
    pub fn at_journaled(mut self, seq: u64, fault: Fault) -> Self {
        self.at_journaled.push((seq, fault));
        self
    }

    /// Fails at each maintenance.
    #[must_use]
    pub fn at_maintenance(mut self, fault: Fault) -> Self {
        self.at_maintenance = Some(fault);
        self
    }

    /// Fails when it is closed.
    #[must_use]
    pub fn at_close(mut self, fault: Fault) -> Self {
        self.at_close = Some(fault);
        self
    }
}

impl fmt::Debug for FaultyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyLog").field("at_receipt", &self.at_receipt).finish_non_exhaustive()
    }
}

impl Log for FaultyLog {
    fn start(&mut self, owner: &LogOwner) -> Result<LogStart, LogError> {
        self.inner.start(owner)
    }

    fn commit(&mut self, batch: &[LogEntry], durability: Durability) -> Result<(), LogError> {
        let here = |seq: u64| batch.iter().any(|entry| entry.payload.seq == seq);
        let fault = self.at_receipt.iter().find(|(seq, _)| here(*seq)).map(|(_, fault)| fault.clone());
        let inner = &mut self.inner;
        strike(fault, |kept| {
            let kept = batch.get(..kept.min(batch.len())).unwrap_or(batch);
            inner.commit(kept, durability)
        })
    }

    fn journal(&mut self, batch: &[Unsigned]) -> Result<(), LogError> {
        let here = |seq: u64| batch.iter().any(|unsigned| unsigned.payload.seq == seq);
        let fault = self.at_journaled.iter().find(|(seq, _)| here(*seq)).map(|(_, fault)| fault.clone());
        let inner = &mut self.inner;
        strike(fault, |kept| inner.journal(batch.get(..kept.min(batch.len())).unwrap_or(batch)))
    }

    fn maintain(&mut self, now: Timestamp) -> Result<(), LogError> {
        let inner = &mut self.inner;
        strike(self.at_maintenance.clone(), |_| inner.maintain(now))
    }

    fn close(&mut self, clean: bool) -> Result<(), LogError> {
        let inner = &mut self.inner;
        strike(self.at_close.clone(), |_| inner.close(clean))
    }
}

/// Does `work` on as much as `fault` lets it.
#[expect(clippy::panic, reason = "that is the fault asked for")]
fn strike(fault: Option<Fault>, work: impl FnOnce(usize) -> Result<(), LogError>) -> Result<(), LogError> {
    match fault {
        None => return work(usize::MAX),
        Some(Fault::Hold(latch)) => {
            latch.hold();
            return work(usize::MAX);
        }
        Some(Fault::Panic) => panic!("the log panics on purpose"),
        Some(Fault::Refuse) => {}
        Some(Fault::Partial(kept)) => work(kept)?,
        Some(Fault::Unsynced) => work(usize::MAX)?,
    }
    let source = io::Error::new(io::ErrorKind::StorageFull, "fails on purpose");
    Err(LogError::Io { what: "the log".to_owned(), source })
}

/// A signer that passes everything on to another and fails where it is told.
pub struct FaultySigner {
    inner: Arc<dyn Signer>,
    at: Vec<(usize, Fault)>,
    before_each: Option<Box<Ask>>,
    signed: AtomicUsize,
}

/// Tells what goes wrong with the next signature.
type Ask = dyn Fn() -> Option<Fault> + Send + Sync;

impl FaultySigner {
    /// Fails nowhere yet.
    #[must_use]
    pub fn new(inner: Arc<dyn Signer>) -> Self {
        Self { inner, at: Vec::new(), before_each: None, signed: AtomicUsize::new(0) }
    }

    /// Fails when it is asked for the `nth` time, 1 being the first.
    #[must_use]
    pub fn at_signature(mut self, nth: usize, fault: Fault) -> Self {
        self.at.push((nth, fault));
        self
    }

    /// Asks `fault` before each signature what goes wrong with it: for where
    /// nobody can tell which signature it is, and for a signer that is slow.
    #[must_use]
    pub fn before_each(self, fault: impl Fn() -> Option<Fault> + Send + Sync + 'static) -> Self {
        Self { before_each: Some(Box::new(fault)), ..self }
    }

    /// How many signatures it was asked for.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.signed.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for FaultySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultySigner").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Signer for FaultySigner {
    fn algorithm(&self) -> &'static str {
        self.inner.algorithm()
    }

    fn key_id(&self) -> &KeyId {
        self.inner.key_id()
    }

    fn public_key(&self) -> &[u8] {
        self.inner.public_key()
    }

    fn thumbprint(&self) -> &Sha256Digest {
        self.inner.thumbprint()
    }

    #[expect(clippy::panic, reason = "that is the fault asked for")]
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let nth = self.signed.fetch_add(1, Ordering::Relaxed) + 1;
        let at = self.at.iter().find(|(at, _)| *at == nth).map(|(_, fault)| fault.clone());
        match at.or_else(|| self.before_each.as_ref()?()) {
            None => {}
            Some(Fault::Hold(latch)) => latch.hold(),
            Some(Fault::Panic) => panic!("the signer panics on purpose"),
            Some(Fault::Refuse | Fault::Partial(_) | Fault::Unsynced) => {
                return Err(SignError::Backend("fails on purpose".to_owned()));
            }
        }
        self.inner.sign(message)
    }
}
