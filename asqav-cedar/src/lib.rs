//! Cedar policies for asqav gates.
//!
//! [`CedarPolicy`] implements the same trait as asqav's own engine, so a gate
//! takes it as it is; `Layers` in asqav-policy joins it with
//! rules that have rates, budgets and approvals, which Cedar has not. The
//! schema is made from the tools ([`Tool`]), policies are validated against it
//! strictly, and each tool's calls are asked only of the policies that can be
//! about it.
//!
//! ```
//! use asqav_cedar::{CedarPolicy, Tool, Type};
//!
//! let policy = CedarPolicy::builder("finance")
//!     .tool(Tool::new("ledger:query").required("account", Type::Text).group("reading"))
//!     .tool(Tool::new("ledger:post").required("amount", Type::Long).optional("note", Type::Text))
//!     .role("clerk", ["agt_finance_01"])
//!     .policies(
//!         r#"
//!         @id("read")
//!         permit (principal, action in Action::"reading", resource);
//!
//!         @id("small")
//!         permit (principal in Role::"clerk", action == Action::"ledger:post", resource)
//!         when { context.args.amount <= 1000 };
//!         "#,
//!     )
//!     .build()?;
//! # Ok::<(), asqav_cedar::CedarError>(())
//! ```
//!
//! # What a policy sees
//! | Cedar | of the call |
//! |---|---|
//! | `principal` | the agent: `Agent::"agt_1"`, in the roles that the builder gives it |
//! | `action` | the tool: `Action::"ledger:post"`, in the groups that its [`Tool`] names |
//! | `resource` | `Resource::"…"` as the call names it, else `Tool::"ledger:post"` |
//! | `context.args` | the arguments, typed as the tool's |
//! | `context.session`, `.tenant` | optional strings |
//! | `context.actor` | optional, with `kind` (`user`, `service`, `system`, `workload`) and `name` |
//! | `context.now` | the wall clock, a `datetime` to the millisecond |
//!
//! Values are handed over as values: a text is a string and an object a
//! record, whatever they hold. An argument that spells `__entity` or `__extn`
//! is data.
//!
//! # What is denied, and why
//! | reason | |
//! |---|---|
//! | `no_rule` | no policy permits the call |
//! | `denied_by_rule` | a policy forbids it |
//! | `evaluation_error` | a policy failed, even if another permits: Cedar itself would skip it |
//! | `unknown_tool` | the policy knows no such tool |
//! | `outside_schema` | an argument is missing, not declared, not serialised or of another type |
//!
//! Cedar's integers have 64 bits, of which JSON carries 53; `1.0` is the
//! integer 1. A number with a fraction is a [`Type::Decimal`] if four decimal
//! places hold it exactly, and otherwise outside of the schema.

mod context;
pub mod engine;
mod error;
mod policy;
mod schema;
mod tool;

pub use cedar_policy;
pub use engine::Engine;
pub use error::{CedarError, Position};
pub use policy::{Builder, CedarPolicy, MAX_POLICY_LEN};
pub use tool::{Fields, Tool, Type};
