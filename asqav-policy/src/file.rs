//! The policy file: TOML 1.1, or the same keys as JSON or (feature `yaml`)
//! YAML 1.2, read strictly. Unknown and duplicate keys are errors, each with
//! its line and column.
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
//! # shadow = true               # deny and approve only: restricts nothing, is reported
//! rate = { calls = 5, per = "1m" }  # for each agent and tool; s, m, h, d
//! limits = [                      # with keys of their own: agent, tool, session, tenant, pointers
//!   { amount = 100000, per = "1d", cost = "/amount", by = ["tenant", "/iban"] },
//!   { calls = 100, per = "1h", by = [] },
//!   # { amount = 1000000, per = "1d", cost = "/max_tokens", settle = "/usage/total" } # of the result
//! ]
//! raises = ["money-moved", { label = "paid", of = ["/iban"] }]   # in the session, once admitted
//! obligations = [                 # the call runs only if that is done (`Gate::run_enforced`)
//!   { arg = "/amount", cap = 1000 },
//!   { result = "/card", mask = 4 },   # redact = true, mask, replace, cap
//!   { notify = "posted" },            # label, notify
//! ]
//! window = { days = ["mon", "fri"], from = "08:00", to = "18:00", zone = "Europe/Zurich" }
//!
//! [rule.when]                     # conditions on arguments, by JSON pointer
//! all = [
//!   { arg = "/amount", ge = 1, le = 1000 },
//!   { any = [{ arg = "/currency", in = ["CHF", "EUR"] }, { arg = "/test", eq = true }] },
//!   { not = { arg = "/iban", prefix = "XX" } },
//!   { not = { label = "paid", of = ["/iban"], within = "1h" } },
//! ]
//!
//! [risk]                          # which tools read, write, destroy
//! read = ["ledger:query_*"]
//! destructive = ["**:delete_*"]
//!
//! [[tool]]                        # with one of these, every tool that is not listed is denied
//! name = "ledger:post_entry"
//! arguments = { amount = { type = "integer", ge = 1 }, memo = { type = "string", optional = true }, iban = "string" }
//!
//! [tool_classes]                  # written `@payments` among a rule's tools
//! payments = ["ledger:post_*", "bank:transfer"]
//!
//! [data_classes]                  # written `@personal` among detectors
//! personal = ["email", "iban"]
//!
//! [[rule]]
//! id = "personal-data-stays"
//! effect = "deny"
//! tools = ["mail:*"]
//! phase = "result"                # call | result: withholds what the tool gave back
//! tenants = ["acme"]              # patterns; a call that names none is unknown
//! actors = ["user", "service:ci-*"]   # user, service, system, workload
//! resources = ["mailbox/*"]       # patterns
//! risk = ["read"]                 # read | write | destructive
//! when = { result = "", contains = ["@personal", "card"] }
//!
//! [rule.examples]                 # calls that must come out so, or the file is refused
//! allow = [{ args = { amount = 5, currency = "CHF", iban = "CH93" }, at = 2026-04-06T10:00:00Z }]
//! ```
//!
//! A condition is a table with one of the keys `all`, `any`, `not`, `arg`,
//! `result` or `label`. `label` asks whether a call that was admitted earlier in
//! the session raised it, with the same values as this call has at `of`, and no
//! longer ago than `within`; see the module [`label`](mod@crate::label). Beside `arg` and `result`, which are JSON pointers, stand the
//! questions, all of which must be answered with yes: `eq`, `in`, `ge`, `gt`,
//! `le`, `lt`, `prefix`, `under`, `host_in`, `min_len`, `max_len`, `present`,
//! `matches`, `contains`; the module [`condition`](crate::condition) says what
//! each means. `contains` names detectors: `card`, `email`, `iban`, `secret`,
//! data classes, and those given to [`Model::read_with`]. An example
//! gives `tool` (left out: the rule's one tool), `agent` (left out:
//! `example`), `at` (left out: `2000-01-01T12:00:00Z`), `args`, `tenant`,
//! `actor`, `resource`, for a rule on results `result`, and `labels` that its
//! session carries (names, or `{ label, of, ago }` with values), or
//! `session = false`. Times are TOML's or,
//! in any format, texts.
//!
//! YAML is taken only as far as all its readers agree: no aliases, anchors,
//! merge keys, tags or second documents, and quotes around words like `no`,
//! `on`, `12:30` and `0x1f`, which some take for booleans, times or numbers.

mod condition;
mod example;
mod format;
mod json;
mod label;
mod limit;
mod mentions;
mod obligation;
mod rule;
mod scope;
mod table;
mod toml;
mod tool;
mod tree;
#[cfg(feature = "yaml")]
mod yaml;

use asqav_receipt::id::PolicyId;

use crate::detector::Detector;
use crate::error::{Fault, PolicyError, Problem, quote};
use crate::example::Example;
use crate::model::{MAX_RULES, Model, Parts};
use crate::rule::{Rule, RuleEffect};

