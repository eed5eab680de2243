//! Erasure and deletion under faults: a process that stops, a power loss, a
//! device that fails, a full disk, at every operation of a history and at
//! random ones. An erasure receipt in the log means that the keys are gone; a
//! segment is gone only if a deletion receipt in the log says so.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use asqav_core::log::{Durability, Log as _, LogEntry, LogError, LogOwner, Unsigned};
use asqav_core::sign::Signer as _;
use asqav_log::names::{header_name, leaves_name, segment_name};
use asqav_log::vault::VaultKey;
use asqav_log::{FileLog, JournalKey};
use asqav_receipt::deletion::{DELETE_EVENT, Deletion};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::erasure::{ERASE_EVENT, erase_body, erased_by};
use asqav_receipt::header::SignedHeader;
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _};
use asqav_receipt::payload::{Context, Form, Link, Payload, Phase, ReceiptType};
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{FailureClass, LogInputs, LogVerifier, Verdict};

use support::BY_FIVE;
use support::chain::{blank, key, owner, sign};
use support::disk::{Disk, Fault, Rng};

/// How many receipts the history has.
const LEN: u64 = 37;

/// Which receipts the erasure receipts name.
const ERASURES: [(u64, &str); 5] = [(9, "2-4,7"), (10, "5"), (17, "2,12-13"), (18, "11"), (28, "26")];

/// Which deletion receipts there are, and the segments that they name. Each
/// segment has five receipts; the newest sealed one stays. None comes in one
/// batch with the seal of that, of at most three receipts.
const DELETIONS: [(u64, u64, u64); 3] = [(14, 1, 1), (24, 2, 3), (34, 4, 5)];

fn set(text: &str) -> SeqSet {
    SeqSet::parse(text).unwrap()
}

static HISTORY: LazyLock<Vec<LogEntry>> = LazyLock::new(|| {
    let mut entries: Vec<LogEntry> = Vec::new();
    for seq in 1..=LEN {
        let link = entries.last().map_or(Link::GENESIS, |last| Link::to(&last.canonical));
        let mut payload = blank(seq, link, *key().thumbprint());
        fill(&mut payload, seq, &entries);
        entries.push(sign(&key(), payload));
    }
    entries
});

/// What the receipts of segment `number` are.
fn receipts_of(number: u64) -> (u64, u64) {
    (number * 5 - 4, number * 5)
}

/// The deletion of these segments of a log that holds `entries`.
fn deletion(first: u64, last: u64, entries: &[LogEntry]) -> Deletion {
    let disk = Disk::default();
    let mut log = log_on(&disk);
    support::start(&mut log).unwrap();
    entries.chunks(1).for_each(|one| log.commit(one, Durability::Durable).unwrap());
    let header = |number| SignedHeader::parse(&disk.file(&header_name(number)).unwrap()).unwrap().digest();
    Deletion {
        first_segment: first,
        receipts: (receipts_of(first).0, receipts_of(last).1),
        headers: (first..=last).map(header).collect(),
        days: 30,
        before: support::chain::issued_at(receipts_of(last).1),
    }
}

