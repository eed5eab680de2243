//! HTTP tool routers: requests with JSON arguments, responses with a result.
//!
//! [`SignedHttpLayer`] buffers the request's body before anything is decided
//! (the policy sees the arguments, the receipt commits to them) and the
//! response's body before the outcome is recorded. Both are bounded.
//!
//! What is a tool call: a request whose path ends in the name of a tool that
//! [`HttpTools`] declares, in any spelling and whatever its method. Each member of its JSON object
//! is an argument; a body that is no strict JSON object makes a call that
//! cannot be represented, which is refused with its denial receipt. Query
//! parameters are not arguments: a tool call with a query is refused likewise.
//! A name that is not declared passes through or, with
//! [`HttpTools::only`], is a call that no policy knows.

mod body;
mod exchange;
mod layer;
mod path;
mod tools;

pub use body::{HttpBody, Replayed};
pub use exchange::{HttpService, SignedHttpFuture};
pub use layer::{SignedHttp, SignedHttpLayer};
pub use tools::HttpTools;
