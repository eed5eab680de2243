//! A whole log: none but the one that was written is verified.
#![no_main]

use std::sync::LazyLock;

use asqav_fuzz::support::now;
use asqav_fuzz::{HEADER, log, log_file, pinned};
use asqav_receipt::keys::KeySet;
use asqav_receipt::verify::{LogInputs, LogVerifier, Verdict};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<KeySet> = LazyLock::new(pinned);
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| log_file(&log()));

fuzz_target!(|bytes: &[u8]| {
    let mut verifier = LogVerifier::new(LogInputs::new().keys(&KEYS).at(now()));
    let mut number = 1;
    verifier.segment_start(number);
    let mut sealed = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if sealed {
            number += 1;
            verifier.segment_start(number);
            sealed = false;
        }
        match line.split_first() {
            Some((&HEADER, header)) => {
                verifier.sealed(header);
                sealed = true;
            }
            _ => match line.strip_suffix(b"\n") {
                Some(line) => verifier.line(line),
                None => verifier.torn(line.len() as u64),
            },
        }
    }
    if !sealed {
        verifier.unsealed();
    }
    let report = verifier.finish();
    if report.verdict == Verdict::Verified {
        assert_eq!(bytes, SOUND.as_slice(), "verified, but never written");
    }
});
