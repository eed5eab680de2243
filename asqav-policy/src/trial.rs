//! A policy on trial: read without asking its examples, so that all of them
//! can be told about, and asked about more calls.

use crate::call::Call;
use crate::engine::RulePolicy;
use crate::error::{Fault, PolicyError, Position, Problem};
use crate::example::Example;
use crate::file::{self, Format};
use crate::model::Model;
use crate::rule::{Rule, RuleEffect};

/// A policy whose examples need not hold. It answers questions and serves no
/// gate: that takes a [`Model`], whose examples do hold.
#[derive(Debug, Clone)]
pub struct Trial {
    policy: RulePolicy,
    /// INVARIANT: one for each rule of the policy, in the same order.
    places: Vec<Places>,
}

/// Where a rule and its examples stand in the file.
#[derive(Debug, Clone)]
struct Places {
    rule: Option<Position>,
    examples: Vec<Option<Position>>,
}

/// How one call came out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tested {
    /// The rule that carries the example; `None` for a call from a call file.
    pub rule: Option<String>,
    /// Where the call stands in its file.
    pub position: Option<Position>,
    /// What the author expects.
    pub expected: RuleEffect,
    /// The call.
    pub call: Call,
    /// Why it did not come out so.
    pub failure: Option<Problem>,
}

impl Trial {
    /// Reads a policy file's content.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column for the first mistake; an example
    /// that does not hold is none, unless it names no tool.
    pub fn read(content: impl AsRef<[u8]>, format: Format) -> Result<Self, PolicyError> {
        let content = content.as_ref();
        let locate = |fault: Fault| fault.locate(content);
        let model = file::read_unproven(content, format).map_err(locate)?;
        let lines = Lines::of(content);
        let mut places = Vec::new();
        for rule in model.rules() {
            for example in &rule.examples {
                example.call(rule).map_err(|problem| locate(fault(rule, example, problem)))?;
            }
            let place = |at: Option<usize>| Some(lines.position(at?));
            let examples = rule.examples.iter().map(|example| place(example.at)).collect();
            places.push(Places { rule: place(rule.at), examples });
        }
        Ok(Self { policy: RulePolicy::new(model), places })
    }

    /// The policy, for what does not decide about calls.
    #[must_use]
    pub const fn policy(&self) -> &RulePolicy {
        &self.policy
    }

    /// How the rules' own examples come out.
    #[must_use]
    pub fn examples(&self) -> Vec<Tested> {
        let mut tested = Vec::new();
        for (rule, places) in self.rules() {
            for (example, &position) in rule.examples.iter().zip(&places.examples) {
                let Ok(call) = example.call(rule) else { continue };
                let failure = example.failure(&call, &self.policy, Some(rule));
                tested.push(Tested {
                    rule: Some(rule.name.clone()),
                    position,
                    expected: example.expected,
                    call,
                    failure,
                });
            }
        }
        tested
    }

    /// Where a rule stands in the file.
    #[must_use]
    pub fn position(&self, rule: &str) -> Option<Position> {
        self.rules().find(|(known, _)| known.name == rule)?.1.rule
    }

    /// The rules and where they stand in the file.
    pub(crate) fn placed_rules(&self) -> impl Iterator<Item = (&Rule, Option<Position>)> {
        self.rules().map(|(rule, places)| (rule, places.rule))
    }

    fn rules(&self) -> impl Iterator<Item = (&Rule, &Places)> {
        self.policy.model().rules().zip(&self.places)
    }

    /// How the calls of a call file come out: lists under the keys `allow`,
    /// `approve` and `deny`, as in a rule's `examples`.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column for the first mistake in the file.
    pub fn calls(&self, content: impl AsRef<[u8]>, format: Format) -> Result<Vec<Tested>, PolicyError> {
        let content = content.as_ref();
        let examples = file::read_examples(content, format).map_err(|fault| fault.locate(content))?;
        let tested = |example: Example| {
            let position = example.at.map(|at| Position::of(content, at));
            let call = example
                .call_without_rule()
                .map_err(|problem| Fault { at: example.at, rule: None, problem }.locate(content))?;
            let failure = example.failure(&call, &self.policy, None);
            Ok(Tested { rule: None, position, expected: example.expected, call, failure })
        };
        examples.into_iter().map(tested).collect()
    }
}

impl Call {
    /// Reads a call file's content: `tool`, and `agent`, `at` and `args` as in
    /// a rule's examples.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column for the first mistake.
    pub fn read(content: impl AsRef<[u8]>, format: Format) -> Result<Self, PolicyError> {
        let content = content.as_ref();
        let example = file::read_call(content, format).map_err(|fault| fault.locate(content))?;
        let located = |problem| Fault { at: example.at, rule: None, problem }.locate(content);
        example.call_without_rule().map_err(located)
    }
}

/// Checks every example of every rule.
pub(crate) fn check(model: &Model) -> Result<(), Fault> {
    if model.rules().all(|rule| rule.examples.is_empty()) {
        return Ok(());
    }
    let policy = RulePolicy::new(model.clone());
    for rule in model.rules() {
        for example in &rule.examples {
            let failure = match example.call(rule) {
                Ok(call) => example.failure(&call, &policy, Some(rule)),
                Err(problem) => Some(problem),
            };
            if let Some(problem) = failure {
                return Err(fault(rule, example, problem));
            }
        }
    }
    Ok(())
}

fn fault(rule: &Rule, example: &Example, problem: Problem) -> Fault {
    Fault { at: example.at.or(rule.at), rule: Some(rule.name.clone()), problem }
}

/// Where the lines of a text begin, so that many places cost one walk.
pub(crate) struct Lines<'t> {
    text: &'t [u8],
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t [u8]) -> Self {
        let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// The place of a byte.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|&start| start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let before = Position::of(self.text.get(start..).unwrap_or_default(), offset.saturating_sub(start));
        Position { line, column: before.column }
    }
}
