//! What the rules say about one call: pure, no gate, no clock, no store.
//!
//! Deny wins over approve, approve over allow, and without a rule that allows
//! or approves the call is denied. Conditions have three values
//! ([`Truth`]); an unknown one must never help a call along, so it makes an
//! allow rule not grant, and a deny or approve rule restrict.

mod tally;

use asqav_receipt::id::RuleId;
use smallvec::SmallVec;

use crate::condition::{all_of, test};
use crate::context::Said;
use crate::error::PolicyError;
use crate::facts::{Facts, Why};
use crate::index::{RiskIndex, RuleIndex};
use crate::label::{LabelTest, Labelled};
use crate::limit::Limit;
use crate::model::Model;
use crate::obligation::Obliged;
use crate::rule::{RateLimit, Rule, RuleEffect};
use crate::tool;
use tally::{Standings, Tally};

/// So many rules about one tool and agent are judged without allocating.
const CONCERNED: usize = 32;

/// Rules about tool calls that were checked and indexed.
#[derive(Debug, Clone)]
pub struct RulePolicy {
    model: Model,
    calls: RuleIndex,
    results: RuleIndex,
    risks: RiskIndex,
    reads_arguments: bool,
    reads_results: bool,
    reads_labels: bool,
}

/// What the rules say about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ruling<'p> {
    /// What becomes of the call.
    pub effect: RuleEffect,
    /// Why it does not simply run; `None` when it may.
    pub reason: Option<Reason>,
    /// The rules that led to it, most decisive first: those that hold, then
    /// those that could not be evaluated, each ordered by id.
    pub rules: Few<&'p RuleId>,
    /// The rate limits that the call has to fit, with their rules: those of
    /// every allow rule that holds *or could not be evaluated*, because a
    /// limit restricts.
    pub limits: Few<(&'p RuleId, RateLimit)>,
    /// The same of limits with keys of their own; each with its place in the
    /// rule.
    pub keyed: Few<(&'p RuleId, usize, &'p Limit)>,
    /// The labels that the call raises once it is admitted, with their rules.
    pub(crate) raises: Few<(&'p RuleId, &'p Labelled)>,
    /// What the call may run with only, with the rules that say so: those that
    /// hold *or could not be evaluated*.
    pub(crate) obliged: Few<(&'p RuleId, &'p Obliged)>,
    /// The rules [in shadow](Rule::in_shadow) that would have restricted the
    /// call: those that hold or could not be evaluated, ordered by id.
    pub shadow: Few<&'p RuleId>,
}

/// A list that allocates only when it has more than eight items.
pub type Few<T> = SmallVec<[T; 8]>;

/// Why a call may not simply run: a code that the agent sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// `no_rule`: no rule allows the call.
    NoRule,
    /// `denied_by_rule`: a deny rule holds.
    DeniedByRule,
    /// `approval_required`: an approve rule holds.
    ApprovalRequired,
    /// `outside_window`: a rule would allow the call at another time.
    OutsideWindow,
    /// `input_unusable`: a condition could not be evaluated, because its input
    /// is missing or of another type.
    InputUnusable,
    /// `detector_error`: a condition could not be evaluated, because a detector
    /// failed.
    DetectorError,
    /// `detector_timeout`: a condition could not be evaluated, because a
    /// detector did not answer in time.
    DetectorTimeout,
    /// `unknown_tool`: the policy lists its tools, and this is none of them.
    UnknownTool,
    /// `argument_outside_schema`: the call has not the arguments that the policy
    /// says its tool has.
    ArgumentOutsideSchema,
    /// `session_required`: the call would raise a label, and is in no session.
    SessionRequired,
}

impl Reason {
    /// The code in the receipt.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoRule => "no_rule",
            Self::DeniedByRule => "denied_by_rule",
            Self::ApprovalRequired => "approval_required",
            Self::OutsideWindow => "outside_window",
            Self::InputUnusable => "input_unusable",
            Self::DetectorError => "detector_error",
            Self::DetectorTimeout => "detector_timeout",
            Self::UnknownTool => "unknown_tool",
            Self::ArgumentOutsideSchema => "argument_outside_schema",
            Self::SessionRequired => "session_required",
        }
    }
}

