//! A log of calls about somebody, with a vault, and ways to look at it.

#![allow(dead_code, clippy::unwrap_used, reason = "helpers of tests; each file uses a part")]

use std::path::Path;
use std::sync::Arc;

use asqav_core::gate::OpenError;
use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_core::{Gate, Refused, ToolCall};
use asqav_log::FileLog;
use asqav_log::reader::{LogReader, verify_dir};
use asqav_log::vault::{Census, Plan, Subject, Vault, VaultKey, census};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::payload::Payload;
use asqav_receipt::receipt::parse_line;
use asqav_receipt::seq_set::SeqSet;
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, Verdict};

pub(crate) fn vault_key() -> VaultKey {
    VaultKey::from_bytes([3; 32])
}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[11; 32])
}

pub(crate) fn gate(dir: &Path) -> Gate {
    try_gate(dir, signing_key()).unwrap()
}

pub(crate) fn try_gate(dir: &Path, key: SigningKey) -> Result<Gate, OpenError> {
    Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(Arc::new(key))
        .without_policy()
        .log(FileLog::new(dir).vault_key(vault_key()))
        .open()
}

pub(crate) fn call(gate: &Gate, name: &str, result: &str) {
    let call = ToolCall::builder("query", "crm:query").argument("who", name).argument("page", &1).build();
    let result = result.to_owned();
    gate.run_sync(call, || Ok::<_, Refused>(result)).unwrap();
}

/// A log with three calls: about Ada, about Bob, and one that returned Ada.
pub(crate) fn recorded(dir: &Path) -> Gate {
    let gate = gate(dir);
    call(&gate, "Ada", "found");
    call(&gate, "Bob", "found");
    call(&gate, "Carol", "a friend of Ada");
    let plain = ToolCall::builder("note", "crm:note").record("about", "Ada").build();
    gate.run_sync(plain, || Ok::<_, Refused>(())).unwrap();
    gate.flush().wait().unwrap();
    gate
}

pub(crate) fn payloads(dir: &Path) -> Vec<Payload> {
    let log = LogReader::open(dir).unwrap();
    let mut payloads = Vec::new();
    log.visit(|_, piece| {
        payloads.push(Payload::from_json(&parse_line(piece.bytes).unwrap().0).unwrap());
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    payloads
}

pub(crate) fn plan(dir: &Path, subject: Subject) -> Plan {
    let log = LogReader::open(dir).unwrap();
    Plan::of_subject(&log, &Vault::new(dir, vault_key()), &subject).unwrap()
}

pub(crate) fn ada() -> Subject {
    Subject::is("Ada")
}

pub(crate) fn counted(dir: &Path) -> Census {
    census(dir, &LogReader::open(dir).unwrap()).unwrap()
}

pub(crate) fn verified(dir: &Path) {
    let key = signing_key();
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    let keys = KeySet::new(vec![entry.unwrap()]);
    let report = verify_dir(dir, LogInputs::new().keys(&keys).at(Timestamp::MAX), &mut |_| {}).unwrap();
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
}

pub(crate) fn set(text: &str) -> SeqSet {
    SeqSet::parse(text).unwrap()
}
