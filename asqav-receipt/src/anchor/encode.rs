//! Writing DER (ITU-T X.690): the few forms that requests and evidence records
//! have.

use x509_cert::der::Encode as _;
use x509_cert::der::asn1::ObjectIdentifier;

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const BOOLEAN: u8 = 0x01;

/// One value: its tag, and its content in parts.
pub(super) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    if len < 0x80 {
        out.extend(u8::try_from(len));
    } else {
        let bytes = u64::try_from(len).unwrap_or(u64::MAX).to_be_bytes();
        let significant = bytes.iter().skip_while(|byte| **byte == 0);
        let count = u8::try_from(significant.clone().count()).unwrap_or(8);
        out.push(0x80 | count);
        out.extend(significant);
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A number that is not negative.
pub(super) fn integer(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let significant: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    let sign: &[u8] = if significant.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    value(INTEGER, &[sign, &significant])
}

/// An `AlgorithmIdentifier` without parameters (RFC 5754 §2).
pub(super) fn algorithm(identifier: ObjectIdentifier) -> Vec<u8> {
    // A constant identifier always has a form.
    let oid = identifier.to_der().unwrap_or_default();
    value(SEQUENCE, &[&oid])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_numbers_have_their_shortest_form() {
        assert_eq!(value(OCTETS, &[b"ab", b"c"]), [4, 3, b'a', b'b', b'c']);
        assert_eq!(value(OCTETS, &[&[0; 127]])[..2], [4, 127]);
        assert_eq!(value(OCTETS, &[&[0; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(value(OCTETS, &[&[0; 300]])[..4], [4, 0x82, 1, 44]);
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(127), [2, 1, 127]);
        assert_eq!(integer(128), [2, 2, 0, 128]);
        assert_eq!(integer(u64::MAX), [2, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    }
}
