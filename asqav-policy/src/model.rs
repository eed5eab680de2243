//! A policy as both ways of writing it give it: checked, normalised, with its
//! digest. It decides nothing yet and needs no gate, so that a macro can read
//! a policy at compile time.

use std::collections::BTreeSet;

use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, RuleId};

use crate::context::Risk;
use crate::error::{Fault, PolicyError, Problem};
use crate::glob::Glob;
use crate::label::LabelTest;
use crate::normal;
use crate::rule::Rule;
use crate::tool::Tool;
use crate::trial;

/// Rules in one policy at most.
pub const MAX_RULES: usize = 10_000;

/// Patterns in all risk classes together at most.
pub(crate) const MAX_RISK_PATTERNS: usize = 10_000;

/// What a policy is made of.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) rules: Vec<Rule>,
    pub(crate) risks: Vec<(Risk, Glob)>,
    pub(crate) tools: Vec<Tool>,
}

/// A policy being written in Rust.
///
/// ```
/// use asqav_policy::{Model, Risk, Rule};
///
/// let model = Model::builder("ledger")
///     .risk(Risk::Read, ["ledger:query_*"])
///     .risk(Risk::Destructive, ["**:delete_*"])
///     .rules([
///         Rule::allow("read").tools(["ledger:*"]).risk([Risk::Read]),
///         Rule::approve("delete").tools(["ledger:*"]).risk([Risk::Destructive]),
///     ])
///     .build()?;
/// # Ok::<(), asqav_policy::PolicyError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "`build` makes the policy"]
pub struct ModelBuilder {
    id: String,
    rules: Vec<Rule>,
    risks: Result<Vec<(Risk, Glob)>, Problem>,
    tools: Vec<Tool>,
}

impl ModelBuilder {
    /// Adds rules.
    pub fn rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules.extend(rules);
        self
    }

    /// Puts tools, by [pattern](crate::glob), in a risk class.
    pub fn risk<'a>(mut self, class: Risk, tools: impl IntoIterator<Item = &'a str>) -> Self {
        self.risks = self.risks.and_then(|mut risks| {
            for tool in tools {
                risks.push((class, Glob::parse(tool)?));
            }
            Ok(risks)
        });
        self
    }

    /// Adds a tool that the policy knows. With one of them, every call of a tool
    /// that is not added is denied, whatever a rule says.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`PolicyError`] for the first thing that is wrong.
    pub fn build(self) -> Result<Model, PolicyError> {
        let Self { id, rules, risks, tools } = self;
        let checked = || {
            let parts = Parts { rules, risks: risks?, tools };
            Model::checked(PolicyId::parse(id).map_err(Problem::Id)?, parts)
        };
        checked().map_err(Fault::without_file)
    }
}

/// A policy that was checked.
///
/// INVARIANT: rules are ordered by id and no id comes twice. The order in the
/// file has no meaning, so neither the digest nor a decision depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    id: PolicyId,
    rules: Vec<(RuleId, Rule)>,
    risks: Vec<(Risk, Glob)>,
    /// Ordered by name.
    tools: Vec<Tool>,
    normalised: Box<[u8]>,
    digest: Sha256Digest,
}

impl Model {
    /// The policy `id` with these rules. A policy without rules denies every
    /// call.
    ///
    /// # Errors
    /// [`PolicyError`] for the first rule that is wrong.
    pub fn new(id: &str, rules: impl IntoIterator<Item = Rule>) -> Result<Self, PolicyError> {
        Self::builder(id).rules(rules).build()
    }

    /// The policy `id`, to be given rules and what else it says.
    pub fn builder(id: &str) -> ModelBuilder {
        ModelBuilder { id: id.to_owned(), rules: Vec::new(), risks: Ok(Vec::new()), tools: Vec::new() }
    }

    pub(crate) fn checked(id: PolicyId, parts: Parts) -> Result<Self, Fault> {
        let model = Self::unproven(id, parts)?;
        trial::check(&model)?;
        Ok(model)
    }

    /// A policy whose examples were not asked: never for a gate.
    pub(crate) fn unproven(id: PolicyId, parts: Parts) -> Result<Self, Fault> {
        let Parts { rules, risks, mut tools } = parts;
        for tool in &tools {
            tool.check().map_err(|problem| Fault { at: tool.at, rule: None, problem })?;
        }
        tools.sort_by(|one, other| one.name.cmp(&other.name));
        if let Some([_, second]) = tools.array_windows().find(|[one, other]| one.name == other.name) {
            return Err(Fault {
                at: second.at,
                rule: None,
                problem: Problem::Combination("a tool is listed twice"),
            });
        }
        let mut rules =
            rules.into_iter().map(|rule| Ok((rule.check()?, rule))).collect::<Result<Vec<_>, Fault>>()?;
        if rules.len() > MAX_RULES {
            return Err(Problem::TooMany { what: "rules", max: MAX_RULES }.into());
        }
        if risks.len() > MAX_RISK_PATTERNS {
            return Err(Problem::TooMany { what: "patterns of risk classes", max: MAX_RISK_PATTERNS }.into());
        }
        // Stable, so that of two rules with one id the later one is reported.
        rules.sort_by(|(one, _), (other, _)| one.cmp(other));
        if let Some([_, (_, second)]) = rules.array_windows().find(|[(one, _), (other, _)]| one == other) {
            let (at, rule) = (second.at, Some(second.name.clone()));
            return Err(Fault { at, rule, problem: Problem::DuplicateRule });
        }
        check_raised(&rules)?;
        let normalised = normal::write(&id, &rules, &risks, &tools)?;
        let digest = Sha256Digest::of(&normalised);
        Ok(Self { id, rules, risks, tools, digest, normalised: normalised.into() })
    }

    /// The policy's id.
    #[must_use]
    pub const fn id(&self) -> &PolicyId {
        &self.id
    }

    /// The rules, ordered by id.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter().map(|(_, rule)| rule)
    }

    /// The risk classes and the patterns of tools in them.
    pub(crate) fn risks(&self) -> &[(Risk, Glob)] {
        &self.risks
    }

    /// The tools that the policy knows, ordered by name; empty: any.
    pub(crate) fn tools(&self) -> &[Tool] {
        &self.tools
    }

    pub(crate) fn entries(&self) -> &[(RuleId, Rule)] {
        &self.rules
    }

    /// Canonical JSON (RFC 8785) of everything that the policy means: engine
    /// and version, time-zone data where used, every rule with its defaults
    /// filled in. Comments, layout and order of rules leave it unchanged.
    #[must_use]
    pub fn normalised(&self) -> &[u8] {
        &self.normalised
    }

    /// SHA-256 of [`normalised`](Self::normalised): the receipts'
    /// `policy_digest`.
    #[must_use]
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }
}

/// Every label that a condition asks for has to be raised by some rule: a
/// misspelt one would never hold.
fn check_raised(rules: &[(RuleId, Rule)]) -> Result<(), Fault> {
    let raised: BTreeSet<(&str, usize)> = rules
        .iter()
        .flat_map(|(_, rule)| &rule.raises)
        .map(|label| (label.name.as_str(), label.of.len()))
        .collect();
    for (_, rule) in rules {
        let asked = rule.when.iter().flat_map(|when| when.labels());
        let mut lost =
            asked.filter(|test| !raised.contains(&(test.label.name.as_str(), test.label.of.len())));
        if let Some(LabelTest { label, .. }) = lost.next() {
            let problem = Problem::NotRaised { name: label.name.as_str().to_owned(), of: label.of.len() };
            return Err(Fault { at: rule.at, rule: Some(rule.name.clone()), problem });
        }
    }
    Ok(())
}
