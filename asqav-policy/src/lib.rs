//! Policies for asqav gates: who may call which tool, how often, when, and
//! with which arguments.
//!
//! Everything is denied until a rule allows it, and a deny rule always wins.
//! A policy is written as a TOML file ([`Model::from_toml`], format in the
//! module [`mod@file`]) or in Rust ([`Model::new`], [`Rule`]); both give the same
//! [`Model`] with the same digest. [`RulePolicy`] is what a gate takes.
//!
//! ```
//! use asqav_policy::{Facts, Model, RuleEffect, RulePolicy};
//! use asqav_receipt::time::Timestamp;
//!
//! let policy = RulePolicy::new(Model::from_toml(
//!     r#"
//!     version = 1
//!     id = "finance"
//!
//!     [[rule]]
//!     id = "read"
//!     effect = "allow"
//!     tools = ["query_*"]
//!     "#,
//! )?);
//! let now = Timestamp::parse_rfc3339("2026-04-06T18:10:05Z")?;
//! assert_eq!(policy.judge(&Facts::new("agent-1", "query_account", now)).effect, RuleEffect::Allow);
//! let other = policy.judge(&Facts::new("agent-1", "delete_account", now));
//! assert_eq!(other.reason.map(|reason| reason.code()), Some("no_rule"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Without the feature `gate` (on by default) the crate does not depend on
//! asqav-core: enough to read and check a policy at compile time.

mod call;
pub mod condition;
pub mod context;
#[cfg(feature = "gate")]
mod delegations;
pub mod detector;
mod diff;
pub mod engine;
pub mod error;
mod example;
mod explain;
mod facts;
pub mod file;
pub use asqav_receipt::glob;
mod index;
pub mod label;
#[cfg(feature = "gate")]
pub mod layers;
pub mod limit;
mod lint;
pub mod model;
mod normal;
pub mod obligation;
mod pointer;
#[cfg(feature = "gate")]
mod policy;
mod replay;
pub mod rule;
mod suggest;
pub mod tool;
mod trial;
pub mod window;

pub use call::Call;
pub use condition::{Condition, all, any, arg, result};
pub use context::{Actor, Risk};
#[cfg(feature = "gate")]
pub use delegations::Delegations;
pub use detector::Detector;
pub use diff::{Change, Diff, Members, Outcome};
pub use engine::{Reason, RulePolicy, Ruling, Truth};
pub use error::{PolicyError, Position, Problem};
pub use example::Example;
pub use explain::{Explanation, Finding, RuleFinding};
pub use facts::{Facts, Why};
pub use file::{FILE_VERSION, Format, JSON_SCHEMA, MAX_FILE_LEN, Mention, Mentioned};
pub use label::{Raise, SessionLabels, label};
#[cfg(feature = "gate")]
pub use layers::{Layers, LayersError};
pub use limit::{Key, Limit};
pub use lint::{Lint, LintKind};
pub use model::{Model, ModelBuilder};
pub use obligation::Obligation;
pub use replay::Replayed;
pub use rule::{RateLimit, Rule, RuleEffect};
pub use suggest::Suggestion;
pub use tool::{Kind, Tool};
pub use trial::{Tested, Trial};
pub use window::{Day, Window};
