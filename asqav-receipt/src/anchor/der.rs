//! Reading DER (ITU-T X.690) one level at a time.
//!
//! Tokens are walked by hand, not by the types of a CMS crate: the reference
//! corpus has tokens whose signer is named in a form that those types refuse,
//! and whoever the signer claims to be decides nothing here.

use x509_cert::der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::der::{Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _};

/// A constructed value has at most this many parts.
const MAX_PARTS: usize = 64;

/// The reason that something is not the DER it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

/// One value: a tag and its content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a>(AnyRef<'a>);

impl<'a> Value<'a> {
    /// The one value that `bytes` are.
    pub(super) fn only(bytes: &'a [u8], what: &'static str) -> Result<Self, Malformed> {
        AnyRef::from_der(bytes).map(Self).map_err(|_| Malformed(what))
    }

    /// The content's bytes, if the tag is `tag`.
    pub(super) fn content(self, tag: Tag, what: &'static str) -> Result<&'a [u8], Malformed> {
        if self.0.tag() == tag { Ok(self.0.value()) } else { Err(Malformed(what)) }
    }

    /// Whether it has this tag.
    pub(super) fn is(self, tag: Tag) -> bool {
        self.0.tag() == tag
    }

    /// The parts of a constructed value with this tag.
    pub(super) fn parts(self, tag: Tag, what: &'static str) -> Result<Vec<Self>, Malformed> {
        let content = self.content(tag, what)?;
        let mut reader = SliceReader::new(content).map_err(|_| Malformed(what))?;
        let mut parts = Vec::new();
        while !reader.is_finished() {
            if parts.len() == MAX_PARTS {
                return Err(Malformed(what));
            }
            parts.push(Self(AnyRef::decode(&mut reader).map_err(|_| Malformed(what))?));
        }
        Ok(parts)
    }

    /// An object identifier.
    pub(super) fn oid(self, what: &'static str) -> Result<ObjectIdentifier, Malformed> {
        self.0.decode_as::<ObjectIdentifier>().map_err(|_| Malformed(what))
    }

    /// The identifier of an `AlgorithmIdentifier` (RFC 5280 §4.1.1.2).
    pub(super) fn algorithm(self, what: &'static str) -> Result<ObjectIdentifier, Malformed> {
        self.parts(Tag::Sequence, what)?.first().ok_or(Malformed(what))?.oid(what)
    }

    /// The value encoded again under another tag (RFC 5652 §5.4: signed
    /// attributes are signed as a `SET OF`).
    pub(super) fn retagged(self, tag: Tag, what: &'static str) -> Result<Vec<u8>, Malformed> {
        AnyRef::new(tag, self.0.value()).and_then(|value| value.to_der()).map_err(|_| Malformed(what))
    }
}

/// `[number]`, primitive.
pub(super) const fn implicit(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber(number) }
}

/// `[number]`, constructed.
pub(super) const fn explicit(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}
