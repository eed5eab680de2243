//! Time-stamp authorities that the caller pins, and their signatures.

use ed25519_dalek::Verifier as _;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::RsaPublicKey;
use rsa::traits::PublicKeyParts as _;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _, pem};
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::spki::DecodePublicKey;

use super::algorithm::Algorithm;
use crate::base64url;
use crate::digest::Sha256Digest;
use crate::time::Timestamp;

const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");

/// RSA keys below this many bits are not taken.
const MIN_RSA_BITS: u32 = 2_048;

/// The keys of time-stamp authorities that the caller trusts.
#[derive(Debug, Clone, Default)]
pub struct TsaKeys {
    pinned: Vec<Pinned>,
}

/// Why bytes hold no key of a time-stamp authority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TsaKeysError {
    /// Neither PEM, nor DER, nor the base64 of a raw key.
    #[error("neither a certificate nor a public key (PEM, DER, or base64 of a raw ML-DSA or Ed25519 key)")]
    Form,
    /// Certificates, but none for time stamping.
    #[error("no certificate is for time stamping (a critical extendedKeyUsage of that purpose alone)")]
    Purpose,
    /// An algorithm or a key size that is not taken.
    #[error("a key of an algorithm or size that is not taken")]
    Algorithm,
}

impl TsaKeys {
    /// No authority.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Pins every key in `bytes`: certificates and public keys
    /// (`SubjectPublicKeyInfo`) as PEM blocks or DER, or one raw ML-DSA-44, -65,
    /// -87 or Ed25519 key, bare or in base64. RSA (PKCS #1 v1.5, from 2,048
    /// bits), ECDSA on P-256 and P-384, Ed25519 and ML-DSA are taken.
    ///
    /// Of a chain only certificates for time stamping are pinned: others of it
    /// sign no tokens, and no path is built from them.
    ///
    /// # Errors
    /// [`TsaKeysError`] when there is no such key.
    pub fn pin(&mut self, bytes: &[u8]) -> Result<(), TsaKeysError> {
        let found = read(bytes)?;
        let before = self.pinned.len();
        let mut others = None;
        for pinned in found {
            match pinned {
                Ok(pinned) => self.pinned.push(pinned),
                Err(error) => others = Some(error),
            }
        }
        match others {
            Some(error) if self.pinned.len() == before => Err(error),
            _ => Ok(()),
        }
    }

    /// What the pinned keys say about a signature.
    pub(super) fn vouch(&self, signed: &Signed<'_>) -> Vouch {
        let (mut fits, mut against) = (false, None);
        for pinned in &self.pinned {
            match pinned.key.verifies(signed) {
                None => {}
                Some(false) => fits = true,
                // A key may have several certificates, one after the other.
                Some(true) => match pinned.vouch(signed) {
                    Vouch::Against(why) => against = against.or(Some(why)),
                    vouched => return vouched,
                },
            }
        }
        if let Some(why) = against {
            return Vouch::Against(why);
        }
        if fits {
            return Vouch::Against("the token is not signed by a pinned authority".to_owned());
        }
        Vouch::Unknown(format!("no pinned authority has a key for algorithm {}", signed.algorithm))
    }
}

/// Each pinned key, or why one is not used.
fn read(bytes: &[u8]) -> Result<Vec<Result<Pinned, TsaKeysError>>, TsaKeysError> {
    if bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        let blocks = pem_blocks(bytes).ok_or(TsaKeysError::Form)?;
        return blocks.iter().map(|der| Pinned::of_der(der).ok_or(TsaKeysError::Form)).collect();
    }
    if let Some(pinned) = Pinned::of_der(bytes) {
        return Ok(vec![pinned]);
    }
    let text = std::str::from_utf8(bytes).ok().map(str::trim);
    let raw = text.and_then(base64url::decode_any).unwrap_or_else(|| bytes.to_vec());
    let pinned = Pinned::of_der(&raw).or_else(|| Key::of_raw(&raw).map(|key| Ok(Pinned::of_key(key, &raw))));
    pinned.map(|pinned| vec![pinned]).ok_or(TsaKeysError::Form)
}

