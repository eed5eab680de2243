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
    /// For each rule with examples its position among the rules, and where
    /// each example stands.
    places: Vec<(usize, Vec<Option<Position>>)>,
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
        let mut places = Vec::new();
        for (at, rule) in model.rules().enumerate() {
            for example in &rule.examples {
                example.call(rule).map_err(|problem| locate(fault(rule, example, problem)))?;
            }
            let place = |example: &Example| Some(Position::of(content, example.at?));
            if !rule.examples.is_empty() {
                places.push((at, rule.examples.iter().map(place).collect()));
            }
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
        for (at, places) in &self.places {
            let Some(rule) = self.policy.model().rules().nth(*at) else { continue };
            for (example, &position) in rule.examples.iter().zip(places) {
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
