//! What the fuzz targets share: the receipts and the log that they start from,
//! and what must hold whatever the bytes are.

#[path = "../../asqav-receipt/tests/support/mod.rs"]
pub mod support;

use std::sync::LazyLock;

use asqav_receipt::base64url;
use asqav_receipt::canonical;
use asqav_receipt::delegation::{Delegate, Delegation, Restriction, SignedDelegation, Test};
use asqav_receipt::digest::{Sha3Digest, encode_hex};
use asqav_receipt::dsse::{Envelope, EnvelopeSignature, IN_TOTO};
use asqav_receipt::glob::Glob;
use asqav_receipt::id::{AgentId, IssuerId, Nonce};
use asqav_receipt::json::Json;
use asqav_receipt::json::python::Value as PythonValue;
use asqav_receipt::keys::KeySet;
use asqav_receipt::statement::Statement;
use asqav_receipt::time::Timestamp;
use asqav_receipt::verify::{Axis, AxisResult, ReceiptInputs, Report, Verdict, verify_receipt};
use serde_json::{Value, json};
use support::log::{Segment, Writer};
use support::{Key, foreign, now};

/// A line of a log file that is a segment's header begins with this.
pub const HEADER: u8 = b'#';

/// The key of every receipt that can be verified here.
pub fn key() -> Key {
    Key::new(1, "finance-1")
}

/// The key, pinned for the agents that the receipts name.
pub fn pinned() -> KeySet {
    let mut entry = foreign::jwk(&key());
    let mut other = entry.clone();
    entry["agent_id"] = json!(support::AGENT);
    other["agent_id"] = json!("agt_demo");
    foreign::keys(&[entry, other])
}

/// A sound log of two segments.
pub fn log() -> Vec<Segment> {
    let mut writer = Writer::started();
    writer.call();
    let session = writer.open_session("s-1");
    writer.step(&session);
    writer.close_session(&session);
    writer.seal();
    writer.deny();
    writer.call();
    writer.stop();
    writer.files()
}

/// Sound receipts: of the log, and as other issuers write them.
pub fn receipts() -> Vec<Vec<u8>> {
    let mut receipts: Vec<_> = log().into_iter().flat_map(|segment| segment.lines).collect();
    receipts.push(foreign::envelope(&key(), &foreign::payload()).to_string().into_bytes());
    receipts
}

/// A sound chain of two delegation tokens.
pub fn chain() -> Vec<u8> {
    let time = |text: &str| Timestamp::parse_rfc3339(text).expect("a time");
    let next = Key::new(2, "finance-1");
    let mut delegation = Delegation {
        id: Nonce::from_bytes([1; 12]),
        issuer: IssuerId::parse(support::ISSUER).expect("an issuer"),
        suite: "ML-DSA-65",
        key_thumbprint: key().thumbprint(),
        public_key: None,
        delegate: Delegate {
            agent: AgentId::parse("agent-1").expect("an agent"),
            key: Some(next.thumbprint()),
        },
        tools: vec![Glob::parse("ledger:*").expect("a pattern")],
        when: vec![Restriction { pointer: "/amount".to_owned(), tests: vec![Test::AtMost(100)] }],
        not_before: time("2026-05-01T00:00:00Z"),
        expires_at: time("2026-07-01T00:00:00Z"),
        depth: 2,
        parent: None,
    };
    let first =
        SignedDelegation { sig: key().sign(&delegation.signing_bytes()), delegation: delegation.clone() };
    delegation.issuer = IssuerId::parse("agent-1").expect("an issuer");
    (delegation.key_thumbprint, delegation.public_key) = (next.thumbprint(), Some(next.public_key.clone()));
    (delegation.parent, delegation.depth) = (Some(first.digest()), 1);
    delegation.tools = vec![Glob::parse("ledger:post").expect("a pattern")];
    let second = SignedDelegation { sig: next.sign(&delegation.signing_bytes()), delegation };
    [first.to_canonical(), b"\n".to_vec(), second.to_canonical(), b"\n".to_vec()].concat()
}

/// A sound statement about a receipt, in its envelope.
pub fn statement() -> Vec<u8> {
    let receipt = foreign::envelope(&key(), &foreign::payload()).to_string();
    let statement = Statement::about(receipt.as_bytes()).expect("a sound receipt");
    let body = statement.to_canonical();
    let mut envelope = Envelope { payload_type: IN_TOTO.to_owned(), body, signatures: vec![] };
    let sig = key().sign(&envelope.signed_bytes());
    envelope.signatures.push(EnvelopeSignature { keyid: None, sig });
    canonical::to_vec(&envelope.to_json())
}

