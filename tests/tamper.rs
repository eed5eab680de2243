//! For every single byte of a sealed log and its headers: flipped, the log is
//! never verified, and nothing panics.
//!
//! Re-reading the whole log for each of some 200,000 bytes would take hours of
//! signatures, so each flip goes on from a snapshot of the verifier before the
//! line that it changes. A snapshot followed by the changed line alone must
//! show a problem already (problems are only ever added), and every 97th byte
//! is followed by the whole rest of the log.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where it fails"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asqav::log::{FileLog, Rotation};
use asqav::policy::{Model, RulePolicy};
use asqav::receipt::keys::{KeyEntry, KeySet};
use asqav::receipt::suite::ML_DSA_65;
use asqav::receipt::time::Timestamp;
use asqav::receipt::verify::{LogInputs, LogReport, LogVerifier, ReasonCode, Verdict};
use asqav::{AgentId, Gate, IssuerId, Refused, SessionStatus, Signer as _, SigningKey, ToolCall};

const POLICY: &str = r#"
version = 1
id = "tamper"
[[rule]]
id = "read"
effect = "allow"
tools = ["query_*"]
"#;

/// The files of one segment.
struct Segment {
    lines: Vec<u8>,
    header: Vec<u8>,
}

struct Fixture {
    segments: Vec<Segment>,
    keys: KeySet,
    now: Timestamp,
}

impl Fixture {
    /// 30 receipts or more in three sealed segments: allowed, failed and denied
    /// calls, a session, a clean stop.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed(&[21; 32]);
        let entry =
            KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "acme", "agent").unwrap();
        let gate = Gate::builder(AgentId::parse("agent").unwrap(), IssuerId::parse("acme").unwrap())
            .signer(Arc::new(key))
            .policy(RulePolicy::new(Model::from_toml(POLICY).unwrap()))
            .log(FileLog::new(folder.path()).rotation(Rotation { max_count: 12, ..Rotation::default() }))
            .open()
            .unwrap();
        let call = |tool: &str| {
            ToolCall::builder(tool, "ledger:query").record("konto", &"ÄÖ\"😀").argument("n", &7).build()
        };
        for _ in 0..7 {
            gate.run_sync(call("query_account"), || Ok::<_, Refused>(vec![1, 2, 3])).unwrap();
        }
        gate.run_sync(call("query_fails"), || Err::<(), _>(std::io::Error::other("no"))).unwrap_err();
        gate.run_sync(call("delete"), || -> Result<(), Refused> { panic!("it runs") }).unwrap_err();
        let session = gate.session("refund").open().wait().unwrap();
        session.step("fetch", &1).wait().unwrap();
        for _ in 0..4 {
            session.scope_sync(|| gate.run_sync(call("query_inside"), || Ok::<_, Refused>(true))).unwrap();
        }
        session.close(SessionStatus::Completed).wait().unwrap();
        gate.shutdown().wait().unwrap();
        let segments = (1..).map_while(|number| Segment::read(folder.path(), number)).collect();
        // A little after the newest receipt: claimed times are in the past.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap()
            + Duration::from_secs(60);
        let now = Timestamp::from_unix_micros(i64::try_from(now.as_micros()).unwrap()).unwrap();
        Self { segments, keys: KeySet::new(vec![entry]), now }
    }

    fn verifier(&self) -> LogVerifier<'_> {
        LogVerifier::new(LogInputs::new().keys(&self.keys).at(self.now))
    }

    /// Reads on from `verifier`: the rest of segment `at` from byte `from`,
    /// then the segments behind it.
    fn rest<'a>(
        &'a self,
        mut verifier: LogVerifier<'a>,
        at: usize,
        from: usize,
        header: Option<&[u8]>,
    ) -> LogReport {
        feed(&mut verifier, &self.segments[at].lines[from..]);
        verifier.sealed(header.unwrap_or(&self.segments[at].header));
        for (index, segment) in self.segments.iter().enumerate().skip(at + 1) {
            verifier.segment_start(index as u64 + 1);
            feed(&mut verifier, &segment.lines);
            verifier.sealed(&segment.header);
        }
        verifier.finish()
    }
}

impl Segment {
    fn read(folder: &Path, number: u64) -> Option<Self> {
        let file =
            |extension: &str| std::fs::read(folder.join(format!("segment-{number:08}.{extension}"))).ok();
        Some(Self { lines: file("log")?, header: file("sig.json")? })
    }
}

