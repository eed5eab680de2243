//! A whole log: none but the one that was written is verified.
#![no_main]

use std::sync::LazyLock;

use asqav_fuzz::support::now;
use asqav_fuzz::{HEADER, log, log_file, pinned};
use asqav_receipt::keys::KeySet;
use asqav_receipt::verify::{LogInputs, LogReport, LogVerifier, ReadLine, Verdict};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<KeySet> = LazyLock::new(pinned);
static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| log_file(&log()));

/// A deleted segment: its header, a zero byte, its leaf hashes.
const DELETED: u8 = 2;

fuzz_target!(|bytes: &[u8]| {
    let report = verify(bytes, ReadLine::new);
    let thorough = verify(bytes, ReadLine::thoroughly);
    assert_eq!(format!("{report:?}"), format!("{thorough:?}"), "the short way says the same");
    if report.verdict == Verdict::Verified {
        assert_eq!(bytes, SOUND.as_slice(), "verified, but never written");
    }
});

fn verify(bytes: &[u8], read: impl Fn(&[u8]) -> ReadLine) -> LogReport {
    let mut verifier = LogVerifier::new(LogInputs::new().keys(&KEYS).at(now()));
    let (mut number, mut begun) = (0, false);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if !begun {
            number += 1;
        }
        if let Some((&DELETED, rest)) = line.split_first().filter(|_| !begun) {
            let (header, leaves) =
                rest.split_at(rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len()));
            let header = [header, b"\n"].concat();
            verifier.deleted(number, &header, leaves.strip_prefix(b"\0").unwrap_or_default());
            continue;
        }
        if !begun {
            verifier.segment_start(number);
            begun = true;
        }
        match line.split_first() {
            Some((&HEADER, header)) => {
                verifier.sealed(header);
                begun = false;
            }
            _ => match line.strip_suffix(b"\n") {
                Some(line) => {
                    if let Some(job) = verifier.read_line(read(line)) {
                        verifier.signature(job.check());
                    }
                }
                None => verifier.torn(line.len() as u64),
            },
        }
    }
    if begun {
        verifier.unsealed();
    }
    verifier.finish()
}
