//! Checkpoints stamped by an authority of OpenSSL: what a token shows about a
//! log, what shows nothing, and what happens while the authority is away.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod support;
#[path = "support/openssl.rs"]
mod tsa;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use asqav_core::clock::{Clock as _, SystemClock};
use asqav_core::key::SigningKey;
use asqav_core::sign::Signer as _;
use asqav_core::{Gate, Refused, ToolCall};
use asqav_log::anchoring::{
    AnchorError, AnchorSink, Authority, anchors_path, pending, read_anchors, renew, stamp, stamp_pending,
    write_anchors,
};
use asqav_log::reader::{LogReader, verify_dir};
use asqav_log::sink::SinkError;
use asqav_log::{CheckpointSchedule, FileLog};
use asqav_receipt::anchor::{Anchor, Evidence, EvidenceError, ImprintHash, Outcome, Renewal, TsaKeys};
use asqav_receipt::checkpoint::SignedCheckpoint;
use asqav_receipt::keys::{KeyEntry, KeySet};
use asqav_receipt::suite::ML_DSA_65;
use asqav_receipt::time::Timestamp;
use asqav_receipt::time_mark::TimeMark;
use asqav_receipt::verify::{FailureClass, LogInputs, LogReport, ReasonCode, Verdict};

use support::chain::TestClock;
use tsa::{Tsa, set_down};

const MESSAGE: &[u8] = b"a message";

fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[13; 32])
}

fn keys() -> KeySet {
    let key = signing_key();
    let entry =
        KeyEntry::active(&ML_DSA_65, key.public_key(), key.key_id().as_str(), "issuer:test", "agent:test");
    KeySet::new(vec![entry.unwrap()])
}

fn file_log(dir: &Path, authority: impl Authority) -> FileLog {
    FileLog::new(dir)
        .checkpoints(CheckpointSchedule { events: 1_000, interval_secs: u32::MAX, minimum: 1_000 })
        .checkpoint_sink(AnchorSink::new(dir.join("anchors"), authority))
}

fn gate(log: FileLog) -> Gate {
    Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(Arc::new(signing_key()))
        .without_policy()
        .log(log)
        .open()
        .unwrap()
}

fn call(gate: &Gate) {
    let call = ToolCall::builder("query", "crm:query").argument("who", "Ada").build();
    gate.run_sync(call, || Ok::<_, Refused>("found")).unwrap();
}

/// A log with one call, its clean end and a checkpoint of it.
fn recorded(dir: &Path, authority: impl Authority) {
    let gate = gate(file_log(dir, authority));
    call(&gate);
    gate.shutdown().wait().unwrap();
}

