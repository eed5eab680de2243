//! DSSE envelopes (Dead Simple Signing Envelope, protocol and envelope 1.0.2):
//! a signed body with its type, as supply-chain tools read it.

use crate::base64url;
use crate::json::{Json, Object};

/// The `payloadType` of an in-toto statement.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// An envelope has at most this many signatures.
pub const MAX_SIGNATURES: usize = 16;

/// What the pre-authentication encoding of every body begins with.
const PAE_VERSION: &str = "DSSEv1";

/// The signed bytes: the pre-authentication encoding of type and body (DSSE
/// protocol, "Signature Definition"): `DSSEv1`, the type's length in bytes and
/// the type, the body's length and the body, one space between each.
#[must_use]
pub fn pae(payload_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{PAE_VERSION} {} {payload_type} {} ", payload_type.len(), body.len());
    [head.as_bytes(), body].concat()
}

/// Whether `message` begins as the signed bytes of an in-toto statement do.
#[must_use]
pub fn is_in_toto_pae(message: &[u8]) -> bool {
    message.starts_with(format!("{PAE_VERSION} {} {IN_TOTO} ", IN_TOTO.len()).as_bytes())
}

/// An envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol fixes the three members")]
pub struct Envelope {
    /// `payloadType`: what the body is.
    pub payload_type: String,
    /// `payload`, decoded: the body.
    pub body: Vec<u8>,
    /// `signatures`.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One of an envelope's signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the protocol fixes the two members")]
pub struct EnvelopeSignature {
    /// `keyid`: a hint at the key, covered by no signature.
    pub keyid: Option<String>,
    /// `sig`, decoded.
    pub sig: Vec<u8>,
}

/// Which member of an envelope is not what the protocol asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("DSSE member `{0}` is absent or malformed")]
pub struct EnvelopeError(pub &'static str);

impl Envelope {
    /// The bytes that the signatures are over.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.body)
    }

    /// Reads an envelope. Both base64 alphabets are taken, as the protocol
    /// asks, one at a time and with zero trailing bits.
    ///
    /// # Errors
    /// [`EnvelopeError`] with the member: absent, of the wrong type, not
    /// base64, no signature or more than [`MAX_SIGNATURES`].
    pub fn from_json(object: &Object) -> Result<Self, EnvelopeError> {
        let text = |name: &'static str| object.get(name).and_then(Json::as_str).ok_or(EnvelopeError(name));
        let signatures = object.get("signatures").and_then(Json::as_array);
        let signatures = signatures
            .filter(|list| (1..=MAX_SIGNATURES).contains(&list.len()))
            .ok_or(EnvelopeError("signatures"))?;
        Ok(Self {
            payload_type: text("payloadType")?.to_owned(),
            body: base64url::decode_any(text("payload")?).ok_or(EnvelopeError("payload"))?,
            signatures: signatures.iter().map(EnvelopeSignature::from_json).collect::<Result<_, _>>()?,
        })
    }

    /// The envelope as canonical JSON, in standard base64.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::new();
        object.set("payloadType", self.payload_type.as_str());
        object.set("payload", base64url::encode_standard(&self.body));
        object
            .set("signatures", Json::Array(self.signatures.iter().map(EnvelopeSignature::to_json).collect()));
        Json::Object(object)
    }
}

impl EnvelopeSignature {
    fn from_json(json: &Json) -> Result<Self, EnvelopeError> {
        let object = json.as_object().ok_or(EnvelopeError("signatures"))?;
        let keyid = match object.get("keyid") {
            // An empty key id means none (protocol, "keyid").
            None | Some(Json::Null) => None,
            Some(keyid) => Some(keyid.as_str().ok_or(EnvelopeError("signatures.keyid"))?.to_owned()),
        };
        let sig = object.get("sig").and_then(Json::as_str).and_then(base64url::decode_any);
        let sig = sig.filter(|sig| !sig.is_empty()).ok_or(EnvelopeError("signatures.sig"))?;
        Ok(Self { keyid: keyid.filter(|keyid| !keyid.is_empty()), sig })
    }

    fn to_json(&self) -> Json {
        let mut object = Object::new();
        if let Some(keyid) = &self.keyid {
            object.set("keyid", keyid.as_str());
        }
        object.set("sig", base64url::encode_standard(&self.sig));
        Json::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The protocol's own example.
    #[test]
    fn encodes_as_the_protocol_shows() {
        let encoded = pae("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn a_type_cannot_run_into_the_body() {
        assert_ne!(pae("a", b"1 b"), pae("a 1", b"b"));
        assert!(is_in_toto_pae(&pae(IN_TOTO, b"{}")));
        for other in ["application/vnd.in-toto+json2", "application/vnd.in-toto+jso", ""] {
            assert!(!is_in_toto_pae(&pae(other, b"{}")), "{other}");
        }
    }

    #[test]
    fn reads_what_it_writes_and_names_what_is_wrong() {
        let signature = EnvelopeSignature { keyid: Some("k".to_owned()), sig: vec![0xfb, 0xff] };
        let envelope =
            Envelope { payload_type: IN_TOTO.to_owned(), body: b"{}".to_vec(), signatures: vec![signature] };
        let Json::Object(object) = envelope.to_json() else { panic!("an object") };
        assert_eq!(Envelope::from_json(&object), Ok(envelope));
        for (member, value) in [
            ("payloadType", Json::Null),
            ("payload", Json::from("e30=\n")),
            ("signatures", Json::Array(vec![])),
            ("signatures", Json::Array(vec![Json::Object(Object::new()); MAX_SIGNATURES + 1])),
        ] {
            let mut other = object.clone();
            other.set(member, value);
            assert_eq!(Envelope::from_json(&other), Err(EnvelopeError(member)));
        }
        for (name, sig) in [("signatures.sig", ""), ("signatures.sig", "+_8="), ("signatures.sig", "+/9=")] {
            let mut other = object.clone();
            let mut signature = Object::new();
            signature.set("sig", sig);
            other.set("signatures", Json::Array(vec![Json::Object(signature)]));
            assert_eq!(Envelope::from_json(&other), Err(EnvelopeError(name)), "{sig:?}");
        }
    }
}
