//! Receipts as other issuers write them.

use asqav_receipt::json::Json;
use asqav_receipt::keys::KeySet;
use asqav_receipt::{base64url, canonical};
use serde_json::{Value, json};

use super::{ISSUER, Key};

/// A sound payload without members of ours.
pub fn payload() -> Value {
    let context = json!({"subject": "demo", "amount": 3});
    let encoded = canonical_bytes(&context);
    let digest = asqav_receipt::digest::Sha256Digest::of(&encoded).to_hex();
    json!({
        "v": 1,
        "mode": "payload",
        "type": "protectmcp:decision",
        "issued_at": "2026-05-04T12:00:00+00:00",
        "issuer_id": ISSUER,
        "agent_id": "agt_demo",
        "action_id": "act_demo",
        "action_ref": format!("sha256:{digest}"),
        "context": context,
        "payload_digest": {"hash": digest, "size": encoded.len()},
        "policy_digest": format!("sha256:{}", "9".repeat(64)),
        "previousReceiptHash": "0".repeat(64),
        "decision": "allow",
        "nonce": "6d33b7a4452cd93eb5d787c1",
    })
}

pub fn canonical_bytes(value: &Value) -> Vec<u8> {
    canonical::to_vec(&Json::parse(value.to_string().as_bytes()).unwrap())
}

/// The payload in a signed envelope.
pub fn envelope(key: &Key, payload: &Value) -> Value {
    let sig = base64url::encode(&key.sign(&canonical_bytes(payload)));
    json!({"payload": payload, "signature": {"alg": "ML-DSA-65", "kid": key.kid, "sig": sig}})
}

/// A JWKS entry of the key, as text members.
pub fn jwk(key: &Key) -> Value {
    json!({
        "kty": "AKP",
        "alg": "ML-DSA-65",
        "pub": base64url::encode(&key.public_key),
        "kid": key.kid,
        "issuer_id": ISSUER,
        "status": "active",
    })
}

pub fn keys(entries: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": entries }).to_string().as_bytes()).unwrap()
}