fn checkpoints(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(dir.join("anchors")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    files
}

fn read(path: &Path) -> SignedCheckpoint {
    SignedCheckpoint::parse(&fs::read(path).unwrap()).unwrap()
}

fn report(dir: &Path, checkpoint: &SignedCheckpoint, anchors: &[Anchor], tsa_keys: &TsaKeys) -> LogReport {
    let (keys, now) = (keys(), SystemClock::new().now());
    let inputs = LogInputs::new().keys(&keys).at(now).checkpoint(checkpoint).anchors(anchors, tsa_keys);
    verify_dir(dir, inputs, &mut |_| {}).unwrap()
}

#[test]
fn a_stamped_checkpoint_shows_not_later_than_when() {
    let Some(tsa) = Tsa::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let before = SystemClock::new().now();
    recorded(dir.path(), tsa.authority());
    let [file] = &checkpoints(dir.path())[..] else { panic!("not one checkpoint") };
    let (signed, anchors) = (read(file), read_anchors(file).unwrap());
    assert!(pending(&dir.path().join("anchors")).unwrap().is_empty());
    assert!(LogReader::open(dir.path()).unwrap().strays().is_empty(), "the folder is part of a log");

    let shown = report(dir.path(), &signed, &anchors, &tsa.pinned());
    assert_eq!(shown.verdict, Verdict::Verified, "{:?}", shown.problems);
    let (seq, at) = shown.time.not_later.unwrap();
    assert_eq!(seq, signed.checkpoint.size);
    assert!(at.seconds_since(before).abs() < 300.0, "{at}");
    assert!(shown.not_checked[0].starts_with("time: claimed; shown"), "{:?}", shown.not_checked);
    // Nothing is shown without a pinned authority, or by another.
    let other = Tsa::new().unwrap();
    let unpinned = report(dir.path(), &signed, &anchors, &TsaKeys::new());
    assert_eq!((unpinned.time.not_later, unpinned.verdict), (None, Verdict::Verified));
    assert!(unpinned.not_checked.iter().any(|line| line.starts_with("anchor of the checkpoint: ")));
    let refuted = report(dir.path(), &signed, &anchors, &other.pinned());
    assert_eq!(refuted.reason_code, Some(ReasonCode::AnchorInvalid), "{:?}", refuted.problems);
    // An anchor of something else says nothing.
    let elsewhere = stamp(&mut tsa.authority(), MESSAGE).unwrap();
    assert_eq!(
        report(dir.path(), &signed, std::slice::from_ref(&elsewhere), &tsa.pinned()).time.not_later,
        None
    );
    // Not even if it says that it is of this one.
    let posing = Anchor { message: anchors[0].message, ..elsewhere };
    let refuted = report(dir.path(), &signed, &[posing], &tsa.pinned());
    assert_eq!(refuted.reason_code, Some(ReasonCode::AnchorInvalid), "{:?}", refuted.problems);
}

#[test]
fn an_authority_that_is_away_holds_nothing_up_and_is_asked_again() {
    let Some(tsa) = Tsa::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("anchors");
    set_down(&tsa, true);
    let log = file_log(dir.path(), tsa.authority());
    let deliveries = log.deliveries();
    let gate = gate(log);
    call(&gate);
    gate.shutdown().wait().unwrap();
    assert!(deliveries.counts()[0].failed >= 1, "{:?}", deliveries.counts());
    // The log is whole, and the checkpoint waits on disk.
    assert_eq!(pending(&folder).unwrap().len(), 1);
    let signed = read(&checkpoints(dir.path())[0]);
    assert_eq!(report(dir.path(), &signed, &[], &tsa.pinned()).verdict, Verdict::Verified);
    // Another run stamps what waits, with its own.
    set_down(&tsa, false);
    recorded(dir.path(), tsa.authority());
    assert!(pending(&folder).unwrap().is_empty());
    let files = checkpoints(dir.path());
    assert_eq!(files.len(), 2);
    for file in &files {
        let shown = report(dir.path(), &read(file), &read_anchors(file).unwrap(), &tsa.pinned());
        assert!(shown.time.not_later.is_some(), "{:?}", shown.problems);
    }
    // By hand, too.
    fs::remove_file(anchors_path(&files[0])).unwrap();
    assert_eq!(stamp_pending(&folder, &mut tsa.authority()).unwrap(), [files[0].clone()]);
}

/// Gives the same answer whatever is asked.
struct Same(Vec<u8>);

impl Authority for Same {
    fn name(&self) -> String {
        "same".to_owned()
    }
    fn answer(&mut self, _: &[u8]) -> Result<Vec<u8>, SinkError> {
        Ok(self.0.clone())
    }
}

#[test]
fn an_answer_to_another_request_is_not_taken() {
    let Some(tsa) = Tsa::new() else { return };
    let request = asqav_receipt::anchor::request(MESSAGE, ImprintHash::Sha256, 7);
    let answer = tsa.authority().answer(&request).unwrap();
    let error = |result: Result<Anchor, AnchorError>| match result.unwrap_err() {
        AnchorError::Evidence(error) => error,
        other => panic!("{other}"),
    };
    assert_eq!(error(stamp(&mut Same(answer.clone()), MESSAGE)), EvidenceError::AnotherRequest);
    assert_eq!(error(stamp(&mut Same(answer.clone()), b"another")), EvidenceError::AnotherMessage);
    assert!(matches!(error(stamp(&mut Same(b"<html>".to_vec()), MESSAGE)), EvidenceError::Malformed(_)));
    // A refusal (PKIStatus 2).
    let refusal = vec![0x30, 5, 0x30, 3, 2, 1, 2];
    assert_eq!(error(stamp(&mut Same(refusal), MESSAGE)), EvidenceError::Refused);
    Evidence::new(&answer, MESSAGE, Some(7)).unwrap();
    let slow = tsa.authority().timeout(Duration::ZERO).answer(&request);
    assert!(matches!(slow, Err(SinkError::Program { .. })), "{slow:?}");
}

fn proven(outcome: &Outcome) -> Timestamp {
    match outcome {
        Outcome::Proven { at, .. } => *at,
        other => panic!("{other:?}"),
    }
}

#[test]
fn renewed_evidence_proves_what_the_first_token_did() {
    let (Some(first), Some(second), Some(third)) = (Tsa::new(), Tsa::new(), Tsa::new()) else { return };
    let mut keys = first.pinned();
    let mut anchor = stamp(&mut first.authority(), MESSAGE).unwrap();
    let at = proven(&anchor.evidence.check(MESSAGE, Some(&keys)));
    assert!(anchor.evidence.renew_before(&keys).unwrap() > at);
    // Over the token, then with a longer hash over message and tokens, then once more.
    renew(&mut second.authority(), &mut anchor, MESSAGE, Renewal::Timestamp).unwrap();
    let hash = Renewal::Hash(ImprintHash::Sha512);
    renew(&mut third.authority(), &mut anchor, MESSAGE, hash).unwrap();
    renew(&mut third.authority(), &mut anchor, MESSAGE, Renewal::Timestamp).unwrap();
    assert_eq!(anchor.evidence.tokens().count(), 4);
    assert!(matches!(anchor.evidence.check(MESSAGE, Some(&keys)), Outcome::Refuted(_)), "not all are pinned");
    second.pin(&mut keys);
    third.pin(&mut keys);
    assert_eq!(proven(&anchor.evidence.check(MESSAGE, Some(&keys))), at);
    assert!(matches!(anchor.evidence.check(b"another", Some(&keys)), Outcome::Refuted(_)));
    assert!(matches!(anchor.evidence.check(MESSAGE, None), Outcome::Unchecked(_)));

    // It comes back from a file, byte for byte, and no byte can be changed.
    let file = Anchor::to_file(&[anchor.clone()]);
    assert_eq!(Anchor::parse_file(&file).unwrap(), [anchor.clone()]);
    let der = anchor.evidence.to_der();
    for at in (0..der.len()).step_by(der.len() / 97) {
        let mut changed = der.clone();
        changed[at] ^= 1;
        let same = Evidence::parse(&changed).is_ok_and(|evidence| {
            // Certificates inside the token are not evidence.
            evidence.tokens().eq(anchor.evidence.tokens())
        });
        assert!(!same, "byte {at}");
    }
    let mut line = file.clone();
    line.pop();
    assert!(Anchor::parse_file(&line).is_err());
    assert!(Anchor::parse_file(&[b" ".as_slice(), &file].concat()).is_err());
}

/// What others' software says of the parts.
#[test]
fn openssl_takes_every_token_for_what_rfc_4998_has_it_stamp() {
    use sha2::{Digest as _, Sha512};
    let Some(tsa) = Tsa::new() else { return };
    let mut anchor = stamp(&mut tsa.authority(), MESSAGE).unwrap();
    let one = anchor.evidence.to_der();
    renew(&mut tsa.authority(), &mut anchor, MESSAGE, Renewal::Hash(ImprintHash::Sha512)).unwrap();
    let two = anchor.evidence.to_der();
    // Walked by hand: SEQUENCE { version, hashes, SEQUENCE OF chains }.
    let parts = |der: &[u8]| {
        let (mut at, mut parts) = (0, Vec::new());
        while at < der.len() {
            let (len, head) = match der[at + 1] {
                len @ 0..=127 => (usize::from(len), 2),
                0x81 => (usize::from(der[at + 2]), 3),
                0x82 => (usize::from(der[at + 2]) << 8 | usize::from(der[at + 3]), 4),
                other => panic!("length of {other:#x}"),
            };
            parts.push((der[at..at + head + len].to_vec(), der[at + head..at + head + len].to_vec()));
            at += head + len;
        }
        parts
    };
    let chains = |der: &[u8]| parts(&parts(der)[0].1)[2].clone();
    let token = |chain: &[u8]| parts(&parts(chain)[0].1)[0].0.clone();
    let (sequence, content) = chains(&one);
    let first = token(&parts(&content)[0].1);
    assert!(tsa.accepts(&first, MESSAGE) && !tsa.accepts(&first, b"another"));
    let second = token(&parts(&chains(&two).1)[1].1);
    // RFC 4998 §5.3: H(H(message) ‖ H(archive time-stamp sequence so far)).
    let over = [Sha512::digest(MESSAGE).to_vec(), Sha512::digest(&sequence).to_vec()].concat();
    assert!(tsa.accepts(&second, &over));
    assert_eq!(parts(&parts(&two)[0].1)[1].1.len(), 26, "both hash functions are named");
}

/// An authority whose certificate had ended when it stamped vouches for nothing.
#[test]
fn a_token_of_an_authority_whose_certificate_had_ended_is_refuted() {
    let Some(tsa) = Tsa::certified("20200101000000Z", "20210101000000Z") else { return };
    let Ok(anchor) = stamp(&mut tsa.authority(), MESSAGE) else {
        // Nor does OpenSSL stamp with one.
        return;
    };
    let outcome = anchor.evidence.check(MESSAGE, Some(&tsa.pinned()));
    assert!(matches!(outcome, Outcome::Refuted(_)), "{outcome:?}");
}

fn mark(anchor: &Anchor) -> TimeMark {
    TimeMark {
        token: anchor.evidence.tokens().next().unwrap(),
        message: anchor.message,
        at: anchor.evidence.claimed().unwrap(),
    }
}

#[test]
fn a_time_receipt_shows_not_earlier_than_when() {
    let Some(tsa) = Tsa::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path(), tsa.authority());
    let anchor = read_anchors(&checkpoints(dir.path())[0]).unwrap().remove(0);
    let gate = gate(file_log(dir.path(), tsa.authority()));
    let seq = gate.record_time(&mark(&anchor)).wait().unwrap().payload.seq;
    call(&gate);
    gate.shutdown().wait().unwrap();
    let newest = checkpoints(dir.path()).pop().unwrap();
    let mut anchors = read_anchors(&newest).unwrap();
    let signed = read(&newest);
    // Its token is not at hand.
    let shown = report(dir.path(), &signed, &anchors, &tsa.pinned());
    assert!(shown.time.not_earlier.is_empty());
    assert!(shown.not_checked.iter().any(|line| line.contains(&format!("receipt {seq} names"))));
    anchors.push(anchor.clone());
    let shown = report(dir.path(), &signed, &anchors, &tsa.pinned());
    assert_eq!(shown.verdict, Verdict::Verified, "{:?}", shown.problems);
    assert_eq!(shown.time.not_earlier, [(seq, anchor.evidence.claimed().unwrap())]);
    assert!(shown.time.not_later.unwrap().1 >= shown.time.not_earlier[0].1);
    let json = shown.to_json();
    assert!(json.as_object().unwrap().get("not_earlier").is_some());
    // Another authority's word counts for nothing.
    let other = Tsa::new().unwrap();
    assert!(report(dir.path(), &signed, &[anchor], &other.pinned()).time.not_earlier.is_empty());
}

