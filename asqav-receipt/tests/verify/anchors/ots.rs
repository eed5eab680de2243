//! OpenTimestamps proofs, and the block headers that they end in.

use asqav_receipt::anchor::{BlockHeaders, BlockHeadersError};
use asqav_receipt::digest::{Sha256Digest, encode_hex};
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt};
use serde_json::{Value, json};

use super::{anchored, key, with_anchor};
use crate::Verdicts as _;
use crate::support::foreign::{envelope, jwk, keys, payload};
use crate::support::now;

/// A header of the least difficulty over `root`, found by trying.
fn mined(root: &[u8; 32]) -> [u8; 80] {
    let mut header = [0; 80];
    header[0] = 1;
    header[36..68].copy_from_slice(root);
    // 2026-05-04T12:10:00Z, and a target that every second hash meets.
    header[68..72].copy_from_slice(&1_777_896_600_u32.to_le_bytes());
    header[72..76].copy_from_slice(&0x207f_ffff_u32.to_le_bytes());
    for nonce in 0..1_000_u32 {
        header[76..].copy_from_slice(&nonce.to_le_bytes());
        let hash = Sha256Digest::of(Sha256Digest::of(&header).as_bytes());
        if hash.as_bytes()[31] < 0x7f {
            return header;
        }
    }
    panic!("no header found");
}

/// A proof over `digest`, and what it leads to.
fn proof(digest: &Sha256Digest, height: u8) -> (Vec<u8>, [u8; 32]) {
    let root = Sha256Digest::of(&[b"before", digest.as_bytes().as_slice(), b"after"].concat());
    let proof = [
        b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08".as_slice(),
        digest.as_bytes(),
        b"\xf0\x05after\xf1\x06before\x08",
        // A calendar that only promises, then the block.
        b"\xff\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x03url",
        b"\x00\x05\x88\x96\x0d\x73\xd7\x19\x01\x01",
        &[height],
    ]
    .concat();
    (proof, *root.as_bytes())
}

fn verify_proof(proof: &[u8], headers: Option<&BlockHeaders>) -> Report {
    let receipt = with_anchor("opentimestamps", proof);
    let keys = keys(&[jwk(&key())]);
    let mut inputs = ReceiptInputs::new().keys(&keys).at(now()).require_anchor(true);
    inputs.block_headers = headers;
    verify_receipt(receipt.to_string().as_bytes(), &inputs)
}

#[test]
fn a_proof_that_ends_in_a_given_block_proves_its_time() {
    let digest = Sha256Digest::of(&anchored(&envelope(&key(), &payload())));
    let (sound, root) = proof(&digest, 7);
    let headers = |height: &str, header: &[u8]| {
        BlockHeaders::parse(json!({height: encode_hex(header)}).to_string().as_bytes())
    };
    let header = mined(&root);
    let given = headers("7", &header).unwrap();
    let report = verify_proof(&sound, Some(&given));
    report.verified();
    let note = &report.axis(Axis::Anchors).unwrap().note;
    assert!(note.contains("in Bitcoin block 7, so no later than 2026-05-04T14:10:00"), "{note}");

    verify_proof(&sound, None).unverifiable(ReasonCode::AnchorUnchecked);
    verify_proof(&sound, Some(&headers("8", &header).unwrap())).unverifiable(ReasonCode::AnchorUnchecked);
    verify_proof(&sound, Some(&headers("7", &mined(&[3; 32])).unwrap())).invalid(ReasonCode::AnchorInvalid);
    let (other, _) = proof(&Sha256Digest::of(b"another receipt"), 7);
    verify_proof(&other, Some(&given)).invalid(ReasonCode::AnchorInvalid);
    for at in 33..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 1;
        let proven =
            verify_proof(&changed, Some(&given)).axis(Axis::Anchors).unwrap().result == AxisResult::Pass;
        // The promise of the calendar decides nothing.
        let promise = sound.len() - 24..sound.len() - 11;
        assert!(!proven || promise.contains(&at), "byte {at}");
    }
}

