//! One receipt, or several: what is verified was signed by the pinned key.
#![no_main]

use std::collections::HashSet;
use std::sync::LazyLock;

use asqav_fuzz::{inputs, is_verified, payload, pinned, receipts, verify};
use asqav_receipt::keys::KeySet;
use asqav_receipt::verify::{lenient_reading, verify_run};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<KeySet> = LazyLock::new(pinned);
static SIGNED: LazyLock<HashSet<Vec<u8>>> =
    LazyLock::new(|| receipts().iter().filter_map(|receipt| payload(receipt)).collect());

fuzz_target!(|bytes: &[u8]| {
    let inputs = inputs(&KEYS);
    let report = verify(bytes, &inputs);
    if is_verified(&report) {
        let signed = payload(bytes).is_some_and(|payload| SIGNED.contains(&payload));
        assert!(signed, "verified, but never signed");
    }
    if let Some(report) = lenient_reading(bytes, &inputs) {
        assert!(!is_verified(&report));
    }
    let parts: Vec<_> = bytes.split(|byte| *byte == b'\n').take(4).collect();
    assert_eq!(verify_run(&parts, &inputs).reports.len(), parts.len());
});