/// Feeds complete lines, and what is left of one, as the reader does.
fn feed(verifier: &mut LogVerifier<'_>, bytes: &[u8]) {
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        verifier.line(&rest[..end]);
        rest = &rest[end + 1..];
    }
    if !rest.is_empty() {
        verifier.torn(rest.len() as u64);
    }
}

#[test]
fn no_flipped_byte_is_ever_verified() {
    let fixture = Fixture::new();
    let report = {
        let mut verifier = fixture.verifier();
        verifier.segment_start(1);
        fixture.rest(verifier, 0, 0, None)
    };
    assert_eq!(report.verdict, Verdict::Verified, "{:#?}", report.problems);
    assert!(report.receipts >= 30 && report.segments == 3, "{} receipts", report.receipts);

    let flipped = AtomicUsize::new(0);
    let mut before = fixture.verifier();
    for (at, segment) in fixture.segments.iter().enumerate() {
        before.segment_start(at as u64 + 1);
        let mut start = 0;
        while start < segment.lines.len() {
            let end = start + segment.lines[start..].iter().position(|&byte| byte == b'\n').unwrap() + 1;
            let sound = before.clone().finish();
            assert!(!shows_a_problem(&sound), "{:#?}", sound.problems);
            flip_line(&fixture, &before, at, start..end, &flipped);
            feed(&mut before, &segment.lines[start..end]);
            start = end;
        }
        flip_header(&fixture, &before, at, &flipped);
        before.sealed(&segment.header);
    }
    let bytes: usize =
        fixture.segments.iter().map(|segment| segment.lines.len() + segment.header.len()).sum();
    assert_eq!(flipped.into_inner(), bytes, "every byte was flipped");
}

/// Whether something is wrong besides that the log goes on behind a snapshot.
fn shows_a_problem(report: &LogReport) -> bool {
    let goes_on = [ReasonCode::LogOpen, ReasonCode::EmptyLog];
    report.problems.iter().any(|problem| !goes_on.contains(&problem.reason_code))
}

/// Runs `work` for each index below `count` on both halves at once.
fn in_parallel(count: usize, work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            let work = &work;
            scope.spawn(move || (half..count).step_by(2).for_each(work));
        }
    });
}

/// One bit of the byte, chosen by its place.
fn flip(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 1 << (at % 8);
}

fn flip_line(
    fixture: &Fixture,
    before: &LogVerifier<'_>,
    at: usize,
    line: std::ops::Range<usize>,
    flipped: &AtomicUsize,
) {
    let segment = &fixture.segments[at];
    in_parallel(line.len(), |offset| {
        // Without its line feed a line runs on into the next one.
        let last = offset + 1 == line.len();
        let end = if last { next_line_end(&segment.lines, line.end) } else { line.end };
        let mut changed = segment.lines[line.start..end].to_vec();
        flip(&mut changed, offset);
        let mut verifier = before.clone();
        feed(&mut verifier, &changed);
        let place = line.start + offset;
        let early = verifier.clone().finish();
        assert!(shows_a_problem(&early), "segment {}, byte {place}: no problem", at + 1);
        if place.is_multiple_of(97) || last {
            let report = fixture.rest(verifier, at, end, None);
            assert!(matches!(report.verdict, Verdict::Unverified(_)), "segment {}, byte {place}", at + 1);
        }
        flipped.fetch_add(1, Ordering::Relaxed);
    });
}

fn next_line_end(lines: &[u8], from: usize) -> usize {
    lines[from..].iter().position(|&byte| byte == b'\n').map_or(lines.len(), |at| from + at + 1)
}

fn flip_header(fixture: &Fixture, before: &LogVerifier<'_>, at: usize, flipped: &AtomicUsize) {
    let segment = &fixture.segments[at];
    in_parallel(segment.header.len(), |offset| {
        let mut changed = segment.header.clone();
        flip(&mut changed, offset);
        let verifier = before.clone();
        let report = if offset.is_multiple_of(97) || at + 1 == fixture.segments.len() {
            fixture.rest(verifier, at, segment.lines.len(), Some(&changed))
        } else {
            let mut verifier = verifier;
            verifier.sealed(&changed);
            let report = verifier.finish();
            assert!(shows_a_problem(&report), "header {}, byte {offset}: no problem", at + 1);
            report
        };
        assert!(matches!(report.verdict, Verdict::Unverified(_)), "header {}, byte {offset}", at + 1);
        flipped.fetch_add(1, Ordering::Relaxed);
    });
}
