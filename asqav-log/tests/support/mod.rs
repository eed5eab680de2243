//! A chain of receipts signed once, a disk that lies, and ways to look at what
//! a log left behind.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "only tests call it"
)]

pub mod chain;
pub mod disk;
pub mod long;
pub mod schedules;

use std::sync::LazyLock;

use asqav_core::log::{Durability, Head, Log as _, LogEntry, LogError, LogStart, Unsigned};
use asqav_log::{FileLog, Rotation};
use asqav_receipt::open::{OpenItem, OpenSet};

use chain::{chain, lines, owner};

/// Five receipts in a segment, nothing else closes one.
pub const BY_FIVE: Rotation = Rotation { max_count: 5, max_bytes: u64::MAX, max_age_secs: u32::MAX };

/// Starts `log` as its owner.
pub fn start(log: &mut FileLog) -> Result<LogStart, LogError> {
    log.start(&owner())
}

/// Commits the receipts `from` (a sequence number) and on, `count` of them.
pub fn commit(log: &mut FileLog, from: u64, count: usize) -> Result<(), LogError> {
    let from = usize::try_from(from).unwrap() - 1;
    log.commit(&chain()[from..from + count], Durability::Durable)
}

/// The receipts `first` to `last`, not signed yet.
pub fn unsigned(first: u64, last: u64) -> Vec<Unsigned> {
    let entries = signed(first, last, 0).into_iter();
    let apart = |LogEntry { payload, canonical, openings, .. }| Unsigned { payload, canonical, openings };
    entries.map(apart).collect()
}

/// The receipts `first` to `last`, those up to `journaled` without their
/// openings: these came before.
pub fn signed(first: u64, last: u64, journaled: u64) -> Vec<LogEntry> {
    let at = |seq: u64| usize::try_from(seq).unwrap();
    let mut entries = chain()[at(first) - 1..at(last)].to_vec();
    let earlier = entries.iter_mut().filter(|entry| entry.payload.seq <= journaled);
    earlier.for_each(|entry| entry.openings = None);
    entries
}

/// What a log whose newest receipt is `seq` must say of itself.
pub fn expected(seq: u64) -> (Option<Head>, Vec<OpenItem>) {
    static AT: LazyLock<Vec<(Option<Head>, Vec<OpenItem>)>> = LazyLock::new(|| {
        let mut open = OpenSet::default();
        let after = chain().iter().map(|entry| {
            open.apply(&entry.payload, &entry.canonical);
            let link = asqav_receipt::payload::Link::to(&entry.canonical);
            (Some(Head::new(entry.payload.seq, link, entry.payload.issued_at)), open.items())
        });
        let after: Vec<_> = after.collect();
        std::iter::once((None, Vec::new())).chain(after).collect()
    });
    AT[usize::try_from(seq).unwrap()].clone()
}

/// The first `seq` lines of the chain, each with its line feed.
pub fn text(seq: u64) -> Vec<u8> {
    lines()[..usize::try_from(seq).unwrap()].concat()
}
