//! The reader's lower half: strings, numbers and words.

use std::borrow::Cow;

use super::{JsonErrorKind as Kind, MAX_INTEGER};
use crate::canonical::plain_len;

/// An offence and its byte offset.
pub(crate) type Offence = (usize, Kind);

/// A number literal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    /// An integer within ±(2^53−1).
    Integer(i64),
    /// An integer literal beyond that.
    Wide,
    /// A literal with fraction or exponent; finite.
    Float(f64),
}

/// A position in a text.
#[derive(Clone, Copy)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte offset of what comes next.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// The next byte.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over white space (RFC 8259 §2).
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over `byte` if it comes next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Steps over `text` if it comes next.
    pub(crate) fn eat_text(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text.as_bytes());
        self.at += if found { text.len() } else { 0 };
        found
    }

    /// Steps over the member name `name` and its colon, without white space, if
    /// they come next.
    pub(crate) fn eat_name(&mut self, name: &str) -> bool {
        let found = self.rest().strip_prefix(b"\"").and_then(|rest| rest.strip_prefix(name.as_bytes()));
        let found = found.is_some_and(|rest| rest.starts_with(b"\":"));
        self.at += if found { name.len() + 3 } else { 0 };
        found
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Steps over `word`, which is wanted here.
    pub(super) fn word(&mut self, word: &'static str) -> Result<(), Offence> {
        for byte in word.bytes() {
            if !self.eat(byte) {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    /// The offence that nothing valid comes next.
    pub(super) fn unexpected(&self) -> Offence {
        (self.at, self.peek().map_or(Kind::End, Kind::Unexpected))
    }

    /// The text from `offset` to here.
    pub(crate) fn since(&self, offset: usize) -> &'a str {
        self.slice(offset, self.at)
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// A string, its opening quote already read. Borrows where nothing is escaped.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Offence> {
        let mut text = Cow::Borrowed("");
        loop {
            let start = self.at;
            self.at = start + plain_len(self.rest());
            if self.at == self.text.len() {
                return Err((self.at, Kind::End));
            }
            text += self.slice(start, self.at);
            if self.eat(b'"') {
                return Ok(text);
            }
            if !self.eat(b'\\') {
                return Err((self.at, Kind::Control));
            }
            text.to_mut().push(self.escape()?);
        }
    }

    /// An escape sequence, its backslash already read.
    fn escape(&mut self) -> Result<char, Offence> {
        let start = self.at - 1;
        let byte = self.peek().ok_or((self.at, Kind::End))?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return Err((start, Kind::Escape)),
        })
    }

    /// The rest of `\u` and four digits, or of a surrogate pair that began at `start`.
    fn unicode(&mut self, start: usize) -> Result<char, Offence> {
        let unit = self.hex4(start)?;
        let code = match unit {
            0xD800..=0xDBFF => {
                if !(self.eat(b'\\') && self.eat(b'u')) {
                    return Err((start, Kind::Surrogate));
                }
                let low = self.hex4(start)?;
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return Err((start, Kind::Surrogate));
                }
                0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
            }
            unit => unit,
        };
        char::from_u32(code).ok_or((start, Kind::Surrogate))
    }

    /// Four hexadecimal digits of the escape sequence that began at `start`.
    fn hex4(&mut self, start: usize) -> Result<u32, Offence> {
        let mut unit = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or((self.at, Kind::End))?;
            let digit = char::from(byte).to_digit(16).ok_or((start, Kind::Escape))?;
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }

    /// A number (RFC 8259 §6).
    pub(crate) fn number(&mut self) -> Result<Number, Offence> {
        let start = self.at;
        self.eat(b'-');
        let zero = self.peek() == Some(b'0');
        let digits = self.digits();
        let mut well_formed = digits == 1 || (digits > 1 && !zero);
        let whole = self.at;
        if self.eat(b'.') {
            well_formed &= self.digits() > 0;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            well_formed &= self.digits() > 0;
        }
        if !well_formed {
            return Err((start, Kind::Number));
        }
        let literal = self.slice(start, self.at);
        if self.at == whole
            && let Ok(number) = literal.parse::<i64>()
            && (-MAX_INTEGER..=MAX_INTEGER).contains(&number)
        {
            return Ok(Number::Integer(number));
        }
        match literal.parse::<f64>() {
            Ok(number) if !number.is_finite() => Err((start, Kind::NotFinite)),
            Ok(_) if self.at == whole => Ok(Number::Wide),
            Ok(number) => Ok(Number::Float(number)),
            Err(_) => Err((start, Kind::Number)),
        }
    }

    /// Steps over decimal digits; how many.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }
}
