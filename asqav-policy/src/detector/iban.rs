//! International bank account numbers (ISO 13616-1).

use super::groups::any_run;

pub(super) fn finds(text: &str) -> bool {
    any_run(
        text,
        34,
        |byte| byte.is_ascii_alphanumeric(),
        |account| {
            let formed = matches!(account, [a, b, c, d, ..]
            if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit());
            (15..=34).contains(&account.len()) && formed && checks(account)
        },
    )
}

/// The first four characters moved to the end, letters as 10 to 35: the number
/// leaves 1 when divided by 97 (ISO/IEC 7064).
fn checks(account: &[u8]) -> bool {
    let (head, tail) = account.split_at(account.len().min(4));
    let remainder = tail.iter().chain(head).fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        letter => (remainder * 100 + u32::from(letter.to_ascii_uppercase().saturating_sub(b'A')) + 10) % 97,
    });
    remainder == 1
}
