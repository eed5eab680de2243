//! The agent's tools: ordinary functions with one attribute.

use asqav::{Refused, signed};

use crate::ledger::{Account, Ledger, LedgerError, Transaction};

/// Why a tool did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    /// The gate did not let it run.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The ledger did not do it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A call that came as data is not one of a tool here.
    #[error("not a call of these tools: {0}")]
    Data(String),
}

/// Reads one account. Its number stands in the receipt; what was found is
/// committed, and opens only with the vault key.
#[signed(action = "ledger:query", version = "1", record(account), skip(ledger))]
pub(crate) async fn query_account(ledger: &Ledger, account: &str) -> Result<Account, ToolError> {
    Ok(ledger.account(account)?)
}

/// Moves money between two accounts.
#[signed(action = "ledger:post", version = "1", skip(ledger))]
pub(crate) async fn post_transaction(
    ledger: &Ledger,
    transaction: &Transaction,
) -> Result<Account, ToolError> {
    Ok(ledger.post(transaction)?)
}

/// Closes an account: the policy forbids it, so this body never runs.
#[signed(action = "ledger:close", record(account), skip(ledger))]
pub(crate) fn close_account(ledger: &Ledger, account: &str) -> Result<Account, ToolError> {
    Ok(ledger.close(account)?)
}

/// Writes a statement, and takes longer for it than anybody waits.
#[signed(action = "ledger:export", record(account), skip(ledger))]
pub(crate) async fn export_statement(ledger: &Ledger, account: &str) -> Result<String, ToolError> {
    let Account { holder, balance_cents, .. } = ledger.account(account)?;
    tokio::time::sleep(std::time::Duration::from_secs(3_600)).await;
    Ok(format!("{holder}: {balance_cents}"))
}
