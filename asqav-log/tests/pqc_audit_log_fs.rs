//! Logs that pqc-audit-log-fs 0.1.0 wrote, and altered copies of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may end here, and says what it skipped"
)]

#[path = "support/files.rs"]
mod files;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use asqav_log::pqc_audit_log_fs::{AuditDir, Kind, ProveError, kind_of};
use asqav_receipt::digest::{Sha3Digest, Sha256Digest, decode_hex};
use asqav_receipt::json::python::Value;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::pqc_audit_log_fs::{Inputs, NAME, PinnedKey, Report, is_proof, verify_proof};

use files::copied;

/// The logs, where there are any.
fn vectors() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = std::env::var_os("ASQAV_VECTORS").map_or(root, PathBuf::from).join("pqc-audit-log-fs");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there is no {}", folder.display());
    None
}

/// Later than every log.
fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2027-01-01T00:00:00Z").unwrap()
}

fn key_of(log: &Path) -> PinnedKey {
    let header = Value::parse(&fs::read(log.join("segment-00001.sig.json")).unwrap()).unwrap();
    PinnedKey::parse(header.get("public_key").unwrap().as_str().unwrap().as_bytes()).unwrap()
}

fn verify(log: &Path, inputs: Inputs<'_>) -> Report {
    AuditDir::open(log).unwrap().verify(inputs.at(now()), &mut |_| {}).unwrap()
}

/// Verdict and reason in one word each.
fn said(report: &Report) -> String {
    let class = report.verdict.failure_class().map_or("verified", |class| class.as_str());
    report.reason_code.map_or_else(|| class.to_owned(), |reason| format!("{class} {reason}"))
}

#[test]
fn untouched_logs_are_verified_by_their_key_and_by_no_other() {
    let Some(folder) = vectors() else { return };
    let others = [key_of(&folder.join("ed-1x1")), key_of(&folder.join("mldsa-1x1"))];
    for (name, segments, events) in [("1x1", 1, 1), ("30x10", 3, 30), ("33x10", 4, 33), ("fancy-7x3", 3, 7)] {
        for (backend, algorithm) in [("ed", "Ed25519"), ("mldsa", "ML-DSA-65")] {
            let log = folder.join(format!("{backend}-{name}"));
            let key = key_of(&log);
            assert_eq!(key.algorithm(), algorithm);
            let report = verify(&log, Inputs::new().keys(std::slice::from_ref(&key)));
            assert_eq!(said(&report), "verified", "{backend}-{name}: {:?}", report.problems);
            assert_eq!((report.segments.len(), report.events), (segments, events));
            assert!(report.segments.iter().all(|segment| segment.algorithm == Some(algorithm)));
            let mislabelled =
                report.problems.iter().any(|problem| problem.reason_code.as_str() == "algorithm_mislabelled");
            assert_eq!(mislabelled, backend == "ed", "{:?}", report.problems);
            let unproven = report.not_checked.iter().any(|line| line.starts_with("post-quantum: nothing"));
            assert_eq!(unproven, backend == "ed");
            assert!(!report.not_checked.iter().any(|line| line.starts_with("spelling")), "{name}");

            let others: Vec<_> = others.iter().filter(|other| other.did() != key.did()).cloned().collect();
            for pins in [&[][..], &others] {
                let report = verify(&log, Inputs::new().keys(pins));
                assert_eq!(said(&report), "unverifiable key_not_pinned", "{backend}-{name}");
            }
            assert_eq!(kind_of(&log).unwrap(), Kind::PqcAuditLogFs);
        }
    }
}

