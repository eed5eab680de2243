//! What goes wrong in pqc-audit-log-fs 0.1.0 around a crash, and does not here:
//! seven flaws, a test each. Every test ends in a log that took the next
//! receipt and is verified with everything that was acknowledged in it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

#[path = "support/files.rs"]
mod files;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use asqav_core::call::JsonText;
use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_core::{Ending, Gate, Refused, ToolCall};
use asqav_log::names::{FileKind, header_name, segment_name};
use asqav_log::reader::{LogReader, verify_dir};
use asqav_log::{FileLog, Rotation};
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{LogInputs, LogReport, ReasonCode, Verdict};

use files::copy;

fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[11; 32])
}

/// Opens a gate on the log in `dir`, eight receipts a segment.
fn try_open(dir: &Path) -> Result<Gate, String> {
    let rotation = Rotation { max_count: 8, max_bytes: u64::MAX, max_age_secs: u32::MAX };
    Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(Arc::new(signing_key()))
        .without_policy()
        .log(FileLog::new(dir).rotation(rotation))
        .open()
        .map_err(|error| error.to_string())
}

fn open(dir: &Path) -> Gate {
    try_open(dir).unwrap()
}

/// Records `count` observations; each is acknowledged.
fn record(gate: &Gate, count: usize) {
    for _ in 0..count {
        let call = ToolCall::builder("query", "ledger:query").record("account", "DE-1").build();
        gate.observe(call, Ending::ok()).unwrap().wait().unwrap();
    }
}

fn judge(dir: &Path) -> LogReport {
    let key = signing_key();
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    let keys = KeySet::new(vec![entry.unwrap()]);
    verify_dir(dir, LogInputs::new().keys(&keys).at(Timestamp::MAX), &mut |_| {}).unwrap()
}

/// How many observations the log holds.
fn observations(dir: &Path) -> usize {
    let mut count = 0;
    LogReader::open(dir)
        .unwrap()
        .visit(|_, piece| {
            count += usize::from(String::from_utf8_lossy(piece.bytes).contains("ledger:query"));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    count
}

/// A log as a kill leaves it after `count` observations.
fn killed(dir: &Path, count: usize) -> PathBuf {
    let (live, left) = (dir.join("live"), dir.join("left"));
    let gate = open(&live);
    record(&gate, count);
    copy(&live, &left);
    gate.shutdown().wait().unwrap();
    left
}

/// The log goes on, and is verified with all its observations in it.
fn goes_on(dir: &Path, count: usize) {
    let gate = open(dir);
    record(&gate, 1);
    gate.shutdown().wait().unwrap();
    let report = judge(dir);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.problems);
    assert_eq!(observations(dir), count + 1);
}

/// The newest segment's number.
fn newest(dir: &Path) -> u64 {
    *LogReader::open(dir).unwrap().segments().keys().next_back().unwrap()
}

/// There, the restarted writer appends behind the unsealed events and seals
/// only its own: the segment never verifies again.
#[test]
fn flaw_1_a_crash_with_unsealed_events() {
    for count in [1, 5, 6, 7, 13, 20] {
        let dir = tempfile::tempdir().unwrap();
        let left = killed(dir.path(), count);
        goes_on(&left, count);
    }
}

/// There, the next event is appended to the half line, and both are lost.
#[test]
fn flaw_2_half_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let left = killed(dir.path(), 3);
    let segment = left.join(segment_name(newest(&left)));
    let whole = fs::read(&segment).unwrap();
    let line = whole.split_inclusive(|byte| *byte == b'\n').next_back().unwrap().to_vec();
    for len in [1, line.len() / 2, line.len() - 1] {
        let torn = dir.path().join(format!("torn-{len}"));
        copy(&left, &torn);
        fs::write(torn.join(segment.file_name().unwrap()), [&whole, &line[..len]].concat()).unwrap();
        goes_on(&torn, 3);
    }
}