/// A receipt that names a token and claims to be older than it is a lie.
#[test]
fn backdated_receipts_are_found() {
    let Some(tsa) = Tsa::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let anchor = stamp(&mut tsa.authority(), MESSAGE).unwrap();
    let gate = Gate::builder("agent:test".parse().unwrap(), "issuer:test".parse().unwrap())
        .signer(Arc::new(signing_key()))
        .without_policy()
        .clock(TestClock::at(1))
        .log(file_log(dir.path(), tsa.authority()))
        .open()
        .unwrap();
    gate.record_time(&mark(&anchor)).wait().unwrap();
    gate.shutdown().wait().unwrap();
    let file = checkpoints(dir.path()).pop().unwrap();
    let mut anchors = read_anchors(&file).unwrap();
    anchors.push(anchor);
    let shown = report(dir.path(), &read(&file), &anchors, &tsa.pinned());
    assert_eq!(shown.verdict, Verdict::Unverified(FailureClass::Invalid), "{:?}", shown.problems);
    assert_eq!(shown.reason_code, Some(ReasonCode::AnchorOutOfBounds));
}

#[test]
fn what_was_kept_of_the_authority_stays_with_the_anchor() {
    let Some(tsa) = Tsa::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("checkpoint.json");
    let mut anchor = stamp(&mut tsa.authority(), MESSAGE).unwrap();
    anchor.certificates.push(fs::read(tsa.path("ca.pem")).unwrap());
    anchor.revocation.push(b"a list".to_vec());
    write_anchors(&file, &[anchor.clone()]).unwrap();
    assert_eq!(read_anchors(&file).unwrap(), [anchor]);
    assert!(read_anchors(&dir.path().join("other.json")).unwrap().is_empty());
    fs::write(anchors_path(&file), "{}\n").unwrap();
    assert!(read_anchors(&file).is_err());
}

