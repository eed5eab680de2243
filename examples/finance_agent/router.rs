//! The same tools as a tower service: calls that arrive as data, e.g. from a
//! model, instead of as Rust calls. `SignedLayer` around it makes every call
//! go through the gate; the service itself knows nothing of that.

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use asqav::tower::ToolOutput;
use asqav::{JsonText, ToolCall};
use serde::de::DeserializeOwned;
use tower::Service;

use crate::ledger::Ledger;
use crate::tools::ToolError;

/// Serves `query_account`, `post_transaction` and `close_account`.
#[derive(Debug, Clone)]
pub(crate) struct LedgerTools {
    ledger: Ledger,
}

impl LedgerTools {
    /// The tools of `ledger`.
    pub(crate) const fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    fn run(&self, call: &ToolCall) -> Result<ToolOutput, ToolError> {
        let account = match call.tool.as_str() {
            "query_account" => self.ledger.account(&argument::<String>(call, "account")?)?,
            "post_transaction" => self.ledger.post(&argument(call, "transaction")?)?,
            "close_account" => self.ledger.close(&argument::<String>(call, "account")?)?,
            other => return Err(ToolError::Data(format!("there is no tool `{other}`"))),
        };
        let text = serde_json::to_string(&account).map_err(|error| ToolError::Data(error.to_string()))?;
        let text = JsonText::parse(text).map_err(|error| ToolError::Data(error.to_string()))?;
        Ok(ToolOutput::new(text))
    }
}

impl Service<ToolCall> for LedgerTools {
    type Response = ToolOutput;
    type Error = ToolError;
    type Future = Ready<Result<ToolOutput, ToolError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ToolError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        ready(self.run(&call))
    }
}

/// The argument `name` of the call, as a `T`.
fn argument<T: DeserializeOwned>(call: &ToolCall, name: &str) -> Result<T, ToolError> {
    let found = call.arguments.iter().find(|argument| argument.name == name);
    let text = found.and_then(|argument| argument.value.as_ref());
    let text = text.ok_or_else(|| ToolError::Data(format!("`{name}` is missing")))?;
    serde_json::from_str(text.as_str()).map_err(|error| ToolError::Data(error.to_string()))
}
