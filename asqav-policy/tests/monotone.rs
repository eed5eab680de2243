//! Monotonicity: taking away or corrupting any input of a decision never turns
//! a denial into an approval or an approval into an allowance, nor frees a
//! call of a limit; over generated policies, layers and calls.
//!
//! What asks about absence itself is left out where something is absent:
//! `present`, and `contains` of all arguments together, whose answer then is
//! about a call with fewer arguments, which is the call that runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use asqav_core::policy::Policy;
use asqav_policy::detector::{Detect, DetectError};
use asqav_policy::{
    Actor, Condition, Detector, Facts, Key, Limit, Model, Risk, Rule, RuleEffect, RulePolicy, Ruling, all,
    any, arg,
};
use asqav_receipt::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;

/// How one input is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Missing,
    Null,
    Withheld,
    Unreadable,
    TooGreat,
    Twice,
    Mistyped,
    TooLong,
    Tenant,
    Actor,
    Resource,
    Session,
    Risk,
    DetectorFails,
}

const LOSSES: [Loss; 14] = [
    Loss::Missing,
    Loss::Null,
    Loss::Withheld,
    Loss::Unreadable,
    Loss::TooGreat,
    Loss::Twice,
    Loss::Mistyped,
    Loss::TooLong,
    Loss::Tenant,
    Loss::Actor,
    Loss::Resource,
    Loss::Session,
    Loss::Risk,
    Loss::DetectorFails,
];

/// Finds the letter `s`, unless it is to fail.
struct Letter {
    fails: bool,
}

impl Detect for Letter {
    fn name(&self) -> &'static str {
        "letter"
    }

    fn version(&self) -> u32 {
        1
    }

    fn finds(&self, text: &str) -> Result<bool, DetectError> {
        if self.fails { Err(DetectError::new("away")) } else { Ok(text.contains('s')) }
    }
}

/// A condition without the detector, which is put in later: it must be able to
/// fail.
#[derive(Debug, Clone)]
enum Asked {
    Leaf(&'static str, u8),
    All(Vec<Asked>),
    Any(Vec<Asked>),
    Not(Box<Asked>),
}

impl Asked {
    fn build(&self, fails: bool) -> Condition {
        let many = |parts: &[Self]| parts.iter().map(|part| part.build(fails)).collect::<Vec<_>>();
        match self {
            Self::All(parts) => all(many(parts)),
            Self::Any(parts) => any(many(parts)),
            Self::Not(part) => !part.build(fails),
            Self::Leaf(place, kind) => leaf(arg(place), *kind, fails),
        }
    }
}

const MATCHES: u8 = 9;

fn leaf(place: asqav_policy::condition::Argument, kind: u8, fails: bool) -> Condition {
    match kind {
        0 => place.at_most(5),
        1 => place.more_than(5),
        2 => place.equals("s"),
        3 => place.equals(true),
        4 => place.one_of([1, 9]),
        5 => place.starts_with(["s", "/"]),
        6 => place.under(["/srv"]),
        7 => place.host_in(["a.example", "*.b.example"]),
        MATCHES => place.matches("s+|/srv.*"),
        10 => place.len_at_most(2),
        11 => place.contains([Detector::email()]),
        12 => place.present(),
        _ => place.contains([Detector::new(Letter { fails })]),
    }
}

/// The questions that know nothing after this loss.
fn kinds(loss: Loss) -> Vec<u8> {
    match loss {
        Loss::Mistyped => vec![0, 1, 2, 3, 4, 5, 6, 7, MATCHES],
        Loss::TooLong => vec![MATCHES],
        // They keep what they know of `x`, or lose it with every question.
        Loss::Missing | Loss::Null => vec![0, 1, 2, 3, 4, 5, 6, 7, MATCHES, 10, 11, 13],
        _ => vec![0, 1, 2, 3, 4, 5, 6, 7, MATCHES, 10, 11, 12, 13],
    }
}

fn asked(loss: Loss) -> impl Strategy<Value = Asked> {
    let places = vec!["/a", "/b", "/a/k"];
    let whole = !matches!(loss, Loss::Missing | Loss::Null | Loss::Mistyped | Loss::TooLong);
    let leaf = (select(places), select(kinds(loss)), 0..=255_u8).prop_map(move |(place, kind, dice)| {
        if whole && dice < 20 { Asked::Leaf("", 13) } else { Asked::Leaf(place, kind) }
    });
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Asked::All),
            prop::collection::vec(inner.clone(), 1..3).prop_map(Asked::Any),
            inner.prop_map(|part| Asked::Not(Box::new(part))),
        ]
    })
}

