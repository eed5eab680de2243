//! What a gate with a log on disk holds in memory does not grow with the calls
//! that it has seen, nor with those that it has refused.
//!
//! Live bytes of the whole process are counted, in an allocator: nothing is
//! measured. `cargo xtask memory` does the same over ten million calls.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a test may end here")]

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use asqav_core::key::SigningKey;
use asqav_core::log::LogError;
use asqav_core::sign::Signing;
use asqav_core::{Gate, Refused, ToolCall};
use asqav_log::storage::{Entry, Guard, Storage, StorageFile};
use asqav_log::vault::VaultKey;
use asqav_log::{FileLog, Rotation};
use asqav_receipt::id::{AgentId, IssuerId};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const CALLERS: u64 = 64;
/// Buffers have their size once so many calls were made.
const WARM_UP: u64 = 2_000;
/// What may change between two looks, bytes: buffers that are fuller, a table
/// that has grown. Over 18,000 calls, one pointer kept for each receipt is more.
const SLACK: usize = 256 * 1024;
/// What may be held while calls are under way, bytes.
const UNDER_WAY: usize = 16 * 1024 * 1024;

/// One test at a time: both look at the one allocator.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn what_is_held_does_not_grow_with_the_calls() {
    let _alone = alone();
    let calls = std::env::var("ASQAV_CALLS").map_or(20_000, |calls| calls.parse().unwrap());
    let gate = gate(65_536);
    make(&gate, WARM_UP);
    let (begun, mut made) = (held(0), WARM_UP);
    while made < calls {
        let next = (made * 10).min(calls);
        ALLOCATOR.reset_peak_usage();
        make(&gate, next - made);
        made = next;
        let peak = ALLOCATOR.peak_usage();
        let held = held(begun + SLACK);
        println!("{made} calls: {held} bytes held, {peak} at most; {begun} after {WARM_UP}");
        assert!(held <= begun + SLACK, "{held} bytes after {made} calls, {begun} after {WARM_UP}");
        assert!(peak <= begun + UNDER_WAY, "{peak} bytes while {made} calls were made");
    }
    assert!(gate.counters().unwrap().durable >= calls * 2);
    gate.shutdown().wait().unwrap();
}

/// They are refused at once, before they run, whatever their number.
#[test]
fn refused_calls_leave_nothing() {
    let _alone = alone();
    let gate = gate(2);
    make(&gate, CALLERS);
    let (one, two) = (gate.admit(call(0)).wait().unwrap(), gate.admit(call(1)).wait().unwrap());
    let ran = AtomicU64::new(0);
    let refused = |_| {
        let result = gate.run_sync(call(2), || {
            ran.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Refused>(())
        });
        assert_eq!(result, Err(Refused::Overloaded { in_flight: 2 }));
    };
    (0..10).for_each(refused);
    let submitted = gate.counters().unwrap().submitted;
    let begun = held(0);
    (0..20_000).for_each(refused);
    let held = held(begun + 4_096);
    assert!(held <= begun + 4_096, "{held} bytes after the refusals, {begun} before");
    assert_eq!((ran.into_inner(), gate.counters().unwrap().submitted), (0, submitted));
    one.abandon().wait().unwrap();
    two.abandon().wait().unwrap();
    gate.shutdown().wait().unwrap();
}

/// The bytes held once they are no more than `enough`, or else the fewest seen
/// in a quarter of a second: the log's threads acknowledge a receipt before
/// they drop the last of it.
fn held(enough: usize) -> usize {
    let mut fewest = ALLOCATOR.current_usage();
    for _ in 0..25 {
        if fewest <= enough {
            break;
        }
        thread::sleep(Duration::from_millis(10));
        fewest = fewest.min(ALLOCATOR.current_usage());
    }
    fewest
}

/// Batches, openings and everything else that a log writes, and short segments.
fn gate(max_in_flight: usize) -> Gate {
    let log = FileLog::on(Box::new(Nowhere::default()))
        .rotation(Rotation { max_count: 3_000, ..Rotation::default() })
        .vault_key(VaultKey::from_bytes([4; 32]));
    Gate::builder(AgentId::parse("agent").unwrap(), IssuerId::parse("issuer").unwrap())
        .signer(Arc::new(SigningKey::from_seed(&[3; 32])))
        .signing(Signing::Batched)
        .max_in_flight(NonZeroUsize::new(max_in_flight).unwrap())
        .without_policy()
        .log(log)
        .open()
        .unwrap()
}

fn call(number: u64) -> ToolCall {
    ToolCall::builder("query_account", "ledger:query").argument("n", &number).build()
}

/// Makes `count` calls and waits until their receipts are durable; those that
/// find no place are made again.
fn make(gate: &Gate, count: u64) {
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < count {
                    while let Err(refused) = gate.run_sync(call(1), || Ok::<_, Refused>("result")) {
                        assert!(matches!(refused, Refused::Overloaded { .. }), "{refused}");
                    }
                }
            });
        }
    });
    gate.flush().wait().unwrap();
}

/// A disk that knows the length of its files and nothing else: what ten
/// million calls write does not fit everywhere.
#[derive(Clone, Default)]
struct Nowhere(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

struct File {
    disk: Nowhere,
    name: String,
    len: Arc<AtomicU64>,
}

impl Nowhere {
    fn open_file(&self, name: &str, len: Arc<AtomicU64>) -> Box<dyn StorageFile> {
        Box::new(File { disk: self.clone(), name: name.to_owned(), len })
    }
}

impl Storage for Nowhere {
    fn lock(&mut self) -> Result<Guard, LogError> {
        Ok(Box::new(()))
    }

    fn list(&mut self, _dir: &str) -> io::Result<Vec<Entry>> {
        Ok(Vec::new())
    }

    fn read(&mut self, name: &str, _offset: u64, _len: usize) -> io::Result<Vec<u8>> {
        Err(io::Error::new(io::ErrorKind::NotFound, name.to_owned()))
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let len = Arc::new(AtomicU64::new(0));
        // Sealed segments and their headers are closed: only what is open is kept.
        let mut files = self.0.lock().unwrap();
        files.retain(|_, len| Arc::strong_count(len) > 1);
        files.insert(name.to_owned(), Arc::clone(&len));
        drop(files);
        Ok(self.open_file(name, len))
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn StorageFile>> {
        let len = self.0.lock().unwrap().get(name).cloned();
        len.map(|len| self.open_file(name, len)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn overwrite(&mut self, _name: &str, _offsets: &[u64], _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn rename(&mut self, _from: &str, _to: &str) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&mut self, _name: &str, _len: u64) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&mut self, _dir: &str) -> io::Result<()> {
        Ok(())
    }
}

impl StorageFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn present_len(&mut self) -> io::Result<Option<u64>> {
        let there = self.disk.0.lock().unwrap().contains_key(&self.name);
        Ok(there.then(|| self.len.load(Ordering::Relaxed)))
    }
}
