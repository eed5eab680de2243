//! A process that stops, a machine that loses power, a disk that fails or is
//! full: at every operation of a scripted history, and at random ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use asqav_core::log::{Durability, Log as _, LogError};
use asqav_log::FileLog;
use asqav_log::vault::VaultKey;
use asqav_receipt::merkle::{Sha3Tree, TreeHash as _};

use support::chain::{LEN, chain, lines};
use support::disk::{Disk, Fault, Rng};
use support::{BY_FIVE, commit, expected, start, text};

/// How the machine fares after the fault.
#[derive(Debug, Clone, Copy, PartialEq)]
enum After {
    Kill,
    PowerLoss,
}

fn log_on(disk: &Disk) -> FileLog {
    FileLog::on(disk.storage())
        .rotation(BY_FIVE)
        .vault_key(VaultKey::from_bytes([7; 32]))
        .head_mirror_on(disk.storage(), "outside/head.json")
}

/// Receipts that were acknowledged, and those handed over.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    acknowledged: u64,
    submitted: u64,
}

/// Opens the log and writes up to receipt `until` in batches of changing size;
/// ends at the first error.
fn write(disk: &Disk, known: &mut Known, until: u64, rng: &mut Rng) -> Result<(), LogError> {
    let mut log = log_on(disk);
    let begin = start(&mut log)?;
    assert_eq!((begin.head, begin.open), expected(begin.head.map_or(0, |head| head.seq)));
    let mut next = begin.head.map_or(0, |head| head.seq) + 1;
    assert!(next > known.acknowledged, "receipt {} was acknowledged and is lost", known.acknowledged);
    assert!(next <= known.submitted + 1, "receipt {} was never handed over", next - 1);
    let result = loop {
        if next > until {
            break log.close(until == LEN);
        }
        let count = (1 + rng.below(3)).min(usize::try_from(until - next).unwrap() + 1);
        known.submitted = known.submitted.max(next - 1 + count as u64);
        if let Err(error) = commit(&mut log, next, count) {
            // After an error nothing more is accepted, nothing is tried again.
            let before = disk.ops();
            assert!(commit(&mut log, next, count).is_err());
            assert_eq!(disk.ops(), before);
            break Err(error);
        }
        next += count as u64;
        known.acknowledged = next - 1;
        let now = support::chain::issued_at(next);
        if let Err(error) = log.maintain(now) {
            break Err(error);
        }
    };
    drop(log.close(false));
    result
}

/// What the disk holds is a beginning of the chain, in full segments of five,
/// and everything but the newest segment is sealed.
fn check_content(disk: &Disk, seq: u64) {
    let mut content = Vec::new();
    let mut number = 1;
    while let Some(segment) = disk.file(&format!("segment-{number:08}.log")) {
        let lines = segment.iter().filter(|byte| **byte == b'\n').count();
        assert!(lines <= 5, "segment {number} holds {lines}");
        content.extend_from_slice(&segment);
        number += 1;
        if disk.file(&format!("segment-{number:08}.log")).is_some() {
            assert!(disk.file(&format!("segment-{:08}.sig.json", number - 1)).is_some());
        }
    }
    assert!(content == text(seq), "the log's content is not the first {seq} receipts");
    assert!(!disk.names().iter().any(|name| name.ends_with(".tmp") && !name.contains("outside")));
}

/// The stored tree is that of the first receipts, whatever happened to it: what
/// a crash took was made again.
fn check_tree(disk: &Disk, seq: u64) {
    let records = |name: &str| disk.file(&format!("tree/{name}")).unwrap_or_default();
    let seq = usize::try_from(seq).unwrap();
    let lines = lines()[..seq].iter().map(|line| &line[..line.len() - 1]);
    assert!(records("hashes-0") == lines.flat_map(Sha3Tree::leaf).collect::<Vec<_>>(), "leaves");
    let ids = chain()[..seq].iter().flat_map(|entry| *entry.payload.action_id.as_bytes());
    assert!(records("ids-0") == ids.collect::<Vec<_>>(), "ids");
    assert_eq!(records("places").len(), seq * 16);
}

