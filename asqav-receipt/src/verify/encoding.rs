//! Base64 as other issuers write it.

use crate::base64url;

/// Reads standard or URL-safe base64, padded or not, but only one alphabet at
/// a time, without other characters and with zero trailing bits.
pub(super) fn any_base64(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    let padding = text.len() - bare.len();
    // Padding is complete or absent.
    if padding > 0 && (padding > 2 || !text.len().is_multiple_of(4)) {
        return None;
    }
    if bare.contains(['-', '_']) {
        return base64url::decode(bare);
    }
    base64url::decode(&bare.replace('+', "-").replace('/', "_"))
}

#[cfg(test)]
mod tests {
    use super::any_base64;

    #[test]
    fn reads_both_alphabets() {
        for text in ["+/8=", "+/8", "-_8", "-_8="] {
            assert_eq!(any_base64(text).as_deref(), Some(&[0xfb, 0xff][..]), "{text}");
        }
    }

    #[test]
    fn refuses_what_lenient_readers_take() {
        for text in ["+_8=", "-/8", "!!!!", "+/8=\n", "+/8==", "+/9", "+/8 ", "=", "A", "===="] {
            assert!(any_base64(text).is_none(), "{text:?}");
        }
    }
}
