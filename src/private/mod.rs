//! What the code written by `#[signed]` calls. Not for people: anything here
//! may change with any version.

mod call;
#[cfg(feature = "include-policy")]
pub mod included;
pub mod kind;
mod settlement;
mod tool;
mod value;

pub use asqav_core::call::Capture;
#[cfg(feature = "include-policy")]
pub use asqav_policy_macros::include_policy;
pub use asqav_receipt::payload::Tier;
pub use call::Call;
pub use settlement::{Committed, Recorded, Skipped, never, settlement};
pub use tool::Tool;
pub use value::{Value, skipped, value};
