//! For tests of tools that are guarded by a gate: logs in memory, and logs and
//! signers that fail on purpose.

pub use crate::faults::{Fault, FaultyLog, FaultySigner, Latch};
pub use crate::memory_log::MemoryLog;
