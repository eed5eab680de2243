//! Names and messages in constant evaluation, where neither iterators nor
//! `format!` work.

/// Whether the policy's pattern matches `name`: `asqav_policy::glob`, once
/// more.
pub(super) const fn matches(pattern: &str, name: &str) -> bool {
    matches_bytes(pattern.as_bytes(), name.as_bytes())
}

const fn matches_bytes(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        ([b'*', b'*', rest @ ..], []) | ([b'*', rest @ ..], []) => matches_bytes(rest, name),
        ([b'*', b'*', rest @ ..], [_, tail @ ..]) => {
            matches_bytes(rest, name) || matches_bytes(pattern, tail)
        }
        ([b'*', rest @ ..], [first, tail @ ..]) => {
            let separates = matches!(*first, b'.' | b':' | b'/');
            matches_bytes(rest, name) || (!separates && matches_bytes(pattern, tail))
        }
        ([byte, rest @ ..], [first, tail @ ..]) => *byte == *first && matches_bytes(rest, tail),
        (_, []) => false,
    }
}

/// Whether at most two edits, and fewer than its own length, make one name
/// the other.
pub(super) const fn resembles(name: &str, known: &str) -> bool {
    known.len() > 2 && within(name.as_bytes(), known.as_bytes(), 2)
}

const fn within(one: &[u8], other: &[u8], edits: usize) -> bool {
    match (one, other) {
        ([], rest) | (rest, []) => rest.len() <= edits,
        ([first, one_tail @ ..], [second, other_tail @ ..]) => {
            if *first == *second && within(one_tail, other_tail, edits) {
                return true;
            }
            edits > 0
                && (within(one_tail, other, edits - 1)
                    || within(one, other_tail, edits - 1)
                    || within(one_tail, other_tail, edits - 1))
        }
    }
}

/// Whether two texts are equal.
pub(super) const fn equal(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([first, one @ ..], [second, other @ ..]) => *first == *second && equal(one, other),
        _ => false,
    }
}

/// A message. What does not fit is left out.
pub(super) struct Text {
    bytes: [u8; 1024],
    len: usize,
}

impl Text {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; 1024], len: 0 }
    }

    /// Appends `text`.
    pub(super) const fn push(&mut self, text: &str) {
        let (_, free) = self.bytes.split_at_mut(self.len);
        if let Some((place, _)) = free.split_at_mut_checked(text.len()) {
            place.copy_from_slice(text.as_bytes());
            self.len += text.len();
        }
    }

    /// Appends `name` in backticks.
    pub(super) const fn quote(&mut self, name: &str) {
        self.push("`");
        self.push(name);
        self.push("`");
    }

    /// Appends the name that was perhaps meant.
    pub(super) const fn hint(&mut self, near: Option<&str>) {
        if let Some(near) = near {
            self.push(", did you mean ");
            self.quote(near);
            self.push("?");
        }
    }

    /// The message.
    pub(super) const fn as_str(&self) -> &str {
        // INVARIANT: whole texts were appended, so this is UTF-8.
        match str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "the policy names what the tools do not have",
        }
    }
}

#[cfg(test)]
mod tests {
    use asqav_policy::glob::Glob;

    use super::*;

    /// Every pattern and every name of up to four characters of an alphabet
    /// that has all that matters.
    #[test]
    fn patterns_match_what_the_policy_matches() {
        let words = |alphabet: &[char]| {
            let mut words = vec![String::new()];
            for length in 0..4 {
                let longer: Vec<_> =
                    words.iter().filter(|word| word.chars().count() == length).cloned().collect();
                words.extend(
                    longer.iter().flat_map(|word| alphabet.iter().map(move |c| format!("{word}{c}"))),
                );
            }
            words
        };
        let (patterns, names) = (words(&['a', 'ä', ':', '*']), words(&['a', 'ä', ':']));
        let mut compared = 0;
        for pattern in patterns.iter().filter_map(|text| Glob::parse(text).ok()) {
            for name in &names {
                assert_eq!(matches(pattern.as_str(), name), pattern.matches(name), "{pattern:?} {name:?}");
                compared += 1;
            }
        }
        assert!(compared > 30_000, "{compared}");
    }

    #[test]
    fn names_resemble_within_two_edits() {
        for (one, other, yes) in [
            ("query_acount", "query_account", true),
            ("amuont", "amount", true),
            ("amount", "amount", true),
            ("amnt", "amount", true),
            ("amt", "amount", false),
            ("at", "to", false),
            ("", "abc", false),
        ] {
            assert_eq!(resembles(one, other), yes, "{one} {other}");
        }
    }
}
