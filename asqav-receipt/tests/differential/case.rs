//! What both verifiers are given, and where it begins.

use std::path::Path;

use asqav_receipt::base64url;
use asqav_receipt::digest::Sha256Digest;
use serde_json::{Value, json};

use crate::support::foreign::{self, canonical_bytes};
use crate::support::log::Writer;
use crate::support::{AGENT, Key};

/// The files of one verification, as texts.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// Where it comes from and what was done to it.
    pub name: String,
    pub receipt: String,
    pub jwks: String,
    pub predecessor: Option<String>,
    pub originating: Option<String>,
    pub tsa_keys: Vec<String>,
    pub bitcoin_headers: Option<String>,
    /// Whether its payload can be signed again after a change.
    pub ours_to_sign: bool,
}

/// The key of the receipts that the tests sign.
pub fn key() -> Key {
    Key::new(1, "finance-1")
}

/// Every native receipt of the corpus, and receipts that the tests sign.
pub fn bases(corpus: &Path) -> Vec<Case> {
    let mut bases = corpus_cases(corpus);
    bases.extend(signed_cases());
    bases
}

fn corpus_cases(corpus: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(corpus).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let read = |file: &str| std::fs::read_to_string(dir.join(file)).ok();
        let (true, Some(receipt)) = (name.starts_with("asqav-"), read("receipt.json")) else { continue };
        // A repeated member has no tree to mutate.
        if asqav_receipt::json::Json::parse(receipt.as_bytes()).is_err() {
            continue;
        }
        cases.push(Case {
            name,
            receipt,
            jwks: read("jwks.json").unwrap_or_else(|| "{\"keys\":[]}".to_owned()),
            predecessor: read("predecessor.json"),
            originating: read("originating_envelope.json"),
            tsa_keys: read("tsa_trust.pem").into_iter().collect(),
            bitcoin_headers: read("bitcoin_headers.json"),
            ours_to_sign: false,
        });
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    cases
}

fn signed_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, payload: &Value, predecessor: Option<&Value>| {
        cases.push(Case {
            name: format!("signed: {name}"),
            receipt: foreign::envelope(&key(), payload).to_string(),
            jwks: json!({ "keys": [entry(payload)] }).to_string(),
            predecessor: predecessor.map(Value::to_string),
            ours_to_sign: true,
            ..Case::default()
        });
    };
    for (name, payload) in payloads() {
        add(&name, &payload, None);
    }
    let first = foreign::payload();
    let mut second = foreign::payload();
    second["previousReceiptHash"] = json!(Sha256Digest::of(&canonical_bytes(&first)).to_hex());
    (second["seq"], second["nonce"]) = (json!(2), json!("second"));
    add("successor", &second, Some(&first));
    let mut writer = Writer::started();
    let decision = writer.allow();
    writer.outcome(&decision);
    writer.deny();
    let payloads: Vec<Value> =
        writer.payloads.iter().map(|payload| serde_json::from_slice(payload).unwrap()).collect();
    for (at, payload) in payloads.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| &payloads[before]);
        add(&format!("asqav {}", at + 1), payload, before);
    }
    cases
}

/// Payloads of every type and with every optional member.
fn payloads() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for kind in [
        "protectmcp:decision",
        "protectmcp:observation",
        "protectmcp:observation:result_bound",
        "protectmcp:lifecycle",
        "protectmcp:lifecycle:configuration_change",
        "protectmcp:acknowledgment",
        "protectmcp:restraint",
        "other:type",
    ] {
        let mut payload = foreign::payload();
        payload["type"] = json!(kind);
        all.push((kind.to_owned(), payload));
    }
    for (name, value) in [
        ("seq", json!(7)),
        ("v", json!(2)),
        ("decision", json!("deny")),
        ("decision", json!("rate_limit")),
        ("decision", json!("observation")),
        ("reason", json!("policy")),
        ("expires_at", json!("2030-01-01T00:00:00Z")),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
        ("key_thumbprint", json!(key().thumbprint().to_tagged())),
        ("controls_evaluated", json!({"policy": {"evaluated": true, "matched_count": 1}})),
        ("controls_evaluated", json!({"quorum": {"evaluated": true, "matched_count": 0}})),
        ("hash_algo", json!("hmac-sha256")),
        ("hash_algo", json!("SHA256")),
        ("capture_topology", json!("passive_telemetry")),
        ("supersedes", json!("act_other")),
        ("org_id", json!("org")),
        ("result_digest", json!(format!("sha256:{}", "1".repeat(64)))),
        ("invocation_ref", json!(format!("sha256:{}", "2".repeat(64)))),
        ("session_id", json!("s-1")),
        ("counterparty_binding", json!({"receipt_ref": "act_1", "envelope_hash": "AAAA"})),
    ] {
        let mut payload = foreign::payload();
        payload[name] = value;
        all.push((name.to_owned(), payload));
    }
    all
}

/// The key as its issuer publishes it, in both spellings.
fn entry(payload: &Value) -> Value {
    let key = key();
    json!({
        "kty": "AKP",
        "alg": "ML-DSA-65",
        "pub": base64url::encode(&key.public_key),
        "public_key": base64url::encode_standard(&key.public_key),
        "kid": key.kid,
        "issuer_id": payload["issuer_id"],
        "agent_id": if payload["asqav"].is_object() { json!(AGENT) } else { payload["agent_id"].clone() },
        "status": "active",
    })
}
