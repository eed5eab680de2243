//! A process that stops, a machine that loses power, a disk that fails or is
//! full: at every operation of a scripted history, and at random ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use asqav_core::log::{Durability, Log as _, LogError};
use asqav_log::sink::{CheckpointSink, SinkError};
use asqav_log::vault::VaultKey;
use asqav_log::{CheckpointSchedule, FileLog};
use asqav_receipt::checkpoint::{Checkpoint, SignedCheckpoint};
use asqav_receipt::merkle::{Frontier, Sha3Tree, TreeHash as _};

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
        .checkpoints(CheckpointSchedule { events: 7, interval_secs: u32::MAX, minimum: 1 })
        .checkpoint_sink(Elsewhere)
}

/// The roots over the first receipts of the chain, by their number.
static ROOTS: LazyLock<Vec<[u8; 32]>> = LazyLock::new(|| {
    let mut tree = Frontier::<Sha3Tree>::new();
    let after = lines().iter().map(|line| {
        tree.push(&line[..line.len() - 1]);
        tree.root()
    });
    std::iter::once(Sha3Tree::empty()).chain(after).collect()
});

fn is_true(checkpoint: &Checkpoint) -> bool {
    ROOTS[usize::try_from(checkpoint.size).unwrap()] == *checkpoint.root.as_bytes()
}

/// How many checkpoints were not what the chain gives.
static FALSE: AtomicU64 = AtomicU64::new(0);

/// Somewhere outside, where checkpoints are looked at.
struct Elsewhere;

impl CheckpointSink for Elsewhere {
    fn name(&self) -> String {
        "elsewhere".to_owned()
    }
    fn deliver(&mut self, signed: &SignedCheckpoint) -> Result<(), SinkError> {
        FALSE.fetch_add(u64::from(!is_true(&signed.checkpoint)), Ordering::Relaxed);
        Ok(())
    }
}

/// The size of the newest checkpoint that was signed, as the log keeps it for
/// its next start; it has to be true.
fn signed_size(disk: &Disk) -> u64 {
    let file = disk.file("tree/checkpoint.json").and_then(|file| SignedCheckpoint::parse(&file).ok());
    file.map_or(0, |signed| {
        assert!(is_true(&signed.checkpoint), "a false checkpoint of {} receipts", signed.checkpoint.size);
        signed.checkpoint.size
    })
}

/// Receipts that were acknowledged, and those handed over.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    acknowledged: u64,
    submitted: u64,
    /// Receipts that a checkpoint counted.
    signed: u64,
}

/// Opens the log and writes up to receipt `until` in batches of changing size;
/// ends at the first error.
fn write(disk: &Disk, known: &mut Known, until: u64, rng: &mut Rng) -> Result<(), LogError> {
    let mut log = log_on(disk);
    let begin = start(&mut log)?;
    assert_eq!((begin.head, begin.open), expected(begin.head.map_or(0, |head| head.seq)));
    let mut next = begin.head.map_or(0, |head| head.seq) + 1;
    assert!(next > known.acknowledged, "receipt {} was acknowledged and is lost", known.acknowledged);
    assert!(next > known.signed, "receipt {} was signed for and is lost", known.signed);
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
    known.signed = known.signed.max(signed_size(disk));
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
}

/// A start removed what was not finished.
fn check_unfinished(disk: &Disk) {
    // What is derived is never synced; what was begun there is begun again.
    let evidence = |name: &str| !name.contains("outside") && !name.starts_with("tree/");
    assert!(!disk.names().iter().any(|name| name.ends_with(".tmp") && evidence(name)));
}

/// The stored tree is that of the first receipts, whatever happened to it: what
/// a crash took was made again.
fn check_tree(disk: &Disk, seq: u64) {
    let records = |name: &str| disk.file(&format!("tree/{name}")).unwrap_or_default();
    static LEAVES: LazyLock<Vec<u8>> =
        LazyLock::new(|| lines().iter().flat_map(|line| Sha3Tree::leaf(&line[..line.len() - 1])).collect());
    let seq = usize::try_from(seq).unwrap();
    assert!(records("hashes-0") == LEAVES[..seq * 32], "leaves");
    let ids = chain()[..seq].iter().flat_map(|entry| *entry.payload.action_id.as_bytes());
    assert!(records("ids-0") == ids.collect::<Vec<_>>(), "ids");
    assert_eq!(records("places").len(), seq * 16);
}

/// Writes the rest of the chain and ends cleanly; then a power loss takes
/// nothing away, whatever happened before.
fn finish(disk: &Disk, known: &mut Known, rng: &mut Rng) {
    write(disk, known, LEN, rng).unwrap();
    check_content(disk, LEN);
    check_unfinished(disk);
    check_tree(disk, LEN);
    disk.power_loss(rng);
    // Where a sync of names failed, an unfinished file that was removed may be
    // back: the next start removes it again.
    check_content(disk, LEN);
    let mut log = log_on(disk);
    let begin = start(&mut log).unwrap();
    assert_eq!((begin.head, begin.unclean), (expected(LEN).0, None));
    log.close(true).unwrap();
    check_unfinished(disk);
    check_tree(disk, LEN);
    assert_eq!(FALSE.load(Ordering::Relaxed), 0, "false checkpoints were handed out");
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
    check_unfinished(&disk);
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

/// Schedules by seed: 20,000 in `cargo xtask test`, a million in `cargo xtask
/// simulate`.
#[test]
fn random_schedules_of_faults() {
    support::chain::short_signatures();
    // Made before the threads begin.
    LazyLock::force(&ROOTS);
    expected(LEN);
    support::schedules::run(1, schedule);
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
