//! JSON pointers (RFC 6901) into a call's arguments, where the first token
//! names the argument and the rest a place in its value, and into its result.

use std::fmt;

use crate::error::{Problem, quote};

/// The longest pointer, in bytes.
const MAX_POINTER_LEN: usize = 512;

/// A place in what a call comes with.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    text: Box<str>,
    pub(crate) root: Root,
    /// The tokens behind the root.
    pub(crate) rest: Vec<String>,
}

/// What a pointer leads into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// The argument of this name.
    Argument(String),
    /// All arguments together: the empty pointer.
    Arguments,
    /// The tool's result.
    Result,
}

impl Pointer {
    /// Reads a pointer into the arguments.
    pub(crate) fn argument(text: &str) -> Result<Self, Problem> {
        let mut tokens = tokens(text)?;
        let root = if tokens.is_empty() { Root::Arguments } else { Root::Argument(tokens.remove(0)) };
        Ok(Self { text: text.into(), root, rest: tokens })
    }

    /// Reads a pointer into the result; the empty one is all of it.
    pub(crate) fn result(text: &str) -> Result<Self, Problem> {
        Ok(Self { text: text.into(), root: Root::Result, rest: tokens(text)? })
    }

    /// The key under which a condition has the pointer.
    pub(crate) const fn key(&self) -> &'static str {
        match self.root {
            Root::Argument(_) | Root::Arguments => "arg",
            Root::Result => "result",
        }
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

fn tokens(text: &str) -> Result<Vec<String>, Problem> {
    let wrong = || Problem::Word {
        found: quote(text),
        expected: "a JSON pointer (RFC 6901) like `/amount` or `/order/items/0`",
    };
    if text.is_empty() {
        return Ok(Vec::new());
    }
    if text.len() > MAX_POINTER_LEN {
        return Err(wrong());
    }
    let tokens = text.strip_prefix('/').ok_or_else(wrong)?.split('/');
    tokens.map(|token| unescape(token).ok_or_else(wrong)).collect()
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
        let pointer = Pointer::argument("/a~1b/m~0n/~01/").unwrap();
        assert_eq!(pointer.root, Root::Argument("a/b".to_owned()));
        assert_eq!(pointer.rest, ["m~n", "~1", ""]);
    }

    #[test]
    fn wrong_pointers_are_refused() {
        for wrong in ["a", "a/b", "/~", "/~2", "/a~", &format!("/{}", "a".repeat(512))] {
            assert!(Pointer::argument(wrong).is_err(), "{wrong}");
            assert!(Pointer::result(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Pointer::argument("").unwrap().root, Root::Arguments);
        assert_eq!(Pointer::result("/a").unwrap().rest, ["a"]);
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
