//! Names from outside, in a form that fits a receipt.

use asqav_receipt::digest::Sha256Digest;

/// How many bytes of an unusable name stay readable.
const KEPT: usize = 40;

/// A name that cannot stand in a receipt, as one that can: its first 40 bytes
/// at most (control characters as `_`), `~sha256:` and the first 16 hex digits
/// of the whole name's SHA-256. Names are labels, not arguments: the digest is
/// not salted.
pub(crate) fn safe_label(name: &str) -> String {
    shortened(name, char::is_control)
}

/// As [`safe_label`], for identifiers of visible ASCII without quotation mark
/// and backslash: other characters stand as `_`.
pub(crate) fn safe_code(name: &str) -> String {
    shortened(name, is_no_code)
}

/// Whether a code must not hold the character.
pub(crate) fn is_no_code(character: char) -> bool {
    !character.is_ascii_graphic() || matches!(character, '"' | '\\')
}

fn shortened(name: &str, hidden: impl Fn(char) -> bool) -> String {
    let mut label = String::with_capacity(KEPT + 24);
    for character in name.chars() {
        let shown = if hidden(character) { '_' } else { character };
        if label.len() + shown.len_utf8() > KEPT {
            break;
        }
        label.push(shown);
    }
    label.push_str("~sha256:");
    label.extend(Sha256Digest::of(name.as_bytes()).to_hex().chars().take(16));
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_whole_characters_and_tells_names_apart() {
        let (one, two) = ("é".repeat(3_000), "é".repeat(3_001));
        assert!(safe_label(&one).starts_with(&format!("{}~sha256:", "é".repeat(20))));
        assert_ne!(safe_label(&one), safe_label(&two));
        assert_eq!(safe_label("a\nb"), "a_b~sha256:7e18f737311b2dc3");
        assert_eq!(safe_label(""), "~sha256:e3b0c44298fc1c14");
    }

    #[test]
    fn codes_are_codes_whatever_the_name() {
        for name in ["", "ü", "\"\\", " ", "\u{7}", &"é".repeat(3_000), &"x".repeat(65)] {
            let code = safe_code(name);
            assert!(asqav_receipt::id::ToolVersion::parse(&*code).is_ok(), "{name:.20} {code}");
            assert!(asqav_receipt::id::ToolName::parse(safe_label(name)).is_ok(), "{name:.20}");
        }
    }
}