/// The content of every PEM block (RFC 7468).
fn pem_blocks(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut blocks = Vec::new();
    for block in text.split_inclusive("-----END").collect::<Vec<_>>().windows(2) {
        let [head, tail] = block else { return None };
        let start = head.rfind("-----BEGIN")?;
        let label = tail.split_inclusive('\n').next()?;
        let block = format!("{}{}", head.get(start..)?, label.trim_end());
        blocks.push(pem::decode_vec(block.as_bytes()).ok()?.1);
    }
    (!blocks.is_empty()).then_some(blocks)
}

/// What a token's signature is over, and what it says about itself.
pub(super) struct Signed<'a> {
    pub(super) message: &'a [u8],
    pub(super) has_attributes: bool,
    pub(super) certificate_sha256: Option<&'a [u8]>,
    pub(super) digest: ObjectIdentifier,
    pub(super) algorithm: ObjectIdentifier,
    pub(super) signature: &'a [u8],
    pub(super) at: Timestamp,
}

/// What pinned keys say.
pub(super) enum Vouch {
    /// Signed by the authority of this name, certified until then.
    For { name: String, until: Option<Timestamp> },
    /// Not by any, or not as it has to be.
    Against(String),
    /// There is no key to tell by.
    Unknown(String),
}

#[derive(Debug, Clone)]
struct Pinned {
    name: String,
    key: Key,
    certificate: Option<Limits>,
}

/// What a certificate limits.
#[derive(Debug, Clone)]
struct Limits {
    sha256: Sha256Digest,
    from: Timestamp,
    to: Timestamp,
}

impl Pinned {
    /// A certificate or a public key; `None` if it is neither.
    fn of_der(bytes: &[u8]) -> Option<Result<Self, TsaKeysError>> {
        if let Ok(certificate) = Certificate::from_der(bytes) {
            return Some(Self::of_certificate(&certificate, bytes));
        }
        x509_cert::spki::SubjectPublicKeyInfoRef::try_from(bytes).ok()?;
        Some(Key::of_info(bytes).map(|key| Self::of_key(key, bytes)).ok_or(TsaKeysError::Algorithm))
    }

    fn of_key(key: Key, bytes: &[u8]) -> Self {
        Self { name: format!("key {}", Sha256Digest::of(bytes).to_tagged()), key, certificate: None }
    }

    fn of_certificate(certificate: &Certificate, bytes: &[u8]) -> Result<Self, TsaKeysError> {
        let signed = certificate.tbs_certificate();
        match signed.get_extension::<ExtendedKeyUsage>() {
            Ok(Some((true, usage))) if usage.0 == [TIME_STAMPING] => {}
            _ => return Err(TsaKeysError::Purpose),
        }
        let info = signed.subject_public_key_info().to_der().map_err(|_| TsaKeysError::Form)?;
        let validity = signed.validity();
        let time = |time: x509_cert::time::Time| {
            Timestamp::parse_rfc3339(&time.to_date_time().to_string()).map_err(|_| TsaKeysError::Form)
        };
        Ok(Self {
            name: format!("authority {}", signed.subject()),
            key: Key::of_info(&info).ok_or(TsaKeysError::Algorithm)?,
            certificate: Some(Limits {
                sha256: Sha256Digest::of(bytes),
                from: time(validity.not_before)?,
                to: time(validity.not_after)?,
            }),
        })
    }

    /// Its signature holds; whether its certificate lets it count.
    fn vouch(&self, signed: &Signed<'_>) -> Vouch {
        let Some(limits) = &self.certificate else {
            return Vouch::For { name: self.name.clone(), until: None };
        };
        if signed.at < limits.from || signed.at > limits.to {
            return Vouch::Against(format!("stamped {}, when {} was not valid", signed.at, self.name));
        }
        if !signed.has_attributes {
            return Vouch::Against("the token has no signed attributes (RFC 5652 §5.3)".to_owned());
        }
        if signed.certificate_sha256.is_some_and(|named| named != limits.sha256.as_bytes()) {
            return Vouch::Against("the token names another certificate of its signer".to_owned());
        }
        Vouch::For { name: self.name.clone(), until: Some(limits.to) }
    }
}

