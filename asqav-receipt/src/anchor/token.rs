//! Time-stamp tokens: RFC 3161 §2.4.2, in CMS (RFC 5652 §5).

use x509_cert::der::Tag;
use x509_cert::der::asn1::ObjectIdentifier;

use super::Outcome;
use super::algorithm::{Hash, SHA_256};
use super::der::{Malformed, Value, explicit, implicit};
use super::tsa::{Signed, TsaKeys, Vouch};
use crate::time::Timestamp;

const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");

/// Whether the token (or the response that holds it) shows that `message`
/// existed, by a pinned key.
pub(crate) fn check(token: &[u8], message: &[u8], keys: Option<&TsaKeys>) -> Outcome {
    judge(token, Some(message), keys).0
}

/// What a token says, whoever signed it.
#[derive(Debug, Clone)]
pub(super) struct Stamped {
    pub(super) time: Timestamp,
    /// The earliest time that it may mean by its accuracy.
    pub(super) earliest: Timestamp,
    /// Until when the pinned certificate of its signer is valid.
    pub(super) until: Option<Timestamp>,
    /// The hash function of its imprint, if it is known here.
    pub(super) hash: Option<Hash>,
    pub(super) nonce: Option<u64>,
    imprint: Vec<u8>,
}

impl Stamped {
    /// Whether it stamps `message`.
    pub(super) fn is_over(&self, message: &[u8]) -> bool {
        self.hash.is_some_and(|hash| hash.digest(message) == self.imprint)
    }
}

#[cfg(test)]
impl Stamped {
    /// A token of this time over nothing in particular.
    pub(super) const fn test(time: Timestamp, until: Option<Timestamp>) -> Self {
        Self { time, earliest: time, until, hash: None, nonce: None, imprint: Vec::new() }
    }
}

/// The token of an authority's answer; `None` if it refused.
pub(super) fn of_answer(answer: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
    open(answer)?.map(|token| token.retagged(Tag::Sequence, "no token")).transpose()
}

/// What a token says; nothing is checked.
pub(super) fn read(token: &[u8]) -> Result<Stamped, Malformed> {
    let token = Token::read(Value::only(token, "not one DER value")?)?;
    Ok(Info::read(token.content)?.stamped())
}

/// Judges a token over `message`, or over whatever it is over; and what it says,
/// if it was proven.
pub(super) fn judge(
    token: &[u8],
    message: Option<&[u8]>,
    keys: Option<&TsaKeys>,
) -> (Outcome, Option<Stamped>) {
    match try_judge(token, message, keys) {
        Ok(judged) => judged,
        Err(Malformed(what)) => {
            (Outcome::Unchecked(format!("the time-stamp token cannot be read: {what}")), None)
        }
    }
}

fn try_judge(
    bytes: &[u8],
    message: Option<&[u8]>,
    keys: Option<&TsaKeys>,
) -> Result<(Outcome, Option<Stamped>), Malformed> {
    let refuted = |note: &str| Ok((Outcome::Refuted(note.to_owned()), None));
    let Some(token) = open(bytes)? else { return refuted("the authority refused to stamp") };
    let token = Token::read(token)?;
    let info = Info::read(token.content)?;
    let mut stamped = info.stamped();
    if stamped.hash.is_none() {
        let note = format!("hash algorithm {} is not known here", info.algorithm);
        return Ok((Outcome::Unchecked(note), None));
    }
    if message.is_some_and(|message| !stamped.is_over(message)) {
        return refuted("the token stamps another digest than this receipt's");
    }
    let attributes = token.attributes.map(Attributes::read).transpose()?;
    if let Some(attributes) = &attributes
        && !attributes.cover(&token)
    {
        return refuted("the signed attributes are not about the stamped content");
    }
    let Some(keys) = keys else {
        return Ok((Outcome::Unchecked("no time-stamp authority is pinned".to_owned()), None));
    };
    let attributed =
        token.attributes.map(|value| value.retagged(Tag::Set, "signed attributes")).transpose()?;
    let signed = Signed {
        message: attributed.as_deref().unwrap_or(token.content),
        has_attributes: attributed.is_some(),
        certificate_sha256: attributes.and_then(|attributes| attributes.certificate_sha256),
        digest: token.digest,
        algorithm: token.algorithm,
        signature: token.signature,
        at: info.time,
    };
    Ok(match keys.vouch(&signed) {
        Vouch::For { name, until } => {
            stamped.until = until;
            let note = format!("stamped {} by pinned {name}", info.time);
            (Outcome::Proven { at: info.latest, note }, Some(stamped))
        }
        Vouch::Against(why) => (Outcome::Refuted(why), None),
        Vouch::Unknown(why) => (Outcome::Unchecked(why), None),
    })
}

