//! A time-stamp token, an evidence record, and keys of authorities. Nobody signed a token about
//! this receipt: none can be proven.
#![no_main]

use std::sync::LazyLock;

use asqav_fuzz::support::now;
use asqav_fuzz::{anchored, verify};
use asqav_receipt::anchor::{Anchor, Evidence, TsaKeys};
use asqav_receipt::verify::{Axis, AxisResult, ReceiptInputs};
use libfuzzer_sys::fuzz_target;

static TSA: LazyLock<TsaKeys> = LazyLock::new(|| {
    let mut keys = TsaKeys::new();
    keys.pin(&asqav_fuzz::support::Key::new(2, "authority").public_key).expect("an ML-DSA key");
    keys
});

fuzz_target!(|bytes: &[u8]| {
    drop(TsaKeys::new().pin(bytes));
    for kind in ["rfc3161", "rfc4998"] {
        let receipt = anchored(kind, bytes);
        let report = verify(&receipt, &ReceiptInputs::new().at(now()).tsa_keys(&TSA));
        assert_ne!(report.axis(Axis::Anchors).map(|axis| axis.result), Some(AxisResult::Pass));
    }
    if let Ok(evidence) = Evidence::parse(bytes) {
        assert_eq!(evidence.to_der(), bytes, "one encoding");
    }
    if let Ok(anchors) = Anchor::parse_file(bytes) {
        assert_eq!(Anchor::to_file(&anchors), bytes, "one encoding");
    }
    drop(Evidence::new(bytes, b"message", Some(1)));
});
