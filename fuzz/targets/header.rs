//! Files beside a segment: what is read is written the same.
#![no_main]

use asqav_receipt::checkpoint::{HeadMirror, SignedCheckpoint};
use asqav_receipt::header::SignedHeader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(header) = SignedHeader::parse(bytes) {
        assert_eq!(header.to_file(), bytes, "one spelling");
    }
    if let Ok(checkpoint) = SignedCheckpoint::parse(bytes) {
        assert_eq!(checkpoint.to_file(), bytes, "one spelling");
    }
    let _ = HeadMirror::parse(bytes);
});