/// What is said of each altered copy, and with which words.
const ALTERED: [(&str, &str); 29] = [
    ("ed-ok", "verified"),
    ("ed-flip-label", "invalid payload_digest_mismatch"),
    ("ed-delete-line", "invalid header_differs"),
    ("ed-reorder", "invalid payload_digest_mismatch"),
    ("ed-sig-bit", "invalid issuer_signature"),
    ("ed-header-sealed-at", "invalid issuer_signature"),
    ("ed-drop-middle", "invalid segment_missing"),
    ("ed-drop-first", "invalid segment_missing"),
    ("ed-drop-tail", "verified"),
    ("ed-drop-tail-sig", "unverifiable log_open"),
    ("ed-rewrite-tail-evil", "invalid key_substituted"),
    ("ed-rewrite-all-evil", "unverifiable key_not_pinned"),
    ("ed-rewrite-tail-evil-did", "invalid signer_did_differs"),
    ("ed-append-evil", "invalid event_repeated"),
    ("ed-alg-label", "invalid algorithm_mismatch"),
    ("ed-dup-last-33", "invalid event_repeated"),
    ("ed-ws-blank", "verified"),
    ("ed-dup-key", "unverifiable duplicate_member"),
    ("ed-key-order", "verified"),
    ("ed-renumber", "invalid segment_missing"),
    ("ed-junk-tail", "unverifiable log_open"),
    ("ed-missing-log", "invalid segment_missing"),
    ("ed-short-sig", "invalid malformed_header"),
    ("ed-extra-field", "invalid malformed_header"),
    ("ed-bad-hex", "invalid signature_encoding"),
    ("ed-bad-utf8", "invalid event_unreadable"),
    ("ed-partial-line", "invalid event_unreadable"),
    ("ed-event-extra-field", "invalid event_unreadable"),
    ("ed-segment6digits", "invalid segment_missing"),
];

#[test]
fn every_altered_copy_gets_the_verdict_that_is_asked_of_a_strict_verifier() {
    let Some(folder) = vectors() else { return };
    let tampered = folder.join("tampered");
    let keys = [key_of(&tampered.join("ed-ok")), key_of(&tampered.join("ed-dup-last-33"))];
    let expected: BTreeMap<_, _> = ALTERED.into_iter().collect();
    let manifest = Value::parse(&fs::read(tampered.join("ed-manifest.json")).unwrap()).unwrap();
    let Value::Array(cases) = manifest else { panic!("the manifest is a list") };
    let mut seen = 0;
    for case in &cases {
        let text = |name| case.get(name).unwrap().as_str().unwrap();
        let (name, asked) = (text("dir"), text("strict_expected"));
        let log = tampered.join(name);
        if name == "ed-drop-all" {
            let empty = tempfile::tempdir().unwrap();
            assert_eq!(said(&verify(empty.path(), Inputs::new().keys(&keys))), "unverifiable empty_log");
            continue;
        }
        let report = verify(&log, Inputs::new().keys(&keys));
        let said = said(&report);
        assert_eq!(Some(&said.as_str()), expected.get(name), "{name}: {:?}", report.problems);
        // The manifest's own words.
        let fails = asked.starts_with("fail:") || matches!(asked, "fail" | "fail, no crash");
        assert!(!fails || said != "verified", "{name}: {asked}");
        assert!(asked != "pass" || said == "verified", "{name}: {asked}");
        let mentions = |word: &str| report.not_checked.iter().any(|line| line.starts_with(word));
        assert!(!asked.contains("unsealed tail") || mentions("tail: not checked: segment"), "{name}");
        assert!(
            !asked.contains("must be reported") || mentions("spelling"),
            "{name}: {:?}",
            report.not_checked
        );
        seen += 1;
    }
    assert_eq!(seen, ALTERED.len());
}

#[test]
fn a_root_kept_elsewhere_shows_a_cut_tail() {
    let Some(folder) = vectors() else { return };
    let (whole, cut) = (folder.join("tampered/ed-ok"), folder.join("tampered/ed-drop-tail"));
    let keys = [key_of(&whole)];
    let root = verify(&whole, Inputs::new().keys(&keys)).newest_root().unwrap();
    let inputs = Inputs::new().keys(&keys).root(root);
    assert_eq!(said(&verify(&whole, inputs)), "verified");
    assert_eq!(said(&verify(&cut, inputs)), "invalid tail_cut");
    let early = verify(&cut, Inputs::new().keys(&keys)).newest_root().unwrap();
    assert_eq!(said(&verify(&whole, Inputs::new().keys(&keys).root(early))), "verified");
}

