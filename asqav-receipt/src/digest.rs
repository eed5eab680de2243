//! SHA-256 (FIPS 180-4) and SHA3-256 (FIPS 202) digests as values.
//!
//! Two families protect the order of a chain: [`Sha256Digest`] is what the
//! receipt profile uses, [`Sha3Digest`] is what asqav adds. They are distinct
//! types, so that one cannot stand where the other is meant.

mod each;

use std::fmt;

use sha2::Digest as _;

/// Lower-case hexadecimal text of `bytes`.
#[must_use]
pub fn encode_hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len() * 2);
    push_hex(bytes, &mut text);
    // The digits are ASCII.
    String::from_utf8(text).unwrap_or_default()
}

/// The lower-case hexadecimal digits of 16 bytes.
pub(crate) fn hex_of_16(bytes: &[u8; 16]) -> [u8; 32] {
    let mut digits = [[0; 2]; 16];
    write_hex(bytes, &mut digits);
    *digits.as_flattened().first_chunk().unwrap_or(&[0; 32])
}

/// Appends lower-case hexadecimal digits of `bytes`.
pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len() * 2, 0);
    write_hex(bytes, out.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>().0);
}

/// Writes the two digits of each byte.
fn write_hex(bytes: &[u8], digits: &mut [[u8; 2]]) {
    // Without a table, so that many digits are made at once.
    let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
    for (pair, byte) in digits.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
}

/// Reads exactly `N` bytes of lower-case hexadecimal text; `None` for any
/// other length or character (upper case included).
#[must_use]
pub fn decode_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != N {
        return None;
    }
    let (mut bytes, mut all) = ([0; N], 0);
    // Without an early return, so that many digits are read at once.
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (nibble(*high), nibble(*low));
        all |= high | low;
        *byte = high << 4 | low & 15;
    }
    (all < 16).then_some(bytes)
}

/// The value of a lower-case hexadecimal digit; over 15 if it is none.
const fn nibble(digit: u8) -> u8 {
    let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    if number < 10 {
        number
    } else if letter < 6 {
        letter + 10
    } else {
        0xff
    }
}

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $hasher:ty, $tag:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            #[doc = concat!("The prefix of the tagged form: `", $tag, "`.")]
            pub const TAG: &'static str = $tag;

            /// The digest of `bytes`.
            #[must_use]
            pub fn of(bytes: &[u8]) -> Self {
                Self(<$hasher>::digest(bytes).into())
            }

            /// The digest of `parts`, one after the other, without separators.
            #[must_use]
            pub fn of_parts(parts: &[&[u8]]) -> Self {
                let mut hasher = <$hasher>::new();
                for part in parts {
                    hasher.update(part);
                }
                Self(hasher.finalize().into())
            }

            /// Takes 32 bytes that already are a digest.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Reads 64 lower-case hexadecimal digits.
            #[must_use]
            pub fn parse_hex(text: &str) -> Option<Self> {
                decode_hex(text).map(Self)
            }

            #[doc = concat!("Reads `", $tag, "` and 64 lower-case hexadecimal digits.")]
            #[must_use]
            pub fn parse_tagged(text: &str) -> Option<Self> {
                Self::parse_hex(text.strip_prefix($tag)?)
            }

            /// 64 lower-case hexadecimal digits.
            #[must_use]
            pub fn to_hex(&self) -> String {
                encode_hex(&self.0)
            }

            #[doc = concat!("`", $tag, "` and 64 lower-case hexadecimal digits.")]
            #[must_use]
            pub fn to_tagged(&self) -> String {
                format!("{}{}", $tag, self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_tagged())
            }
        }
    };
}

digest! {
    /// A SHA-256 digest (FIPS 180-4), 32 bytes.
    Sha256Digest, sha2::Sha256, "sha256:"
}
digest! {
    /// A SHA3-256 digest (FIPS 202), 32 bytes.
    Sha3Digest, sha3::Sha3_256, "sha3-256:"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_match_the_standards_examples() {
        assert_eq!(
            Sha256Digest::of(b"abc").to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            Sha3Digest::of(b"abc").to_tagged(),
            "sha3-256:3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"
        );
        assert_eq!(Sha3Digest::of_parts(&[b"a", b"bc"]), Sha3Digest::of(b"abc"));
    }

    #[test]
    fn hex_has_one_spelling() {
        assert_eq!(decode_hex::<2>("0aff"), Some([0x0a, 0xff]));
        for wrong in ["0AFF", "0af", "0aff0", "0ag0", "+aff"] {
            assert_eq!(decode_hex::<2>(wrong), None, "{wrong}");
        }
        assert_eq!(Sha256Digest::parse_tagged(&"a".repeat(64)), None);
        // Any byte in any place, among digits on either side.
        for byte in 0..128_u8 {
            for at in 0..64 {
                let mut text = [b'5'; 64];
                text[at] = byte;
                let digit = char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
                let wanted = digit.map(|digit| {
                    let mut bytes = [0x55; 32];
                    bytes[at / 2] = if at % 2 == 0 { digit as u8 * 16 + 5 } else { 0x50 + digit as u8 };
                    bytes
                });
                assert_eq!(decode_hex::<32>(std::str::from_utf8(&text).unwrap()), wanted, "{byte} at {at}");
            }
        }
    }
}
