//! The stored tree: proofs are the same with it, without it and with a wrong
//! one, and it is made again.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod support;

use std::fs;
use std::path::Path;
use std::time::Instant;

use asqav_core::log::{Durability, Log as _};
use asqav_core::sign::Signer as _;
use asqav_log::prove::{ProveError, Wanted, prove, prove_growth};
use asqav_log::tree::StoredTree;
use asqav_log::{FileLog, Rotation};
use asqav_receipt::checkpoint::{Checkpoint, SignedCheckpoint};
use asqav_receipt::digest::Sha3Digest;
use asqav_receipt::merkle::tiles::TiledTree;
use asqav_receipt::merkle::{Frontier, Sha3Tree, TreeHash as _, root};
use asqav_receipt::payload::Link;
use asqav_receipt::proof::InclusionProof;
use asqav_receipt::receipt::Signature;
use asqav_receipt::suite::ML_DSA_65;

use support::chain::{chain, issued_at, key, lines, log_id};
use support::long::long_chain;
use support::{BY_FIVE, start};

fn leaves(lines: &[Vec<u8>]) -> Vec<[u8; 32]> {
    lines.iter().map(|line| Sha3Tree::leaf(&line[..line.len() - 1])).collect()
}

/// A checkpoint of the first receipts; nobody looks at its signature here.
fn checkpoint(lines: &[Vec<u8>]) -> SignedCheckpoint {
    let checkpoint = Checkpoint {
        log_id: log_id(),
        genesis: Sha3Digest::of(b"genesis"),
        size: lines.len() as u64,
        root: Sha3Digest::from_bytes(root::<Sha3Tree>(&leaves(lines))),
        head: Link::to(b"{}"),
        last_header: None,
        open_decisions: 0,
        previous_checkpoint: None,
        issued_at: issued_at(1),
        suite: ML_DSA_65.name,
        key_thumbprint: *key().thumbprint(),
    };
    let signature = Signature { alg: ML_DSA_65.name, kid: key().key_id().clone(), sig: vec![0; 3_309] };
    SignedCheckpoint { checkpoint, signature }
}

/// Proves each of `seqs` by number and by id, and compares with the path that
/// the leaves give.
fn check_proofs(dir: &Path, lines: &[Vec<u8>], seqs: impl IntoIterator<Item = usize>) {
    let checkpoint = checkpoint(lines);
    let leaves = leaves(lines);
    for seq in seqs {
        let line = lines[seq - 1].strip_suffix(b"\n").unwrap().to_vec();
        let expected = InclusionProof::new(line.clone(), &leaves, checkpoint.clone()).unwrap();
        let found = prove(dir, Wanted::Seq(seq as u64), &checkpoint).unwrap();
        assert!(found == expected, "receipt {seq}");
        let id = std::str::from_utf8(&line).unwrap().split('"').nth(5).unwrap();
        let id = asqav_receipt::id::ActionId::parse(id).unwrap();
        assert!(prove(dir, Wanted::Id(id), &checkpoint).unwrap() == expected, "{id}");
    }
}

fn write(dir: &Path, from: usize, to: usize, clean: bool) {
    let mut log = FileLog::new(dir).rotation(BY_FIVE);
    start(&mut log).unwrap();
    log.commit(&chain()[from..to], Durability::Durable).unwrap();
    log.maintain(issued_at(1)).unwrap();
    log.close(clean).unwrap();
}

#[test]
fn receipts_of_sealed_and_of_open_segments_are_proven() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0, 13, false);
    assert_eq!(StoredTree::open(dir.path()).unwrap().size(), 13);
    check_proofs(dir.path(), &lines()[..13], 1..=13);
    write(dir.path(), 13, 72, true);
    assert_eq!(StoredTree::open(dir.path()).unwrap().size(), 72);
    check_proofs(dir.path(), lines(), 1..=72);
    check_proofs(dir.path(), &lines()[..13], 1..=13);
}

#[test]
fn a_log_that_is_ahead_of_its_tree_is_proven() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = FileLog::new(dir.path()).rotation(BY_FIVE);
    start(&mut log).unwrap();
    log.commit(&chain()[..8], Durability::Durable).unwrap();
    // Segment 1 was sealed on the way, the open one waits.
    assert_eq!(StoredTree::open(dir.path()).unwrap().size(), 5);
    check_proofs(dir.path(), &lines()[..8], 1..=8);
}

