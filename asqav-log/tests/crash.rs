//! A process that stops, a machine that loses power, a disk that fails or is
//! full: at every operation of a scripted history, and at random ones.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use asqav_core::log::{Durability, Log as _, LogError, LogOwner};
use asqav_log::sink::{CheckpointSink, SinkError};
use asqav_log::vault::VaultKey;
use asqav_log::{CheckpointSchedule, FileLog, JournalKey};
use asqav_receipt::checkpoint::{Checkpoint, SignedCheckpoint};
use asqav_receipt::merkle::{Frontier, Sha3Tree, TreeHash as _};

use support::chain::{LEN, chain, lines, owner};
use support::disk::{Disk, Fault, Rng};
use support::{BY_FIVE, commit, expected, signed, start, text, unsigned};

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
        .journal_key(JournalKey::from_bytes([8; 32]))
        .journal_remade_after(4_000)
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

/// When receipts are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Committed,
    /// Some of them before they are signed.
    Journaled,
}

/// Receipts that were acknowledged, and those handed over.
#[derive(Debug, Clone, Copy)]
struct Known {
    mode: Mode,
    acknowledged: u64,
    committed: u64,
    submitted: u64,
    /// Receipts that a checkpoint counted.
    signed: u64,
}

impl Known {
    const fn nothing(mode: Mode) -> Self {
        Self { mode, acknowledged: 0, committed: 0, submitted: 0, signed: 0 }
    }
}

/// Opens the log and writes up to receipt `until`; ends at the first error.
fn write(disk: &Disk, known: &mut Known, until: u64, rng: &mut Rng) -> Result<(), LogError> {
    let mut log = log_on(disk);
    let durability = match known.mode {
        Mode::Committed => Durability::Durable,
        Mode::Journaled => Durability::Journaled,
    };
    let begin = log.start(&LogOwner { durability, ..owner() })?;
    assert_eq!((begin.head, begin.open), expected(begin.head.map_or(0, |head| head.seq)));
    let head = begin.head.map_or(0, |head| head.seq);
    assert!(head >= known.acknowledged, "receipt {} was acknowledged and is lost", known.acknowledged);
    assert!(head >= known.signed, "receipt {} was signed for and is lost", known.signed);
    assert!(head <= known.submitted, "receipt {head} was never handed over");
    if let Some(after) = begin.unclean.and_then(|unclean| unclean.unsigned_after) {
        assert!((known.committed..head).contains(&after), "receipt {after} is the last that was signed");
    }
    let result = match known.mode {
        Mode::Committed => write_committed(&mut log, disk, known, head, until, rng),
        Mode::Journaled => write_journaled(&mut log, disk, known, head, until, rng),
    };
    let result = result.and_then(|()| log.close(until == LEN));
    drop(log.close(false));
    known.signed = known.signed.max(signed_size(disk));
    result
}

/// Writes in batches of changing size.
fn write_committed(
    log: &mut FileLog,
    disk: &Disk,
    known: &mut Known,
    head: u64,
    until: u64,
    rng: &mut Rng,
) -> Result<(), LogError> {
    let mut next = head + 1;
    while next <= until {
        let count = (1 + rng.below(3)).min(usize::try_from(until - next).unwrap() + 1);
        known.submitted = known.submitted.max(next - 1 + count as u64);
        commit(log, next, count).inspect_err(|_| assert_ended(log, disk))?;
        next += count as u64;
        (known.acknowledged, known.committed) = (next - 1, next - 1);
        log.maintain(support::chain::issued_at(next))?;
    }
    Ok(())
}