/// An authority that has its key certified anew is pinned by both certificates.
#[test]
fn each_certificate_of_a_key_is_looked_at() {
    let Some(tsa) = Tsa::new() else { return };
    tsa.certify("20100101000000Z", "20110101000000Z", "before.pem");
    let anchor = stamp(&mut tsa.authority(), MESSAGE).unwrap();
    let mut keys = TsaKeys::new();
    keys.pin(&fs::read(tsa.path("before.pem")).unwrap()).unwrap();
    assert!(matches!(anchor.evidence.check(MESSAGE, Some(&keys)), Outcome::Refuted(_)), "it had ended");
    tsa.pin(&mut keys);
    proven(&anchor.evidence.check(MESSAGE, Some(&keys)));
}

/// Whoever may write to the folder keeps no checkpoint from being stamped.
#[test]
fn what_is_no_checkpoint_holds_up_none() {
    let Some(tsa) = Tsa::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("anchors");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("checkpoint-0000000000000000.json"), b"{}").unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("checkpoint-0000000000000001.json")).unwrap();
    let log = file_log(dir.path(), tsa.authority());
    let deliveries = log.deliveries();
    let gate = gate(log);
    call(&gate);
    gate.shutdown().wait().unwrap();
    let counts = deliveries.counts().remove(0);
    assert_eq!((counts.delivered, counts.failed), (1, 0), "{counts:?}");
    let file = checkpoints(dir.path()).pop().unwrap();
    assert_eq!(read_anchors(&file).unwrap().len(), 1);
    // By hand it is said.
    assert!(stamp_pending(&folder, &mut tsa.authority()).is_err());
}

