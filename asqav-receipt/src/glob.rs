//! Patterns for names of tools and agents.
//!
//! `*` stands for any run of characters, the empty one included, without the
//! separators `.` `:` `/`; `**` for any run at all. Everything else stands for
//! itself; case matters. `? [ ] { } ! \ @` are refused, so that they can get a
//! meaning later without changing an existing policy.
//!
//! A matcher of our own, because globset knows one separator (`/`) and goes
//! through a regular-expression engine. This one keeps the set of reachable
//! pattern positions in one 128-bit word: its time is linear in the name for a
//! given pattern, it allocates nothing and cannot backtrack.

mod cover;

use std::fmt;

/// The longest pattern, in bytes; no name is longer either.
pub const MAX_GLOB_LEN: usize = 128;

/// A pattern for names, see the [module](self).
#[derive(Clone, PartialEq, Eq)]
pub struct Glob {
    text: Box<str>,
    shape: Shape,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    /// The text is empty.
    #[error("the pattern is empty")]
    Empty,
    /// The text is longer than [`MAX_GLOB_LEN`].
    #[error("the pattern has {0} bytes, at most {MAX_GLOB_LEN} are allowed")]
    TooLong(usize),
    /// A character that is reserved, or a control character.
    #[error("the pattern holds {0:?}, which is reserved")]
    Reserved(char),
    /// Three stars in a row.
    #[error("the pattern holds `***`")]
    Stars,
}

#[derive(Clone, PartialEq, Eq)]
enum Shape {
    /// No star: the name itself.
    Exact,
    /// `prefix` and `suffix` are lengths in bytes of what stands before the
    /// first and behind the last star.
    Stars { prefix: usize, suffix: usize, middle: Middle },
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`GlobError`] when it is empty, too long, or holds a reserved character.
    pub fn parse(text: &str) -> Result<Self, GlobError> {
        if text.is_empty() {
            return Err(GlobError::Empty);
        }
        if text.len() > MAX_GLOB_LEN {
            return Err(GlobError::TooLong(text.len()));
        }
        if let Some(c) = text.chars().find(|&c| c.is_control() || r"?[]{}!\@".contains(c)) {
            return Err(GlobError::Reserved(c));
        }
        if text.contains("***") {
            return Err(GlobError::Stars);
        }
        Ok(Self { shape: Shape::of(text), text: text.into() })
    }

    /// Whether `name` matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match &self.shape {
            Shape::Exact => *self.text == *name,
            Shape::Stars { prefix, suffix, middle } => {
                let (text, name) = (self.text.as_bytes(), name.as_bytes());
                let (head, tail) = (text.get(..*prefix), text.get(text.len() - suffix..));
                head.zip(tail)
                    .and_then(|(head, tail)| name.strip_prefix(head)?.strip_suffix(tail))
                    .is_some_and(|rest| middle.matches(rest))
            }
        }
    }

    /// The one name that matches, when there is no star.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        matches!(self.shape, Shape::Exact).then_some(&*self.text)
    }

    /// What every matching name begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self.shape {
            Shape::Exact => &self.text,
            Shape::Stars { prefix, .. } => self.text.get(..prefix).unwrap_or_default(),
        }
    }

    /// A name that matches.
    #[must_use]
    pub fn example(&self) -> String {
        self.text.replace("**", "x").replace('*', "x")
    }

    /// Whether every name matches.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        &*self.text == "**"
    }

    /// The pattern's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({:?})", self.text)
    }
}

impl Shape {
    fn of(text: &str) -> Self {
        let (Some(first), Some(last)) = (text.find('*'), text.rfind('*')) else { return Self::Exact };
        let middle = Middle::new(text.as_bytes().get(first..=last).unwrap_or_default());
        Self::Stars { prefix: first, suffix: text.len() - last - 1, middle }
    }
}

/// The part of a pattern from its first to its last star.
///
/// INVARIANT: it begins and ends with a star, no two stars are neighbours, and
/// it has at most 128 tokens: each token is a bit of the masks, a name matches
/// when the last token is reachable, and one shift closes a set.
#[derive(Clone, PartialEq, Eq)]
struct Middle {
    /// A byte to match; 0 for a star (no pattern holds a control character).
    tokens: Box<[u8]>,
    /// The tokens that are `*`.
    within: u128,
    /// The tokens that are `**`.
    across: u128,
}

impl Middle {
    fn new(text: &[u8]) -> Self {
        let (mut tokens, mut within, mut across) = (Vec::new(), 0_u128, 0_u128);
        let mut rest = text;
        while let [byte, tail @ ..] = rest {
            let bit = 1_u128.checked_shl(u32::try_from(tokens.len()).unwrap_or(u32::MAX)).unwrap_or(0);
            rest = match (byte, tail) {
                (b'*', [b'*', tail @ ..]) => {
                    across |= bit;
                    tail
                }
                (b'*', tail) => {
                    within |= bit;
                    tail
                }
                (_, tail) => tail,
            };
            tokens.push(if *byte == b'*' { 0 } else { *byte });
        }
        Self { tokens: tokens.into(), within, across }
    }

