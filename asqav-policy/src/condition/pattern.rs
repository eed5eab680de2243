//! Regular expressions with limits.
//!
//! regex-lite, because its time is linear in the text, it has no dependencies,
//! and its classes are ASCII: what a pattern matches does not change with a
//! Unicode version.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};

use crate::error::Problem;
use crate::facts::Why;

/// The longest expression, in bytes.
const MAX_EXPRESSION_LEN: usize = 512;
/// The compiled program's size at most, in bytes.
const MAX_PROGRAM: usize = 1 << 16;
/// The longest text that is matched, in bytes: linear time is still time.
const MAX_TEXT_LEN: usize = 4_096;

/// A regular expression that has to match a text as a whole.
#[derive(Clone)]
pub(crate) struct Pattern {
    expression: String,
    regex: Regex,
}

impl Pattern {
    pub(super) fn parse(expression: &str) -> Result<Self, Problem> {
        if expression.len() > MAX_EXPRESSION_LEN {
            let why = format!("has {} bytes, at most {MAX_EXPRESSION_LEN} are allowed", expression.len());
            return Err(Problem::Expression(why));
        }
        let wrong = |error: regex_lite::Error| Problem::Expression(format!("is not valid: {error}"));
        // On its own first: `a)(b` must not become valid inside the group.
        builder(expression).build().map_err(wrong)?;
        let regex = builder(&format!(r"\A(?:{expression})\z")).build().map_err(wrong)?;
        Ok(Self { expression: expression.to_owned(), regex })
    }

    /// The expression as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.expression
    }

    pub(super) fn matches(&self, text: &str) -> Result<bool, Why> {
        if text.len() > MAX_TEXT_LEN { Err(Why::TooLong) } else { Ok(self.regex.is_match(text)) }
    }
}

fn builder(expression: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(expression);
    builder.dot_matches_new_line(true).size_limit(MAX_PROGRAM).nest_limit(32);
    builder
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.expression == other.expression
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.expression)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_matches_as_a_whole() {
        let pattern = Pattern::parse("a|b.*c").unwrap();
        for (text, matches) in [("a", true), ("b\nc", true), ("ab", false), ("xa", false), ("a\n", false)] {
            assert_eq!(pattern.matches(text), Ok(matches), "{text:?}");
        }
        assert_eq!(Pattern::parse("a").unwrap().matches(&"a".repeat(4_097)), Err(Why::TooLong));
    }

    #[test]
    fn expressions_that_cost_too_much_are_refused() {
        for wrong in [
            "(".to_owned(),
            "a)(b".to_owned(),
            "a{1000}{1000}".to_owned(),
            "(?:a{100}){100}".to_owned(),
            "(".repeat(100) + &")".repeat(100),
            "a".repeat(513),
            r"(a)\1".to_owned(),
            "(?=a)".to_owned(),
        ] {
            assert!(matches!(Pattern::parse(&wrong), Err(Problem::Expression(_))), "{wrong}");
        }
    }

    #[test]
    fn comments_do_not_swallow_the_end() {
        assert!(matches!(Pattern::parse("(?x)a # b"), Err(Problem::Expression(_))));
        let closed = Pattern::parse("(?x)a # b\n").unwrap();
        assert_eq!((closed.matches("a"), closed.matches("ab")), (Ok(true), Ok(false)));
    }
}
