//! A gate on a real log: stopped cleanly, killed, torn, and read by an
//! auditor who pins the key.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use asqav_core::key::SigningKey;
use asqav_core::log::Durability;
use asqav_core::sign::{Signer as _, Signing};
use asqav_core::testing::{Fault, FaultySigner, Latch};
use asqav_core::{Gate, ToolCall};
use asqav_log::reader::{LogReader, verify_dir};
use asqav_log::vault::{Opened, Vault, VaultKey};
use asqav_log::{FileLog, JournalKey};
use asqav_receipt::commitment::commit;
use asqav_receipt::json::Json;
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::receipt::parse_line;
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{FailureClass, LogInputs, LogReport, ReasonCode, Verdict};

use support::BY_FIVE;

const VAULT_KEY: [u8; 32] = [3; 32];

fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[11; 32])
}

fn gate(dir: &Path) -> Gate {
    gate_on(FileLog::new(dir).rotation(BY_FIVE).vault_key(VaultKey::from_bytes(VAULT_KEY)))
}

fn gate_on(log: FileLog) -> Gate {
    Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(Arc::new(signing_key()))
        .without_policy()
        .log(log)
        .open()
        .unwrap()
}

fn call(gate: &Gate, account: &str) {
    let call = ToolCall::builder("query", "ledger:query").argument("account", account).build();
    let result: Result<u64, Box<dyn std::error::Error + Send + Sync>> = gate.run_sync(call, || Ok(7));
    assert_eq!(result.unwrap(), 7);
}

fn verify(dir: &Path) -> LogReport {
    let key = signing_key();
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    let keys = KeySet::new(vec![entry.unwrap()]);
    let inputs = LogInputs::new().keys(&keys).at(Timestamp::MAX);
    verify_dir(dir, inputs, &mut |_| {}).unwrap()
}

/// Copies a log without its folder of derived data.
fn copy(live: &Path, copy: &Path) {
    fs::create_dir_all(copy.join("vault")).unwrap();
    for folder in ["", "vault"] {
        for entry in fs::read_dir(live.join(folder)).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), copy.join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
}

/// A log as a kill leaves it: what is on disk while a call runs.
fn killed_while_calling(dir: &Path) -> PathBuf {
    let live = dir.join("live");
    let gate = gate(&live);
    for account in ["DE-1", "DE-2", "DE-3", "DE-4"] {
        call(&gate, account);
    }
    let open = ToolCall::builder("post", "ledger:post").argument("amount", &5).build();
    let permit = gate.admit(open).wait().unwrap();
    let killed = dir.join("copy");
    copy(&live, &killed);
    permit.abandon().wait().unwrap();
    gate.shutdown().wait().unwrap();
    assert_eq!(verify(&live).verdict, Verdict::Verified, "{:?}", verify(&live).problems);
    killed
}

fn newest_segment(dir: &Path) -> PathBuf {
    let reader = LogReader::open(dir).unwrap();
    let number = reader.segments().keys().next_back().unwrap();
    dir.join(asqav_log::names::segment_name(*number))
}

#[test]
fn a_log_of_another_issuer_is_not_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let open = |issuer: &str| {
        Gate::builder("agent:test".parse().unwrap(), issuer.parse().unwrap())
            .signer(Arc::new(signing_key()))
            .without_policy()
            .log(FileLog::new(dir.path()))
            .open()
    };
    let gate = open("issuer:test").unwrap();
    call(&gate, "DE-1");
    gate.shutdown().wait().unwrap();

    // Receipts of two issuers in one log would make all of it invalid for good.
    let refused = open("issuer:renamed").unwrap_err();
    assert_eq!(refused.to_string(), "this is the log of issuer `issuer:test`, not of `issuer:renamed`");
    let gate = open("issuer:test").unwrap();
    call(&gate, "DE-2");
    gate.shutdown().wait().unwrap();
    assert_eq!(verify(dir.path()).verdict, Verdict::Verified, "{:?}", verify(dir.path()).problems);
}

