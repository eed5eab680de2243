//! What *happens* around a tool call: the spine of asqav.

pub mod call;
pub mod clock;
pub mod completion;
pub mod limits;
pub mod log;
pub mod policy;
mod process;
mod recorder;
pub mod refused;
pub mod sign;
mod sync;
