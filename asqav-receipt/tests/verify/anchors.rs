//! Anchors: sound ones, and what one change does to each. Here are time-stamp
//! tokens that the tests make themselves.

use asqav_receipt::anchor::{TsaKeys, TsaKeysError};
use asqav_receipt::base64url;
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::verify::{Axis, AxisResult, ReasonCode, ReceiptInputs, Report, verify_receipt};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use crate::Verdicts as _;
use crate::support::foreign::{canonical_bytes, envelope, jwk, keys, payload};
use crate::support::{Key, now};

mod openssl;
mod ots;

fn key() -> Key {
    Key::new(4, "issuer-key")
}

/// The authority's key in these tests.
fn tsa() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn pinned(key: &SigningKey) -> TsaKeys {
    let mut keys = TsaKeys::new();
    keys.pin(key.verifying_key().as_bytes()).unwrap();
    keys
}

/// A value in DER.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        len @ 0..128 => out.push(u8::try_from(len).unwrap()),
        len @ 128..256 => out.extend([0x81, u8::try_from(len).unwrap()]),
        len => out.extend([0x82, u8::try_from(len >> 8).unwrap(), u8::try_from(len & 255).unwrap()]),
    }
    out.extend(content);
    out
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const TIME: u8 = 0x18;
const CONTEXT_0: u8 = 0xa0;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const SHA_512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ML_DSA_65: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 18];

/// What a token is made of; each test changes one thing.
struct Token {
    imprint: Vec<u8>,
    hash: &'static [u8],
    time: &'static str,
    /// `Accuracy`, encoded, if it is there.
    accuracy: Vec<u8>,
    version: u8,
    content_type: &'static [u8],
    /// `content-type` and `message-digest` as the signed attributes state them.
    attributes: Option<(&'static [u8], Option<Vec<u8>>)>,
    algorithm: &'static [u8],
    signers: usize,
    status: u8,
}

impl Token {
    fn over(receipt: &Value) -> Self {
        Self {
            imprint: Sha256Digest::of(&anchored(receipt)).as_bytes().to_vec(),
            hash: SHA_256,
            time: "20260504120005Z",
            accuracy: vec![],
            version: 1,
            content_type: TST_INFO,
            attributes: Some((TST_INFO, None)),
            algorithm: ED25519,
            signers: 1,
            status: 0,
        }
    }

    fn info(&self) -> Vec<u8> {
        let hash = tlv(SEQUENCE, &[&tlv(OID, &[self.hash])]);
        let imprint = tlv(SEQUENCE, &[&hash, &tlv(OCTETS, &[&self.imprint])]);
        let policy = tlv(OID, &[&[0x2a, 3, 4]]);
        let (version, serial) = (tlv(INTEGER, &[&[self.version]]), tlv(INTEGER, &[&[42]]));
        let time = tlv(TIME, &[self.time.as_bytes()]);
        tlv(SEQUENCE, &[&version, &policy, &imprint, &serial, &time, &self.accuracy])
    }

    fn attributes(&self) -> Option<Vec<u8>> {
        let (content_type, digest) = self.attributes.as_ref()?;
        let digest = digest.clone().unwrap_or_else(|| Sha256Digest::of(&self.info()).as_bytes().to_vec());
        let attribute =
            |kind: &[u8], value: Vec<u8>| tlv(SEQUENCE, &[&tlv(OID, &[kind]), &tlv(SET, &[&value])]);
        Some(
            [
                attribute(CONTENT_TYPE, tlv(OID, &[content_type])),
                attribute(MESSAGE_DIGEST, tlv(OCTETS, &[&digest])),
            ]
            .concat(),
        )
    }

    /// The response, signed.
    fn build(&self, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let info = self.info();
        let attributes = self.attributes();
        let signed = attributes.as_ref().map_or_else(|| info.clone(), |content| tlv(SET, &[content]));
        let sha256 = tlv(SEQUENCE, &[&tlv(OID, &[SHA_256])]);
        let signer = tlv(
            SEQUENCE,
            &[
                &tlv(INTEGER, &[&[3]]),
                &tlv(0x80, &[&[1; 20]]),
                &sha256,
                &attributes.map(|content| tlv(CONTEXT_0, &[&content])).unwrap_or_default(),
                &tlv(SEQUENCE, &[&tlv(OID, &[self.algorithm])]),
                &tlv(OCTETS, &[&sign(&signed)]),
            ],
        );
        let content = tlv(CONTEXT_0, &[&tlv(OCTETS, &[&info])]);
        let content = tlv(SEQUENCE, &[&tlv(OID, &[self.content_type]), &content]);
        let signers = tlv(SET, &[&signer.repeat(self.signers)]);
        let data = tlv(SEQUENCE, &[&tlv(INTEGER, &[&[3]]), &tlv(SET, &[&sha256]), &content, &signers]);
        let token = tlv(SEQUENCE, &[&tlv(OID, &[SIGNED_DATA]), &tlv(CONTEXT_0, &[&data])]);
        tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&tlv(INTEGER, &[&[self.status]])]), &token])
    }
}

