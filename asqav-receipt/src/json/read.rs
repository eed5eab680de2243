//! The reader's upper half: values, members, limits (RFC 8259, with the
//! advice of RFC 7493 as rules).
//!
//! One recursive descent serves both the tree and the check without a tree;
//! what differs is the [`Build`] that it hands values to. INVARIANT: recursion
//! ends at [`MAX_DEPTH`], so a text cannot exhaust the stack.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::lexer::{Lexer, Number, Offence};
use super::{Json, JsonError, JsonErrorKind as Kind, MAX_DEPTH, MAX_VALUES, Object};

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
    /// surrogates, nesting over 200, more than [`MAX_VALUES`] values, anything
    /// after the value.
    pub fn parse(text: &[u8]) -> Result<Self, JsonError> {
        let utf8 = std::str::from_utf8(text)
            .map_err(|error| JsonError::at(text, error.valid_up_to(), Kind::Utf8))?;
        read(utf8, &mut Tree::strict())
    }

    /// Reads one value of at most `longest` bytes, before anything is kept.
    ///
    /// # Errors
    /// [`JsonError`] as [`Json::parse`], or [`JsonErrorKind::TooLong`](Kind::TooLong).
    pub fn parse_within(text: &[u8], longest: usize) -> Result<Self, JsonError> {
        if text.len() > longest {
            return Err(JsonError { kind: Kind::TooLong(longest), offset: longest, line: 1, column: 1 });
        }
        Self::parse(text)
    }

    /// Reads one value as lenient readers do: of two members of one name the
    /// last counts. `None` unless the text repeats a member, and is otherwise
    /// what [`Json::parse`] takes.
    ///
    /// Only for showing what another program may have read: nothing that was
    /// read this way may be believed.
    pub(crate) fn parse_last_wins(text: &[u8]) -> Option<Self> {
        let mut tree = Tree { last_wins: true, repeated: false };
        let value = read(std::str::from_utf8(text).ok()?, &mut tree).ok()?;
        tree.repeated.then_some(value)
    }
}

/// Checks a text like [`Json::parse`], except that integers may have any size
/// and values any number, and says whether its numbers fit a payload. Builds
/// no tree: for texts that are kept and hashed as they are.
///
/// # Errors
/// [`JsonError`] as [`Json::parse`], never [`JsonErrorKind::Integer`](Kind::Integer).
pub fn check_text(text: &str) -> Result<Numbers, JsonError> {
    let mut check = Check { numbers: Numbers::Payload };
    read(text, &mut check)?;
    Ok(check.numbers)
}

/// Reads the value that comes next in a text, which stands in others: it may
/// nest half as deep as a text. `None` if there is none or it breaks a rule of
/// [`Json::parse`].
pub(crate) fn next_value(lexer: &mut Lexer<'_>) -> Option<Json> {
    let mut reader = Reader { lexer: *lexer, build: &mut Tree::strict(), values: 0 };
    let value = reader.value(MAX_DEPTH / 2).ok()?;
    *lexer = reader.lexer;
    Some(value)
}

pub(super) fn read<B: Build>(text: &str, build: &mut B) -> Result<B::Value, JsonError> {
    let mut reader = Reader { lexer: Lexer::new(text), build, values: 0 };
    reader.text().map_err(|(offset, kind)| JsonError::at(text.as_bytes(), offset, kind))
}

/// What becomes of the values that are read.
pub(super) trait Build {
    type Value;
    type Items: Default;
    type Members: Default;
    /// Whether each value is kept, and so counts against [`MAX_VALUES`].
    const KEEPS: bool;
    fn null(&mut self) -> Self::Value;
    fn bool(&mut self, value: bool) -> Self::Value;
    /// `literal` is the number's own text.
    fn number(&mut self, number: Number, literal: &str) -> Result<Self::Value, Kind>;
    fn string(&mut self, text: Cow<'_, str>) -> Self::Value;
    fn push(&mut self, items: &mut Self::Items, value: Self::Value);
    fn insert(&mut self, members: &mut Self::Members, name: &str, value: Self::Value);
    fn array(&mut self, items: Self::Items) -> Self::Value;
    fn object(&mut self, members: Self::Members) -> Self::Value;
    /// A member name was repeated: whether to go on all the same.
    fn tolerates_repetition(&mut self) -> bool {
        false
    }
}

struct Reader<'a, 'b, B> {
    lexer: Lexer<'a>,
    build: &'b mut B,
    values: usize,
}

impl<B: Build> Reader<'_, '_, B> {
    fn text(&mut self) -> Result<B::Value, Offence> {
        let value = self.value(0)?;
        self.lexer.skip_space();
        match self.lexer.peek() {
            Some(_) => Err((self.lexer.offset(), Kind::Trailing)),
            None => Ok(value),
        }
    }

