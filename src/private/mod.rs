//! What the code written by `#[signed]` calls. Not for people: anything here
//! may change with any version.

mod call;
pub mod kind;
mod settlement;
mod tool;
mod value;

pub use asqav_core::call::Capture;
pub use asqav_receipt::payload::Tier;
pub use call::Call;
pub use settlement::{Committed, Recorded, Skipped, never, settlement};
pub use tool::Tool;
pub use value::{Value, skipped, value};