/// The bytes that anchors are about.
fn anchored(receipt: &Value) -> Vec<u8> {
    canonical_bytes(&json!({"payload": receipt["payload"], "signature": receipt["signature"]}))
}

fn with_anchor(kind: &str, proof: &[u8]) -> Value {
    let mut receipt = envelope(&key(), &payload());
    receipt["anchors"] = json!([{"type": kind, "value": base64url::encode_standard(proof)}]);
    receipt
}

fn verify(receipt: &Value, tsa_keys: Option<&TsaKeys>) -> Report {
    let keys = keys(&[jwk(&key())]);
    let mut inputs = ReceiptInputs::new().keys(&keys).at(now()).require_anchor(true);
    inputs.tsa_keys = tsa_keys;
    verify_receipt(receipt.to_string().as_bytes(), &inputs)
}

/// Verifies a receipt with a token that was changed before it was signed.
fn stamped(change: impl FnOnce(&mut Token)) -> Report {
    let mut token = Token::over(&envelope(&key(), &payload()));
    change(&mut token);
    let token = token.build(|message| tsa().sign(message).to_bytes().to_vec());
    verify(&with_anchor("rfc3161", &token), Some(&pinned(&tsa())))
}

#[test]
fn a_sound_token_proves_its_time() {
    let report = stamped(|_| {});
    report.verified();
    let axis = report.axis(Axis::Anchors).unwrap();
    assert_eq!(axis.result, AxisResult::Pass);
    assert!(axis.note.starts_with("stamped 2026-05-04T12:00:05.000000Z by pinned key "), "{}", axis.note);
    assert!(!report.not_checked.iter().any(|line| line.starts_with("time:")), "{:?}", report.not_checked);
    // Also without signed attributes, as the reference corpus has them, and with
    // another hash, and bare instead of in a response.
    stamped(|token| token.attributes = None).verified();
    stamped(|token| {
        token.hash = SHA_512;
        token.imprint = Sha512::digest(anchored(&envelope(&key(), &payload()))).to_vec();
    })
    .verified();
    let token = Token::over(&envelope(&key(), &payload()));
    let response = token.build(|message| tsa().sign(message).to_bytes().to_vec());
    let bare = &response[9..];
    verify(&with_anchor("rfc3161", bare), Some(&pinned(&tsa()))).verified();
}

#[test]
fn a_token_signed_with_ml_dsa_proves_its_time() {
    let authority = Key::new(77, "authority");
    let mut token = Token::over(&envelope(&key(), &payload()));
    token.algorithm = ML_DSA_65;
    let receipt = with_anchor("rfc3161", &token.build(|message| authority.sign(message)));
    for material in
        [authority.public_key.clone(), base64url::encode_standard(&authority.public_key).into_bytes()]
    {
        let mut keys = TsaKeys::new();
        keys.pin(&material).unwrap();
        verify(&receipt, Some(&keys)).verified();
    }
    let mut other = TsaKeys::new();
    other.pin(&Key::new(78, "other").public_key).unwrap();
    verify(&receipt, Some(&other)).invalid(ReasonCode::AnchorInvalid);
    // A key of another algorithm can say nothing.
    verify(&receipt, Some(&pinned(&tsa()))).unverifiable(ReasonCode::AnchorUnchecked);
}

#[test]
fn a_token_about_something_else_is_refuted() {
    stamped(|token| token.imprint[0] ^= 1).invalid(ReasonCode::AnchorInvalid);
    stamped(|token| token.imprint.truncate(31)).invalid(ReasonCode::AnchorInvalid);
    stamped(|token| token.attributes = Some((TST_INFO, Some(vec![0; 32]))))
        .invalid(ReasonCode::AnchorInvalid);
    stamped(|token| token.attributes = Some((SIGNED_DATA, None))).invalid(ReasonCode::AnchorInvalid);
    stamped(|token| token.status = 2).invalid(ReasonCode::AnchorInvalid);
    // Over the payload alone, or over the envelope with its anchors.
    stamped(|token| token.imprint = Sha256Digest::of(&canonical_bytes(&payload())).as_bytes().to_vec())
        .invalid(ReasonCode::AnchorInvalid);
    // Every byte of a token counts: none can change and still prove anything.
    let token = Token::over(&envelope(&key(), &payload()));
    let token = token.build(|message| tsa().sign(message).to_bytes().to_vec());
    let unsigned = [b"\x80\x14".as_slice(), &[1; 20]].concat();
    let signer = token.windows(22).position(|window| window == unsigned).unwrap();
    for at in 0..token.len() {
        let mut changed = token.clone();
        changed[at] ^= 0x20;
        let report = verify(&with_anchor("rfc3161", &changed), Some(&pinned(&tsa())));
        let proven = report.axis(Axis::Anchors).unwrap().result == AxisResult::Pass;
        // Who the signer claims to be, and versions, are not signed and not used.
        assert!(!proven || (signer..signer + 22).contains(&at) || unsigned_version(&token, at), "byte {at}");
    }
}