#[derive(Debug, Clone)]
enum Key {
    Rsa(Box<RsaPublicKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
    MlDsa44(Box<ml_dsa::VerifyingKey<ml_dsa::MlDsa44>>),
    MlDsa65(Box<ml_dsa::VerifyingKey<ml_dsa::MlDsa65>>),
    MlDsa87(Box<ml_dsa::VerifyingKey<ml_dsa::MlDsa87>>),
}

impl Key {
    /// A `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
    fn of_info(der: &[u8]) -> Option<Self> {
        fn read<K: DecodePublicKey>(der: &[u8]) -> Option<K> {
            K::from_public_key_der(der).ok()
        }
        read::<RsaPublicKey>(der)
            .filter(|key| key.n().bits() >= MIN_RSA_BITS)
            .map(|key| Self::Rsa(Box::new(key)))
            .or_else(|| read(der).map(Self::P256))
            .or_else(|| read(der).map(Self::P384))
            .or_else(|| read(der).map(Self::Ed25519))
            .or_else(|| read(der).map(Box::new).map(Self::MlDsa44))
            .or_else(|| read(der).map(Box::new).map(Self::MlDsa65))
            .or_else(|| read(der).map(Box::new).map(Self::MlDsa87))
    }

    /// A raw key, known by its length.
    fn of_raw(bytes: &[u8]) -> Option<Self> {
        fn decode<P: ml_dsa::MlDsaParams>(bytes: &[u8]) -> Option<Box<ml_dsa::VerifyingKey<P>>> {
            let encoded = ml_dsa::EncodedVerifyingKey::<P>::try_from(bytes).ok()?;
            Some(Box::new(ml_dsa::VerifyingKey::decode(&encoded)))
        }
        if let Ok(bytes) = <&[u8; 32]>::try_from(bytes) {
            return ed25519_dalek::VerifyingKey::from_bytes(bytes).ok().map(Self::Ed25519);
        }
        decode(bytes)
            .map(Self::MlDsa44)
            .or_else(|| decode(bytes).map(Self::MlDsa65))
            .or_else(|| decode(bytes).map(Self::MlDsa87))
    }

    /// Whether the signature is this key's; `None` if the key is of another
    /// algorithm.
    fn verifies(&self, signed: &Signed<'_>) -> Option<bool> {
        let Signed { message, signature, .. } = signed;
        match (self, Algorithm::of(signed.algorithm, signed.digest)?) {
            (Self::Rsa(key), Algorithm::Rsa(hash)) => {
                Some(key.verify(hash.scheme(), &hash.digest(message), signature).is_ok())
            }
            (Self::P256(key), Algorithm::Ecdsa(hash)) => {
                let signature = p256::ecdsa::DerSignature::try_from(*signature);
                Some(
                    signature
                        .is_ok_and(|signature| key.verify_prehash(&hash.digest(message), &signature).is_ok()),
                )
            }
            (Self::P384(key), Algorithm::Ecdsa(hash)) => {
                let signature = p384::ecdsa::DerSignature::try_from(*signature);
                Some(
                    signature
                        .is_ok_and(|signature| key.verify_prehash(&hash.digest(message), &signature).is_ok()),
                )
            }
            (Self::Ed25519(key), Algorithm::Ed25519) => {
                let signature = ed25519_dalek::Signature::from_slice(signature);
                Some(signature.is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()))
            }
            (Self::MlDsa44(key), Algorithm::MlDsa44) => Some(verifies(key, message, signature)),
            (Self::MlDsa65(key), Algorithm::MlDsa65) => Some(verifies(key, message, signature)),
            (Self::MlDsa87(key), Algorithm::MlDsa87) => Some(verifies(key, message, signature)),
            _ => None,
        }
    }
}

/// Pure ML-DSA with an empty context (RFC 9882 §3).
fn verifies<P: ml_dsa::MlDsaParams>(key: &ml_dsa::VerifyingKey<P>, message: &[u8], signature: &[u8]) -> bool {
    ml_dsa::Signature::<P>::try_from(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
}
