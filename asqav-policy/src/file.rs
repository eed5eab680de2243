//! The policy file: TOML 1.1, read strictly. Unknown keys are errors, each
//! with its line and column.
//!
//! ```toml
//! version = 1
//! id = "finance"
//!
//! [[rule]]
//! id = "post"
//! effect = "allow"                # allow | approve | deny
//! tools = ["ledger:post_*"]       # patterns, see the module `glob`
//! agents = ["finance-*"]          # patterns; left out: every agent
//! rate = { calls = 5, per = "1m" }  # for each agent and tool; s, m, h, d
//! window = { days = ["mon", "fri"], from = "08:00", to = "18:00", zone = "Europe/Zurich" }
//!
//! [rule.when]                     # conditions on arguments, by JSON pointer
//! all = [
//!   { arg = "/amount", ge = 1, le = 1000 },
//!   { any = [{ arg = "/currency", in = ["CHF", "EUR"] }, { arg = "/test", eq = true }] },
//!   { not = { arg = "/iban", prefix = "XX" } },
//! ]
//!
//! [rule.examples]                 # calls that must come out so, or the file is refused
//! allow = [{ args = { amount = 5, currency = "CHF", iban = "CH93" }, at = 2026-04-06T10:00:00Z }]
//! ```
//!
//! A condition is a table with one of the keys `all`, `any`, `not` or `arg`.
//! Beside `arg`, which is a JSON pointer, stand the questions, all of which
//! must be answered with yes: `eq`, `in`, `ge`, `gt`, `le`, `lt`, `prefix`,
//! `under`, `host_in`, `min_len`, `max_len`, `present`, `matches`; the module
//! [`condition`](crate::condition) says what each means. An example gives
//! `tool` (left out: the rule's one tool), `agent` (left out: `example`),
//! `at` (left out: `2000-01-01T12:00:00Z`) and `args`.

mod condition;
mod example;
mod rule;
mod table;

use asqav_receipt::id::PolicyId;
use toml::de::{DeTable, DeValue};

use crate::error::{Fault, PolicyError, Problem, quote};
use crate::model::{MAX_RULES, Model};
use crate::rule::Rule;

use table::{Table, Value};

/// The version of the file format.
pub const FILE_VERSION: i64 = 1;

/// The largest policy file, in bytes.
pub const MAX_FILE_LEN: usize = 1 << 20;

impl Model {
    /// Reads a policy file's content.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column for the first mistake.
    pub fn from_toml(content: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        let content = content.as_ref();
        read(content).map_err(|fault| fault.locate(content))
    }
}

fn read(content: &[u8]) -> Result<Model, Fault> {
    if content.len() > MAX_FILE_LEN {
        return Err(Problem::TooLarge { len: content.len() }.into());
    }
    let text =
        std::str::from_utf8(content).map_err(|error| Fault::at(error.valid_up_to(), Problem::NotUtf8))?;
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or_else(|| deepest_key(text), |span| span.start);
        Fault::at(at, Problem::Syntax(error.message().chars().take(200).collect()))
    })?;
    let at = document.span().start;
    read_document(&Table::new(document.get_ref(), at))
}

/// Where the line with the most dots begins: the reader gives no place for a
/// key of too many parts, its only error without one.
fn deepest_key(text: &str) -> usize {
    let mut start = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        let at = start;
        start += line.len();
        (line.bytes().filter(|&byte| byte == b'.').count(), at)
    });
    lines.max_by_key(|&(dots, _)| dots).map_or(0, |(_, at)| at)
}

fn read_document(document: &Table<'_>) -> Result<Model, Fault> {
    // First, because a later version may know keys that this one does not.
    let version = document.require("version")?;
    match version.integer()? {
        FILE_VERSION => {}
        other => return Err(Fault::at(version.at(), Problem::Version(other))),
    }
    document.allow_only(&["version", "id", "rule"])?;
    let id = document.require("id")?;
    let id = PolicyId::parse(id.text()?).map_err(|error| Fault::at(id.at(), error))?;
    Model::checked(id, read_rules(document)?)
}

fn read_rules(document: &Table<'_>) -> Result<Vec<Rule>, Fault> {
    let Some(rules) = document.get("rule") else { return Ok(Vec::new()) };
    let items = rules.items()?;
    if items.len() > MAX_RULES {
        return Err(Fault::at(rules.at(), Problem::TooMany { what: "rules", max: MAX_RULES }));
    }
    items.into_iter().map(|item| rule::read(&item.table()?)).collect()
}

/// A type's name as errors give it.
fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Reads a word from a list of known ones.
fn word<T: Copy>(value: &Value<'_>, known: &[(&str, T)], expected: &'static str) -> Result<T, Fault> {
    let text = value.text()?;
    known
        .iter()
        .find(|(word, _)| *word == text)
        .map(|&(_, meaning)| meaning)
        .ok_or_else(|| Fault::at(value.at(), Problem::Word { found: quote(text), expected }))
}
