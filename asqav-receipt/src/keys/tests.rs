use super::*;
use crate::suite::{ED25519, ML_DSA_65};

fn entry(byte: u8, kid: &str, agent: &str) -> KeyEntry {
    KeyEntry::active(&ML_DSA_65, &[byte; 1_952], kid, "issuer", agent).unwrap()
}

#[test]
fn a_set_is_read_back_as_it_was_written() {
    let mut limited = entry(1, "k1", "a");
    limited.from_seq = Some(5);
    limited.status = KeyStatus::Revoked;
    limited.revoked_at =
        Some(crate::time::Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").map_err(|_| String::new()));
    let set = KeySet::new(vec![limited, entry(2, "k2", "b")]);
    let text = set.to_json();
    let read = KeySet::parse(&text).unwrap();
    assert_eq!(read.to_json(), text);
    assert_eq!(read.entries()[0].thumbprint(), set.entries()[0].thumbprint());
    assert_eq!(read.entries()[0].from_seq, Some(5));
    assert_eq!(read.entries()[0].status, KeyStatus::Revoked);
}

#[test]
fn disagreeing_spellings_of_one_key_make_it_unusable() {
    let text = String::from_utf8(KeySet::new(vec![entry(1, "k", "a")]).to_json()).unwrap();
    let other = String::from_utf8(KeySet::new(vec![entry(2, "k", "a")]).to_json()).unwrap();
    let key =
        |text: &str| Json::parse(text.as_bytes()).unwrap().as_object().unwrap().get("keys").unwrap().clone();
    let public = |text: &str, name: &str| {
        key(text).as_array().unwrap()[0].as_object().unwrap().get(name).unwrap().as_str().unwrap().to_owned()
    };
    let mixed = text.replacen(&public(&text, "pub"), &public(&other, "pub"), 1);
    let set = KeySet::parse(mixed.as_bytes()).unwrap();
    assert!(set.entries()[0].key().unwrap_err().contains("disagree"));
    assert!(set.resolve(entry(1, "k", "a").thumbprint(), Some("k"), None, None).is_none());
}

#[test]
fn the_signed_thumbprint_overrules_the_key_id() {
    let set = KeySet::new(vec![entry(1, "k1", "a"), entry(2, "k2", "a")]);
    let second = set.entries()[1].thumbprint().unwrap();
    let (found, by) = set.resolve(Some(second), Some("k1"), None, None).unwrap();
    assert_eq!((found.kid.as_deref(), by), (Some("k2"), FoundBy::Thumbprint));
    let stranger = Sha256Digest::of(b"stranger");
    assert!(set.resolve(Some(&stranger), Some("k1"), Some("a"), Some("issuer")).is_none());
}

#[test]
fn agent_and_issuer_find_a_key_only_if_it_is_the_only_one() {
    let set = KeySet::new(vec![entry(1, "k1", "a"), entry(2, "k2", "b"), entry(3, "k3", "b")]);
    let find = |agent| {
        set.resolve(None, Some("other"), Some(agent), Some("issuer")).map(|(entry, _)| entry.kid.clone())
    };
    assert_eq!(find("a"), Some(Some("k1".to_owned())));
    assert_eq!(find("b"), None);
    assert!(set.resolve(None, None, Some("a"), Some("another issuer")).is_none());
}

#[test]
fn odd_entries_do_not_break_the_set() {
    let set = KeySet::parse(br#"{"keys":[{"kty":"RSA"},{"alg":"ML-DSA-65","pub":"AAAA","kid":"k"},{"alg":"Ed25519","kid":"e","public_key":"D2Giy5pvLMtoWzbwo6rV6lVV32saRd+fZLA35CaiiSM=","from_seq":"1"}]}"#).unwrap();
    assert_eq!(set.entries().len(), 3);
    assert!(set.entries().iter().all(|entry| entry.key().is_err()));
    assert_eq!(KeySet::parse(b"{}").unwrap_err(), KeySetError::Shape);
    assert_eq!(KeySet::parse(br#"{"keys":{}}"#).unwrap_err(), KeySetError::Shape);
    assert!(KeySet::parse(br#"{"keys":[],"keys":[]}"#).is_err());
    assert_eq!(ED25519.public_key_len, 32);
}

/// An odd neighbour must not hide a good key.
#[test]
fn unusable_entries_are_passed_over() {
    let good = String::from_utf8(KeySet::new(vec![entry(1, "k", "a")]).to_json()).unwrap();
    let good = good.trim_end().strip_prefix("{\"keys\":[").unwrap().strip_suffix("]}").unwrap();
    let set = |odd: &str| KeySet::parse(format!("{{\"keys\":[{odd},{good}]}}").as_bytes()).unwrap();
    let stub = r#"{"kid":"k","agent_id":"a","issuer_id":"issuer","alg":"ML-DSA-65"}"#;
    for odd in ["1", "null", "[]", "\"k\"", stub] {
        let set = set(odd);
        let thumbprint = entry(1, "k", "a").thumbprint().copied();
        for (thumbprint, kid, by) in [
            (thumbprint.as_ref(), None, FoundBy::Thumbprint),
            (None, Some("k"), FoundBy::KeyId),
            (None, None, FoundBy::AgentAndIssuer),
        ] {
            let (found, found_by) = set.resolve(thumbprint, kid, Some("a"), Some("issuer")).unwrap();
            assert_eq!(
                (found.thumbprint().copied(), found_by),
                (entry(1, "k", "a").thumbprint().copied(), by)
            );
        }
    }
}

#[test]
fn an_algorithm_does_not_go_with_every_key_type() {
    let text = String::from_utf8(KeySet::new(vec![entry(1, "k", "a")]).to_json()).unwrap();
    for (from, to) in [("\"AKP\"", "\"OKP\""), ("\"AKP\"", "1"), ("ML-DSA-65", "Ed25519")] {
        let set = KeySet::parse(text.replacen(from, to, 1).as_bytes()).unwrap();
        assert!(set.entries()[0].key().is_err(), "{from} as {to}");
    }
    let without = KeySet::parse(text.replacen("\"kty\":\"AKP\",", "", 1).as_bytes()).unwrap();
    assert!(without.entries()[0].key().is_ok(), "`kty` may be absent");
}
