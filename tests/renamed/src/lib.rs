//! A crate that knows asqav under another name, and that gives the usual names
//! another meaning: generated code must not depend on either.

#![allow(
    non_camel_case_types,
    clippy::missing_errors_doc,
    reason = "names that shadow, errors that are only tested"
)]

/// Not the facade.
pub mod asqav {}
/// Not `core`.
pub mod core {}
/// Not `std`.
pub mod std {}

/// The facade under a path of this crate.
pub mod reexports {
    pub use audit as tools;
}

/// Shadows the prelude.
pub mod shadowed {
    /// Not an `Option`.
    #[derive(Debug)]
    pub enum Option {
        /// Not `Some`.
        Some,
        /// Not `None`.
        None,
    }

    /// Not a `Result`.
    #[derive(Debug)]
    pub struct Result;

    /// Not `drop`.
    pub fn drop() {}

    pub use self::Option::{None, Some};
}

/// What a tool answers.
pub type Answer<T> = ::core::result::Result<T, ::std::string::String>;

/// The prelude is shadowed here.
pub mod tools {
    #[allow(unused_imports, reason = "they shadow the prelude")]
    use crate::shadowed::{drop, None, Option, Result, Some};
    use crate::Answer;
    #[allow(unused_imports, reason = "they shadow the real ones")]
    use crate::{core, std};
    use audit::signed;

    /// A tool.
    #[signed(crate = "audit", record(call))]
    pub async fn renamed(call: u32, early: u32) -> Answer<u32> {
        let returned = call;
        Ok(returned + early)
    }

    /// A tool without a runtime.
    #[signed(crate = "crate::reexports::tools", action = "renamed:nested")]
    pub fn reexported(call: u32) -> Answer<u32> {
        Ok(call)
    }

    fn refuse(_: audit::Refused) -> Option {
        None
    }

    /// A tool that is not in the prelude's `Option`.
    #[signed(crate = audit, on_deny = refuse, result = skip)]
    pub fn plain(call: u32) -> Option {
        match call {
            0 => None,
            _ => Some,
        }
    }

    /// An unsafe tool.
    ///
    /// # Safety
    /// `call` points to a number.
    #[signed(crate = "::audit", skip(call))]
    pub unsafe fn careful(call: *const u32) -> Answer<u32> {
        // SAFETY: the caller's promise.
        Ok(unsafe { *call })
    }
}

/// A policy, included where the usual names mean something else.
pub mod policies {
    #[allow(unused_imports, reason = "they shadow the prelude")]
    use crate::shadowed::{drop, None, Option, Result, Some};
    #[allow(unused_imports, reason = "they shadow the real ones")]
    use crate::{core, std};

    /// Through the other name.
    pub const RENAMED: audit::IncludedPolicy =
        audit::include_policy!("policy.toml", tools = [crate::tools::renamed, crate::tools::reexported]);

    /// Through a path of this crate.
    pub static REEXPORTED: audit::IncludedPolicy = crate::reexports::tools::include_policy! {
        "policy.toml", tools = [super::tools::renamed, super::tools::reexported,],
    };
}

/// What the older edition does differently.
pub mod edition {
    use std::future::Future;
    use std::sync::{Mutex, PoisonError};

    use audit::signed;

    use crate::Answer;

    /// The lock's guard lives until the end of the body.
    #[signed(crate = "audit", skip(amount))]
    pub fn locked(amount: Mutex<u32>) -> Answer<u32> {
        Ok(*amount.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same in a future.
    #[signed(crate = "audit", skip(amount))]
    pub async fn locked_later(amount: Mutex<u32>) -> Answer<u32> {
        Ok(*amount.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A future that says what it captures.
    #[signed(crate = "audit")]
    pub fn captured(text: &str) -> impl Future<Output = Answer<usize>> + Send + '_ {
        let length = text.len();
        async move { Ok(length) }
    }
}

#[cfg(test)]
mod tests {
    use audit::testing::TestGate;
    use audit::Outcome;

    use super::{edition, policies, tools};
    use ::std::sync::Mutex;

    #[test]
    fn policies_are_included_under_another_name() {
        let test = TestGate::with_policy(policies::RENAMED.policy().unwrap());
        assert_eq!(audit::scope_sync(test.gate().clone(), || tools::reexported(4)), Ok(4));
        assert!(audit::scope_sync(test.gate().clone(), || tools::reexported(5)).is_err());
        assert_eq!(policies::RENAMED.digest(), policies::REEXPORTED.digest());
    }

    #[tokio::test]
    async fn tools_work_under_another_name() {
        let test = TestGate::new();
        let one = 1;
        audit::scope(test.gate().clone(), async {
            assert_eq!(tools::renamed(2, 3).await, Ok(5));
            assert_eq!(tools::reexported(4), Ok(4));
            assert!(matches!(tools::plain(1), super::shadowed::Option::Some));
            // SAFETY: it points to a number.
            assert_eq!(unsafe { tools::careful(&raw const one) }, Ok(1));
            assert_eq!(edition::locked(Mutex::new(5)), Ok(5));
            assert_eq!(edition::locked_later(Mutex::new(6)).await, Ok(6));
            assert_eq!(edition::captured("seven").await, Ok(5));
        })
        .await;
        let receipts = test.receipts();
        for tool in ["renamed", "reexported", "plain", "careful", "locked", "locked_later", "captured"] {
            receipts.assert_outcomes(tool, &[Outcome::Ok]);
        }
        receipts.assert_verified();
    }
}
