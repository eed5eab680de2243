//! Openings: kept, found, erased, lost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use asqav_core::log::{Log as _, LogError};
use asqav_log::FileLog;
use asqav_log::vault::{Opened, Vault, VaultError, VaultKey};
use asqav_receipt::id::ActionId;

use support::chain::chain;
use support::disk::Disk;
use support::{BY_FIVE, commit, start};

fn key() -> VaultKey {
    VaultKey::from_bytes([9; 32])
}

fn log_with_vault(dir: &Path) -> FileLog {
    FileLog::new(dir).rotation(BY_FIVE).vault_key(key())
}

fn id(seq: usize) -> ActionId {
    chain()[seq - 1].payload.action_id
}

fn openings_files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(dir.join("vault")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn openings_are_found_again() {
    let dir = tempfile::tempdir().unwrap();
    for part in [1, 11] {
        let mut log = log_with_vault(dir.path());
        start(&mut log).unwrap();
        commit(&mut log, part, 10).unwrap();
        log.close(false).unwrap();
    }
    let vault = Vault::new(dir.path(), key());
    let mut kept = 0;
    for entry in &chain()[..20] {
        let expected = entry.openings.clone().map_or(Opened::Missing, Opened::Openings);
        kept += usize::from(expected != Opened::Missing);
        assert_eq!(vault.open(entry.payload.action_id).unwrap(), expected);
    }
    assert!(kept > 5);
    assert_eq!(vault.open(id(30)).unwrap(), Opened::Missing, "not written yet");
    assert_eq!(openings_files(dir.path()).len(), 2, "one file for each writer");
}

#[test]
fn nothing_readable_lies_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_with_vault(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 10).unwrap();
    let openings = chain()[1].openings.as_ref().unwrap();
    for file in openings_files(dir.path()) {
        let content = fs::read(file).unwrap();
        let holds = |needle: &[u8]| content.windows(needle.len()).any(|part| part == needle);
        assert!(holds(chain()[1].payload.action_id.to_string().as_bytes()));
        assert!(!holds(openings.values[0].1.as_bytes()) && !holds(&openings.secret));
        assert!(!holds(openings.values[0].0.as_bytes()) && !holds(&[9; 32]));
    }
}

#[test]
fn erasing_destroys_the_key_of_one_entry_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_with_vault(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 10).unwrap();
    let path = openings_files(dir.path()).remove(0);
    let before = fs::read(&path).unwrap();
    let vault = Vault::new(dir.path(), key());
    assert!(vault.erase(id(3)).unwrap());
    assert_eq!(vault.open(id(3)).unwrap(), Opened::Erased);
    assert!(matches!(vault.open(id(2)).unwrap(), Opened::Openings(_)));
    // What an attacker with the vault key finds: 72 zeros where the key was.
    let after = fs::read(&path).unwrap();
    let changed: Vec<_> = (0..before.len()).filter(|at| before[*at] != after[*at]).collect();
    let (first, last) = (changed[0], *changed.last().unwrap());
    assert_eq!(after[first], b'E');
    assert!(last - first <= 72 && after[first + 1..first + 73].iter().all(|byte| *byte == 0));
    // Writing goes on beside it.
    commit(&mut log, 11, 2).unwrap();
    assert!(vault.erase(id(3)).unwrap(), "again is no error");
    assert!(!vault.erase(id(1)).unwrap(), "a receipt without openings");
}

#[test]
fn another_key_opens_nothing_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_with_vault(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 3).unwrap();
    log.close(false).unwrap();
    let other = || VaultKey::from_bytes([8; 32]);
    assert!(matches!(Vault::new(dir.path(), other()).open(id(2)), Err(VaultError::OtherKey { .. })));
    match start(&mut FileLog::new(dir.path()).vault_key(other())) {
        Err(LogError::Damaged { place, why }) => {
            assert_eq!(place, "vault/openings-00000001.bin");
            assert!(why.contains("another vault key"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_with_vault(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 3).unwrap();
    drop(log);
    let path = openings_files(dir.path()).remove(0);
    let good = fs::read(&path).unwrap();
    let vault = Vault::new(dir.path(), key());
    let expected = Opened::Openings(chain()[1].openings.clone().unwrap());
    assert_eq!(vault.open(id(2)).unwrap(), expected);
    // The entries of receipts 2 and 3; only the second one stands behind.
    let second = good.windows(4).rposition(|part| part == b"AVE1").unwrap();
    for at in 0..second {
        let mut bad = good.clone();
        bad[at] ^= 0x20;
        fs::write(&path, &bad).unwrap();
        assert_ne!(vault.open(id(2)).ok(), Some(expected.clone()), "byte {at}");
    }
}

#[test]
fn an_entry_moved_to_another_receipt_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_with_vault(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 2).unwrap();
    drop(log);
    let path = openings_files(dir.path()).remove(0);
    let mut content = fs::read(&path).unwrap();
    let at = content.windows(4).position(|part| part == b"act_").unwrap();
    content[at..at + 40].copy_from_slice(id(9).to_string().as_bytes());
    fs::write(&path, &content).unwrap();
    assert!(matches!(Vault::new(dir.path(), key()).open(id(9)), Err(VaultError::Damaged { .. })));
}

#[test]
fn a_torn_entry_is_missing_and_the_others_stand() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = log_with_vault(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 3).unwrap();
    drop(log);
    let path = openings_files(dir.path()).remove(0);
    let good = fs::read(&path).unwrap();
    let second = good.windows(4).rposition(|part| part == b"AVE1").unwrap();
    let vault = Vault::new(dir.path(), key());
    for cut in second..good.len() {
        fs::write(&path, &good[..cut]).unwrap();
        assert!(matches!(vault.open(id(2)).unwrap(), Opened::Openings(_)));
        assert_eq!(vault.open(id(3)).unwrap(), Opened::Missing, "cut at {cut}");
    }
}

#[test]
fn without_a_key_openings_are_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = FileLog::new(dir.path());
    start(&mut log).unwrap();
    commit(&mut log, 1, 3).unwrap();
    assert!(openings_files(dir.path()).is_empty());
    assert_eq!(Vault::new(dir.path(), key()).open(id(2)).unwrap(), Opened::Missing);
}

#[test]
fn openings_are_durable_before_their_receipts() {
    let disk = Disk::default();
    let mut log = FileLog::on(disk.storage()).vault_key(key());
    start(&mut log).unwrap();
    disk.fault_at(u64::MAX / 2, support::disk::Fault::Stop);
    commit(&mut log, 1, 3).unwrap();
    let trace = disk.trace();
    let at =
        |what: &str| trace.iter().position(|op| op.contains(what)).unwrap_or_else(|| panic!("{trace:?}"));
    let vault_durable = at("sync vault/openings-00000001.bin").max(at("sync names of `vault`"));
    let lines = trace.iter().position(|op| op.starts_with("append") && op.contains("segment")).unwrap();
    assert!(vault_durable < lines, "{trace:?}");
}
