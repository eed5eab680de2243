//! Whether every name of one pattern is a name of another.

use std::collections::{BTreeSet, HashSet};

use super::Glob;

/// Steps that are taken before the answer is *not known to*.
const MAX_STEPS: usize = 50_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `*`
    Within,
    /// `**`
    Across,
}

/// Places in a pattern that a name can have reached.
type Places = BTreeSet<usize>;

impl Glob {
    /// Whether this pattern is known to match every name that `other` matches.
    /// `false` may also mean that it was too much to find out.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.covers_within(other, &mut { MAX_STEPS })
    }

    /// As [`covers`](Self::covers), with what is left of `steps`, of which it
    /// takes what it uses.
    pub(crate) fn covers_within(&self, other: &Self, steps: &mut usize) -> bool {
        if self.matches_everything() || self.text == other.text {
            return true;
        }
        match (self.exact(), other.exact()) {
            (_, Some(name)) => self.matches(name),
            (Some(_), None) => false,
            (None, None) => includes(&tokens(self.as_str()), &tokens(other.as_str()), steps),
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for byte in text.bytes() {
        match (byte, tokens.last_mut()) {
            (b'*', Some(last @ Token::Within)) => *last = Token::Across,
            (b'*', _) => tokens.push(Token::Within),
            _ => tokens.push(Token::Byte(byte)),
        }
    }
    tokens
}

/// Walks through `inner` with every byte that it may stand for, and keeps the
/// set of places that `outer` may have reached with it.
fn includes(outer: &[Token], inner: &[Token], steps: &mut usize) -> bool {
    let start = (0_usize, closed(outer, Places::from([0])));
    let mut seen = HashSet::from([start.clone()]);
    let mut todo = vec![start];
    while let Some((at, places)) = todo.pop() {
        let next: Vec<(usize, Places)> = match inner.get(at) {
            None if places.contains(&outer.len()) => Vec::new(),
            None => return false,
            Some(&Token::Byte(byte)) => vec![(at + 1, step(outer, &places, byte))],
            Some(star) => {
                let stays = alphabet(outer, *star).into_iter().map(|byte| (at, step(outer, &places, byte)));
                stays.chain([(at + 1, places.clone())]).collect()
            }
        };
        for state in next {
            // Counted here, so that what waits is bounded too.
            let Some(left) = steps.checked_sub(1).filter(|_| !state.1.is_empty()) else { return false };
            *steps = left;
            if seen.insert(state.clone()) {
                todo.push(state);
            }
        }
    }
    true
}

/// The bytes that `outer` tells apart, as far as `star` may stand for them; 0
/// is in no pattern and stands for all others.
fn alphabet(outer: &[Token], star: Token) -> BTreeSet<u8> {
    let named =
        outer.iter().filter_map(|token| if let Token::Byte(byte) = token { Some(*byte) } else { None });
    let all = named.chain([0]).chain(*b".:/");
    all.filter(|&byte| star == Token::Across || !is_separator(byte)).collect()
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b'.' | b':' | b'/')
}

fn step(outer: &[Token], places: &Places, byte: u8) -> Places {
    let next = places.iter().filter_map(|&at| match outer.get(at)? {
        Token::Byte(expected) => (*expected == byte).then_some(at + 1),
        Token::Within => (!is_separator(byte)).then_some(at),
        Token::Across => Some(at),
    });
    closed(outer, next.collect())
}

/// A star may also stand for nothing.
fn closed(outer: &[Token], mut places: Places) -> Places {
    for at in 0..outer.len() {
        if places.contains(&at) && !matches!(outer.get(at), Some(Token::Byte(_))) {
            places.insert(at + 1);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covers(outer: &str, inner: &str) -> bool {
        Glob::parse(outer).unwrap().covers(&Glob::parse(inner).unwrap())
    }

    #[test]
    fn patterns_cover_patterns() {
        for (outer, inner) in [
            ("**", "a.*"),
            ("a*", "ab*"),
            ("a:**", "a:*"),
            ("**:delete_*", "ledger:delete_*"),
            ("*a*", "ba*"),
            ("**", "**:x"),
            ("a**b", "a*:*b"),
        ] {
            assert!(covers(outer, inner), "`{outer}` covers `{inner}`");
            assert!(!covers(inner, outer), "`{inner}` does not cover `{outer}`");
        }
        assert!(!covers("*", "a:*"));
        assert!(!covers("a*b*", "b*a*"));
    }

    proptest! {
        /// What is covered is matched; what is not covered has, among all short
        /// names, often a witness, and never the other way round.
        #[test]
        fn agrees_with_names(outer in "[ab:*]{1,5}", inner in "[ab:*]{1,5}") {
            prop_assume!(!outer.contains("***") && !inner.contains("***"));
            let (outer, inner) = (Glob::parse(&outer).unwrap(), Glob::parse(&inner).unwrap());
            let mut names = vec![String::new()];
            for len in 0..6 {
                let longer: Vec<String> = names
                    .iter()
                    .filter(|name| name.len() == len)
                    .flat_map(|name| ["a", "b", ":", ".", "c"].map(|next| format!("{name}{next}")))
                    .collect();
                names.extend(longer);
            }
            let witness = names.iter().find(|name| inner.matches(name) && !outer.matches(name));
            prop_assert_eq!(outer.covers(&inner), witness.is_none(), "{:?}", witness);
        }
    }
}
