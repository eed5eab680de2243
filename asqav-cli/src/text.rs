//! Text from receipts on its way to a terminal.
//!
//! A receipt is written by somebody else. What it says must not move the
//! cursor, hide itself, or reorder what is read around it.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// `text` with everything that a terminal or a reader could mistake written
/// as `\u{…}`, and backslashes doubled so that nothing can pose as such.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_misleading(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// JSON text with the same characters written as `\u` and four digits (RFC 8259 §7). In
/// JSON they can only stand inside strings, so the value stays the same.
pub(crate) fn escape_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_misleading(c) {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters (ANSI escapes begin with one), marks that reorder text
/// (UAX #9 §2), and characters that show nothing at all.
fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Columns that `text` takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to `max` columns; the last one is `…` where something was cut.
pub(crate) fn clip(text: &str, max: usize) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > max {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_receipt_reaches_the_terminal_raw() {
        assert_eq!(escape("\u{1b}[2J\u{9b}2K"), "\\u{1b}[2J\\u{9b}2K");
        assert_eq!(
            escape("a\u{202e}b\u{2066}c\u{200b}\u{feff}\u{e0041}"),
            "a\\u{202e}b\\u{2066}c\\u{200b}\\u{feff}\\u{e0041}"
        );
        assert_eq!(escape("l\nl\r\t\u{7f}"), "l\\nl\\r\\t\\u{7f}");
        assert_eq!(escape("\\u{1b}"), "\\\\u{1b}");
        assert_eq!(escape("überweisung 送金 😀"), "überweisung 送金 😀");
    }

    #[test]
    fn json_keeps_its_value() {
        let text = "{\"a\":\"x\u{202e}\u{9b}\u{e0041}é\"}";
        let escaped = escape_json(text);
        assert_eq!(escaped, "{\"a\":\"x\\u202e\\u009b\\udb40\\udc41é\"}");
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&escaped), value(text));
    }

    #[test]
    fn clipping_counts_columns() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abcde…");
        assert_eq!(clip("送金送金", 6), "送金…");
    }
}
