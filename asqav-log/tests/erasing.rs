//! Erasure and deletion under faults: a process that stops, a power loss, a
//! device that fails, a full disk, at every operation of a history and at
//! random ones. An erasure receipt in the log means that the keys are gone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use asqav_core::log::{Durability, Log as _, LogEntry, LogError};
use asqav_log::FileLog;
use asqav_log::vault::VaultKey;
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::erasure::{ERASE_EVENT, erase_body, erased_by};
use asqav_receipt::payload::{Context, Form, Link, Payload, Phase, ReceiptType};
use asqav_receipt::seq_set::SeqSet;

use support::BY_FIVE;
use support::chain::{blank, key, sign};
use support::disk::{Disk, Fault, Rng};

/// How many receipts the history has.
const LEN: u64 = 32;

/// Which receipts the erasure receipts name.
const ERASURES: [(u64, &str); 5] = [(9, "2-4,7"), (10, "5"), (17, "2,12-13"), (18, "11"), (28, "26")];

fn set(text: &str) -> SeqSet {
    SeqSet::parse(text).unwrap()
}

static HISTORY: LazyLock<Vec<LogEntry>> = LazyLock::new(|| {
    let mut entries: Vec<LogEntry> = Vec::new();
    for seq in 1..=LEN {
        let link = entries.last().map_or(Link::GENESIS, |last| Link::to(&last.canonical));
        let mut payload = blank(seq, link, *asqav_core::sign::Signer::thumbprint(&*key()));
        fill(&mut payload, seq);
        entries.push(sign(&key(), payload));
    }
    entries
});

fn fill(payload: &mut Payload, seq: u64) {
    let event = |name, body| Context::Event { name, body };
    if let Some((_, receipts)) = ERASURES.iter().find(|(at, _)| *at == seq) {
        payload.context = event(ERASE_EVENT, erase_body(&set(receipts)));
    } else if seq == 1 {
        payload.context = event("gate:start", Default::default());
    } else if seq == LEN {
        payload.context = event("gate:stop", Default::default());
    } else {
        payload.receipt_type = ReceiptType::Observation;
        payload.asqav.phase = Phase::Event;
        let commit = Form::Commit(Sha3Digest::of(&seq.to_be_bytes()));
        let shown = vec![("amount".to_owned(), commit)];
        payload.context = Context::Observed { shown, folded: None, result: None };
    }
}

/// Openings are kept of what is committed.
fn with_openings(entry: &LogEntry) -> LogEntry {
    let mut entry = entry.clone();
    if let Context::Observed { .. } = entry.payload.context {
        entry.openings = Some(asqav_receipt::commitment::Openings {
            action_id: entry.payload.action_id,
            secret: [u8::try_from(entry.payload.seq).unwrap(); 32],
            values: vec![("/arguments/amount".to_owned(), "5".to_owned())],
        });
    }
    entry
}

fn log_on(disk: &Disk) -> FileLog {
    FileLog::on(disk.storage()).rotation(BY_FIVE).vault_key(VaultKey::from_bytes([7; 32]))
}

/// What the vault's files hold of each receipt, read as the format says.
/// `true`: of an entry everything that could open it is gone.
fn entries(disk: &Disk) -> BTreeMap<u64, Vec<bool>> {
    let mut found: BTreeMap<u64, Vec<bool>> = BTreeMap::new();
    for name in disk.names().iter().filter(|name| name.starts_with("vault/")) {
        let file = disk.file(name).unwrap();
        let mut at = 96;
        while file.get(at..at + 4) == Some(b"AVE1") && file.len() >= at + 129 {
            let len = u32::from_be_bytes(file[at + 4..at + 8].try_into().unwrap()) as usize;
            let seq = u64::from_be_bytes(file[at + 8..at + 16].try_into().unwrap());
            let gone = file[at + 57..at + 129].iter().all(|byte| *byte == 0);
            if gone && file[at + 56] != b'E' {
                // A power loss took the rest of the file and left zeros.
                break;
            }
            found.entry(seq).or_default().push(gone);
            at += 129 + len;
        }
    }
    found
}

/// What the first `head` receipts say is erased, and everything that any
/// receipt of the history says.
fn erased(head: u64) -> (SeqSet, SeqSet) {
    let (mut said, mut ever) = (SeqSet::default(), SeqSet::default());
    for entry in HISTORY.iter() {
        let Some(named) = erased_by(&entry.payload) else { continue };
        ever.unite(&named);
        if entry.payload.seq <= head {
            said.unite(&named);
        }
    }
    (said, ever)
}

