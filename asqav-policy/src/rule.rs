//! One rule of a policy, and how to write it in Rust.

mod check;

use std::time::Duration;

use crate::condition::{Condition, Node};
use crate::context::{ActorPattern, Asked, Risk};
use crate::error::Problem;
use crate::example::Example;
use crate::glob::Glob;
use crate::label::{Labelled, Raise};
use crate::limit::Limit;
use crate::obligation::{Obligation, Obliged};
use crate::window::Window;

/// Patterns, or conditions, in one rule at most.
pub(crate) const MAX_PER_RULE: usize = 1_000;

/// A rule: which calls it is about, and what it does with them.
///
/// The methods take text as the file does; the first mistake is kept and
/// reported by [`RulePolicy::new`](crate::RulePolicy::new).
///
/// ```
/// use std::time::Duration;
/// use asqav_policy::{Rule, Window};
///
/// let post = Rule::allow("post")
///     .tools(["ledger:post_*"])
///     .agents(["finance-*"])
///     .rate(5, Duration::from_secs(60))
///     .window(Window::new().hours("08:00", "18:00")?.zone("Europe/Zurich")?);
/// # Ok::<(), asqav_policy::Problem>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) effect: RuleEffect,
    pub(crate) tools: Vec<Glob>,
    pub(crate) every_tool: bool,
    /// Whether the rule restricts nothing and is only reported.
    pub(crate) in_shadow: bool,
    pub(crate) agents: Option<Vec<Glob>>,
    pub(crate) asked: Asked,
    /// Whether the rule is about results instead of calls.
    pub(crate) on_result: bool,
    pub(crate) when: Option<Node>,
    pub(crate) window: Option<Window>,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) limits: Vec<Limit>,
    /// The labels that a call raises when it is admitted.
    pub(crate) raises: Vec<Labelled>,
    /// What a call may run with only.
    pub(crate) obligations: Vec<Obliged>,
    pub(crate) examples: Vec<Example>,
    /// Byte offset in the file.
    pub(crate) at: Option<usize>,
    /// The first mistake.
    pub(crate) wrong: Option<Problem>,
}

/// What a rule does with the calls it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleEffect {
    /// They may run, unless another rule says no.
    Allow,
    /// They may run once somebody approves, unless another rule denies them.
    Approve,
    /// They must not run, whatever other rules say.
    Deny,
}

impl RuleEffect {
    /// The word in the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

/// So many calls per time, for each agent and tool on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub(crate) calls: u32,
    pub(crate) per: Duration,
}

impl RateLimit {
    /// Calls at most: 1,000,000.
    pub const MAX_CALLS: u32 = 1_000_000;
    /// The shortest period: 1 second.
    pub const MIN_PERIOD: Duration = Duration::from_secs(1);
    /// The longest period: 366 days.
    pub const MAX_PERIOD: Duration = Duration::from_secs(366 * 86_400);

    /// `calls` at once, all of which come back evenly within `per`.
    ///
    /// # Errors
    /// [`Problem::Range`] when `calls` is 0 or over [`MAX_CALLS`](Self::MAX_CALLS),
    /// [`Problem::Combination`] when `per` is not between
    /// [`MIN_PERIOD`](Self::MIN_PERIOD) and [`MAX_PERIOD`](Self::MAX_PERIOD)
    /// in whole milliseconds.
    pub fn new(calls: u32, per: Duration) -> Result<Self, Problem> {
        if !(1..=Self::MAX_CALLS).contains(&calls) {
            return Err(Problem::Range { key: "calls", min: 1, max: i64::from(Self::MAX_CALLS) });
        }
        if !(Self::MIN_PERIOD..=Self::MAX_PERIOD).contains(&per)
            || !per.subsec_nanos().is_multiple_of(1_000_000)
        {
            return Err(Problem::Combination("`per` must be 1 second to 366 days, in whole milliseconds"));
        }
        Ok(Self { calls, per })
    }

    /// How many calls.
    #[must_use]
    pub const fn calls(self) -> u32 {
        self.calls
    }

    /// In which time.
    #[must_use]
    pub const fn per(self) -> Duration {
        self.per
    }
}

impl Rule {
    /// A rule that allows.
    pub fn allow(id: impl Into<String>) -> Self {
        Self::with_effect(id, RuleEffect::Allow)
    }

    /// A rule that denies.
    pub fn deny(id: impl Into<String>) -> Self {
        Self::with_effect(id, RuleEffect::Deny)
    }

    /// A rule that allows once somebody approves.
    pub fn approve(id: impl Into<String>) -> Self {
        Self::with_effect(id, RuleEffect::Approve)
    }

    pub(crate) fn with_effect(id: impl Into<String>, effect: RuleEffect) -> Self {
        Self {
            name: id.into(),
            effect,
            tools: Vec::new(),
            every_tool: false,
            in_shadow: false,
            agents: None,
            asked: Asked::default(),
            on_result: false,
            when: None,
            window: None,
            rate: None,
            limits: Vec::new(),
            raises: Vec::new(),
            obligations: Vec::new(),
            examples: Vec::new(),
            at: None,
            wrong: None,
        }
    }

