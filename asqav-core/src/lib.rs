//! What *happens* around a tool call: the spine of asqav.
//!
//! [`Gate`] is the one spine: every call is admitted (policy check, decision
//! receipt), run, and completed (outcome receipt). Macros, the tower layer and
//! proxies are front doors to it.

#![cfg_attr(
    test,
    expect(clippy::duplicate_mod, reason = "model.rs compiles the recorder again on shuttle's locks")
)]

pub mod approval;
pub mod argument;
pub mod call;
pub mod clock;
mod commit;
pub mod completion;
pub mod context;
pub mod delegation;
mod faults;
#[cfg(test)]
mod fixture;
pub mod gate;
pub mod inference;
mod json_pointer;
pub mod key;
pub mod limits;
pub mod log;
mod memory_log;
#[cfg(test)]
mod model;
mod oblige;
pub mod permit;
pub mod policy;
mod process;
pub mod recorded;
mod recorder;
#[cfg(test)]
mod recorder_tests;
pub mod refused;
pub mod session;
pub mod sign;
mod sync;
pub mod testing;
pub mod tower;

pub use call::ToolCall;
pub use context::{carry, current, scope};
pub use gate::Gate;
pub use inference::Inference;
pub use permit::{Ending, Permit};
pub use refused::Refused;
pub use session::Session;