/// A rule, to be built with a detector that works or fails.
#[derive(Debug, Clone)]
struct Drawn {
    effect: RuleEffect,
    asked: Option<Asked>,
    tenant: bool,
    actor: bool,
    resource: bool,
    risk: bool,
    limit: u8,
    shadow: bool,
}

fn drawn(loss: Loss) -> impl Strategy<Value = Drawn> {
    let effect = select(vec![RuleEffect::Allow, RuleEffect::Allow, RuleEffect::Approve, RuleEffect::Deny]);
    let rare = || prop::bool::weighted(0.2);
    (effect, prop::option::weighted(0.8, asked(loss)), rare(), rare(), rare(), rare(), 0..9_u8, rare())
        .prop_map(|(effect, asked, tenant, actor, resource, risk, limit, shadow)| Drawn {
            effect,
            asked,
            tenant,
            actor,
            resource,
            risk,
            limit,
            shadow,
        })
}

impl Drawn {
    fn build(&self, at: usize, fails: bool) -> Rule {
        let name = format!("r{at}");
        let mut rule = match self.effect {
            RuleEffect::Allow => Rule::allow(name),
            RuleEffect::Approve => Rule::approve(name),
            _ => Rule::deny(name),
        }
        .tools(["t"]);
        if let Some(asked) = &self.asked {
            rule = rule.when(asked.build(fails));
        }
        if self.tenant {
            rule = rule.tenants(["acme"]);
        }
        if self.actor {
            rule = rule.actors(["user:alice", "service"]);
        }
        if self.resource {
            rule = rule.resources(["r/*"]);
        }
        if self.risk {
            rule = rule.risk([Risk::Write]);
        }
        if self.effect != RuleEffect::Allow {
            return if self.shadow { rule.in_shadow() } else { rule };
        }
        let budget = |by: Key| Limit::budget(5).unwrap().by([by]);
        match self.limit {
            0 => rule.rate(5, Duration::from_secs(60)),
            1 => rule.limit(budget(Key::Tenant)),
            2 => rule.limit(budget(Key::Session)),
            3 => rule.limit(budget(Key::argument("/a").unwrap())),
            4 => rule.limit(Limit::budget(5).unwrap().cost_of("/b").unwrap()),
            _ => rule,
        }
    }
}

fn policy(rules: &[Drawn], loss: Option<Loss>) -> RulePolicy {
    let fails = loss == Some(Loss::DetectorFails);
    let mut model =
        Model::builder("p").rules(rules.iter().enumerate().map(|(at, rule)| rule.build(at, fails)));
    if loss != Some(Loss::Risk) {
        model = model.risk(Risk::Write, ["t"]);
    }
    RulePolicy::new(model.build().unwrap())
}

/// The call's inputs.
#[derive(Debug, Clone, Copy)]
struct Given {
    a: &'static str,
    b: &'static str,
    tenant: &'static str,
    actor: (Actor, &'static str),
    resource: &'static str,
}

fn given() -> impl Strategy<Value = Given> {
    let texts = || {
        select(vec![
            "1",
            "9",
            r#""s""#,
            r#""x@y.example""#,
            r#""/srv/x""#,
            r#""https://a.example/""#,
            "true",
            "false",
            "[]",
            r#"{"k":3}"#,
            r#"{"k":"s"}"#,
        ])
    };
    let actor = select(vec![(Actor::User, "alice"), (Actor::User, "bob"), (Actor::Service, "x")]);
    (texts(), texts(), select(vec!["acme", "other"]), actor, select(vec!["r/1", "q/1"]))
        .prop_map(|(a, b, tenant, actor, resource)| Given { a, b, tenant, actor, resource })
}

/// Longer than a regular expression looks at.
static LONG: LazyLock<String> = LazyLock::new(|| format!("\"{}\"", "s".repeat(5_000)));

fn facts(given: Given, loss: Option<Loss>, lost_a: bool) -> Facts<'static> {
    let now = Timestamp::parse_rfc3339("2026-04-06T10:00:00Z").unwrap();
    let mut facts = Facts::new("agent", "t", now);
    for (name, text, lost) in [("a", given.a, lost_a), ("b", given.b, !lost_a)] {
        facts = match loss.filter(|_| lost) {
            Some(Loss::Missing) => facts,
            Some(Loss::Null) => facts.argument(name, Some("null")),
            Some(Loss::Withheld) => facts.argument(name, None),
            Some(Loss::Unreadable) => facts.argument(name, Some("{")),
            Some(Loss::TooGreat) => facts.argument(name, Some("9007199254740993")),
            Some(Loss::Twice) => facts.argument(name, Some(text)).argument(name, Some(text)),
            Some(Loss::Mistyped) => facts.argument(name, Some("{}")),
            Some(Loss::TooLong) => facts.argument(name, Some(&LONG)),
            _ => facts.argument(name, Some(text)),
        };
    }
    if loss != Some(Loss::Tenant) {
        facts = facts.tenant(given.tenant);
    }
    if loss != Some(Loss::Actor) {
        facts = facts.actor(given.actor.0, given.actor.1);
    }
    if loss != Some(Loss::Resource) {
        facts = facts.resource(given.resource);
    }
    if loss != Some(Loss::Session) {
        facts = facts.session("s");
    }
    facts
}

