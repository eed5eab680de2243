//! The corpus that the reference implementation ships, judged by our verifier.
//!
//! Read from the folder that `ASQAV_CORPUS` names (the directory
//! `conformance_vectors` of the Python package `asqav` 0.10.14); without it the
//! tests say so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may end here, and says what it counted"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use asqav_receipt::canonical;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::dsse::pae;
use asqav_receipt::json::Json;
use asqav_receipt::keys::KeySet;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{
    Axis, AxisResult, FailureClass, ReceiptInputs, Report, lenient_reading, verify_receipt,
};
use serde_json::Value;

/// When the corpus is judged: after everything in it was issued, and before
/// `asqav-54-kms-signed` expires.
const AT: &str = "2026-11-20T00:00:00Z";

/// Receipts for which another verdict than the corpus's is right, and why.
const OTHER_VERDICT: [(&str, &str); 1] = [(
    "asqav-05-hash-mode-prod",
    "recorded without an ML-DSA library; its signature is checked here, and verifies",
)];

/// Axes for which another result than the map's is right in this build, and why.
fn other_axis(axis: &str, expected: &str) -> Option<&'static str> {
    let unevaluated = cfg!(not(feature = "anchors")) && (axis, expected) == ("anchors", "PASS");
    unevaluated.then_some("time-stamp tokens are evaluated with the feature `anchors`")
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("ASQAV_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: ASQAV_CORPUS does not name the reference corpus");
    }
    folder
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every receipt of the corpus: its directory, name and expectation.
fn receipts(folder: &Path) -> Vec<(PathBuf, String, Value)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.join("receipt.json").exists() && path.join("expected.json").exists() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let expected = json(&path.join("expected.json"));
            found.push((path, name, expected));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn verify(receipt: &Path) -> Report {
    judge(receipt, verify_receipt)
}

/// The axes as the map's tool saw them: it read with Python's reader, which
/// keeps the last of two members of one name.
fn as_the_map_read(receipt: &Path) -> Report {
    judge(receipt, |text, inputs| {
        lenient_reading(text, inputs).unwrap_or_else(|| verify_receipt(text, inputs))
    })
}

fn judge(receipt: &Path, judge: impl FnOnce(&[u8], &ReceiptInputs<'_>) -> Report) -> Report {
    let read = |name: &str| std::fs::read(receipt.join(name)).ok();
    let keys = read("jwks.json").or_else(|| read("acta-keys.json")).map(|text| KeySet::parse(&text).unwrap());
    let (predecessor, originating) = (read("predecessor.json"), read("originating_envelope.json"));
    let mut inputs = ReceiptInputs::new().at(Timestamp::parse_rfc3339(AT).unwrap());
    inputs.keys = keys.as_ref();
    inputs.predecessor = predecessor.as_deref();
    inputs.originating = originating.as_deref();
    #[cfg(feature = "anchors")]
    let (tsa_keys, headers) = (tsa_keys(receipt), block_headers(receipt));
    #[cfg(feature = "anchors")]
    {
        inputs.tsa_keys = tsa_keys.as_ref();
        inputs.block_headers = headers.as_ref();
    }
    judge(&read("receipt.json").unwrap(), &inputs)
}

/// The authorities that the corpus pins for a receipt.
#[cfg(feature = "anchors")]
fn tsa_keys(receipt: &Path) -> Option<asqav_receipt::anchor::TsaKeys> {
    let pem = std::fs::read(receipt.join("tsa_trust.pem")).ok()?;
    let mut keys = asqav_receipt::anchor::TsaKeys::new();
    keys.pin(&pem).unwrap();
    Some(keys)
}

#[cfg(feature = "anchors")]
fn block_headers(receipt: &Path) -> Option<asqav_receipt::anchor::BlockHeaders> {
    let headers = std::fs::read(receipt.join("bitcoin_headers.json")).ok()?;
    Some(asqav_receipt::anchor::BlockHeaders::parse(&headers).unwrap())
}

/// What the map calls an axis. Its `payload` is no axis of judgement: it says
/// whether the receipt has a `payload` object, which a flat one has not.
fn result<'a>(report: &'a Report, axis: &str) -> Option<&'a str> {
    if axis == "payload" {
        return Some(if report.subject.format.contains("flat") { "FAIL" } else { "PASS" });
    }
    report.axes.iter().find(|found| found.axis.as_str() == axis).map(|found| found.result.as_str())
}

