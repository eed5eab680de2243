//! Erasures that were announced and not recorded: which ones the next start
//! finishes and signs for.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

#[path = "support/files.rs"]
mod files;
#[path = "support/forgetting.rs"]
mod forgetting;

use std::fs;
use std::path::Path;

use asqav_core::Gate;
use asqav_core::completion::Receipted;
use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_log::names::ERASING;
use asqav_receipt::batch::Batch;
use asqav_receipt::erasure::{ERASE_EVENT, erase_body, erased_by};
use asqav_receipt::payload::{Context, Payload};
use asqav_receipt::receipt::{ReceiptSignature, Signature, portable};
use asqav_receipt::seq_set::SeqSet;

use files::copied;
use forgetting::{call, counted, gate, payloads, recorded, set, signing_key, try_gate, verified};

/// A log before an erasure of `receipts`, and the receipts of that.
struct About {
    dir: tempfile::TempDir,
    erased: Receipted,
    next: Receipted,
}

fn about_to_erase(receipts: &str) -> About {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path()).shutdown().wait().unwrap();
    let ahead = copied(dir.path());
    let gate = gate(ahead.path());
    (0..10).for_each(|_| call(&gate, "Dan", "found"));
    let (erased, next) = erase(&gate, receipts);
    About { dir, erased, next }
}

fn erase(gate: &Gate, receipts: &str) -> (Receipted, Receipted) {
    let erased = gate.erase(&set(receipts)).unwrap().pop().unwrap().wait().unwrap();
    (erased, gate.resume().wait().unwrap())
}

fn alone(receipt: &Receipted) -> Vec<u8> {
    portable(&receipt.canonical, &receipt.signature)
}

/// The signature of the first of two receipts, as of a batch.
fn in_a_batch(first: &Receipted, second: &Receipted, key: &SigningKey) -> ReceiptSignature {
    let canonical = [&first.canonical, &second.canonical].map(|canonical| &canonical[..]);
    let payload = &first.payload;
    let batch = Batch::new(payload.asqav.log_id, payload.key_thumbprint, payload.seq, canonical).unwrap();
    let sig = key.sign(&batch.root().signing_bytes()).unwrap();
    let root = Signature { alg: key.algorithm(), kid: key.key_id().clone(), sig };
    batch.signatures(root).next().unwrap()
}

/// The first of two receipts, of a batch.
fn batched(first: &Receipted, second: &Receipted, key: &SigningKey) -> Vec<u8> {
    portable(&first.canonical, &in_a_batch(first, second, key))
}

/// Makes `erasing.jsonl` of these lines.
fn announce(dir: &Path, lines: &[&[u8]]) {
    let lines: Vec<_> = lines.iter().flat_map(|line| [*line, b"\n"]).collect();
    fs::write(dir.join(ERASING), lines.concat()).unwrap();
}

/// The process ended after the keys were destroyed, or while they were, and
/// before the receipt: the next start, of whatever gate, records it.
#[test]
fn an_interrupted_erasure_is_finished_by_the_next_start() {
    let About { dir, erased, next } = about_to_erase("2-3,6");
    for receipt in [alone(&erased), batched(&erased, &next, &signing_key())] {
        let dir = copied(dir.path());
        assert_eq!(counted(dir.path()).erased, SeqSet::default());
        announce(dir.path(), &[&receipt]);
        gate(dir.path()).shutdown().wait().unwrap();
        assert_eq!(counted(dir.path()).erased, set("2-3,6"));
        assert!(!dir.path().join(ERASING).exists());
        verified(dir.path());
    }
}

