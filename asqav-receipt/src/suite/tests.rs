//! Known answers: FIPS 204 by another implementation, RFC 8032 by its authors.

use super::*;
use crate::digest::decode_hex;
use ml_dsa::{KeyExport as _, Keypair as _};

/// `key_derive` and deterministic `sign` of the Python package `dilithium-py`
/// for the seed 00 01 … 1f, the message `asqav` and the empty context:
/// SHA-256 of public key and signature.
const PUBLIC_KEY_SHA256: &str = "d666806e11cee19a7c989f7445f90dd419cf4d2d51db8c0fdb4c0f0a542238c9";
const SIGNATURE_SHA256: &str = "ee288547bcca3baef92e929f1b4ace2a5fc0f329df6971f4b77799c9e33bf174";
/// SHA-256 of the AKP key as Python's `json` writes it.
const THUMBPRINT: &str = "c74916c2fbff02a567eb56aa9501e74774302ddcd48cf13f256c5ba9d7309e67";

fn known_answer() -> (Vec<u8>, Vec<u8>) {
    let seed: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let key = ml_dsa::SigningKey::<ml_dsa::MlDsa65>::from_seed(&seed.into());
    let signature = key.expanded_key().sign_deterministic(b"asqav", b"").unwrap();
    (key.verifying_key().to_bytes().to_vec(), signature.encode().to_vec())
}

#[test]
fn ml_dsa_65_agrees_with_another_implementation() {
    let (public_key, signature) = known_answer();
    assert_eq!(Sha256Digest::of(&public_key).to_hex(), PUBLIC_KEY_SHA256);
    assert_eq!(Sha256Digest::of(&signature).to_hex(), SIGNATURE_SHA256);
    let key = VerifyingKey::new(&ML_DSA_65, &public_key).unwrap();
    assert_eq!(key.thumbprint().to_hex(), THUMBPRINT);
    assert!(key.verifies(b"asqav", &signature));
}

#[test]
fn ml_dsa_65_refuses_what_is_changed_or_of_another_context() {
    let (public_key, signature) = known_answer();
    let key = VerifyingKey::new(&ML_DSA_65, &public_key).unwrap();
    assert!(!key.verifies(b"asqaw", &signature));
    assert!(!key.verifies(b"", &signature));
    for at in (0..signature.len()).step_by(97).chain([signature.len() - 1]) {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        assert!(!key.verifies(b"asqav", &changed), "byte {at}");
    }
    let longer = [signature.as_slice(), &[0]].concat();
    assert!(!key.verifies(b"asqav", &longer));
    assert!(!key.verifies(b"asqav", &signature[..3_308]));
    // The same key, signing under a context, signs something else.
    let seed: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let signer = ml_dsa::SigningKey::<ml_dsa::MlDsa65>::from_seed(&seed.into());
    let other = signer.expanded_key().sign_deterministic(b"asqav", b"context").unwrap();
    assert!(!key.verifies(b"asqav", &other.encode()));
    assert!(VerifyingKey::new(&ML_DSA_65, &public_key[1..]).is_none());
    assert!(VerifyingKey::new(&ED25519, &public_key).is_none());
}

/// RFC 8032 §7.1, tests 2 and 3.
#[test]
fn ed25519_agrees_with_the_standard() {
    for (public_key, message, signature) in [
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            &[0x72][..],
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            &[0xaf, 0x82][..],
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ] {
        let key = VerifyingKey::new(&ED25519, &decode_hex::<32>(public_key).unwrap()).unwrap();
        let signature = decode_hex::<64>(signature).unwrap();
        assert!(key.verifies(message, &signature));
        assert!(!key.verifies(b"", &signature));
        let mut changed = signature;
        changed[40] ^= 1;
        assert!(!key.verifies(message, &changed));
    }
}

/// With a public key of small order, lenient verifiers take one signature for
/// many messages.
#[test]
fn ed25519_keys_of_small_order_verify_nothing() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let verifies = VerifyingKey::new(&ED25519, &neutral).is_some_and(|key| key.verifies(b"any", &signature));
    assert!(!verifies);
}

/// RFC 8032 §5.1.7: S must be below the group's order.
#[test]
fn ed25519_signatures_have_one_spelling() {
    let key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                     085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    let key = VerifyingKey::new(&ED25519, &decode_hex::<32>(key).unwrap()).unwrap();
    let mut signature = decode_hex::<64>(signature).unwrap();
    // S + L, little endian, L = 2^252 + 27742317777372353535851937790883648493.
    let order = decode_hex::<32>("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0_u16;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    assert!(!key.verifies(&[0x72], &signature));
}

#[test]
fn names_are_exact() {
    assert_eq!(by_name("ML-DSA-65"), Some(&ML_DSA_65));
    assert_eq!(by_name("Ed25519"), Some(&ED25519));
    for name in ["ml-dsa-65", "ML-DSA-65 ", "ML-DSA-44", "EdDSA", ""] {
        assert_eq!(by_name(name), None, "{name:?}");
    }
}