#[test]
fn a_killed_log_goes_on_and_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let log = killed_while_calling(dir.path());
    let open = verify(&log);
    assert_eq!(open.reason_code, Some(ReasonCode::LogOpen), "{:?}", open.problems);
    assert_eq!(open.open_decisions, 1);

    // The kill left half a line.
    let segment = newest_segment(&log);
    let mut content = fs::read(&segment).unwrap();
    let torn = content[..777].to_vec();
    content.extend_from_slice(&torn);
    fs::write(&segment, content).unwrap();

    let gate = gate(&log);
    call(&gate, "DE-5");
    gate.shutdown().wait().unwrap();
    let report = verify(&log);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    assert_eq!((report.recoveries, report.unknown_outcomes, report.open_decisions), (1, 1, 0));
    let seq = *LogReader::open(&log).unwrap().torn().keys().next().unwrap();
    assert!(report.not_checked.contains(&format!("unclean stop after seq {seq}")));

    // The torn bytes are evidence: removed or changed, the log is not verified.
    let torn_file = log.join(format!("torn-{seq}.bin"));
    assert_eq!(fs::read(&torn_file).unwrap(), torn);
    fs::write(&torn_file, &torn[1..]).unwrap();
    assert_eq!(verify(&log).reason_code, Some(ReasonCode::StrayFile));
    fs::remove_file(&torn_file).unwrap();
    assert_eq!(verify(&log).reason_code, Some(ReasonCode::StrayFile));
    fs::write(&torn_file, &torn).unwrap();
    assert_eq!(verify(&log).verdict, Verdict::Verified);
}

#[test]
fn no_file_can_be_taken_away_swapped_or_added() {
    let dir = tempfile::tempdir().unwrap();
    killed_while_calling(dir.path());
    let log = dir.path().join("live");
    let files: Vec<_> = fs::read_dir(&log)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with("LOCK"))
        .collect();
    assert!(files.len() >= 6, "{files:?}");
    let unverified = |what: &str| {
        let report = verify(&log);
        assert!(matches!(report.verdict, Verdict::Unverified(_)), "{what}");
        report
    };
    for (at, path) in files.iter().enumerate() {
        let content = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        unverified(&format!("without {}", path.display()));
        fs::write(path, &content[..content.len() - 1]).unwrap();
        unverified(&format!("{} without its last byte", path.display()));
        let other = &files[(at + 1) % files.len()];
        fs::copy(other, path).unwrap();
        unverified(&format!("{} in place of {}", other.display(), path.display()));
        fs::write(path, content).unwrap();
    }
    let next = files.len() / 2 + 1;
    for name in [
        "notes.txt".to_owned(),
        "torn-2.bin".to_owned(),
        "segment-00000001.sig.json.tmp".to_owned(),
        asqav_log::names::header_name(next as u64),
        asqav_log::names::segment_name(next as u64),
    ] {
        fs::write(log.join(&name), b"{}\n").unwrap();
        let report = unverified(&name);
        let class = if name.starts_with("segment-0") && !name.ends_with("tmp") {
            FailureClass::Invalid
        } else {
            FailureClass::Unverifiable
        };
        assert_eq!(report.verdict, Verdict::Unverified(class), "{name}: {:?}", report.problems);
        fs::remove_file(log.join(&name)).unwrap();
    }
    assert_eq!(verify(&log).verdict, Verdict::Verified);
}