/// Whether the byte stands in a member that nothing depends on: the version of
/// `SignedData` or `SignerInfo`, its list of hash algorithms, or the tag of the
/// same.
fn unsigned_version(token: &[u8], at: usize) -> bool {
    let info = token.windows(TST_INFO.len()).position(|window| window == TST_INFO).unwrap();
    let signer = token.windows(22).position(|window| window[..2] == [0x80, 0x14]).unwrap();
    (24..info).contains(&at) || (signer - 3..signer).contains(&at)
}

#[test]
fn a_token_by_nobody_that_is_pinned_proves_nothing() {
    let token = Token::over(&envelope(&key(), &payload()));
    let thief = SigningKey::from_bytes(&[10; 32]);
    let token = token.build(|message| thief.sign(message).to_bytes().to_vec());
    let receipt = with_anchor("rfc3161", &token);
    verify(&receipt, Some(&pinned(&tsa()))).invalid(ReasonCode::AnchorInvalid);
    verify(&receipt, Some(&TsaKeys::new())).unverifiable(ReasonCode::AnchorUnchecked);
    verify(&receipt, None).unverifiable(ReasonCode::AnchorUnchecked);
    verify(&receipt, Some(&pinned(&thief))).verified();
}

#[test]
fn the_time_lies_between_issue_and_evaluation() {
    stamped(|token| token.time = "20260504115501Z").verified();
    stamped(|token| token.time = "20260504115459Z").invalid(ReasonCode::AnchorOutOfBounds);
    stamped(|token| token.time = "20260601000459Z").verified();
    stamped(|token| token.time = "20260601000501Z").invalid(ReasonCode::AnchorOutOfBounds);
    stamped(|token| token.time = "20260504120005.25Z").verified();
    for malformed in
        ["20260504120005", "20260504120005+0000", "2026050412Z", "20261304120005Z", "20260504120005.Z"]
    {
        stamped(|token| token.time = malformed).unverifiable(ReasonCode::AnchorUnchecked);
    }
}

#[test]
fn what_cannot_be_read_is_unchecked() {
    stamped(|token| token.version = 2).unverifiable(ReasonCode::AnchorUnchecked);
    stamped(|token| token.content_type = SIGNED_DATA).unverifiable(ReasonCode::AnchorUnchecked);
    stamped(|token| token.signers = 2).unverifiable(ReasonCode::AnchorUnchecked);
    stamped(|token| token.signers = 0).unverifiable(ReasonCode::AnchorUnchecked);
    stamped(|token| token.hash = ED25519).unverifiable(ReasonCode::AnchorUnchecked);
    let token = Token::over(&envelope(&key(), &payload()));
    let token = token.build(|message| tsa().sign(message).to_bytes().to_vec());
    for bytes in [
        [token.as_slice(), b"\0"].concat(),
        token[..token.len() - 1].to_vec(),
        vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        // Indefinite length: BER, not DER.
        [&[0x30, 0x80], &token[4..], &[0, 0]].concat(),
        [0x30, 0x80].repeat(10_000),
        b"{}".to_vec(),
    ] {
        verify(&with_anchor("rfc3161", &bytes), Some(&pinned(&tsa())))
            .unverifiable(ReasonCode::AnchorUnchecked);
    }
}

