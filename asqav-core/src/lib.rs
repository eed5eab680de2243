//! What *happens* around a tool call: the spine of asqav.

#![cfg_attr(
    test,
    expect(clippy::duplicate_mod, reason = "model.rs compiles the recorder again on shuttle's locks")
)]

pub mod argument;
pub mod call;
pub mod clock;
mod commit;
pub mod completion;
mod faults;
#[cfg(test)]
mod fixture;
pub mod key;
pub mod limits;
pub mod log;
mod memory_log;
#[cfg(test)]
mod model;
pub mod policy;
mod process;
mod recorder;
#[cfg(test)]
mod recorder_tests;
pub mod refused;
pub mod sign;
mod sync;
pub mod testing;
