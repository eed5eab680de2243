//! Payment card numbers (ISO/IEC 7812-1).

use super::groups::any_run;

pub(super) fn finds(text: &str) -> bool {
    any_run(
        text,
        19,
        |byte| byte.is_ascii_digit(),
        |digits| {
            (13..=19).contains(&digits.len()) && matches!(digits.first(), Some(b'2'..=b'6')) && luhn(digits)
        },
    )
}

/// From the right, every second digit doubled and its own digits added; the
/// sum ends in 0 (annex B).
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0');
            match at % 2 {
                0 => digit,
                _ if digit > 4 => digit * 2 - 9,
                _ => digit * 2,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}
