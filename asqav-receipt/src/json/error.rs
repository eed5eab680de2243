//! What is wrong with a JSON text, and where.

/// A text that the strict reader refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{}", self.place())]
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
    /// Nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    #[error("nested deeper than 200")]
    Depth,
    /// More than [`MAX_VALUES`](super::MAX_VALUES) values and member names.
    #[error("more than 4,194,304 values")]
    TooMany,
    /// Longer than the reader of such a text takes, in bytes.
    #[error("longer than {0} bytes")]
    TooLong(usize),
}

impl JsonError {
    /// Where it is; nowhere in particular if the text is too long.
    fn place(&self) -> String {
        match self.kind {
            JsonErrorKind::TooLong(_) => String::new(),
            _ => format!(" at line {}, column {}", self.line, self.column),
        }
    }

    /// The offence at byte `offset` of `bytes`.
    pub(super) fn at(bytes: &[u8], offset: usize, kind: JsonErrorKind) -> Self {
        let before = bytes.get(..offset).unwrap_or(bytes);
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        Self { kind, offset, line, column: offset - line_start + 1 }
    }
}
