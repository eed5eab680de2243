//! An OpenTimestamps proof, and block headers. No header is given: none can be
//! proven.
#![no_main]

use std::sync::LazyLock;

use asqav_fuzz::support::now;
use asqav_fuzz::{anchored, verify};
use asqav_receipt::anchor::BlockHeaders;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::verify::{Axis, AxisResult, ReceiptInputs};
use libfuzzer_sys::fuzz_target;

static HEAD: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let receipt = asqav_receipt::json::Json::parse(&anchored("", b"")).expect("a receipt");
    let mut envelope = asqav_receipt::json::Object::new();
    for name in ["payload", "signature"] {
        let part = receipt.as_object().and_then(|receipt| receipt.get(name)).expect("a receipt");
        envelope.set(name, part.clone());
    }
    let digest =
        Sha256Digest::of(&asqav_receipt::canonical::to_vec(&asqav_receipt::json::Json::Object(envelope)));
    let magic = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";
    [magic.as_slice(), digest.as_bytes()].concat()
});

fuzz_target!(|bytes: &[u8]| {
    drop(BlockHeaders::parse(bytes));
    let headers = BlockHeaders::default();
    let inputs = ReceiptInputs::new().at(now()).block_headers(&headers);
    // As a whole proof, and as the operations of one about this receipt.
    for proof in [bytes.to_vec(), [HEAD.as_slice(), bytes].concat()] {
        let report = verify(&anchored("opentimestamps", &proof), &inputs);
        assert_ne!(report.axis(Axis::Anchors).map(|axis| axis.result), Some(AxisResult::Pass));
    }
});
