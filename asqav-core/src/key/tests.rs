use asqav_receipt::suite::VerifyingKey;

use super::*;

/// RFC 9881 appendix C.1.2: the seed-only example key, of the seed 00 01 … 1f.
const RFC_9881_SEED: [u8; 32] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
    29, 30, 31,
];
const RFC_9881_PEM: &str = "-----BEGIN PRIVATE KEY-----
MDQCAQAwCwYJYIZIAWUDBAMSBCKAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ
GhscHR4f
-----END PRIVATE KEY-----
";

fn accepts(key: &dyn Signer, message: &[u8], signature: &[u8]) -> bool {
    let verifying = VerifyingKey::new(&ML_DSA_65, key.public_key()).unwrap();
    verifying.verifies(message, signature)
}

/// The same key with each of the backends.
fn backends(seed: u8) -> Vec<Box<dyn Signer>> {
    vec![
        Box::new(SigningKey::from_seed(&[seed; 32])),
        #[cfg(feature = "aws-lc")]
        Box::new(AwsLcSigner::new(&SigningKey::from_seed(&[seed; 32])).unwrap()),
    ]
}

#[test]
fn the_standards_example_key_is_read_and_written() {
    let key = SigningKey::from_pkcs8_pem(RFC_9881_PEM).unwrap();
    assert_eq!(key.public_key(), SigningKey::from_seed(&RFC_9881_SEED).public_key());
    assert_eq!(*key.to_pkcs8_pem(), RFC_9881_PEM);
}

#[test]
fn signatures_are_hedged_and_hold_for_the_message_alone() {
    for key in backends(7) {
        let (one, two) = (key.sign(b"{\"a\":1}").unwrap(), key.sign(b"{\"a\":1}").unwrap());
        assert_ne!(one, two, "the same message twice, signed with fresh randomness");
        assert_eq!(one.len(), 3_309);
        for signature in [&one, &two] {
            assert!(accepts(&*key, b"{\"a\":1}", signature));
            assert!(!accepts(&*key, b"{\"a\":2}", signature));
        }
        assert!(!accepts(&SigningKey::from_seed(&[8; 32]), b"{\"a\":1}", &one));
    }
}

#[test]
fn backends_are_one_key() {
    let named = SigningKey::from_seed(&[7; 32]).with_key_id(KeyId::parse("agent-key-1").unwrap());
    let mut all = backends(7);
    #[cfg(feature = "aws-lc")]
    assert_eq!(AwsLcSigner::new(&named).unwrap().key_id(), named.key_id());
    all.push(Box::new(named));
    for key in &all {
        assert_eq!(key.algorithm(), "ML-DSA-65");
        assert_eq!(key.public_key(), all[0].public_key());
        assert_eq!(key.thumbprint(), all[0].thumbprint());
    }
}

#[test]
fn foreign_bytes_are_not_signed() {
    let keys = backends(7);
    for foreign in [
        &b""[..],
        b"[]",
        b" {}",
        b"asqav/segment/v1",
        b"asqav/segment/v1{}",
        b"asqav/checkpoint/v1{}",
        b"asqav/segment/v10\0{}",
        b"\0",
        b"DSSEv1 2 {} 2 {}",
        b"DSSEv1 29 application/vnd.in-toto+json2 2 {}",
    ] {
        for key in &keys {
            assert_eq!(key.sign(foreign).unwrap_err(), SignError::Foreign, "{foreign:?}");
        }
    }
    for ours in [
        &b"{"[..],
        b"asqav/segment/v1\0{}",
        b"asqav/checkpoint/v1\0{}",
        b"DSSEv1 28 application/vnd.in-toto+json 2 {}",
    ] {
        for key in &keys {
            assert!(accepts(&**key, ours, &key.sign(ours).unwrap()), "{ours:?}");
        }
    }
}

#[test]
fn a_key_is_named_by_its_thumbprint_unless_told_otherwise() {
    let key = SigningKey::from_seed(&[7; 32]);
    assert_eq!(*key.thumbprint(), ML_DSA_65.thumbprint(key.public_key()));
    assert_eq!(key.key_id().as_str(), key.thumbprint().to_hex());
    let named = key.with_key_id(KeyId::parse("agent-key-1").unwrap());
    assert_eq!(named.key_id().as_str(), "agent-key-1");
    assert_ne!(SigningKey::generate().unwrap().public_key(), SigningKey::generate().unwrap().public_key());
}

#[test]
fn other_keys_are_told_apart() {
    // Ed25519, from RFC 8410 §10.3.
    let ed25519 = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
    let found = KeyError::Suite { found: "1.3.101.112".to_owned() };
    assert_eq!(SigningKey::from_pkcs8_pem(ed25519).unwrap_err(), found);

    let public = RFC_9881_PEM.replace("PRIVATE", "PUBLIC");
    let cut = RFC_9881_PEM.replace("GhscHR4f\n", "");
    for wrong in ["", "no key", &public, &cut] {
        let error = SigningKey::from_pkcs8_pem(wrong).unwrap_err();
        assert!(matches!(error, KeyError::Form(_)), "{wrong:?}: {error:?}");
    }
    // The same document with the tag of the expanded form in place of the seed's.
    let expanded = RFC_9881_PEM.replace("BCKAIAAB", "BCIEIAAB");
    let error = SigningKey::from_pkcs8_pem(&expanded).unwrap_err();
    assert!(matches!(error, KeyError::NotSeed(_)), "{error:?}");
}

#[test]
fn nothing_printed_holds_the_secret() {
    let key = SigningKey::from_seed(&[0xa7; 32]).with_key_id(KeyId::parse("k").unwrap());
    assert_eq!(format!("{key:?}"), "SigningKey { key_id: KeyId(\"k\"), .. }");
    let cut = key.to_pkcs8_pem().replace("-----END PRIVATE KEY-----", "");
    let error = SigningKey::from_pkcs8_pem(&cut).unwrap_err().to_string();
    assert!(!error.contains("p6en"), "{error}");
}