fn rank(effect: RuleEffect) -> u8 {
    match effect {
        RuleEffect::Allow => 2,
        RuleEffect::Approve => 1,
        _ => 0,
    }
}

/// The rules whose limits the call has to fit.
fn limits(ruling: &Ruling<'_>) -> BTreeSet<String> {
    let rates = ruling.limits.iter().map(|(rule, _)| rule.to_string());
    rates.chain(ruling.keyed.iter().map(|(rule, at, _)| format!("{rule}/{at}"))).collect()
}

fn case() -> impl Strategy<Value = (Loss, Vec<Drawn>, Given, bool)> {
    select(LOSSES.to_vec()).prop_flat_map(|loss| {
        (Just(loss), prop::collection::vec(drawn(loss), 1..6), given(), proptest::bool::ANY)
    })
}

/// Whether the loss leaves this call as it is: a limit reads what no question
/// asks for, so that a longer text or an object is another value, not a lost
/// one.
fn is_another_value(loss: Loss, rules: &[Drawn]) -> bool {
    matches!(loss, Loss::Mistyped | Loss::TooLong) && rules.iter().any(|rule| rule.limit == 3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6_000))]

    #[test]
    fn losing_an_input_never_helps((loss, rules, given, lost_a) in case()) {
        prop_assume!(!is_another_value(loss, &rules));
        let (whole, broken) = (policy(&rules, None), policy(&rules, Some(loss)));
        let (before_facts, after_facts) = (facts(given, None, lost_a), facts(given, Some(loss), lost_a));
        let (before, after) = (whole.judge(&before_facts), broken.judge(&after_facts));
        prop_assert!(rank(after.effect) <= rank(before.effect), "{:?} became {:?}", before, after);
        if rank(after.effect) > 0 {
            prop_assert!(limits(&after).is_superset(&limits(&before)), "{:?} became {:?}", before, after);
        }
    }

    /// A layer more never helps either.
    #[test]
    fn another_layer_never_helps((_, above, given, _) in case(), below in prop::collection::vec(drawn(Loss::Tenant), 0..4)) {
        let rename = |id: &str, rules: &[Drawn]| -> Arc<dyn Policy> {
            let rules = rules.iter().enumerate().map(|(at, rule)| rule.build(at, false));
            Arc::new(RulePolicy::new(Model::builder(id).risk(Risk::Write, ["t"]).rules(rules).build().unwrap()))
        };
        let (above, below) = (rename("above", &above), rename("below", &below));
        let one = asqav_policy::Layers::new("one", [above.clone()]).unwrap();
        let two = asqav_policy::Layers::new("two", [above, below]).unwrap();
        let value = |json: &str| asqav_core::call::JsonText::parse(json.to_owned()).unwrap();
        let commit = asqav_core::call::Capture::Commit;
        let call = asqav_core::call::ToolCall::builder("t", "t")
            .text("a", value(given.a), commit)
            .text("b", value(given.b), commit)
            .build();
        let agent = asqav_receipt::id::AgentId::parse("agent").unwrap();
        let now = Timestamp::parse_rfc3339("2026-04-06T10:00:00Z").unwrap();
        let decide = |policy: &dyn Policy| {
            let decision = policy.decide(&asqav_core::policy::PolicyInput::new(&agent, &call, None, now));
            let rank = match decision.effect {
                asqav_core::policy::Effect::Allow => 2,
                asqav_core::policy::Effect::NeedsApproval { .. } => 1,
                _ => 0,
            };
            (rank, decision.charges.into_iter().map(|charge| charge.key).collect::<BTreeSet<_>>())
        };
        let ((before, charged), (after, also)) = (decide(&one), decide(&two));
        prop_assert!(after <= before);
        prop_assert!(after == 0 || also.is_superset(&charged));
    }
}
