//! Batches on disk: torn at every byte, in one segment each, and read again as
//! receipts that verify alone.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "helpers of tests"
)]

#[path = "support/batched.rs"]
mod batched;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use asqav_core::Gate;
use asqav_core::sign::Signer as _;
use asqav_log::diff::{Difference, ForkKind, compare};
use asqav_log::reader::{LogReader, verify_dir};
use asqav_log::{FileLog, Rotation};
use asqav_receipt::batch::Batch;
use asqav_receipt::canonical::to_vec;
use asqav_receipt::receipt::{Signature, line, parse_line};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, LogReport, ReceiptInputs, Verdict, verify_receipt};

use batched::{checkpoint, lines, pinned, record, signing_key};

fn verify(dir: &Path, open: bool) -> LogReport {
    let keys = pinned();
    let inputs = LogInputs::new().keys(&keys).at(Timestamp::MAX).allow_open(open);
    verify_dir(dir, inputs, &mut |_| {}).unwrap()
}

#[test]
fn a_batch_has_one_signature_on_disk_and_each_receipt_verifies_alone() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path(), Rotation::default(), 64).shutdown().wait().unwrap();
    let report = verify(dir.path(), false);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    let text = fs::read_to_string(dir.path().join(asqav_log::names::segment_name(1))).unwrap();
    let members = text.lines().filter(|line| line.contains("\"size\":64,\"kid\"")).count();
    let members = members.max(text.lines().filter(|line| line.contains("\"size\":64}")).count());
    assert_eq!(members, 64, "{}", text.lines().nth(4).unwrap());
    let signed =
        text.lines().filter(|line| line.contains("\"size\":64}") && line.contains("\"sig\"")).count();
    assert_eq!(signed, 1);

    let (keys, mut count) = (pinned(), 0);
    let reader = LogReader::open(dir.path()).unwrap();
    reader
        .visit_receipts(|_, receipt| {
            let inputs = ReceiptInputs::new().keys(&keys).at(Timestamp::MAX);
            let report = verify_receipt(&receipt.receipt, &inputs);
            assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
            count += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(count, report.receipts);
}

/// A crash may leave any beginning of a group: a batch is in the log whole or
/// not at all, and the log goes on.
#[test]
fn a_batch_torn_anywhere_is_set_aside() {
    let live = tempfile::tempdir().unwrap();
    let gate = record(live.path(), Rotation::default(), 4);
    let name = asqav_log::names::segment_name(1);
    let content = fs::read(live.path().join(&name)).unwrap();
    gate.shutdown().wait().unwrap();
    let text = std::str::from_utf8(&content).unwrap();
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    let before_batch = text.lines().take_while(|line| !line.contains("\"size\":4}")).count();
    let (begin, end) = (ends[before_batch - 1], ends[before_batch + 3]);
    for len in (begin..=end).step_by(397).chain([end - 1, end]) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(&name), &content[..len]).unwrap();
        let before = verify(dir.path(), true);
        assert_eq!(before.verdict, Verdict::Verified, "{len}: {:?}", before.problems);
        let receipts = if len == end { before_batch + 4 } else { before_batch };
        assert_eq!(before.receipts, receipts as u64, "{len} of {begin}..{end}");

        batched::gate(dir.path(), Rotation::default(), Arc::new(signing_key())).shutdown().wait().unwrap();
        let report = verify(dir.path(), false);
        assert_eq!(report.verdict, Verdict::Verified, "{len}: {:?}", report.problems);
        let reader = LogReader::open(dir.path()).unwrap();
        let torn: u64 = reader.torn().values().sum();
        let wanted = if len == end { 0 } else { len - begin };
        assert_eq!(torn, wanted as u64, "{len} of {begin}..{end}");
    }
}

