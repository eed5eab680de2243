//! Base64 with one text per byte string: base64url without padding (RFC 4648
//! §5) and, where key sets ask for it, standard base64 with padding (§4).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{NO_PAD, PAD};

/// `-` and `_`, no padding.
static URL_SAFE: LazyLock<engine::Base64> = LazyLock::new(|| engine::url_safe(NO_PAD));
/// `+` and `/`, padding.
static STANDARD: LazyLock<engine::Base64> = LazyLock::new(|| engine::standard(PAD));

/// Reads and writes as many characters at once as a register holds: a signature
/// has 4,412 of them.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod engine {
    pub(super) use base64::engine::Simd as Base64;
    use base64::engine::general_purpose::GeneralPurposeConfig;

    pub(super) fn standard(config: GeneralPurposeConfig) -> Base64 {
        Base64::standard(config)
    }

    pub(super) fn url_safe(config: GeneralPurposeConfig) -> Base64 {
        Base64::url_safe(config)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod engine {
    use base64::alphabet;
    pub(super) use base64::engine::GeneralPurpose as Base64;
    use base64::engine::general_purpose::GeneralPurposeConfig;

    pub(super) const fn standard(config: GeneralPurposeConfig) -> Base64 {
        Base64::new(&alphabet::STANDARD, config)
    }

    pub(super) const fn url_safe(config: GeneralPurposeConfig) -> Base64 {
        Base64::new(&alphabet::URL_SAFE, config)
    }
}

/// The text of `bytes`.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// The bytes of `text`; `None` for padding, white space, other alphabets and
/// trailing bits that are not zero.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    decode_as(&URL_SAFE, text)
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
fn decode_as(engine: &engine::Base64, text: &str) -> Option<Vec<u8>> {
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

    /// What is done many characters at once is what is done one by one: every
    /// length to some registers' end, every byte in every place of a text.
    #[test]
    fn reads_at_once_what_is_read_one_by_one() {
        use base64::engine::general_purpose::{STANDARD as STANDARD_1, URL_SAFE_NO_PAD};

        let bytes: Vec<u8> = (0..700_u32).map(|n| (n * 7 + n / 256 * 5) as u8).collect();
        for len in 0..bytes.len() {
            let bytes = &bytes[..len];
            let (url, standard) = (URL_SAFE_NO_PAD.encode(bytes), STANDARD_1.encode(bytes));
            assert_eq!((encode(bytes), encode_standard(bytes)), (url.clone(), standard.clone()));
            assert_eq!(decode(&url).as_deref(), Some(bytes), "{url}");
            assert_eq!(decode_standard(&standard).as_deref(), Some(bytes), "{standard}");
        }
        let text = URL_SAFE_NO_PAD.encode(&bytes[..150]);
        for at in 0..text.len() {
            for byte in 0..128_u8 {
                let mut changed = text.clone().into_bytes();
                changed[at] = byte;
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(decode(&changed), URL_SAFE_NO_PAD.decode(&changed).ok(), "{changed}");
                assert_eq!(decode_standard(&changed), STANDARD_1.decode(&changed).ok(), "{changed}");
            }
        }
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
