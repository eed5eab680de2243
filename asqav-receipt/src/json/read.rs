//! The strict reader (RFC 8259, and I-JSON's rules of RFC 7493 as errors).

use std::collections::HashSet;

use super::{Json, Object};

/// Arrays and objects may be nested this deep.
pub const MAX_DEPTH: usize = 200;

/// The greatest integer that every JSON reader represents exactly: 2^53 − 1.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Objects with more members than this find duplicates through a hash set.
const SMALL_OBJECT: usize = 16;

/// A text that the strict reader refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line}, column {column}")]
#[non_exhaustive]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// Byte offset in the text, from 0.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in bytes, from 1.
    pub column: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8")]
    Utf8,
    /// The text ends within a value.
    #[error("unexpected end")]
    End,
    /// A byte that no value can have here.
    #[error("unexpected byte 0x{0:02x}")]
    Unexpected(u8),
    /// Something follows the value.
    #[error("bytes after the value")]
    Trailing,
    /// Two members of an object have one name.
    #[error("duplicate member `{0}`")]
    Duplicate(String),
    /// A number that does not follow RFC 8259 §6.
    #[error("malformed number")]
    Number,
    /// An integer beyond ±(2^53−1).
    #[error("integer beyond 2^53-1")]
    Integer,
    /// A number beyond the range of IEEE 754 double precision.
    #[error("number is not finite")]
    NotFinite,
    /// An unknown escape sequence.
    #[error("malformed escape")]
    Escape,
    /// Half of a surrogate pair.
    #[error("lone surrogate")]
    Surrogate,
    /// A control character that must be escaped.
    #[error("unescaped control character")]
    Control,
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than 200")]
    Depth,
}

/// What the numbers of a checked text allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Numbers {
    /// Integers within ±(2^53−1) only: the text may stand in a payload.
    Payload,
    /// At least one fraction, exponent or greater integer.
    Other,
}

impl Json {
    /// Reads one value.
    ///
    /// # Errors
    /// [`JsonError`] with its position: invalid UTF-8, duplicate members,
    /// integers beyond ±(2^53−1), numbers that are not finite, lone
    /// surrogates, nesting over 200, anything after the value.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        let mut reader = Reader::new(text, false)?;
        let value = reader.document()?;
        Ok(value)
    }
}

