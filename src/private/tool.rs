//! What is known of a tool at compile time.

use asqav_core::call::Capture;
use asqav_receipt::id::{ActionType, ToolName, ToolVersion};
use asqav_receipt::payload::Tier;

/// A tool's descriptor: a constant, so that a policy can be checked against it
/// while the tool is compiled.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Tool {
    /// The tool's name.
    pub name: &'static str,
    /// The action's label.
    pub action: &'static str,
    /// The tool's version.
    pub version: Option<&'static str>,
    /// The claimed tier; `None` is the gate's.
    pub tier: Option<Tier>,
    /// The declared arguments, in order, and how each goes into the receipt.
    pub arguments: &'static [(&'static str, Capture)],
    /// How the result goes into the receipt.
    pub result: Capture,
}

impl Tool {
    /// The tool `name`, whose calls are labelled `action`.
    ///
    /// # Panics
    /// At compile time, when a receipt could not hold `name` or `action`.
    #[must_use]
    pub const fn new(
        name: &'static str,
        action: &'static str,
        arguments: &'static [(&'static str, Capture)],
        result: Capture,
    ) -> Self {
        assert!(
            holds(name, ToolName::MAX_LEN),
            "the tool's name is empty, has more than 96 bytes or holds a control character"
        );
        assert!(
            holds(action, ActionType::MAX_LEN),
            "the action is empty, has more than 96 bytes or holds a control character: \
             give one with `action = \"…\"`"
        );
        Self { name, action, version: None, tier: None, arguments, result }
    }

    /// The tool's version.
    ///
    /// # Panics
    /// At compile time, when a receipt could not hold it.
    #[must_use]
    pub const fn version(self, version: &'static str) -> Self {
        assert!(
            holds_code(version, ToolVersion::MAX_LEN),
            "the tool's version is empty, has more than 64 bytes or holds a space, a quotation mark, \
             a backslash or a character outside ASCII"
        );
        Self { version: Some(version), ..self }
    }

    /// The claimed tier.
    #[must_use]
    pub const fn tier(self, tier: Tier) -> Self {
        Self { tier: Some(tier), ..self }
    }
}

/// Whether a receipt holds `text` as an identifier of at most `max` bytes.
const fn holds(text: &str, max: usize) -> bool {
    let mut rest = text.as_bytes();
    if rest.is_empty() || rest.len() > max {
        return false;
    }
    while let [first, tail @ ..] = rest {
        // U+0000 to U+001F and U+007F; U+0080 to U+009F are 0xC2 0x80 to 0x9F.
        let follows = match tail {
            [next, ..] => *next,
            [] => 0,
        };
        if *first < 0x20 || *first == 0x7f || (*first == 0xc2 && follows < 0xa0) {
            return false;
        }
        rest = tail;
    }
    true
}

/// Whether a receipt holds `text` as a code of at most `max` bytes: visible
/// ASCII without quotation mark and backslash.
const fn holds_code(text: &str, max: usize) -> bool {
    let mut rest = text.as_bytes();
    if rest.is_empty() || rest.len() > max {
        return false;
    }
    while let [first, tail @ ..] = rest {
        if !first.is_ascii_graphic() || matches!(*first, b'"' | b'\\') {
            return false;
        }
        rest = tail;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_the_receipt_holds() {
        // The lengths that the messages above name.
        assert_eq!((ToolName::MAX_LEN, ActionType::MAX_LEN, ToolVersion::MAX_LEN), (96, 96, 64));
        let (longest, long) = ("x".repeat(96), "x".repeat(97));
        let texts =
            ["", "a", "ledger:query", "ä€𝄞", "\u{a0}", "\u{80}", "a\u{9f}", "\u{7f}", "a\n", &longest, &long];
        for text in texts {
            assert_eq!(holds(text, ActionType::MAX_LEN), ActionType::parse(text).is_ok(), "{text:?}");
            assert_eq!(holds_code(text, ToolVersion::MAX_LEN), ToolVersion::parse(text).is_ok(), "{text:?}");
        }
    }
}
