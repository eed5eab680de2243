//! Names from outside, in a form that fits a receipt.

use asqav_receipt::digest::Sha256Digest;

/// How many bytes of an unusable name stay readable.
const KEPT: usize = 40;

/// A name that cannot stand in a receipt, as one that can: its first 40 bytes
/// at most (control characters as `_`), `~sha256:` and the first 16 hex digits
/// of the whole name's SHA-256. Names are labels, not arguments: the digest is
/// not salted.
pub(crate) fn safe_label(name: &str) -> String {
    let mut label = String::with_capacity(KEPT + 24);
    for character in name.chars() {
        if label.len() + character.len_utf8() > KEPT {
            break;
        }
        label.push(if character.is_control() { '_' } else { character });
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
}
