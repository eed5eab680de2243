//! The ledger: an embedded SQLite database, filled once from a CSV file.
//!
//! Nothing here knows of asqav. It is what an agent's tools work on.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

/// The accounts that a new ledger begins with.
const ACCOUNTS: &str = include_str!("../data/accounts.csv");

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS accounts (
        account TEXT PRIMARY KEY, holder TEXT NOT NULL, currency TEXT NOT NULL,
        balance_cents INTEGER NOT NULL CHECK (balance_cents >= 0));
    CREATE TABLE IF NOT EXISTS transactions (
        id INTEGER PRIMARY KEY, debit TEXT NOT NULL REFERENCES accounts, credit TEXT NOT NULL REFERENCES accounts,
        amount_cents INTEGER NOT NULL CHECK (amount_cents > 0), memo TEXT NOT NULL);
";

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Its number, e.g. `ACC-1001`.
    pub(crate) account: String,
    /// Whose it is.
    pub(crate) holder: String,
    /// ISO 4217 code.
    pub(crate) currency: String,
    /// In hundredths of the currency's unit.
    pub(crate) balance_cents: i64,
}

/// Money from one account to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transaction {
    /// The account that pays.
    pub(crate) debit: String,
    /// The account that is paid.
    pub(crate) credit: String,
    /// In hundredths of the currency's unit.
    pub(crate) amount_cents: i64,
    /// What for.
    pub(crate) memo: String,
}

/// Why the ledger did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    /// There is no such account.
    #[error("no account `{0}`")]
    NoAccount(String),
    /// The paying account does not hold the amount.
    #[error("account `{account}` is short of {missing_cents} cents")]
    Short {
        /// The paying account.
        account: String,
        /// How much is missing.
        missing_cents: i64,
    },
    /// Nothing, or less, was to be moved.
    #[error("{0} cents cannot be moved")]
    Amount(i64),
    /// The database failed.
    #[error("the ledger's database failed")]
    Database(#[from] rusqlite::Error),
    /// The CSV file is malformed.
    #[error("the ledger's first accounts cannot be read")]
    Accounts(#[from] csv::Error),
}

/// A ledger, shared by everyone who holds a clone.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(Arc<Mutex<Connection>>);

impl Ledger {
    /// Opens the ledger in the file `path`; a new one gets the CSV's accounts.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        let mut database = Connection::open(path)?;
        database.execute_batch(SCHEMA)?;
        let fill = database.transaction()?;
        if fill.query_row("SELECT count(*) FROM accounts", [], |row| row.get::<_, i64>(0))? == 0 {
            for account in csv::Reader::from_reader(ACCOUNTS.as_bytes()).deserialize() {
                let Account { account, holder, currency, balance_cents } = account?;
                fill.execute(
                    "INSERT INTO accounts VALUES (?1, ?2, ?3, ?4)",
                    params![account, holder, currency, balance_cents],
                )?;
            }
        }
        fill.commit()?;
        Ok(Self(Arc::new(Mutex::new(database))))
    }

    /// The account of this number.
    pub(crate) fn account(&self, account: &str) -> Result<Account, LedgerError> {
        find(&self.database(), account)
    }

    /// Moves money and returns the paying account as it stands afterwards.
    pub(crate) fn post(&self, transaction: &Transaction) -> Result<Account, LedgerError> {
        let Transaction { debit, credit, amount_cents, memo } = transaction;
        if *amount_cents <= 0 {
            return Err(LedgerError::Amount(*amount_cents));
        }
        let mut database = self.database();
        let work = database.transaction()?;
        let payer = find(&work, debit)?;
        find(&work, credit)?;
        if payer.balance_cents < *amount_cents {
            let missing_cents = amount_cents - payer.balance_cents;
            return Err(LedgerError::Short { account: payer.account, missing_cents });
        }
        let change = "UPDATE accounts SET balance_cents = balance_cents + ?2 WHERE account = ?1";
        work.execute(change, params![debit, -amount_cents])?;
        work.execute(change, params![credit, amount_cents])?;
        work.execute(
            "INSERT INTO transactions (debit, credit, amount_cents, memo) VALUES (?1, ?2, ?3, ?4)",
            params![debit, credit, amount_cents, memo],
        )?;
        let payer = find(&work, debit)?;
        work.commit()?;
        Ok(payer)
    }

    /// Closes an account and returns it as it was.
    pub(crate) fn close(&self, account: &str) -> Result<Account, LedgerError> {
        let database = self.database();
        let closed = find(&database, account)?;
        database.execute("DELETE FROM accounts WHERE account = ?1", [account])?;
        Ok(closed)
    }

    /// How many accounts and transactions there are.
    pub(crate) fn counts(&self) -> Result<(u32, u32), LedgerError> {
        let count = "SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM transactions)";
        Ok(self.database().query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// A panic in another thread leaves SQLite's own transaction rolled back.
    fn database(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(database: &Connection, account: &str) -> Result<Account, LedgerError> {
    let found = database
        .query_row(
            "SELECT account, holder, currency, balance_cents FROM accounts WHERE account = ?1",
            [account],
            |row| {
                let (account, holder) = (row.get(0)?, row.get(1)?);
                Ok(Account { account, holder, currency: row.get(2)?, balance_cents: row.get(3)? })
            },
        )
        .optional()?;
    found.ok_or_else(|| LedgerError::NoAccount(account.to_owned()))
}
