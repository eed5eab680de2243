use std::time::Duration;

use asqav_core::call::ToolCall;
use asqav_receipt::id::AgentId;
use asqav_receipt::time::Timestamp;

use super::*;
use crate::{Rule, RuleEffect, RulePolicy, arg};

const EFFECTS: [RuleEffect; 3] = [RuleEffect::Deny, RuleEffect::Approve, RuleEffect::Allow];
/// A rule's condition on the argument `x`, which is 1: false, unknown, true.
const STANDINGS: [&str; 3] = ["false", "unknown", "true"];

/// One rule of a layer by its effect and what becomes of its condition.
type Kind = (RuleEffect, &'static str);

fn layer(id: &str, rules: &[Kind]) -> RulePolicy {
    let rules = rules.iter().enumerate().map(|(at, &(effect, standing))| {
        let name = format!("{id}-{at}");
        let when = match standing {
            "true" => arg("/x").equals(1),
            "false" => arg("/x").equals(2),
            _ => arg("/x").equals("mistyped"),
        };
        match effect {
            RuleEffect::Allow => Rule::allow(name).rate(5, Duration::from_secs(60)),
            RuleEffect::Approve => Rule::approve(name),
            RuleEffect::Deny => Rule::deny(name),
        }
        .tools(["t"])
        .when(when)
    });
    RulePolicy::from_rules(id, rules).unwrap()
}

/// 0 for deny, 1 for approval, 2 for allow.
fn rank(effect: &Effect) -> usize {
    match effect {
        Effect::Allow => 2,
        Effect::NeedsApproval { .. } => 1,
        _ => 0,
    }
}

/// What one layer says, by the law in words: the most that a rule grants,
/// capped by the least that a rule which holds or is unknown leaves over.
fn expected(rules: &[Kind]) -> usize {
    let rank = |effect: RuleEffect| EFFECTS.iter().position(|&other| other == effect).unwrap();
    let grant =
        rules.iter().filter(|(_, standing)| *standing == "true").map(|&(effect, _)| rank(effect)).max();
    let cap =
        rules.iter().filter(|(_, standing)| *standing != "false").map(|&(effect, _)| rank(effect)).min();
    grant.unwrap_or(0).min(cap.unwrap_or(2))
}

fn decide(policy: &dyn Policy) -> Decision {
    let agent = AgentId::parse("agent").unwrap();
    let call = ToolCall::builder("t", "test:call").argument("x", &1).build();
    policy.decide(&PolicyInput::new(&agent, &call, None, Timestamp::from_unix_micros(0).unwrap()))
}

/// Every choice of at most two rules.
fn layers_of_two() -> Vec<Vec<Kind>> {
    let kinds: Vec<Kind> =
        EFFECTS.iter().flat_map(|&effect| STANDINGS.map(|standing| (effect, standing))).collect();
    let mut all = vec![Vec::new()];
    for &one in &kinds {
        all.push(vec![one]);
        all.extend(kinds.iter().map(|&two| vec![one, two]));
    }
    all
}

/// All effects, layers and three-valued inputs: every pair of layers of up to
/// two rules each, and every triple of layers of one rule.
#[test]
fn truth_table_of_effects_layers_and_inputs() {
    let two = layers_of_two();
    assert_eq!(two.len(), 1 + 9 + 81);
    let first: Vec<_> = two.iter().map(|rules| Arc::new(layer("a", rules)) as Arc<dyn Policy>).collect();
    let second: Vec<_> = two.iter().map(|rules| Arc::new(layer("b", rules)) as Arc<dyn Policy>).collect();
    for (above, rules_above) in first.iter().zip(&two) {
        for (below, rules_below) in second.iter().zip(&two) {
            check(&[above, below], &[rules_above, rules_below]);
        }
    }
    let third: Vec<_> = two.iter().map(|rules| Arc::new(layer("c", rules)) as Arc<dyn Policy>).collect();
    let single = || (0..two.len()).filter(|&at| two[at].len() <= 1);
    for one in single() {
        for (two_at, three) in single().flat_map(|other| single().map(move |third| (other, third))) {
            let rules = [&two[one], &two[two_at], &two[three]];
            check(&[&first[one], &second[two_at], &third[three]], &rules);
        }
    }
}

fn check(layers: &[&Arc<dyn Policy>], rules: &[&Vec<Kind>]) {
    let decision = decide(&Layers::new("p", layers.iter().map(|&layer| layer.clone())).unwrap());
    let least = rules.iter().map(|rules| expected(rules)).min().unwrap();
    assert_eq!(rank(&decision.effect), least, "{rules:?}");
    let limited = rules.iter().flat_map(|rules| rules.iter());
    let limits =
        limited.filter(|(effect, stands)| *effect == RuleEffect::Allow && *stands != "false").count();
    assert_eq!(decision.charges.len(), if least == 0 { 0 } else { limits }, "{rules:?}");
}

#[test]
fn the_first_layer_that_denies_is_named() {
    let denies = |id: &str| Arc::new(layer(id, &[(RuleEffect::Deny, "true")])) as Arc<dyn Policy>;
    let empty = Arc::new(layer("e", &[])) as Arc<dyn Policy>;
    let policy = Layers::new("p", [denies("a"), empty.clone(), denies("b")]).unwrap();
    let decision = decide(&policy);
    assert_eq!(decision.rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(), ["a-0"]);
    let Effect::Deny { reason } = decide(&Layers::new("p", [empty, denies("a")]).unwrap()).effect else {
        panic!("two layers that deny allowed");
    };
    assert_eq!(reason.as_str(), "no_rule");
}

#[test]
fn the_layer_that_wants_an_approval_leads() {
    let allows = Arc::new(layer("a", &[(RuleEffect::Allow, "true")])) as Arc<dyn Policy>;
    let asks = Arc::new(layer("b", &[(RuleEffect::Approve, "true")])) as Arc<dyn Policy>;
    for layers in [[allows.clone(), asks.clone()], [asks, allows]] {
        let decision = decide(&Layers::new("p", layers).unwrap());
        assert_eq!(decision.rules.iter().map(|rule| rule.as_str()).collect::<Vec<_>>(), ["b-0", "a-0"]);
    }
}

#[test]
fn the_digest_covers_layers_and_order() {
    let layer = |id: &str, effect| Arc::new(layer(id, &[(effect, "true")])) as Arc<dyn Policy>;
    let (a, b) = (layer("a", RuleEffect::Allow), layer("b", RuleEffect::Allow));
    let digest = |id: &str, layers: &[&Arc<dyn Policy>]| {
        Layers::new(id, layers.iter().map(|&layer| layer.clone())).unwrap().digest()
    };
    let other = layer("b", RuleEffect::Deny);
    let digests =
        [digest("p", &[&a, &b]), digest("p", &[&b, &a]), digest("p", &[&a]), digest("q", &[&a]), a.digest()];
    for (at, one) in digests.iter().enumerate() {
        assert_eq!(digests.iter().filter(|&digest| digest == one).count(), 1, "{at}");
    }
    assert_ne!(digest("p", &[&a, &b]), digest("p", &[&a, &other]));
    assert_eq!(digest("p", &[&a, &b]), digest("p", &[&a, &b]));
}

#[test]
fn layers_that_cannot_be_told_apart_are_refused() {
    let one = || Arc::new(layer("a", &[])) as Arc<dyn Policy>;
    let error = |id: &str, layers: Vec<Arc<dyn Policy>>| Layers::new(id, layers).unwrap_err();
    assert_eq!(error("p", vec![]), LayersError::Empty);
    assert_eq!(error("p", vec![one(), one()]), LayersError::Duplicate(PolicyId::parse("a").unwrap()));
    assert_eq!(error("p", (0..17).map(|_| one()).collect()), LayersError::TooMany(17));
    assert!(matches!(error("", vec![one()]), LayersError::Id(_)));
}
