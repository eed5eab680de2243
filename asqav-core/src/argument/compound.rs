//! Arrays and objects, with unique member names.

use std::ops::Range;

use serde::Serialize;
use serde::ser::{Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant};
use serde::ser::{SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer};

use super::serializer::{TextError, TextSerializer, push_raw};
use crate::call::Flaw;

type Done = Result<(), TextError>;

/// An array under construction.
pub(super) struct Items<'a> {
    out: &'a mut String,
    depth: usize,
    first: bool,
    end: &'static str,
}

impl<'a> Items<'a> {
    pub(super) fn begin(out: &'a mut String, depth: usize, end: &'static str) -> Self {
        out.push('[');
        Self { out, depth, first: true, end }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(',');
        }
        value.serialize(TextSerializer { out: &mut *self.out, depth: self.depth })
    }

    fn finish(self) {
        self.out.push_str(self.end);
    }
}

macro_rules! items {
    ($($trait:ident $method:ident),+) => {$(
        impl $trait for Items<'_> {
            type Ok = ();
            type Error = TextError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
                self.item(value)
            }
            fn end(self) -> Done {
                self.finish();
                Ok(())
            }
        }
    )+};
}
items!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

/// An object under construction, or a raw text standing in for one.
pub(super) struct Members<'a> {
    out: &'a mut String,
    depth: usize,
    /// Where the names stand in `out`, quotes and escapes included: escaping
    /// is injective, so equal texts are equal names.
    names: Vec<Range<usize>>,
    end: &'static str,
    raw: bool,
}

impl<'a> Members<'a> {
    pub(super) fn begin(out: &'a mut String, depth: usize, end: &'static str) -> Self {
        out.push('{');
        Self { out, depth, names: Vec::new(), end, raw: false }
    }

    pub(super) fn raw(out: &'a mut String, depth: usize) -> Self {
        Self { out, depth, names: Vec::new(), end: "", raw: true }
    }

    fn name(&mut self, write: impl FnOnce(&mut String) -> Done) -> Done {
        if !self.names.is_empty() {
            self.out.push(',');
        }
        let start = self.out.len();
        write(self.out)?;
        self.names.push(start..self.out.len());
        self.out.push(':');
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(TextSerializer { out: &mut *self.out, depth: self.depth })
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        if self.raw {
            return push_raw(self.out, self.depth, value);
        }
        self.name(|out| {
            super::push_string(out, name);
            Ok(())
        })?;
        self.value(value)
    }

    fn finish(mut self) -> Done {
        self.out.push_str(self.end);
        let out = &*self.out;
        let text = |range: &Range<usize>| out.get(range.clone()).unwrap_or_default();
        self.names.sort_unstable_by(|a, b| text(a).cmp(text(b)));
        let mut pairs = self.names.iter().zip(self.names.iter().skip(1));
        match pairs.find(|(one, next)| text(one) == text(next)) {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = text(name).chars().take(64).collect();
                let text = format!("it holds the member {name} twice");
                Err(TextError { text, flaw: Flaw::DuplicateMember })
            }
        }
    }
}

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = TextError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.name(|out| key.serialize(KeySerializer { out }))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.value(value)
    }
    fn end(self) -> Done {
        self.finish()
    }
}

macro_rules! members {
    ($($trait:ident),+) => {$(
        impl $trait for Members<'_> {
            type Ok = ();
            type Error = TextError;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
                self.field(name, value)
            }
            fn end(self) -> Done {
                self.finish()
            }
        }
    )+};
}
members!(SerializeStruct, SerializeStructVariant);

/// Refuses every kind of value that the including serialiser does not name.
macro_rules! only_text {
    ($message:literal; $($method:ident $type:ty),* $(,)?) => {
        type Ok = ();
        type Error = TextError;
        type SerializeSeq = Impossible<(), TextError>;
        type SerializeTuple = Impossible<(), TextError>;
        type SerializeTupleStruct = Impossible<(), TextError>;
        type SerializeTupleVariant = Impossible<(), TextError>;
        type SerializeMap = Impossible<(), TextError>;
        type SerializeStruct = Impossible<(), TextError>;
        type SerializeStructVariant = Impossible<(), TextError>;
        $(fn $method(self, _value: $type) -> Done {
            refused($message)
        })*
        fn serialize_f32(self, _value: f32) -> Done {
            refused($message)
        }
        fn serialize_f64(self, _value: f64) -> Done {
            refused($message)
        }
        fn serialize_bytes(self, _value: &[u8]) -> Done {
            refused($message)
        }
        fn serialize_none(self) -> Done {
            refused($message)
        }
        fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Done {
            refused($message)
        }
        fn serialize_unit(self) -> Done {
            refused($message)
        }
        fn serialize_unit_struct(self, _name: &'static str) -> Done {
            refused($message)
        }
        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self, _name: &'static str, _index: u32, _variant: &'static str, _value: &T,
        ) -> Done {
            refused($message)
        }
        fn serialize_seq(self, _len: Option<usize>) -> Result<Self::SerializeSeq, TextError> {
            refused($message)
        }
        fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple, TextError> {
            refused($message)
        }
        fn serialize_tuple_struct(
            self, _name: &'static str, _len: usize,
        ) -> Result<Self::SerializeTupleStruct, TextError> {
            refused($message)
        }
        fn serialize_tuple_variant(
            self, _name: &'static str, _index: u32, _variant: &'static str, _len: usize,
        ) -> Result<Self::SerializeTupleVariant, TextError> {
            refused($message)
        }
        fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap, TextError> {
            refused($message)
        }
        fn serialize_struct(
            self, _name: &'static str, _len: usize,
        ) -> Result<Self::SerializeStruct, TextError> {
            refused($message)
        }
        fn serialize_struct_variant(
            self, _name: &'static str, _index: u32, _variant: &'static str, _len: usize,
        ) -> Result<Self::SerializeStructVariant, TextError> {
            refused($message)
        }
    };
}

fn refused<T>(message: &str) -> Result<T, TextError> {
    Err(TextError::new(message))
}

/// Writes a map key as a string.
struct KeySerializer<'a> {
    out: &'a mut String,
}

macro_rules! quoted {
    ($($method:ident $type:ty),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Done {
            super::push_string(self.out, &value.to_string());
            Ok(())
        })+
    };
}

impl Serializer for KeySerializer<'_> {
    only_text!("it holds a map key that is not a string";);
    quoted!(
        serialize_bool bool, serialize_char char,
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128,
        serialize_str &str,
    );
    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
}

/// Takes the text of a `serde_json` raw value.
pub(super) struct RawField<'a> {
    pub(super) out: &'a mut String,
}

impl Serializer for RawField<'_> {
    only_text!("it holds a raw value that is not a text";
        serialize_bool bool, serialize_char char,
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
    );
    fn serialize_str(self, value: &str) -> Done {
        self.out.push_str(value);
        Ok(())
    }
    fn serialize_unit_variant(self, _name: &'static str, _index: u32, _variant: &'static str) -> Done {
        refused("it holds a raw value that is not a text")
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
}