/// A condition's value (Kleene's strong three-valued logic).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the logic has three values")]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be evaluated.
    Unknown,
}

/// How a rule about this tool stands to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is about another agent, or its condition is false.
    Aside,
    /// Only its window is closed.
    Closed,
    /// Its condition cannot be evaluated.
    Unknown,
    /// It holds.
    Holds,
}

impl RulePolicy {
    /// Indexes a checked policy.
    #[must_use]
    pub fn new(model: Model) -> Self {
        let rules = |on_result| (0..).zip(model.rules()).filter(move |(_, rule)| rule.on_result == on_result);
        let (calls, results) = (RuleIndex::new(rules(false)), RuleIndex::new(rules(true)));
        let risks = RiskIndex::new(model.risks());
        let reads_arguments = !model.tools().is_empty() || model.rules().any(Rule::reads_arguments);
        let reads_results = model.rules().any(|rule| rule.on_result);
        let reads_labels = model.rules().flat_map(|rule| &rule.when).any(|when| !when.labels().is_empty());
        Self { model, calls, results, risks, reads_arguments, reads_results, reads_labels }
    }

    /// Reads a policy file's content, see [`file`](crate::file).
    ///
    /// # Errors
    /// [`PolicyError`] with line and column for the first mistake.
    pub fn from_toml(content: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        Model::from_toml(content).map(Self::new)
    }

    /// The policy `id` with these rules.
    ///
    /// # Errors
    /// [`PolicyError`] for the first rule that is wrong.
    pub fn from_rules(id: &str, rules: impl IntoIterator<Item = Rule>) -> Result<Self, PolicyError> {
        Model::new(id, rules).map(Self::new)
    }

    /// The policy that the rules are of.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Whether any rule looks at arguments.
    #[must_use]
    pub const fn reads_arguments(&self) -> bool {
        self.reads_arguments
    }

