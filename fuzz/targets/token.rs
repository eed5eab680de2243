//! A time-stamp token, and keys of authorities. Nobody signed a token about
//! this receipt: none can be proven.
#![no_main]

use std::sync::LazyLock;

use asqav_fuzz::support::now;
use asqav_fuzz::{anchored, verify};
use asqav_receipt::anchor::TsaKeys;
use asqav_receipt::verify::{Axis, AxisResult, ReceiptInputs};
use libfuzzer_sys::fuzz_target;

static TSA: LazyLock<TsaKeys> = LazyLock::new(|| {
    let mut keys = TsaKeys::new();
    keys.pin(&asqav_fuzz::support::Key::new(2, "authority").public_key).expect("an ML-DSA key");
    keys
});

fuzz_target!(|bytes: &[u8]| {
    drop(TsaKeys::new().pin(bytes));
    let receipt = anchored("rfc3161", bytes);
    let report = verify(&receipt, &ReceiptInputs::new().at(now()).tsa_keys(&TSA));
    assert_ne!(report.axis(Axis::Anchors).map(|axis| axis.result), Some(AxisResult::Pass));
});