/// The token of a response (RFC 3161 §2.4.2), or a token by itself; `None` if
/// the response refuses.
fn open(bytes: &[u8]) -> Result<Option<Value<'_>>, Malformed> {
    let outer = Value::only(bytes, "not one DER value")?;
    let parts = outer.parts(Tag::Sequence, "neither response nor token")?;
    let first = *parts.first().ok_or(Malformed("empty response"))?;
    if first.is(Tag::ObjectIdentifier) {
        return Ok(Some(outer));
    }
    let status = first.parts(Tag::Sequence, "no status")?;
    let status = status.first().ok_or(Malformed("no status"))?.content(Tag::Integer, "no status")?;
    // granted, grantedWithMods
    if !matches!(status, [0 | 1]) {
        return Ok(None);
    }
    parts.get(1).copied().map(Some).ok_or(Malformed("granted, but without a token"))
}

/// What of the `SignedData` counts.
struct Token<'a> {
    /// The encapsulated `TSTInfo`, encoded.
    content: &'a [u8],
    digest: ObjectIdentifier,
    attributes: Option<Value<'a>>,
    algorithm: ObjectIdentifier,
    signature: &'a [u8],
}

impl<'a> Token<'a> {
    fn read(token: Value<'a>) -> Result<Self, Malformed> {
        let info = token.parts(Tag::Sequence, "no ContentInfo")?;
        let [kind, content] = info.as_slice() else { return Err(Malformed("no ContentInfo")) };
        if kind.oid("no content type")? != SIGNED_DATA {
            return Err(Malformed("not SignedData"));
        }
        let data = content.parts(explicit(0), "no SignedData")?;
        let [data] = data.as_slice() else { return Err(Malformed("no SignedData")) };
        let data = data.parts(Tag::Sequence, "no SignedData")?;
        let [_version, _digests, encapsulated, rest @ ..] = data.as_slice() else {
            return Err(Malformed("SignedData is too short"));
        };
        // The last SET is signerInfos; certificates and revocation lists are not.
        let signers = rest.last().ok_or(Malformed("no signer"))?.parts(Tag::Set, "no signer")?;
        let [signer] = signers.as_slice() else {
            return Err(Malformed("not exactly one signer, as RFC 3161 asks"));
        };
        Self::signed_by(*signer, stamped(*encapsulated)?)
    }

    fn signed_by(signer: Value<'a>, content: &'a [u8]) -> Result<Self, Malformed> {
        let parts = signer.parts(Tag::Sequence, "no SignerInfo")?;
        let [_version, _signer, digest, rest @ ..] = parts.as_slice() else {
            return Err(Malformed("SignerInfo is too short"));
        };
        let (attributes, rest) = match rest {
            [first, rest @ ..] if first.is(explicit(0)) => (Some(*first), rest),
            rest => (None, rest),
        };
        let [algorithm, signature, ..] = rest else { return Err(Malformed("no signature")) };
        Ok(Self {
            content,
            digest: digest.algorithm("no digest algorithm")?,
            attributes,
            algorithm: algorithm.algorithm("no signature algorithm")?,
            signature: signature.content(Tag::OctetString, "no signature")?,
        })
    }
}

