//! What requests and responses mean to a gate.

use crate::call::ToolCall;
use crate::permit::Ending;
use crate::refused::Refused;

/// Says how a request describes a tool call, and how a response or error
/// becomes an outcome.
pub trait Adapter<Request, Response, Error>: Clone {
    /// The tool call that `request` asks for; `None` if it asks for none: it
    /// then passes through and leaves no receipt.
    ///
    /// Called once for each request, before anything is decided. A request
    /// that asks for a tool call which cannot be represented is a call with a
    /// [fault](ToolCall::fault), never `None`.
    fn call(&self, request: &Request) -> Option<ToolCall>;

    /// How the call ended.
    fn ending(&self, output: &Result<Response, Error>) -> Ending;

    /// What the caller sees whose call was refused: the service's error, or a
    /// response that says so.
    ///
    /// # Errors
    /// As the adapter decides.
    fn refuse(&self, refused: Refused) -> Result<Response, Error>;
}