    /// What the rules say about one call.
    ///
    /// Allocates nothing while at most 32 rules are about the tool and the
    /// agent, at most eight allow the call, and its arguments are numbers,
    /// booleans or texts without escapes.
    #[must_use]
    pub fn judge(&self, facts: &Facts<'_>) -> Ruling<'_> {
        if let Some(reason) = self.outside(facts) {
            return Tally(Standings::new()).refuse(reason, &[]);
        }
        let tally = self.tally(&self.calls, facts);
        tally.labelled(tally.limited(tally.told_apart(tally.ruling(), facts), facts), facts)
    }

    /// Whether the result of a call that ran may be given back: the effect is
    /// [`Allow`](RuleEffect::Allow), unless a rule [on
    /// results](Rule::on_result) holds or cannot be evaluated.
    #[must_use]
    pub fn judge_result(&self, facts: &Facts<'_>) -> Ruling<'_> {
        let tally = self.tally(&self.results, facts);
        tally.told_apart(tally.review(), facts)
    }

    /// Whether any rule is about results.
    #[must_use]
    pub const fn reads_results(&self) -> bool {
        self.reads_results
    }

    /// Whether a rule on results may be about the result of this call, so that
    /// it has to be judged.
    #[must_use]
    pub fn reviews(&self, facts: &Facts<'_>) -> bool {
        let mut found = false;
        if self.reads_results {
            self.results.visit(facts.tool, facts.agent, |_| found = true);
        }
        found
    }

    /// The labels that rules about the call's tool ask for; `None` when there is
    /// no such rule.
    #[cfg_attr(not(feature = "gate"), expect(dead_code, reason = "asked by the gate alone"))]
    pub(crate) fn labels_asked(&self, facts: &Facts<'_>) -> Option<Vec<&LabelTest>> {
        if !self.reads_labels {
            return None;
        }
        let mut asked = Vec::new();
        self.calls.visit(facts.tool, facts.agent, |at| {
            let rule = self.model.entries().get(at as usize).map(|(_, rule)| rule);
            asked.extend(rule.into_iter().flat_map(|rule| &rule.when).flat_map(|when| when.labels()));
        });
        Some(asked).filter(|asked| !asked.is_empty())
    }

    /// Why a call is none that the policy knows of, where it lists its tools.
    fn outside(&self, facts: &Facts<'_>) -> Option<Reason> {
        let tools = self.model.tools();
        if tools.is_empty() {
            return None;
        }
        let known = tools.binary_search_by(|tool| tool.name.as_str().cmp(facts.tool));
        tool::refuse(known.ok().and_then(|at| tools.get(at)), facts)
    }

    /// The rules that stand to the call in any way, ordered by id.
    fn tally(&self, index: &RuleIndex, facts: &Facts<'_>) -> Tally<'_> {
        let said = self.said(facts);
        let mut concerned = SmallVec::<[u32; CONCERNED]>::new();
        index.visit(facts.tool, facts.agent, |at| concerned.push(at));
        concerned.sort_unstable();
        concerned.dedup();
        let entries = concerned.into_iter().filter_map(|at| self.model.entries().get(at as usize));
        let standings = entries
            .map(|entry| (entry, entry.1.standing(facts, said)))
            .filter(|&(_, standing)| standing != Standing::Aside);
        Tally(standings.collect())
    }

    /// What the call says of its context.
    pub(crate) fn said<'a>(&self, facts: &Facts<'a>) -> Said<'a> {
        let &Facts { tool, tenant, actor, resource, .. } = facts;
        Said { tenant, actor, resource, risk: self.risks.of(tool) }
    }

    /// The rules about the call's tool, ordered by id.
    pub(crate) fn about_tool(&self, facts: &Facts<'_>) -> impl Iterator<Item = &Entry> {
        let entries = self.model.entries().iter();
        entries.filter(|(_, rule)| rule.tools.iter().any(|glob| glob.matches(facts.tool)))
    }
}

impl Rule {
    /// How this rule, which is about the call's tool, stands to the call.
    pub(crate) fn standing(&self, facts: &Facts<'_>, said: Said<'_>) -> Standing {
        if !self.is_about_agent(facts.agent) {
            return Standing::Aside;
        }
        let open = self.window.as_ref().is_none_or(|window| window.contains(facts.now));
        match (self.holds(facts, said), open) {
            (Truth::False, _) => Standing::Aside,
            (_, false) => Standing::Closed,
            (Truth::Unknown, true) => Standing::Unknown,
            (Truth::True, true) => Standing::Holds,
        }
    }

    pub(crate) fn is_about_agent(&self, agent: &str) -> bool {
        self.agents.as_ref().is_none_or(|agents| agents.iter().any(|glob| glob.matches(agent)))
    }

    fn holds(&self, facts: &Facts<'_>, said: Said<'_>) -> Truth {
        let when = || self.when.as_ref().map_or(Truth::True, |when| when.truth(facts));
        match self.asked.truth(said) {
            Truth::True => when(),
            Truth::False => Truth::False,
            Truth::Unknown => all_of([Truth::Unknown, when()].into_iter()),
        }
    }

    fn reads_arguments(&self) -> bool {
        self.when.is_some()
            || self.limits.iter().any(Limit::reads_arguments)
            || self.raises.iter().any(|label| !label.of.is_empty())
    }

    /// Why a detector could not say what its condition needs, if one could not.
    fn detector_fault(&self, facts: &Facts<'_>) -> Option<Reason> {
        let tests = self.when.iter().flat_map(|when| when.tests());
        tests.into_iter().find_map(|(pointer, check)| match test(pointer, check, facts) {
            Err(Why::Detector) => Some(Reason::DetectorError),
            Err(Why::DetectorTimeout) => Some(Reason::DetectorTimeout),
            _ => None,
        })
    }
}

pub(crate) type Entry = (RuleId, Rule);

#[cfg(test)]
mod tests;