#[test]
fn no_damage_of_the_tree_makes_a_proof_false_or_the_log_unopenable() {
    for name in ["hashes-0", "ids-0", "places"] {
        let damages: [fn(Vec<u8>) -> Vec<u8>; 5] = [
            |mut bytes| {
                bytes.iter_mut().for_each(|byte| *byte ^= 0x55);
                bytes
            },
            |bytes| vec![0; bytes.len()],
            |bytes| bytes[..bytes.len() / 2 + 1].to_vec(),
            |bytes| [bytes.as_slice(), &[7; 1_000]].concat(),
            |_| Vec::new(),
        ];
        for damage in damages {
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), 0, 53, false);
            let path = dir.path().join("tree").join(name);
            fs::write(&path, damage(fs::read(&path).unwrap())).unwrap();
            check_proofs(dir.path(), &lines()[..53], [1, 20, 50, 53]);
            write(dir.path(), 53, 72, true);
            check_proofs(dir.path(), lines(), [1, 20, 50, 53, 72]);
            assert_eq!(StoredTree::open(dir.path()).unwrap().size(), 72, "{name}");
        }
    }
}

#[test]
fn a_tree_that_is_missing_or_cannot_be_is_done_without() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0, 13, false);
    fs::remove_dir_all(dir.path().join("tree")).unwrap();
    check_proofs(dir.path(), &lines()[..13], [1, 13]);
    write(dir.path(), 13, 14, false);
    assert_eq!(StoredTree::open(dir.path()).unwrap().size(), 14, "made again");
    fs::remove_dir_all(dir.path().join("tree")).unwrap();
    fs::write(dir.path().join("tree"), "in the way").unwrap();
    write(dir.path(), 14, 15, false);
    check_proofs(dir.path(), &lines()[..15], [1, 15]);
}

#[test]
fn what_the_checkpoint_does_not_count_is_not_proven() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0, 20, false);
    let older = checkpoint(&lines()[..12]);
    let refused = prove(dir.path(), Wanted::Seq(13), &older).unwrap_err();
    assert!(matches!(refused, ProveError::NoSuchReceipt { size: 12 }), "{refused}");
    let newer = checkpoint(&lines()[..30]);
    assert!(matches!(prove(dir.path(), Wanted::Seq(13), &newer).unwrap_err(), ProveError::Proof(_)));
}

#[test]
fn growth_is_proven_between_any_two_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), 0, 53, false);
    for (older, newer) in [(1, 53), (5, 32), (13, 14), (32, 53), (53, 53)] {
        let (older, newer) = (checkpoint(&lines()[..older]), checkpoint(&lines()[..newer]));
        let proof = prove_growth(dir.path(), &older, &newer).unwrap();
        proof.check().unwrap();
        if older.checkpoint.size < newer.checkpoint.size {
            assert!(prove_growth(dir.path(), &newer, &older).is_err());
        }
    }
    let mut changed = lines()[..32].to_vec();
    changed[7][9] ^= 1;
    assert!(prove_growth(dir.path(), &checkpoint(&changed), &checkpoint(&lines()[..53])).is_err());
}

/// Three levels of arrays, and what a proof reads of them. A longer log with
/// `ASQAV_RECEIPTS=1000000`; it prints how long a proof takes.
#[test]
fn a_long_log_is_proven_by_reading_little() {
    let count = std::env::var("ASQAV_RECEIPTS").map_or(70_000, |count| count.parse::<u64>().unwrap());
    let asked = [1, 256, 257, 65_536, 65_537, count / 2, count - 300, count];
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation { max_count: 10_000, max_bytes: u64::MAX, max_age_secs: u32::MAX };
    let mut log = FileLog::new(dir.path()).rotation(rotation);
    start(&mut log).unwrap();
    let mut leaves = Frontier::<Sha3Tree>::new();
    for batch in long_chain(count, 512, &asked) {
        for entry in &batch {
            leaves.push(&asqav_receipt::receipt::line(&entry.canonical, &entry.signature));
        }
        log.commit(&batch, Durability::Written).unwrap();
    }
    log.close(true).unwrap();
    let mut checkpoint = checkpoint(&lines()[..1]);
    checkpoint.checkpoint.size = count;
    checkpoint.checkpoint.root = Sha3Digest::from_bytes(leaves.root());
    for seq in asked {
        let mut stored = StoredTree::open(dir.path()).unwrap();
        assert_eq!(stored.size(), count);
        let line = stored.line(seq).unwrap().unwrap();
        let id = std::str::from_utf8(&line).unwrap().split('"').nth(5).unwrap();
        let id = asqav_receipt::id::ActionId::parse(id).unwrap();
        assert_eq!(stored.find(id).unwrap(), Some(seq));
        let path = TiledTree::<Sha3Tree, _>::new(&mut stored, count).inclusion_path(seq - 1).unwrap();
        let read = stored.bytes_read();
        assert!(read < 64 * 1024, "{read} bytes for receipt {seq}");
        let begin = Instant::now();
        let proof = prove(dir.path(), Wanted::Id(id), &checkpoint).unwrap();
        println!("receipt {seq} of {count}: proven in {:?}, {read} bytes read", begin.elapsed());
        assert_eq!(proof.path.iter().map(|node| *node.as_bytes()).collect::<Vec<_>>(), path.unwrap());
    }
}
