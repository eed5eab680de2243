//! A tower layer: every request that is a tool call goes through a gate.
//!
//! [`SignedLayer`] wraps any [`tower_service::Service`]. An [`Adapter`] says
//! which requests are tool calls, what a response means, and what a caller
//! sees whose call was refused. [`ToolAdapter`] is the one for services that
//! take a [`ToolCall`](crate::ToolCall) and give a [`ToolOutput`]; with the
//! feature `http`, [`SignedHttpLayer`](http::SignedHttpLayer) wraps HTTP tool routers.
//!
//! # Delegation tokens
//! A request that comes with a [chain of tokens](crate::delegation) is judged
//! by it: an [`Adapter`] puts it into [`ToolCall::delegations`], and
//! `SignedHttpLayer` takes it from the request's extensions, where a layer
//! further out has put a [`Presented`](crate::delegation::Presented), from a
//! header, a cookie or a login of its own. Chains are 5 to 60 KB long: more
//! than many servers take in headers.
//!
//! [`ToolCall::delegations`]: crate::ToolCall::delegations
//!
//! # Order with other layers
//! A layer further out sees a call first.
//!
//! - **Retry outside** of this one: every attempt is a call of its own, with a
//!   decision and an outcome each, and counts against rate limits. Inside:
//!   all attempts are one call.
//! - **Timeout outside**: it drops the call, which is recorded as
//!   `cancelled`. The gate's own timeout records `timed_out`.
//! - **Concurrency and rate limits outside**: a call that waits for them, or
//!   that they refuse, was never asked for and leaves nothing. Inside, their
//!   refusal is the tool's error.
//! - **Load shedding outside** for the same reason; with this layer inside,
//!   readiness passes through unchanged.

mod adapter;
mod future;
#[cfg(feature = "http")]
pub mod http;
mod layer;
mod service;
mod tool;

pub use adapter::Adapter;
pub use future::SignedFuture;
pub use layer::SignedLayer;
pub use service::Signed;
pub use tool::{ToolAdapter, ToolOutput};
