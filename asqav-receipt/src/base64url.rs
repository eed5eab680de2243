//! base64url without padding (RFC 4648 §5), read strictly.

use base64ct::{Base64UrlUnpadded, Encoding as _};

/// The text of `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The bytes of `text`; `None` for padding, white space, other alphabets and
/// trailing bits that are not zero.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
    // Compared, not assumed: one text per byte string.
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_string_has_one_text() {
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert_eq!(decode("-_8"), Some(vec![0xfb, 0xff]));
        for wrong in ["-_9", "-_8=", "+/8", "-_8\n", "!!!!", " -_8", "a"] {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
    }
}