    fn value(&mut self, depth: usize) -> Result<B::Value, Offence> {
        self.lexer.skip_space();
        if B::KEEPS {
            self.count()?;
        }
        let offset = self.lexer.offset();
        match self.lexer.peek() {
            Some(b'"') => {
                self.lexer.eat(b'"');
                let text = self.lexer.string()?;
                Ok(self.build.string(text))
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = self.lexer.number()?;
                let literal = self.lexer.since(offset);
                self.build.number(number, literal).map_err(|kind| (offset, kind))
            }
            Some(b'{' | b'[') if depth == MAX_DEPTH => Err((offset, Kind::Depth)),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b't') => self.lexer.word("true").map(|()| self.build.bool(true)),
            Some(b'f') => self.lexer.word("false").map(|()| self.build.bool(false)),
            Some(b'n') => self.lexer.word("null").map(|()| self.build.null()),
            _ => Err(self.lexer.unexpected()),
        }
    }

    fn array(&mut self, depth: usize) -> Result<B::Value, Offence> {
        let mut items = B::Items::default();
        self.lexer.eat(b'[');
        self.lexer.skip_space();
        if self.lexer.eat(b']') {
            return Ok(self.build.array(items));
        }
        loop {
            let value = self.value(depth)?;
            self.build.push(&mut items, value);
            self.lexer.skip_space();
            if self.lexer.eat(b']') {
                return Ok(self.build.array(items));
            }
            if !self.lexer.eat(b',') {
                return Err(self.lexer.unexpected());
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<B::Value, Offence> {
        let mut members = B::Members::default();
        // A tree, not a hash table: its cost does not depend on chosen names.
        let mut names = BTreeSet::new();
        self.lexer.eat(b'{');
        self.lexer.skip_space();
        if self.lexer.eat(b'}') {
            return Ok(self.build.object(members));
        }
        loop {
            self.lexer.skip_space();
            let offset = self.lexer.offset();
            if !self.lexer.eat(b'"') {
                return Err(self.lexer.unexpected());
            }
            let name = self.lexer.string()?;
            self.count().map_err(|(_, kind)| (offset, kind))?;
            if names.contains(&name) && !self.build.tolerates_repetition() {
                return Err((offset, Kind::Duplicate(name.chars().take(64).collect())));
            }
            self.lexer.skip_space();
            if !self.lexer.eat(b':') {
                return Err(self.lexer.unexpected());
            }
            let value = self.value(depth)?;
            self.build.insert(&mut members, &name, value);
            names.insert(name);
            self.lexer.skip_space();
            if self.lexer.eat(b'}') {
                return Ok(self.build.object(members));
            }
            if !self.lexer.eat(b',') {
                return Err(self.lexer.unexpected());
            }
        }
    }

    fn count(&mut self) -> Result<(), Offence> {
        self.values += 1;
        if self.values > MAX_VALUES { Err((self.lexer.offset(), Kind::TooMany)) } else { Ok(()) }
    }
}

/// Builds [`Json`].
struct Tree {
    /// Whether the last of two members of one name counts; else it is an error.
    last_wins: bool,
    /// Whether there were such members.
    repeated: bool,
}

impl Tree {
    const fn strict() -> Self {
        Self { last_wins: false, repeated: false }
    }
}

impl Build for Tree {
    type Value = Json;
    type Items = Vec<Json>;
    type Members = Vec<(String, Json)>;
    const KEEPS: bool = true;

    fn null(&mut self) -> Json {
        Json::Null
    }
    fn bool(&mut self, value: bool) -> Json {
        Json::Bool(value)
    }
    fn number(&mut self, number: Number, _: &str) -> Result<Json, Kind> {
        match number {
            Number::Integer(number) => Ok(Json::Integer(number)),
            Number::Float(number) => Ok(Json::Float(number)),
            Number::Wide => Err(Kind::Integer),
        }
    }
    fn string(&mut self, text: Cow<'_, str>) -> Json {
        Json::String(text.into_owned())
    }
    fn push(&mut self, items: &mut Vec<Json>, value: Json) {
        items.push(value);
    }
    fn insert(&mut self, members: &mut Vec<(String, Json)>, name: &str, value: Json) {
        members.push((name.to_owned(), value));
    }
    fn array(&mut self, items: Vec<Json>) -> Json {
        Json::Array(items)
    }
    fn object(&mut self, mut members: Vec<(String, Json)>) -> Json {
        if self.repeated {
            let mut names = BTreeSet::new();
            members.reverse();
            members.retain(|(name, _)| names.insert(name.clone()));
            members.reverse();
        }
        Json::Object(Object(members))
    }
    fn tolerates_repetition(&mut self) -> bool {
        self.repeated |= self.last_wins;
        self.last_wins
    }
}

/// Keeps nothing but what is said about the numbers.
struct Check {
    numbers: Numbers,
}

impl Build for Check {
    type Value = ();
    type Items = ();
    type Members = ();
    const KEEPS: bool = false;

    fn null(&mut self) {}
    fn bool(&mut self, _: bool) {}
    fn number(&mut self, number: Number, _: &str) -> Result<(), Kind> {
        if !matches!(number, Number::Integer(_)) {
            self.numbers = Numbers::Other;
        }
        Ok(())
    }
    fn string(&mut self, _: Cow<'_, str>) {}
    fn push(&mut self, (): &mut (), (): ()) {}
    fn insert(&mut self, (): &mut (), _: &str, (): ()) {}
    fn array(&mut self, (): ()) {}
    fn object(&mut self, (): ()) {}
}