/// Two checkpoints of one size may be evidence of a fork: both are kept. And
/// no link has something else overwritten.
#[test]
fn a_checkpoint_never_replaces_another() {
    let Some(tsa) = Tsa::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let of = |name: &str| {
        let log = dir.path().join(name);
        recorded(&log, tsa.authority());
        checkpoints(&log).pop().unwrap()
    };
    let (first, second) = (of("one"), of("two"));
    assert_eq!(first.file_name(), second.file_name(), "of one size");
    let folder = dir.path().join("kept");
    fs::create_dir(&folder).unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, b"mine").unwrap();
    let name = first.file_name().unwrap().to_str().unwrap();
    std::os::unix::fs::symlink(&victim, folder.join(format!("{name}.tmp"))).unwrap();
    let mut sink = asqav_log::sink::FileSink::new(&folder);
    for file in [&first, &second, &first, &second] {
        asqav_log::sink::CheckpointSink::deliver(&mut sink, &read(file)).unwrap();
    }
    let mut kept: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    kept.sort();
    assert_eq!(kept.len(), 2, "{kept:?}");
    let kept: std::collections::BTreeSet<_> = kept.iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(kept, [first, second].iter().map(|path| fs::read(path).unwrap()).collect());
    assert_eq!(fs::read(&victim).unwrap(), b"mine");
}
