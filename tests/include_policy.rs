//! A policy that was checked while this program was compiled.
//!
//! What the compiler says about mistakes is in `tests/mistakes`.

#![cfg(feature = "include-policy")]
#![expect(clippy::unwrap_used, reason = "these are tests")]

use asqav::policy::Model;
use asqav::receipt::digest::Sha256Digest;
use asqav::testing::TestGate;
use asqav::{IncludedPolicy, Outcome, Refused, include_policy, signed};

const POLICY: IncludedPolicy = include_policy!(
    "included/policy.toml",
    tools = [query_account, ledger::post_transaction, Ledger::balance],
);

/// A constant: the compiler has to know it.
const DIGEST: Sha256Digest = POLICY.digest();

#[signed]
fn query_account(account: &str) -> Result<usize, Refused> {
    Ok(account.len())
}

mod ledger {
    use asqav::{Refused, signed};

    #[signed]
    pub(crate) async fn post_transaction(to: &str, amount: u32) -> Result<u32, Refused> {
        Ok(amount + u32::try_from(to.len()).unwrap())
    }
}

struct Ledger;

impl Ledger {
    #[signed(tool = "Ledger:balance", descriptor = true)]
    fn balance(&self, account: &str) -> Result<usize, Refused> {
        Ok(account.len())
    }
}

#[tokio::test]
async fn the_policy_is_the_files() {
    let text = include_bytes!("included/policy.toml");
    assert_eq!(POLICY.text(), text);
    assert_eq!(DIGEST, Model::from_toml(text).unwrap().digest());
    let policy = POLICY.policy().unwrap();
    let test = TestGate::with_policy(policy);
    asqav::scope(test.gate().clone(), async {
        assert_eq!(query_account("DE-1").unwrap(), 4);
        assert!(matches!(query_account("FR-1"), Err(Refused::Denied { .. })));
        assert_eq!(ledger::post_transaction("DE-2", 5).await.unwrap(), 9);
        assert!(matches!(ledger::post_transaction("DE-2", 1_001).await, Err(Refused::Denied { .. })));
        assert_eq!(Ledger.balance("DE-1").unwrap(), 4);
    })
    .await;
    test.receipts().assert_outcomes("Ledger:balance", &[Outcome::Ok]);
}