#[test]
fn presence_and_promises_prove_nothing() {
    let token = Token::over(&envelope(&key(), &payload()));
    let token = token.build(|message| tsa().sign(message).to_bytes().to_vec());
    let with = |change: &dyn Fn(&mut Value)| {
        let mut receipt = with_anchor("rfc3161", &token);
        change(&mut receipt["anchors"]);
        verify(&receipt, Some(&pinned(&tsa())))
    };
    with(&|_| {}).verified();
    with(&|anchors| anchors[0]["status"] = json!("anchored")).verified();
    for status in ["pending", "failed"] {
        with(&|anchors| anchors[0]["status"] = json!(status)).unverifiable(ReasonCode::AnchorUnchecked);
    }
    with(&|anchors| anchors[0]["type"] = json!("notary")).unverifiable(ReasonCode::AnchorUnchecked);
    with(&|anchors| anchors[0]["value"] = json!("!!!!")).invalid(ReasonCode::MalformedAnchor);
    with(&|anchors| *anchors = json!([])).unverifiable(ReasonCode::NotAnchored);
    // One bad anchor is not outweighed by a good one.
    with(&|anchors| {
        let mut other = anchors[0].clone();
        other["type"] = json!("opentimestamps");
        anchors.as_array_mut().unwrap().push(other);
    })
    .unverifiable(ReasonCode::AnchorUnchecked);
    with(&|anchors| *anchors = json!(vec![anchors[0].clone(); 17])).unverifiable(ReasonCode::AnchorUnchecked);
}

#[test]
fn only_a_proven_anchor_places_a_receipt_before_a_revocation() {
    let receipt = |time: &'static str, accuracy: &[u8]| {
        let mut token = Token::over(&envelope(&key(), &payload()));
        token.time = time;
        token.accuracy = accuracy.to_vec();
        with_anchor("rfc3161", &token.build(|message| tsa().sign(message).to_bytes().to_vec()))
    };
    let verify = |receipt: &Value, members: &[(&str, &str)], tsa_keys: Option<&TsaKeys>| {
        let mut entry = jwk(&key());
        entry["status"] = json!("revoked");
        members.iter().for_each(|(name, value)| entry[name] = json!(value));
        let keys = keys(&[entry]);
        let mut inputs = ReceiptInputs::new().keys(&keys).at(now());
        inputs.tsa_keys = tsa_keys;
        verify_receipt(receipt.to_string().as_bytes(), &inputs)
    };
    let authority = pinned(&tsa());
    let (early, late) = (receipt("20260504120005Z", &[]), receipt("20260511000000Z", &[]));
    let revoked = [("revoked_at", "2026-05-10T00:00:00Z")];
    verify(&early, &revoked, Some(&authority)).verified();
    verify(&early, &revoked, None).unverifiable(ReasonCode::KeyRevokedUnplaced);
    verify(&early, &revoked, Some(&pinned(&SigningKey::from_bytes(&[10; 32]))))
        .invalid(ReasonCode::AnchorInvalid);
    verify(&late, &revoked, Some(&authority)).unverifiable(ReasonCode::KeyRevokedUnplaced);
    let compromised = [("revoked_at", "2026-05-10T00:00:00Z"), ("compromised_since", "2026-05-01T00:00:00Z")];
    verify(&early, &compromised, Some(&authority)).invalid(ReasonCode::KeyRevoked);
    verify(&early, &[], Some(&authority)).unverifiable(ReasonCode::KeyRevokedUnplaced);
    // Found to be compromised later: what is anchored before stands.
    let since = ("compromised_since", "2026-05-05T00:00:00Z");
    let reason = ("revocation_reason", "compromised");
    verify(&early, &[since, reason], Some(&authority)).verified();
    verify(&late, &[since, reason], Some(&authority)).invalid(ReasonCode::KeyRevoked);
    verify(&early, &[reason], Some(&authority)).invalid(ReasonCode::KeyRevoked);
    // A time counts as the latest that its accuracy allows: ten days, here.
    let vague = receipt("20260504120005Z", &tlv(SEQUENCE, &[&tlv(INTEGER, &[&[0x0d, 0x2f, 0x00]])]));
    verify(&vague, &revoked, Some(&authority)).unverifiable(ReasonCode::KeyRevokedUnplaced);
    let exact = receipt("20260504120005Z", &tlv(SEQUENCE, &[&tlv(0x80, &[&[2]]), &tlv(0x81, &[&[3]])]));
    verify(&exact, &revoked, Some(&authority)).verified();
    for malformed in [tlv(INTEGER, &[&[0x80]]), tlv(INTEGER, &[&[0x7f; 9]]), tlv(OCTETS, &[&[1]])] {
        let receipt = receipt("20260504120005Z", &tlv(SEQUENCE, &[&malformed]));
        verify(&receipt, &revoked, Some(&authority)).unverifiable(ReasonCode::KeyRevokedUnplaced);
    }
}

#[test]
fn what_is_no_key_of_an_authority_is_not_pinned() {
    for (bytes, error) in [
        (b"".as_slice(), TsaKeysError::Form),
        (b"-----BEGIN NOTHING-----", TsaKeysError::Form),
        (b"AAAA", TsaKeysError::Form),
        (&[7; 33], TsaKeysError::Form),
    ] {
        assert_eq!(TsaKeys::new().pin(bytes), Err(error), "{bytes:?}");
    }
}