fn fill(payload: &mut Payload, seq: u64, before: &[LogEntry]) {
    let event = |name, body| Context::Event { name, body };
    if let Some((_, receipts)) = ERASURES.iter().find(|(at, _)| *at == seq) {
        payload.context = event(ERASE_EVENT, erase_body(&set(receipts)));
    } else if let Some((_, first, last)) = DELETIONS.iter().find(|(at, ..)| *at == seq) {
        payload.context = event(DELETE_EVENT, deletion(*first, *last, before).to_body());
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
    FileLog::on(disk.storage())
        .rotation(BY_FIVE)
        .vault_key(VaultKey::from_bytes([7; 32]))
        .journal_key(JournalKey::from_bytes([8; 32]))
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
        let deleted = Deletion::of(&entry.payload).map(|deletion| deletion.receipts);
        let deleted = deleted.map(|(first, last)| SeqSet::range(first, last));
        let Some(named) = erased_by(&entry.payload).or(deleted) else { continue };
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

static LINES: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| HISTORY.iter().map(support::chain::line_of).collect());

/// The leaf hashes of these receipts.
fn leaves((first, last): (u64, u64)) -> Vec<u8> {
    static LEAVES: LazyLock<Vec<[u8; 32]>> =
        LazyLock::new(|| LINES.iter().map(|line| Sha3Tree::leaf(&line[..line.len() - 1])).collect());
    LEAVES[usize::try_from(first - 1).unwrap()..usize::try_from(last).unwrap()].concat()
}

/// Each sealed segment of a log that ends with receipt `head`, and the receipt
/// that deletes it, if one does.
fn sealed(head: u64) -> impl Iterator<Item = (u64, Option<u64>)> {
    let deleted_by = |number| DELETIONS.iter().find(|(_, first, last)| (*first..=*last).contains(&number));
    (1..=head.saturating_sub(1) / 5).map(move |number| (number, deleted_by(number).map(|(at, ..)| *at)))
}

/// INVARIANT under test: of a log that is open, a segment is there in full, or
/// a deletion receipt in the log says that it is not and its tombstone is.
fn check_segments(disk: &Disk, head: u64) {
    for (number, deleted_by) in sealed(head) {
        let (first, last) = receipts_of(number);
        let there = disk.file(&segment_name(number));
        assert!(disk.file(&header_name(number)).is_some(), "the header of segment {number} is gone");
        if deleted_by.is_some_and(|at| at <= head) {
            assert!(there.is_none(), "segment {number} is said to be deleted at {head}");
            let kept = disk.file(&leaves_name(number));
            assert!(kept == Some(leaves((first, last))), "segment {number} has no tombstone");
        } else {
            let lines = &LINES[usize::try_from(first - 1).unwrap()..usize::try_from(last).unwrap()];
            assert!(there == Some(lines.concat()), "segment {number} was deleted and nobody asked");
        }
    }
}

/// INVARIANT under test: whatever happened to the machine, a segment that is
/// gone left its tombstone, and the receipt that deletes it is on disk.
fn check_after_a_fault(disk: &Disk) {
    let segments =
        disk.names().into_iter().filter(|name| name.starts_with("segment-") && name.ends_with(".log"));
    let text: Vec<u8> = segments.flat_map(|name| disk.file(&name).unwrap()).collect();
    // Of what is gone the name may be left.
    let is_gone = |number| disk.file(&segment_name(number)).is_none_or(|file| file.is_empty());
    let sealed = |number: &u64| disk.file(&header_name(*number)).is_some();
    for number in (1..=LEN / 5).filter(sealed).filter(|number| is_gone(*number)) {
        assert!(disk.file(&leaves_name(number)) == Some(leaves(receipts_of(number))), "tombstone {number}");
        let (at, ..) = DELETIONS.iter().find(|(_, first, last)| (*first..=*last).contains(&number)).unwrap();
        let receipt = &LINES[usize::try_from(at - 1).unwrap()];
        // Or it was deleted in its turn.
        let said = text.windows(receipt.len()).any(|line| line == receipt);
        assert!(said || is_gone(at.div_ceil(5)), "segment {number} is gone without a receipt");
    }
}

/// What verification says of the log on the disk.
fn verdict(disk: &Disk) -> Verdict {
    let key = key();
    let suite = asqav_receipt::suite::by_name(key.algorithm()).unwrap();
    let entry = KeyEntry::active(suite, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    let keys = KeySet::new(vec![entry.unwrap()]);
    let mut verifier = LogVerifier::new(LogInputs::new().keys(&keys).at(Timestamp::MAX));
    for number in 1..=LEN.div_ceil(5) {
        let header = disk.file(&header_name(number)).unwrap();
        let Some(segment) = disk.file(&segment_name(number)) else {
            verifier.deleted(number, &header, &disk.file(&leaves_name(number)).unwrap());
            continue;
        };
        verifier.segment_start(number);
        segment
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .for_each(|line| verifier.line(line));
        verifier.sealed(&header);
    }
    let report = verifier.finish();
    assert!(report.verdict.failure_class() != Some(FailureClass::Invalid), "{:?}", report.problems);
    assert_eq!(report.deleted, SeqSet::range(1, 25));
    report.verdict
}

/// INVARIANT under test: what was erased is recorded, or it is handed to the
/// gate, which records it.
fn check_begun(disk: &Disk, head: u64, erasing: &SeqSet) {
    let (said, _) = erased(head);
    for (seq, gone) in entries(disk) {
        let is_known = said.contains(seq) || erasing.contains(seq) || seq > head;
        assert!(is_known || gone.iter().any(|gone| !*gone), "receipt {seq} was erased, and nobody says so");
    }
}

/// The receipt as it is journaled; its openings go with it.
fn journaled(entry: &mut LogEntry) -> Unsigned {
    let (payload, canonical) = (Arc::clone(&entry.payload), Arc::clone(&entry.canonical));
    Unsigned { payload, canonical, openings: entry.openings.take() }
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    acknowledged: u64,
    submitted: u64,
}

fn write(disk: &Disk, known: &mut Known, until: u64, rng: &mut Rng) -> Result<(), LogError> {
    let mut log = log_on(disk);
    let begin = log.start(&LogOwner { durability: Durability::Journaled, ..owner() })?;
    let mut next = begin.head.map_or(0, |head| head.seq) + 1;
    assert!(next > known.acknowledged, "receipt {} was acknowledged and is lost", known.acknowledged);
    check_vault(disk, next - 1);
    check_segments(disk, next - 1);
    check_begun(disk, next - 1, &begin.erasing);
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
        let mut batch: Vec<_> = HISTORY[from..from + count].iter().map(with_openings).collect();
        if next > 1 && rng.chance(2) {
            // Some of them wait for their signature on disk.
            let first = batch.iter_mut().take_while(|entry| Unsigned::may_be(&entry.payload));
            let unsigned: Vec<_> = first.map(journaled).collect();
            if let Err(error) = log.journal(&unsigned) {
                break Err(error);
            }
            known.acknowledged = known.acknowledged.max(next - 1 + unsigned.len() as u64);
        }
        let durability = if rng.chance(3) { Durability::Written } else { Durability::Durable };
        if let Err(error) = log.commit(&batch, durability) {
            break Err(error);
        }
        next += count as u64;
        check_vault(disk, next - 1);
        check_segments(disk, next - 1);
        let acts =
            |entry: &LogEntry| erased_by(&entry.payload).is_some() || Deletion::of(&entry.payload).is_some();
        let recorded = batch.iter().any(acts);
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
    check_after_a_fault(disk);
    check_vault(disk, LEN);
    let begin = support::start(&mut log_on(disk)).unwrap();
    assert_eq!((begin.head.unwrap().seq, begin.unclean), (LEN, None));
    // A failed sync of names may have brought back what was removed.
    assert!(begin.erasing.is_empty());
    let under_way = |name: &String| name.starts_with("erasing.jsonl") || name.starts_with("deleting.jsonl");
    assert!(!disk.names().iter().any(under_way), "{:?}", disk.names());
    check_segments(disk, LEN);
    check_tree(disk);
}

/// The stored tree has every leaf, of deleted receipts too.
fn check_tree(disk: &Disk) {
    let stored = disk.file("tree/hashes-0").unwrap_or_default();
    assert!(stored == leaves((1, LEN)), "{} bytes of leaves", stored.len());
}

#[test]
fn what_is_named_is_erased_and_nothing_else() {
    let disk = Disk::default();
    finish(&disk, &mut Known::default(), &mut Rng::new(1));
    assert_eq!(verdict(&disk), Verdict::Verified);
    let gone: Vec<_> = entries(&disk).into_iter().filter(|(_, gone)| gone[0]).map(|(seq, _)| seq).collect();
    let entry = |seq: &u64| with_openings(&HISTORY[usize::try_from(seq - 1).unwrap()]);
    let has_openings = |seq: &u64| entry(seq).openings.is_some();
    let named = (1..=LEN).filter(|seq| erased(LEN).1.contains(*seq)).filter(has_openings);
    assert_eq!(gone, named.collect::<Vec<_>>());
}

fn recover(disk: &Disk, power_loss: bool, rng: &mut Rng) {
    if power_loss {
        disk.power_loss(rng)
    } else {
        disk.kill()
    }
    check_after_a_fault(disk);
}

/// Two deletions and four erasures are before it.
const UNTIL: u64 = 25;

#[test]
fn a_fault_at_every_operation() {
    let disk = Disk::default();
    write(&disk, &mut Known::default(), UNTIL, &mut Rng::new(1)).unwrap();
    let history = disk.ops();
    for fault in [Fault::Stop, Fault::Full, Fault::Broken] {
        for (at, power_loss) in (0..history).flat_map(|at| [(at, false), (at, true)]) {
            let disk = Disk::default();
            let mut known = Known::default();
            disk.fault_at(at, fault);
            let first = write(&disk, &mut known, UNTIL, &mut Rng::new(1));
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

/// Receipts 7 and 8 are journaled when receipt 9, in one group with them, erases
/// what opens 7.
#[test]
fn a_fault_while_what_is_journaled_is_erased() {
    let mut begun = 0;
    for (fault, power_loss) in [Fault::Stop, Fault::Full, Fault::Broken]
        .into_iter()
        .flat_map(|fault| [(fault, false), (fault, true)])
    {
        for at in 0.. {
            let disk = Disk::default();
            let mut log = log_on(&disk);
            log.start(&LogOwner { durability: Durability::Journaled, ..owner() }).unwrap();
            let mut history: Vec<_> = HISTORY[..9].iter().map(with_openings).collect();
            log.commit(&history[..6], Durability::Journaled).unwrap();
            let unsigned: Vec<_> = history[6..8].iter_mut().map(journaled).collect();
            log.journal(&unsigned).unwrap();
            disk.fault_at(at, fault);
            drop(log.commit(&history[6..9], Durability::Journaled));
            drop(log);
            if !disk.faulted() {
                break;
            }
            recover(&disk, power_loss, &mut Rng::new(at));
            let begin = log_on(&disk).start(&owner()).unwrap();
            let head = begin.head.unwrap().seq;
            assert!(head >= 8, "{fault:?} at {at}: receipt {} is lost", head + 1);
            check_vault(&disk, head);
            check_begun(&disk, head, &begin.erasing);
            begun += u32::from(begin.erasing == set("2-4,7"));
        }
    }
    assert!(begun > 0, "no erasure was interrupted");
}

/// The erasure receipt is seen at the next start, but the sync that should have
/// kept it failed: what announced it stays until it is durable.
#[test]
fn a_fault_at_every_operation_of_the_start_after_an_erasure_that_is_not_durable() {
    let unsynced = || {
        let disk = Disk::default();
        let mut log = log_on(&disk);
        log.start(&owner()).unwrap();
        let history: Vec<_> = HISTORY[..9].iter().map(with_openings).collect();
        log.commit(&history[..8], Durability::Durable).unwrap();
        disk.fault_at(u64::MAX, Fault::Stop);
        (disk, log, history)
    };
    let (disk, mut log, history) = unsynced();
    log.commit(&history[8..], Durability::Durable).unwrap();
    let sync = disk.trace().iter().rposition(|op| *op == format!("sync {}", segment_name(2))).unwrap();
    let mut interrupted = 0;
    for fault in [Fault::Stop, Fault::Full, Fault::Broken] {
        for at in 0.. {
            let (disk, mut log, history) = unsynced();
            disk.fault_at(sync as u64, Fault::Broken);
            log.commit(&history[8..], Durability::Durable).unwrap_err();
            drop(log);
            recover(&disk, false, &mut Rng::new(at));
            disk.fault_at(at, fault);
            let mut log = log_on(&disk);
            drop(log.start(&owner()));
            drop(log);
            if !disk.faulted() {
                break;
            }
            recover(&disk, true, &mut Rng::new(at));
            let begin = log_on(&disk).start(&owner()).unwrap();
            let head = begin.head.unwrap().seq;
            check_vault(&disk, head);
            check_begun(&disk, head, &begin.erasing);
            interrupted += u32::from(head == 8);
        }
    }
    assert!(interrupted > 0, "the receipt was durable each time");
}

/// The names are removed, and may be on disk still: the sync that followed
/// failed.
fn half_removed() -> (Disk, Known) {
    let whole = Disk::default();
    whole.fault_at(u64::MAX, Fault::Stop);
    write(&whole, &mut Known::default(), UNTIL, &mut Rng::new(1)).unwrap();
    let removal = format!("remove {}", segment_name(3));
    let removal = whole.trace().iter().position(|op| *op == removal).unwrap();
    let (disk, mut known) = (Disk::default(), Known::default());
    disk.fault_at(removal as u64 + 1, Fault::Broken);
    write(&disk, &mut known, UNTIL, &mut Rng::new(1)).unwrap_err();
    recover(&disk, false, &mut Rng::new(1));
    (disk, known)
}

/// It makes such names once more, to remove them for good.
#[test]
fn a_fault_at_every_operation_of_the_start_after_a_failed_removal() {
    let mut left_names = 0;
    for (fault, power_loss) in [Fault::Stop, Fault::Full, Fault::Broken]
        .into_iter()
        .flat_map(|fault| [(fault, false), (fault, true)])
    {
        for at in 0.. {
            let (disk, mut known) = half_removed();
            disk.fault_at(at, fault);
            drop(write(&disk, &mut known, UNTIL, &mut Rng::new(1)));
            if !disk.faulted() {
                break;
            }
            recover(&disk, power_loss, &mut Rng::new(at));
            left_names +=
                u32::from((2..=3).any(|number| disk.file(&segment_name(number)) == Some(Vec::new())));
            finish(&disk, &mut known, &mut Rng::new(at));
        }
    }
    assert!(left_names > 0);
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
    // With short signatures it is not verified, and nothing is false.
    verdict(&disk);
}

/// One schedule here for eight of a history without erasure (`crash.rs`).
const SHARE: u64 = 8;

#[test]
fn random_schedules_of_faults() {
    support::chain::short_signatures();
    LazyLock::force(&LINES);
    support::schedules::run(SHARE, schedule);
}
