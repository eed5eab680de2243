//! JSON pointers (RFC 6901) into a call's arguments: the first token names the
//! argument, the rest a place in its value.

use std::fmt;

use crate::error::{Problem, quote};

/// The longest pointer, in bytes.
const MAX_POINTER_LEN: usize = 512;

/// A pointer with at least one token.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    text: Box<str>,
    /// The argument's name.
    pub(crate) argument: String,
    /// The tokens behind it.
    pub(crate) rest: Vec<String>,
}

impl Pointer {
    /// Reads a pointer.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = || Problem::Word {
            found: quote(text),
            expected: "a JSON pointer (RFC 6901) like `/amount` or `/order/items/0`",
        };
        if text.len() > MAX_POINTER_LEN {
            return Err(wrong());
        }
        let tokens = text.strip_prefix('/').ok_or_else(wrong)?.split('/');
        let mut tokens = tokens.map(|token| unescape(token).ok_or_else(wrong));
        let argument = tokens.next().unwrap_or_else(|| Err(wrong()))?;
        Ok(Self { text: text.into(), argument, rest: tokens.collect::<Result<_, _>>()? })
    }

    /// The pointer's text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pointer({:?})", self.text)
    }
}

/// `~1` is `/`, `~0` is `~`, and no other `~` may stand there (§3).
fn unescape(token: &str) -> Option<String> {
    let mut out = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

/// An array index as §4 writes it: digits without a leading zero.
pub(crate) fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with('0');
    (plain && token.bytes().all(|byte| byte.is_ascii_digit())).then(|| token.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_unescaped() {
        let pointer = Pointer::parse("/a~1b/m~0n/~01/").unwrap();
        assert_eq!(pointer.argument, "a/b");
        assert_eq!(pointer.rest, ["m~n", "~1", ""]);
    }

    #[test]
    fn wrong_pointers_are_refused() {
        for wrong in ["", "a", "a/b", "/~", "/~2", "/a~", &format!("/{}", "a".repeat(512))] {
            assert!(Pointer::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn indexes_have_one_spelling() {
        assert_eq!(index("0"), Some(0));
        assert_eq!(index("10"), Some(10));
        for wrong in ["", "-", "01", "+1", "-1", "1.0", "٣", "99999999999999999999999"] {
            assert_eq!(index(wrong), None, "{wrong}");
        }
    }
}