    fn matches(&self, name: &[u8]) -> bool {
        let mut reachable = self.close(1);
        for &byte in name {
            if reachable == 0 {
                return false;
            }
            reachable = self.step(reachable, byte);
        }
        reachable.checked_shr(u32::try_from(self.tokens.len() - 1).unwrap_or(u32::MAX)).unwrap_or(0) & 1 == 1
    }

    /// The tokens reachable behind `byte`: stars stay, a byte that is equal
    /// makes way for the next token.
    fn step(&self, reachable: u128, byte: u8) -> u128 {
        let separator = matches!(byte, b'.' | b':' | b'/');
        let stay = reachable & (self.across | if separator { 0 } else { self.within });
        let mut waiting = reachable & !(self.within | self.across);
        let mut advance = 0;
        while waiting != 0 {
            let at = waiting.trailing_zeros();
            waiting &= waiting - 1;
            if self.tokens.get(at as usize) == Some(&byte) {
                advance |= 2_u128.checked_shl(at).unwrap_or(0);
            }
        }
        self.close(stay | advance)
    }

    /// A star may also stand for nothing.
    fn close(&self, reachable: u128) -> u128 {
        reachable | ((reachable & (self.within | self.across)) << 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the module's documentation says, word by word, by backtracking.
    fn naive(pattern: &[u8], name: &[u8]) -> bool {
        match pattern {
            [] => name.is_empty(),
            [b'*', b'*', rest @ ..] => (0..=name.len()).any(|len| naive(rest, &name[len..])),
            [b'*', rest @ ..] => (0..=name.len())
                .take_while(|&len| !name[..len].iter().any(|byte| b".:/".contains(byte)))
                .any(|len| naive(rest, &name[len..])),
            [byte, rest @ ..] => name.first() == Some(byte) && naive(rest, &name[1..]),
        }
    }

    #[test]
    fn stars_and_separators() {
        for (pattern, yes, no) in [
            ("query", &["query"][..], &["Query", "query2", "quer", ""][..]),
            ("ledger:*", &["ledger:query", "ledger:"], &["ledger:a:b", "ledger:a.b", "ledger:a/b", "ledger"]),
            ("ledger:**", &["ledger:a:b", "ledger:"], &["ledger", "xledger:a"]),
            ("*", &["a", "ü"], &["a.b", "a:b", "a/b"]),
            ("**", &["", "a.b:c/d"], &[]),
            ("**:delete_*", &["a:b:delete_x", ":delete_"], &["delete_x", "a:delete_x.y"]),
            ("a*a", &["aa", "aba"], &["a", "a.a"]),
            ("über*", &["überweisung"], &["uberweisung", "Überweisung"]),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            for name in yes {
                assert!(glob.matches(name), "`{pattern}` must match `{name}`");
            }
            for name in no {
                assert!(!glob.matches(name), "`{pattern}` must not match `{name}`");
            }
        }
    }

    #[test]
    fn the_longest_patterns_fit_the_word() {
        let stars = "*a".repeat(63) + "**";
        assert!(Glob::parse(&stars).unwrap().matches(&"a".repeat(63)));
        assert!(!Glob::parse(&stars).unwrap().matches(&"a".repeat(62)));
        let full = format!("*{}*", "a".repeat(126));
        assert!(Glob::parse(&full).unwrap().matches(&"a".repeat(128)));
        assert!(!Glob::parse(&full).unwrap().matches(&format!("{}b", "a".repeat(125))));
    }

    #[test]
    fn wrong_patterns_are_refused() {
        assert_eq!(Glob::parse(""), Err(GlobError::Empty));
        assert_eq!(Glob::parse(&"a".repeat(129)), Err(GlobError::TooLong(129)));
        assert_eq!(Glob::parse("a***"), Err(GlobError::Stars));
        assert_eq!(Glob::parse("a\n"), Err(GlobError::Reserved('\n')));
        for c in r"?[]{}!\@".chars() {
            assert_eq!(Glob::parse(&format!("a{c}")), Err(GlobError::Reserved(c)));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab.:/*ü]{1,12}", name in "[ab.:/ü]{0,16}") {
            prop_assume!(!pattern.contains("***"));
            let glob = Glob::parse(&pattern).unwrap();
            prop_assert_eq!(glob.matches(&name), naive(pattern.as_bytes(), name.as_bytes()));
        }

        /// Where only `/` separates, globset with a literal separator is the
        /// same language.
        #[test]
        fn agrees_with_globset_on_slashes(pattern in "[ab/*]{1,10}", name in "[ab/]{0,12}") {
            prop_assume!(!pattern.contains("**"));
            let other = globset::GlobBuilder::new(&pattern).literal_separator(true).build().unwrap();
            let ours = Glob::parse(&pattern).unwrap();
            prop_assert_eq!(ours.matches(&name), other.compile_matcher().is_match(&name));
        }
    }
}