/// There, half a header counts as a sealed segment whose root is "", and the
/// reader crashes on it. Here a header gets its name when it is whole.
#[test]
fn flaw_3_half_a_header() {
    let dir = tempfile::tempdir().unwrap();
    let left = killed(dir.path(), 9);
    let number = newest(&left);
    let whole = fs::read(left.join(header_name(number - 1))).unwrap();
    let half = &whole[..whole.len() / 2];
    let unfinished = dir.path().join("unfinished");
    copy(&left, &unfinished);
    fs::write(unfinished.join(format!("{}.tmp", header_name(number))), half).unwrap();
    goes_on(&unfinished, 9);

    // Half a header under a header's name is no crash of ours: nothing is
    // written behind it, and verification says where it is.
    let damaged = dir.path().join("damaged");
    copy(&left, &damaged);
    fs::write(damaged.join(header_name(number - 1)), half).unwrap();
    assert!(try_open(&damaged).is_err());
    assert_eq!(judge(&damaged).reason_code, Some(ReasonCode::MalformedHeader));
}

/// There, `verify` passes a log whose newest events nobody sealed.
#[test]
fn flaw_4_an_unsealed_tail_that_verification_does_not_see() {
    let dir = tempfile::tempdir().unwrap();
    let left = killed(dir.path(), 10);
    let report = judge(&left);
    assert_eq!(report.reason_code, Some(ReasonCode::LogOpen), "{:?}", report.problems);
    assert!(report.not_checked.iter().any(|line| line.starts_with("tail: not checked: the log is open")));
    // And what it holds is checked all the same: each receipt has its signature.
    let segment = left.join(segment_name(newest(&left)));
    let changed = fs::read_to_string(&segment).unwrap().replacen("DE-1", "DE-2", 1);
    fs::write(&segment, changed).unwrap();
    let report = judge(&left);
    assert_eq!(report.verdict.failure_class().map(|class| class.as_str()), Some("invalid"));
}

/// There, metadata that JSON takes and UTF-8 does not (half a surrogate pair)
/// is written first and fails at each attempt to seal, for ever.
#[test]
fn flaw_5_poisonous_metadata() {
    let dir = tempfile::tempdir().unwrap();
    let gate = open(dir.path());
    for poison in [r#""\ud800""#, "NaN", "-Infinity", r#"{"a":1,"a":2}"#, "1e999"] {
        assert!(JsonText::parse(poison).is_err(), "{poison}");
    }
    let nan = ToolCall::builder("query", "ledger:nan").record("metadata", &f64::NAN).build();
    let refused = gate.run_sync(nan, || -> Result<u8, Refused> { panic!("it must not run") });
    assert!(matches!(refused, Err(Refused::Unrepresentable { .. })));
    // What is unusual and sound is taken.
    let odd = "\u{0}\u{7f}\u{85}\u{2028}\u{fffe}\u{10ffff}\r\n\"\\";
    let call = ToolCall::builder("query", "ledger:odd").record("metadata", odd).build();
    gate.observe(call, Ending::ok()).unwrap().wait().unwrap();
    gate.shutdown().wait().unwrap();
    goes_on(dir.path(), 0);
}

/// There, two writers number and seal the same segment, each over the other.
#[test]
fn flaw_6_two_writers() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    record(&first, 2);
    assert!(try_open(dir.path()).is_err(), "the second one is refused");
    record(&first, 2);
    first.shutdown().wait().unwrap();
    goes_on(dir.path(), 4);
}

/// There, five digits of a name are read, so that segment 100,000 is taken for
/// segment 10,000. Here a number is read whole, has one spelling, and orders as
/// a number.
#[test]
fn flaw_7_segment_numbers_past_the_usual_digits() {
    let numbers = [1, 9_999, 10_000, 99_999, 100_000, 99_999_999, 100_000_000, u64::MAX];
    let dir = tempfile::tempdir().unwrap();
    for number in numbers {
        assert_eq!(FileKind::of(&segment_name(number)), FileKind::Segment(number));
        assert_eq!(FileKind::of(&header_name(number)), FileKind::Header(number));
        fs::write(dir.path().join(segment_name(number)), b"").unwrap();
    }
    let reader = LogReader::open(dir.path()).unwrap();
    assert!(reader.segments().keys().copied().eq(numbers));
    // A longer name for a number is no name at all.
    assert_eq!(FileKind::of("segment-000000001.log"), FileKind::Stray);
}
