//! Members of canonical JSON, met one after the other.

use std::borrow::Cow;

use crate::json::{Lexer, Number};

pub(super) fn count(text: &mut Lexer<'_>) -> Option<u64> {
    match text.number().ok()? {
        Number::Integer(count) => u64::try_from(count).ok(),
        _ => None,
    }
}

/// Nothing but `true` is ever written.
pub(super) fn flag(text: &mut Lexer<'_>) -> Option<()> {
    text.eat_text("true").then_some(())
}

/// An object whose members are met one after the other.
pub(super) struct Members<'t, 'a> {
    pub(super) text: &'t mut Lexer<'a>,
    first: bool,
}

impl<'t, 'a> Members<'t, 'a> {
    pub(super) fn open(text: &'t mut Lexer<'a>) -> Option<Self> {
        text.eat(b'{').then_some(Self { text, first: true })
    }

    pub(super) fn close(self) -> Option<()> {
        self.text.eat(b'}').then_some(())
    }

    /// Steps over the name of the next member if it is `name`.
    fn is_next(&mut self, name: &str) -> bool {
        let before = *self.text;
        let found = (self.first || self.text.eat(b',')) && self.text.eat_name(name);
        if found {
            self.first = false;
        } else {
            *self.text = before;
        }
        found
    }

    /// The next member's name, whatever it is; `Some(None)` at the object's end.
    pub(super) fn name(&mut self) -> Option<Option<Cow<'a, str>>> {
        if !self.first && !self.text.eat(b',') {
            return Some(None);
        }
        if !self.text.eat(b'"') {
            return self.first.then_some(None);
        }
        self.first = false;
        let name = self.text.string().ok()?;
        self.text.eat(b':').then_some(Some(name))
    }

    /// The text before the value of the member `name`, which has to come next.
    pub(super) fn value(&mut self, name: &str) -> Option<&mut Lexer<'a>> {
        self.is_next(name).then_some(&mut *self.text)
    }

    pub(super) fn some<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Lexer<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        if self.is_next(name) { read(self.text).map(Some) } else { Some(None) }
    }

    pub(super) fn some_object(&mut self, name: &str) -> Option<Option<Members<'_, 'a>>> {
        if self.is_next(name) { Members::open(self.text).map(Some) } else { Some(None) }
    }

    pub(super) fn text<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        string(self.value(name)?).and_then(|text| read(&text))
    }

    pub(super) fn some_text<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Option<T>> {
        self.some(name, |text| string(text).and_then(|text| read(&text)))
    }

    /// An array of texts, none where the member is absent.
    pub(super) fn texts<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        let mut texts = Vec::new();
        if !self.is_next(name) {
            return Some(texts);
        }
        if !self.text.eat(b'[') {
            return None;
        }
        while !self.text.eat(b']') {
            if !texts.is_empty() && !self.text.eat(b',') {
                return None;
            }
            texts.push(read(&string(self.text)?)?);
        }
        Some(texts)
    }
}

fn string<'a>(text: &mut Lexer<'a>) -> Option<Cow<'a, str>> {
    if text.eat(b'"') { text.string().ok() } else { None }
}
