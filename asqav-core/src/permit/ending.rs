//! How a call ended: what the outcome receipt says.

use asqav_receipt::id::{ErrorType, ReasonCode};
use asqav_receipt::payload::Outcome;
use serde::Serialize;

use crate::argument::to_json_text;
use crate::call::{Capture, JsonText, is_no_code, safe_code};

/// How a call ended.
///
/// The outcome receipt of an error names its class and nothing of its text,
/// which may hold anything; `context` is then empty, unless a result is given.
#[derive(Debug, Clone)]
#[must_use = "an ending does nothing until a permit is completed with it"]
pub struct Ending {
    pub(super) outcome: Outcome,
    /// The result's text and how it goes into the receipt; `None` where there
    /// is no result.
    pub(super) result: Option<(Option<JsonText>, Capture)>,
    pub(super) error_type: Option<ErrorType>,
    /// Why the gate did not let the body start, or its result go on.
    pub(super) reason: Option<ReasonCode>,
}

impl Ending {
    const fn new(outcome: Outcome) -> Self {
        Self { outcome, result: None, error_type: None, reason: None }
    }

    /// The tool returned, and its result is not captured.
    pub const fn ok() -> Self {
        Self::new(Outcome::Ok)
    }

    /// The tool returned `result`, captured as `capture` says.
    ///
    /// A result that has no JSON text (NaN, two members of one name) stands as
    /// dropped, with a warning: the call did succeed, and its result goes back
    /// to the caller in any case.
    pub fn returned<T: Serialize + ?Sized>(result: &T, capture: Capture) -> Self {
        if capture == Capture::Drop {
            return Self { result: Some((None, capture)), ..Self::ok() };
        }
        match to_json_text(result) {
            Ok(text) => Self::ok().with_result(text, capture),
            Err(error) => {
                tracing::warn!(target: "asqav::gate", %error, "a result cannot be represented and is not committed");
                Self { result: Some((None, Capture::Drop)), ..Self::ok() }
            }
        }
    }

    /// The tool returned an error of the type `E`.
    pub fn error<E: ?Sized>() -> Self {
        Self::error_of_class(error_class(std::any::type_name::<E>()))
    }

    /// The tool returned an error of the class `class`, e.g. a type's name or
    /// a status code; without user data.
    pub fn error_of_class(class: &str) -> Self {
        let class =
            ErrorType::parse(class.replace(is_no_code, "_")).or_else(|_| ErrorType::parse(safe_code(class)));
        Self { error_type: class.ok(), ..Self::new(Outcome::ToolError) }
    }

    /// Whoever called does not wait for the tool any more.
    pub const fn cancelled() -> Self {
        Self::new(Outcome::Cancelled)
    }

    /// The tool panicked.
    pub const fn panicked() -> Self {
        Self::new(Outcome::Panicked)
    }

    /// The tool took longer than it was allowed to.
    pub const fn timed_out() -> Self {
        Self::new(Outcome::TimedOut)
    }

    /// The body was never started.
    pub(crate) const fn abandoned() -> Self {
        Self::new(Outcome::Abandoned)
    }

    /// The tool returned, and its result was withheld.
    pub(crate) fn withheld(reason: ReasonCode) -> Self {
        Self { reason: Some(reason), ..Self::ok() }
    }

    /// The gate did not let the body start.
    pub(crate) fn stopped(reason: ReasonCode) -> Self {
        Self { reason: Some(reason), ..Self::abandoned() }
    }

    /// The same ending with a result, e.g. what a tool returned along with
    /// its error.
    pub fn with_result(self, result: JsonText, capture: Capture) -> Self {
        Self { result: Some((Some(result), capture)), ..self }
    }

    /// The text of the result, if it was captured.
    pub(crate) fn text(&self) -> Option<&JsonText> {
        self.result.as_ref()?.0.as_ref()
    }

    /// The same ending of a call whose result does not go on: a result that
    /// was to stand in the receipt is committed, so that the receipt does not
    /// quote what nobody may see.
    pub(super) fn unquoted(self) -> Self {
        let hidden = |capture| if capture == Capture::Record { Capture::Commit } else { capture };
        Self { result: self.result.map(|(text, capture)| (text, hidden(capture))), ..self }
    }

    pub(super) fn because(self, reason: ReasonCode) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// Whether the tool gave back something, a result or an error.
    pub(crate) const fn has_returned(&self) -> bool {
        matches!(self.outcome, Outcome::Ok | Outcome::ToolError)
    }

    /// The outcome that the receipt will say.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }
}

/// A type's name, short enough for a receipt: without what stands in angle
/// brackets and, if need be, without its first modules.
fn error_class(name: &str) -> &str {
    if name.len() <= ErrorType::MAX_LEN {
        return name;
    }
    let mut class = name.split('<').next().unwrap_or(name);
    while class.len() > ErrorType::MAX_LEN {
        match class.split_once("::") {
            Some((_, rest)) => class = rest,
            None => break,
        }
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_classes_fit() {
        assert_eq!(error_class("std::io::Error"), "std::io::Error");
        let long = format!("{}::Error<{}>", "module".repeat(30), "x".repeat(200));
        assert_eq!(error_class(&long), "Error");
        assert_eq!(Ending::error::<std::fmt::Error>().error_type.unwrap().as_str(), "core::fmt::Error");
        let boxed = Ending::error::<Box<dyn std::error::Error + Send>>().error_type.unwrap();
        assert_eq!(boxed.as_str(), "alloc::boxed::Box<dyn_core::error::Error_+_core::marker::Send>");
        assert!(Ending::error_of_class("").error_type.unwrap().as_str().starts_with("~sha256:"));
        let nameless = Ending::error_of_class(&"x".repeat(1_000)).error_type.unwrap();
        assert!(nameless.as_str().starts_with("xxxxxxxx") && nameless.as_str().len() < 128);
    }

    #[test]
    fn a_result_without_json_text_is_dropped_not_lost() {
        let ending = Ending::returned(&f64::NAN, Capture::Commit);
        assert_eq!(ending.outcome(), Outcome::Ok);
        assert_eq!(ending.result, Some((None, Capture::Drop)));
    }
}
