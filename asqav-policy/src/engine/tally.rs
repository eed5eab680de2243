//! From how the rules stand to a call to what becomes of it.

use asqav_receipt::id::RuleId;
use smallvec::SmallVec;

use super::{CONCERNED, Entry, Few, Reason, Ruling, Standing};
use crate::facts::Facts;
use crate::label::Labelled;
use crate::limit::Limit;
use crate::obligation::Obliged;
use crate::rule::{RateLimit, RuleEffect};

/// Rules and how they stand to a call.
pub(super) type Standings<'p> = SmallVec<[(&'p Entry, Standing); CONCERNED]>;

/// The concerned rules of one call.
pub(super) struct Tally<'p>(pub(super) Standings<'p>);

impl<'p> Tally<'p> {
    /// INVARIANT: replacing any standing by `Unknown` never moves the effect
    /// towards allow (the property test of monotonicity relies on it).
    pub(super) fn ruling(&self) -> Ruling<'p> {
        use RuleEffect::{Allow, Approve, Deny};
        use Standing::{Closed, Holds, Unknown};
        let denied = self.any(Deny, Holds) || self.any(Deny, Unknown);
        let restricted = self.any(Approve, Holds) || self.any(Approve, Unknown);
        let granted = self.any(Allow, Holds) || self.any(Approve, Holds);
        if denied {
            let reason = if self.any(Deny, Holds) { Reason::DeniedByRule } else { Reason::InputUnusable };
            return self.refuse(reason, &[(Deny, Holds), (Deny, Unknown)]);
        }
        if granted && restricted {
            let rules = self.named(&[(Approve, Holds), (Approve, Unknown), (Allow, Holds)]);
            return self.pass(Approve, Some(Reason::ApprovalRequired), rules);
        }
        if granted {
            return self.pass(Allow, None, self.named(&[(Allow, Holds)]));
        }
        if self.any(Allow, Unknown) || self.any(Approve, Unknown) {
            return self.refuse(Reason::InputUnusable, &[(Allow, Unknown), (Approve, Unknown)]);
        }
        if self.any(Allow, Closed) || self.any(Approve, Closed) {
            return self.refuse(Reason::OutsideWindow, &[(Allow, Closed), (Approve, Closed)]);
        }
        self.refuse(Reason::NoRule, &[])
    }

    /// The same for results, which pass unless a rule says no.
    pub(super) fn review(&self) -> Ruling<'p> {
        use RuleEffect::{Allow, Deny};
        use Standing::{Holds, Unknown};
        if !self.any(Deny, Holds) && !self.any(Deny, Unknown) {
            return self.bare(Allow, None, Few::new());
        }
        let reason = if self.any(Deny, Holds) { Reason::DeniedByRule } else { Reason::InputUnusable };
        self.refuse(reason, &[(Deny, Holds), (Deny, Unknown)])
    }

    /// The ruling with the reason of its own that a failed detector has.
    pub(super) fn told_apart(&self, mut ruling: Ruling<'p>, facts: &Facts<'_>) -> Ruling<'p> {
        if ruling.reason == Some(Reason::InputUnusable) {
            let mut unknown = self
                .0
                .iter()
                .filter(|((_, rule), standing)| !rule.in_shadow && *standing == Standing::Unknown);
            if let Some(fault) = unknown.find_map(|((_, rule), _)| rule.detector_fault(facts)) {
                ruling.reason = Some(fault);
            }
        }
        ruling
    }

    fn any(&self, effect: RuleEffect, standing: Standing) -> bool {
        self.of(effect, standing).next().is_some()
    }

    fn of(&self, effect: RuleEffect, standing: Standing) -> impl Iterator<Item = &'p Entry> {
        self.0
            .iter()
            .filter(move |((_, rule), stands)| {
                !rule.in_shadow && rule.effect == effect && *stands == standing
            })
            .map(|&(entry, _)| entry)
    }

    pub(super) fn refuse(&self, reason: Reason, because: &[(RuleEffect, Standing)]) -> Ruling<'p> {
        self.bare(RuleEffect::Deny, Some(reason), self.named(because))
    }

    /// A ruling that asks nothing of the call.
    fn bare(&self, effect: RuleEffect, reason: Option<Reason>, rules: Few<&'p RuleId>) -> Ruling<'p> {
        Ruling {
            effect,
            reason,
            rules,
            limits: Few::new(),
            keyed: Few::new(),
            raises: Few::new(),
            obliged: Few::new(),
            shadow: self.shadow(),
        }
    }

    fn pass(&self, effect: RuleEffect, reason: Option<Reason>, rules: Few<&'p RuleId>) -> Ruling<'p> {
        Ruling {
            limits: self.limits(),
            keyed: self.keyed(),
            raises: self.raises(),
            obliged: self.obliged(),
            ..self.bare(effect, reason, rules)
        }
    }

    /// The ruling, or that a limit cannot be taken because its key or its cost
    /// cannot be read.
    pub(super) fn limited(&self, ruling: Ruling<'p>, facts: &Facts<'_>) -> Ruling<'p> {
        let mut unknown = ruling.keyed.iter().filter(|(_, _, limit)| !limit.is_known(facts));
        match unknown.next() {
            None => ruling,
            Some(&(rule, ..)) => {
                let rules = std::iter::once(rule).collect();
                Ruling { rules, ..self.refuse(Reason::InputUnusable, &[]) }
            }
        }
    }

    /// The ruling, or that a label cannot be raised: because the call is in no
    /// session, because what it is bound to cannot be read, or because nobody
    /// can tell whether its rule holds.
    pub(super) fn labelled(&self, ruling: Ruling<'p>, facts: &Facts<'_>) -> Ruling<'p> {
        if ruling.effect == RuleEffect::Deny {
            return ruling;
        }
        let raising = |(_, rule): &&Entry| !rule.raises.is_empty();
        let unknown = [RuleEffect::Allow, RuleEffect::Approve]
            .into_iter()
            .flat_map(|effect| self.of(effect, Standing::Unknown))
            .find(raising)
            .map(|(id, _)| id);
        let unbound = || ruling.raises.iter().find(|(_, label)| label.binding(facts).is_err());
        let (reason, rule) =
            match (unknown.or_else(|| unbound().map(|&(rule, _)| rule)), ruling.raises.first()) {
                (Some(rule), _) => (Reason::InputUnusable, rule),
                (None, Some(&(rule, _))) if facts.labels.is_none() => (Reason::SessionRequired, rule),
                _ => return ruling,
            };
        Ruling { rules: std::iter::once(rule).collect(), ..self.refuse(reason, &[]) }
    }

    /// The labels of the rules that hold.
    fn raises(&self) -> Few<(&'p RuleId, &'p Labelled)> {
        let holding = self.of(RuleEffect::Allow, Standing::Holds);
        let holding = holding.chain(self.of(RuleEffect::Approve, Standing::Holds));
        holding.flat_map(|(id, rule)| rule.raises.iter().map(move |label| (id, label))).collect()
    }

    fn obliged(&self) -> Few<(&'p RuleId, &'p Obliged)> {
        let kinds = [RuleEffect::Allow, RuleEffect::Approve]
            .into_iter()
            .flat_map(|effect| [(effect, Standing::Holds), (effect, Standing::Unknown)]);
        let rules = kinds.flat_map(|(effect, standing)| self.of(effect, standing));
        rules.flat_map(|(id, rule)| rule.obligations.iter().map(move |obliged| (id, obliged))).collect()
    }

    /// The rules of these kinds, in the order of the kinds.
    fn named(&self, kinds: &[(RuleEffect, Standing)]) -> Few<&'p RuleId> {
        kinds.iter().flat_map(|&(effect, standing)| self.of(effect, standing)).map(|(id, _)| id).collect()
    }

    fn shadow(&self) -> Few<&'p RuleId> {
        let restricts = |standing| matches!(standing, Standing::Holds | Standing::Unknown);
        let shadow = self.0.iter().filter(|((_, rule), standing)| rule.in_shadow && restricts(*standing));
        shadow.map(|((id, _), _)| id).collect()
    }

    fn limits(&self) -> Few<(&'p RuleId, RateLimit)> {
        self.limiting().filter_map(|(id, rule)| Some((id, rule.rate?))).collect()
    }

    fn keyed(&self) -> Few<(&'p RuleId, usize, &'p Limit)> {
        let limits =
            |(id, rule): &'p Entry| rule.limits.iter().enumerate().map(move |(at, limit)| (id, at, limit));
        self.limiting().flat_map(limits).collect()
    }

    /// The rules whose limits the call has to fit.
    fn limiting(&self) -> impl Iterator<Item = &'p Entry> {
        self.of(RuleEffect::Allow, Standing::Holds).chain(self.of(RuleEffect::Allow, Standing::Unknown))
    }
}
