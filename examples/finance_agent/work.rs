//! What the agent does, one kind of call after the other.

use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use asqav::tower::SignedLayer;
use asqav::{Ending, Gate, SessionStatus, ToolCall, ToolCallBuilder};
use serde::{Deserialize, Serialize};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::ledger::{Account, Ledger, Transaction};
use crate::router::LedgerTools;
use crate::tools::{ToolError, close_account, export_statement, post_transaction, query_account};

/// The orders to be refunded.
const REFUNDS: &str = include_str!("../data/refunds.csv");

/// The account that refunds are paid from.
const RESERVE: &str = "ACC-9000";

/// One line of the refunds' CSV.
#[derive(Debug, Serialize, Deserialize)]
struct Refund {
    order: String,
    account: String,
    amount_cents: i64,
    memo: String,
}

/// One signed function, called like any other.
pub(crate) async fn one_call(ledger: &Ledger) {
    title("One signed tool call");
    tell("query_account ACC-1001", query_account(ledger, "ACC-1001").await.map(balance));
}

/// Sessions group what belongs together; three at once never mix.
pub(crate) async fn refunds(gate: &Gate, ledger: &Ledger) -> Result<(), Box<dyn Error>> {
    title("Three refunds at once, each a session: validate, query, post");
    let orders: Vec<Refund> =
        csv::Reader::from_reader(REFUNDS.as_bytes()).deserialize().collect::<Result<_, _>>()?;
    let running: Vec<_> = orders
        .into_iter()
        .map(|order| {
            let (gate, ledger) = (gate.clone(), ledger.clone());
            tokio::spawn(async move { (order.order.clone(), refund(&gate, &ledger, order).await) })
        })
        .collect();
    for refund in running {
        let (order, result) = refund.await?;
        tell(&format!("refund {order}"), result);
    }
    Ok(())
}

async fn refund(gate: &Gate, ledger: &Ledger, order: Refund) -> Result<String, ToolError> {
    let session = gate.session(&format!("refund {}", order.order)).open().await?;
    session.step("validate", &order).await?;
    let work = async {
        let Account { holder, .. } = query_account(ledger, &order.account).await?;
        let Refund { account, amount_cents, memo, .. } = order;
        let transaction = Transaction { debit: RESERVE.to_owned(), credit: account, amount_cents, memo };
        let reserve = post_transaction(ledger, &transaction).await?;
        Ok(format!("paid {} to {holder}; reserve {}", euros(amount_cents), euros(reserve.balance_cents)))
    };
    // Signed calls inside join the session by themselves.
    let done = session.scope(work).await;
    let status = if done.is_ok() { SessionStatus::Completed } else { SessionStatus::Failed };
    session.close(status).await?;
    done
}

/// The same tools behind a tower layer: calls come as data.
pub(crate) async fn through_tower(gate: &Gate, ledger: &Ledger) -> Result<(), Box<dyn Error>> {
    title("The same tools behind the tower layer");
    let service =
        ServiceBuilder::new().layer(SignedLayer::new(gate)).service(LedgerTools::new(ledger.clone()));
    let transaction = Transaction {
        debit: "ACC-1002".to_owned(),
        credit: RESERVE.to_owned(),
        amount_cents: 100_000,
        memo: "予備費".to_owned(),
    };
    let calls = [
        ToolCall::builder("query_account", "ledger:query").record("account", "ACC-1002"),
        ToolCall::builder("post_transaction", "ledger:post").argument("transaction", &transaction),
        ToolCall::builder("close_account", "ledger:close").record("account", "ACC-1002"),
    ];
    for call in calls.map(ToolCallBuilder::build) {
        let what = format!("{} (as data)", call.tool.as_str());
        let output = service.clone().oneshot(call).await;
        let account = output.map(|output| serde_json::from_str::<Account>(output.result.as_str()));
        tell(
            &what,
            match account {
                Ok(account) => Ok(balance(account?)),
                Err(error) => Err(error),
            },
        );
    }
    Ok(())
}

/// What runs and does not succeed.
pub(crate) async fn failures(ledger: &Ledger) {
    title("Admitted, and then something goes wrong");
    let too_much = payment(99_999_900, "more than there is");
    tell("post_transaction (too much)", post_transaction(ledger, &too_much).await.map(balance));
    tell("query_account ACC-0000", query_account(ledger, "ACC-0000").await.map(balance));
    let statement = tokio::time::timeout(Duration::from_millis(50), export_statement(ledger, "ACC-1004"));
    match statement.await {
        Ok(statement) => tell("export_statement ACC-1004", statement),
        Err(_) => tell::<&str, _>("export_statement ACC-1004", Err("nobody waits any longer: cancelled")),
    }
}

/// What the policy does not let run.
pub(crate) async fn refusals(ledger: &Ledger) {
    title("Refused: the body does not run, the refusal is signed");
    tell("close_account ACC-1003", close_account(ledger, "ACC-1003").map(balance));
    tell("query_account ACC-1003", query_account(ledger, "ACC-1003").await.map(balance));
    // The policy allows five a minute, and five there were.
    tell(
        "post_transaction (a sixth)",
        post_transaction(ledger, &payment(100, "one too many")).await.map(balance),
    );
}

/// What another system did already can only be observed.
pub(crate) async fn after_the_fact(gate: &Gate) -> Result<(), Box<dyn Error>> {
    title("Observed after the fact: no decision of ours, and the receipt says so");
    let call =
        ToolCall::builder("nightly_backup", "ledger:backup").record("tables", &["accounts", "transactions"]);
    gate.observe(call.build(), Ending::ok())?.await?;
    tell::<_, &str>("nightly_backup", Ok("observed"));
    Ok(())
}

/// A payment into the reserve.
fn payment(amount_cents: i64, memo: &str) -> Transaction {
    let (debit, credit) = ("ACC-1003".to_owned(), RESERVE.to_owned());
    Transaction { debit, credit, amount_cents, memo: memo.to_owned() }
}

fn title(text: &str) {
    println!("\n{text}\n");
}

fn tell<T: Display, E: Display>(what: &str, result: Result<T, E>) {
    match result {
        Ok(text) => println!("  {what:<30} ok       {text}"),
        Err(error) => println!("  {what:<30} error    {error}"),
    }
}

fn balance(account: Account) -> String {
    format!("{} has {}", account.holder, euros(account.balance_cents))
}

fn euros(cents: i64) -> String {
    format!("{}.{:02} EUR", cents / 100, cents % 100)
}
