//! One argument of a call, serialised.

use asqav_core::argument::{JsonText, to_json_text};
use asqav_core::call::CallError;
use serde::Serialize;

/// One argument of a call: its JSON text, why it has none, or nothing when it
/// is skipped.
#[derive(Debug)]
pub struct Value(pub(super) Option<Result<JsonText, CallError>>);

/// What can be an argument: anything that implements [`Serialize`].
#[diagnostic::on_unimplemented(
    message = "the argument of type `{Self}` cannot be serialised",
    label = "this argument would be missing in the receipt",
    note = "implement `serde::Serialize` for `{Self}`",
    note = "or leave the argument out with `#[signed(skip(…))]`",
    note = "or say what stands for it with `#[signed(redact(… = path))]`"
)]
pub trait Argument {
    /// The JSON text.
    ///
    /// # Errors
    /// As [`to_json_text`].
    fn json_text(&self) -> Result<JsonText, CallError>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> Argument for T {
    fn json_text(&self) -> Result<JsonText, CallError> {
        to_json_text(self)
    }
}

/// The argument `value`.
pub fn value<T: Argument + ?Sized>(value: &T) -> Value {
    Value(Some(value.json_text()))
}

/// An argument that is never serialised.
#[must_use]
pub const fn skipped() -> Value {
    Value(None)
}