/// Whoever can write the directory, and nothing more, does not get an erasure
/// receipt for what nobody asked for.
#[test]
fn an_erasure_that_the_gate_did_not_sign_is_not_finished() {
    let About { dir, erased, next } = about_to_erase("2-3,6");
    let receipt = alone(&erased);
    let stranger = SigningKey::from_seed(&[12; 32]);
    let asks_for_more = |key: &SigningKey| {
        let mut more = erased.payload.as_ref().clone();
        more.context = Context::Event { name: ERASE_EVENT, body: erase_body(&set("2-4")) };
        more.key_thumbprint = *key.thumbprint();
        more
    };
    let signed = |payload: &Payload, key: &SigningKey| {
        let canonical = payload.to_canonical();
        let sig = key.sign(&canonical).unwrap();
        let signature = Signature { alg: key.algorithm(), kid: key.key_id().clone(), sig };
        portable(&canonical, &signature.into())
    };
    let more = asks_for_more(&signing_key());
    let unsigned = portable(&more.to_canonical(), &erased.signature);
    let in_its_place = in_a_batch(&erased, &next, &signing_key());
    let unsigned_in_a_batch = portable(&more.to_canonical(), &in_its_place);
    let misderived = {
        let mut bytes = receipt.clone();
        let at = bytes.windows(12).position(|part| part == b"\"action_ref\"").unwrap() + 30;
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        bytes
    };
    let part = receipt.get(..receipt.len() - 1).unwrap();
    for (what, lines) in [
        ("nothing signed", vec![&b"{\"receipts\":\"2-4\"}"[..]]),
        ("other receipts", vec![&unsigned]),
        ("by another key", vec![&signed(&more, &stranger)]),
        ("which it names", vec![&signed(&asks_for_more(&stranger), &stranger)]),
        ("of another log", vec![&alone(&about_to_erase("2-3,6").erased)]),
        ("a batch by another key", vec![&batched(&erased, &next, &stranger)]),
        ("another place in a batch", vec![&batched(&next, &erased, &signing_key())]),
        ("other receipts of a batch", vec![&unsigned_in_a_batch]),
        ("a derived member that does not follow", vec![&misderived]),
        ("no erasure", vec![&alone(&next)]),
        ("a part", vec![part]),
        ("an empty line", vec![&receipt, b""]),
        ("behind a good one", vec![&receipt, &unsigned]),
    ] {
        let copy = copied(dir.path());
        announce(copy.path(), &lines);
        let why = try_gate(copy.path(), signing_key()).map(drop).unwrap_err();
        let why = format!("{why}: {:?}", std::error::Error::source(&why));
        assert!(why.contains(ERASING), "{what}: {why}");
        assert_eq!(counted(copy.path()).erased, SeqSet::default(), "{what}");
    }
    let copy = copied(dir.path());
    fs::write(copy.path().join(ERASING), receipt).unwrap();
    assert!(try_gate(copy.path(), signing_key()).is_err(), "no line feed");
}

/// All receipts were lost with a disk's cache, and with them the log's id.
#[test]
fn an_erasure_of_nothing_that_is_left_holds_up_no_log() {
    let empty = tempfile::tempdir().unwrap();
    announce(empty.path(), &[&alone(&about_to_erase("2-3,6").erased)]);
    gate(empty.path()).shutdown().wait().unwrap();
    assert!(!empty.path().join(ERASING).exists());
    assert!(payloads(empty.path()).iter().all(|payload| erased_by(payload).is_none()));
    verified(empty.path());
}

/// An erasure receipt that named itself, or one after it, would make the log
/// invalid for good.
#[test]
fn an_interrupted_erasure_names_nothing_that_was_lost() {
    for (receipts, named) in [("2-3,9-25", &["2-3,9-10"][..]), ("17-25", &[])] {
        let About { dir, erased, .. } = about_to_erase(receipts);
        announce(dir.path(), &[&alone(&erased)]);
        gate(dir.path()).shutdown().wait().unwrap();
        assert!(!dir.path().join(ERASING).exists());
        verified(dir.path());
        let named: Vec<_> = named.iter().map(|named| set(named)).collect();
        let found: Vec<_> = payloads(dir.path()).iter().filter_map(erased_by).collect();
        assert_eq!(found, named);
    }
}
