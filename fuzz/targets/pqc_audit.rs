//! A log of pqc-audit-log-fs, or a proof from one: none is verified whose
//! events were not signed.
#![no_main]

use std::sync::LazyLock;

use asqav_fuzz::support::now;
use asqav_fuzz::{HEADER, audit_log, key};
use asqav_receipt::json::python::Value;
use asqav_receipt::verify::Verdict;
use asqav_receipt::verify::pqc_audit_log_fs::{Inputs, PinnedKey, Verifier, verify_proof};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<Vec<PinnedKey>> =
    LazyLock::new(|| vec![PinnedKey::of_raw(&key().public_key).expect("an ML-DSA-65 key")]);
static SOUND: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| events(&audit_log()));

fuzz_target!(|bytes: &[u8]| {
    let inputs = Inputs::new().keys(&KEYS).at(now());
    let mut verifier = Verifier::new(inputs);
    let mut number = 1;
    verifier.segment_start(number);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.split_first() {
            Some((&HEADER, header)) => {
                verifier.sealed(header);
                number += 1;
                verifier.segment_start(number);
            }
            _ => match line.strip_suffix(b"\n") {
                Some(line) => verifier.line(line, true),
                None => verifier.line(line, false),
            },
        }
    }
    let report = verifier.finish();
    assert_eq!(report.axes.len(), 15);
    if report.verdict == Verdict::Verified {
        assert!(SOUND.starts_with(&events(bytes)), "verified, but never signed");
    }
    if verify_proof(bytes, &inputs).verdict == Verdict::Verified {
        let event = Value::parse(bytes).ok().and_then(|proof| proof.get("event").map(Value::sorted));
        assert!(event.is_some_and(|event| SOUND.contains(&event)), "proven, but never signed");
    }
    if let Ok(value) = Value::parse(bytes) {
        let again = Value::parse(&value.sorted()).expect("what is written can be read");
        assert_eq!(again.sorted(), value.sorted());
    }
});

/// The canonical form of every event.
fn events(file: &[u8]) -> Vec<Vec<u8>> {
    let lines = file.split(|byte| *byte == b'\n').filter(|line| !line.starts_with(&[HEADER]));
    lines.filter_map(|line| Value::parse(line).ok()).map(|event| event.sorted()).collect()
}
