//! For tests of tools that are guarded by a gate: a gate with a log in memory
//! and a clock that stands still, assertions on receipts, and logs and signers
//! that fail on purpose.
//!
//! ```
//! use asqav_core::testing::TestGate;
//! use asqav_core::{Refused, ToolCall};
//! use asqav_receipt::payload::Outcome;
//!
//! let test = TestGate::new();
//! let call = ToolCall::builder("add", "math:add").argument("a", &1).argument("b", &2).build();
//! let sum = test.gate().run_sync(call, || Ok::<_, Refused>(1 + 2))?;
//! assert_eq!(sum, 3);
//! let receipts = test.receipts();
//! receipts.assert_outcomes("add", &[Outcome::Ok]);
//! receipts.assert_verified();
//! # Ok::<(), Refused>(())
//! ```

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod clock;
mod gate;
mod receipts;

pub use crate::faults::{Fault, FaultyLog, FaultySigner, Latch};
pub use crate::memory_log::MemoryLog;
pub use clock::StepClock;
pub use gate::{AllowAll, TestGate};
pub use receipts::Receipts;