    /// Adds tools by [pattern](crate::glob).
    #[must_use]
    pub fn tools<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let read = read_patterns(patterns);
        if let Some(globs) = self.keep(read) {
            self.tools.extend(globs);
        }
        self
    }

    /// Lets an allow rule have the pattern `**`: without any word from another
    /// rule, every tool may then run.
    #[must_use]
    pub const fn every_tool_unsafely(mut self) -> Self {
        self.every_tool = true;
        self
    }

    /// Puts a deny or approve rule in shadow: it restricts nothing, and the
    /// receipt of a call that it would have restricted names it.
    #[must_use]
    pub const fn in_shadow(mut self) -> Self {
        self.in_shadow = true;
        self
    }

    /// Restricts the rule to agents by [pattern](crate::glob); without it, it
    /// is about every agent.
    #[must_use]
    pub fn agents<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let read = read_patterns(patterns);
        if let Some(globs) = self.keep(read) {
            self.agents.get_or_insert_default().extend(globs);
        }
        self
    }

    /// Restricts the rule to calls for tenants by [pattern](crate::glob); a
    /// call that names none is unknown to it.
    #[must_use]
    pub fn tenants<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let read = read_patterns(patterns);
        if let Some(globs) = self.keep(read) {
            self.asked.tenants.get_or_insert_default().extend(globs);
        }
        self
    }

    /// Restricts the rule to calls on behalf of actors: a kind, `user`,
    /// `service`, `system` or `workload`, alone or with a
    /// [pattern](crate::glob) for its name, like `user:alice`; a call that
    /// names none is unknown to it.
    #[must_use]
    pub fn actors<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let read: Result<Vec<_>, _> = patterns.into_iter().map(ActorPattern::parse).collect();
        if let Some(actors) = self.keep(read) {
            self.asked.actors.get_or_insert_default().extend(actors);
        }
        self
    }

    /// Restricts the rule to calls on resources by [pattern](crate::glob); a
    /// call that names none is unknown to it.
    #[must_use]
    pub fn resources<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let read = read_patterns(patterns);
        if let Some(globs) = self.keep(read) {
            self.asked.resources.get_or_insert_default().extend(globs);
        }
        self
    }

    /// Restricts the rule to tools that the policy
    /// [puts](crate::model::ModelBuilder::risk) in one of these classes; a
    /// tool in none is unknown to it.
    #[must_use]
    pub fn risk(mut self, classes: impl IntoIterator<Item = Risk>) -> Self {
        self.asked.risks.get_or_insert_default().extend(classes);
        self
    }

    /// Makes the rule one about results, asked after the tool ran: when it
    /// holds, the result is withheld. Deny rules only; its conditions may look
    /// at the [result](crate::condition::result()) and at the arguments.
    ///
    /// A gate asks before a result goes back to the caller. What the tool gave
    /// back and the gate was given no text of, an error or a result that is not
    /// captured, cannot be evaluated, and is withheld as well. A caller who runs
    /// the tool without the gate has to have it release the result
    /// (`Permit::release`), or is denied with the code `result_unchecked`.
    #[must_use]
    pub const fn on_result(mut self) -> Self {
        self.on_result = true;
        self
    }

    /// Restricts the rule to calls whose arguments fulfil a condition; several
    /// calls of this method add up.
    #[must_use]
    pub fn when(mut self, condition: Condition) -> Self {
        if let Some(node) = self.keep(condition.0) {
            self.when = Some(match self.when.take() {
                Some(Node::All(mut parts)) => {
                    parts.push(node);
                    Node::All(parts)
                }
                Some(first) => Node::All(vec![first, node]),
                None => node,
            });
        }
        self
    }

    /// Adds a call that must come out as it says, or the policy is refused.
    #[must_use]
    pub fn example(mut self, example: Example) -> Self {
        self.examples.push(example);
        self
    }

    /// Restricts the rule to a time window.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// At most `calls` per time `per`, for each agent and tool on its own;
    /// allow rules only.
    #[must_use]
    pub fn rate(mut self, calls: u32, per: Duration) -> Self {
        let limit = RateLimit::new(calls, per);
        self.rate = self.keep(limit).or(self.rate);
        self
    }

    /// Adds a limit with keys of its own; allow rules only.
    #[must_use]
    pub fn limit(mut self, limit: Limit) -> Self {
        self.limits.push(limit);
        self
    }

    /// Has each call that the rule holds for raise a label in its session, as
    /// soon as it is admitted; allow and approve rules only.
    #[must_use]
    pub fn raises(mut self, raise: Raise) -> Self {
        if let Some(label) = self.keep(raise.0) {
            self.raises.push(label);
        }
        self
    }

    /// Lets a call that the rule is about run only if this is done; allow and
    /// approve rules only. A rule that cannot be evaluated obliges as well.
    #[must_use]
    pub fn oblige(mut self, obligation: Obligation) -> Self {
        if let Some(obliged) = self.keep(obligation.0) {
            self.obligations.push(obliged);
        }
        self
    }

    /// Keeps the first mistake for later.
    fn keep<T>(&mut self, made: Result<T, Problem>) -> Option<T> {
        match made {
            Ok(value) => Some(value),
            Err(problem) => {
                self.wrong.get_or_insert(problem);
                None
            }
        }
    }
}

fn read_patterns<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Vec<Glob>, Problem> {
    patterns.into_iter().map(|text| Glob::parse(text).map_err(Problem::from)).collect()
}