/// Checks a text like [`Json::parse`], except that integers may have any size,
/// and says whether its numbers fit a payload.
///
/// # Errors
/// [`JsonError`] as [`Json::parse`], never [`JsonErrorKind::Integer`].
pub fn check_text(text: &str) -> Result<Numbers, JsonError> {
    let mut reader = Reader::new(text.as_bytes(), true)?;
    reader.document()?;
    Ok(reader.numbers)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    any_integer: bool,
    numbers: Numbers,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], any_integer: bool) -> Result<Self, JsonError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, bytes, at: 0, any_integer, numbers: Numbers::Payload }),
            Err(error) => Err(error_at(bytes, error.valid_up_to(), JsonErrorKind::Utf8)),
        }
    }

    fn fail<T>(&self, kind: JsonErrorKind) -> Result<T, JsonError> {
        self.fail_at(self.at, kind)
    }

    fn fail_at<T>(&self, at: usize, kind: JsonErrorKind) -> Result<T, JsonError> {
        Err(error_at(self.bytes, at, kind))
    }

    fn unexpected<T>(&self) -> Result<T, JsonError> {
        match self.peek() {
            Some(byte) => self.fail(JsonErrorKind::Unexpected(byte)),
            None => self.fail(JsonErrorKind::End),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn document(&mut self) -> Result<Json, JsonError> {
        self.skip_space();
        let value = self.value(0)?;
        self.skip_space();
        if self.at < self.bytes.len() { self.fail(JsonErrorKind::Trailing) } else { Ok(value) }
    }

    /// Recursion is bounded by [`MAX_DEPTH`].
    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => self.fail(JsonErrorKind::Depth),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Json::Bool(true)),
            Some(b'f') => self.literal("false", Json::Bool(false)),
            Some(b'n') => self.literal("null", Json::Null),
            _ => self.unexpected(),
        }
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, JsonError> {
        for byte in word.bytes() {
            if !self.eat(byte) {
                return self.unexpected();
            }
        }
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_space();
        if self.eat(b']') {
            return Ok(Json::Array(values));
        }
        loop {
            self.skip_space();
            values.push(self.value(depth + 1)?);
            self.skip_space();
            if self.eat(b']') {
                return Ok(Json::Array(values));
            }
            if !self.eat(b',') {
                return self.unexpected();
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.at += 1;
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut names = Names::default();
        self.skip_space();
        if self.eat(b'}') {
            return Ok(Json::Object(Object(members)));
        }
        loop {
            self.skip_space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return self.unexpected();
            }
            let name = self.string()?;
            if names.holds(&members, &name) {
                return self.fail_at(start, JsonErrorKind::Duplicate(name.chars().take(64).collect()));
            }
            self.skip_space();
            if !self.eat(b':') {
                return self.unexpected();
            }
            self.skip_space();
            let value = self.value(depth + 1)?;
            members.push((name, value));
            self.skip_space();
            if self.eat(b'}') {
                return Ok(Json::Object(Object(members)));
            }
            if !self.eat(b',') {
                return self.unexpected();
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            // Stops at ASCII bytes only, so the slice lies on character boundaries.
            text.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return self.fail(JsonErrorKind::Control),
                None => return self.fail(JsonErrorKind::End),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        let Some(letter) = self.bytes.get(start + 1).copied() else {
            return self.fail_at(self.bytes.len(), JsonErrorKind::End);
        };
        self.at += 2;
        Ok(match letter {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(start),
            _ => return self.fail_at(start, JsonErrorKind::Escape),
        })
    }

    fn unicode(&mut self, start: usize) -> Result<char, JsonError> {
        let first = self.unit(start)?;
        if let Some(c) = char::from_u32(u32::from(first)) {
            return Ok(c);
        }
        let follows = self.eat(b'\\') && self.eat(b'u');
        if first >= 0xDC00 || !follows {
            return self.fail_at(start, JsonErrorKind::Surrogate);
        }
        let second = self.unit(start)?;
        match char::decode_utf16([first, second]).next() {
            Some(Ok(c)) => Ok(c),
            _ => self.fail_at(start, JsonErrorKind::Surrogate),
        }
    }

    fn unit(&mut self, start: usize) -> Result<u16, JsonError> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.fail_at(start, JsonErrorKind::Escape);
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        u16::try_from(unit).or_else(|_| self.fail_at(start, JsonErrorKind::Escape))
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        let negative = self.eat(b'-');
        let whole = self.digits();
        let leading_zero = self.bytes.get(start + usize::from(negative)) == Some(&b'0');
        if whole == 0 || (leading_zero && whole > 1) {
            return self.fail_at(start, JsonErrorKind::Number);
        }
        let mut float = false;
        if self.eat(b'.') {
            float = true;
            if self.digits() == 0 {
                return self.fail_at(start, JsonErrorKind::Number);
            }
        }
        if self.eat(b'e') || self.eat(b'E') {
            float = true;
            let _sign = self.eat(b'+') || self.eat(b'-');
            if self.digits() == 0 {
                return self.fail_at(start, JsonErrorKind::Number);
            }
        }
        let literal = self.text.get(start..self.at).unwrap_or_default();
        if float { self.float(start, literal) } else { self.integer(start, literal, whole) }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn integer(&mut self, start: usize, literal: &str, digits: usize) -> Result<Json, JsonError> {
        let small = (digits <= 16).then(|| literal.parse::<i64>().ok()).flatten();
        match small.filter(|value| value.unsigned_abs() <= MAX_INTEGER.unsigned_abs()) {
            // "-0" is a number of its own in IEEE 754; as an integer it is 0.
            Some(value) => Ok(Json::Integer(value)),
            None if self.any_integer => {
                self.numbers = Numbers::Other;
                Ok(Json::Null)
            }
            None => self.fail_at(start, JsonErrorKind::Integer),
        }
    }

    fn float(&mut self, start: usize, literal: &str) -> Result<Json, JsonError> {
        self.numbers = Numbers::Other;
        match literal.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Json::Float(value)),
            _ => self.fail_at(start, JsonErrorKind::NotFinite),
        }
    }
}

/// The names of an object so far: a scan while they are few, a set beyond.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn holds(&mut self, members: &[(String, Json)], name: &str) -> bool {
        if members.len() < SMALL_OBJECT {
            return members.iter().any(|(known, _)| known == name);
        }
        if self.0.is_empty() {
            self.0.extend(members.iter().map(|(known, _)| known.clone()));
        }
        !self.0.insert(name.to_owned())
    }
}

fn error_at(bytes: &[u8], offset: usize, kind: JsonErrorKind) -> JsonError {
    let before = bytes.get(..offset).unwrap_or(bytes);
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    JsonError { kind, offset, line, column: offset - line_start + 1 }
}