#[test]
fn an_open_log_is_verified_only_when_that_is_asked_for() {
    let Some(folder) = vectors() else { return };
    let log = folder.join("tampered/ed-drop-tail-sig");
    let keys = [key_of(&log)];
    let report = verify(&log, Inputs::new().keys(&keys).allow_open(true));
    assert_eq!(said(&report), "verified", "{:?}", report.problems);
    assert_eq!(report.events, 20);
    assert!(report.not_checked.iter().any(|line| line.contains("segment 3, 10 lines that nobody signed")));
    // In the middle of a log a segment without a header is a hole.
    let copy = copied(&folder.join("tampered/ed-ok"));
    fs::remove_file(copy.path().join("segment-00002.sig.json")).unwrap();
    let report = verify(copy.path(), Inputs::new().keys(&keys).allow_open(true));
    assert_eq!(said(&report), "invalid header_missing");
}

/// Every byte of the signed members and of the events counts.
#[test]
fn no_byte_changes_unseen() {
    let Some(folder) = vectors() else { return };
    let log = folder.join("ed-fancy-7x3");
    let keys = [key_of(&log)];
    let inputs = Inputs::new().keys(&keys);
    for name in ["segment-00003.log", "segment-00003.sig.json"] {
        let original = fs::read(log.join(name)).unwrap();
        let copy = copied(&log);
        for at in (0..original.len()).step_by(13) {
            let mut changed = original.clone();
            changed[at] ^= 1;
            fs::write(copy.path().join(name), &changed).unwrap();
            let report = verify(copy.path(), inputs);
            let respelled = report.not_checked.iter().any(|line| line.starts_with("spelling"));
            assert!(said(&report) != "verified" || respelled || is_white(&original, at), "{name}, byte {at}");
        }
    }
}

/// Whether a byte stands between a header's tokens.
fn is_white(text: &[u8], at: usize) -> bool {
    matches!(text[at], b' ' | b'\n')
}

#[test]
fn digests_are_those_of_the_files() {
    let Some(folder) = vectors() else { return };
    let log = folder.join("tampered/ed-short-sig");
    let (report, digests) = AuditDir::open(&log).unwrap().examine(Inputs::new(), &mut |_| {}).unwrap();
    assert_eq!(said(&report), "invalid malformed_header");
    assert_eq!(digests.len(), 3);
    for (segment, number) in digests.iter().zip(1..) {
        for (name, digest) in [("log", segment.log.unwrap()), ("sig.json", segment.header.unwrap())] {
            let file = fs::read(log.join(format!("segment-0000{number}.{name}"))).unwrap();
            assert_eq!(digest.len, file.len() as u64);
            assert_eq!(digest.sha256, Sha256Digest::of(&file));
            assert_eq!(digest.sha3, Sha3Digest::of(&file));
        }
    }
}

#[test]
fn every_event_is_proven_without_the_log_and_nothing_else_is() {
    let Some(folder) = vectors() else { return };
    for name in ["ed-33x10", "mldsa-fancy-7x3"] {
        let log = folder.join(name);
        let (dir, keys) = (AuditDir::open(&log).unwrap(), [key_of(&log)]);
        let inputs = Inputs::new().keys(&keys).at(now());
        for number in dir.segments().keys() {
            for line in fs::read_to_string(log.join(format!("segment-{number:05}.log"))).unwrap().lines() {
                let event = Value::parse(line.as_bytes()).unwrap();
                let proof = dir.prove(event.get("event_id").unwrap().as_str().unwrap()).unwrap();
                assert!(is_proof(&proof));
                let report = verify_proof(&proof, &inputs);
                assert_eq!(said(&report), "verified", "{name}: {:?}", report.problems);
                assert_eq!(report.segments[0].number, *number);
                assert_eq!(
                    said(&verify_proof(&proof, &Inputs::new().at(now()))),
                    "unverifiable key_not_pinned"
                );
                let text = String::from_utf8(proof).unwrap();
                for (from, to, why) in [
                    ("did:pqaid:credit-model-v3", "did:pqaid:credit-model-v4", "invalid not_included"),
                    ("\"index\":0", "\"index\":1", "invalid not_included"),
                    ("\"siblings\":[\"", "\"siblings\":[\"00", "unverifiable malformed_member"),
                    ("\"created_at\": \"2026", "\"created_at\": \"2025", "invalid issuer_signature"),
                ] {
                    if text.contains(from) {
                        let changed = text.replacen(from, to, 1);
                        assert_eq!(said(&verify_proof(changed.as_bytes(), &inputs)), why, "{from}");
                    }
                }
            }
        }
        assert!(matches!(dir.prove("urn:pqc-audit-evt:none"), Err(ProveError::NoSuchEvent)));
    }
}