/// Writes the rest of the chain and ends cleanly; then a power loss takes
/// nothing away, whatever happened before.
fn finish(disk: &Disk, known: &mut Known, rng: &mut Rng) {
    write(disk, known, LEN, rng).unwrap();
    check_content(disk, LEN);
    check_tree(disk, LEN);
    disk.power_loss(rng);
    check_content(disk, LEN);
    let mut log = log_on(disk);
    let begin = start(&mut log).unwrap();
    assert_eq!((begin.head, begin.unclean), (expected(LEN).0, None));
    log.close(true).unwrap();
    check_tree(disk, LEN);
}

fn recover(disk: &Disk, after: After, rng: &mut Rng) {
    match after {
        After::Kill => disk.kill(),
        After::PowerLoss => disk.power_loss(rng),
    }
}

/// How many operations the history takes without a fault.
fn history_len(until: u64) -> u64 {
    let disk = Disk::default();
    write(&disk, &mut Known::default(), until, &mut Rng::new(1)).unwrap();
    check_content(&disk, until);
    disk.ops()
}

/// The fault at every operation of the history; then the log opens, holds what
/// was acknowledged, takes the rest and ends cleanly.
fn at_every_operation(fault: Fault, after: After) {
    let history = history_len(23);
    for at in 0..history {
        let disk = Disk::default();
        let mut known = Known::default();
        disk.fault_at(at, fault);
        let first = write(&disk, &mut known, 23, &mut Rng::new(1));
        assert!(disk.faulted(), "operation {at} was not reached");
        let context = format!("{fault:?} at {at} ({:?}), then {after:?}: {first:?}", disk.trace().last());
        recover(&disk, after, &mut Rng::new(at));
        let again = std::panic::catch_unwind(|| {
            finish(&disk, &mut known.clone(), &mut Rng::new(at));
        });
        assert!(again.is_ok(), "{context}");
    }
}

#[test]
fn a_process_that_stops_at_any_operation() {
    at_every_operation(Fault::Stop, After::Kill);
}

#[test]
fn a_power_loss_at_any_operation() {
    at_every_operation(Fault::Stop, After::PowerLoss);
}

#[test]
fn a_full_disk_at_any_operation() {
    at_every_operation(Fault::Full, After::Kill);
}

#[test]
fn a_failing_device_at_any_operation_then_a_restart() {
    at_every_operation(Fault::Broken, After::Kill);
}

#[test]
fn a_failing_device_at_any_operation_then_a_power_loss() {
    at_every_operation(Fault::Broken, After::PowerLoss);
}

/// Faults during recovery from faults, again and again, drawn from a seed.
fn schedule(seed: u64) {
    let mut rng = Rng::new(seed);
    let disk = Disk::default();
    let mut known = Known::default();
    for _ in 0..1 + rng.below(5) {
        let fault = [Fault::Stop, Fault::Full, Fault::Broken][rng.below(3)];
        let at = rng.below(60) as u64;
        disk.fault_at(at, fault);
        let until = (known.submitted + rng.below(8) as u64).clamp(1, LEN - 1);
        // An error is the fault's; the checks inside are what is asked here.
        let ended = write(&disk, &mut known, until, &mut rng);
        assert!(ended.is_ok() || disk.faulted(), "{ended:?}");
        let after = if rng.chance(2) { After::Kill } else { After::PowerLoss };
        recover(&disk, after, &mut rng);
    }
    finish(&disk, &mut known, &mut rng);
}

#[test]
fn random_schedules_of_faults() {
    let setting = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    if let Some(seed) = setting("ASQAV_SEED") {
        return schedule(seed);
    }
    for seed in 0..setting("ASQAV_SCHEDULES").unwrap_or(1_000) {
        let run = std::panic::catch_unwind(|| schedule(seed));
        assert!(run.is_ok(), "run again with ASQAV_SEED={seed}");
    }
}

#[test]
fn what_is_only_written_survives_the_process() {
    let disk = Disk::default();
    let mut log = FileLog::on(disk.storage()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    log.commit(&chain()[..13], Durability::Written).unwrap();
    disk.kill();
    let mut log = FileLog::on(disk.storage()).rotation(BY_FIVE);
    assert_eq!(start(&mut log).unwrap().head, expected(13).0);
    disk.power_loss(&mut Rng::new(3));
    let mut log = FileLog::on(disk.storage()).rotation(BY_FIVE);
    assert_eq!(start(&mut log).unwrap().head, expected(13).0, "recovery made it durable");
}