#[test]
fn native_receipts_get_the_verdict_that_the_corpus_expects() {
    let Some(folder) = corpus() else { return };
    let (mut agreed, mut wrong, mut named) = (0, Vec::new(), 0);
    for (path, name, expected) in receipts(&folder) {
        if expected["format"] != "asqav-native" {
            continue;
        }
        let report = verify(&path);
        let class = report.verdict.failure_class().map(FailureClass::as_str);
        let known = OTHER_VERDICT.iter().any(|(other, _)| *other == name);
        if known {
            assert_eq!(report.verdict.as_str(), "verified", "{name}: {report:#?}");
        } else if expected["outcome"] != report.verdict.as_str()
            || expected.get("failure_class").is_some_and(|expected| expected.as_str() != class)
        {
            wrong.push(format!(
                "{name}: expected {expected}, got {:?} {:?} {:#?}",
                report.verdict, report.reason_code, report.problems
            ));
            continue;
        }
        agreed += 1;
        let reason = report.reason_code.map_or("", |reason| reason.as_str());
        named += usize::from(expected["reason_code"] == reason);
    }
    println!(
        "native receipts: {agreed} of 67 as expected ({} of them by a known difference), {named} with the corpus's reason code",
        OTHER_VERDICT.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(agreed, 67);
}

#[test]
fn native_receipts_get_the_axes_that_the_corpus_expects() {
    let Some(folder) = corpus() else { return };
    let map = json(&folder.join("requirement-map.json"));
    let (mut agreed, mut total, mut wrong) = (0, 0, Vec::new());
    let mut differences: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, axes) in map["axis_results"].as_object().unwrap() {
        let report = as_the_map_read(&folder.join(name));
        for (axis, expected) in axes.as_object().unwrap() {
            let expected = expected.as_str().unwrap();
            total += 1;
            let found = result(&report, axis);
            if found == Some(expected) {
                agreed += 1;
            } else if let Some(why) = other_axis(axis, expected) {
                *differences.entry(why).or_default() += 1;
            } else {
                wrong.push(format!("{name}: {axis} expected {expected}, got {found:?}"));
            }
        }
    }
    println!("axes: {agreed} of {total} as expected");
    for (why, count) in &differences {
        println!("  {count} differ: {why}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((total, agreed + differences.values().sum::<usize>()), (873, 873));
}

/// Two texts with a duplicate member have axes in the map; neither has any
/// verdict but this one.
#[test]
fn a_lenient_reading_is_never_a_verdict() {
    let Some(folder) = corpus() else { return };
    for name in ["asqav-11-dup-member-toplevel", "asqav-13-dup-member-nested"] {
        let report = as_the_map_read(&folder.join(name));
        assert_eq!(report.verdict.failure_class(), Some(FailureClass::Unverifiable), "{name}");
        assert_eq!(report.reason_code.unwrap().as_str(), "duplicate_member", "{name}");
        assert_eq!(report.verdict, verify(&folder.join(name)).verdict, "{name}");
    }
}

#[test]
fn the_statement_in_its_dsse_envelope_is_verified() {
    let Some(folder) = corpus() else { return };
    let folder = folder.join("dsse-attestation-ml-dsa-65");
    let report = verify(&folder);
    assert_eq!(json(&folder.join("expected.json"))["outcome"], "PASS");
    assert_eq!(report.verdict.as_str(), "verified", "{report:#?}");
    for vector in json(&folder.join("pae_kat.json"))["vectors"].as_array().unwrap() {
        let text = |name: &str| vector[name].as_str().unwrap();
        let encoded = pae(text("payloadType"), text("body").as_bytes());
        let hex: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, text("pae_hex"), "{vector}");
    }
}

/// The parent draft, verified for real with the feature `foreign-formats`.
#[test]
#[cfg(feature = "foreign-formats")]
fn receipts_of_the_parent_draft_get_the_verdict_that_the_corpus_expects() {
    let Some(folder) = corpus() else { return };
    let mut agreed = 0;
    for (path, name, expected) in receipts(&folder) {
        if expected["format"] != "acta" {
            continue;
        }
        let report = verify(&path);
        assert_eq!(report.subject.format, "acta", "{name}");
        assert_eq!(report.verdict.as_str(), expected["outcome"], "{name}: {report:#?}");
        let class = report.verdict.failure_class().map(FailureClass::as_str);
        assert_eq!(class, expected.get("failure_class").and_then(Value::as_str), "{name}: {report:#?}");
        let broken_link = report.reason_code.is_some_and(|reason| reason.as_str() == "chain");
        assert_eq!(broken_link, expected["reason_code"] == "chain", "{name}: {report:#?}");
        agreed += 1;
    }
    println!("acta: {agreed} of 9 as expected");
    assert_eq!(agreed, 9);
}

/// Signatures that other people's software made with ML-DSA-65: each holds,
/// and not with one byte changed.
#[test]
fn real_ml_dsa_signatures_hold_and_changed_ones_do_not() {
    let Some(folder) = corpus() else { return };
    let mut signatures = 0;
    for (path, name, _) in receipts(&folder) {
        let report = verify(&path);
        let holds = |report: &Report| {
            report.axis(Axis::Signature).is_some_and(|axis| axis.result == AxisResult::Pass)
        };
        if report.subject.alg.as_deref() != Some("ML-DSA-65") || !holds(&report) {
            continue;
        }
        signatures += 1;
        let text = std::fs::read_to_string(path.join("receipt.json")).unwrap();
        let signature = longest_base64(&text);
        for at in [0, signature.len() / 2] {
            let mut changed = signature.to_owned().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = text.replace(signature, &String::from_utf8(changed).unwrap());
            let report = judge(&path, |_, inputs| verify_receipt(changed.as_bytes(), inputs));
            assert!(!holds(&report), "{name}: {report:#?}");
        }
    }
    println!("{signatures} real ML-DSA-65 signatures");
    assert!(signatures >= 9, "{signatures}");
}

/// The signature is the longest text of the right length: 3,309 bytes.
fn longest_base64(text: &str) -> &str {
    text.split('"').find(|part| (4_412..=4_416).contains(&part.len())).unwrap()
}

/// The canonical forms that a peer of another format publishes, and the digests
/// of its receipts. Its two integers beyond 2^53−1 are no payload's numbers
/// here, and are compared as the doubles that they are there.
#[test]
fn canonical_forms_of_another_format_agree() {
    let Some(folder) = corpus() else { return };
    let path = folder.join("agentreceipts-upstream-interop/canonicalization_vectors.json");
    let text = std::fs::read(path).unwrap();
    let file: Value = serde_json::from_slice(&text).unwrap();
    let mut agreed = 0;
    for vector in file["canonicalization_vectors"].as_array().unwrap() {
        let input = vector["input"].to_string();
        let json = Json::parse(input.as_bytes()).unwrap_or_else(|_| Json::Float(input.parse().unwrap()));
        let canonical = canonical::to_vec(&json);
        assert_eq!(
            String::from_utf8_lossy(&canonical),
            vector["canonical"].as_str().unwrap(),
            "{}",
            vector["name"]
        );
        if let Some(expected) = vector["expectedHash"].as_str() {
            assert_eq!(Sha256Digest::of(&canonical).to_tagged(), expected, "{}", vector["name"]);
        }
        agreed += 1;
    }
    assert_eq!(agreed, 32);
    let mut digests = 0;
    for vector in file["receipt_hash_vectors"].as_array().unwrap() {
        // The others are about what that format does before it canonicalises.
        let (false, Some(expected)) =
            (vector["preNormalizationInput"] == true, vector["expectedHash"].as_str())
        else {
            continue;
        };
        let Some(expected) = expected.strip_prefix("sha256:") else { continue };
        let mut receipt = vector["receipt"].clone();
        receipt.as_object_mut().unwrap().remove("proof");
        let json = Json::parse(receipt.to_string().as_bytes()).unwrap();
        assert_eq!(Sha256Digest::of(&canonical::to_vec(&json)).to_hex(), expected, "{}", vector["name"]);
        digests += 1;
    }
    println!("{agreed} canonical forms and {digests} digests as published");
    assert_eq!(digests, 4);
}

#[test]
fn other_formats_are_recognised_and_left_alone() {
    let Some(folder) = corpus() else { return };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (path, name, expected) in receipts(&folder) {
        let format = expected["format"].as_str().unwrap();
        let verified = ["asqav-native", "dsse-attestation"].contains(&format);
        if verified || (cfg!(feature = "foreign-formats") && format == "acta") {
            continue;
        }
        let report = verify(&path);
        assert_eq!(report.verdict.failure_class(), Some(FailureClass::Unverifiable), "{name}: {report:#?}");
        let reason = report.reason_code.unwrap().as_str();
        // A text with a duplicate member has no format.
        if reason != "duplicate_member" {
            assert_eq!(reason, "format_not_supported", "{name}: {report:#?}");
            let found = report.subject.format;
            assert!(format.starts_with(found), "{name}: {format} taken for {found}");
        }
        *counts.entry(format.to_owned()).or_default() += 1;
    }
    println!("formats recognised and not supported: {counts:?}");
    let acta = if cfg!(feature = "foreign-formats") { 9 } else { 0 };
    assert_eq!(counts.values().sum::<usize>() + acta, 51);
}