/// A sound receipt with an anchor of this kind and value.
pub fn anchored(kind: &str, value: &[u8]) -> Vec<u8> {
    static RECEIPT: LazyLock<Value> = LazyLock::new(|| foreign::envelope(&key(), &foreign::payload()));
    let mut receipt = RECEIPT.clone();
    receipt["anchors"] = json!([{"type": kind, "value": base64url::encode_standard(value)}]);
    receipt.to_string().into_bytes()
}

/// Verifies with everything given; checks what holds for every report.
pub fn verify(receipt: &[u8], inputs: &ReceiptInputs<'_>) -> Report {
    let report = verify_receipt(receipt, inputs);
    assert_eq!(report, verify_receipt(receipt, inputs), "the same bytes, the same report");
    assert_eq!(report.axes.len(), Axis::ALL.len());
    assert_eq!(report.problems.is_empty(), report.reason_code.is_none());
    if is_verified(&report) {
        for axis in [Axis::Structure, Axis::IssuerKey, Axis::IssuerBind, Axis::KeyStatus, Axis::Signature] {
            assert_eq!(report.axis(axis).map(|axis| axis.result), Some(AxisResult::Pass), "{report:?}");
        }
    }
    let text = canonical::to_vec(&report.to_json());
    assert!(Json::parse(&text).is_ok(), "a report is JSON");
    report
}

/// The inputs of every target: the pinned key and the time.
pub fn inputs(keys: &KeySet) -> ReceiptInputs<'_> {
    ReceiptInputs::new().keys(keys).at(now())
}

pub fn is_verified(report: &Report) -> bool {
    matches!(report.verdict, Verdict::Verified | Verdict::VerifiedKeyed)
}

/// The payload of a receipt, canonical.
pub fn payload(receipt: &[u8]) -> Option<Vec<u8>> {
    let json = Json::parse(receipt).ok()?;
    json.as_object()?.get("payload").map(canonical::to_vec)
}

/// The log as one file: its lines, and each header as a line of its own.
pub fn log_file(segments: &[Segment]) -> Vec<u8> {
    let mut file = Vec::new();
    for segment in segments {
        for line in &segment.lines {
            file.extend_from_slice(line);
            file.push(b'\n');
        }
        if let Some(header) = &segment.header {
            file.push(HEADER);
            file.extend_from_slice(header);
        }
    }
    file
}

/// The members of a JSON object in the corpus, as text.
pub fn member(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

/// A sound log of pqc-audit-log-fs, one segment of one event, as one file like
/// [`log_file`].
pub fn audit_log() -> Vec<u8> {
    let event = json!({
        "event_id": "urn:pqc-audit-evt:1", "timestamp": "2026-01-01T00:00:00+00:00",
        "model_did": "did:pqaid:model", "model_version": "1", "input_hash": "", "output_hash": "",
        "reasoning_chain_hash": "", "decision_type": "tool_call", "decision_label": "allow",
        "actor_did": "", "session_id": "", "metadata": {"cost": 0.5, "big": 1e22},
    });
    let event = PythonValue::parse(event.to_string().as_bytes()).expect("JSON").sorted();
    let inner = Sha3Digest::of(&event);
    let root = Sha3Digest::of_parts(&[&[0], inner.as_bytes()]);
    let mut header = json!({
        "segment_id": "segment-00001", "segment_number": 1, "created_at": "2026-01-01T00:00:00+00:00",
        "sealed_at": "2026-01-01T00:00:01+00:00", "event_count": 1, "merkle_root": root.to_hex(),
        "previous_segment_root": "", "log_id": "urn:pqc-audit-log:1",
    });
    let signed = PythonValue::parse(header.to_string().as_bytes()).expect("JSON").sorted();
    let key = key();
    header["signature"] = encode_hex(&key.sign(Sha3Digest::of(&signed).as_bytes())).into();
    header["public_key"] = encode_hex(&key.public_key).into();
    header["signer_did"] = format!("did:pqaid:{}", Sha3Digest::of(&key.public_key).to_hex()).into();
    header["algorithm"] = "ML-DSA-65".into();
    let header = header.to_string();
    [event.as_slice(), b"\n", &[HEADER], header.as_bytes()].concat()
}
