//! Base64 with one text per byte string: base64url without padding (RFC 4648
//! §5) and, where key sets ask for it, standard base64 with padding (§4).

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE_NO_PAD};

/// The text of `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of `text`; `None` for padding, white space, other alphabets and
/// trailing bits that are not zero.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    decode_as(&URL_SAFE_NO_PAD, text)
}

/// The text of `bytes` in standard base64.
#[must_use]
pub fn encode_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of `text` in standard base64; `None` for absent or excess
/// padding, white space, other alphabets and trailing bits that are not zero.
#[must_use]
pub fn decode_standard(text: &str) -> Option<Vec<u8>> {
    decode_as(&STANDARD, text)
}

/// The bytes of `text` in either alphabet, padded or not, as other issuers
/// write it; but one alphabet at a time, with complete padding or none, without
/// other characters and with zero trailing bits.
#[must_use]
pub fn decode_any(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    if padding > 0 && (padding > 2 || !text.len().is_multiple_of(4)) {
        return None;
    }
    if bare.contains(['-', '_']) {
        return decode(bare);
    }
    decode(&bare.replace('+', "-").replace('/', "_"))
}

/// Decodes and encodes again: compared, not assumed.
fn decode_as(engine: &GeneralPurpose, text: &str) -> Option<Vec<u8>> {
    let bytes = engine.decode(text).ok()?;
    (engine.encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10, and the two characters in which the alphabets differ.
    #[test]
    fn reads_the_standards_examples() {
        assert_eq!(decode_standard("Zm9vYg==").unwrap(), b"foob");
        assert_eq!(decode("Zm9vYg").unwrap(), b"foob");
        assert_eq!(decode("-_8").unwrap(), [0xfb, 0xff]);
        assert_eq!(decode_standard("+/8=").unwrap(), [0xfb, 0xff]);
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert_eq!(encode_standard(&[0xfb, 0xff]), "+/8=");
        assert_eq!(decode("").unwrap(), b"");
    }

    #[test]
    fn refuses_every_other_spelling() {
        for wrong in
            ["Zg==", "Zh", "Zm9vYh", "-_9", "Zg\n", " Zg", "Z", "Zm9vY", "!!!!", "+/8", "Zm9v=", "Zm 9v"]
        {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
        for wrong in ["Zg", "Zg=", "Zh==", "Zg==\n", "Zg==Zg==", "-_8=", "!!!!", "Zm9v====", "===="] {
            assert_eq!(decode_standard(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn reads_both_alphabets() {
        for text in ["+/8=", "+/8", "-_8", "-_8="] {
            assert_eq!(decode_any(text).as_deref(), Some(&[0xfb, 0xff][..]), "{text}");
        }
        for text in ["+_8=", "-/8", "!!!!", "+/8=\n", "+/8==", "+/9", "+/8 ", "=", "A", "===="] {
            assert!(decode_any(text).is_none(), "{text:?}");
        }
    }
}