#[test]
fn a_complete_line_that_fails_in_a_batch_is_damage() {
    let live = tempfile::tempdir().unwrap();
    let gate = record(live.path(), Rotation::default(), 4);
    let name = asqav_log::names::segment_name(1);
    let content = fs::read_to_string(live.path().join(&name)).unwrap();
    gate.shutdown().wait().unwrap();
    let lines: Vec<&str> = content.lines().collect();
    let first = lines.iter().position(|line| line.contains("\"size\":4}")).unwrap();
    let mut changed = Vec::new();
    for at in first..first + 4 {
        let flip = lines[at].replacen("query", "qverz", 1);
        changed.push([&lines[..at], &[flip.as_str()], &lines[at + 1..]].concat().join("\n"));
        changed.push([&lines[..at], &lines[at + 1..]].concat().join("\n"));
    }
    let sig = |line: &str| line[line.find("\"sig\"").unwrap()..].to_owned();
    let swapped = lines[first + 3].replace(&sig(lines[first + 3]), &sig(lines[first - 1]));
    changed.push([&lines[..first + 3], &[swapped.as_str()], &lines[first + 4..]].concat().join("\n"));
    for content in changed {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(&name), content + "\n").unwrap();
        let before = fs::read(dir.path().join(&name)).unwrap();
        let opened = Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
            .signer(Arc::new(signing_key()))
            .without_policy()
            .log(FileLog::new(dir.path()))
            .open();
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("damaged at"), "{error}");
        assert_eq!(fs::read(dir.path().join(&name)).unwrap(), before, "nothing is touched");
        assert!(verify(dir.path(), true).verdict.failure_class().is_some());
    }
}

#[test]
fn a_batch_stands_in_one_segment() {
    let dir = tempfile::tempdir().unwrap();
    let rotation = Rotation { max_count: 5, ..Rotation::default() };
    record(dir.path(), rotation, 64).shutdown().wait().unwrap();
    let report = verify(dir.path(), false);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    assert!(LogReader::open(dir.path()).unwrap().segments().len() > 2);
}

/// Both copies were signed as one batch each; they part in its middle, and one
/// has a batch of another size.
#[test]
fn a_fork_within_a_batch_is_found_and_proven() {
    let live = tempfile::tempdir().unwrap();
    let gate = record(live.path(), Rotation::default(), 6);
    let name = asqav_log::names::segment_name(1);
    let original = lines(live.path());
    gate.shutdown().wait().unwrap();
    let begin =
        original.iter().position(|line| String::from_utf8_lossy(line).contains("\"size\":6")).unwrap();
    let mut payloads: Vec<_> =
        original[begin..begin + 5].iter().map(|line| to_vec(&parse_line(line).unwrap().0)).collect();
    let text = String::from_utf8(payloads[2].clone()).unwrap();
    let nonce = text.find("\"nonce\":\"").unwrap() + 9;
    payloads[2] = [&text[..nonce], "000000000000000000000000", &text[nonce + 24..]].concat().into_bytes();

    let (first_seq, log_id) = (begin as u64 + 1, checkpoint(&original).checkpoint.log_id);
    let canonical = payloads.iter().map(Vec::as_slice);
    let batch = Batch::new(log_id, *signing_key().thumbprint(), first_seq, canonical).unwrap();
    let sig = signing_key().sign(&batch.root().signing_bytes()).unwrap();
    let signature = Signature { alg: ML_DSA_65.name, kid: signing_key().key_id().clone(), sig };
    let mut forged = original[..begin].to_vec();
    forged.extend(
        payloads
            .iter()
            .zip(batch.signatures(signature))
            .map(|(payload, signature)| line(payload, &signature)),
    );

    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for (dir, lines) in dirs.iter().zip([&original, &forged]) {
        let content: Vec<u8> = lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        fs::write(dir.path().join(&name), content).unwrap();
    }
    let Difference::Fork(fork) = compare([dirs[0].path(), dirs[1].path()]).unwrap() else {
        panic!("no fork")
    };
    assert_eq!((fork.seq, fork.kind), (first_seq + 2, ForkKind::Payloads));
    let proof = fork.proof().unwrap();
    assert_eq!(proof.check(), Ok(first_seq + 2));
    let read = asqav_receipt::proof::FraudProof::from_json(proof.to_json().as_object().unwrap()).unwrap();
    assert_eq!(read, proof);
    let keys = pinned();
    for receipt in &fork.receipts {
        let report = verify_receipt(receipt, &ReceiptInputs::new().keys(&keys).at(Timestamp::MAX));
        assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    }
}
