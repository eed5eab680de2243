//! Files changed by somebody without the key: nothing that is left is verified.

use std::sync::LazyLock;

use asqav_receipt::keys::KeySet;
use asqav_receipt::verify::{LogInputs, LogVerifier, ReasonCode};
use proptest::prelude::*;

use crate::Verdicts as _;
use crate::support::log::{Segment, Writer, verify};
use crate::support::now;

/// Three segments, a call open across a seal, a session, two runs, two batches.
fn log() -> Writer {
    let mut writer = Writer::started();
    let session = writer.open_session("s-1");
    writer.step(&session);
    let decision = writer.allow();
    writer.seal();
    writer.batched(|writer| {
        writer.outcome(&decision);
        writer.close_session(&session);
        writer.call();
    });
    writer.stop();
    writer.batched(|writer| {
        writer.event("gate:start", &[]);
        writer.deny();
    });
    writer.stop();
    writer
}

/// The verdict on changed files: invalid or unverifiable, never verified.
fn never_verified(writer: &Writer, files: &[Segment], what: &str) {
    let keys = writer.key.pin();
    let inputs = LogInputs::new().keys(&keys).at(now()).head(writer.head());
    let report = verify(files, inputs);
    assert!(report.verdict.failure_class().is_some(), "{what}");
}

#[test]
fn the_untouched_log_is_verified() {
    log().verify().verified();
}

type Edit<'a> = (&'static str, &'a dyn Fn(&mut Vec<Vec<u8>>));

#[test]
fn no_line_can_be_deleted_duplicated_swapped_or_inserted() {
    let writer = log();
    let files = writer.files();
    let stranger = b"{}".to_vec();
    for segment in 0..files.len() {
        for line in 0..files[segment].lines.len() {
            let edits: [Edit<'_>; 4] = [
                ("deleted", &|lines| drop(lines.remove(line))),
                ("duplicated", &|lines| lines.insert(line, lines[line].clone())),
                ("swapped", &|lines| {
                    let next = (line + 1) % lines.len();
                    lines.swap(line, next);
                }),
                ("inserted", &|lines| lines.insert(line, stranger.clone())),
            ];
            for (what, edit) in edits {
                let mut changed = files.clone();
                edit(&mut changed[segment].lines);
                if changed[segment].lines != files[segment].lines {
                    never_verified(&writer, &changed, what);
                }
            }
        }
    }
}

#[test]
fn no_suffix_can_be_removed_unseen() {
    let writer = log();
    let keys = writer.key.pin();
    let inputs = LogInputs::new().keys(&keys).at(now());
    let files = writer.files();
    for segment in 0..files.len() {
        for line in 1..files[segment].lines.len() {
            let mut cut = files[..=segment].to_vec();
            cut[segment].lines.truncate(line);
            cut[segment].header = None;
            // Within a batch the lines before the cut are not signed either.
            let cut_batch = matches!((segment, line), (1, 1..=3) | (2, 1));
            let wanted = if cut_batch { ReasonCode::TornTail } else { ReasonCode::LogOpen };
            verify(&cut, inputs).unverifiable(wanted);
            never_verified(&writer, &cut, "cut");
        }
    }
}

/// Bytes between the flips, so that every kind of member is hit; the full
/// sweep over every byte is the log crate's.
const STRIDE: usize = 23;

#[test]
fn no_byte_of_a_line_or_header_can_be_flipped() {
    let mut writer = Writer::started();
    writer.stop();
    let files = writer.files();
    let mut flips = 0;
    for segment in 0..files.len() {
        for line in 0..files[segment].lines.len() {
            for at in (line % STRIDE..files[segment].lines[line].len()).step_by(STRIDE) {
                let mut changed = files.clone();
                changed[segment].lines[line][at] ^= 1 << (at % 8);
                never_verified(&writer, &changed, &format!("line {line} byte {at}"));
                flips += 1;
            }
        }
        let header = files[segment].header.clone().unwrap();
        for at in (0..header.len()).step_by(STRIDE) {
            let mut changed = files.clone();
            changed[segment].header.as_mut().unwrap()[at] ^= 1 << (at % 8);
            never_verified(&writer, &changed, &format!("header byte {at}"));
            flips += 1;
        }
    }
    assert!(flips > 300, "{flips}");
}