/// Journals what is new and commits what was journaled, and now and then what
/// was not, in turns of changing size, the log's first receipt first. But for the end of the chain, some of it
/// is never committed.
fn write_journaled(
    log: &mut FileLog,
    disk: &Disk,
    known: &mut Known,
    head: u64,
    until: u64,
    rng: &mut Rng,
) -> Result<(), LogError> {
    let (mut journaled, mut committed) = (head, head);
    while committed < until && (journaled < until || until == LEN || !rng.chance(3)) {
        if journaled < until && committed > 0 && !rng.chance(3) {
            let last = (journaled + 1 + rng.below(3) as u64).min(until);
            known.submitted = known.submitted.max(last);
            let batch = unsigned(journaled + 1, last);
            log.journal(&batch).inspect_err(|_| assert_ended(log, disk))?;
            journaled = last;
        } else {
            let most = usize::try_from(journaled - committed).unwrap() + 1;
            let last = (committed + 1 + rng.below(most) as u64).min(until);
            known.submitted = known.submitted.max(last);
            let batch = signed(committed + 1, last, journaled);
            log.commit(&batch, Durability::Journaled).inspect_err(|_| assert_ended(log, disk))?;
            (journaled, committed) = (journaled.max(last), last);
            known.committed = known.committed.max(committed);
        }
        known.acknowledged = known.acknowledged.max(journaled);
        log.maintain(support::chain::issued_at(committed + 1))?;
    }
    Ok(())
}

/// After an error nothing more is accepted, nothing is tried again.
fn assert_ended(log: &mut FileLog, disk: &Disk) {
    let before = disk.ops();
    assert!(commit(log, 1, 1).is_err() && log.journal(&unsigned(1, 1)).is_err());
    assert_eq!(disk.ops(), before);
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

/// Whatever crashed, the vault holds what opens each receipt, as a whole.
fn check_openings(disk: &Disk) {
    let mut vault = Vec::new();
    for name in disk.names().iter().filter(|name| name.starts_with("vault/")) {
        vault.push(disk.file(name).unwrap());
    }
    for entry in chain().iter().filter(|entry| entry.openings.is_some()) {
        let seq = entry.payload.seq.to_be_bytes();
        let named = [seq.as_slice(), entry.payload.action_id.to_string().as_bytes()].concat();
        let is_whole = |file: &Vec<u8>| {
            let mut places = file.windows(named.len()).enumerate().filter(|(_, bytes)| **bytes == named);
            places.any(|(at, _)| {
                let len = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
                file.len() >= at - 8 + 129 + len
            })
        };
        assert!(vault.iter().any(is_whole), "what opens receipt {} is lost", entry.payload.seq);
    }
}

/// Writes the rest of the chain and ends cleanly; then a power loss takes
/// nothing away, whatever happened before.
fn finish(disk: &Disk, known: &mut Known, rng: &mut Rng) {
    write(disk, known, LEN, rng).unwrap();
    check_content(disk, LEN);
    check_unfinished(disk);
    check_tree(disk, LEN);
    disk.power_loss(rng);
    check_openings(disk);
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
fn history_len(mode: Mode, until: u64) -> u64 {
    let disk = Disk::default();
    write(&disk, &mut Known::nothing(mode), until, &mut Rng::new(1)).unwrap();
    if mode == Mode::Committed {
        check_content(&disk, until);
    }
    check_unfinished(&disk);
    disk.ops()
}

/// The fault at every operation of either history; then the log opens, holds what
/// was acknowledged, takes the rest and ends cleanly.
fn at_every_operation(fault: Fault, after: After) {
    for mode in [Mode::Committed, Mode::Journaled] {
        at_every_operation_of(mode, fault, after);
    }
}

fn at_every_operation_of(mode: Mode, fault: Fault, after: After) {
    // Signed anew at a start, receipts are as they were: one by one, always the
    // same signature.
    support::chain::short_signatures();
    let history = history_len(mode, 23);
    for at in 0..history {
        let disk = Disk::default();
        let mut known = Known::nothing(mode);
        disk.fault_at(at, fault);
        let first = write(&disk, &mut known, 23, &mut Rng::new(1));
        assert!(disk.faulted(), "operation {at} was not reached");
        let context =
            format!("{mode:?}, {fault:?} at {at} ({:?}), then {after:?}: {first:?}", disk.trace().last());
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
fn schedule(mode: Mode, seed: u64) {
    let mut rng = Rng::new(seed);
    let disk = Disk::default();
    let mut known = Known::nothing(mode);
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
    support::schedules::run(1, |seed| schedule(Mode::Committed, seed));
}

/// Half as many, each with receipts that are signed at the next start.
#[test]
fn random_schedules_of_faults_with_a_journal() {
    support::chain::short_signatures();
    LazyLock::force(&ROOTS);
    expected(LEN);
    support::schedules::run(2, |seed| schedule(Mode::Journaled, seed));
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