fn stamped(encapsulated: Value<'_>) -> Result<&[u8], Malformed> {
    let parts = encapsulated.parts(Tag::Sequence, "no content")?;
    let [kind, content] = parts.as_slice() else { return Err(Malformed("no content")) };
    if kind.oid("no content type")? != TST_INFO {
        return Err(Malformed("the content is no TSTInfo"));
    }
    let content = content.parts(explicit(0), "no content")?;
    let [content] = content.as_slice() else { return Err(Malformed("no content")) };
    content.content(Tag::OctetString, "no content")
}

/// What of the `TSTInfo` counts.
struct Info<'a> {
    algorithm: ObjectIdentifier,
    imprint: &'a [u8],
    /// The stamped time, and the earliest and latest that it may mean by its
    /// accuracy.
    time: Timestamp,
    earliest: Timestamp,
    latest: Timestamp,
    nonce: Option<u64>,
}

impl<'a> Info<'a> {
    fn read(content: &'a [u8]) -> Result<Self, Malformed> {
        let parts = Value::only(content, "no TSTInfo")?.parts(Tag::Sequence, "no TSTInfo")?;
        let [version, _policy, imprint, _serial, time, rest @ ..] = parts.as_slice() else {
            return Err(Malformed("TSTInfo is too short"));
        };
        if version.content(Tag::Integer, "no version")? != [1] {
            return Err(Malformed("TSTInfo of another version"));
        }
        let imprint = imprint.parts(Tag::Sequence, "no imprint")?;
        let [algorithm, digest] = imprint.as_slice() else { return Err(Malformed("no imprint")) };
        let time = time.content(Tag::GeneralizedTime, "no time")?;
        let time = generalized(time).ok_or(Malformed("the time has another form"))?;
        // `accuracy` is the only SEQUENCE that may follow.
        let accuracy = rest.first().filter(|value| value.is(Tag::Sequence));
        let accuracy = accuracy.map_or(Ok(0), |value| micros(*value))?;
        let latest = time.unix_micros().checked_add(accuracy).and_then(Timestamp::from_unix_micros);
        let earliest = time.unix_micros().checked_sub(accuracy).and_then(Timestamp::from_unix_micros);
        // An INTEGER by itself is the nonce: `ordering` is a BOOLEAN.
        let nonce = rest.iter().find(|value| value.is(Tag::Integer));
        let nonce = nonce.map(|value| value.content(Tag::Integer, "no nonce")).transpose()?;
        Ok(Self {
            algorithm: algorithm.algorithm("no hash algorithm")?,
            imprint: digest.content(Tag::OctetString, "no digest")?,
            time,
            earliest: earliest.ok_or(Malformed("the accuracy is beyond all time"))?,
            latest: latest.ok_or(Malformed("the accuracy is beyond all time"))?,
            nonce: nonce.and_then(unsigned),
        })
    }

    fn stamped(&self) -> Stamped {
        Stamped {
            time: self.time,
            earliest: self.earliest,
            until: None,
            hash: Hash::of(self.algorithm),
            nonce: self.nonce,
            imprint: self.imprint.to_vec(),
        }
    }
}

/// A number of at most 64 bits that is not negative.
fn unsigned(content: &[u8]) -> Option<u64> {
    let negative = content.first().is_none_or(|byte| byte & 0x80 != 0);
    let number =
        content.iter().try_fold(0_u64, |number, byte| number.checked_mul(256)?.checked_add(u64::from(*byte)));
    number.filter(|_| !negative)
}