#[test]
fn a_proof_that_cannot_be_followed_is_unchecked() {
    let digest = Sha256Digest::of(&anchored(&envelope(&key(), &payload())));
    let (sound, root) = proof(&digest, 7);
    let given = BlockHeaders::parse(json!({"7": encode_hex(&mined(&root))}).to_string().as_bytes()).unwrap();
    verify_proof(&sound, Some(&given)).verified();
    let head = &sound[..65];
    for tail in [
        b"".to_vec(),
        b"\x67".to_vec(),
        b"\xff\xff\x00".to_vec(),
        b"\x08".repeat(5_000),
        b"\xff\x08".repeat(5_000),
        [b"\xf0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".as_slice(), b"x"].concat(),
        [b"\xf0\x80\x20".as_slice(), &[0; 4_096]].concat(),
        // Only a promise.
        b"\x00\x83\xdf\xe3\x0d\x2e\xf9\x0c\x8e\x00".to_vec(),
        [&sound[65..], b"\0"].concat(),
    ] {
        verify_proof(&[head, &tail].concat(), Some(&given)).unverifiable(ReasonCode::AnchorUnchecked);
    }
    let mut other_version = sound.clone();
    other_version[31] = 2;
    verify_proof(&other_version, Some(&given)).unverifiable(ReasonCode::AnchorUnchecked);
}

#[test]
fn a_header_shows_its_own_work() {
    let header = mined(&[3; 32]);
    let parse = |value: Value| BlockHeaders::parse(json!({ "7": value }).to_string().as_bytes());
    let display = |bytes: &[u8]| encode_hex(&bytes.iter().rev().copied().collect::<Vec<_>>());
    let hash = Sha256Digest::of(Sha256Digest::of(&header).as_bytes());
    let fields = json!({
        "version": 1,
        "previousblockhash": display(&header[4..36]),
        "merkle_root": display(&header[36..68]),
        "time": "2026-05-04T12:10:00Z",
        "bits": 0x207f_ffff,
        "nonce": u32::from_le_bytes(header[76..].try_into().unwrap()),
        "hash": display(hash.as_bytes()),
    });
    assert_eq!(parse(fields.clone()), parse(json!(encode_hex(&header))), "both forms say the same");
    assert!(parse(fields.clone()).is_ok());
    for (name, value, error) in [
        ("hash", json!("0".repeat(64)), BlockHeadersError::Work("7".to_owned())),
        ("hash", json!(1), BlockHeadersError::Work("7".to_owned())),
        ("nonce", json!("1"), BlockHeadersError::Header("7".to_owned())),
        ("merkle_root", json!("00"), BlockHeadersError::Header("7".to_owned())),
        // The hardest target: this header has not done that work.
        ("bits", json!(0x0301_0000), BlockHeadersError::Work("7".to_owned())),
        ("bits", json!(0x2080_0000), BlockHeadersError::Work("7".to_owned())),
        ("bits", json!(0x2100_00ff), BlockHeadersError::Work("7".to_owned())),
        ("bits", json!(0x2000_0000), BlockHeadersError::Work("7".to_owned())),
    ] {
        let mut changed = fields.clone();
        changed[name] = value;
        if name == "bits" {
            changed.as_object_mut().unwrap().remove("hash");
        }
        assert_eq!(parse(changed), Err(error), "{name}");
    }
    let mut missing = fields;
    missing.as_object_mut().unwrap().remove("nonce");
    assert_eq!(parse(missing), Err(BlockHeadersError::Header("7".to_owned())));
    assert_eq!(BlockHeaders::parse(b"[]"), Err(BlockHeadersError::Shape));
    assert_eq!(BlockHeaders::parse(b"{\"x\":\"\"}"), Err(BlockHeadersError::Shape));
    assert!(matches!(BlockHeaders::parse(b"{\"7\":1,\"7\":2}"), Err(BlockHeadersError::Json(_))));
}
