//! What *happens* around a tool call: the spine of asqav.

pub mod call;
pub mod clock;
pub mod limits;
pub mod log;
pub mod policy;
pub mod refused;
pub mod sign;