/// INVARIANT under test: an erasure receipt that is in the log was done, and
/// nothing was erased that none asked for.
fn check_vault(disk: &Disk, head: u64) {
    let (said, ever) = erased(head);
    for (seq, gone) in entries(disk) {
        if said.contains(seq) {
            assert!(gone.iter().all(|gone| *gone), "receipt {seq} is said to be erased at {head}");
        }
        if !ever.contains(seq) {
            assert!(gone.iter().all(|gone| !*gone), "receipt {seq} was erased and nobody asked");
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    acknowledged: u64,
    submitted: u64,
}

fn write(disk: &Disk, known: &mut Known, until: u64, rng: &mut Rng) -> Result<(), LogError> {
    let mut log = log_on(disk);
    let begin = support::start(&mut log)?;
    let mut next = begin.head.map_or(0, |head| head.seq) + 1;
    assert!(next > known.acknowledged, "receipt {} was acknowledged and is lost", known.acknowledged);
    check_vault(disk, next - 1);
    // What is handed to the gate was begun, and is not recorded.
    let begun: Vec<_> = ERASURES.iter().filter(|(at, _)| (next..=known.submitted).contains(at)).collect();
    for (first, last) in begin.erasing.ranges() {
        let asked = |seq: u64| begun.iter().any(|(_, receipts)| set(receipts).contains(seq));
        assert!((*first..=*last).all(asked), "{first}-{last} handed over at {next}");
    }
    let result = loop {
        if next > until {
            break log.close(until == LEN);
        }
        let count = (1 + rng.below(3)).min(usize::try_from(until - next).unwrap() + 1);
        known.submitted = known.submitted.max(next - 1 + count as u64);
        let from = usize::try_from(next - 1).unwrap();
        let batch: Vec<_> = HISTORY[from..from + count].iter().map(with_openings).collect();
        let durability = if rng.chance(3) { Durability::Written } else { Durability::Durable };
        if let Err(error) = log.commit(&batch, durability) {
            break Err(error);
        }
        next += count as u64;
        check_vault(disk, next - 1);
        let recorded = batch.iter().any(|entry| erased_by(&entry.payload).is_some());
        if durability == Durability::Durable || recorded {
            known.acknowledged = next - 1;
        }
    };
    drop(log.close(false));
    result
}

fn finish(disk: &Disk, known: &mut Known, rng: &mut Rng) {
    write(disk, known, LEN, rng).unwrap();
    disk.power_loss(rng);
    check_vault(disk, LEN);
    let begin = support::start(&mut log_on(disk)).unwrap();
    assert_eq!((begin.head.unwrap().seq, begin.unclean), (LEN, None));
    // A failed sync of names may have brought back what was removed.
    assert!(begin.erasing.is_empty());
    assert!(!disk.names().iter().any(|name| name.starts_with("erasing.json")), "{:?}", disk.names());
}

#[test]
fn what_is_named_is_erased_and_nothing_else() {
    let disk = Disk::default();
    finish(&disk, &mut Known::default(), &mut Rng::new(1));
    let gone: Vec<_> = entries(&disk).into_iter().filter(|(_, gone)| gone[0]).map(|(seq, _)| seq).collect();
    assert_eq!(gone.into_iter().collect::<SeqSet>(), erased(LEN).1);
}

fn recover(disk: &Disk, power_loss: bool, rng: &mut Rng) {
    if power_loss { disk.power_loss(rng) } else { disk.kill() }
}

#[test]
fn a_fault_at_every_operation() {
    let disk = Disk::default();
    write(&disk, &mut Known::default(), 20, &mut Rng::new(1)).unwrap();
    let history = disk.ops();
    for fault in [Fault::Stop, Fault::Full, Fault::Broken] {
        for (at, power_loss) in (0..history).flat_map(|at| [(at, false), (at, true)]) {
            let disk = Disk::default();
            let mut known = Known::default();
            disk.fault_at(at, fault);
            let first = write(&disk, &mut known, 20, &mut Rng::new(1));
            let context =
                format!("{fault:?} at {at} ({:?}), power loss {power_loss}: {first:?}", disk.trace().last());
            let again = std::panic::catch_unwind(|| {
                recover(&disk, power_loss, &mut Rng::new(at));
                finish(&disk, &mut known.clone(), &mut Rng::new(at));
            });
            assert!(again.is_ok(), "{context}");
        }
    }
}

fn schedule(seed: u64) {
    let mut rng = Rng::new(seed);
    let disk = Disk::default();
    let mut known = Known::default();
    for _ in 0..1 + rng.below(5) {
        disk.fault_at(rng.below(60) as u64, [Fault::Stop, Fault::Full, Fault::Broken][rng.below(3)]);
        let until = (known.submitted + rng.below(12) as u64).clamp(1, LEN - 1);
        let ended = write(&disk, &mut known, until, &mut rng);
        assert!(ended.is_ok() || disk.faulted(), "{ended:?}");
        let power_loss = rng.chance(2);
        if power_loss {
            // What was only written may be gone.
            known.submitted = LEN;
        }
        recover(&disk, power_loss, &mut rng);
    }
    finish(&disk, &mut known, &mut rng);
}

/// One schedule here for eight of a history without erasure (`crash.rs`).
const SHARE: u64 = 8;

#[test]
fn random_schedules_of_faults() {
    LazyLock::force(&HISTORY);
    support::schedules::run(SHARE, schedule);
}
