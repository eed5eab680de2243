//! Cryptographic audit trails for AI agents' tool calls.
//!
//! Every call of a [`#[signed]`](signed) function is checked against a policy,
//! runs only once its decision receipt is durable, and leaves an outcome
//! receipt. Receipts are hash-chained, signed with ML-DSA-65 (FIPS 204) inside
//! this process, and verifiable offline by anyone who has the public key.
//!
//! ```
//! use asqav::signed;
//! use asqav::testing::TestGate;
//!
//! #[signed(action = "ledger:query", record(account), skip(token))]
//! fn query_account(account: &str, limit: u32, token: Token) -> Result<u32, String> {
//!     if token.is_valid() { Ok(limit + 1) } else { Err("who are you?".to_owned()) }
//! }
//!
//! # struct Token;
//! # impl Token { fn is_valid(&self) -> bool { true } }
//! // A gate with a log in memory; `Gate::builder` makes one with a log on disk.
//! let test = TestGate::new();
//! let _installed = test.gate().install();
//! assert_eq!(query_account("DE-1", 3, Token), Ok(4));
//!
//! let receipts = test.receipts();
//! receipts.assert_outcomes("query_account", &[asqav::Outcome::Ok]);
//! receipts.assert_verified();
//! ```
//!
//! | to | see |
//! |---|---|
//! | sign a function | [`signed`] |
//! | sign a tower service | [`tower::SignedLayer`] |
//! | make a gate | [`Gate::builder`], [`SigningKey`] |
//! | say what may run | [`policy`], [`Policy`] |
//! | write policies in Cedar | the module `cedar` (feature `cedar`) |
//! | check a policy file while compiling | `include_policy!` (feature `include-policy`) |
//! | keep receipts on disk | the module `log` (feature `log`, on by default) |
//! | group calls | [`Gate::session`], [`Session`] |
//! | run a tool by hand | [`Gate::run`], [`Gate::admit`] |
//! | take gate and session into a spawned task | [`carry`] |
//! | verify receipts | [`receipt`] |
//! | stop everything | [`Gate::halt`], [`GateBuilder::kill_switch`] |
//! | change arguments and results as a policy obliges | [`Gate::run_enforced`] |
//! | have calls approved | [`approval`], [`GateBuilder::approvals`] |
//! | let agents pass on a part of what they may do | [`delegation`], [`policy::Delegations`] |
//! | test tools | [`testing`] |

/// The README, whose examples are compiled and run as tests.
#[cfg(all(doctest, feature = "log"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

#[cfg(feature = "include-policy")]
mod included;

#[cfg(feature = "cedar")]
pub use asqav_cedar as cedar;
pub use asqav_core::call::{Argument, CallError, Capture, JsonText, ToolCallBuilder};
pub use asqav_core::completion::{Completion, Receipted};
pub use asqav_core::context::{Current, Scoped, carry, carry_sync, current, scope, scope_sync};
pub use asqav_core::gate::{
    Counters, GateBuilder, InstallGuard, Notifier, OpenError, OperatorRole, ReplaceError, ShutdownError,
    Switch, System,
};
#[cfg(feature = "aws-lc")]
pub use asqav_core::key::AwsLcSigner;
pub use asqav_core::key::{KeyError, SigningKey};
pub use asqav_core::log::{Durability, Log, LogError};
pub use asqav_core::policy::{
    Charge, Decision, Duty, Effect, Obligation, Policy, PolicyFault, PolicyInput, Rate, Review, Target,
};
pub use asqav_core::refused::Closed;
pub use asqav_core::session::SessionStatus;
pub use asqav_core::sign::{SignError, Signer, Signing};
pub use asqav_core::{Ending, Gate, Inference, Permit, Refused, Session, ToolCall};
pub use asqav_core::{approval, clock, delegation, limits, testing, tower};
#[cfg(feature = "log")]
pub use asqav_log as log;
pub use asqav_macros::signed;
pub use asqav_policy as policy;
pub use asqav_receipt as receipt;
pub use asqav_receipt::id::{ActionId, AgentId, IssuerId, PolicyId, ReasonCode, RuleId, SessionId};
pub use asqav_receipt::payload::{Outcome, Tier};
#[cfg(feature = "include-policy")]
pub use included::IncludedPolicy;

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