#[test]
fn lines_have_one_spelling() {
    let writer = log();
    let files = writer.files();
    let line = String::from_utf8(files[0].lines[1].clone()).unwrap();
    let spellings = [
        line.replacen('{', "{ ", 1),
        format!("{line} "),
        format!(" {line}"),
        line.replacen("\"payload\":", "\"payload\" :", 1),
        line.replacen("refund", "ref\\u0075nd", 1),
        line.replacen("\"seq\":2", "\"seq\":2.0", 1),
        line.replacen("\"seq\":2", "\"seq\":2,\"seq\":2", 1),
    ];
    for spelling in spellings {
        assert_ne!(spelling, line);
        let mut changed = files.clone();
        changed[0].lines[1] = spelling.clone().into_bytes();
        let keys = writer.key.pin();
        verify(&changed, LogInputs::new().keys(&keys).at(now())).invalid(ReasonCode::NotCanonical);
    }
}

/// `kid` stands outside the signed bytes.
#[test]
fn a_changed_kid_in_an_open_segment_is_invalid() {
    let mut writer = Writer::started();
    writer.call();
    let keys = writer.key.pin();
    let inputs = LogInputs::new().keys(&keys).at(now()).allow_open(true);
    let mut files = writer.files();
    verify(&files, inputs).verified();
    let line = String::from_utf8(files[0].lines[1].clone()).unwrap();
    files[0].lines[1] = line.replace("\"kid\":\"finance-1\"", "\"kid\":\"finance-2\"").into_bytes();
    verify(&files, inputs).invalid(ReasonCode::KidMismatch);
}

/// Signed headers and signed receipts are told apart by their first byte.
#[test]
fn headers_are_no_receipts_and_receipts_no_headers() {
    let writer = log();
    let files = writer.files();
    let keys = writer.key.pin();
    let inputs = LogInputs::new().keys(&keys).at(now());
    let mut header_as_line = files.clone();
    let header = files[0].header.clone().unwrap();
    header_as_line[0].lines[1] = header[..header.len() - 1].to_vec();
    verify(&header_as_line, inputs).invalid(ReasonCode::NotCanonical);
    // The same, dressed up as a receipt.
    let text = String::from_utf8(header).unwrap().replacen("\"header\"", "\"payload\"", 1);
    header_as_line[0].lines[1] = text.trim_end().as_bytes().to_vec();
    verify(&header_as_line, inputs).invalid(ReasonCode::NotCanonical);
    let mut line_as_header = files.clone();
    line_as_header[0].header = Some([&files[0].lines[1][..], b"\n"].concat());
    verify(&line_as_header, inputs).invalid(ReasonCode::MalformedHeader);
}

#[test]
fn lines_of_another_log_do_not_belong_here() {
    let (one, mut other) = (log(), Writer::new());
    other.log_id = asqav_receipt::id::LogId::from_bytes([8; 16]);
    other.event("gate:start", &[]);
    let mut files = one.files();
    files[0].lines[0] = other.files()[0].lines[0].clone();
    never_verified(&one, &files, "the first line of another log");
}

static SOUND: LazyLock<(KeySet, Vec<Vec<u8>>)> = LazyLock::new(|| {
    let writer = log();
    (writer.key.pin(), writer.files()[0].lines.clone())
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is fed in whatever order: no panic, and nothing is verified.
    #[test]
    fn arbitrary_input_is_survived(steps in prop::collection::vec((0_u8..5, prop::collection::vec(any::<u8>(), 0..200)), 0..30)) {
        let (keys, lines) = &*SOUND;
        let mut verifier = LogVerifier::new(LogInputs::new().keys(keys).at(now()).allow_open(true));
        for (step, bytes) in &steps {
            match step {
                0 => verifier.segment_start(bytes.len() as u64),
                1 => verifier.line(bytes),
                2 => verifier.line(&lines[bytes.len() % lines.len()]),
                3 => verifier.sealed(bytes),
                _ => verifier.torn(bytes.len() as u64),
            }
        }
        let report = verifier.finish();
        prop_assert!(report.verdict.failure_class().is_some() || steps.iter().all(|(step, _)| matches!(step, 0 | 2 | 4)));
        prop_assert_eq!(report.axes.len(), 15);
    }
}