/// A proof leads to the signed root, or there is none.
#[test]
fn nothing_is_proven_from_an_altered_segment() {
    let Some(folder) = vectors() else { return };
    for name in ["ed-flip-label", "ed-dup-last-33", "ed-partial-line", "ed-reorder"] {
        let log = folder.join("tampered").join(name);
        let dir = AuditDir::open(&log).unwrap();
        let segment = if name == "ed-dup-last-33" { 4 } else { 2 };
        let text = fs::read_to_string(log.join(format!("segment-{segment:05}.log"))).unwrap();
        let event = Value::parse(text.lines().next().unwrap().as_bytes()).unwrap();
        let proven = dir.prove(event.get("event_id").unwrap().as_str().unwrap());
        assert!(matches!(proven, Err(ProveError::Segment { segment: at, .. }) if at == segment), "{name}");
    }
}

#[test]
fn directions_are_written_for_the_package_and_never_believed() {
    let Some(folder) = vectors() else { return };
    let log = folder.join("ed-30x10");
    let (dir, keys) = (AuditDir::open(&log).unwrap(), [key_of(&log)]);
    let text = fs::read_to_string(log.join("segment-00001.log")).unwrap();
    let event = Value::parse(text.lines().nth(3).unwrap().as_bytes()).unwrap();
    let proof = dir.prove(event.get("event_id").unwrap().as_str().unwrap()).unwrap();
    let value = Value::parse(&proof).unwrap();
    assert_eq!(value.get("format").unwrap().as_str(), Some(NAME));
    let path = value.get("proof").unwrap();
    let Some(Value::Array(directions)) = path.get("directions") else { panic!("directions") };
    let sides: Vec<_> = directions.iter().filter_map(Value::as_str).collect();
    assert_eq!(sides, ["L", "L", "R", "R"]);
    assert!(decode_hex::<32>(path.get("leaf_hash").unwrap().as_str().unwrap()).is_some());
    let turned = String::from_utf8(proof).unwrap().replace("[\"L\",\"L\"", "[\"R\",\"R\"");
    let inputs = Inputs::new().keys(&keys).at(now());
    assert_eq!(said(&verify_proof(turned.as_bytes(), &inputs)), "verified");
}

/// Lines of any length and depth end in a verdict, not in a crash.
#[test]
fn hostile_sizes_are_refused() {
    let Some(folder) = vectors() else { return };
    let log = folder.join("ed-1x1");
    let keys = [key_of(&log)];
    let line = fs::read_to_string(log.join("segment-00001.log")).unwrap();
    let with = |metadata: &str| line.replacen("\"tool\":\"query_account\"", &format!("\"x\":{metadata}"), 1);
    for (text, why) in [
        (with(&"[".repeat(500_000)), "unverifiable too_deep"),
        (with(&format!("{}0{}", "[".repeat(250), "]".repeat(250))), "unverifiable too_deep"),
        (with(&format!("\"{}\"", "y".repeat(30_000_000))), "unverifiable too_long"),
        ("\n".repeat(1_000_000), "invalid header_differs"),
    ] {
        let copy = copied(&log);
        fs::write(copy.path().join("segment-00001.log"), text).unwrap();
        assert_eq!(said(&verify(copy.path(), Inputs::new().keys(&keys))), why);
    }
    let copy = copied(&log);
    fs::write(copy.path().join("segment-00001.sig.json"), "{".repeat(10_000_000)).unwrap();
    let report = verify(copy.path(), Inputs::new().keys(&keys));
    assert_eq!(said(&report), "invalid malformed_header");
}
