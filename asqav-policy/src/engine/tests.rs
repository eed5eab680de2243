use std::time::Duration;

use super::*;

const EFFECTS: [RuleEffect; 3] = [RuleEffect::Allow, RuleEffect::Approve, RuleEffect::Deny];
const STANDINGS: [Standing; 4] = [Standing::Aside, Standing::Closed, Standing::Unknown, Standing::Holds];

fn entry(effect: RuleEffect, name: &str) -> Entry {
    let rule = Rule::with_effect(name, effect).tools(["t"]);
    let rule = if effect == RuleEffect::Allow { rule.rate(1, Duration::from_secs(1)) } else { rule };
    (RuleId::parse(name).unwrap(), rule)
}

/// 2 for allow, 1 for approve, 0 for deny.
fn rank(effect: RuleEffect) -> u8 {
    match effect {
        RuleEffect::Allow => 2,
        RuleEffect::Approve => 1,
        RuleEffect::Deny => 0,
    }
}

/// The same law as a lattice: the most that a rule grants, capped by the least
/// that a rule leaves over.
fn expected(rules: &[(RuleEffect, Standing)]) -> u8 {
    let grant = rules.iter().filter(|(_, standing)| *standing == Standing::Holds);
    let cap = rules.iter().filter(|(_, standing)| matches!(standing, Standing::Holds | Standing::Unknown));
    let grant = grant.map(|&(effect, _)| rank(effect)).max().unwrap_or(0);
    grant.min(cap.map(|&(effect, _)| rank(effect)).min().unwrap_or(2))
}

fn rule_on(rules: &[(RuleEffect, Standing)]) -> (u8, Option<Reason>, usize, usize) {
    let entries: Vec<Entry> =
        rules.iter().enumerate().map(|(at, (effect, _))| entry(*effect, &format!("r{at}"))).collect();
    let standings = entries.iter().zip(rules.iter().map(|&(_, standing)| standing)).collect();
    let ruling = Tally(standings).ruling();
    (rank(ruling.effect), ruling.reason, ruling.rules.len(), ruling.limits.len())
}

/// Every choice of at most four rules, each of any effect and standing.
fn all_tables() -> Vec<Vec<(RuleEffect, Standing)>> {
    let kinds: Vec<_> =
        EFFECTS.iter().flat_map(|&effect| STANDINGS.map(|standing| (effect, standing))).collect();
    let mut tables = vec![Vec::new()];
    let mut last = tables.clone();
    for _ in 0..4 {
        last = last
            .iter()
            .flat_map(|table| kinds.iter().map(move |&kind| [table.as_slice(), &[kind]].concat()))
            .collect();
        tables.extend_from_slice(&last);
    }
    tables
}

#[test]
fn truth_table_of_effects_and_standings() {
    let tables = all_tables();
    assert_eq!(tables.len(), 1 + 12 + 144 + 1_728 + 20_736);
    for table in tables {
        let (rank, reason, rules, limits) = rule_on(&table);
        assert_eq!(rank, expected(&table), "{table:?}");
        assert_eq!(reason.is_none(), rank == 2, "{table:?}");
        assert_eq!(rules == 0, reason == Some(Reason::NoRule), "{table:?}");
        let limited = table.iter().filter(|(effect, standing)| {
            *effect == RuleEffect::Allow && matches!(standing, Standing::Holds | Standing::Unknown)
        });
        assert_eq!(limits, if rank == 0 { 0 } else { limited.count() }, "{table:?}");
    }
}

/// A rule whose input is lost becomes unknown: that never helps the call, and
/// never frees it of a limit while it still runs.
#[test]
fn losing_an_input_never_helps() {
    for table in all_tables() {
        let (before, _, _, limits) = rule_on(&table);
        for at in 0..table.len() {
            if table[at].1 == Standing::Closed {
                continue; // a window needs no input
            }
            let mut lost = table.clone();
            lost[at].1 = Standing::Unknown;
            let (after, _, _, limits_after) = rule_on(&lost);
            assert!(after <= before, "{table:?} at {at}");
            assert!(after < 2 || limits_after >= limits, "{table:?} at {at}");
        }
    }
}

#[test]
fn reasons_name_the_cause() {
    use RuleEffect::{Allow, Approve, Deny};
    use Standing::{Aside, Closed, Holds, Unknown};
    for (table, reason) in [
        (vec![], Some(Reason::NoRule)),
        (vec![(Allow, Aside)], Some(Reason::NoRule)),
        (vec![(Deny, Closed)], Some(Reason::NoRule)),
        (vec![(Allow, Closed)], Some(Reason::OutsideWindow)),
        (vec![(Allow, Closed), (Approve, Unknown)], Some(Reason::InputUnusable)),
        (vec![(Allow, Unknown)], Some(Reason::InputUnusable)),
        (vec![(Allow, Holds), (Deny, Unknown)], Some(Reason::InputUnusable)),
        (vec![(Deny, Unknown), (Deny, Holds)], Some(Reason::DeniedByRule)),
        (vec![(Allow, Holds), (Approve, Unknown)], Some(Reason::ApprovalRequired)),
        (vec![(Approve, Holds)], Some(Reason::ApprovalRequired)),
        (vec![(Allow, Holds), (Allow, Unknown)], None),
    ] {
        assert_eq!(rule_on(&table).1, reason, "{table:?}");
    }
}
