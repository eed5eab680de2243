//! Proofs of receipts that were signed together: with the stored tree, without
//! it and with a wrong one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

#[path = "support/batched.rs"]
mod batched;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_log::Rotation;
use asqav_log::prove::{Wanted, prove};
use asqav_receipt::canonical::to_vec;
use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::proof::InclusionProof;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{ReceiptInputs, Verdict, verify_receipt};

use batched::{checkpoint, gate, lines, pinned, record, signing_key};

/// What becomes of a file's content.
type Damage<'a> = &'a dyn Fn(Vec<u8>) -> Vec<u8>;

#[test]
fn receipts_of_batches_are_proven_with_the_stored_tree_and_without() {
    let by_ten = Rotation { max_count: 10, ..Rotation::default() };
    for rotation in [Rotation::default(), by_ten] {
        let dir = tempfile::tempdir().unwrap();
        let gate = record(dir.path(), rotation, 20);
        let lines = lines(dir.path());
        let (checkpoint, keys) = (checkpoint(&lines), pinned());
        for seq in 1..=lines.len() as u64 {
            let proof = prove(dir.path(), Wanted::Seq(seq), &checkpoint).unwrap();
            let inputs = ReceiptInputs::new().keys(&keys).at(Timestamp::MAX);
            let report = verify_receipt(&to_vec(&proof.to_json()), &inputs);
            assert_eq!(report.verdict, Verdict::Verified, "{seq}: {:?}", report.problems);
        }
        gate.shutdown().wait().unwrap();
    }
}

/// Bytes that this thread reads from files while it does `work`.
fn bytes_read<T>(work: impl FnOnce() -> T) -> Option<(T, u64)> {
    let read = || {
        let io = fs::read_to_string("/proc/thread-self/io").ok()?;
        io.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse::<u64>().ok()
    };
    let before = read()?;
    let done = work();
    Some((done, read()? - before))
}

fn proofs(dir: &Path, checkpoint: &SignedCheckpoint) -> Vec<(InclusionProof, u64)> {
    let seqs = [2, 3, 258, 512, 515, 983, 984];
    let prove = |seq| prove(dir, Wanted::Seq(seq), checkpoint).unwrap();
    seqs.into_iter().map(|seq| bytes_read(|| prove(seq)).unwrap()).collect()
}

/// Number 1 is `gate:start`, 2 waits for nobody; of those that wait together,
/// 982 fill a batch.
#[test]
#[cfg(target_os = "linux")]
fn a_proof_in_a_batch_reads_little_and_never_what_was_not_signed() {
    const LITTLE: u64 = 64 * 1024;
    let live = tempfile::tempdir().unwrap();
    record(live.path(), Rotation::default(), 1_024).shutdown().wait().unwrap();
    let lines = lines(live.path());
    let ninth = String::from_utf8_lossy(&lines[9]);
    assert!(ninth.contains("\"batch\":{\"first_seq\":3,\"size\":982}"), "{ninth}");
    let checkpoint = checkpoint(&lines);
    let quick = proofs(live.path(), &checkpoint);
    let keys = pinned();
    for (proof, read) in &quick {
        assert!(*read < LITTLE, "{read} bytes for receipt {}", proof.seq);
        let inputs = ReceiptInputs::new().keys(&keys).at(Timestamp::MAX);
        let report = verify_receipt(&to_vec(&proof.to_json()), &inputs);
        assert_eq!(report.verdict, Verdict::Verified, "{}: {:?}", proof.seq, report.problems);
    }

    let tree = live.path().join("tree");
    let key = fs::read_dir(&tree).unwrap().map(|entry| entry.unwrap().path());
    let key = key.filter(|path| path.to_str().unwrap().contains("/key-")).collect::<Vec<_>>();
    let [key] = &key[..] else { panic!("{key:?}") };
    let other_key = SigningKey::from_seed(&[13; 32]).public_key().to_vec();
    let nodes = tree.join("batches");
    let record = 32;
    let damages: [(&PathBuf, Damage<'_>); 7] = [
        (&nodes, &|bytes| vec![0; bytes.len()]),
        (&nodes, &|bytes| bytes[record..].to_vec()),
        (&nodes, &|bytes| bytes[..record].to_vec()),
        (&nodes, &|bytes| {
            bytes.chunks(2 * record).flat_map(|two| [&two[two.len() / 2..], two].concat()).collect()
        }),
        (key, &|_| other_key.clone()),
        (key, &|bytes| bytes[1..].to_vec()),
        (key, &|_| Vec::new()),
    ];
    for (at, (path, damage)) in damages.into_iter().enumerate() {
        let content = fs::read(path).unwrap();
        fs::write(path, damage(content.clone())).unwrap();
        for ((proof, read), (expected, _)) in proofs(live.path(), &checkpoint).iter().zip(&quick) {
            assert!(proof == expected, "receipt {} after damage {at}", proof.seq);
            // Receipt 2 is in no batch.
            assert_eq!(*read > LITTLE, proof.seq != 2, "receipt {} after damage {at}", proof.seq);
        }
        fs::write(path, content).unwrap();
    }
    fs::remove_dir_all(&tree).unwrap();
    for ((proof, _), (expected, _)) in proofs(live.path(), &checkpoint).iter().zip(&quick) {
        assert!(proof == expected, "receipt {} without the tree", proof.seq);
    }
}

/// What the signer handed over, and what the lines give, is the same.
#[test]
fn the_nodes_of_batches_are_made_again() {
    for size in [2, 3, 37, 200] {
        let dir = tempfile::tempdir().unwrap();
        record(dir.path(), Rotation { max_count: 50, ..Rotation::default() }, size)
            .shutdown()
            .wait()
            .unwrap();
        let path = dir.path().join("tree/batches");
        let written = fs::read(&path).unwrap();
        assert_eq!(written.len(), 32 * lines(dir.path()).len());
        let nodes = written.chunks(32).filter(|node| **node != [0xff; 32]).count();
        assert_eq!(nodes, size - 2);
        let damages: [Damage<'_>; 4] = [
            &|_| Vec::new(),
            &|bytes| vec![0; bytes.len()],
            &|bytes| bytes[..bytes.len() / 2].to_vec(),
            &|bytes| bytes[..bytes.len() - 32].iter().chain(&[0; 32]).copied().collect(),
        ];
        for damage in damages {
            fs::remove_file(&path).unwrap();
            let damaged = damage(written.clone());
            if !damaged.is_empty() {
                fs::write(&path, damaged).unwrap();
            }
            gate(dir.path(), Rotation::default(), Arc::new(signing_key())).shutdown().wait().unwrap();
            let again = fs::read(&path).unwrap();
            assert_eq!(again.len(), 32 * lines(dir.path()).len());
            assert!(again.starts_with(&written), "{size}");
        }
    }
}
