//! Services that take a tool call as it is.

use super::adapter::Adapter;
use crate::argument::JsonText;
use crate::call::{Capture, ToolCall};
use crate::permit::Ending;
use crate::refused::Refused;

/// What a tool gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolOutput {
    /// The result's JSON text.
    pub result: JsonText,
    /// How it goes into the receipt.
    pub capture: Capture,
    /// The class of the error that the result describes, if it describes one.
    pub error: Option<String>,
}

impl ToolOutput {
    /// The tool returned `result`; the receipt holds a commitment to it.
    #[must_use]
    pub const fn new(result: JsonText) -> Self {
        Self { result, capture: Capture::Commit, error: None }
    }

    /// The tool failed with an error of the class `class`, which `result`
    /// describes.
    #[must_use]
    pub fn error(class: &str, result: JsonText) -> Self {
        Self { error: Some(class.to_owned()), ..Self::new(result) }
    }

    /// Sets how the result goes into the receipt.
    #[must_use]
    pub fn captured(self, capture: Capture) -> Self {
        Self { capture, ..self }
    }
}

/// For services from [`ToolCall`] to [`ToolOutput`] whose error can carry a
/// [`Refused`].
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "a marker")]
pub struct ToolAdapter;

impl<E: From<Refused>> Adapter<ToolCall, ToolOutput, E> for ToolAdapter {
    fn call(&self, request: &ToolCall) -> Option<ToolCall> {
        Some(request.clone())
    }

    fn ending(&self, output: &Result<ToolOutput, E>) -> Ending {
        match output {
            Ok(ToolOutput { result, capture, error: None }) => {
                Ending::ok().with_result(result.clone(), *capture)
            }
            Ok(ToolOutput { result, capture, error: Some(class) }) => {
                Ending::error_of_class(class).with_result(result.clone(), *capture)
            }
            Err(_) => Ending::error::<E>(),
        }
    }

    fn refuse(&self, refused: Refused) -> Result<ToolOutput, E> {
        Err(refused.into())
    }
}
