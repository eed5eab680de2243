//! What no single part of a rule can know.

use asqav_receipt::id::RuleId;

use super::{MAX_PER_RULE, Rule, RuleEffect};
use crate::condition::{MAX_DEPTH, Node};
use crate::error::{Fault, Problem};
use crate::glob::Glob;
use crate::label::MAX_RAISES;
use crate::limit::{Limit, MAX_LIMITS};
use crate::obligation::MAX_OBLIGATIONS;
use crate::pointer::Root;
use crate::window::Window;

impl Rule {
    /// Checks the parts beside each other; gives the rule's id.
    pub(crate) fn check(&self) -> Result<RuleId, Fault> {
        self.problem().map_err(|problem| Fault { at: self.at, rule: Some(self.name.clone()), problem })
    }

    fn problem(&self) -> Result<RuleId, Problem> {
        if let Some(problem) = &self.wrong {
            return Err(problem.clone());
        }
        let id = RuleId::parse(self.name.as_str())?;
        self.check_patterns()?;
        self.check_limits()?;
        self.check_effect()?;
        self.when.as_ref().map_or(Ok(()), |when| self.check_condition(when))?;
        self.check_labels()?;
        self.check_obligations()?;
        self.asked.check(MAX_PER_RULE)?;
        self.window.as_ref().map_or(Ok(()), Window::check)?;
        Ok(id)
    }

    fn check_patterns(&self) -> Result<(), Problem> {
        if self.tools.is_empty() {
            return Err(Problem::Empty("tools"));
        }
        if self.agents.as_ref().is_some_and(Vec::is_empty) {
            return Err(Problem::Empty("agents"));
        }
        if self.tools.len().max(self.agents.as_ref().map_or(0, Vec::len)) > MAX_PER_RULE {
            return Err(Problem::TooMany { what: "patterns in one rule", max: MAX_PER_RULE });
        }
        Ok(())
    }

    fn check_effect(&self) -> Result<(), Problem> {
        if self.in_shadow && self.effect == RuleEffect::Allow {
            return Err(Problem::Combination("`shadow` goes with the effects `deny` and `approve` only"));
        }
        if self.on_result && self.effect != RuleEffect::Deny {
            return Err(Problem::Combination("`phase = \"result\"` goes with the effect `deny` only"));
        }
        let everything = self.tools.iter().any(Glob::matches_everything);
        if self.effect == RuleEffect::Allow && everything && !self.every_tool {
            return Err(Problem::Combination(
                "the pattern `**` allows every tool: list the tools, or write `every_tool_unsafely = true`",
            ));
        }
        if self.every_tool && !(self.effect == RuleEffect::Allow && everything) {
            return Err(Problem::Combination(
                "`every_tool_unsafely` goes with the effect `allow` and the pattern `**` only",
            ));
        }
        Ok(())
    }

    fn check_condition(&self, when: &Node) -> Result<(), Problem> {
        if when.depth() > MAX_DEPTH {
            return Err(Problem::TooMany { what: "levels of conditions", max: MAX_DEPTH });
        }
        let tests = when.tests();
        if tests.len() > MAX_PER_RULE {
            return Err(Problem::TooMany { what: "conditions in one rule", max: MAX_PER_RULE });
        }
        if !self.on_result && tests.iter().any(|(pointer, _)| pointer.root == Root::Result) {
            return Err(Problem::Combination("conditions on `result` go with `phase = \"result\"` only"));
        }
        Ok(())
    }

    fn check_obligations(&self) -> Result<(), Problem> {
        if self.effect == RuleEffect::Deny && !self.obligations.is_empty() {
            return Err(Problem::Combination("`obligations` go with the effects `allow` and `approve` only"));
        }
        if self.obligations.len() > MAX_OBLIGATIONS {
            return Err(Problem::TooMany { what: "obligations in one rule", max: MAX_OBLIGATIONS });
        }
        Ok(())
    }

    fn check_labels(&self) -> Result<(), Problem> {
        if self.effect == RuleEffect::Deny && !self.raises.is_empty() {
            return Err(Problem::Combination("`raises` goes with the effects `allow` and `approve` only"));
        }
        if self.raises.len() > MAX_RAISES {
            return Err(Problem::TooMany { what: "labels raised by one rule", max: MAX_RAISES });
        }
        if self.on_result && self.when.as_ref().is_some_and(|when| !when.labels().is_empty()) {
            return Err(Problem::Combination("a rule on results cannot ask for labels"));
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), Problem> {
        if self.effect != RuleEffect::Allow && self.rate.is_some() {
            return Err(Problem::Combination("`rate` goes with the effect `allow` only"));
        }
        if self.effect != RuleEffect::Allow && !self.limits.is_empty() {
            return Err(Problem::Combination("`limits` go with the effect `allow` only"));
        }
        if self.limits.len() > MAX_LIMITS {
            return Err(Problem::TooMany { what: "limits in one rule", max: MAX_LIMITS });
        }
        self.limits.iter().try_for_each(Limit::check)
    }
}