/// `Accuracy`: seconds, milliseconds, microseconds, each optional.
fn micros(accuracy: Value<'_>) -> Result<i64, Malformed> {
    const WHAT: &str = "the accuracy has another form";
    let mut total = 0_i64;
    for part in accuracy.parts(Tag::Sequence, WHAT)? {
        let (content, unit) = if part.is(Tag::Integer) {
            (part.content(Tag::Integer, WHAT)?, 1_000_000)
        } else if part.is(implicit(0)) {
            (part.content(implicit(0), WHAT)?, 1_000)
        } else {
            (part.content(implicit(1), WHAT)?, 1)
        };
        let number = content
            .iter()
            .try_fold(0_i64, |number, byte| number.checked_mul(256)?.checked_add(i64::from(*byte)));
        let negative = content.first().is_none_or(|byte| byte & 0x80 != 0);
        let part = number.filter(|_| !negative).and_then(|number| number.checked_mul(unit));
        total = part.and_then(|part| total.checked_add(part)).ok_or(Malformed(WHAT))?;
    }
    Ok(total)
}

/// `yyyymmddhhmmss[.fraction]Z` (RFC 3161 §2.4.2).
fn generalized(time: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_at_checked(14)?;
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if !(fraction.is_empty() || (fraction.len() > 1 && fraction.starts_with('.'))) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to);
    Timestamp::parse_rfc3339(&format!(
        "{}-{}-{}T{}:{}:{}{fraction}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    ))
    .ok()
}

/// What of the signed attributes counts.
struct Attributes<'a> {
    content_type: Option<ObjectIdentifier>,
    message_digest: Option<&'a [u8]>,
    /// SHA-256 of the signer's certificate (RFC 5035 §3), where that is the hash.
    certificate_sha256: Option<&'a [u8]>,
}

impl<'a> Attributes<'a> {
    /// Each attribute once, with one value.
    fn read(attributes: Value<'a>) -> Result<Self, Malformed> {
        let mut read = Self { content_type: None, message_digest: None, certificate_sha256: None };
        let twice = Malformed("a signed attribute stands twice");
        for attribute in attributes.parts(explicit(0), "no signed attributes")? {
            let parts = attribute.parts(Tag::Sequence, "no attribute")?;
            let [kind, values] = parts.as_slice() else { return Err(Malformed("no attribute")) };
            let values = values.parts(Tag::Set, "no attribute values")?;
            let kind = kind.oid("no attribute type")?;
            if ![CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2].contains(&kind) {
                continue;
            }
            let [value] = values.as_slice() else { return Err(Malformed("not one attribute value")) };
            let again = if kind == CONTENT_TYPE {
                read.content_type.replace(value.oid("no content type")?).is_some()
            } else if kind == MESSAGE_DIGEST {
                read.message_digest.replace(value.content(Tag::OctetString, "no message digest")?).is_some()
            } else {
                let before = read.certificate_sha256.is_some();
                read.certificate_sha256 = certificate(*value)?;
                before
            };
            if again {
                return Err(twice);
            }
        }
        Ok(read)
    }

    /// Whether both mandatory attributes (RFC 5652 §11.1, §11.2) are about the
    /// content.
    fn cover(&self, token: &Token<'_>) -> bool {
        self.content_type == Some(TST_INFO)
            && self.message_digest.is_some()
            && self.message_digest == hash(token.digest, token.content).as_deref()
    }
}

/// The first certificate's hash, if it is a SHA-256.
fn certificate(value: Value<'_>) -> Result<Option<&[u8]>, Malformed> {
    const WHAT: &str = "no signing certificate";
    let parts = value.parts(Tag::Sequence, WHAT)?;
    let ids = parts.first().ok_or(Malformed(WHAT))?.parts(Tag::Sequence, WHAT)?;
    let id = ids.first().ok_or(Malformed(WHAT))?.parts(Tag::Sequence, WHAT)?;
    match id.as_slice() {
        [hash, ..] if hash.is(Tag::OctetString) => hash.content(Tag::OctetString, WHAT).map(Some),
        [algorithm, hash, ..] if algorithm.algorithm(WHAT)? == SHA_256 => {
            hash.content(Tag::OctetString, WHAT).map(Some)
        }
        _ => Ok(None),
    }
}

/// The digest by this hash algorithm; `None` for one that is not known here.
fn hash(algorithm: ObjectIdentifier, message: &[u8]) -> Option<Vec<u8>> {
    Hash::of(algorithm).map(|hash| hash.digest(message))
}