#[test]
fn a_commitment_opens_with_what_the_vault_has() {
    let dir = tempfile::tempdir().unwrap();
    killed_while_calling(dir.path());
    let log = dir.path().join("live");
    let vault = Vault::new(&log, VaultKey::from_bytes(VAULT_KEY));
    let mut opened = 0;
    LogReader::open(&log)
        .unwrap()
        .visit(|_, piece| {
            let (payload, _) = parse_line(piece.bytes).unwrap();
            let payload = asqav_receipt::payload::Payload::from_json(&payload).unwrap();
            let text = String::from_utf8(piece.bytes.to_vec()).unwrap();
            if let Opened::Openings(openings) = vault.open(payload.action_id).unwrap() {
                for (pointer, value) in &openings.values {
                    let salt = asqav_receipt::commitment::salt(&openings.secret, pointer);
                    let log_id = payload.asqav.log_id;
                    let digest = commit(log_id, payload.action_id, pointer, &salt, value.as_bytes());
                    assert!(text.contains(&digest.to_hex()), "{pointer} of {}", payload.seq);
                    opened += 1;
                }
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(opened >= 9, "four arguments, four results, an argument: {opened}");
}

#[test]
fn receipts_are_found_by_number_and_id() {
    let dir = tempfile::tempdir().unwrap();
    killed_while_calling(dir.path());
    let reader = LogReader::open(&dir.path().join("live")).unwrap();
    let found = reader.find_seq(7).unwrap().unwrap();
    assert_eq!(found.segment, 2);
    let (payload, _) = parse_line(&found.line).unwrap();
    let member = |name: &str| payload.as_object().unwrap().get(name).unwrap().clone();
    assert_eq!(member("seq"), Json::count(7));
    let id = asqav_receipt::id::ActionId::parse(member("action_id").as_str().unwrap()).unwrap();
    assert_eq!(reader.find_action(id).unwrap().unwrap(), found);
    assert_eq!(reader.find_seq(6).unwrap().unwrap().line, found.before.unwrap());
    assert_eq!(reader.find_seq(1).unwrap().unwrap().before, None);
    assert_eq!(reader.find_seq(1_000).unwrap(), None);
}

#[test]
fn a_kill_while_receipts_wait_for_a_slow_signer_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let (live, killed) = (dir.path().join("live"), dir.path().join("killed"));
    let log = |dir: &Path| {
        FileLog::new(dir)
            .vault_key(VaultKey::from_bytes(VAULT_KEY))
            .journal_key(JournalKey::from_bytes([4; 32]))
    };
    let (stalls, latch) = (Arc::new(AtomicBool::new(false)), Latch::new());
    let fault = {
        let (stalls, latch) = (Arc::clone(&stalls), latch.clone());
        move || stalls.load(Ordering::SeqCst).then(|| Fault::Hold(latch.clone()))
    };
    let slow = FaultySigner::new(Arc::new(signing_key())).before_each(fault);
    let gate = Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(Arc::new(slow))
        .without_policy()
        .signing(Signing::Batched)
        .durability(Durability::Journaled)
        .log(log(&live))
        .open()
        .unwrap();
    call(&gate, "DE-1");
    gate.flush().wait().unwrap();
    stalls.store(true, Ordering::SeqCst);
    (2..=9).for_each(|account| call(&gate, &format!("DE-{account}")));
    copy(&live, &killed);
    latch.open();
    gate.shutdown().wait().unwrap();
    assert_eq!(verify(&live).verdict, Verdict::Verified, "{:?}", verify(&live).problems);
    assert!(!live.join("unsigned.jsonl").exists());

    // gate:start and one call are signed.
    let note = "unsigned: unsigned.jsonl lists receipts 4..19, which no segment had when it was read";
    let report = verify(&killed);
    assert_eq!(report.receipts, 3);
    assert!(report.not_checked.iter().any(|said| said == note), "{:?}", report.not_checked);
    // The kill left half a line in the segment, too.
    let segment = newest_segment(&killed);
    let mut content = fs::read(&segment).unwrap();
    let torn = content[..777].to_vec();
    content.extend_from_slice(&torn);
    fs::write(&segment, content).unwrap();

    let again = gate_on(log(&killed));
    call(&again, "DE-10");
    again.shutdown().wait().unwrap();
    let report = verify(&killed);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    assert_eq!((report.recoveries, report.unknown_outcomes), (1, 0));
    assert_eq!(fs::read(killed.join("torn-19.bin")).unwrap(), torn);
    let line = LogReader::open(&killed).unwrap().find_seq(20).unwrap().unwrap().line;
    let (payload, _) = parse_line(&line).unwrap();
    let context = payload.as_object().and_then(|payload| payload.get("context")?.as_object()).unwrap();
    let body = context.get("gate:recovery").and_then(Json::as_object).unwrap();
    assert_eq!(body.get("resumed_after_seq").and_then(Json::as_count), Some(19));
    assert_eq!(body.get("unsigned_after_seq").and_then(Json::as_count), Some(3));
}