pub use format::Format;
pub use mentions::{Mention, Mentioned};
use scope::Scope;
use table::{Table, Value};

/// The version of the file format.
pub const FILE_VERSION: i64 = 1;

/// JSON Schema (2020-12) of the file for editors. It refuses nothing that the
/// reader takes; what it cannot tell, the reader does.
pub const JSON_SCHEMA: &str = include_str!("../../docs/policy.schema.json");

/// The largest policy file, in bytes.
pub const MAX_FILE_LEN: usize = 1 << 20;

impl Model {
    /// Reads a policy file's content.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column for the first mistake.
    pub fn read(content: impl AsRef<[u8]>, format: Format) -> Result<Self, PolicyError> {
        Self::read_with(content, format, [])
    }

    /// Reads a policy file's content, which may name these detectors besides
    /// those that are built in.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column for the first mistake.
    pub fn read_with(
        content: impl AsRef<[u8]>,
        format: Format,
        detectors: impl IntoIterator<Item = Detector>,
    ) -> Result<Self, PolicyError> {
        let content = content.as_ref();
        read(content, format, detectors.into_iter().collect()).map_err(|fault| fault.locate(content))
    }

    /// Reads a policy file's content, TOML.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column for the first mistake.
    pub fn from_toml(content: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        Self::read(content, Format::Toml)
    }
}

fn read(content: &[u8], format: Format, detectors: Vec<Detector>) -> Result<Model, Fault> {
    let (id, parts) = read_document(&parse(content, format)?, detectors)?;
    Model::checked(id, parts)
}

/// A policy whose examples were not asked.
pub(crate) fn read_unproven(content: &[u8], format: Format) -> Result<Model, Fault> {
    let (id, parts) = read_document(&parse(content, format)?, Vec::new())?;
    Model::unproven(id, parts)
}

/// A call file: the lists that a rule has under `examples`.
pub(crate) fn read_examples(content: &[u8], format: Format) -> Result<Vec<Example>, Fault> {
    example::read(&Value::document(&parse(content, format)?))
}

/// A file with one call.
pub(crate) fn read_call(content: &[u8], format: Format) -> Result<Example, Fault> {
    example::read_one(&Value::document(&parse(content, format)?), RuleEffect::Allow)
}

fn parse(content: &[u8], format: Format) -> Result<tree::Node, Fault> {
    if content.len() > MAX_FILE_LEN {
        return Err(Problem::TooLarge { len: content.len() }.into());
    }
    let text =
        std::str::from_utf8(content).map_err(|error| Fault::at(error.valid_up_to(), Problem::NotUtf8))?;
    format.parse(text)
}

fn read_document(document: &tree::Node, detectors: Vec<Detector>) -> Result<(PolicyId, Parts), Fault> {
    let document = Value::document(document).table()?;
    // First, because a later version may know keys that this one does not.
    let version = document.require("version")?;
    match version.integer()? {
        FILE_VERSION => {}
        other => return Err(Fault::at(version.at(), Problem::Version(other))),
    }
    document.allow_only(&["version", "id", "risk", "tool_classes", "data_classes", "tool", "rule"])?;
    let id = document.require("id")?;
    let id = PolicyId::parse(id.text()?).map_err(|error| Fault::at(id.at(), error))?;
    let scope = Scope::read(&document, detectors)?;
    let risks = scope::read_risks(&document)?;
    let tools = tool::read(&document, &scope)?;
    Ok((id, Parts { rules: read_rules(&document, &scope)?, risks, tools }))
}

fn read_rules(document: &Table<'_>, scope: &Scope) -> Result<Vec<Rule>, Fault> {
    let Some(rules) = document.get("rule") else { return Ok(Vec::new()) };
    let items = rules.items()?;
    if items.len() > MAX_RULES {
        return Err(Fault::at(rules.at(), Problem::TooMany { what: "rules", max: MAX_RULES }));
    }
    items.into_iter().map(|item| rule::read(&item.table()?, scope)).collect()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use asqav_receipt::json::Json;

    use super::*;

    /// A key that the reader learns must get into the schema, too.
    #[test]
    fn the_schema_knows_every_key() {
        let schema = Json::parse(JSON_SCHEMA.as_bytes()).unwrap();
        let at =
            |path: &[&str]| path.iter().try_fold(&schema, |json, name| json.as_object()?.get(name)).unwrap();
        let names = |json: &Json| -> BTreeSet<String> {
            json.as_object().unwrap().iter().map(|(name, _)| name.to_owned()).collect()
        };
        let known = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(names(at(&["$defs", "rule", "properties"])), known(&rule::KEYS));
        let kinds = at(&["$defs", "condition", "oneOf"]).as_array().unwrap();
        let conditions = kinds
            .iter()
            .flat_map(|kind| names(kind.as_object().unwrap().get("properties").unwrap()))
            .collect();
        assert_eq!(known(&condition::KEYS), conditions);
    }
}
