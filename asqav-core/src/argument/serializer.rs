//! serde into JSON text, one value.

use std::fmt::Write as _;

use serde::ser::{Error as _, Serialize, Serializer};

use super::compound::{Items, Members, RawField};
use super::{MAX_DEPTH, push_string};
use crate::call::Flaw;

/// Why a value has no JSON text.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct TextError {
    pub(super) text: String,
    pub(super) flaw: Flaw,
}

impl TextError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), flaw: Flaw::Other }
    }

    fn deep() -> Self {
        Self { text: format!("it is nested deeper than {MAX_DEPTH}"), flaw: Flaw::TooDeep }
    }
}

impl serde::ser::Error for TextError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

type Done = Result<(), TextError>;

/// The names under which `serde_json` passes text through other serialisers.
const RAW_VALUE: &str = "$serde_json::private::RawValue";
const RAW_NUMBER: &str = "$serde_json::private::Number";

/// Appends one value to a text.
pub(super) struct TextSerializer<'a> {
    pub(super) out: &'a mut String,
    /// How many arrays and objects stand around the value.
    pub(super) depth: usize,
}

impl<'a> TextSerializer<'a> {
    pub(super) fn new(out: &'a mut String) -> Self {
        Self { out, depth: 0 }
    }

    fn display(self, value: impl std::fmt::Display) -> Done {
        write!(self.out, "{value}").map_err(TextError::custom)
    }

    fn float(self, value: impl Serialize, finite: bool) -> Done {
        if !finite {
            return Err(TextError::new("it holds a number that is not finite"));
        }
        // The shortest text that reads back as the same number.
        self.out.push_str(&serde_json::to_string(&value).map_err(TextError::custom)?);
        Ok(())
    }

    /// Depth of what is inside of this value, if it is an array or object.
    fn deeper(&self) -> Result<usize, TextError> {
        if self.depth == MAX_DEPTH {
            return Err(TextError::deep());
        }
        Ok(self.depth + 1)
    }

    fn items(self) -> Result<Items<'a>, TextError> {
        let depth = self.deeper()?;
        Ok(Items::begin(self.out, depth, "]"))
    }

    fn members(self) -> Result<Members<'a>, TextError> {
        let depth = self.deeper()?;
        Ok(Members::begin(self.out, depth, "}"))
    }

    /// Writes `{"variant":` and gives the depth of what follows.
    fn open_variant(&mut self, variant: &str) -> Result<usize, TextError> {
        let depth = self.deeper()?;
        self.out.push('{');
        push_string(self.out, variant);
        self.out.push(':');
        Ok(depth)
    }
}

impl<'a> Serializer for TextSerializer<'a> {
    type Ok = ();
    type Error = TextError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    fn serialize_bool(self, value: bool) -> Done {
        self.display(value)
    }
    fn serialize_i8(self, value: i8) -> Done {
        self.display(value)
    }
    fn serialize_i16(self, value: i16) -> Done {
        self.display(value)
    }
    fn serialize_i32(self, value: i32) -> Done {
        self.display(value)
    }
    fn serialize_i64(self, value: i64) -> Done {
        self.display(value)
    }
    fn serialize_i128(self, value: i128) -> Done {
        self.display(value)
    }
    fn serialize_u8(self, value: u8) -> Done {
        self.display(value)
    }
    fn serialize_u16(self, value: u16) -> Done {
        self.display(value)
    }
    fn serialize_u32(self, value: u32) -> Done {
        self.display(value)
    }
    fn serialize_u64(self, value: u64) -> Done {
        self.display(value)
    }
    fn serialize_u128(self, value: u128) -> Done {
        self.display(value)
    }
    fn serialize_f32(self, value: f32) -> Done {
        self.float(value, value.is_finite())
    }
    fn serialize_f64(self, value: f64) -> Done {
        self.float(value, value.is_finite())
    }
    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Done {
        push_string(self.out, value);
        Ok(())
    }
    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.collect_seq(value)
    }
    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Done {
        self.out.push_str("null");
        Ok(())
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Done {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        let depth = self.open_variant(variant)?;
        value.serialize(TextSerializer { out: &mut *self.out, depth })?;
        self.out.push('}');
        Ok(())
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'a>, TextError> {
        self.items()
    }
    fn serialize_tuple(self, _len: usize) -> Result<Items<'a>, TextError> {
        self.items()
    }
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items<'a>, TextError> {
        self.items()
    }
    fn serialize_tuple_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'a>, TextError> {
        let depth = self.open_variant(variant)?;
        let inner = TextSerializer { out: self.out, depth };
        let depth = inner.deeper()?;
        Ok(Items::begin(inner.out, depth, "]}"))
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Members<'a>, TextError> {
        self.members()
    }
    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Members<'a>, TextError> {
        if name == RAW_VALUE || name == RAW_NUMBER {
            return Ok(Members::raw(self.out, self.depth));
        }
        self.members()
    }
    fn serialize_struct_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Members<'a>, TextError> {
        let depth = self.open_variant(variant)?;
        let inner = TextSerializer { out: self.out, depth };
        let depth = inner.deeper()?;
        Ok(Members::begin(inner.out, depth, "}}"))
    }
}

/// Takes the text of a `serde_json` raw value and checks it.
pub(super) fn push_raw<T: Serialize + ?Sized>(out: &mut String, depth: usize, value: &T) -> Done {
    let start = out.len();
    value.serialize(RawField { out: &mut *out })?;
    let text = out.get(start..).unwrap_or_default();
    asqav_receipt::json::check_text(text)
        .map_err(|error| TextError { text: error.to_string(), flaw: Flaw::from(&error.kind) })?;
    if depth + nesting(text) > MAX_DEPTH {
        return Err(TextError::deep());
    }
    Ok(())
}

/// How deep the arrays and objects of a checked text are nested.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
